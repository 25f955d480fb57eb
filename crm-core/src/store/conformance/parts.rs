//! The promises about claims, counters, numbers and timers.

use serde_json::json;

use super::{Outcome, Store, code, dated, done, event, key, one, puts, record, same, told};
use crate::base::change::{
    Allocate, ChangeSet, Claim, Counter, Expect, Idempotency, Put, StoredEvent, StoredTimer, TenantDue, Timer,
};
use crate::base::id::Id;
use crate::base::number::Numbers;
use crate::base::record::{Body, Key, Record};
use crate::base::time::Instant;
use crate::store::memory::IDEMPOTENCY;
use crate::store::repository::Committed;

type Made<T> = std::result::Result<T, String>;

/// A claim of a record, or its release.
pub(super) fn claim(name: &str, owner: &str, release: bool) -> Made<Claim> {
    Ok(Claim { scope: "s".to_owned(), name: name.to_owned(), owner: key(owner)?, release })
}

/// A move of the one counter.
pub(super) fn counter(delta: i64, max: Option<i64>) -> Counter {
    Counter { scope: "s".to_owned(), name: "n".to_owned(), delta, max }
}

/// The one timer of a record.
pub(super) fn timer(id: &str, due: Option<Instant>, fires: Option<Instant>) -> Made<Timer> {
    Ok(Timer { key: key(id)?, rule: "r".to_owned(), due, fires, failures: 0 })
}

fn of(tenant: &str) -> ChangeSet {
    ChangeSet { tenant: tenant.to_owned(), ..dated() }
}

fn at(second: i64) -> Made<Instant> {
    let micros = second.checked_mul(1_000_000).and_then(|m| m.checked_add(1_700_000_000_000_000));
    micros.and_then(Instant::from_micros).ok_or_else(|| "no such instant".to_owned())
}

pub(super) async fn claims_are_unique(store: Store<'_>) -> Outcome {
    let claims = |claims: Vec<Claim>| ChangeSet { claims, ..of("t") };
    done(store, "a free name", &claims(vec![claim("n", "a", false)?])).await?;
    done(store, "its owner again", &claims(vec![claim("n", "a", false)?])).await?;
    code("somebody else", store.commit(&claims(vec![claim("n", "b", false)?])).await, "claim_taken")?;
    let mut whole = puts("t", &[record("b", 1, &[])?]);
    whole.claims = vec![claim("m", "b", false)?, claim("n", "b", false)?];
    whole.events.push(event("b", 1)?);
    code("one of two is taken", store.commit(&whole).await, "claim_taken")?;
    same("nothing of it is written", one(store, "t", "b").await?, None)?;
    same("no event either", store.events("t", None, 10).await.map_err(told)?, Vec::new())?;
    done(store, "the other is still free", &claims(vec![claim("m", "c", false)?])).await?;
    done(store, "another case is another name", &claims(vec![claim("N", "b", false)?])).await?;
    let mut elsewhere = claim("n", "b", false)?;
    elsewhere.scope = "other".to_owned();
    done(store, "another scope", &claims(vec![elsewhere])).await?;
    done(store, "another tenant", &ChangeSet { tenant: "u".to_owned(), ..claims(vec![claim("n", "b", false)?]) })
        .await?;
    done(store, "a release by somebody else", &claims(vec![claim("n", "b", true)?])).await?;
    code("leaves it where it is", store.commit(&claims(vec![claim("n", "b", false)?])).await, "claim_taken")?;
    let passed = claims(vec![claim("n", "b", false)?, claim("n", "a", true)?]);
    done(store, "a name passes on in one commit", &passed).await?;
    code("the first is without it", store.commit(&claims(vec![claim("n", "a", false)?])).await, "claim_taken")?;
    let twice = claims(vec![claim("x", "a", false)?, claim("x", "b", false)?]);
    code("a name twice", store.commit(&twice).await, "unsupported_change")
}

pub(super) async fn counters_keep_limits(store: Store<'_>) -> Outcome {
    let count = |delta, max| ChangeSet { counters: vec![counter(delta, max)], ..of("t") };
    done(store, "up to the limit", &count(3, Some(3))).await?;
    code("beyond it", store.commit(&count(1, Some(3))).await, "limit_reached")?;
    done(store, "with a higher limit", &count(1, Some(4))).await?;
    done(store, "downwards above the limit", &count(-1, Some(0))).await?;
    code("still above", store.commit(&count(1, Some(3))).await, "limit_reached")?;
    done(store, "downwards to below zero", &count(-13, None)).await?;
    done(store, "a delta above its limit, from below zero", &count(15, Some(5))).await?;
    code("past the largest number", store.commit(&count(i64::MAX, None)).await, "limit_reached")?;
    let mut whole = puts("t", &[record("a", 1, &[])?]);
    whole.counters = vec![counter(1, Some(5))];
    code("with a record", store.commit(&whole).await, "limit_reached")?;
    same("nothing is written", one(store, "t", "a").await?, None)?;
    done(store, "another tenant's", &ChangeSet { tenant: "u".to_owned(), ..count(5, Some(5)) }).await?;
    done(store, "no limit", &count(1_000_000_000_000, None)).await
}

pub(super) async fn numbers_have_no_gaps(store: Store<'_>) -> Outcome {
    let body = json!({"number": {"$alloc": 0}, "of": {"$alloc": 7, "prefix": "Q-", "width": 3}});
    let body = Body::write(&body);
    let written = Record { body, ..record("a", 1, &[])? };
    let mut changes = puts("t", std::slice::from_ref(&written));
    let next = |token, scope: &str| Allocate { token, scope: scope.to_owned() };
    changes.allocate = vec![next(0, "x"), next(7, "y"), next(1, "x")];
    changes.events.push(event("a", 1)?);
    let mark = Idempotency { key: "k".to_owned(), request_hash: "h".to_owned(), response: "{}".to_owned() };
    changes.idempotency = Some(mark);
    let numbers = Numbers::from([(0, 1), (1, 2), (7, 1)]);
    let wanted = Committed::Done { numbers: numbers.clone() };
    same("the first of each series", store.commit(&changes).await.map_err(told)?, wanted)?;
    let stored = Record { numbers: numbers.clone(), ..written };
    same("beside the body", one(store, "t", "a").await?, Some(stored.clone()))?;
    let text = stored.resolved().body.text().to_owned();
    same("put in when read", text.as_str(), r#"{"number":"1","of":"Q-001"}"#)?;
    let events = store.events("t", None, 10).await.map_err(told)?;
    same("beside the event", events.iter().map(|e: &StoredEvent| &e.numbers).collect(), vec![&numbers])?;
    let again = Committed::Replayed { response: "{}".to_owned(), numbers: numbers.clone() };
    same("with the answer", store.commit(&changes).await.map_err(told)?, again)?;
    let mark = Key { kind: IDEMPOTENCY.to_owned(), id: Id::new("k").map_err(told)? };
    let found = store.get("t", &[mark]).await.map_err(told)?;
    same("with the mark", found.into_iter().flatten().map(|r| r.numbers).collect(), vec![numbers])?;
    let mut failing = puts("t", &[record("a", 1, &[])?]);
    failing.allocate = vec![next(0, "x")];
    code("a commit that fails", store.commit(&failing).await, "record_exists")?;
    let mut later = puts("t", &[record("b", 1, &[])?]);
    later.allocate = vec![next(0, "x")];
    let wanted = Committed::Done { numbers: Numbers::from([(0, 3)]) };
    same("leaves no gap", store.commit(&later).await.map_err(told)?, wanted)?;
    let other = ChangeSet { allocate: vec![next(0, "x")], ..of("u") };
    let wanted = Committed::Done { numbers: Numbers::from([(0, 1)]) };
    same("another tenant begins at one", store.commit(&other).await.map_err(told)?, wanted)?;
    let record = record("b", 2, &[])?;
    let update = Put { record: record.clone(), changed: Default::default(), expect: Expect::Version(1) };
    done(store, "an update without numbers", &ChangeSet { puts: vec![update], ..of("t") }).await?;
    same("has none", one(store, "t", "b").await?, Some(record))
}

pub(super) async fn timers_fire_once(store: Store<'_>) -> Outcome {
    let set = |timers: Vec<Timer>| ChangeSet { timers, ..of("t") };
    let stored = |id: &str, due: i64, failures: u32| -> Made<StoredTimer> {
        Ok(StoredTimer { due: at(due)?, key: key(id)?, rule: "r".to_owned(), failures })
    };
    let (ten, twenty) = (at(10)?, at(20)?);
    done(store, "two timers", &set(vec![timer("b", Some(twenty), None)?, timer("a", Some(ten), None)?])).await?;
    same("none is due yet", store.due("t", at(9)?, 10).await.map_err(told)?, Vec::new())?;
    same("the first", store.due("t", ten, 10).await.map_err(told)?, vec![stored("a", 10, 0)?])?;
    let both = vec![stored("a", 10, 0)?, stored("b", 20, 0)?];
    same("both, earliest first", store.due("t", at(99)?, 10).await.map_err(told)?, both)?;
    same("at most one", store.due("t", at(99)?, 1).await.map_err(told)?.len(), 1)?;
    same("not another tenant's", store.due("u", at(99)?, 10).await.map_err(told)?, Vec::new())?;
    let other = ChangeSet { tenant: "u".to_owned(), ..set(vec![timer("z", Some(at(5)?), None)?]) };
    done(store, "another tenant's timer", &other).await?;
    let next = vec![TenantDue { due: at(5)?, tenant: "u".to_owned() }, TenantDue { due: ten, tenant: "t".to_owned() }];
    same("who is next", store.next_due(10).await.map_err(told)?, next.clone())?;
    same("the very next", store.next_due(1).await.map_err(told)?, next.into_iter().take(1).collect())?;
    let fire = set(vec![timer("a", None, Some(ten))?]);
    let wrong = set(vec![timer("a", None, Some(twenty))?]);
    code("an occurrence that is not", store.commit(&wrong).await, "version_conflict")?;
    let mut again = puts("t", &[record("a", 1, &[])?]);
    again.timers = fire.timers.clone();
    done(store, "the occurrence", &fire).await?;
    code("it is carried out once", store.commit(&again).await, "version_conflict")?;
    same("nothing of the second is written", one(store, "t", "a").await?, None)?;
    let mut failed = timer("b", Some(at(30)?), Some(twenty))?;
    failed.failures = 2;
    done(store, "one that failed is moved", &set(vec![failed])).await?;
    same("with its count", store.due("t", at(99)?, 10).await.map_err(told)?, vec![stored("b", 30, 2)?])?;
    done(store, "removed", &set(vec![timer("b", None, None)?])).await?;
    done(store, "removed though it is gone", &set(vec![timer("b", None, None)?])).await?;
    same("none is left", store.due("t", at(99)?, 10).await.map_err(told)?, Vec::new())?;
    let mut other_rule = timer("a", Some(ten), None)?;
    other_rule.rule = "q".to_owned();
    done(store, "two rules of a record", &set(vec![timer("a", Some(ten), None)?, other_rule])).await?;
    let rules = store.due("t", ten, 10).await.map_err(told)?;
    same("by rule", rules.iter().map(|t| t.rule.as_str()).collect(), vec!["q", "r"])
}
