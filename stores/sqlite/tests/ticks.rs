//! Ticks on one file: three tickers in processes of their own, after a week in which nobody looked.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use common::folder;
use crm_core::api::host::Host;
use crm_core::base::time::Instant;
use crm_store_sqlite::{Durability, Options, SqliteRepository};
use serde_json::{Value, json};

const FILE: &str = "CRM_TEST_FILE";

fn engine(file: &Path, busy: u64) -> (Host, u32) {
    let options =
        Options { durability: Durability::Process, busy_timeout: Duration::from_millis(busy), ..Options::default() };
    let store = SqliteRepository::open(file.to_str().unwrap(), options).unwrap();
    let host = Host::new();
    let engine = host.attach(Arc::new(store));
    (host, engine)
}

fn at(hours: u32) -> String {
    let start: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    start.plus_seconds(i64::from(hours) * 3600).to_string()
}

fn ask(host: &Host, engine: u32, op: &str, input: &Value, hours: u32, seed: &str) -> Value {
    let request = json!({"op": op, "context": {"now": at(hours), "seed": seed}, "explain": "none", "input": input});
    serde_json::from_str(&host.call_on(engine, &request.to_string())).unwrap()
}

/// One ticker: goes on until nothing is due; a store that is busy is asked again.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn ticker() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    // So short a patience that the tickers do run into each other.
    let (host, engine) = engine(&file, 5);
    let mut fired = 0;
    for round in 0.. {
        let seed = format!("{}-{round}", std::process::id());
        let answer = ask(&host, engine, "timers.tick", &json!({"limit": 20}), 24 * 8, &seed);
        if answer["ok"] == false {
            assert_eq!(answer["error"]["retryable"], true, "{answer}");
            continue;
        }
        assert_eq!(answer["value"]["failed"], 0, "{answer}");
        fired += answer["value"]["fired"].as_u64().unwrap();
        if answer["value"]["more"] == false {
            break;
        }
    }
    println!("fired {fired}");
}

#[test]
fn three_tickers_carry_out_a_week_of_occurrences_once_each() {
    let (_folder, file) = folder();
    let (host, engine) = engine(&file, 60_000);
    let tasks = if std::env::var_os("CRM_SOAK").is_some() { 5_000 } else { 300 };
    let user = ask(&host, engine, "users.create", &json!({"id": "bo", "name": "Bo"}), 0, "user");
    assert_eq!(user["ok"], true, "{user}");
    for n in 0..tasks {
        // Spread over the week; every third is done before anybody is reminded, and some are due in a later week.
        let (remind, due) = (n % 168, if n % 7 == 0 { 1_000 } else { (n * 5) % 168 + 1 });
        let input =
            json!({"id": format!("t{n}"), "subject": "s", "owner": "bo", "remind_at": at(remind), "due_at": at(due)});
        let made = ask(&host, engine, "tasks.create", &input, 0, &format!("task{n}"));
        assert_eq!(made["ok"], true, "{made}");
        if n % 3 == 0 {
            let done = ask(&host, engine, "tasks.complete", &json!({"id": format!("t{n}")}), 0, &format!("done{n}"));
            assert_eq!(done["ok"], true, "{done}");
        }
    }
    let tickers: Vec<_> = (0..3)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--ignored", "--exact", "ticker", "--nocapture"]).env(FILE, &file);
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut fired = 0;
    for ticker in tickers {
        let output = ticker.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        let count = said.lines().find_map(|line| line.split_once("fired ")).unwrap().1;
        fired += count.trim().parse::<usize>().unwrap();
    }

    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let (mut after, mut intents) = (None::<String>, 0);
    loop {
        let input = after.as_ref().map_or(json!({"limit": 1000}), |after| json!({"after": after, "limit": 1000}));
        let page = ask(&host, engine, "events.list", &input, 0, "events")["value"].clone();
        for item in page["items"].as_array().unwrap() {
            let (kind, id) = (item["event"]["kind"].as_str().unwrap(), item["event"]["record_id"].as_str().unwrap());
            intents += usize::from(kind == "intent.created");
            if matches!(kind, "task.reminded" | "task.overdue") {
                *counts.entry((kind.to_owned(), id.to_owned())).or_default() += 1;
            }
        }
        if page["items"].as_array().unwrap().is_empty() {
            break;
        }
        after = page["cursor"].as_str().map(str::to_owned);
    }
    let mut expected = BTreeMap::new();
    for n in (0..tasks).filter(|n| n % 3 != 0) {
        expected.insert(("task.reminded".to_owned(), format!("t{n}")), 1);
        if n % 7 != 0 {
            expected.insert(("task.overdue".to_owned(), format!("t{n}")), 1);
        }
    }
    assert_eq!(counts, expected);
    // A tick that the busy store stopped does not tell what it had carried out before.
    assert!(fired <= expected.len() && fired > 0);
    assert_eq!(intents, expected.keys().filter(|(kind, _)| kind == "task.reminded").count());
    println!("figure: 3 tickers after a week: {} occurrences, each once", expected.len());
}
