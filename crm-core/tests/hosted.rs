//! A caller that is the store itself: what it says of itself, the conformance suite over it, the statements it may ask for.
#![allow(
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]
#![cfg(feature = "store")]

use crm_core::api::host::Host;
use crm_core::crm::block_on;
use crm_core::store::memory::MemoryRepository;
use crm_core::store::repository::Repository;
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// Answers one need from a repository, as a host in another language would.
fn answer(store: &dyn Repository, need: &Value) -> Value {
    fn told<T: serde::Serialize>(result: crm_core::base::error::Result<T>) -> Value {
        match result {
            Ok(value) => json!({"ok": value}),
            Err(error) => json!({"error": error.to_value()}),
        }
    }
    let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned);
    let limit = |of: &Value| usize::try_from(of["limit"].as_u64().unwrap()).unwrap();
    let mut out = if let Some(get) = need.get("get") {
        told(block_on(store.get(&text(get, "tenant").unwrap(), &read::<Vec<_>>(&get["keys"]))).unwrap())
    } else if let Some(find) = need.get("find") {
        told(block_on(store.find(&read(find))).unwrap())
    } else if let Some(commit) = need.get("commit") {
        told(block_on(store.commit(&read(commit))).unwrap())
    } else if let Some(events) = need.get("events") {
        told(
            block_on(store.events(&text(events, "tenant").unwrap(), text(events, "after").as_deref(), limit(events)))
                .unwrap(),
        )
    } else if let Some(due) = need.get("due") {
        told(block_on(store.due(&text(due, "tenant").unwrap(), read(&due["now"]), limit(due))).unwrap())
    } else {
        told(block_on(store.next_due(limit(&need["next_due"]))).unwrap())
    };
    out["id"] = need["id"].clone();
    out
}

fn drive(request: &Value, mut answer: impl FnMut(&Value) -> Value) -> Value {
    let host = Host::new();
    let mut step: Value = serde_json::from_str(&host.begin(&request.to_string())).unwrap();
    while let Some(needs) = step["needs"].as_array() {
        let answers: Vec<Value> = needs.iter().map(&mut answer).collect();
        let handle = u32::try_from(step["handle"].as_u64().unwrap()).unwrap();
        step = serde_json::from_str(&host.resume(handle, &json!(answers).to_string())).unwrap();
    }
    step["done"].clone()
}

fn suite(store: &Value) -> Value {
    json!({"op": "store.conformance", "store": store, "input": {"prefix": "c."}})
}

#[test]
fn a_host_is_put_to_the_promises() {
    let memory = MemoryRepository::new();
    let done = drive(&suite(&json!({})), |need| answer(&memory, need));
    assert_eq!(done["value"]["broken"], json!([]), "{done}");
    assert!(done["value"]["ran"].as_array().unwrap().len() >= 14, "{done}");

    // This host reads bodies and writes them anew, so it must not promise their letters.
    let memory = MemoryRepository::new();
    let exact = drive(&suite(&json!({"exact_text": true})), |need| answer(&memory, need));
    let broken = exact["value"]["broken"].as_array().unwrap();
    assert!(broken.iter().any(|b| b["check"] == "bodies_keep_their_text"), "{exact}");

    let partly = MemoryRepository::new();
    let fewer = drive(&suite(&json!({"executes": ["claims"]})), |need| answer(&partly, need));
    assert_eq!(fewer["value"]["broken"], json!([]), "{fewer}");
    assert!(fewer["value"]["ran"].as_array().unwrap().len() < done["value"]["ran"].as_array().unwrap().len());
}

#[test]
fn a_host_that_breaks_a_promise_is_told() {
    let memory = MemoryRepository::new();
    let done = drive(&suite(&json!({})), |need| {
        let mut need = need.clone();
        if let Some(puts) = need.pointer_mut("/commit/puts").and_then(Value::as_array_mut) {
            // It forgets every second record.
            let mut keep = false;
            puts.retain(|_| {
                keep = !keep;
                keep
            });
        }
        answer(&memory, &need)
    });
    let broken: Vec<&str> =
        done["value"]["broken"].as_array().unwrap().iter().map(|b| b["check"].as_str().unwrap()).collect();
    assert!(broken.contains(&"records_come_back") && !broken.contains(&"timers_fire_once"), "{done}");
}

#[test]
fn what_a_host_does_not_execute_is_refused_before_it_is_asked() {
    let request = json!({"op": "store.conformance", "store": {"executes": []}, "input": {"prefix": "c."}});
    let memory = MemoryRepository::new();
    drive(&request, |need| {
        for part in ["claims", "counters", "allocate", "timers"] {
            assert!(need.pointer(&format!("/commit/{part}")).is_none_or(|given| given == &json!([])), "{need}");
        }
        answer(&memory, need)
    });
}

#[test]
fn a_host_may_ask_for_statements() {
    let context = json!({"now": "2026-01-31T09:00:00Z", "seed": "s"});
    let request = json!({"op": "accounts.create", "context": context, "store": {"sql": "sqlite"}, "input": {"id": "a1", "name": "Steel"}});
    let mut writes = Vec::new();
    let done = drive(&request, |need| {
        writes.push(need["sql"]["write"].as_bool().unwrap());
        let results = need["sql"]["statements"].as_array().unwrap().iter().map(|statement| {
            let markers = statement["text"].as_str().unwrap().matches('?').count();
            assert_eq!(markers, statement["params"].as_array().unwrap().len(), "{statement}");
            match &statement["expect"] {
                Value::String(rows) if rows == "rows" => json!({"rows": []}),
                Value::String(_) => json!({"changed": 0}),
                expect if expect.get("found").is_some() => json!({"rows": []}),
                expect => json!({"changed": expect["changed"]}),
            }
        });
        json!({"id": need["id"], "ok": results.collect::<Vec<_>>()})
    });
    assert_eq!((&done["value"]["name"], writes), (&json!("Steel"), vec![false, true]), "{done}");

    for (results, code) in [
        (json!([{"changed": 0}]), "record_exists"),
        (json!([{"changed": 1}]), "invalid_answer"),
        (json!([{"changed": 0}, {"changed": 1}]), "invalid_answer"),
        (json!([{"rows": []}]), "invalid_answer"),
        (json!([{"rows": [[1.5]]}]), "invalid_answer"),
        (json!("no"), "invalid_answer"),
    ] {
        let transaction = json!({"sql": "sqlite", "in_transaction": true});
        let request = json!({"op": "tasks.create", "context": context, "store": transaction, "input": {"id": "t1", "subject": "Call"}});
        let mut commits = 0;
        let done = drive(&request, |need| {
            let write = need["sql"]["write"] == true;
            commits += u32::from(write);
            let rows = need["sql"]["statements"].as_array().unwrap().iter().map(|_| json!({"rows": []}));
            json!({"id": need["id"], "ok": if write { results.clone() } else { rows.collect() }})
        });
        assert_eq!((done["error"]["code"].as_str(), commits), (Some(code), 1), "{done}");
    }
}

#[test]
fn a_conflict_is_tried_again_outside_a_transaction_alone() {
    for (in_transaction, wanted) in [(false, 3), (true, 1)] {
        let memory = MemoryRepository::new();
        let context = json!({"now": "2026-01-31T09:00:00Z", "seed": "s"});
        let request = json!({"op": "accounts.create", "context": context, "store": {"in_transaction": in_transaction}, "input": {"id": "a1", "name": "Steel"}});
        let mut commits = 0;
        let done = drive(&request, |need| {
            if need.get("commit").is_none() {
                return answer(&memory, need);
            }
            commits += 1;
            json!({"id": need["id"], "error": {"code": "version_conflict", "details": {"kind": "account", "id": "a1"}}})
        });
        assert_eq!((done["error"]["code"].as_str(), commits), (Some("version_conflict"), wanted));
    }
}

#[test]
fn tables_are_given_as_statements() {
    for sql in ["sqlite", "postgres"] {
        let of = |layout: Value| {
            let input = json!({"sql": sql, "layout": layout});
            drive(&json!({"op": "store.tables", "input": input}), |_| unreachable!())
        };
        let new = of(Value::Null);
        let texts = |answer: &Value| answer["value"]["statements"].as_array().unwrap().len();
        let same = of(new["value"]["layout"].clone());
        assert!(texts(&new) > texts(&same) && texts(&same) > 0, "{new} {same}");
        assert_eq!(of(json!(1_000_000))["error"]["code"], "store_from_newer_engine");
    }
    let wrong = drive(&json!({"op": "store.tables", "input": {"sql": "oracle", "layut": 1}}), |_| unreachable!());
    assert_eq!(wrong["error"]["code"], "invalid_request", "{wrong}");
    let oracle = drive(&json!({"op": "store.tables", "input": {"sql": "oracle"}}), |_| unreachable!());
    assert_eq!(oracle["error"]["path"], "input.sql", "{oracle}");
}

#[test]
fn only_a_store_may_say_what_it_is() {
    let host = Host::new();
    let request = json!({"op": "currencies.get", "store": {}, "input": {"code": "USD"}}).to_string();
    let engine = host.attach_memory();
    for text in [host.call(&request), host.call_on(engine, &request), host.decide(&request)] {
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (answer["error"]["code"].as_str(), answer["error"]["path"].as_str()),
            (Some("unknown_field"), Some("store")),
            "{text}"
        );
    }
    let begun: Value = serde_json::from_str(&host.begin(&request)).unwrap();
    assert_eq!(begun["done"]["ok"], true, "{begun}");
    for store in [json!({"sql": "oracle"}), json!({"sqll": "sqlite"}), json!({"executes": ["claim"]}), json!(1)] {
        let request = json!({"op": "currencies.get", "store": store, "input": {"code": "USD"}});
        let begun: Value = serde_json::from_str(&host.begin(&request.to_string())).unwrap();
        assert_eq!(begun["done"]["ok"], false, "{begun}");
        assert!(begun["done"]["error"]["path"].as_str().unwrap().starts_with("store"), "{begun}");
    }
}
