//! Somebody else is faster: what changed between a decision and its commit is seen, and what no longer holds is refused.
#![cfg(feature = "store")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use crm_core::api::host::Host;
use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::error::Result;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::memory::MemoryRepository;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use serde_json::{Value, json};

/// A repository in which others commit, once or always, just before we do.
struct Crowded {
    inner: Arc<MemoryRepository>,
    others: Mutex<Vec<(&'static str, Value)>>,
    host: Host,
    engine: u32,
}

impl Crowded {
    fn new(others: Vec<(&'static str, Value)>) -> Self {
        let inner = Arc::new(MemoryRepository::new());
        let host = Host::new();
        let engine = host.attach(inner.clone());
        Crowded { inner, others: Mutex::new(others), host, engine }
    }

    /// Asks for something directly, past the crowd.
    fn directly(&self, op: &str, input: &Value) -> Value {
        ask(&self.host, self.engine, op, input, json!({}))
    }
}

fn ask(host: &Host, engine: u32, op: &str, input: &Value, more: Value) -> Value {
    let mut request = json!({"wire": 1, "op": op, "input": input, "context":
        {"tenant": "main", "now": "2026-01-31T09:00:00Z", "seed": op, "actor": "u1"}});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_str(&host.call_on(engine, &request.to_string())).unwrap()
}

impl Repository for Crowded {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        self.inner.get(tenant, keys)
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.inner.find(query)
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        let other = self.others.lock().unwrap().pop();
        if let Some((op, input)) = other {
            let answer = self.directly(op, &input);
            assert_eq!(answer["ok"], true, "{answer}");
        }
        self.inner.commit(changes)
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        self.inner.events(tenant, after, limit)
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.inner.due(tenant, now, limit)
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.inner.next_due(limit)
    }
}

/// A deal in a store where others do this meanwhile, last first; and the answer to what we ask.
fn meanwhile(others: Vec<(&'static str, Value)>, op: &str, input: Value, more: Value) -> (Value, Value) {
    let crowded = Arc::new(Crowded::new(others));
    let deal = json!({"id": "d1", "name": "Ten laptops", "pipeline": "sales"});
    assert_eq!(crowded.directly("opportunities.create", &deal)["ok"], true);
    let host = Host::new();
    let engine = host.attach(crowded.clone());
    let answer = ask(&host, engine, op, &input, more);
    (answer, crowded.directly("opportunities.get", &json!({"id": "d1"}))["value"].clone())
}

/// The built-in pipeline, but a proposal needs a next step.
fn stricter() -> Value {
    let stages = json!([{"id": "prospecting"}, {"id": "proposal", "requires": ["next_step"]},
        {"id": "won", "kind": "won"}, {"id": "lost", "kind": "lost"}]);
    json!({"config": {"version": 1, "pipelines": [{"id": "sales", "stages": stages}]}})
}

fn rename(to: &str) -> (&'static str, Value) {
    ("opportunities.update", json!({"id": "d1", "name": to}))
}

#[test]
fn a_rule_that_changed_meanwhile_is_applied() {
    let advance = json!({"id": "d1", "to": "proposal"});
    let (alone, _) = meanwhile(Vec::new(), "opportunities.advance", advance.clone(), json!({}));
    assert_eq!(alone["ok"], true, "{alone}");
    let (answer, deal) =
        meanwhile(vec![("config.put", stricter())], "opportunities.advance", advance.clone(), json!({}));
    assert_eq!(answer["error"]["code"], "requirements_not_met", "{answer}");
    assert_eq!(deal["stage"], "prospecting");
    let named = json!({"expect_version": 1});
    let (answer, deal) = meanwhile(vec![("config.put", stricter())], "opportunities.advance", advance, named);
    assert_eq!(answer["error"]["code"], "version_conflict", "who names a version is not decided for anew: {answer}");
    assert_eq!(deal["stage"], "prospecting");
}

#[test]
fn no_update_of_somebody_else_is_lost() {
    let advance = json!({"id": "d1", "to": "proposal"});
    let (answer, deal) = meanwhile(vec![rename("Twelve laptops")], "opportunities.advance", advance.clone(), json!({}));
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(
        (&deal["name"], &deal["stage"], &deal["version"]),
        (&json!("Twelve laptops"), &json!("proposal"), &json!(3))
    );
    let (answer, deal) =
        meanwhile(vec![rename("Twelve laptops")], "opportunities.advance", advance, json!({"expect_version": 1}));
    assert_eq!(answer["error"]["code"], "version_conflict");
    assert_eq!((&deal["name"], &deal["stage"]), (&json!("Twelve laptops"), &json!("prospecting")));
}

#[test]
fn a_move_that_somebody_else_made_is_not_made_twice() {
    let win = ("opportunities.win", json!({"id": "d1"}));
    let (answer, deal) = meanwhile(vec![win.clone()], win.0, win.1.clone(), json!({}));
    assert_eq!(answer["error"]["code"], "already_closed", "{answer}");
    assert_eq!(deal["version"], 2);
}

#[test]
fn after_three_attempts_the_conflict_is_told_as_one_to_repeat() {
    let others = ["a", "b", "c", "d"].map(rename).to_vec();
    let (answer, deal) = meanwhile(others, "opportunities.advance", json!({"id": "d1", "to": "proposal"}), json!({}));
    let error = &answer["error"];
    assert_eq!((&error["code"], &error["retryable"]), (&json!("version_conflict"), &json!(true)), "{answer}");
    assert_eq!((&deal["stage"], &deal["version"]), (&json!("prospecting"), &json!(4)));
}

#[test]
fn a_repeated_key_is_answered_once_though_others_wrote_meanwhile() {
    let advance = json!({"id": "d1", "to": "proposal"});
    let crowded = Arc::new(Crowded::new(vec![rename("Twelve laptops")]));
    crowded.directly("opportunities.create", &json!({"id": "d1", "name": "Ten laptops"}));
    let host = Host::new();
    let engine = host.attach(crowded.clone());
    let key = json!({"idempotency_key": "k1"});
    let first = ask(&host, engine, "opportunities.advance", &advance, key.clone());
    assert_eq!(first["ok"], true, "{first}");
    assert_eq!(ask(&host, engine, "opportunities.advance", &advance, key), first);
    assert_eq!(crowded.directly("opportunities.get", &json!({"id": "d1"}))["value"]["version"], 3);
}
