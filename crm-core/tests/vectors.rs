//! Runs the golden vectors; with `CRM_BLESS=1` writes what the engine answers into them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "store")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crm_core::api::host::Host;
use crm_core::api::table;
use crm_core::base::codes::Code;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for area in std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        found.extend(
            std::fs::read_dir(area)
                .unwrap()
                .map(|e| e.unwrap().path())
                .filter(|p| p.extension().is_some_and(|x| x == "json")),
        );
    }
    found.sort();
    found
}

fn merged(base: &Value, own: Option<&Value>) -> Value {
    let mut map = base.as_object().cloned().unwrap_or_default();
    map.extend(own.and_then(Value::as_object).cloned().unwrap_or_default());
    Value::Object(map)
}

fn request(file: &Value, step: &Value) -> String {
    let mut out = Map::new();
    out.insert("op".into(), step["op"].clone());
    out.insert("context".into(), merged(&file["context"], step.get("context")));
    if let Some(config) = file.get("config") {
        out.insert("config".into(), config.clone());
    }
    for name in ["input", "wire", "explain", "idempotency_key", "expect_version", "facts", "store"] {
        if let Some(value) = step.get(name) {
            out.insert(name.into(), value.clone());
        }
    }
    Value::Object(out).to_string()
}

fn without_handle(text: &str) -> (Value, Option<u32>) {
    let mut value: Value = serde_json::from_str(text).unwrap();
    let handle = value.as_object_mut().and_then(|m| m.remove("handle")).and_then(|h| h.as_u64());
    (value, handle.map(|h| u32::try_from(h).unwrap()))
}

/// The answer as it is compared, and the text that is hashed.
fn run(host: &Host, engine: u32, file: &Value, step: &Value) -> (Value, String) {
    let text = match step["mode"].as_str().unwrap_or("engine") {
        "engine" => host.call_on(engine, &request(file, step)),
        "pure" => host.call(&request(file, step)),
        "text" => host.call(step["request"].as_str().unwrap()),
        "decide" => host.decide(&request(file, step)),
        "steps" => {
            let mut last = host.begin(&request(file, step));
            let (value, mut handle) = without_handle(&last);
            let mut all = vec![value];
            for answers in step["answers"].as_array().unwrap() {
                last = host.resume(handle.unwrap_or(0), &answers.to_string());
                let (value, next) = without_handle(&last);
                handle = next;
                all.push(value);
            }
            let last = crm_core::base::canonical::canonical(all.last().unwrap().clone()).to_string();
            return (Value::Array(all), last);
        }
        other => panic!("unknown mode {other}"),
    };
    (serde_json::from_str(&text).unwrap(), text)
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Every error code that an answer carries, wherever it stands.
fn codes(value: &Value, found: &mut BTreeMap<String, u64>) {
    match value {
        Value::Object(map) => {
            if let (Some(Value::String(code)), true) =
                (map.get("code"), map.contains_key("message") || map.contains_key("params"))
            {
                *found.entry(code.clone()).or_default() += 1;
            }
            map.values().for_each(|v| codes(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| codes(v, found)),
        _ => {}
    }
}

#[test]
fn every_vector_gives_its_answer() {
    let bless = std::env::var_os("CRM_BLESS").is_some();
    let mut failures = Vec::new();
    let (mut steps, mut operations, mut seen) = (0_u64, BTreeMap::<String, u64>::new(), BTreeMap::new());
    let all = files();
    for path in &all {
        let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let host = Host::new();
        let engine = host.attach_memory();
        for place in 0..file["steps"].as_array().unwrap().len() {
            let step = file["steps"][place].clone();
            let (answer, text) = run(&host, engine, &file, &step);
            steps += 1;
            if let Some(op) = step["op"].as_str().filter(|op| table::find(op).is_some() || *op == "batch") {
                *operations.entry(op.to_owned()).or_default() += 1;
            }
            codes(&answer, &mut seen);
            if bless {
                file["steps"][place]["expect"] = answer;
                file["steps"][place]["sha256"] = json!(hash(&text));
            } else if file["steps"][place]["expect"] != answer || step["sha256"] != json!(hash(&text)) {
                failures.push(format!(
                    "{} step {place}:\n  expected {}\n  answered {text}",
                    path.display(),
                    step["expect"]
                ));
            }
        }
        if bless {
            std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&file).unwrap())).unwrap();
        }
    }
    assert!(failures.is_empty(), "{} of {steps} steps differ\n{}", failures.len(), failures.join("\n"));

    let manifest_path = folder().join("manifest.json");
    let mut manifest: Value = serde_json::from_str(&std::fs::read_to_string(&manifest_path).unwrap()).unwrap();
    let counted = json!({"files": all.len(), "steps": steps, "operations": operations, "codes": seen});
    if bless {
        manifest["counts"] = counted;
        std::fs::write(&manifest_path, format!("{}\n", serde_json::to_string_pretty(&manifest).unwrap())).unwrap();
    } else {
        assert_eq!(manifest["counts"], counted, "the manifest's counts are stale");
    }
    let elsewhere = manifest["elsewhere"].as_object().unwrap();
    for operation in table::operations().map(|o| o.name).chain(["batch"]) {
        assert!(operations.contains_key(operation), "no vector for the operation {operation}");
    }
    for code in Code::ALL.iter().filter(|c| c.kind().is_some()) {
        let here = seen.contains_key(code.name());
        let there = elsewhere.get(code.name()).is_some_and(|e| e["runners"].is_array() && e["why"].is_string());
        assert!(here || there, "no vector for the error code {}", code.name());
        assert!(!(here && there), "{} stands in a vector and elsewhere too", code.name());
    }
}
