//! The host's own transaction: its rows and the engine's together, or neither.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{host, open, put, puts, record, schema, url};
use crm_core::base::change::{Allocate, Expect};
use crm_core::base::context::Context;
use crm_core::crm::Crm;
use crm_core::store::query::Query;
use crm_core::store::repository::{Committed, Repository};
use crm_store_postgres::{
    BlockingRepository, Options, PostgresRepository, TransactionRepository, apply_in, in_transaction,
};
use serde_json::json;

fn context() -> Context {
    Context { now: Some("2026-01-31T09:00:00Z".parse().unwrap()), seed: Some("host".to_owned()), ..Context::default() }
}

async fn deals(store: &dyn Repository) -> usize {
    store.find(&Query::of("main", "opportunity", 10)).await.unwrap().len()
}

async fn orders(client: &tokio_postgres::Client) -> i64 {
    client.query_one("SELECT count(*) FROM orders", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_row_of_the_hosts_and_a_deal_are_one() {
    let schema = schema("host");
    let store = PostgresRepository::connect(&url(), common::options(&schema)).await.unwrap();
    let mut client = host(&schema).await;
    client.batch_execute("CREATE TABLE orders(id bigint PRIMARY KEY, deal text NOT NULL)").await.unwrap();
    let deal = serde_json::from_value(json!({"name": "Ten laptops"})).unwrap();

    for is_kept in [false, true] {
        let transaction = client.transaction().await.unwrap();
        let made = in_transaction(&transaction, |repository| {
            let crm = Crm::new(repository).at(context());
            let deal = &deal;
            async move {
                let made = crm.opportunities().create(deal).await?;
                let won = serde_json::from_value(json!({"id": made.value.id})).unwrap();
                // It reads what it wrote.
                assert_eq!(crm.opportunities().win(&won).await?.value.stage, "won");
                Ok::<_, crm_core::base::error::Error>(made.value)
            }
        })
        .await
        .unwrap();
        let id = made.id.to_string();
        transaction.execute("INSERT INTO orders(id, deal) VALUES(1, $1)", &[&id]).await.unwrap();
        assert_eq!(deals(&store).await, 0, "nobody else sees it yet");
        if is_kept {
            transaction.commit().await.unwrap()
        } else {
            transaction.rollback().await.unwrap()
        }
        assert_eq!((deals(&store).await, orders(&client).await), if is_kept { (1, 1) } else { (0, 0) });
    }
    let events = store.events("main", None, 10).await.unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
}

#[tokio::test]
async fn a_refusal_leaves_the_transaction_usable_and_nothing_behind() {
    let schema = schema("refusal");
    let store = open(&schema).await;
    store.commit(&puts(vec![put(record("deal", "z", 1, &[]), Expect::Absent)])).await.unwrap();
    let mut client = host(&schema).await;
    let transaction = client.transaction().await.unwrap();
    let mut refused =
        puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent), put(record("deal", "z", 1, &[]), Expect::Absent)]);
    refused.allocate.push(Allocate { token: 0, scope: "s".to_owned() });
    assert_eq!(apply_in(&transaction, &refused).await.unwrap_err().code(), "record_exists");
    // The host swallows the refusal, goes on and commits.
    let mut good = puts(vec![put(record("deal", "b", 1, &[]), Expect::Absent)]);
    good.allocate.push(Allocate { token: 0, scope: "s".to_owned() });
    let Committed::Done { numbers } = apply_in(&transaction, &good).await.unwrap() else { panic!("replayed") };
    assert_eq!(numbers.values().copied().collect::<Vec<u64>>(), [1], "the refused one took no number");
    let inside = TransactionRepository::new(&transaction);
    assert_eq!(inside.find(&Query::of("t", "deal", 10)).await.unwrap().len(), 2);
    transaction.commit().await.unwrap();
    let ids: Vec<String> =
        store.find(&Query::of("t", "deal", 10)).await.unwrap().iter().map(|r| r.id.to_string()).collect();
    assert_eq!(ids, ["b", "z"]);
}

#[tokio::test]
async fn work_that_is_given_up_half_way_leaves_nothing_behind() {
    let schema = schema("given_up");
    let store = open(&schema).await;
    store.commit(&puts(vec![put(record("deal", "z", 1, &[]), Expect::Absent)])).await.unwrap();
    let blocker = host(&schema).await;
    blocker.batch_execute("BEGIN; SELECT 1 FROM crm_record WHERE id = 'z' FOR UPDATE").await.unwrap();
    let mut client = host(&schema).await;
    let transaction = client.transaction().await.unwrap();
    let stuck = puts(vec![
        put(record("deal", "a", 1, &[]), Expect::Absent),
        put(record("deal", "z", 2, &[]), Expect::Version(1)),
    ]);
    let given_up = tokio::time::timeout(Duration::from_millis(300), apply_in(&transaction, &stuck)).await;
    assert!(given_up.is_err(), "it should wait for the lock: {given_up:?}");
    blocker.batch_execute("COMMIT").await.unwrap();
    apply_in(&transaction, &puts(vec![put(record("deal", "b", 1, &[]), Expect::Absent)])).await.unwrap();
    transaction.commit().await.unwrap();
    let found = store.find(&Query::of("t", "deal", 10)).await.unwrap();
    let found: Vec<(String, u64)> = found.iter().map(|r| (r.id.to_string(), r.version)).collect();
    assert_eq!(found, [("b".to_owned(), 1), ("z".to_owned(), 1)]);
}

#[tokio::test]
async fn a_commit_that_is_given_up_is_rolled_back() {
    let schema = schema("dropped");
    let single = Options { connections: 1, ..common::options(&schema) };
    let store = PostgresRepository::connect_for(&url(), common::KINDS, single).await.unwrap();
    store.commit(&puts(vec![put(record("deal", "z", 1, &[]), Expect::Absent)])).await.unwrap();
    let blocker = host(&schema).await;
    blocker.batch_execute("BEGIN; SELECT 1 FROM crm_record WHERE id = 'z' FOR UPDATE").await.unwrap();
    let stuck = puts(vec![
        put(record("deal", "a", 1, &[]), Expect::Absent),
        put(record("deal", "z", 2, &[]), Expect::Version(1)),
    ]);
    assert!(tokio::time::timeout(Duration::from_millis(300), store.commit(&stuck)).await.is_err());
    blocker.batch_execute("COMMIT").await.unwrap();
    // The only connection is used again.
    store.commit(&puts(vec![put(record("deal", "b", 1, &[]), Expect::Absent)])).await.unwrap();
    let found = store.find(&Query::of("t", "deal", 10)).await.unwrap();
    assert_eq!(found.iter().map(|r| r.id.to_string()).collect::<Vec<_>>(), ["b", "z"]);
}

#[tokio::test]
async fn outside_a_transaction_it_is_refused() {
    let schema = schema("outside");
    let store = open(&schema).await;
    let client = host(&schema).await;
    let changes = puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent)]);
    let error = apply_in(&client, &changes).await.unwrap_err();
    assert_eq!(error.message(), "the store failed: no transaction is open; begin one first");
    assert!(store.find(&Query::of("t", "deal", 10)).await.unwrap().is_empty());
    client.batch_execute("BEGIN").await.unwrap();
    apply_in(&client, &changes).await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.find(&Query::of("t", "deal", 10)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_repository_ends_with_its_transaction() {
    let schema = schema("ended");
    let _tables = open(&schema).await;
    let mut client = host(&schema).await;
    let transaction = client.transaction().await.unwrap();
    let kept = in_transaction(&transaction, |repository| async move { repository }).await;
    let error = kept.find(&Query::of("t", "deal", 10)).await.unwrap_err();
    assert!(error.message().contains("the transaction is over"), "{error}");
}

#[test]
fn a_host_without_tokio_attaches_a_store_that_waits() {
    let store = BlockingRepository::connect(&url(), common::options(&schema("attached"))).unwrap();
    let host = crm_core::api::host::Host::new();
    let engine = host.attach(std::sync::Arc::new(store));
    let request = json!({
        "wire": 1, "op": "opportunities.create",
        "context": {"now": "2026-01-31T09:00:00Z", "seed": "a"}, "input": {"name": "Ten laptops"},
    });
    let answer: serde_json::Value = serde_json::from_str(&host.call_on(engine, &request.to_string())).unwrap();
    assert_eq!(answer["value"]["stage"], "prospecting", "{answer}");
    assert!(host.detach(engine));
}

#[tokio::test]
async fn a_store_that_waits_may_be_used_and_dropped_on_another_runtime() {
    let store = BlockingRepository::connect_for(&url(), common::KINDS, common::options(&schema("inside"))).unwrap();
    store.commit(&puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent)])).await.unwrap();
    assert_eq!(store.find(&Query::of("t", "deal", 10)).await.unwrap().len(), 1);
}
