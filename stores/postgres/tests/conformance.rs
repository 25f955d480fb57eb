//! The repository's promises, kept by PostgreSQL: waiting, awaited, and inside a host's transaction.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{fresh, host, now, open, schema};
use crm_core::store::conformance::{Report, run, run_in};
use crm_store_postgres::in_transaction;

fn kept(report: &Report) {
    assert!(report.is_kept() && report.ran.len() == 15, "{report:?}");
}

#[test]
fn each_promise_in_a_schema_of_its_own() {
    kept(&now(run(fresh("alone"))));
}

#[test]
fn all_promises_in_one_schema() {
    kept(&now(run_in(fresh("together")(), "check.")));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_promises_awaited() {
    kept(&run_in(Arc::new(open(&schema("awaited")).await), "check.").await);
}

/// Inside one transaction everything holds, but events, which are seen when it is over.
#[tokio::test]
async fn all_promises_inside_one_transaction() {
    let schema = schema("within");
    let _tables = open(&schema).await;
    let mut client = host(&schema).await;
    let transaction = client.transaction().await.unwrap();
    let report = in_transaction(&transaction, |repository| run_in(repository, "check.")).await;
    assert!(report.ran.len() == 15, "{report:?}");
    let broken: Vec<&str> = report.broken.iter().map(|b| b.check).collect();
    let about_events = ["repeats_change_nothing", "events_follow_commits", "tenants_are_apart", "numbers_have_no_gaps"];
    assert!(broken.iter().all(|check| about_events.contains(check)), "{report:?}");
    transaction.rollback().await.unwrap();
}
