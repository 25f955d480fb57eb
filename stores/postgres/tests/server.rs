//! The server and its tables: who may open them, and what is said when they cannot be opened.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{KINDS, event, host, open, options, put, puts, record, schema, url};
use crm_core::base::change::{ChangeSet, Expect};
use crm_core::base::error::Error;
use crm_core::store::query::{Query, Test};
use crm_core::store::repository::Repository;
use crm_store_postgres::{Durability, Options, PostgresRepository, config_of};

async fn refusal(url: &str, options: Options) -> Error {
    match PostgresRepository::connect_for(url, KINDS, options).await {
        Ok(_) => panic!("it should not open"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_newer_layout_is_refused_and_left_as_it_is() {
    let schema = schema("newer");
    drop(open(&schema).await);
    let client = host(&schema).await;
    client.batch_execute("UPDATE crm_meta SET value = 99 WHERE name = 'layout'").await.unwrap();
    let error = refusal(&url(), options(&schema)).await;
    assert_eq!(error.code(), "store_from_newer_engine");
    assert_eq!(error.message(), "the database has layout 99, this engine knows up to 2: upgrade the engine");
    let row = client.query_one("SELECT value FROM crm_meta WHERE name = 'layout'", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 99);
}

#[tokio::test]
async fn tables_of_the_first_layout_are_brought_up_to_date() {
    let schema = schema("older");
    let store = open(&schema).await;
    let mut changes = puts(vec![put(record("deal", "a", 1, &[&[1, 7]]), Expect::Absent)]);
    changes.events.push(event("a"));
    store.commit(&changes).await.unwrap();
    drop(store);
    let client = host(&schema).await;
    // What the second layout added.
    for table in ["crm_record", "crm_event", "crm_idem"] {
        client.batch_execute(&format!("ALTER TABLE {table} DROP COLUMN alloc")).await.unwrap();
    }
    client
        .batch_execute("DROP TABLE crm_claim, crm_counter, crm_series, crm_timer; DROP INDEX crm_deal_k1")
        .await
        .unwrap();
    client.batch_execute("UPDATE crm_meta SET value = 1 WHERE name = 'layout'").await.unwrap();
    let store = open(&schema).await;
    assert_eq!(store.find(&Query::of("t", "deal", 10)).await.unwrap().len(), 1);
    assert_eq!(store.events("t", None, 10).await.unwrap().len(), 1);
    assert!(store.next_due(10).await.unwrap().is_empty());
    let text = "SELECT count(*) FROM pg_indexes WHERE schemaname = $1 AND indexname = 'crm_deal_k1'";
    let row = client.query_one(text, &[&schema]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_a_new_database_at_once() {
    let schema = schema("first");
    let opened = (0..8).map(|_| {
        let schema = schema.clone();
        tokio::spawn(async move { open(&schema).await })
    });
    let stores = futures_util::future::join_all(opened).await;
    let stores: Vec<Arc<PostgresRepository>> = stores.into_iter().map(|s| Arc::new(s.unwrap())).collect();
    for (n, store) in stores.iter().enumerate() {
        store.commit(&puts(vec![put(record("deal", &n.to_string(), 1, &[]), Expect::Absent)])).await.unwrap();
    }
    assert_eq!(stores[0].find(&Query::of("t", "deal", 10)).await.unwrap().len(), 8);
}

#[tokio::test]
async fn the_address_names_the_schema() {
    let schema = schema("by_address");
    host("public").await.batch_execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
    let address = format!("{}?options=-csearch_path%3D{schema}", url());
    let unnamed = Options { schema: None, ..options("") };
    let store = PostgresRepository::connect_for(&address, KINDS, unnamed).await.unwrap();
    store.commit(&puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent)])).await.unwrap();
    let found = host(&schema).await.query_one("SELECT count(*) FROM crm_record", &[]).await.unwrap();
    assert_eq!(found.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why_and_keeps_the_password() {
    let wrong = url().replacen("crm:", "crm:secret-", 1);
    let error = refusal(&wrong, options("x")).await;
    assert_eq!(error.code(), "storage_unavailable");
    assert!(error.message().contains("password authentication failed") && !error.retryable(), "{error}");
    let nobody = "postgres://crm:secret@127.0.0.1:1/postgres";
    let error = refusal(nobody, options("x")).await;
    assert!(error.message().contains("check its address and that it runs") && error.retryable(), "{error}");
    for bad in ["mysql://crm:secret@host/x", "postgres://crm:secret@host:port/x", "deals.db"] {
        let error = config_of(bad).unwrap_err();
        assert_eq!(error.code(), "unsupported_url");
        assert!(error.message().contains("postgres://USER:PASSWORD@HOST:PORT/DATABASE"), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_lock_that_does_not_come_free_is_said() {
    let schema = schema("locked");
    let impatient = Options { busy_timeout: Duration::from_millis(100), ..options(&schema) };
    let store = PostgresRepository::connect_for(&url(), KINDS, impatient).await.unwrap();
    store.commit(&puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent)])).await.unwrap();
    let other = host(&schema).await;
    other.batch_execute("BEGIN; SELECT 1 FROM crm_record FOR UPDATE").await.unwrap();
    let change = puts(vec![put(record("deal", "a", 2, &[]), Expect::Version(1))]);
    let error = store.commit(&change).await.unwrap_err();
    assert!(error.code() == "storage_locked" && error.retryable(), "{error}");
    other.batch_execute("ROLLBACK").await.unwrap();
    store.commit(&change).await.unwrap();
}

#[tokio::test]
async fn events_wait_for_open_transactions_that_began_before_them() {
    let schema = schema("horizon");
    let hasty = Options { settle: Duration::ZERO, ..options(&schema) };
    let store = PostgresRepository::connect_for(&url(), KINDS, hasty).await.unwrap();
    let mut slow = host(&schema).await;
    let early = |id: &str| ChangeSet { events: vec![event(id)], ..puts(Vec::new()) };
    let transaction = slow.transaction().await.unwrap();
    crm_store_postgres::apply_in(&transaction, &early("slow")).await.unwrap();
    store.commit(&early("quick")).await.unwrap();
    // The quick one is committed, but a reader that saw it would skip the slow one.
    assert!(store.events("t", None, 10).await.unwrap().is_empty());
    transaction.commit().await.unwrap();
    let patient = open(&schema).await;
    let seen = patient.events("t", None, 10).await.unwrap();
    assert_eq!(seen.iter().map(|e| e.event.record_id.as_str()).collect::<Vec<_>>(), ["slow", "quick"]);
    for bad in ["", "7", "7.", ".7", "-1.2", "a.b"] {
        assert_eq!(store.events("t", Some(bad), 10).await.unwrap_err().code(), "invalid_cursor", "{bad}");
    }
}

/// As after a dump was read into a server whose transactions are numbered from the beginning.
#[tokio::test]
async fn events_go_on_after_a_move_to_another_server() {
    let schema = schema("moved");
    let store = open(&schema).await;
    let one = |id: &str| ChangeSet { events: vec![event(id)], ..puts(Vec::new()) };
    store.commit(&one("old")).await.unwrap();
    drop(store);
    host(&schema).await.batch_execute("UPDATE crm_event SET xid = xid + 1000000").await.unwrap();
    let store = open(&schema).await;
    let old = store.events("t", None, 10).await.unwrap();
    assert_eq!(old.len(), 1);
    store.commit(&one("new")).await.unwrap();
    let new = store.events("t", Some(&old[0].cursor), 10).await.unwrap();
    assert_eq!(new.iter().map(|e| e.event.record_id.as_str()).collect::<Vec<_>>(), ["new"]);
}

#[tokio::test]
async fn a_page_is_read_from_the_index_of_its_kind() {
    let schema = schema("plan");
    let store = open(&schema).await;
    let rows = |from: u32| {
        let row = |n: u32| {
            put(record("deal", &format!("d{n}"), 1, &[&[1, (n % 50) as u8], &n.to_be_bytes()]), Expect::Absent)
        };
        puts((from..from + 1000).map(row).collect())
    };
    for thousand in 0..5 {
        store.commit(&rows(thousand * 1000)).await.unwrap();
    }
    // The store had the server look at how many there are, while they grew.
    let client = host(&schema).await;
    let text = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'crm_record'::regclass";
    let known: i64 = client.query_one(text, &[]).await.unwrap().get(0);
    assert!(known >= 4_000, "{known}");
    let mut query = Query::of("t", "deal", 50);
    query.order = Some(1);
    query.tests.push(Test::Prefix { index: 1, prefix: crm_core::base::record::KeyBytes::from_bytes(vec![0]) });
    let text = crm_core::store::sql::Dialect::Postgres.find(&query).unwrap().unwrap().text;
    let bound = text
        .replace("$1::text", "'t'")
        .replace("$2::bytea", "'\\x00'")
        .replace("$3::bytea", "'\\x01'")
        .replace("$4::int8", "50");
    let plan = client.query(&format!("EXPLAIN {bound}"), &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("crm_deal_k2") && !plan.contains("Sort"), "{plan}");
    assert_eq!(store.find(&query).await.unwrap().len(), 50);
}

#[tokio::test]
async fn durability_is_what_the_server_keeps() {
    let client = host("public").await;
    let fsync: String = client.query_one("SHOW fsync", &[]).await.unwrap().get(0);
    let store = open(&schema("durable")).await;
    assert_eq!(store.capabilities().durability, if fsync == "on" { "power" } else { "process" });
    let quick = Options { durability: Durability::Process, ..options(&schema("quick")) };
    let store = PostgresRepository::connect_for(&url(), KINDS, quick).await.unwrap();
    assert_eq!(store.capabilities().durability, "process");
}
