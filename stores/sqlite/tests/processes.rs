//! Several processes at one file: one that is killed, two that write at once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{KINDS, event, folder, now, put, puts, record};
use crm_core::base::change::Expect;
use crm_core::base::id::Id;
use crm_core::base::record::{Body, Key, Record};
use crm_core::store::query::Query;
use crm_core::store::repository::{Committed, Repository};
use crm_store_sqlite::{Durability, Options, SqliteRepository};

const FILE: &str = "CRM_TEST_FILE";

fn patient(file: &Path) -> SqliteRepository {
    let options =
        Options { durability: Durability::Process, busy_timeout: Duration::from_secs(30), ..Options::default() };
    SqliteRepository::open_for(file.to_str().unwrap(), KINDS, options).unwrap()
}

/// Runs one of the ignored tests below in a process of its own.
fn spawn(test: &str, file: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test, "--nocapture"]).env(FILE, file).stdout(Stdio::piped()).spawn().unwrap()
}

/// The file, when this process was started by another test.
fn given_file() -> Option<PathBuf> {
    std::env::var_os(FILE).map(PathBuf::from)
}

#[test]
#[ignore = "the other process of `a_killed_writer_loses_nothing_that_was_acknowledged`"]
fn writes_until_killed() {
    let Some(file) = given_file() else { return };
    let store = patient(&file);
    for n in 0_u32.. {
        let id = format!("d{n}");
        let mut changes = puts(vec![put(record("deal", &id, 1, &[&[1, 2]]), Expect::Absent)]);
        changes.events.push(event(&id));
        now(store.commit(&changes)).unwrap();
        writeln!(std::io::stdout(), "committed {id}").unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    let (_folder, file) = folder();
    let mut child = spawn("writes_until_killed", &file);
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some((_, id)) = line.unwrap().split_once("committed ") {
            acknowledged.push(Key { kind: "deal".to_owned(), id: Id::new(id).unwrap() });
        }
        if acknowledged.len() == 300 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= 300);
    let store = patient(&file);
    assert!(now(store.get("t", &acknowledged)).unwrap().iter().all(Option::is_some));
    let records = now(store.find(&Query::of("t", "deal", usize::MAX))).unwrap().len();
    let events = now(store.events("t", None, usize::MAX)).unwrap().len();
    assert_eq!(records, events, "commits are whole");
}

const COUNTS: u64 = 150;

fn counter() -> Key {
    Key { kind: "deal".to_owned(), id: Id::new("counter").unwrap() }
}

fn counted(version: u64) -> Record {
    Record { body: Body::parse(version.to_string()).unwrap(), ..record("deal", "counter", version, &[]) }
}

#[test]
#[ignore = "the other process of `two_writers_lose_no_update`"]
fn counts_up() {
    let Some(file) = given_file() else { return };
    let store = patient(&file);
    let mut left = COUNTS;
    while left > 0 {
        let found = now(store.get("t", &[counter()])).unwrap().pop().flatten();
        let (version, expect) = found.map_or((1, Expect::Absent), |r| (r.version + 1, Expect::Version(r.version)));
        match now(store.commit(&puts(vec![put(counted(version), expect)]))) {
            Ok(Committed::Done { .. }) => left -= 1,
            Err(error) if ["version_conflict", "record_exists"].contains(&error.code()) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn two_writers_lose_no_update() {
    let (_folder, file) = folder();
    let children = [spawn("counts_up", &file), spawn("counts_up", &file)];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let found = now(patient(&file).get("t", &[counter()])).unwrap();
    assert_eq!(found, vec![Some(counted(2 * COUNTS))]);
}
