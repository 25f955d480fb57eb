//! What the tests share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crm_core::base::change::{ChangeSet, Event, Expect, Put};
use crm_core::base::id::Id;
use crm_core::base::record::{Body, KeyBytes, Record};
use crm_core::base::time::Instant;
use crm_core::store::repository::Repository;
use crm_store_postgres::{BlockingRepository, Options, PostgresRepository};

/// The kinds of the tests: each with its number of indexes.
pub const KINDS: &[(&str, usize)] = &[("sample", 3), ("deal", 6), ("user", 2)];

/// The server's address; without one these tests prove nothing, so they fail.
pub fn url() -> String {
    std::env::var("CRM_POSTGRES_URL").expect(
        "these tests need a PostgreSQL server: run `cargo xtask test --only postgres`, \
         or name one in CRM_POSTGRES_URL (they make schemas in it)",
    )
}

/// Whether the long forms are wanted.
pub fn is_soak() -> bool {
    std::env::var_os("CRM_SOAK").is_some()
}

/// A schema that was never used.
pub fn schema(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t_{name}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Options for a schema of the tests. Other tests' transactions hold events back, so readers wait long for them.
pub fn options(schema: &str) -> Options {
    Options {
        schema: Some(schema.to_owned()),
        settle: Duration::from_secs(20),
        busy_timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(20),
        ..Options::default()
    }
}

pub async fn open(schema: &str) -> PostgresRepository {
    PostgresRepository::connect_for(&url(), KINDS, options(schema)).await.unwrap()
}

/// Repositories that wait, each in a schema of its own.
pub fn fresh(name: &'static str) -> impl FnMut() -> Arc<dyn Repository> {
    let options = |schema: &str| Options { connections: 2, ..options(schema) };
    move || Arc::new(BlockingRepository::connect_for(&url(), KINDS, options(&schema(name))).unwrap())
}

/// A connection of a host's own, with the tables of a schema before it.
pub async fn host(schema: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("SET search_path = \"{schema}\"")).await.unwrap();
    client
}

/// The value of a future that completes at once.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a future of a store that waits completes at once"),
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
