//! What a host's subscriber sees: a span for each operation and each call of its store, with counts, codes and nothing that is stored.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, missing_docs)]
#![cfg(feature = "tracing")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use crm_core::api::host::Host;
use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::faults::FaultyRepository;
use crm_core::store::memory::MemoryRepository;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A span or event that was seen, with the span that it stood in.
#[derive(Clone, Debug, Default)]
struct Seen {
    name: String,
    within: Option<u64>,
    fields: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<u64, Seen>>>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Notes {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let within = context.current_span().id().map(Id::into_u64);
        let mut seen = Seen { name: attributes.metadata().name().to_owned(), within, ..Seen::default() };
        attributes.record(&mut Fields(&mut seen.fields));
        self.0.lock().unwrap().insert(id.into_u64(), seen);
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, _: Context<'_, S>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap().get_mut(&id.into_u64()).unwrap().fields));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let within = context.current_span().id().map(Id::into_u64);
        let mut seen = Seen { name: "event".to_owned(), within, ..Seen::default() };
        event.record(&mut Fields(&mut seen.fields));
        let mut notes = self.0.lock().unwrap();
        let place = u64::MAX - notes.len() as u64;
        notes.insert(place, seen);
    }
}

/// Everything that is seen while something is done. Ids of spans are used again, so one thing at a time.
fn watched<T>(work: impl FnOnce() -> T) -> (T, Vec<Seen>) {
    let notes = Notes::default();
    let done = tracing::subscriber::with_default(tracing_subscriber::registry().with(notes.clone()), work);
    let found = notes.0.lock().unwrap().values().cloned().collect();
    (done, found)
}

fn request(op: &str, input: Value) -> String {
    let context =
        json!({"tenant": "main", "now": "2026-01-31T09:00:00Z", "seed": "s", "actor": "u1", "correlation": "req-7"});
    json!({"op": op, "context": context, "input": input}).to_string()
}

fn ask(repository: Arc<dyn Repository>, op: &str, input: Value) -> (Value, Vec<Seen>) {
    let host = Host::new();
    let engine = host.attach(repository);
    let (text, seen) = watched(|| host.call_on(engine, &request(op, input)));
    (serde_json::from_str(&text).unwrap(), seen)
}

fn named<'a>(seen: &'a [Seen], name: &str) -> Vec<&'a Seen> {
    seen.iter().filter(|each| each.name == name).collect()
}

fn field<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    seen.fields.get(name).map(String::as_str)
}

#[test]
fn an_operation_is_a_span_with_its_calls_beneath() {
    let (answer, seen) = ask(Arc::new(MemoryRepository::new()), "accounts.create", json!({"id": "a1", "name": "Acme"}));
    assert_eq!(answer["ok"], true, "{answer}");
    let operation = named(&seen, "operation")[0];
    let expected =
        [("attempts", "1"), ("correlation", "req-7"), ("op", "accounts.create"), ("outcome", "ok"), ("tenant", "main")];
    assert_eq!(
        operation.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(operation.within, None);
    let (get, commit) = (named(&seen, "get"), named(&seen, "commit"));
    assert_eq!((get.len(), commit.len()), (1, 1));
    assert!(get[0].within.is_some() && commit[0].within == get[0].within);
    // The configuration alone: the commit finds out whether the account is there already.
    assert_eq!(["keys", "found", "outcome"].map(|name| field(get[0], name)), [Some("1"), Some("0"), Some("ok")]);
    let counts = ["puts", "requires", "events", "claims", "is_keyed", "outcome"].map(|name| field(commit[0], name));
    assert_eq!(counts, [Some("1"), Some("1"), Some("1"), Some("0"), Some("false"), Some("ok")]);
}

/// A store in which somebody else is faster, a number of times.
struct Raced(MemoryRepository, Mutex<u32>);

impl Repository for Raced {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        self.0.get(tenant, keys)
    }
    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.0.find(query)
    }
    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        let mut left = self.1.lock().unwrap();
        if *left == 0 {
            return self.0.commit(changes);
        }
        *left -= 1;
        Box::pin(std::future::ready(Err(Error::new(Code::VersionConflict).with("kind", "account").with("id", "a1"))))
    }
    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        self.0.events(tenant, after, limit)
    }
    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.0.due(tenant, now, limit)
    }
    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.0.next_due(limit)
    }
}

#[test]
fn attempts_after_conflicts_are_counted() {
    for (races, attempts, outcome) in [(2, "3", "ok"), (3, "3", "version_conflict")] {
        let store = Raced(MemoryRepository::new(), Mutex::new(races));
        let (_, seen) = ask(Arc::new(store), "accounts.create", json!({"id": "a1", "name": "Acme"}));
        let operation = named(&seen, "operation")[0];
        assert_eq!((field(operation, "attempts"), field(operation, "outcome")), (Some(attempts), Some(outcome)));
        let anew = named(&seen, "event").into_iter().filter(|event| field(event, "message") == Some("decided anew"));
        assert_eq!(anew.count(), 2);
    }
}

#[test]
fn refusals_and_failures_end_with_their_codes() {
    let (_, seen) = ask(Arc::new(MemoryRepository::new()), "accounts.get", json!({"id": "a1"}));
    assert_eq!(field(named(&seen, "operation")[0], "outcome"), Some("record_not_found"));
    let broken = FaultyRepository::new(Arc::new(MemoryRepository::new()), 1, Code::StorageLocked);
    let (_, seen) = ask(Arc::new(broken), "accounts.get", json!({"id": "a1"}));
    assert_eq!(field(named(&seen, "operation")[0], "outcome"), Some("storage_locked"));
    assert_eq!(field(named(&seen, "get")[0], "outcome"), Some("storage_locked"));
    let failed = named(&seen, "event")[0];
    assert_eq!(
        ["message", "code", "retryable"].map(|name| field(failed, name)),
        [Some("failed"), Some("storage_locked"), Some("true")]
    );
}

#[test]
fn a_tick_holds_the_timers_that_it_carries_out() {
    let store = Arc::new(MemoryRepository::new());
    ask(store.clone(), "tasks.create", json!({"id": "t1", "subject": "Call", "remind_at": "2026-01-31T08:00:00Z"}));
    let (answer, seen) = ask(store, "timers.tick", json!({}));
    assert_eq!(answer["value"]["fired"], 1, "{answer}");
    let operations: Vec<_> = named(&seen, "operation").into_iter().filter_map(|each| field(each, "op")).collect();
    assert!(operations.contains(&"timers.tick") && operations.contains(&"timers.fire"), "{operations:?}");
    assert_eq!((named(&seen, "due").len(), named(&seen, "commit").len()), (2, 1));
}

#[test]
fn a_request_whose_caller_is_the_store_is_seen_too() {
    let host = Host::new();
    let (_, seen) = watched(|| {
        let begun: Value = serde_json::from_str(&host.begin(&request("accounts.get", json!({"id": "a1"})))).unwrap();
        let handle = u32::try_from(begun["handle"].as_u64().unwrap()).unwrap();
        host.resume(handle, r#"[{"id":0,"ok":[null]}]"#)
    });
    assert_eq!(field(named(&seen, "operation")[0], "outcome"), Some("record_not_found"));
    assert_eq!(field(named(&seen, "get")[0], "found"), Some("0"));
    assert_eq!(host.running(), 0);
}

#[test]
fn nothing_of_a_record_is_in_a_span() {
    const PERSON: &str = "Geheimnis";
    let store: Arc<dyn Repository> = Arc::new(MemoryRepository::new());
    let text = |name: &str| format!("{name}{PERSON}");
    let mut all = Vec::new();
    for (op, input) in [
        ("users.create", json!({"id": text("u"), "name": PERSON, "email": text("a@")})),
        ("accounts.create", json!({"id": text("a"), "name": PERSON, "owner": text("u")})),
        ("accounts.create", json!({"id": text("a"), "name": PERSON})),
        ("opportunities.create", json!({"id": text("d"), "name": PERSON, "account": text("a"), "description": PERSON})),
        ("opportunities.advance", json!({"id": text("d"), "to": text("s")})),
        (
            "opportunities.find",
            json!({"name_prefix": PERSON, "where": {"field": "name", "op": "equal", "value": PERSON}}),
        ),
        ("opportunities.lose", json!({"id": text("d"), "reason": PERSON})),
        ("tasks.create", json!({"subject": PERSON, "remind_at": "2026-01-31T08:00:00Z", "owner": text("u")})),
        ("timers.tick", json!({})),
        ("intents.list", json!({})),
        ("events.list", json!({})),
        ("accounts.get", json!({"id": text("nobody")})),
        ("accounts.create", json!({"name": PERSON, "owner": PERSON, "of_mine": PERSON})),
    ] {
        all.extend(ask(store.clone(), op, input).1);
    }
    assert!(all.len() > 40, "only {} were seen", all.len());
    for seen in &all {
        assert!(!format!("{seen:?}").contains(PERSON), "{seen:?}");
    }
}
