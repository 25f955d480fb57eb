//! Operations over a store that keeps history: every version, as of an instant, proved.
#![cfg(feature = "store")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use crm_core::api::host::Host;
use crm_core::store::history::HistoryRepository;
use crm_core::store::memory::MemoryRepository;
use serde_json::{Value, json};

fn ask(host: &Host, engine: u32, now: &str, op: &str, input: Value) -> Value {
    let context = json!({"tenant": "main", "now": now, "seed": now, "actor": "u1"});
    let request = json!({"wire": 1, "op": op, "context": context, "explain": "none", "input": input});
    let answer: Value = serde_json::from_str(&host.call_on(engine, &request.to_string())).unwrap();
    assert_eq!(answer["ok"], true, "{answer}");
    answer["value"].clone()
}

#[test]
fn every_version_of_a_record_is_kept_and_proved() {
    let host = Host::new();
    let engine = host.attach(Arc::new(HistoryRepository::new(Arc::new(MemoryRepository::new()))));
    let (first, second) = ("2026-01-01T09:00:00Z", "2026-01-08T09:00:00Z");
    ask(&host, engine, first, "opportunities.create", json!({"id": "d1", "name": "Ten laptops"}));
    ask(&host, engine, second, "opportunities.win", json!({"id": "d1"}));
    let of = json!({"kind": "opportunity", "id": "d1"});
    let versions = ask(&host, engine, second, "history.list", of.clone());
    let stages: Vec<(Value, Value)> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let body: Value = serde_json::from_str(entry["body"].as_str().unwrap()).unwrap();
            (entry["at"].clone(), body["stage"].clone())
        })
        .collect();
    assert_eq!(stages, [(json!(first), json!("prospecting")), (json!(second), json!("won"))]);
    assert_eq!(versions["items"][1]["previous"], versions["items"][0]["hash"]);
    let then =
        |at: &str| ask(&host, engine, second, "history.as_of", json!({"kind": "opportunity", "id": "d1", "at": at}));
    assert_eq!(then("2026-01-07T23:59:59Z")["body"]["stage"], "prospecting");
    assert_eq!(then(second)["body"]["stage"], "won");
    assert_eq!(then("2025-12-31T00:00:00Z"), json!({"version": 0}));
    assert_eq!(ask(&host, engine, second, "history.verify", of), json!({"entries": 2}));
    // What the layer writes beside is not seen where records are looked for.
    let found = ask(&host, engine, second, "opportunities.find", json!({}));
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}
