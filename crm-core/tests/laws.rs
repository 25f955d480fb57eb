//! Laws that hold for every operation: `decide` and the step protocol are the same operation as the one over a store, faults leave
//! nothing half done, and no text makes the boundary panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]
#![cfg(feature = "store")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crm_core::api::host::Host;
use crm_core::api::prepared::{self, Prepared};
use crm_core::api::table::Decides;
use crm_core::base::codes::Code;
use crm_core::base::record::Record;
use crm_core::crm::block_on;
use crm_core::store::faults::FaultyRepository;
use crm_core::store::memory::MemoryRepository;
use crm_core::store::query::Query;
use crm_core::store::repository::Repository;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Every request of every vector that runs over an engine, with the repository as it stood before.
fn each_step(mut with: impl FnMut(&str, &Arc<MemoryRepository>, &Value)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    for area in std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for path in std::fs::read_dir(area).unwrap().map(|e| e.unwrap().path()) {
            let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let store = Arc::new(MemoryRepository::new());
            for step in file["steps"].as_array().unwrap() {
                if !matches!(step["mode"].as_str(), None | Some("engine" | "pure")) {
                    continue;
                }
                let mut context = file["context"].as_object().cloned().unwrap_or_default();
                context.extend(step["context"].as_object().cloned().unwrap_or_default());
                let mut request = json!({"op": step["op"], "context": context});
                for name in ["input", "explain", "expect_version", "idempotency_key"] {
                    if !step[name].is_null() {
                        request[name] = step[name].clone();
                    }
                }
                if let Some(config) = file.get("config") {
                    request["config"] = config.clone();
                }
                with(&path.display().to_string(), &store, &request);
                block_on(prepared::call_on(store.as_ref(), &request.to_string())).unwrap();
            }
        }
    }
}

fn fact(record: &Record) -> Value {
    let body: Value = serde_json::from_str(record.body.text()).unwrap();
    json!({"kind": record.kind, "id": record.id, "version": record.version, "body": body})
}

/// Feeds `decide` from a repository until it is done.
fn decide_from(host: &Host, store: &dyn Repository, request: &Value) -> Value {
    let mut facts: Vec<Value> = Vec::new();
    for _ in 0..20_000 {
        let mut with_facts = request.clone();
        with_facts["facts"] = json!(facts);
        let answer: Value = serde_json::from_str(&host.decide(&with_facts.to_string())).unwrap();
        let Some(needs) = answer["value"]["needs"].as_array() else { return answer };
        for need in needs {
            if let Some(get) = need.get("get") {
                let key = serde_json::from_value(get.clone()).unwrap();
                let tenant = request["context"]["tenant"].as_str().unwrap_or("main");
                let found = block_on(store.get(tenant, &[key])).unwrap().unwrap().remove(0);
                facts.push(
                    found.as_ref().map_or_else(|| json!({"kind": get["kind"], "id": get["id"], "absent": true}), fact),
                );
            } else if let Some(find) = need.get("find") {
                let query: Query = serde_json::from_value(find.clone()).unwrap();
                let records: Vec<Value> = block_on(store.find(&query)).unwrap().unwrap().iter().map(fact).collect();
                facts.push(json!({"need": need["need"], "complete": true, "records": records}));
            } else {
                let asked = &need["events"];
                let limit = usize::try_from(asked["limit"].as_u64().unwrap()).unwrap();
                match block_on(store.events(asked["tenant"].as_str().unwrap(), asked["after"].as_str(), limit)).unwrap()
                {
                    Ok(events) => facts.push(json!({"need": need["need"], "events": events})),
                    Err(error) => return json!({"ok": false, "error": error}),
                }
            }
        }
    }
    panic!("decide never came to an end: {request}");
}

#[test]
fn decide_is_the_operation_itself() {
    let host = Host::new();
    let mut operations = BTreeSet::new();
    each_step(|path, store, request| {
        // Facts know nothing of earlier requests, and a batch of separate commits has no one decision.
        if request["input"]["atomic"] == json!(false) {
            return;
        }
        let mut request = request.clone();
        request.as_object_mut().unwrap().remove("idempotency_key");
        let text = request.to_string();
        let direct = Prepared::read(&text).and_then(|p| block_on(p.decide(store.as_ref())).unwrap());
        let by_facts = decide_from(&host, store.as_ref(), &request);
        match direct {
            Err(error) => assert_eq!(by_facts["error"], error.to_value(), "{path}: {text}"),
            Ok((decision, changes)) => {
                let done = &by_facts["value"]["done"];
                let value: Value = serde_json::from_str(decision.value.get()).unwrap();
                assert_eq!(done["value"], value, "{path}: {text}");
                assert_eq!(done["changes"], serde_json::to_value(&changes).unwrap(), "{path}: {text}");
            }
        }
        operations.insert(request["op"].as_str().unwrap_or_default().to_owned());
    });
    for operation in crm_core::api::table::operations() {
        assert!(operations.contains(operation.name), "the law was not tried for {}", operation.name);
    }
}

#[test]
fn the_table_says_which_decisions_leave_obligations() {
    let mut leave = BTreeSet::new();
    each_step(|path, store, request| {
        let name = request["op"].as_str().unwrap_or_default();
        let text = request.to_string();
        let Ok((_, changes)) = Prepared::read(&text).and_then(|p| block_on(p.decide(store.as_ref())).unwrap()) else {
            return;
        };
        let kept = changes.claims.len() + changes.counters.len() + changes.allocate.len() + changes.timers.len();
        if kept > 0 && name != "batch" {
            let decides = crm_core::api::table::find(name).unwrap().decides;
            assert_eq!(decides, Decides::WithObligations, "{path}: {name} leaves {kept} to the host");
            leave.insert(name.to_owned());
        }
    });
    // No request makes a timer fail five times: `timers/stuck.json` shows what this one leaves.
    leave.insert("timers.retry".to_owned());
    let marked = crm_core::api::table::operations().filter(|o| o.decides == Decides::WithObligations);
    assert_eq!(leave, marked.map(|o| o.name.to_owned()).collect());
}

#[test]
fn the_step_protocol_is_the_operation_itself() {
    let host = Host::new();
    each_step(|path, store, request| {
        let copy = MemoryRepository::new();
        copy_into(store, &copy, request["context"]["tenant"].as_str().unwrap_or("main"));
        let text = request.to_string();
        let mut answer: Value = serde_json::from_str(&host.begin(&text)).unwrap();
        while let Some(handle) = answer["handle"].as_u64() {
            let answers: Vec<Value> =
                answer["needs"].as_array().unwrap().iter().map(|need| serve(store.as_ref(), &copy, need)).collect();
            answer = serde_json::from_str(&host.resume(u32::try_from(handle).unwrap(), &json!(answers).to_string()))
                .unwrap();
        }
        let twin = MemoryRepository::new();
        copy_into(store, &twin, request["context"]["tenant"].as_str().unwrap_or("main"));
        if request["idempotency_key"].is_null() && request["op"] != "events.list" {
            let direct: Value = serde_json::from_str(&block_on(prepared::call_on(&twin, &text)).unwrap()).unwrap();
            assert_eq!(answer["done"], direct, "{path}: {text}");
        }
    });
}

/// Copies the records of a tenant by commits of their own.
fn copy_into(from: &MemoryRepository, to: &MemoryRepository, tenant: &str) {
    use crm_core::base::change::{ChangeSet, Expect, Put, Timer};
    use crm_core::base::time::Instant;
    let puts: Vec<Put> = from
        .dump(tenant)
        .into_iter()
        .map(|record| Put { record, changed: Default::default(), expect: Expect::Absent })
        .collect();
    let timers = block_on(from.due(tenant, Instant::last(), usize::MAX)).unwrap().unwrap();
    let timers = timers.into_iter().map(|timer| Timer {
        key: timer.key,
        rule: timer.rule,
        due: Some(timer.due),
        fires: None,
        failures: timer.failures,
    });
    let timers: Vec<Timer> = timers.collect();
    let changes = ChangeSet { tenant: tenant.to_owned(), puts, timers, ..ChangeSet::default() };
    block_on(to.commit(&changes)).unwrap().unwrap();
}

fn serve(original: &dyn Repository, copy: &dyn Repository, need: &Value) -> Value {
    let id = &need["id"];
    let wrap = |result: Result<Value, crm_core::base::error::Error>| match result {
        Ok(value) => json!({"id": id, "ok": value}),
        Err(error) => {
            json!({"id": id, "error": {"code": error.code(), "details": error.details(), "retryable": error.retryable()}})
        }
    };
    if let Some(get) = need.get("get") {
        let keys: Vec<_> = serde_json::from_value(get["keys"].clone()).unwrap();
        let from =
            if keys.iter().any(|k: &crm_core::base::record::Key| k.kind == "idempotency") { original } else { copy };
        return wrap(block_on(from.get(get["tenant"].as_str().unwrap(), &keys)).unwrap().map(|r| json!(r)));
    }
    if let Some(find) = need.get("find") {
        let query: Query = serde_json::from_value(find.clone()).unwrap();
        return wrap(block_on(copy.find(&query)).unwrap().map(|r| json!(r)));
    }
    if let Some(commit) = need.get("commit") {
        let changes = serde_json::from_str(&commit.to_string()).unwrap();
        return wrap(block_on(copy.commit(&changes)).unwrap().map(|r| json!(r)));
    }
    let limit = |asked: &Value| usize::try_from(asked["limit"].as_u64().unwrap()).unwrap();
    if let Some(due) = need.get("due") {
        let now = due["now"].as_str().unwrap().parse().unwrap();
        return wrap(block_on(copy.due(due["tenant"].as_str().unwrap(), now, limit(due))).unwrap().map(|r| json!(r)));
    }
    if let Some(next) = need.get("next_due") {
        return wrap(block_on(copy.next_due(limit(next))).unwrap().map(|r| json!(r)));
    }
    let asked = &need["events"];
    let limit = limit(asked);
    wrap(
        block_on(original.events(asked["tenant"].as_str().unwrap(), asked["after"].as_str(), limit))
            .unwrap()
            .map(|r| json!(r)),
    )
}

#[test]
fn a_fault_at_any_call_leaves_nothing_half_done() {
    let mut tried = 0;
    each_step(|path, store, request| {
        let tenant = request["context"]["tenant"].as_str().unwrap_or("main").to_owned();
        let before = store.dump(&tenant);
        for call in 1.. {
            let copy = Arc::new(MemoryRepository::new());
            copy_into(store, &copy, &tenant);
            // One that may be tried again, one that may not.
            let code = if call % 2 == 1 { Code::StorageLocked } else { Code::StorageFailed };
            let faulty = FaultyRepository::new(copy.clone(), call, code);
            let text = block_on(prepared::call_on(&faulty, &request.to_string())).unwrap();
            if faulty.calls() < call {
                break;
            }
            tried += 1;
            // Commits of their own: what stands before the fault stays.
            let separate = request["input"]["atomic"] == json!(false) || request["op"] == "timers.tick";
            if !separate {
                let answer: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(answer["error"]["code"], code.name(), "{path}: {request} at call {call}: {text}");
                assert_eq!(answer["error"]["retryable"], code == Code::StorageLocked);
                assert_eq!(copy.dump(&tenant), before, "{path}: {request} at call {call}");
            }
        }
    });
    assert!(tried > 200, "only {tried} faults were tried");
}

/// How a caller that is the store ends an operation at one of its needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It reports a failure that may be tried again.
    Retryable,
    /// It reports a failure in words of its own.
    Final,
    /// It gives up.
    Abort,
}

#[test]
fn an_operation_that_ends_at_any_need_leaves_nothing_and_frees_its_handle() {
    let host = Host::new();
    let mut tried = 0;
    each_step(|path, store, request| {
        let tenant = request["context"]["tenant"].as_str().unwrap_or("main").to_owned();
        let before = store.dump(&tenant);
        // Commits of their own: what stands before the end stays.
        let separate = request["input"]["atomic"] == json!(false) || request["op"] == "timers.tick";
        for place in 1.. {
            let end = [End::Retryable, End::Final, End::Abort][place % 3];
            let copy = MemoryRepository::new();
            copy_into(store, &copy, &tenant);
            let mut asked = 0;
            let mut answer: Value = serde_json::from_str(&host.begin(&request.to_string())).unwrap();
            while let Some(handle) = answer["handle"].as_u64() {
                let handle = u32::try_from(handle).unwrap();
                let answers = answer["needs"].as_array().unwrap().iter().map(|need| {
                    asked += 1;
                    let failed = json!({"code": "EIO", "message": "the disk is gone"});
                    match (asked == place, end) {
                        (false, _) => serve(store.as_ref(), &copy, need),
                        (true, End::Retryable) => json!({"id": need["id"], "error": {"code": "storage_locked"}}),
                        (true, _) => json!({"id": need["id"], "error": failed}),
                    }
                });
                let answers = json!(answers.collect::<Vec<_>>()).to_string();
                let is_given_up = end == End::Abort && asked >= place;
                let text = if is_given_up { host.abort(handle) } else { host.resume(handle, &answers) };
                answer = serde_json::from_str(&text).unwrap();
            }
            assert_eq!(host.running(), 0, "{path}: {request} at need {place}");
            if asked < place {
                break;
            }
            tried += 1;
            if !separate {
                let error = &answer["done"]["error"];
                let (code, retryable) = (error["code"].as_str(), error["retryable"] == true);
                match end {
                    End::Retryable => assert_eq!((code, retryable), (Some("storage_locked"), true), "{path}: {answer}"),
                    End::Final => assert_eq!((code, retryable), (Some("storage_failed"), false), "{path}: {answer}"),
                    End::Abort => assert_eq!(answer, json!({"ok": true}), "{path}"),
                }
                assert_eq!(copy.dump(&tenant), before, "{path}: {request} at need {place}");
            }
        }
    });
    assert!(tried > 200, "only {tried} ends were tried");
}

/// How many cases: as `CRM_CASES` says, else many in the long form of the tests.
fn cases(standard: u32) -> u32 {
    let standard = if std::env::var_os("CRM_SOAK").is_some() { standard.saturating_mul(100) } else { standard };
    std::env::var("CRM_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(standard)
}

/// Every request of the vectors, as the ground for mutations.
fn valid_requests() -> Vec<String> {
    let mut found = Vec::new();
    each_step(|_, _, request| found.push(request.to_string()));
    found
}

#[test]
fn no_text_makes_the_boundary_panic() {
    std::panic::set_hook(Box::new(|_| {}));
    let valid = valid_requests();
    let host = Host::new();
    let engine = host.attach_memory();
    let strategy =
        (0..valid.len(), proptest::collection::vec((any::<prop::sample::Index>(), mutation()), 0..4), any::<bool>());
    let requests = cases(50_000);
    let config = ProptestConfig {
        cases: requests,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&strategy, |(which, mutations, on_engine)| {
        let mut bytes = valid[which].clone().into_bytes();
        for (index, mutation) in mutations {
            apply(&mut bytes, index, mutation);
        }
        let text = String::from_utf8_lossy(&bytes);
        let answers = [if on_engine { host.call_on(engine, &text) } else { host.decide(&text) }, host.call(&text)];
        for answer in answers {
            let value: Value =
                serde_json::from_str(&answer).map_err(|e| TestCaseError::fail(format!("{e}: {answer}")))?;
            prop_assert!(value["ok"].is_boolean(), "{}", answer);
            prop_assert_ne!(&value["error"]["code"], "internal_error", "{} -> {}", text, answer);
        }
        Ok(())
    });
    let _ = std::panic::take_hook();
    outcome.unwrap();
    println!("figure: {requests} mutated requests answered, none with a panic");
}

#[derive(Clone, Debug)]
enum Mutation {
    Replace(u8),
    Insert(u8),
    Remove,
    Text(&'static str),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        any::<u8>().prop_map(Mutation::Replace),
        any::<u8>().prop_map(Mutation::Insert),
        Just(Mutation::Remove),
        prop::sample::select(vec![
            "null",
            "-1",
            "1e400",
            "99999999999999999999999999",
            "\"\"",
            "[]",
            "{}",
            "\"\\u0000\"",
            "0.1",
            "true",
            "[[[[[[[["
        ])
        .prop_map(Mutation::Text),
    ]
}

fn apply(bytes: &mut Vec<u8>, index: prop::sample::Index, mutation: Mutation) {
    if bytes.is_empty() {
        return;
    }
    let at = index.index(bytes.len());
    match mutation {
        Mutation::Replace(byte) => bytes[at] = byte,
        Mutation::Insert(byte) => bytes.insert(at, byte),
        Mutation::Remove => drop(bytes.remove(at)),
        Mutation::Text(text) => {
            // Put in place of the value that starts after the next colon.
            let start = bytes[at..].iter().position(|b| *b == b':').map_or(at, |p| at + p + 1);
            let end =
                bytes[start..].iter().position(|b| matches!(b, b',' | b'}' | b']')).map_or(bytes.len(), |p| start + p);
            bytes.splice(start..end, text.bytes());
        }
    }
}
