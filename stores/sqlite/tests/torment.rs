//! Torment: writers that are killed, writers that race, a disk that is full.
//!
//! `CRM_SOAK=1` runs the long forms: 1,000 kills, 8 writers of 10,000 operations each.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{KINDS, event, folder, now, put, puts, record};
use crm_core::base::change::{Allocate, ChangeSet, Claim, Counter, Expect, Idempotency, Timer};
use crm_core::base::id::Id;
use crm_core::base::record::Key;
use crm_core::base::time::Instant;
use crm_core::store::query::Query;
use crm_core::store::repository::{Committed, Repository};
use crm_store_sqlite::{Durability, Options, SqliteRepository};

const FILE: &str = "CRM_TEST_FILE";
const DURABILITY: &str = "CRM_TEST_DURABILITY";
const COUNT: &str = "CRM_TEST_COUNT";

fn soak() -> bool {
    std::env::var_os("CRM_SOAK").is_some()
}

fn patient(file: &Path, durability: Durability) -> SqliteRepository {
    let options = Options { durability, busy_timeout: Duration::from_secs(60), ..Options::default() };
    SqliteRepository::open_for(file.to_str().unwrap(), KINDS, options).unwrap()
}

/// Runs one of the ignored tests below in a process of its own.
fn spawn(test: &str, file: &Path, durability: Durability, count: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test, "--nocapture"]).env(FILE, file).env(COUNT, count.to_string());
    command.env(DURABILITY, durability.name()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The file, the durability and the count, when this process was started by another test.
fn given() -> Option<(PathBuf, Durability, usize)> {
    let file = std::env::var_os(FILE).map(PathBuf::from)?;
    let power = std::env::var(DURABILITY).is_ok_and(|d| d == "power");
    let count = std::env::var(COUNT).ok().and_then(|c| c.parse().ok()).unwrap_or(0);
    Some((file, if power { Durability::Power } else { Durability::Process }, count))
}

fn key(id: &str) -> Key {
    Key { kind: "deal".to_owned(), id: Id::new(id).unwrap() }
}

fn version_of(store: &SqliteRepository, id: &str) -> u64 {
    now(store.get("t", &[key(id)])).unwrap().pop().flatten().map_or(0, |r| r.version)
}

fn expecting(version: u64) -> Expect {
    if version == 0 { Expect::Absent } else { Expect::Version(version) }
}

/// The `n`-th commit: a part of every sort, so that half of it would show.
fn everything(n: u64) -> ChangeSet {
    let mut changes = puts(vec![put(record("deal", "hot", n, &[&[1, 1]]), expecting(n - 1))]);
    for part in ["a", "b"] {
        changes.puts.push(put(record("user", &format!("{part}{n}"), 1, &[&[1, 2]]), Expect::Absent));
        changes.events.push(event(&format!("{part}{n}")));
    }
    let (scope, owner) = ("s".to_owned(), key("hot"));
    changes.claims.push(Claim { scope: scope.clone(), name: format!("c{n}"), owner: owner.clone(), release: false });
    changes.counters.push(Counter { scope: scope.clone(), name: "n".to_owned(), delta: 1, max: None });
    changes.allocate.push(Allocate { token: 0, scope });
    let due = Instant::from_micros(1_700_000_000_000_000);
    changes.timers.push(Timer { key: owner, rule: format!("r{n}"), due, fires: None, failures: 0 });
    let (key, request_hash, response) = (format!("k{n}"), "h".to_owned(), "{}".to_owned());
    changes.idempotency = Some(Idempotency { key, request_hash, response });
    changes
}

#[test]
#[ignore = "the other process of `no_kill_leaves_half_a_commit`"]
fn commits_everything_until_killed() {
    let Some((file, durability, _)) = given() else { return };
    let store = patient(&file, durability);
    for n in version_of(&store, "hot") + 1.. {
        let committed = now(store.commit(&everything(n))).unwrap();
        assert_eq!(committed, Committed::Done { numbers: [(0, n)].into() });
        writeln!(std::io::stdout(), "committed {n}").unwrap();
    }
}

fn no_kill_leaves_half(durability: Durability, kills: usize) {
    let (_folder, file) = folder();
    drop(patient(&file, durability));
    for kill in 0..kills {
        let mut child = spawn("commits_everything_until_killed", &file, durability, 0);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_commit = |line: &String| line.contains("committed ");
        // After some commits, and some part of a commit more.
        let seen = lines.by_ref().map(Result::unwrap).filter(is_commit).take(1 + kill % 5).last();
        std::thread::sleep(Duration::from_micros(u64::try_from(kill * 137 % 3_000).unwrap()));
        child.kill().unwrap();
        let seen = lines.map_while(Result::ok).filter(is_commit).last().or(seen).unwrap();
        child.wait().unwrap();
        let acknowledged: u64 = seen.rsplit(' ').next().unwrap().parse().unwrap();
        let store = patient(&file, durability);
        let n = version_of(&store, "hot");
        assert!(n == acknowledged || n == acknowledged + 1, "{acknowledged} was acknowledged, {n} is there");
        drop(store);
        assert_eq!(counts(&file), [2 * n, 2 * n, n, n, n, n, n], "kill {kill}: as many of each part as commits");
    }
}

/// Users, events, claims, the counter, the series, timers, marks: counted behind the store's back.
fn counts(file: &Path) -> [u64; 7] {
    let connection = rusqlite::Connection::open(file).unwrap();
    [
        "SELECT count(*) FROM crm_record WHERE kind = 'user'",
        "SELECT count(*) FROM crm_event",
        "SELECT count(*) FROM crm_claim",
        "SELECT value FROM crm_counter",
        "SELECT value FROM crm_series",
        "SELECT count(*) FROM crm_timer",
        "SELECT count(*) FROM crm_idem",
    ]
    .map(|text| connection.query_row(text, [], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap())
}

#[test]
fn no_kill_leaves_half_a_commit() {
    let kills = if soak() { 500 } else { 25 };
    no_kill_leaves_half(Durability::Process, kills);
    no_kill_leaves_half(Durability::Power, kills);
    println!("figure: {kills} killed writers at each durability: every acknowledged commit whole, none in part");
}

/// How many hot records, and the names that are raced for.
const HOT: usize = 3;
const NAMES: usize = 40;
const LIMIT: i64 = 500;

#[test]
#[ignore = "the other process of `racing_writers_lose_nothing`"]
fn races() {
    let Some((file, durability, count)) = given() else { return };
    let store = patient(&file, durability);
    let own = std::process::id();
    let (mut updated, mut counted, mut claimed) = ([0_u64; HOT], 0_u64, 0_u64);
    for n in 0..count {
        let hot = (n + usize::try_from(own).unwrap()) % HOT;
        let id = format!("n{own}x{n}");
        loop {
            let version = version_of(&store, &format!("hot{hot}"));
            let record = record("deal", &format!("hot{hot}"), version + 1, &[&[1, 1]]);
            let mut changes = puts(vec![put(record, expecting(version))]);
            let numbered = common::record("user", &id, 1, &[]);
            changes.puts.push(put(numbered, Expect::Absent));
            changes.allocate.push(Allocate { token: 0, scope: "s".to_owned() });
            changes.events.push(event(&id));
            match now(store.commit(&changes)) {
                Ok(Committed::Done { .. }) => break,
                Err(error) if ["version_conflict", "record_exists"].contains(&error.code()) => {}
                other => panic!("{other:?}"),
            }
        }
        updated[hot] += 1;
        let counter = Counter { scope: "s".to_owned(), name: "n".to_owned(), delta: 1, max: Some(LIMIT) };
        match now(store.commit(&ChangeSet { counters: vec![counter], ..puts(Vec::new()) })) {
            Ok(_) => counted += 1,
            Err(error) => assert_eq!(error.code(), "limit_reached"),
        }
        let owner = key(&format!("{own}"));
        let claim = Claim { scope: "s".to_owned(), name: format!("c{}", n % NAMES), owner, release: false };
        match now(store.commit(&ChangeSet { claims: vec![claim], ..puts(Vec::new()) })) {
            Ok(_) if n < NAMES => claimed += 1,
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), "claim_taken"),
        }
    }
    writeln!(std::io::stdout(), "did {} {} {} {counted} {claimed}", updated[0], updated[1], updated[2]).unwrap();
}

/// Reads events to the end, and on until `stop`, noting each record's id in order.
fn follow(file: &Path, stop: &AtomicBool) -> Vec<String> {
    let store = patient(file, Durability::Process);
    let (mut cursor, mut seen) = (None::<String>, Vec::new());
    loop {
        let over = stop.load(Ordering::SeqCst);
        let page = now(store.events("t", cursor.as_deref(), 50)).unwrap();
        if let Some(last) = page.last() {
            cursor = Some(last.cursor.clone());
        } else if over {
            return seen;
        }
        seen.extend(page.into_iter().map(|e| e.event.record_id.as_str().to_owned()));
    }
}

#[test]
fn racing_writers_lose_nothing() {
    let (_folder, file) = folder();
    drop(patient(&file, Durability::Process));
    let count = if soak() { 10_000 } else { 60 };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = [scope.spawn(|| follow(&file, &stop)), scope.spawn(|| follow(&file, &stop))];
        let children: Vec<Child> = (0..8).map(|_| spawn("races", &file, Durability::Process, count)).collect();
        let mut sums = [0_u64; 5];
        for child in children {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{text}");
            let did = text.lines().find_map(|l| l.split_once("did ")).unwrap().1;
            for (sum, part) in sums.iter_mut().zip(did.split(' ')) {
                *sum += part.parse::<u64>().unwrap();
            }
        }
        stop.store(true, Ordering::SeqCst);
        let wanted = 8 * u64::try_from(count).unwrap();
        let store = patient(&file, Durability::Process);
        let versions: Vec<u64> = (0..HOT).map(|hot| version_of(&store, &format!("hot{hot}"))).collect();
        assert_eq!(versions, sums[..HOT], "no update is lost");
        assert_eq!(versions.iter().sum::<u64>(), wanted);
        let users = now(store.find(&Query::of("t", "user", usize::MAX))).unwrap();
        let numbers: BTreeSet<u64> = users.iter().map(|r| r.numbers[&0]).collect();
        assert_eq!(numbers, (1..=wanted).collect(), "each number once, and none missing");
        assert_eq!(sums[3], wanted.min(LIMIT.unsigned_abs()), "the counter ends at its limit");
        assert_eq!(sums[4], NAMES.min(count) as u64, "each name has one owner");
        let ids: BTreeSet<String> = users.iter().map(|r| r.id.as_str().to_owned()).collect();
        let [one, two] = readers.map(|reader| reader.join().unwrap());
        assert_eq!(one, two, "both readers see the same order");
        assert_eq!(one.len(), ids.len(), "no event twice");
        assert_eq!(one.into_iter().collect::<BTreeSet<_>>(), ids, "no event is skipped");
        println!(
            "figure: 8 writers x {count} operations on {HOT} hot records: {wanted} updates and numbers, none lost"
        );
    });
}

#[test]
#[ignore = "the other process of `a_full_disk_is_reported_and_leaves_nothing_half`"]
fn fills_the_disk() {
    let Some((file, durability, _)) = given() else { return };
    let store = patient(&file, durability);
    for n in version_of(&store, "hot") + 1.. {
        if let Err(error) = now(store.commit(&everything(n))) {
            writeln!(std::io::stdout(), "refused {} {}", error.code(), error.message()).unwrap();
            // The store is still good for reading, and what was refused is not there.
            assert_eq!(version_of(&store, "hot"), n - 1);
            return;
        }
    }
}

/// A limit on the size of files stands for the disk: writing beyond it fails as a full disk does, in the middle of a commit.
#[test]
#[cfg(unix)]
fn a_full_disk_is_reported_and_leaves_nothing_half() {
    let (_folder, file) = folder();
    drop(patient(&file, Durability::Process));
    let binary = std::env::current_exe().unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 600; exec '{}' --ignored --exact fills_the_disk --nocapture",
        binary.display()
    );
    let output = Command::new("sh").args(["-c", &script]).env(FILE, &file).env(DURABILITY, "process").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let refused = text.lines().find_map(|l| l.split_once("refused ")).unwrap().1;
    assert!(refused.starts_with("storage_failed ") && refused.contains("check the disk"), "{refused}");
    let store = patient(&file, Durability::Process);
    let n = version_of(&store, "hot");
    assert!(n > 0);
    now(store.commit(&everything(n + 1))).unwrap();
    drop(store);
    let n = n + 1;
    assert_eq!(counts(&file), [2 * n, 2 * n, n, n, n, n, n]);
}
