//! The promises of a repository as checks that any store can be put to.
//!
//! Each check takes a repository in which its tenants are empty and says what it found wrong; [`run`] does them all. Give it a
//! function that makes an empty repository, or a tenant's prefix that was never used in one that lives on ([`run_in`]), and an executor
//! of your own: the checks are ordinary futures. What the capabilities promise is run, the rest must be refused.

mod parts;
mod scoped;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::memory::IDEMPOTENCY;
use super::query::{After, Query, Test};
use super::repository::{Committed, Part, Repository};
use crate::base::canonical::Fields;
use crate::base::change::{Allocate, ChangeSet, Delete, Event, Expect, Idempotency, Put, Require};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::ToJson;
use crate::base::number::Numbers;
use crate::base::record::{Body, Key, KeyBytes, Record};
use crate::base::time::Instant;

/// A promise that was not kept: which one, and what happened instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToJson)]
pub struct Broken {
    /// The check.
    pub check: &'static str,
    /// What was found.
    pub found: String,
}

/// The kind of record that the checks use; a store is opened with two indexes for it.
pub const KIND: &str = "sample";

type Outcome = std::result::Result<(), String>;
type Store<'a> = &'a dyn Repository;

/// What a run of the suite found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToJson)]
pub struct Report {
    /// The checks that were run.
    pub ran: Vec<&'static str>,
    /// The promises that were not kept.
    pub broken: Vec<Broken>,
}

impl Report {
    /// Says whether checks were run and every promise was kept.
    pub fn is_kept(&self) -> bool {
        !self.ran.is_empty() && self.broken.is_empty()
    }
}

/// Runs every check, each over an empty repository of its own.
pub async fn run(mut fresh: impl FnMut() -> Arc<dyn Repository>) -> Report {
    checks(|_| fresh()).await
}

/// Runs every check in one repository, each in tenants of its own whose names begin with `prefix`.
pub async fn run_in(repository: Arc<dyn Repository>, prefix: &str) -> Report {
    checks(|check| {
        Arc::new(scoped::Scoped::new(repository.clone(), format!("{prefix}{check}."))) as Arc<dyn Repository>
    })
    .await
}

async fn checks(mut fresh: impl FnMut(&str) -> Arc<dyn Repository>) -> Report {
    let mut report = Report::default();
    macro_rules! check {
        ($($name:path),* $(,)?) => {
            $({
                let name = stringify!($name).trim_start_matches("parts::");
                report.ran.push(name);
                if let Err(found) = $name(&*fresh(name)).await {
                    report.broken.push(Broken { check: name, found });
                }
            })*
        };
    }
    check!(
        records_come_back,
        finds_order_and_page,
        finds_test_keys,
        commits_are_whole,
        expectations_are_kept,
        repeats_change_nothing,
        events_follow_commits,
        deletes_remove,
        tenants_are_apart,
        what_is_not_executed_is_refused,
    );
    let executes = fresh("capabilities").capabilities().executes;
    if fresh("capabilities").capabilities().exact_text {
        check!(bodies_keep_their_text);
    }
    if executes.contains(&Part::Claims) {
        check!(parts::claims_are_unique);
    }
    if executes.contains(&Part::Counters) {
        check!(parts::counters_keep_limits);
    }
    if executes.contains(&Part::Allocate) {
        check!(parts::numbers_have_no_gaps);
    }
    if executes.contains(&Part::Timers) {
        check!(parts::timers_fire_once);
    }
    report
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted { Ok(()) } else { Err(format!("{what}: expected {wanted:?}, found {found:?}")) }
}

fn code<T: std::fmt::Debug>(what: &str, found: Result<T>, wanted: &str) -> Outcome {
    match found {
        Err(error) => same(what, error.code(), wanted),
        Ok(value) => Err(format!("{what}: expected `{wanted}`, found {value:?}")),
    }
}

fn told(error: Error) -> String {
    error.to_string()
}

fn key(id: &str) -> std::result::Result<Key, String> {
    Ok(Key { kind: KIND.to_owned(), id: Id::new(id).map_err(told)? })
}

fn record(id: &str, version: u64, keys: &[&[u8]]) -> std::result::Result<Record, String> {
    let body = Body::parse(format!("{{\"n\":150,\"of\":\"{id}\",\"é\":\"\u{1F600}\"}}")).map_err(|e| e.to_string())?;
    let keys = keys.iter().map(|k| KeyBytes::from_bytes(k.to_vec())).collect();
    Ok(Record {
        kind: KIND.to_owned(),
        id: Id::new(id).map_err(told)?,
        version,
        schema: 3,
        keys,
        body,
        numbers: Numbers::new(),
    })
}

fn insert(record: &Record) -> Put {
    Put { record: record.clone(), changed: Fields::new(), expect: Expect::Absent }
}

/// A change set that says when it is recorded.
fn dated() -> ChangeSet {
    ChangeSet { at: Instant::from_micros(1_700_000_000_000_000), ..ChangeSet::default() }
}

fn puts(tenant: &str, records: &[Record]) -> ChangeSet {
    ChangeSet { tenant: tenant.to_owned(), puts: records.iter().map(insert).collect(), ..dated() }
}

fn event(id: &str, n: u32) -> std::result::Result<Event, String> {
    let at = Instant::from_micros(1_700_000_000_000_000).ok_or("no such instant")?;
    let mut data = Fields::new();
    data.insert("n".to_owned(), Value::from(n));
    Ok(Event {
        kind: "sample.changed".to_owned(),
        record_kind: KIND.to_owned(),
        record_id: Id::new(id).map_err(told)?,
        effective_at: at,
        recorded_at: at,
        actor: Some("u1".to_owned()),
        correlation: None,
        data,
    })
}

async fn done(store: Store<'_>, what: &str, changes: &ChangeSet) -> Outcome {
    same(what, store.commit(changes).await.map_err(told)?, Committed::DONE)
}

async fn ids(store: Store<'_>, query: &Query) -> std::result::Result<String, String> {
    let found = store.find(query).await.map_err(told)?;
    Ok(found.iter().map(|r| r.id.as_str()).collect::<Vec<_>>().join(" "))
}

async fn one(store: Store<'_>, tenant: &str, id: &str) -> std::result::Result<Option<Record>, String> {
    let mut found = store.get(tenant, &[key(id)?]).await.map_err(told)?;
    same("answers to one key", found.len(), 1)?;
    Ok(found.pop().flatten())
}

async fn records_come_back(store: Store<'_>) -> Outcome {
    let (a, b) = (record("a", 1, &[&[1, 0], &[1, 255]])?, record("b", 7, &[&[1, 2]])?);
    done(store, "the commit", &puts("t", &[a.clone(), b.clone()])).await?;
    let keys = [key("b")?, key("missing")?, key("a")?, key("b")?];
    let found = store.get("t", &keys).await.map_err(told)?;
    same("records in the keys' order, as they were written", found, vec![Some(b.clone()), None, Some(a), Some(b)])?;
    same("no keys, no records", store.get("t", &[]).await.map_err(told)?, Vec::new())?;
    let many: Vec<Record> =
        (0..600).map(|n| record(&format!("m{n}"), 1, &[])).collect::<std::result::Result<_, _>>()?;
    done(store, "the commit of 600", &puts("t", &many)).await?;
    let keys: Vec<Key> = many.iter().map(Record::key).collect();
    same("600 records at once", store.get("t", &keys).await.map_err(told)?, many.into_iter().map(Some).collect())
}

async fn bodies_keep_their_text(store: Store<'_>) -> Outcome {
    let text = "{\"n\": 1.50,\"n2\":10e2,  \"b\":12345678901234567890123,\"a\":\"\\u00e9\"}";
    let body = Body::parse(text.to_owned()).map_err(|e| e.to_string())?;
    let written = Record { body, ..record("a", 1, &[])? };
    done(store, "the commit", &puts("t", &[written])).await?;
    let found = one(store, "t", "a").await?.map(|r| r.body.text().to_owned());
    same("letter by letter", found.as_deref(), Some(text))
}

async fn finds_order_and_page(store: Store<'_>) -> Outcome {
    let rows: [(&str, &[&[u8]]); 6] =
        [("a", &[&[1, 5]]), ("B", &[&[1, 5]]), ("c", &[&[1, 4, 9]]), ("d", &[]), ("e", &[&[0]]), ("é", &[&[1, 255]])];
    let records: Vec<Record> =
        rows.iter().map(|(id, keys)| record(id, 1, keys)).collect::<std::result::Result<_, _>>()?;
    done(store, "the commit", &puts("t", &records)).await?;
    let mut query = Query::of("t", KIND, 100);
    same("by id", ids(store, &query).await?.as_str(), "B a c d e é")?;
    query.descending = true;
    same("by id, turned round", ids(store, &query).await?.as_str(), "é e d c a B")?;
    for (descending, whole) in [(false, "d e c B a é"), (true, "é a B c e d")] {
        let mut query = Query::of("t", KIND, 2);
        query.order = Some(0);
        query.descending = descending;
        let mut seen = Vec::new();
        loop {
            let page = store.find(&query).await.map_err(told)?;
            let Some(last) = page.last() else { break };
            query.after = Some(After { key: query.order_key(last), id: last.id.clone() });
            seen.extend(page.iter().map(|r| r.id.to_string()));
            if seen.len() > rows.len() {
                break;
            }
        }
        same("pages of two by key, then id", seen.join(" ").as_str(), whole)?;
    }
    query.limit = 0;
    same("a limit of nothing", ids(store, &query).await?.as_str(), "")
}

async fn finds_test_keys(store: Store<'_>) -> Outcome {
    let rows: [(&str, &[&[u8]]); 6] = [
        ("a", &[&[1], &[1, 1]]),
        ("b", &[&[1, 1], &[1, 1]]),
        ("c", &[&[1, 255], &[1, 2]]),
        ("d", &[&[1, 255, 255]]),
        ("e", &[]),
        ("f", &[&[2]]),
    ];
    let records: Vec<Record> =
        rows.iter().map(|(id, keys)| record(id, 1, keys)).collect::<std::result::Result<_, _>>()?;
    done(store, "the commit", &puts("t", &records)).await?;
    let bytes = |b: &[u8]| KeyBytes::from_bytes(b.to_vec());
    let range =
        |from: Option<&[u8]>, to: Option<&[u8]>| Test::Range { index: 0, from: from.map(bytes), to: to.map(bytes) };
    let cases = [
        (vec![Test::In { index: 0, keys: vec![bytes(&[1]), bytes(&[2]), bytes(&[9])] }], "a f"),
        (vec![Test::In { index: 0, keys: Vec::new() }], ""),
        (vec![Test::Prefix { index: 0, prefix: bytes(&[1]) }], "a b c d"),
        (vec![Test::Prefix { index: 0, prefix: bytes(&[1, 255]) }], "c d"),
        (vec![Test::Prefix { index: 0, prefix: bytes(&[]) }], "a b c d f"),
        (vec![range(Some(&[1, 1]), Some(&[1, 255, 255]))], "b c"),
        (vec![range(None, Some(&[1, 1]))], "a"),
        (vec![range(Some(&[1, 255]), None)], "c d f"),
        (vec![range(None, None)], "a b c d f"),
        (vec![Test::In { index: 1, keys: vec![bytes(&[1, 1])] }, range(Some(&[1, 0]), None)], "b"),
    ];
    for (tests, wanted) in cases {
        let mut query = Query::of("t", KIND, 100);
        query.tests = tests;
        let what = format!("{:?}", query.tests);
        same(&what, ids(store, &query).await?.as_str(), wanted)?;
    }
    Ok(())
}

async fn commits_are_whole(store: Store<'_>) -> Outcome {
    done(store, "the commit", &puts("t", &[record("a", 1, &[])?])).await?;
    let mut changes = puts("t", &[record("new", 1, &[])?, record("a", 1, &[])?]);
    changes.events.push(event("new", 1)?);
    changes.idempotency =
        Some(Idempotency { key: "k".to_owned(), request_hash: "h".to_owned(), response: "{}".to_owned() });
    code("a record that exists", store.commit(&changes).await, "record_exists")?;
    same("nothing of it is written", one(store, "t", "new").await?, None)?;
    same("no event either", store.events("t", None, 10).await.map_err(told)?, Vec::new())?;
    changes.puts.pop();
    done(store, "its mark is free", &changes).await
}

async fn expectations_are_kept(store: Store<'_>) -> Outcome {
    done(store, "the commit", &puts("t", &[record("a", 1, &[&[1, 1]])?, record("b", 4, &[])?])).await?;
    let put = |expect, version| -> std::result::Result<ChangeSet, String> {
        let put = Put { record: record("a", version, &[&[1, 2]])?, changed: Fields::new(), expect };
        Ok(ChangeSet { tenant: "t".to_owned(), puts: vec![put], ..dated() })
    };
    done(store, "the version that is there", &put(Expect::Version(1), 2)?).await?;
    same("it is the new one", one(store, "t", "a").await?, Some(record("a", 2, &[&[1, 2]])?))?;
    code("an old version", store.commit(&put(Expect::Version(1), 2)?).await, "version_conflict")?;
    let mut missing = put(Expect::Version(1), 2)?;
    for put in &mut missing.puts {
        put.record = record("zz", 2, &[])?;
    }
    code("a version of a missing record", store.commit(&missing).await, "version_conflict")?;
    for (id, expect, wanted) in [
        ("b", Expect::Version(4), None),
        ("b", Expect::Version(3), Some("version_conflict")),
        ("b", Expect::Absent, Some("version_conflict")),
        ("c", Expect::Absent, None),
        ("c", Expect::Version(1), Some("version_conflict")),
    ] {
        let stands = one(store, "t", "a").await?.map_or(0, |r| r.version);
        let mut changes = put(Expect::Version(stands), stands.saturating_add(1))?;
        changes.requires.push(Require { key: key(id)?, expect });
        let what = format!("`{id}` required as {expect:?}");
        match wanted {
            None => done(store, &what, &changes).await?,
            Some(wanted) => code(&what, store.commit(&changes).await, wanted)?,
        }
    }
    Ok(())
}

async fn repeats_change_nothing(store: Store<'_>) -> Outcome {
    let mut changes = puts("t", &[record("a", 1, &[])?]);
    changes.events.push(event("a", 1)?);
    changes.idempotency =
        Some(Idempotency { key: "k".to_owned(), request_hash: "h".to_owned(), response: "{\"n\":1.50}".to_owned() });
    done(store, "the first time", &changes).await?;
    let again = store.commit(&changes).await.map_err(told)?;
    same(
        "the second time",
        again,
        Committed::Replayed { response: "{\"n\":1.50}".to_owned(), numbers: Numbers::new() },
    )?;
    same("one event", store.events("t", None, 10).await.map_err(told)?.len(), 1)?;
    let mark = Key { kind: IDEMPOTENCY.to_owned(), id: Id::new("k").map_err(told)? };
    let found = store.get("t", std::slice::from_ref(&mark)).await.map_err(told)?;
    let body = found.first().and_then(Option::as_ref).and_then(|r| serde_json::from_str::<Value>(r.body.text()).ok());
    same("the mark can be read", body, Some(json!({"request_hash": "h", "response": "{\"n\":1.50}"})))?;
    let elsewhere = ChangeSet { tenant: "u".to_owned(), ..changes.clone() };
    done(store, "another tenant's key is its own", &elsewhere).await?;
    if let Some(mark) = &mut changes.idempotency {
        mark.request_hash = "other".to_owned();
    }
    code("the key with another request", store.commit(&changes).await, "idempotency_key_reused")
}

async fn events_follow_commits(store: Store<'_>) -> Outcome {
    for n in 0..5_u32 {
        let mut changes = puts("t", &[record(&format!("r{n}"), 1, &[])?]);
        changes.events = vec![event("x", n.saturating_mul(2))?, event("x", n.saturating_mul(2).saturating_add(1))?];
        done(store, "the commit", &changes).await?;
        let mut other = puts("u", &[record(&format!("r{n}"), 1, &[])?]);
        other.events = vec![event("y", n)?];
        done(store, "another tenant's commit", &other).await?;
    }
    let (mut cursor, mut seen) = (None::<String>, Vec::new());
    loop {
        let page = store.events("t", cursor.as_deref(), 3).await.map_err(told)?;
        let Some(last) = page.last() else { break };
        cursor = Some(last.cursor.clone());
        seen.extend(page.into_iter().map(|e| e.event));
        if seen.len() > 10 {
            break;
        }
    }
    let wanted: Vec<Event> = (0..10).map(|n| event("x", n)).collect::<std::result::Result<_, _>>()?;
    same("every event once, in order", seen, wanted)?;
    let mut later = puts("t", &[record("later", 1, &[])?]);
    later.events = vec![event("x", 10)?];
    done(store, "a later commit", &later).await?;
    let rest = store.events("t", cursor.as_deref(), 3).await.map_err(told)?;
    same("only the new event after the cursor", rest.into_iter().map(|e| e.event).collect(), vec![event("x", 10)?])?;
    code("a cursor of something else", store.events("t", Some("nonsense"), 3).await, "invalid_cursor")
}

async fn deletes_remove(store: Store<'_>) -> Outcome {
    done(store, "the commit", &puts("t", &[record("a", 2, &[&[1, 1]])?])).await?;
    let delete = |id: &str, expect| -> std::result::Result<ChangeSet, String> {
        let deletes = vec![Delete { key: key(id)?, expect }];
        Ok(ChangeSet { tenant: "t".to_owned(), deletes, ..dated() })
    };
    code("an old version", store.commit(&delete("a", Expect::Version(1))?).await, "version_conflict")?;
    code("expected absent", store.commit(&delete("a", Expect::Absent)?).await, "record_exists")?;
    done(store, "absent as expected", &delete("b", Expect::Absent)?).await?;
    done(store, "the version that is there", &delete("a", Expect::Version(2))?).await?;
    same("it is gone", one(store, "t", "a").await?, None)?;
    same("from every query", ids(store, &Query::of("t", KIND, 10)).await?.as_str(), "")?;
    done(store, "its id is free", &puts("t", &[record("a", 1, &[])?])).await
}

async fn tenants_are_apart(store: Store<'_>) -> Outcome {
    done(store, "the commit", &puts("t", &[record("a", 1, &[])?])).await?;
    same("not another tenant's", one(store, "u", "a").await?, None)?;
    done(store, "the same id again", &puts("u", &[record("a", 1, &[])?, record("b", 1, &[])?])).await?;
    same("each its own", ids(store, &Query::of("t", KIND, 10)).await?.as_str(), "a")?;
    let mut other = record("a", 1, &[])?;
    other.kind = "other".to_owned();
    done(store, "another kind's id", &puts("t", &[other])).await?;
    same("kinds are apart too", ids(store, &Query::of("t", KIND, 10)).await?.as_str(), "a")
}

async fn what_is_not_executed_is_refused(store: Store<'_>) -> Outcome {
    let executes = store.capabilities().executes;
    let plain = puts("t", &[record("a", 1, &[])?]);
    for part in Part::ALL.into_iter().filter(|part| !executes.contains(part)) {
        let mut changes = plain.clone();
        match part {
            Part::Claims => changes.claims.push(parts::claim("n", "a", false)?),
            Part::Counters => changes.counters.push(parts::counter(1, None)),
            Part::Allocate => changes.allocate.push(Allocate { token: 0, scope: "s".to_owned() }),
            Part::Timers => changes.timers.push(parts::timer("a", None, None)?),
        }
        code(part.name(), store.commit(&changes).await, "unsupported_change")?;
    }
    let mut cases = [plain.clone(), plain.clone(), plain];
    let [twice, keys, numbers] = &mut cases;
    twice.puts.push(insert(&record("a", 1, &[])?));
    keys.puts.push(insert(&record("b", 1, &[&[1][..]; 13])?));
    let numbered = Record { numbers: Numbers::from([(0, 1)]), ..record("b", 1, &[])? };
    numbers.puts.push(insert(&numbered));
    for (what, changes) in ["a record twice", "too many keys", "numbers of its own"].iter().zip(&cases) {
        code(what, store.commit(changes).await, "unsupported_change")?;
    }
    same("nothing is written", one(store, "t", "a").await?, None)
}
