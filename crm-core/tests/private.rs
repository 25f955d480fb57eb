//! Errors go into logs: whatever is refused, what somebody else stored is not in it. What the caller just sent may be repeated.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, missing_docs)]
#![cfg(feature = "store")]

use std::sync::Arc;

use crm_core::api::prepared;
use crm_core::base::change::{ChangeSet, Expect, Put};
use crm_core::base::codes::Code;
use crm_core::base::record::{Body, Record};
use crm_core::crm::block_on;
use crm_core::store::faults::FaultyRepository;
use crm_core::store::memory::MemoryRepository;
use crm_core::store::repository::Repository;
use serde_json::{Value, json};

/// Stands in every text that is stored, and in no request after that.
const PERSON: &str = "Geheimnis";

fn ask_with(store: &dyn Repository, op: &str, input: &Value, more: &Value) -> Value {
    let context = json!({"tenant": "main", "now": "2026-01-31T09:00:00Z", "seed": "s", "actor": "u1"});
    let mut request = json!({"op": op, "context": context, "input": input});
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    serde_json::from_str(&block_on(prepared::call_on(store, &request.to_string())).unwrap()).unwrap()
}

fn ask(store: &dyn Repository, op: &str, input: &Value) -> Value {
    ask_with(store, op, input, &Value::Null)
}

fn filled() -> Arc<MemoryRepository> {
    let store = Arc::new(MemoryRepository::new());
    let config = json!({"version": 1, "pipelines": [{"id": "sales", "stages": [{"id": "lead"}, {"id": "won", "kind": "won"}, {"id": "lost", "kind": "lost"}]}],
        "custom_fields": [{"kind": "account", "id": "tax", "type": "text", "unique": true}]});
    for (op, input) in [
        ("config.put", json!({"config": config})),
        ("users.create", json!({"id": "u1", "name": PERSON, "email": format!("{PERSON}@example.org"), "team": PERSON})),
        ("accounts.create", json!({"id": "a1", "name": PERSON, "owner": "u1", "custom": {"tax": PERSON}})),
        ("products.create", json!({"id": "p1", "name": PERSON, "code": PERSON})),
        (
            "price_books.create",
            json!({"id": "b1", "name": PERSON, "currency": "EUR", "entries": [{"product": "p1", "unit_price": "9.99"}]}),
        ),
        (
            "opportunities.create",
            json!({"id": "d1", "name": PERSON, "account": "a1", "owner": "u1", "product": "p1", "amount": "10.00",
            "currency": "EUR", "expected_close": "2026-02-28", "source": PERSON, "next_step": PERSON, "description": PERSON}),
        ),
        (
            "tasks.create",
            json!({"id": "t1", "subject": PERSON, "owner": "u1", "due_on": "2026-01-30", "remind_at": "2026-01-31T08:00:00Z"}),
        ),
    ] {
        let answer = ask(store.as_ref(), op, &input);
        assert_eq!(answer["ok"], true, "{op}: {answer}");
    }
    store
}

fn is_silent(answer: &Value, about: &str) -> bool {
    let refused = answer["ok"] == false;
    assert!(!refused || !answer.to_string().contains(PERSON), "{about}: {answer}");
    refused
}

/// Requests that read or change each record, none of which names what is stored.
fn requests() -> Vec<(&'static str, Value, Value)> {
    let version = json!({"expect_version": 7});
    vec![
        ("users.update", json!({"id": "u1", "team": "North"}), version.clone()),
        ("users.update", json!({"id": "u1", "name": ""}), Value::Null),
        ("users.update", json!({"id": "u1", "manager": "u1"}), Value::Null),
        ("users.create", json!({"id": "u1", "name": "Bo"}), Value::Null),
        ("users.stand_in", json!({"user": "u1"}), Value::Null),
        ("accounts.update", json!({"id": "a1", "name": "Bolt"}), version.clone()),
        ("accounts.update", json!({"id": "a1", "owner": "u9"}), Value::Null),
        ("accounts.create", json!({"id": "a1", "name": "Bolt"}), Value::Null),
        ("accounts.get", json!({"id": "a1"}), Value::Null),
        ("products.update", json!({"id": "p1", "name": ""}), version.clone()),
        ("price_books.lookup", json!({"price_book": "b1", "products": ["p1", "p9"]}), Value::Null),
        ("opportunities.update", json!({"id": "d1", "amount": "-1"}), Value::Null),
        ("opportunities.update", json!({"id": "d1", "currency": null}), Value::Null),
        ("opportunities.advance", json!({"id": "d1", "to": "lead"}), Value::Null),
        ("opportunities.advance", json!({"id": "d1", "to": "nowhere"}), Value::Null),
        ("opportunities.win", json!({"id": "d1"}), version),
        ("opportunities.reopen", json!({"id": "d1"}), Value::Null),
        ("opportunities.find", json!({"cursor": "0.0.0"}), Value::Null),
        ("opportunities.find", json!({"where": {"field": "naem", "op": "equal", "value": "x"}}), Value::Null),
        ("opportunities.history", json!({"id": "d1"}), Value::Null),
        ("tasks.complete", json!({"id": "t1", "effective_at": "2030-01-01T00:00:00Z"}), Value::Null),
        ("tasks.update", json!({"id": "t1", "subject": ""}), Value::Null),
        ("timers.tick", json!({}), Value::Null),
        ("insight.won_value", json!({}), Value::Null),
    ]
}

#[test]
fn a_refusal_does_not_tell_what_is_stored() {
    let mut refused = 0;
    for (op, input, more) in requests() {
        refused += usize::from(is_silent(&ask_with(filled().as_ref(), op, &input, &more), op));
    }
    assert!(refused >= 15, "only {refused} were refused");
}

#[test]
fn a_failure_of_the_store_does_not_tell_what_is_stored() {
    let mut failed = 0;
    for (op, input, more) in requests() {
        for code in [Code::StorageFailed, Code::StorageLocked, Code::VersionConflict] {
            for call in 1.. {
                let faulty = FaultyRepository::new(filled(), call, code);
                failed += usize::from(is_silent(&ask_with(&faulty, op, &input, &more), op));
                if faulty.calls() < call {
                    break;
                }
            }
        }
    }
    assert!(failed > 100, "only {failed} failed");
}

/// The record with one field of its body in another form.
fn torn(record: &Record, field: &str, value: &Value) -> Record {
    let mut body: Value = serde_json::from_str(record.body.text()).unwrap();
    body[field] = value.clone();
    Record { body: Body::parse(body.to_string()).unwrap(), version: record.version + 1, ..record.clone() }
}

#[test]
fn a_record_that_cannot_be_read_does_not_show_its_values() {
    let mut corrupt = 0;
    for record in filled().dump("main") {
        let body: Value = serde_json::from_str(record.body.text()).unwrap();
        // Pipelines and stages are the configuration's words, which refusals name.
        for field in body.as_object().unwrap().keys().filter(|field| !["pipeline", "stage"].contains(&field.as_str())) {
            for value in [json!(PERSON), json!([PERSON]), json!({"of": PERSON}), json!(7.5), json!(-1)] {
                let store = filled();
                let put = Put {
                    record: torn(&record, field, &value),
                    changed: Default::default(),
                    expect: Expect::Version(record.version),
                };
                let changes = ChangeSet { tenant: "main".to_owned(), puts: vec![put], ..ChangeSet::default() };
                block_on(store.commit(&changes)).unwrap().unwrap();
                for (op, input, more) in requests() {
                    let answer = ask_with(store.as_ref(), op, &input, &more);
                    is_silent(&answer, &format!("{op} with `{field}` of {} as {value}", record.kind));
                    corrupt += usize::from(answer["error"]["code"] == "corrupt_record");
                }
            }
        }
    }
    assert!(corrupt > 500, "only {corrupt} could not be read");
}
