//! A repository in memory: the model that every other store is held against.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::accept::accept;
use super::query::Query;
use super::repository::{BoxFuture, Capabilities, Committed, Part, Repository};
use crate::base::change::{Allocate, ChangeSet, Claim, Counter, Expect, StoredEvent, StoredTimer, TenantDue, Timer};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::number::Numbers;
use crate::base::order;
use crate::base::record::{Body, Key, Record};
use crate::base::time::Instant;

/// The kind under which the marks of requests are read.
pub const IDEMPOTENCY: &str = "idempotency";

/// Keeps records and events in maps; gone with the process.
#[derive(Default)]
pub struct MemoryRepository(Mutex<State>);

#[derive(Default)]
struct State {
    tenants: BTreeMap<String, Tenant>,
}

#[derive(Default)]
struct Tenant {
    records: BTreeMap<String, BTreeMap<Id, Record>>,
    events: Vec<StoredEvent>,
    marks: BTreeMap<String, Mark>,
    claims: BTreeMap<(String, String), Key>,
    counters: BTreeMap<(String, String), i64>,
    series: BTreeMap<String, u64>,
    timers: BTreeMap<(Key, String), (Instant, u32)>,
}

struct Mark {
    request_hash: String,
    response: String,
    numbers: Numbers,
}

impl MemoryRepository {
    /// An empty repository.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every record of a tenant, by kind and id; for tests and copies.
    pub fn dump(&self, tenant: &str) -> Vec<Record> {
        let state = self.lock();
        state
            .tenants
            .get(tenant)
            .into_iter()
            .flat_map(|t| t.records.values())
            .flat_map(|by_id| by_id.values())
            .cloned()
            .collect()
    }
}

/// The changes of a part in the order of their names, in which every store looks at them.
pub fn sorted<'a, T, K: Ord>(changes: &'a [T], name: impl Fn(&'a T) -> K) -> Vec<&'a T> {
    let name = |place: usize| changes.get(place).map(&name);
    let places = order::order(changes.len(), &|a, b| name(a).cmp(&name(b)));
    places.into_iter().filter_map(|place| changes.get(place)).collect()
}

impl Tenant {
    fn find(&self, key: &Key) -> Option<&Record> {
        self.records.get(&key.kind)?.get(&key.id)
    }

    fn check(&self, key: &Key, expect: Expect) -> Result<()> {
        let held = match (self.find(key), expect) {
            (None, Expect::Absent) => true,
            (Some(record), Expect::Version(version)) => record.version == version,
            _ => false,
        };
        if held { Ok(()) } else { Err(unmet(key, expect)) }
    }

    fn mark(&self, key: &Key) -> Option<Record> {
        let mark = self.marks.get(key.id.as_str())?;
        let body = serde_json::json!({"request_hash": mark.request_hash, "response": mark.response});
        let (kind, id, numbers) = (key.kind.clone(), key.id.clone(), mark.numbers.clone());
        Some(Record { kind, id, version: 1, schema: 1, keys: Vec::new(), body: Body::write(&body), numbers })
    }

    /// Checks a claim; a name that the same change set releases is free.
    fn claim(&self, claim: &Claim, all: &[Claim]) -> Result<()> {
        let holder = self.claims.get(&(claim.scope.clone(), claim.name.clone()));
        let holder = holder.filter(|holder| {
            !all.iter().any(|c| c.release && c.owner == **holder && c.scope == claim.scope && c.name == claim.name)
        });
        match holder {
            Some(holder) if !claim.release && *holder != claim.owner => Err(taken(claim)),
            _ => Ok(()),
        }
    }

    fn counted(&self, counter: &Counter) -> Result<i64> {
        let value = self.counters.get(&(counter.scope.clone(), counter.name.clone())).copied().unwrap_or(0);
        let next = value.checked_add(counter.delta);
        let next = next.filter(|n| counter.delta <= 0 || counter.max.is_none_or(|max| *n <= max));
        next.ok_or_else(|| reached(counter))
    }

    fn fires(&self, timer: &Timer) -> Result<()> {
        let Some(fires) = timer.fires else { return Ok(()) };
        match self.timers.get(&(timer.key.clone(), timer.rule.clone())) {
            Some((due, _)) if *due == fires => Ok(()),
            _ => Err(fired(timer)),
        }
    }

    fn next_number(&mut self, allocate: &Allocate) -> (u32, u64) {
        let last = self.series.entry(allocate.scope.clone()).or_default();
        *last = last.saturating_add(1);
        (allocate.token, *last)
    }

    fn set(&mut self, timer: &Timer) {
        let name = (timer.key.clone(), timer.rule.clone());
        match timer.due {
            Some(due) => self.timers.insert(name, (due, timer.failures)),
            None => self.timers.remove(&name),
        };
    }
}

/// The error of a record that was read and is not as it was.
pub fn raced(key: &Key) -> Error {
    Error::new(Code::VersionConflict).with("kind", key.kind.clone()).with("id", key.id.as_str())
}

/// The error of a name that somebody else holds.
pub fn taken(claim: &Claim) -> Error {
    Error::new(Code::ClaimTaken).with("scope", claim.scope.clone()).with("name", claim.name.clone())
}

/// The error of a counter that may not go on.
pub fn reached(counter: &Counter) -> Error {
    let error = Error::new(Code::LimitReached).with("scope", counter.scope.clone()).with("name", counter.name.clone());
    error.with("max", counter.max.unwrap_or(i64::MAX))
}

/// The error of a timer that is not due any more when it should be carried out.
pub fn fired(timer: &Timer) -> Error {
    Error::new(Code::VersionConflict).with("kind", "timer").with("id", timer.key.id.as_str())
}

/// The error of an expectation that does not hold.
pub fn unmet(key: &Key, expect: Expect) -> Error {
    let code = if expect == Expect::Absent { Code::RecordExists } else { Code::VersionConflict };
    Error::new(code).with("kind", key.kind.clone()).with("id", key.id.as_str())
}

impl Repository for MemoryRepository {
    fn capabilities(&self) -> Capabilities {
        Capabilities::whole("none", 10_000)
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        let state = self.lock();
        let tenant = state.tenants.get(tenant);
        let one =
            |key: &Key| tenant.and_then(|t| if key.kind == IDEMPOTENCY { t.mark(key) } else { t.find(key).cloned() });
        let found = keys.iter().map(one).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        let state = self.lock();
        let records = state.tenants.get(&query.tenant).and_then(|t| t.records.get(&query.kind));
        let found = query.select(records.into_iter().flat_map(|by_id| by_id.values()));
        Box::pin(std::future::ready(Ok(found)))
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(std::future::ready(self.apply(changes)))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        let state = self.lock();
        let start = match after.map(str::parse::<usize>) {
            None => Ok(0),
            Some(Ok(position)) => Ok(position),
            Some(Err(_)) => Err(Error::new(Code::InvalidCursor)),
        };
        let events = start.map(|start| {
            state
                .tenants
                .get(tenant)
                .map_or_else(Vec::new, |t| t.events.iter().skip(start).take(limit).cloned().collect())
        });
        Box::pin(std::future::ready(events))
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        let state = self.lock();
        let timers = state.tenants.get(tenant).into_iter().flat_map(|t| &t.timers);
        let due = timers.filter(|(_, (due, _))| *due <= now).map(|((key, rule), (due, failures))| StoredTimer {
            due: *due,
            key: key.clone(),
            rule: rule.clone(),
            failures: *failures,
        });
        let mut due: Vec<StoredTimer> = due.collect();
        order::sort(&mut due, &Ord::cmp);
        due.truncate(limit);
        Box::pin(std::future::ready(Ok(due)))
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        let state = self.lock();
        let first = |(tenant, state): (&String, &Tenant)| {
            let due = state.timers.values().map(|(due, _)| *due).min()?;
            Some(TenantDue { due, tenant: tenant.clone() })
        };
        let mut next: Vec<TenantDue> = state.tenants.iter().filter_map(first).collect();
        order::sort(&mut next, &Ord::cmp);
        next.truncate(limit);
        Box::pin(std::future::ready(Ok(next)))
    }
}

impl MemoryRepository {
    fn apply(&self, changes: &ChangeSet) -> Result<Committed> {
        accept(changes, &Part::ALL)?;
        let mut state = self.lock();
        let tenant = state.tenants.entry(changes.tenant.clone()).or_default();
        if let Some(mark) = &changes.idempotency
            && let Some(before) = tenant.marks.get(&mark.key)
        {
            return match before.request_hash == mark.request_hash {
                true => Ok(Committed::Replayed { response: before.response.clone(), numbers: before.numbers.clone() }),
                false => Err(Error::new(Code::IdempotencyKeyReused).with("key", mark.key.clone())),
            };
        }
        tenant.check_all(changes)?;
        Ok(Committed::Done { numbers: tenant.write_all(changes) })
    }
}

impl Tenant {
    fn check_all(&self, changes: &ChangeSet) -> Result<()> {
        for require in sorted(&changes.requires, |r| &r.key) {
            self.check(&require.key, require.expect).map_err(|_| raced(&require.key))?;
        }
        for put in sorted(&changes.puts, |p| (&p.record.kind, &p.record.id)) {
            self.check(&put.record.key(), put.expect)?;
        }
        for delete in sorted(&changes.deletes, |d| &d.key) {
            self.check(&delete.key, delete.expect)?;
        }
        for claim in sorted(&changes.claims, |c| (&c.scope, &c.name)) {
            self.claim(claim, &changes.claims)?;
        }
        for counter in sorted(&changes.counters, |c| (&c.scope, &c.name)) {
            self.counted(counter)?;
        }
        sorted(&changes.timers, |t| (&t.key, &t.rule)).into_iter().try_for_each(|timer| self.fires(timer))
    }

    fn write_all(&mut self, changes: &ChangeSet) -> Numbers {
        let numbers: Numbers = order::map(changes.allocate.iter().map(|allocate| self.next_number(allocate)));
        for put in &changes.puts {
            let record = Record { numbers: numbers.clone(), ..put.record.clone() };
            self.records.entry(record.kind.clone()).or_default().insert(record.id.clone(), record);
        }
        for delete in &changes.deletes {
            if let Some(by_id) = self.records.get_mut(&delete.key.kind) {
                by_id.remove(&delete.key.id);
            }
        }
        for claim in changes.claims.iter().filter(|c| c.release) {
            let name = (claim.scope.clone(), claim.name.clone());
            if self.claims.get(&name) == Some(&claim.owner) {
                self.claims.remove(&name);
            }
        }
        for claim in changes.claims.iter().filter(|c| !c.release) {
            self.claims.insert((claim.scope.clone(), claim.name.clone()), claim.owner.clone());
        }
        for counter in &changes.counters {
            if let Ok(value) = self.counted(counter) {
                self.counters.insert((counter.scope.clone(), counter.name.clone()), value);
            }
        }
        for timer in &changes.timers {
            self.set(timer);
        }
        for event in &changes.events {
            let cursor = self.events.len().saturating_add(1).to_string();
            self.events.push(StoredEvent { cursor, event: event.clone(), numbers: numbers.clone() });
        }
        if let Some(mark) = &changes.idempotency {
            let (request_hash, response) = (mark.request_hash.clone(), mark.response.clone());
            self.marks.insert(mark.key.clone(), Mark { request_hash, response, numbers: numbers.clone() });
        }
        numbers
    }
}
