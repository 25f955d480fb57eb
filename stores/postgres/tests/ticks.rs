//! Ticks on one database: three tickers, each with a store of its own, after a week in which nobody looked.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{is_soak, options, schema, url};
use crm_core::api::host::Host;
use crm_core::base::time::Instant;
use crm_store_postgres::{BlockingRepository, Options};
use serde_json::{Value, json};

fn engine(schema: &str) -> (Host, u32) {
    let host = Host::new();
    let store = BlockingRepository::connect(&url(), Options { connections: 2, ..options(schema) }).unwrap();
    let engine = host.attach(Arc::new(store));
    (host, engine)
}

fn at(hours: u32) -> String {
    let start: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    start.plus_seconds(i64::from(hours) * 3600).to_string()
}

fn ask((host, engine): &(Host, u32), op: &str, input: &Value, hours: u32, seed: &str) -> Value {
    let request = json!({"op": op, "context": {"now": at(hours), "seed": seed}, "explain": "none", "input": input});
    let answer: Value = serde_json::from_str(&host.call_on(*engine, &request.to_string())).unwrap();
    assert_eq!(answer["ok"], true, "{op} {input}: {answer}");
    answer["value"].clone()
}

/// Goes on until nothing is due; gives how often it was the one who carried something out.
fn tick(schema: &str, ticker: u32) -> u64 {
    let engine = engine(schema);
    let mut fired = 0;
    for round in 0.. {
        let ticked = ask(&engine, "timers.tick", &json!({"limit": 20}), 24 * 8, &format!("{ticker}-{round}"));
        assert_eq!(ticked["failed"], 0, "{ticked}");
        fired += ticked["fired"].as_u64().unwrap();
        if ticked["more"] == false {
            break;
        }
    }
    fired
}

#[test]
fn three_tickers_carry_out_a_week_of_occurrences_once_each() {
    let schema = schema("week");
    let engine = engine(&schema);
    let tasks: u32 = if is_soak() { 5_000 } else { 200 };
    ask(&engine, "users.create", &json!({"id": "bo", "name": "Bo"}), 0, "user");
    let requests = (0..tasks).map(|n| {
        // Spread over the week; some are due in a later one.
        let (remind, due) = (n % 168, if n % 7 == 0 { 1_000 } else { (n * 5) % 168 + 1 });
        json!({"op": "tasks.create", "input": {"id": format!("t{n}"), "subject": "s", "owner": "bo", "remind_at": at(remind), "due_at": at(due)}})
    });
    let requests: Vec<Value> = requests.collect();
    for (place, page) in requests.chunks(500).enumerate() {
        ask(&engine, "batch", &json!({"requests": page}), 0, &format!("tasks{place}"));
    }
    // Every third is done before anybody is reminded.
    for n in (0..tasks).filter(|n| n % 3 == 0) {
        ask(&engine, "tasks.complete", &json!({"id": format!("t{n}")}), 0, &format!("done{n}"));
    }
    let tickers: Vec<_> = (0..3)
        .map(|ticker| {
            let schema = schema.clone();
            std::thread::spawn(move || tick(&schema, ticker))
        })
        .collect();
    let fired: Vec<u64> = tickers.into_iter().map(|ticker| ticker.join().unwrap()).collect();

    let (mut counts, mut intents, mut after) = (BTreeMap::<(String, String), u32>::new(), 0, Value::Null);
    loop {
        let mut input = json!({"limit": 1000});
        if after.is_string() {
            input["after"] = after.clone();
        }
        let page = ask(&engine, "events.list", &input, 0, "events");
        let items = page["items"].as_array().unwrap();
        for item in items {
            let (kind, id) = (item["event"]["kind"].as_str().unwrap(), item["event"]["record_id"].as_str().unwrap());
            intents += usize::from(kind == "intent.created");
            if matches!(kind, "task.reminded" | "task.overdue") {
                *counts.entry((kind.to_owned(), id.to_owned())).or_default() += 1;
            }
        }
        if items.is_empty() {
            break;
        }
        after = page["cursor"].clone();
    }
    let mut expected = BTreeMap::new();
    for n in (0..tasks).filter(|n| n % 3 != 0) {
        expected.insert(("task.reminded".to_owned(), format!("t{n}")), 1);
        if n % 7 != 0 {
            expected.insert(("task.overdue".to_owned(), format!("t{n}")), 1);
        }
    }
    assert_eq!(counts, expected);
    assert_eq!(intents, expected.keys().filter(|(kind, _)| kind == "task.reminded").count());
    assert_eq!(fired.iter().sum::<u64>(), expected.len() as u64);
    println!("figure: 3 tickers after a week: {} occurrences, each once, as {fired:?}", expected.len());
}
