//! What other versions of the engine wrote: older layouts are read, unknown fields stay, newer ones are refused.
#![cfg(feature = "store")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use crm_core::base::change::{ChangeSet, Expect, Put};
use crm_core::base::context::Context;
use crm_core::base::entity::Entity;
use crm_core::base::error::Error;
use crm_core::base::id::Id;
use crm_core::base::json::{FromJson, ToJson};
use crm_core::base::record::{Body, KeyBytes, Record};
use crm_core::crm::{Crm, block_on};
use crm_core::store::memory::MemoryRepository;
use crm_core::store::repository::Repository;
use serde_json::{Map, Value, json};

/// A kind whose layout changed twice: `title` became `name`, then `size` became a text.
#[derive(Clone, Debug, PartialEq, ToJson, FromJson)]
struct Machine {
    id: Id,
    name: String,
    size: String,
}

impl Entity for Machine {
    const KIND: &'static str = "machine";
    const SCHEMA: u32 = 3;
    const INDEXES: &'static [&'static str] = &[];

    fn id(&self) -> &Id {
        &self.id
    }
    fn version(&self) -> u64 {
        0
    }
    fn set_version(&mut self, _: u64) {}
    fn keys(&self) -> Vec<KeyBytes> {
        Vec::new()
    }
    fn violations(&self) -> Vec<Error> {
        Vec::new()
    }
    fn upcast(from: u32, body: &mut Map<String, Value>) {
        match from {
            1 => {
                if let Some(title) = body.remove("title") {
                    body.insert("name".to_owned(), title);
                }
            }
            _ => {
                if let Some(size) = body.get("size").map(Value::to_string) {
                    body.insert("size".to_owned(), Value::String(size));
                }
            }
        }
    }
}

fn record(kind: &str, id: &str, schema: u32, body: Value) -> Record {
    let body = Body::parse(body.to_string()).unwrap();
    let (kind, id) = (kind.to_owned(), Id::new(id).unwrap());
    Record { kind, id, version: 4, schema, keys: Vec::new(), body, numbers: Default::default() }
}

#[test]
fn each_older_layout_is_brought_up_to_date() {
    let wanted = Machine { id: Id::new("m").unwrap(), name: "Lathe".to_owned(), size: "7".to_owned() };
    for (schema, body) in [
        (1, json!({"id": "m", "title": "Lathe", "size": 7})),
        (2, json!({"id": "m", "name": "Lathe", "size": 7})),
        (3, json!({"id": "m", "name": "Lathe", "size": "7"})),
    ] {
        assert_eq!(Machine::from_record(&record("machine", "m", schema, body)).unwrap(), wanted, "layout {schema}");
    }
    let newer = Machine::from_record(&record("machine", "m", 4, json!({"id": "m"}))).unwrap_err();
    assert_eq!(newer.code(), "record_from_newer_engine");
    let broken = Machine::from_record(&record("machine", "m", 1, json!([1]))).unwrap_err();
    assert_eq!(broken.code(), "corrupt_record");
}

fn engine(records: Vec<Record>) -> (Crm, Arc<MemoryRepository>) {
    let memory = Arc::new(MemoryRepository::new());
    let puts = records.into_iter().map(|record| Put { record, changed: Default::default(), expect: Expect::Absent });
    let changes = ChangeSet { tenant: "main".to_owned(), puts: puts.collect(), ..ChangeSet::default() };
    block_on(memory.commit(&changes)).unwrap().unwrap();
    let now = Some("2026-01-31T09:00:00Z".parse().unwrap());
    let context = Context { now, seed: Some("older".to_owned()), ..Context::default() };
    (Crm::new(memory.clone()).at(context), memory)
}

#[test]
fn fields_of_a_newer_engine_survive_a_change() {
    let body = json!({
        "id": "a1", "name": "Acme", "industry": "retail",
        "rating": {"stars": 4.50, "by": ["x"]}, "zzz": null, "created_at": "2025-01-01T00:00:00Z",
    });
    let (crm, memory) = engine(vec![record("account", "a1", 1, body)]);
    let update = json!({"id": "a1", "name": "Acme Ltd", "industry": null});
    block_on(crm.accounts().update(&serde_json::from_value(update).unwrap())).unwrap().unwrap();
    let stored = memory.dump("main").remove(0);
    assert_eq!(stored.version, 5);
    let body: Value = serde_json::from_str(stored.body.text()).unwrap();
    assert_eq!(body["rating"], json!({"stars": 4.50, "by": ["x"]}));
    assert_eq!(body["zzz"], Value::Null);
    assert_eq!((&body["name"], body.get("industry")), (&json!("Acme Ltd"), None));
    assert!(stored.body.text().contains("4.5"), "{}", stored.body.text());
}

#[test]
fn fields_of_a_newer_engine_survive_two_changes_in_one_batch() {
    let body = json!({"id": "o1", "name": "Deal", "pipeline": "sales", "stage": "prospecting", "status": "open", "later": [1]});
    let (crm, memory) = engine(vec![record("opportunity", "o1", 1, body)]);
    let host = crm_core::api::host::Host::new();
    let handle = host.attach(crm.repository().clone());
    let request = json!({
        "wire": 1, "op": "batch", "context": {"tenant": "main", "now": "2026-01-31T09:00:00Z", "seed": "s"},
        "input": {"requests": [
            {"op": "opportunities.update", "input": {"id": "o1", "next_step": "call"}},
            {"op": "opportunities.update", "input": {"id": "o1", "description": "large"}},
        ]},
    });
    let answer = host.call_on(handle, &request.to_string());
    assert!(answer.starts_with(r#"{"ok":true"#), "{answer}");
    let body: Value = serde_json::from_str(memory.dump("main").remove(0).body.text()).unwrap();
    assert_eq!(
        (&body["later"], &body["next_step"], &body["description"]),
        (&json!([1]), &json!("call"), &json!("large"))
    );
}
