//! What the tests share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crm_core::base::change::{ChangeSet, Event, Expect, Put};
use crm_core::base::id::Id;
use crm_core::base::record::{Body, KeyBytes, Record};
use crm_core::base::time::Instant;
use crm_core::store::repository::Repository;
use crm_store_sqlite::{Durability, Options, SqliteRepository};
use tempfile::TempDir;

/// The kinds of the tests: each with its number of indexes.
pub const KINDS: &[(&str, usize)] = &[("sample", 3), ("deal", 6), ("user", 2)];

/// The value of a future that completes at once.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a future of an SQLite store completes at once"),
    }
}

/// Opens a file that waits little and syncs little.
pub fn open(file: &Path) -> SqliteRepository {
    try_open(file).unwrap()
}

pub fn try_open(file: &Path) -> crm_core::base::error::Result<SqliteRepository> {
    let options =
        Options { durability: Durability::Process, busy_timeout: Duration::from_millis(50), ..Options::default() };
    SqliteRepository::open_for(file.to_str().unwrap(), KINDS, options)
}

/// A folder for one test, with the name of a file in it.
pub fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deals.db");
    (folder, file)
}

/// Repositories, each in a file of its own in a folder.
pub fn fresh(folder: &TempDir) -> impl FnMut() -> Arc<dyn Repository> {
    let mut count = 0;
    move || {
        count += 1;
        Arc::new(open(&folder.path().join(format!("{count}.db"))))
    }
}

pub fn record(kind: &str, id: &str, version: u64, keys: &[&[u8]]) -> Record {
    let body = Body::parse(format!("{{\"id\":\"{id}\",\"amount\":\"12.50\"}}")).unwrap();
    let keys = keys.iter().map(|k| KeyBytes::from_bytes(k.to_vec())).collect();
    Record {
        kind: kind.to_owned(),
        id: Id::new(id).unwrap(),
        version,
        schema: 1,
        keys,
        body,
        numbers: Default::default(),
    }
}

pub fn put(record: Record, expect: Expect) -> Put {
    Put { record, changed: Default::default(), expect }
}

pub fn puts(puts: Vec<Put>) -> ChangeSet {
    ChangeSet { tenant: "t".to_owned(), puts, ..ChangeSet::default() }
}

pub fn event(id: &str) -> Event {
    let at = Instant::from_micros(1_700_000_000_000_000).unwrap();
    Event {
        kind: "deal.created".to_owned(),
        record_kind: "deal".to_owned(),
        record_id: Id::new(id).unwrap(),
        effective_at: at,
        recorded_at: at,
        actor: Some("u1".to_owned()),
        correlation: None,
        data: serde_json::from_str(r#"{"stage":"qualified","amount":"12.50"}"#).unwrap(),
    }
}
