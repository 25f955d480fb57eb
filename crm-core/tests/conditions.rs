//! Conditions over stores: random ones answered as brute force does, sessions' own writes among what is found, long searches that end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]
#![cfg(feature = "store")]

use std::sync::Arc;

use crm_core::api::host::Host;
use crm_core::base::change::{ChangeSet, Expect, Put};
use crm_core::base::id::Id;
use crm_core::crm::block_on;
use crm_core::store::memory::MemoryRepository;
use crm_core::store::repository::Repository;
use crm_core::store::search::SCAN;
use crm_core::store::searches::run;
use serde_json::{Value, json};

#[test]
fn memory_answers_as_brute_force() {
    let rounds = if std::env::var_os("CRM_SOAK").is_some() { 50_000 } else { 200 };
    for seed in 0..2 {
        let done = block_on(run(&MemoryRepository::new(), "t", seed, 90, rounds)).unwrap().unwrap();
        assert!(done.is_kept(), "{} of {done:?}", done.broken.len());
    }
}

#[test]
fn nothing_changes_when_letters_are_folded_twice() {
    for letter in '\0'..=char::MAX {
        let once = crm_core::base::text::fold(&letter.to_string());
        assert_eq!(crm_core::base::text::fold(&once), once, "{letter:?}");
    }
}

fn call(host: &Host, engine: u32, op: &str, input: Value) -> Value {
    let context = json!({"now": "2026-01-31T09:00:00Z", "seed": "s"});
    let text = json!({"op": op, "context": context, "input": input}).to_string();
    serde_json::from_str(&host.call_on(engine, &text)).unwrap()
}

#[test]
fn a_search_over_very_many_records_ends() {
    let (host, store) = (Host::new(), Arc::new(MemoryRepository::new()));
    let make = crm_core::crm::kinds::find("user").unwrap().record;
    let user = |n: usize| {
        make(
            &Id::new(&format!("u{n:06}")).unwrap(),
            json!({"name": format!("n{n:06}")}).as_object().unwrap().clone(),
            1,
        )
    };
    let put = |n: usize| Put { record: user(n).unwrap(), changed: Default::default(), expect: Expect::Absent };
    let changes =
        ChangeSet { tenant: "main".to_owned(), puts: (0..SCAN + 10).map(put).collect(), ..ChangeSet::default() };
    block_on(store.commit(&changes)).unwrap().unwrap();
    let engine = host.attach(store);
    let never = json!({"field": "email", "op": "is_set"});
    let answer = call(&host, engine, "users.find", json!({"where": never}));
    assert_eq!(answer["value"]["items"], json!([]));
    assert_eq!(answer["reasons"][0]["code"], "search_cut");
    assert_eq!(answer["reasons"][0]["params"]["read"], json!(SCAN));
    let rest = call(&host, engine, "users.find", json!({"where": never, "cursor": answer["value"]["cursor"]}));
    assert_eq!(rest["value"], json!({"items": []}), "from the cursor the search goes on to its end");
    assert!(rest.get("reasons").is_none(), "{rest}");
    let sorted = call(&host, engine, "users.find", json!({"where": never, "order": {"field": "email"}}));
    assert_eq!(sorted["error"]["code"], "scan_limit_reached");
    let narrow = json!({"field": "name", "op": "starts_with", "value": "n04999"});
    let found = call(&host, engine, "users.find", json!({"where": narrow, "order": {"field": "email"}, "limit": 3}));
    assert_eq!(found["value"]["items"].as_array().unwrap().len(), 3, "{found}");
}
