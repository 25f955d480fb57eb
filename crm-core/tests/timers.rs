//! Timers: no occurrence is lost or doubled, whatever the order of several tickers; what a session takes beside records.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, missing_docs)]
#![cfg(feature = "store")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crm_core::api::host::Host;
use crm_core::base::change::{ChangeSet, Timer};
use crm_core::base::context::Context;
use crm_core::base::id::Id;
use crm_core::base::record::Key;
use crm_core::base::time::Instant;
use crm_core::crm::block_on;
use crm_core::crm::session::Session;
use crm_core::store::memory::MemoryRepository;
use crm_core::store::repository::{Committed, Repository};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A moment so many minutes after the tests' beginning.
fn at(minutes: u32) -> String {
    let start: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    start.plus_seconds(i64::from(minutes) * 60).to_string()
}

fn request(op: &str, input: &Value, now: u32, seed: &str) -> String {
    json!({"op": op, "context": {"now": at(now), "seed": seed}, "input": input}).to_string()
}

struct World {
    host: Host,
    store: Arc<MemoryRepository>,
    engine: u32,
    made: u32,
}

impl World {
    fn new() -> Self {
        let (host, store) = (Host::new(), Arc::new(MemoryRepository::new()));
        let engine = host.attach(store.clone());
        World { host, store, engine, made: 0 }
    }

    fn ask(&mut self, op: &str, input: &Value, now: u32) -> Value {
        self.made += 1;
        let answer = self.host.call_on(self.engine, &request(op, input, now, &format!("w{}", self.made)));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["ok"], true, "{op} {input}: {answer}");
        answer["value"].clone()
    }

    /// Three tickers at once, until nothing is due any more: each call of the store is answered in an order that chance gives.
    fn tick(&mut self, now: u32, limit: u32, order: &mut impl Iterator<Item = u8>) {
        loop {
            let mut running: Vec<Value> = Vec::new();
            for _ in 0..3 {
                self.made += 1;
                let text = request("timers.tick", &json!({"limit": limit}), now, &format!("t{}", self.made));
                running.push(serde_json::from_str(&self.host.begin(&text)).unwrap());
            }
            let mut more = false;
            while !running.is_empty() {
                let place = usize::from(order.next().unwrap()) % running.len();
                let step = running.swap_remove(place);
                let Some(handle) = step["handle"].as_u64() else {
                    assert_eq!(step["done"]["ok"], true, "{step}");
                    assert_eq!(step["done"]["value"]["failed"], 0, "{step}");
                    more |= step["done"]["value"]["more"] == true;
                    continue;
                };
                let answers: Vec<Value> = step["needs"].as_array().unwrap().iter().map(|n| self.serve(n)).collect();
                let next = self.host.resume(u32::try_from(handle).unwrap(), &json!(answers).to_string());
                running.push(serde_json::from_str(&next).unwrap());
            }
            if !more {
                return;
            }
        }
    }

    fn serve(&self, need: &Value) -> Value {
        let wrap = |result: Result<Value, crm_core::base::error::Error>| match result {
            Ok(value) => json!({"id": need["id"], "ok": value}),
            Err(error) => json!({"id": need["id"], "error": {"code": error.code(), "details": error.details()}}),
        };
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        if let Some(due) = need.get("due") {
            let (tenant, limit) = (text(due, "tenant"), usize::try_from(due["limit"].as_u64().unwrap()).unwrap());
            let found = block_on(self.store.due(&tenant, text(due, "now").parse().unwrap(), limit)).unwrap();
            return wrap(found.map(|timers| json!(timers)));
        }
        if let Some(get) = need.get("get") {
            let keys: Vec<Key> = serde_json::from_value(get["keys"].clone()).unwrap();
            return wrap(block_on(self.store.get(&text(get, "tenant"), &keys)).unwrap().map(|found| json!(found)));
        }
        let changes: ChangeSet = serde_json::from_str(&need["commit"].to_string()).unwrap();
        wrap(block_on(self.store.commit(&changes)).unwrap().map(|done| json!(done)))
    }

    /// How often each rule was carried out, by task; and the number of intents.
    fn done(&mut self) -> (BTreeMap<(String, String), usize>, usize) {
        let (mut counts, mut intents, mut after) = (BTreeMap::new(), 0, None::<String>);
        loop {
            let page = self.ask("events.list", &after.map_or(json!({}), |after| json!({"after": after})), 0);
            for item in page["items"].as_array().unwrap() {
                let event = &item["event"];
                let kind = event["kind"].as_str().unwrap();
                if matches!(kind, "task.reminded" | "task.overdue") {
                    *counts.entry((event["record_id"].as_str().unwrap().to_owned(), kind.to_owned())).or_default() += 1;
                }
                intents += usize::from(kind == "intent.created");
            }
            if page["items"].as_array().unwrap().is_empty() {
                return (counts, intents);
            }
            after = page["cursor"].as_str().map(str::to_owned);
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Create(Option<u32>, Option<u32>),
    Remind(usize, Option<u32>),
    Deadline(usize, Option<u32>),
    Complete(usize),
    Reopen(usize),
    Tick(u32),
}

fn acts() -> impl Strategy<Value = Vec<(u32, Act)>> {
    let when = || prop::option::weighted(0.8, 0_u32..600);
    let act = prop_oneof![
        4 => (when(), when()).prop_map(|(remind, due)| Act::Create(remind, due)),
        2 => (any::<usize>(), when()).prop_map(|(task, to)| Act::Remind(task, to)),
        2 => (any::<usize>(), when()).prop_map(|(task, to)| Act::Deadline(task, to)),
        1 => any::<usize>().prop_map(Act::Complete),
        1 => any::<usize>().prop_map(Act::Reopen),
        4 => (1_u32..6).prop_map(Act::Tick),
    ];
    prop::collection::vec((0_u32..60, act), 1..40)
}

/// What the tests expect of a task: its two moments, whether it is open, and the timers that stand.
#[derive(Clone, Debug, Default)]
struct Model {
    moments: [Option<u32>; 2],
    open: bool,
    timers: [Option<u32>; 2],
    fired: [usize; 2],
}

impl Model {
    fn wakes(&self) -> [Option<u32>; 2] {
        if self.open { self.moments } else { [None, None] }
    }

    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.wakes();
        change(self);
        for (rule, after) in self.wakes().into_iter().enumerate() {
            if after != before[rule] {
                self.timers[rule] = after;
            }
        }
    }

    fn tick(&mut self, now: u32) {
        for rule in 0..2 {
            if self.timers[rule].is_some_and(|due| due <= now) {
                self.timers[rule] = None;
                self.fired[rule] += 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(
        if std::env::var_os("CRM_SOAK").is_some() { 5_000 } else { 40 }
    ) })]

    #[test]
    fn no_occurrence_is_lost_or_doubled(acts in acts(), order in prop::collection::vec(any::<u8>(), 64)) {
        let (mut world, mut models, mut now) = (World::new(), Vec::<Model>::new(), 0);
        let mut order = order.into_iter().cycle();
        world.ask("users.create", &json!({"id": "bo", "name": "Bo"}), 0);
        for (later, act) in acts {
            now += later;
            let moment = |minutes: Option<u32>| minutes.map(at);
            match act {
                Act::Create(remind, due) => {
                    let id = format!("t{}", models.len());
                    let mut input = json!({"id": id, "subject": "s", "owner": "bo"});
                    for (name, minutes) in [("remind_at", remind), ("due_at", due)] {
                        if let Some(moment) = moment(minutes) {
                            input[name] = json!(moment);
                        }
                    }
                    world.ask("tasks.create", &input, now);
                    let mut model = Model::default();
                    model.change(|model| (model.open, model.moments) = (true, [remind, due]));
                    models.push(model);
                }
                Act::Tick(limit) => {
                    world.tick(now, limit, &mut order);
                    models.iter_mut().for_each(|model| model.tick(now));
                }
                _ if models.is_empty() => {}
                Act::Remind(task, to) => {
                    let place = task % models.len();
                    world.ask("tasks.update", &json!({"id": format!("t{place}"), "remind_at": moment(to)}), now);
                    models[place].change(|model| model.moments[0] = to);
                }
                Act::Deadline(task, to) => {
                    let place = task % models.len();
                    world.ask("tasks.update", &json!({"id": format!("t{place}"), "due_at": moment(to)}), now);
                    models[place].change(|model| model.moments[1] = to);
                }
                Act::Complete(task) | Act::Reopen(task) => {
                    let place = task % models.len();
                    let open = models[place].open;
                    let op = if open { "tasks.complete" } else { "tasks.reopen" };
                    world.ask(op, &json!({"id": format!("t{place}")}), now);
                    models[place].change(|model| model.open = !open);
                }
            }
        }
        // A long downtime, and everything that is left.
        now += 10_000;
        world.tick(now, 5, &mut order);
        models.iter_mut().for_each(|model| model.tick(now));
        let (counts, intents) = world.done();
        for (place, model) in models.iter().enumerate() {
            for (rule, kind) in ["task.reminded", "task.overdue"].into_iter().enumerate() {
                let found = counts.get(&(format!("t{place}"), kind.to_owned())).copied().unwrap_or(0);
                prop_assert_eq!(found, model.fired[rule], "{} of t{}", kind, place);
            }
        }
        prop_assert_eq!(intents, models.iter().map(|model| model.fired[0]).sum::<usize>());
        prop_assert_eq!(world.ask("timers.next_due", &json!({}), now)["items"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn a_timer_that_keeps_failing_is_set_aside_and_set_again() {
    let mut world = World::new();
    let key = Key::new("task", &Id::new("t1").unwrap());
    let due = Some(at(0).parse().unwrap());
    let timer = Timer { key, rule: "nudge".to_owned(), due, fires: None, failures: 0 };
    block_on(world.store.commit(&ChangeSet { tenant: "main".to_owned(), timers: vec![timer], ..ChangeSet::default() }))
        .unwrap()
        .unwrap();
    // At 0, after 1 minute, after 5 more, after 25 more, after 125 more.
    for (now, next) in [(0, Some(1)), (1, Some(6)), (6, Some(31)), (31, Some(156)), (156, None)] {
        let ticked = world.ask("timers.tick", &json!({}), now);
        assert_eq!(ticked["failed"], 1);
        assert_eq!(ticked["next_due"].as_str().map(str::to_owned), next.map(at));
        assert_eq!(world.ask("timers.tick", &json!({}), now)["failed"], 0);
    }
    let stuck = world.ask("timers.stuck", &json!({}), 156)["items"][0].clone();
    assert_eq!(
        (&stuck["rule"], &stuck["failures"], &stuck["code"]),
        (&json!("nudge"), &json!(5), &json!("unknown_rule"))
    );
    assert_eq!(world.ask("timers.retry", &json!({"id": stuck["id"]}), 200)["status"], "retried");
    assert_eq!(world.ask("timers.stuck", &json!({}), 200)["items"], json!([]));
    let again = world.ask("timers.tick", &json!({}), 200);
    assert_eq!((&again["failed"], again["next_due"].as_str()), (&json!(1), Some(at(201).as_str())));
}

fn context() -> Context {
    Context { now: Some(at(0).parse().unwrap()), seed: Some("s".to_owned()), ..Context::default() }
}

#[test]
fn a_session_takes_names_counts_and_numbers() {
    let (store, context) = (MemoryRepository::new(), context());
    let key = |id: &str| Key::new("account", &Id::new(id).unwrap());
    let session = || Session::new(&store, &context, None);
    let commit = |session: Session<'_>| block_on(store.commit(&session.finish())).unwrap();

    let mut one = session();
    one.claim("code", "A", key("a")).unwrap();
    one.claim("code", "A", key("a")).unwrap();
    assert_eq!(one.claim("code", "A", key("b")).unwrap_err().code(), "claim_taken");
    one.count("day", "2026-01-01", 2, Some(3)).unwrap();
    let token = one.number("Q", "Q-", 4);
    assert_eq!(token["$alloc"], 0);
    assert_eq!(one.number("Q", "", 0)["$alloc"], 1);
    let Committed::Done { numbers } = commit(one).unwrap() else { panic!("it was committed") };
    assert_eq!(numbers.into_values().collect::<Vec<_>>(), [1, 2]);

    let mut taken = session();
    taken.claim("code", "A", key("b")).unwrap();
    assert_eq!(commit(taken).unwrap_err().code(), "claim_taken");
    let mut above = session();
    above.count("day", "2026-01-01", 1, Some(3)).unwrap();
    above.count("day", "2026-01-01", 1, None).unwrap();
    assert_eq!(commit(above).unwrap_err().code(), "limit_reached");
    let mut passed = session();
    passed.release("code", "A", key("a"));
    passed.claim("code", "A", key("b")).unwrap();
    commit(passed).unwrap();
    // Taken and given back in one session: nothing is taken.
    let mut back = session();
    back.claim("code", "B", key("a")).unwrap();
    back.release("code", "B", key("a"));
    commit(back).unwrap();
    let mut free = session();
    free.claim("code", "B", key("b")).unwrap();
    commit(free).unwrap();
}

#[test]
fn a_session_sets_timers_once_and_keeps_quiet_about_history() {
    let store = MemoryRepository::new();
    let quiet = Context { quiet_until: Some(at(10).parse().unwrap()), ..context() };
    let key = Key::new("task", &Id::new("t1").unwrap());
    let moment = |minutes: u32| at(minutes).parse::<Instant>().unwrap();
    let mut session = Session::new(&store, &quiet, None);
    session.timer(key.clone(), "early", moment(10));
    session.timer(key.clone(), "late", moment(11));
    session.timer(key.clone(), "late", moment(12));
    session.timer(key.clone(), "gone", moment(12));
    session.cancel_timer(key, "gone");
    let changes = session.finish();
    assert!(!changes.is_empty() && changes.at == quiet.now);
    block_on(store.commit(&changes)).unwrap().unwrap();
    let due = block_on(store.due("main", Instant::last(), 10)).unwrap().unwrap();
    assert_eq!(due.iter().map(|timer| (timer.rule.as_str(), timer.due)).collect::<Vec<_>>(), [("late", moment(12))]);
}
