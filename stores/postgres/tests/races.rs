//! Many at once on the same records, counters, series, names and timers, with readers over the events.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use common::{KINDS, event, is_soak, options, put, puts, record, schema, url};
use crm_core::base::change::{Allocate, ChangeSet, Claim, Counter, Event, Expect, Require, Timer};
use crm_core::base::error::{Error, Result};
use crm_core::base::id::Id;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::repository::{Committed, Repository};
use crm_store_postgres::{Options, PostgresRepository};
use serde_json::json;

const WRITERS: u32 = 8;
const HOT: u32 = 4;

/// A server that looks for deadlocks at once, so that those which must happen do not take a second each.
async fn crowded(schema: &str) -> PostgresRepository {
    let url = format!("{}?options=-cdeadlock_timeout%3D20ms", url());
    PostgresRepository::connect_for(&url, KINDS, Options { connections: 20, ..options(schema) }).await.unwrap()
}

/// Small steps of a sequence that looks random and is the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(sides)).unwrap()
    }
}

/// What all writers did together.
#[derive(Default)]
struct Tally {
    hot: [AtomicU64; HOT as usize],
    counted: AtomicU64,
    numbered: AtomicU64,
    holders: [AtomicU32; HOT as usize],
    conflicts: AtomicU64,
    commits: AtomicU64,
}

fn key(id: &str) -> Key {
    Key { kind: "deal".to_owned(), id: Id::new(id).unwrap() }
}

fn named(writer: u32, step: u32) -> Event {
    let mut event = event(&format!("w{writer}"));
    event.data = serde_json::from_value(json!({"writer": writer, "step": step})).unwrap();
    event
}

fn names(event: &Event) -> (u64, u64) {
    (event.data["writer"].as_u64().unwrap(), event.data["step"].as_u64().unwrap())
}

async fn read(store: &dyn Repository, id: &str) -> Option<Record> {
    store.get("t", &[key(id)]).await.unwrap().pop().flatten()
}

/// The change set of one step, decided from what is there, and what it means for the tally once it is committed.
async fn decide(
    store: &dyn Repository,
    tally: &Tally,
    writer: u32,
    dice: &mut Dice,
    step: u32,
) -> (ChangeSet, u32, usize) {
    let (action, place) = (dice.roll(5), dice.roll(HOT));
    let mut changes = puts(Vec::new());
    changes.events.push(named(writer, step));
    match action {
        // Two hot records in one commit, in either order.
        0 | 1 => {
            let other = (place + 1 + dice.roll(HOT - 1)) % HOT;
            for n in [place, other] {
                let id = format!("hot{n}");
                let old = read(store, &id).await;
                let (version, expect) =
                    old.map_or((1, Expect::Absent), |r| (r.version + 1, Expect::Version(r.version)));
                changes.puts.push(put(record("deal", &id, version, &[]), expect));
            }
            return (changes, action, (place * HOT + other) as usize);
        }
        2 => {
            let counter = |scope: &str| Counter { scope: scope.to_owned(), name: "n".to_owned(), delta: 1, max: None };
            changes.counters = vec![counter("b"), counter("a")];
        }
        3 => {
            changes.allocate = vec![Allocate { token: 0, scope: "quotes".to_owned() }];
            changes.puts.push(put(record("deal", &format!("q{writer}.{step}"), 1, &[]), Expect::Absent));
        }
        _ => {
            let mine = tally.holders[place as usize].load(Ordering::SeqCst) == writer + 1;
            if mine {
                // Given up before the commit: nobody can take it until that is done.
                tally.holders[place as usize].store(0, Ordering::SeqCst);
            }
            let owner = key(&format!("w{writer}"));
            let (scope, name) = ("names".to_owned(), format!("n{place}"));
            changes.claims = vec![Claim { scope, name, owner, release: mine }];
        }
    }
    (changes, action, place as usize)
}

fn note(tally: &Tally, writer: u32, changes: &ChangeSet, action: u32, place: usize) {
    tally.commits.fetch_add(1, Ordering::SeqCst);
    match action {
        0 | 1 => {
            for n in [place / HOT as usize, place % HOT as usize] {
                tally.hot[n].fetch_add(1, Ordering::SeqCst);
            }
        }
        2 => {
            tally.counted.fetch_add(1, Ordering::SeqCst);
        }
        3 => {
            tally.numbered.fetch_add(1, Ordering::SeqCst);
        }
        _ if changes.claims[0].release => {}
        _ => {
            let before = tally.holders[place].swap(writer + 1, Ordering::SeqCst);
            assert!(before == 0 || before == writer + 1, "a name was held by {before} and taken by {}", writer + 1);
        }
    }
}

async fn write(store: Arc<PostgresRepository>, tally: Arc<Tally>, writer: u32, steps: u32) -> BTreeSet<u64> {
    let mut dice = Dice(u64::from(writer) + 1);
    let mut numbers = BTreeSet::new();
    for step in 0..steps {
        loop {
            let (changes, action, place) = decide(store.as_ref(), &tally, writer, &mut dice, step).await;
            match store.commit(&changes).await {
                Ok(Committed::Done { numbers: given }) => {
                    note(&tally, writer, &changes, action, place);
                    numbers.extend(given.into_values());
                    break;
                }
                Err(error) if ["version_conflict", "record_exists", "claim_taken"].contains(&error.code()) => {
                    tally.conflicts.fetch_add(1, Ordering::SeqCst);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    numbers
}

/// Follows the events until the writers are done and nothing is left.
async fn follow(store: Arc<PostgresRepository>, done: Arc<AtomicBool>, page: usize) -> Vec<(u64, u64)> {
    let (mut cursor, mut seen) = (None::<String>, Vec::new());
    loop {
        let ended = done.load(Ordering::SeqCst);
        let found = store.events("t", cursor.as_deref(), page).await.unwrap();
        if found.is_empty() && ended {
            return seen;
        }
        if let Some(last) = found.last() {
            cursor = Some(last.cursor.clone());
        }
        seen.extend(found.iter().map(|e| names(&e.event)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_lose_nothing_and_readers_skip_nothing() {
    let steps = if is_soak() { 10_000 } else { 150 };
    let schema = schema("races");
    let store = Arc::new(crowded(&schema).await);
    // Readers that leave out what is not settled, instead of waiting for it.
    let hasty = Options { settle: Duration::ZERO, ..options(&schema) };
    let reading = Arc::new(PostgresRepository::connect_for(&url(), KINDS, hasty).await.unwrap());
    let (tally, done) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> =
        [1, 7, 100].into_iter().map(|page| tokio::spawn(follow(reading.clone(), done.clone(), page))).collect();
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), tally.clone(), writer, steps))).collect();
    let mut numbers = BTreeSet::new();
    for writer in writers {
        for number in writer.await.unwrap() {
            assert!(numbers.insert(number), "{number} was given out twice");
        }
    }
    done.store(true, Ordering::SeqCst);

    let numbered = tally.numbered.load(Ordering::SeqCst);
    assert_eq!(numbers.iter().copied().collect::<Vec<u64>>(), (1..=numbered).collect::<Vec<u64>>(), "without gaps");
    for n in 0..HOT {
        let version = read(store.as_ref(), &format!("hot{n}")).await.map_or(0, |r| r.version);
        assert_eq!(version, tally.hot[n as usize].load(Ordering::SeqCst), "an update of hot{n} was lost");
    }
    let counted = i64::try_from(tally.counted.load(Ordering::SeqCst)).unwrap();
    for scope in ["a", "b"] {
        let count = |max| Counter { scope: scope.to_owned(), name: "n".to_owned(), delta: 1, max: Some(max) };
        let of = |max| ChangeSet { tenant: "t".to_owned(), counters: vec![count(max)], ..ChangeSet::default() };
        assert_eq!(store.commit(&of(counted)).await.unwrap_err().code(), "limit_reached");
        store.commit(&of(counted + 1)).await.unwrap();
    }

    let whole: Vec<(u64, u64)> =
        store.events("t", None, usize::MAX).await.unwrap().iter().map(|e| names(&e.event)).collect();
    let commits = usize::try_from(tally.commits.load(Ordering::SeqCst)).unwrap();
    assert_eq!((whole.len(), commits), ((WRITERS * steps) as usize, (WRITERS * steps) as usize));
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len(), "an event stands twice");
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    for (writer, step) in &whole {
        if let Some(before) = last.insert(*writer, *step) {
            assert!(before < *step, "the events of a writer are out of order");
        }
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), whole, "a reader skipped or repeated an event");
    }
    println!(
        "figure: {WRITERS} writers, {commits} commits, {} conflicts, 3 readers throughout",
        tally.conflicts.load(Ordering::SeqCst)
    );
}

fn is_refused(outcome: &Result<Committed>) -> bool {
    outcome.as_ref().is_err_and(|e: &Error| ["version_conflict", "record_exists"].contains(&e.code()))
}

/// Two commits that each rely on what the other one changes: one of them must be refused.
#[tokio::test(flavor = "multi_thread")]
async fn write_skew_is_refused() {
    let rounds = if is_soak() { 500 } else { 20 };
    let store = crowded(&schema("skew")).await;
    let both =
        puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent), put(record("deal", "b", 1, &[]), Expect::Absent)]);
    store.commit(&both).await.unwrap();
    let (mut a, mut b) = (1, 1);
    for _ in 0..rounds {
        let change = |id: &str, version: u64, other: &str, required: u64| {
            let mut changes = puts(vec![put(record("deal", id, version + 1, &[]), Expect::Version(version))]);
            changes.requires.push(Require { key: key(other), expect: Expect::Version(required) });
            changes
        };
        let (first, second) = (change("a", a, "b", b), change("b", b, "a", a));
        let (first, second) = tokio::join!(store.commit(&first), store.commit(&second));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        assert!(is_refused(&first) || is_refused(&second), "{first:?} {second:?}");
        (a, b) = (a + u64::from(first.is_ok()), b + u64::from(second.is_ok()));
    }
    for round in 0..rounds {
        let change = |id: &str, other: &str| {
            let mut changes = puts(vec![put(record("deal", &format!("{id}{round}"), 1, &[]), Expect::Absent)]);
            changes.requires.push(Require { key: key(&format!("{other}{round}")), expect: Expect::Absent });
            changes
        };
        let (first, second) = (change("x", "y"), change("y", "x"));
        let (first, second) = tokio::join!(store.commit(&first), store.commit(&second));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        assert!(is_refused(&first) || is_refused(&second), "{first:?} {second:?}");
    }
}

/// Many may rely on the same absence at once; a bulk load is seen by those who do.
#[tokio::test(flavor = "multi_thread")]
async fn an_absence_holds_until_the_commit() {
    let store = crowded(&schema("absence")).await;
    for round in 0..10 {
        let bulk: Vec<_> =
            (0..100).map(|n| put(record("deal", &format!("bulk{round}.{n}"), 1, &[]), Expect::Absent)).collect();
        let bulk = puts(bulk);
        let relying = |n: u32| {
            let mut changes = puts(vec![put(record("user", &format!("u{round}.{n}"), 1, &[]), Expect::Absent)]);
            changes.requires.push(Require { key: key(&format!("bulk{round}.7")), expect: Expect::Absent });
            changes.allocate = vec![Allocate { token: 0, scope: format!("order{round}") }];
            changes
        };
        let relying: Vec<ChangeSet> = (0..6).map(relying).collect();
        let outcomes = futures_util::future::join_all(relying.iter().map(|c| store.commit(c)));
        let (outcomes, bulk) = tokio::join!(outcomes, store.commit(&bulk));
        bulk.unwrap();
        for outcome in outcomes {
            assert!(outcome.is_ok() || is_refused(&outcome), "{outcome:?}");
        }
        let late = relying.last().map(|c| ChangeSet { puts: Vec::new(), ..c.clone() }).unwrap();
        assert!(is_refused(&store.commit(&late).await));
    }
}

/// The same request from several at once is carried out once; the others get its answer.
#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_carried_out_once() {
    let store = crowded(&schema("keys")).await;
    for round in 0..20 {
        let request = |n: u32| {
            let mut changes = puts(vec![put(record("deal", &format!("{round}.{n}"), 1, &[]), Expect::Absent)]);
            changes.idempotency = Some(crm_core::base::change::Idempotency {
                key: format!("k{round}"),
                request_hash: "h".to_owned(),
                response: format!("{n}"),
            });
            changes
        };
        let requests: Vec<ChangeSet> = (0..6).map(request).collect();
        let outcomes = futures_util::future::join_all(requests.iter().map(|c| store.commit(c))).await;
        let done = outcomes.iter().filter(|o| matches!(o, Ok(Committed::Done { .. }))).count();
        let replayed = outcomes.iter().filter(|o| matches!(o, Ok(Committed::Replayed { .. }))).count();
        assert_eq!((done, replayed), (1, 5), "{outcomes:?}");
    }
}

/// Three tickers take what is due: each occurrence is committed once.
#[tokio::test(flavor = "multi_thread")]
async fn each_occurrence_is_committed_once() {
    let count = if is_soak() { 2_000 } else { 100 };
    let store = Arc::new(crowded(&schema("timers")).await);
    let due: Instant = "2026-01-31T09:00:00Z".parse().unwrap();
    let later: Instant = "2026-02-07T09:00:00Z".parse().unwrap();
    let timer =
        |n: u32, due, fires| Timer { key: key(&format!("d{n}")), rule: "r".to_owned(), due, fires, failures: 0 };
    let timers = (0..count).map(|n| timer(n, Some(due), None)).collect();
    store.commit(&ChangeSet { tenant: "t".to_owned(), timers, ..ChangeSet::default() }).await.unwrap();
    let ticker = |store: Arc<PostgresRepository>| async move {
        let mut committed = Vec::new();
        loop {
            let page = store.due("t", later, 10).await.unwrap();
            if page.is_empty() {
                return committed;
            }
            for occurrence in page {
                let timer = Timer {
                    key: occurrence.key.clone(),
                    rule: occurrence.rule.clone(),
                    due: None,
                    fires: Some(occurrence.due),
                    failures: 0,
                };
                let changes = ChangeSet { timers: vec![timer], events: vec![event("fired")], ..puts(Vec::new()) };
                match store.commit(&changes).await {
                    Ok(_) => committed.push(occurrence.key.id.to_string()),
                    outcome => assert!(is_refused(&outcome), "{outcome:?}"),
                }
            }
        }
    };
    let (one, two, three) = tokio::join!(
        tokio::spawn(ticker(store.clone())),
        tokio::spawn(ticker(store.clone())),
        tokio::spawn(ticker(store.clone()))
    );
    let all: Vec<String> = [one, two, three].into_iter().flat_map(|committed| committed.unwrap()).collect();
    assert_eq!(all.len(), count as usize);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(store.events("t", None, usize::MAX).await.unwrap().len(), all.len());
}
