//! Connections that are cut and servers that are killed while commits are under way: what was acknowledged is there whole, what
//! nobody knows is settled by sending the same key again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{KINDS, event, is_soak, now, options, put, puts, record, schema, url};
use crm_core::base::change::{Allocate, ChangeSet, Counter, Expect, Idempotency};
use crm_core::base::id::Id;
use crm_core::base::record::Key;
use crm_core::store::repository::{Committed, Repository};
use crm_store_postgres::{BlockingRepository, Options};
use tokio_postgres::{Client, NoTls};

const WRITERS: u64 = 4;
const CLIENT: &str = "CRM_TEST_CLIENT";

/// A killed server would disturb the other test.
static ALONE: Mutex<()> = Mutex::new(());

fn connect(schema: &str) -> BlockingRepository {
    let start = Instant::now();
    loop {
        let options = Options { connections: 2, connect_timeout: Duration::from_secs(2), ..options(schema) };
        match BlockingRepository::connect_for(&url(), KINDS, options) {
            Ok(store) => return store,
            // The server is coming up again.
            Err(error) if start.elapsed() < Duration::from_secs(60) => {
                assert!(error.retryable(), "{error}");
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A commit of known content: three records, an event, a number, a count, under a key.
fn known(name: &str) -> ChangeSet {
    let part = |part: &str| put(record("deal", &format!("{name}.{part}"), 1, &[&[1, 2]]), Expect::Absent);
    let mut changes = puts(vec![part("a"), part("b"), part("c")]);
    changes.events.push(event(name));
    changes.allocate.push(Allocate { token: 0, scope: "s".to_owned() });
    changes.counters.push(Counter { scope: "s".to_owned(), name: "n".to_owned(), delta: 1, max: None });
    let (key, request_hash, response) = (name.to_owned(), "h".to_owned(), format!("\"{name}\""));
    changes.idempotency = Some(Idempotency { key, request_hash, response });
    changes
}

/// What was seen while the killing went on.
#[derive(Default)]
struct Seen {
    failures: AtomicU64,
    replayed: AtomicU64,
}

/// Commits until told to stop, each until it is acknowledged; gives the acknowledged numbers.
fn write(schema: &str, writer: u64, stop: &AtomicBool, seen: &Seen) -> BTreeMap<String, u64> {
    let mut acknowledged = BTreeMap::new();
    let mut store = connect(schema);
    for n in 0_u64.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("w{writer}.{n}");
        let changes = known(&name);
        let start = Instant::now();
        loop {
            let outcome = now(store.commit(&changes));
            let numbers = match outcome {
                Ok(Committed::Done { numbers }) => numbers,
                Ok(Committed::Replayed { response, numbers }) => {
                    assert_eq!(response, format!("\"{name}\""));
                    seen.replayed.fetch_add(1, Ordering::SeqCst);
                    numbers
                }
                Err(error) => {
                    assert!(error.retryable(), "{error}");
                    assert!(start.elapsed() < Duration::from_secs(60), "{error}");
                    seen.failures.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(10));
                    continue;
                }
            };
            acknowledged.insert(name, numbers.into_values().next().unwrap());
            break;
        }
        if n % 50 == 49 {
            // A client that goes away in the middle of something: its connections are cut, nothing is waited for.
            store = connect(schema);
        }
    }
    acknowledged
}

/// Everything acknowledged is there once and whole, and nothing else is.
fn check(schema: &str, acknowledged: &BTreeMap<String, u64>) {
    let store = connect(schema);
    let mut keys = Vec::new();
    for name in acknowledged.keys() {
        for part in ["a", "b", "c"] {
            keys.push(Key { kind: "deal".to_owned(), id: Id::new(&format!("{name}.{part}")).unwrap() });
        }
    }
    for (key, found) in keys.iter().zip(now(store.get("t", &keys)).unwrap()) {
        let found = found.unwrap_or_else(|| panic!("{} was acknowledged and is gone", key.id));
        let name = key.id.as_str().rsplit_once('.').unwrap().0;
        assert_eq!(found.numbers.values().next(), acknowledged.get(name), "{name}");
    }
    let total = acknowledged.len();
    let query = crm_core::store::query::Query::of("t", "deal", usize::MAX);
    assert_eq!(now(store.find(&query)).unwrap().len(), total * 3, "no commit is there in part");
    let events = now(store.events("t", None, usize::MAX)).unwrap();
    let named: BTreeSet<&str> = events.iter().map(|e| e.event.record_id.as_str()).collect();
    assert_eq!((events.len(), named.len()), (total, total), "one event each");
    let numbers: BTreeSet<u64> = acknowledged.values().copied().collect();
    assert!(numbers.iter().copied().eq(1..=total as u64), "numbers without gaps or repeats");
    let count = |max| {
        let counter = Counter { scope: "s".to_owned(), name: "n".to_owned(), delta: 1, max: Some(max) };
        ChangeSet { tenant: "t".to_owned(), counters: vec![counter], ..ChangeSet::default() }
    };
    let total = i64::try_from(total).unwrap();
    assert_eq!(now(store.commit(&count(total))).unwrap_err().code(), "limit_reached");
    now(store.commit(&count(total + 1))).unwrap();
}

/// Runs writers while `kill` is called again and again, and checks what they leave behind.
fn torment(schema: &str, kills: u32, mut kill: impl FnMut(u32)) -> (usize, Arc<Seen>) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    drop(connect(schema));
    let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (schema, stop, seen) = (schema.to_owned(), stop.clone(), seen.clone());
            std::thread::spawn(move || write(&schema, writer, &stop, &seen))
        })
        .collect();
    for n in 0..kills {
        kill(n);
    }
    stop.store(true, Ordering::SeqCst);
    let acknowledged: BTreeMap<String, u64> = writers.into_iter().flat_map(|w| w.join().unwrap()).collect();
    check(schema, &acknowledged);
    assert!(seen.failures.load(Ordering::SeqCst) > 0, "no commit was hit: this showed nothing");
    (acknowledged.len(), seen)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn observer() -> Client {
    let start = Instant::now();
    loop {
        match tokio_postgres::connect(&url(), NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(error) => assert!(start.elapsed() < Duration::from_secs(60), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a server that was killed has noticed.
fn wait_for_the_end(runtime: &tokio::runtime::Runtime, client: &Client) {
    let start = Instant::now();
    while runtime.block_on(client.query_one("SELECT 1", &[])).is_ok() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill_process(pid: u32) {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    assert!(name.starts_with("postgres"), "the server is not on this machine: process {pid} is `{}`", name.trim());
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_cut_connection_leaves_nothing_in_part() {
    let (schema, kills) = (schema("cut"), if is_soak() { 1_000 } else { 50 });
    let runtime = runtime();
    let mut observing = None;
    let (commits, seen) = torment(&schema, kills, |n| {
        let client = observing.get_or_insert_with(|| runtime.block_on(observer()));
        // Half of them wherever they are, half while they commit, if one is found doing so.
        let doing = if n % 2 == 0 { "true" } else { "query = 'COMMIT' AND state = 'active'" };
        let text = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'crm-core' AND {doing} ORDER BY random() LIMIT 1"
        );
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(200) {
            std::thread::sleep(Duration::from_millis(3));
            if !runtime.block_on(client.query(&text, &[])).unwrap().is_empty() {
                break;
            }
        }
    });
    let (failures, replayed) = (seen.failures.load(Ordering::SeqCst), seen.replayed.load(Ordering::SeqCst));
    println!(
        "figure: {kills} cut connections: {commits} commits, {failures} failures, {replayed} of them had been carried out"
    );
}

/// A backend that is killed outright takes the whole server down; it recovers from its log.
#[test]
fn a_killed_server_keeps_what_it_acknowledged() {
    let (schema, kills) = (schema("killed"), if is_soak() { 30 } else { 4 });
    let runtime = runtime();
    let (commits, seen) = torment(&schema, kills, |_| {
        std::thread::sleep(Duration::from_millis(300));
        let client = runtime.block_on(observer());
        let text = "SELECT pid FROM pg_stat_activity WHERE application_name = 'crm-core' ORDER BY random() LIMIT 1";
        let rows = runtime.block_on(client.query(text, &[])).unwrap();
        let Some(pid) = rows.first().map(|row| row.get::<_, i32>(0)) else { return };
        kill_process(u32::try_from(pid).unwrap());
        wait_for_the_end(&runtime, &client);
    });
    let (failures, replayed) = (seen.failures.load(Ordering::SeqCst), seen.replayed.load(Ordering::SeqCst));
    println!(
        "figure: {kills} killed backends, with which the server went down: {commits} commits, {failures} failures, {replayed} of them had been carried out"
    );
}

/// The first process of the server, killed outright: nothing is left that could end in order, and another one starts from the log.
#[test]
fn a_killed_postmaster_keeps_what_it_acknowledged() {
    let (schema, kills) = (schema("postmaster"), if is_soak() { 60 } else { 4 });
    assert_eq!(connect(&schema).capabilities().durability, "power", "this server does not wait for its disk");
    let runtime = runtime();
    let (commits, seen) = torment(&schema, kills, |_| {
        std::thread::sleep(Duration::from_millis(300));
        let client = runtime.block_on(observer());
        let row = runtime.block_on(client.query_one("SELECT pg_backend_pid()", &[])).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", row.get::<_, i32>(0))).unwrap();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap();
        kill_process(parent);
        wait_for_the_end(&runtime, &client);
        // Whoever keeps the server starts it again.
        drop(runtime.block_on(observer()));
    });
    let (failures, replayed) = (seen.failures.load(Ordering::SeqCst), seen.replayed.load(Ordering::SeqCst));
    println!(
        "figure: {kills} killed postmasters: {commits} commits, {failures} failures, {replayed} of them had been carried out"
    );
}

#[test]
#[ignore = "the other process of `a_killed_client_leaves_nothing_in_part`"]
fn commits_until_killed() {
    let Ok(given) = std::env::var(CLIENT) else { return };
    let (schema, name) = given.split_once(' ').unwrap();
    let store = connect(schema);
    for n in 0_u64.. {
        let name = format!("{name}.{n}");
        let Committed::Done { numbers } = now(store.commit(&known(&name))).unwrap() else { panic!("{name} was there") };
        writeln!(std::io::stdout(), "committed {name} {}", numbers.into_values().next().unwrap()).unwrap();
    }
}

/// A process that is killed while it commits: what it was told is there, and what it was not told is settled by its key.
#[test]
fn a_killed_client_leaves_nothing_in_part() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (schema, kills) = (schema("client"), if is_soak() { 500 } else { 22 });
    let store = connect(&schema);
    let (mut acknowledged, mut replayed) = (BTreeMap::new(), 0);
    for kill in 0..kills {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "commits_until_killed", "--nocapture"]);
        command.env(CLIENT, format!("{schema} c{kill}")).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
        let mut note = |line: String| {
            if let Some((_, told)) = line.split_once("committed ") {
                let (name, number) = told.split_once(' ').unwrap();
                acknowledged.insert(name.to_owned(), number.parse::<u64>().unwrap());
            }
            line.contains("committed ")
        };
        // After some commits, and some part of a commit more.
        let mut left = 1 + kill % 4;
        while left > 0 {
            left -= usize::from(note(lines.next().expect("the client ended by itself")));
        }
        std::thread::sleep(Duration::from_micros(u64::try_from(kill * 137 % 3_000).unwrap()));
        child.kill().unwrap();
        lines.for_each(|line| {
            note(line);
        });
        child.wait().unwrap();
        // The commit that it was never told of.
        let last = acknowledged.keys().filter_map(|name| name.strip_prefix(&format!("c{kill}.")));
        let name = format!("c{kill}.{}", last.map(|n| n.parse::<u64>().unwrap()).max().unwrap() + 1);
        let number = match now(store.commit(&known(&name))).unwrap() {
            Committed::Done { numbers } => numbers,
            Committed::Replayed { numbers, .. } => {
                replayed += 1;
                numbers
            }
        };
        acknowledged.insert(name, number.into_values().next().unwrap());
    }
    check(&schema, &acknowledged);
    println!("figure: {kills} killed clients: {} commits, {replayed} of them unheard of", acknowledged.len());
}
