//! How SQLite answers what the engine asks: by the declared index, in its order, without sorting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use std::path::Path;
use std::sync::{Arc, Mutex};

use common::folder;
use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::context::Context;
use crm_core::base::error::Result;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::crm::{Crm, block_on};
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use crm_core::store::sql::Dialect;
use crm_store_sqlite::{Options, SqliteRepository};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Notes the queries that reach the store.
struct Asked(SqliteRepository, Mutex<Vec<Query>>);

impl Repository for Asked {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        self.0.get(tenant, keys)
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.1.lock().unwrap().push(query.clone());
        self.0.find(query)
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        self.0.commit(changes)
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        self.0.events(tenant, after, limit)
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.0.due(tenant, now, limit)
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.0.next_due(limit)
    }
}

/// What SQLite says that it does for a query, step by step.
fn plan(file: &Path, query: &Query) -> String {
    let statement = Dialect::Sqlite.find(query).unwrap().unwrap();
    let connection = Connection::open(file).unwrap();
    let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text)).unwrap();
    let steps = explained.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<std::result::Result<Vec<_>, _>>();
    steps.unwrap().join("; ")
}

#[test]
fn a_sorted_page_is_read_from_its_index() {
    let (_folder, file) = folder();
    let store = SqliteRepository::open(file.to_str().unwrap(), Options::default()).unwrap();
    let asked = Arc::new(Asked(store, Mutex::default()));
    let now = Some("2026-02-01T09:00:00Z".parse().unwrap());
    let context = Context { now, seed: Some("plans".to_owned()), ..Context::default() };
    let crm = Crm::new(asked.clone()).at(context);
    for n in 0..40 {
        let day = 1 + n * 7 % 28;
        let request = json!({"id": format!("d{n}"), "name": format!("Deal {n}"), "stage": "proposal", "expected_close": format!("2026-03-{day:02}")});
        block_on(crm.opportunities().create(&serde_json::from_value(request).unwrap())).unwrap().unwrap();
    }
    let by_close = json!({"field": "expected_close"});
    let equal = |field: &str, value: &str| json!({"field": field, "op": "equal", "value": value});
    let cases: [(Value, &str); 6] = [
        (json!({"owner": "u1", "stage": "proposal", "limit": 50}), "crm_opportunity_k2"),
        (json!({"owner": "u1", "stage": "proposal", "order": by_close, "limit": 50}), "crm_opportunity_k2"),
        (
            json!({"where": {"all": [equal("owner", "u1"), equal("stage", "proposal")]}, "order": by_close, "limit": 50}),
            "crm_opportunity_k2",
        ),
        (json!({"stage": "proposal", "limit": 50}), "crm_opportunity_k4"),
        (json!({"owner": "u1", "status": "open", "limit": 50}), "crm_opportunity_k1"),
        (json!({"name_prefix": "deal", "limit": 50}), "crm_opportunity_k5"),
    ];
    for (request, index) in cases {
        block_on(crm.opportunities().find(&serde_json::from_value(request.clone()).unwrap())).unwrap().unwrap();
        let query = asked.1.lock().unwrap().pop().unwrap();
        let plan = plan(&file, &query);
        assert!(plan.contains(&format!("USING INDEX {index} ")) && !plan.contains("TEMP B-TREE"), "{request}: {plan}");
    }
}
