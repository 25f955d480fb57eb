//! The boundary as a binding sees it: texts in, texts out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "store")]

use crm_core::api::host::Host;
use serde_json::{Value, json};

fn ask(host: &Host, engine: u32, op: &str, input: Value) -> Value {
    let context = json!({"now": "2026-01-31T09:00:00Z", "seed": format!("{op}{input}"), "actor": "u1"});
    let request = json!({"op": op, "context": context, "input": input});
    serde_json::from_str(&host.call_on(engine, &request.to_string())).unwrap()
}

#[test]
fn a_deal_goes_from_first_talk_to_won() {
    let host = Host::new();
    let engine = host.attach_memory();
    let account = ask(&host, engine, "accounts.create", json!({"name": "Acme"}));
    let deal = ask(
        &host,
        engine,
        "opportunities.create",
        json!({"name": "Ten laptops", "account": account["value"]["id"], "amount": "100.50", "currency": "USD"}),
    );
    assert_eq!(deal["value"]["stage"], "prospecting");
    let id = &deal["value"]["id"];
    let moved = ask(&host, engine, "opportunities.advance", json!({"id": id, "to": "proposal"}));
    assert_eq!(moved["value"]["probability"], "50");
    let again = ask(&host, engine, "opportunities.advance", json!({"id": id, "to": "propsal"}));
    assert_eq!(
        again["error"]["message"],
        "there is no stage `propsal` in the pipeline `sales`: did you mean `proposal`?"
    );
    let won = ask(&host, engine, "opportunities.win", json!({"id": id, "amount": "90"}));
    assert_eq!((&won["value"]["status"], &won["value"]["version"]), (&json!("won"), &json!(3)));
    let events = ask(&host, engine, "events.list", json!({}));
    let kinds: Vec<&str> =
        events["value"]["items"].as_array().unwrap().iter().map(|e| e["event"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["account.created", "opportunity.created", "opportunity.stage_moved", "opportunity.won"]);
    assert!(host.detach(engine));
    assert_eq!(ask(&host, engine, "events.list", json!({}))["error"]["code"], "unknown_engine");
}

#[test]
fn a_batch_sees_its_own_writes_and_is_all_or_nothing() {
    let host = Host::new();
    let engine = host.attach_memory();
    let good = json!({"requests": [
        {"op": "opportunities.create", "input": {"id": "d1", "name": "One"}},
        {"op": "opportunities.advance", "input": {"id": "d1", "to": "proposal"}},
        {"op": "opportunities.find", "input": {}},
    ]});
    let answer = ask(&host, engine, "batch", good);
    assert_eq!(answer["value"]["results"][2]["value"]["items"][0]["stage"], "proposal", "{answer}");
    let bad = json!({"requests": [
        {"op": "opportunities.create", "input": {"id": "d2", "name": "Two"}},
        {"op": "opportunities.advance", "input": {"id": "d3", "to": "proposal"}},
    ]});
    let answer = ask(&host, engine, "batch", bad);
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["path"]),
        (&json!("record_not_found"), &json!("requests[1].input.id"))
    );
    assert_eq!(ask(&host, engine, "opportunities.get", json!({"id": "d2"}))["error"]["code"], "record_not_found");
}

#[test]
fn a_new_record_that_exists_is_the_first_refusal_though_nobody_looked_for_it() {
    let host = Host::new();
    let engine = host.attach_memory();
    ask(&host, engine, "opportunities.create", json!({"id": "d1", "name": "One"}));
    let again = json!({"op": "opportunities.create", "input": {"id": "d1", "name": "Again"}});
    for after in [
        json!({"op": "opportunities.create", "input": {"id": "d2", "name": "Two"}}),
        json!({"op": "opportunities.create", "input": {"id": "d2", "name": ""}}),
        json!({"op": "opportunities.advance", "input": {"id": "d1", "to": "nowhere"}}),
    ] {
        let answer = ask(&host, engine, "batch", json!({"requests": [again, after]}));
        let said = (&answer["error"]["code"], &answer["error"]["path"]);
        assert_eq!(said, (&json!("record_exists"), &json!("requests[0].input.id")), "{answer}");
    }
    let kept = ask(&host, engine, "opportunities.find", json!({}));
    let names: Vec<&Value> = kept["value"]["items"].as_array().unwrap().iter().map(|deal| &deal["name"]).collect();
    assert_eq!(names, [&json!("One")]);
}

#[test]
fn a_repeated_key_gives_the_first_answer() {
    let host = Host::new();
    let engine = host.attach_memory();
    let request = |name: &str, seed: &str| {
        json!({"op": "accounts.create", "idempotency_key": "k1", "context": {"now": "2026-01-31T09:00:00Z", "seed": seed}, "input": {"name": name}}).to_string()
    };
    let first = host.call_on(engine, &request("Acme", "a"));
    assert_eq!(host.call_on(engine, &request("Acme", "b")), first);
    let other: Value = serde_json::from_str(&host.call_on(engine, &request("Other", "c"))).unwrap();
    assert_eq!(other["error"]["code"], "idempotency_key_reused");
}

#[test]
fn decide_asks_for_what_it_needs() {
    let host = Host::new();
    let ask = |facts: Value| -> Value {
        let request = json!({"op": "opportunities.advance", "context": {"now": "2026-01-31T09:00:00Z"}, "input": {"id": "7", "to": "proposal"}, "facts": facts});
        serde_json::from_str(&host.decide(&request.to_string())).unwrap()
    };
    let mut facts = vec![];
    assert_eq!(ask(json!(facts))["value"]["needs"], json!([{"get": {"kind": "opportunity", "id": "7"}}]));
    facts.push(json!({"kind": "opportunity", "id": "7", "version": 4, "body": {"name": "Deal", "pipeline": "sales", "stage": "prospecting"}}));
    assert_eq!(ask(json!(facts))["value"]["needs"], json!([{"get": {"kind": "configuration", "id": "current"}}]));
    facts.push(json!({"kind": "configuration", "id": "current", "absent": true}));
    let done = &ask(json!(facts))["value"]["done"];
    assert_eq!(done["value"]["stage"], "proposal");
    assert_eq!(done["changes"]["puts"][0]["expect"], json!({"version": 4}));
    assert_eq!(done["changes"]["puts"][0]["changed"]["stage"], "proposal");
    assert_eq!(done["unguarded"], json!([]));
}

#[test]
fn the_step_protocol_answers_as_the_store_does() {
    let host = Host::new();
    let request = json!({"op": "accounts.create", "context": {"now": "2026-01-31T09:00:00Z", "seed": "s"}, "input": {"id": "a1", "name": "Acme"}}).to_string();
    let begun: Value = serde_json::from_str(&host.begin(&request)).unwrap();
    assert_eq!(
        begun["needs"][0]["get"]["keys"],
        json!([{"kind": "configuration", "id": "current"}, {"kind": "account", "id": "a1"}])
    );
    let handle = u32::try_from(begun["handle"].as_u64().unwrap()).unwrap();
    let then: Value = serde_json::from_str(&host.resume(handle, r#"[{"id":0,"ok":[null,null]}]"#)).unwrap();
    assert_eq!(then["needs"][0]["commit"]["puts"][0]["expect"], "absent");
    let done: Value = serde_json::from_str(&host.resume(handle, r#"[{"id":1,"ok":{"done":{}}}]"#)).unwrap();
    assert_eq!(done["done"]["value"]["name"], "Acme", "{done}");
    let gone: Value = serde_json::from_str(&host.resume(handle, "[]")).unwrap();
    assert_eq!(gone["error"]["code"], "unknown_handle");
}
