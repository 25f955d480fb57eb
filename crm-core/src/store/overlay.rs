//! A layer for what-if: everything is read from a repository beneath, everything written stays above it, in memory.
//!
//! Operations run unchanged and see what was tried before them; the repository beneath is never written to. What the layer cannot
//! know it does not pretend: names, counts and numbers that are held beneath cannot be read, so it refuses to change them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::accept::accept;
use super::memory::{IDEMPOTENCY, fired, raced, unmet};
use super::query::Query;
use super::repository::{BoxFuture, Capabilities, Committed, Part, Repository};
use crate::base::change::{ChangeSet, Event, Expect, Idempotency, StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::order;
use crate::base::record::{Body, Key, Record};
use crate::base::time::Instant;

const EXECUTES: [Part; 1] = [Part::Timers];

/// The mark by which a cursor into the tried events is known.
const TRIED: &str = "tried:";

/// A repository whose writes stay above another one.
///
/// # Example: what would the forecast be if the deal were won?
/// ```
/// use std::sync::Arc;
/// use crm_core::base::context::Context;
/// use crm_core::crm::{block_on, Crm};
/// use crm_core::store::{memory::MemoryRepository, overlay::OverlayRepository};
///
/// let now = Context { now: Some("2026-01-31T09:00:00Z".parse()?), seed: Some("example".into()), ..Context::default() };
/// let real = Arc::new(MemoryRepository::new());
/// let crm = Crm::new(real.clone()).at(now.clone());
/// let deal = block_on(crm.opportunities().create(&serde_json::from_str(r#"{"id": "d1", "name": "Ten laptops"}"#).unwrap()))??;
///
/// let what_if = Crm::new(Arc::new(OverlayRepository::new(real))).at(now);
/// block_on(what_if.opportunities().win(&serde_json::from_str(r#"{"id": "d1"}"#).unwrap()))??;
/// let by_id = serde_json::from_str(r#"{"id": "d1"}"#).unwrap();
/// assert_eq!(block_on(what_if.opportunities().get(&by_id))??.value.stage, "won");
/// assert_eq!(block_on(crm.opportunities().get(&by_id))??.value.stage, deal.value.stage);
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub struct OverlayRepository {
    beneath: Arc<dyn Repository>,
    above: Mutex<BTreeMap<String, Above>>,
}

/// What was tried in one tenant; nothing stands for what was removed.
#[derive(Default)]
struct Above {
    records: BTreeMap<Key, Option<Record>>,
    timers: BTreeMap<(Key, String), Option<(Instant, u32)>>,
    events: Vec<Event>,
    marks: BTreeMap<String, Idempotency>,
}

impl OverlayRepository {
    /// Nothing tried yet, over a repository.
    pub fn new(beneath: Arc<dyn Repository>) -> Self {
        OverlayRepository { beneath, above: Mutex::default() }
    }

    /// Forgets everything that was tried.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Above>> {
        self.above.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tried<T>(&self, tenant: &str, look: impl FnOnce(&Above) -> T) -> T {
        match self.lock().get(tenant) {
            Some(above) => look(above),
            None => look(&Above::default()),
        }
    }

    async fn read(&self, tenant: &str, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let beneath = self.beneath.get(tenant, keys).await?;
        let pick = |above: &Above| {
            let found = keys.iter().zip(beneath);
            found.map(|(key, beneath)| above.find(key).unwrap_or(beneath)).collect()
        };
        Ok(self.tried(tenant, pick))
    }

    async fn search(&self, query: &Query) -> Result<Vec<Record>> {
        let own: Vec<(Key, Option<Record>)> = self.tried(&query.tenant, |above| {
            let of_kind = above.records.iter().filter(|(key, _)| key.kind == query.kind);
            of_kind.map(|(key, record)| (key.clone(), record.clone())).collect()
        });
        // Each tried record may hide one beneath.
        let wide = Query { limit: query.limit.saturating_add(own.len()), ..query.clone() };
        let beneath = self.beneath.find(&wide).await?;
        let hidden = |record: &Record| own.iter().any(|(key, _)| key.id == record.id);
        let records = beneath.iter().filter(|r| !hidden(r)).chain(own.iter().filter_map(|(_, r)| r.as_ref()));
        Ok(query.select(records))
    }

    async fn check(&self, changes: &ChangeSet) -> Result<Option<Committed>> {
        accept(changes, &EXECUTES)?;
        if let Some(mark) = &changes.idempotency {
            let key = Key { kind: IDEMPOTENCY.to_owned(), id: crate::base::id::Id::new(&mark.key)? };
            if let Some(before) = self.read(&changes.tenant, &[key]).await?.into_iter().flatten().next() {
                return replayed(&before, mark).map(Some);
            }
        }
        let (keys, expects): (Vec<Key>, Vec<Expect>) = expectations(changes).unzip();
        let found = self.read(&changes.tenant, &keys).await?;
        for ((key, expect), record) in keys.iter().zip(expects).zip(found) {
            match (record, expect) {
                (None, Expect::Absent) => {}
                (Some(record), Expect::Version(version)) if record.version == version => {}
                _ if changes.requires.iter().any(|r| r.key == *key && r.expect == expect) => return Err(raced(key)),
                _ => return Err(unmet(key, expect)),
            }
        }
        for timer in &changes.timers {
            let Some(fires) = timer.fires else { continue };
            let is_it = |t: &StoredTimer| t.key == timer.key && t.rule == timer.rule && t.due == fires;
            if !self.timers(&changes.tenant, fires).await?.iter().any(is_it) {
                return Err(fired(timer));
            }
        }
        Ok(None)
    }

    /// The timers due by a time, beneath and above, in order.
    async fn timers(&self, tenant: &str, now: Instant) -> Result<Vec<StoredTimer>> {
        let mut due = self.beneath.due(tenant, now, usize::MAX).await?;
        self.tried(tenant, |above| {
            due.retain(|t| !above.timers.contains_key(&(t.key.clone(), t.rule.clone())));
            let own = above.timers.iter().filter_map(|((key, rule), set)| {
                let (due, failures) = (*set)?;
                Some(StoredTimer { due, key: key.clone(), rule: rule.clone(), failures })
            });
            due.extend(own.filter(|t| t.due <= now));
        });
        order::sort(&mut due, &Ord::cmp);
        Ok(due)
    }

    fn write(&self, changes: &ChangeSet) -> Result<()> {
        let mut above = self.lock();
        let above = above.entry(changes.tenant.clone()).or_default();
        // Somebody else may have tried something since the check.
        for (key, expect) in expectations(changes) {
            match (above.records.get(&key), expect) {
                (Some(Some(record)), Expect::Version(version)) if record.version == version => {}
                (None, _) | (Some(None), Expect::Absent) => {}
                _ => return Err(unmet(&key, expect)),
            }
        }
        for put in &changes.puts {
            above.records.insert(put.record.key(), Some(put.record.clone()));
        }
        for delete in &changes.deletes {
            above.records.insert(delete.key.clone(), None);
        }
        for timer in &changes.timers {
            let set = timer.due.map(|due| (due, timer.failures));
            above.timers.insert((timer.key.clone(), timer.rule.clone()), set);
        }
        above.events.extend(changes.events.iter().cloned());
        if let Some(mark) = &changes.idempotency {
            above.marks.insert(mark.key.clone(), mark.clone());
        }
        Ok(())
    }
}

/// What must be true of records, in the order in which it is looked at.
fn expectations(changes: &ChangeSet) -> impl Iterator<Item = (Key, Expect)> {
    let requires = changes.requires.iter().map(|r| (r.key.clone(), r.expect));
    let puts = changes.puts.iter().map(|p| (p.record.key(), p.expect));
    let deletes = changes.deletes.iter().map(|d| (d.key.clone(), d.expect));
    requires.chain(puts).chain(deletes)
}

impl Above {
    /// What was tried of a record: nothing when it was not touched.
    fn find(&self, key: &Key) -> Option<Option<Record>> {
        if key.kind != IDEMPOTENCY {
            return self.records.get(key).cloned();
        }
        let mark = self.marks.get(key.id.as_str())?;
        let body = serde_json::json!({"request_hash": mark.request_hash, "response": mark.response});
        let (kind, id, body) = (key.kind.clone(), key.id.clone(), Body::write(&body));
        Some(Some(Record { kind, id, version: 1, schema: 1, keys: Vec::new(), body, numbers: Default::default() }))
    }
}

/// The answer to a request that was made before.
fn replayed(before: &Record, mark: &Idempotency) -> Result<Committed> {
    let corrupt = || Error::new(Code::CorruptRecord).with("kind", IDEMPOTENCY).with("id", mark.key.clone());
    let body: serde_json::Value = serde_json::from_str(before.body.text()).map_err(|_| corrupt())?;
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).ok_or_else(corrupt);
    if text("request_hash")? != mark.request_hash {
        return Err(Error::new(Code::IdempotencyKeyReused).with("key", mark.key.clone()));
    }
    Ok(Committed::Replayed { response: text("response")?.to_owned(), numbers: before.numbers.clone() })
}

impl Repository for OverlayRepository {
    fn capabilities(&self) -> Capabilities {
        let executes = self.beneath.capabilities().executes;
        let executes = executes.into_iter().filter(|part| EXECUTES.contains(part)).collect();
        Capabilities { durability: "none".to_owned(), executes, ..self.beneath.capabilities() }
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(self.read(tenant, keys))
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(self.search(query))
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(async move {
            match self.check(changes).await? {
                Some(replayed) => Ok(replayed),
                None => self.write(changes).map(|()| Committed::DONE),
            }
        })
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(async move {
            let tried = after.and_then(|cursor| cursor.strip_prefix(TRIED));
            let (mut events, start) = match tried {
                Some(place) => (Vec::new(), place.parse::<usize>().map_err(|_| Error::new(Code::InvalidCursor))?),
                None => (self.beneath.events(tenant, after, limit).await?, 0),
            };
            let room = limit.saturating_sub(events.len());
            self.tried(tenant, |above| {
                let own = above.events.iter().enumerate().skip(start).take(room);
                events.extend(own.map(|(place, event)| {
                    let cursor = format!("{TRIED}{}", place.saturating_add(1));
                    StoredEvent { cursor, event: event.clone(), numbers: Default::default() }
                }));
            });
            Ok(events)
        })
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(async move {
            let mut due = self.timers(tenant, now).await?;
            due.truncate(limit);
            Ok(due)
        })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(async move {
            let beneath = self.beneath.next_due(usize::MAX).await?;
            let mut tenants: Vec<String> = beneath.into_iter().map(|next| next.tenant).collect();
            tenants.extend(self.lock().keys().cloned());
            order::sort(&mut tenants, &Ord::cmp);
            tenants.dedup();
            let mut next = Vec::new();
            for tenant in tenants {
                let first = self.timers(&tenant, Instant::MAX).await?.into_iter().next();
                next.extend(first.map(|timer| TenantDue { due: timer.due, tenant }));
            }
            order::sort(&mut next, &Ord::cmp);
            next.truncate(limit);
            Ok(next)
        })
    }
}

#[cfg(test)]
mod tests {
    #![cfg(feature = "conformance")]

    use super::*;
    use crate::base::change::{Delete, Put};
    use crate::base::id::Id;
    use crate::crm::block_on;
    use crate::store::conformance;
    use crate::store::memory::MemoryRepository;

    #[test]
    fn the_layer_keeps_what_it_promises() {
        let fresh = || Arc::new(OverlayRepository::new(Arc::new(MemoryRepository::new()))) as Arc<dyn Repository>;
        let report = block_on(conformance::run(fresh)).unwrap();
        assert!(report.is_kept() && report.ran.contains(&"timers_fire_once"), "{report:?}");
    }

    fn record(id: &str, version: u64, key: u8) -> Record {
        let (kind, id) = ("deal".to_owned(), Id::new(id).unwrap());
        let keys = vec![crate::base::record::KeyBytes::from_bytes(vec![1, key])];
        Record {
            kind,
            id,
            version,
            schema: 1,
            keys,
            body: Body::parse("{}".to_owned()).unwrap(),
            numbers: Default::default(),
        }
    }

    fn put(record: Record, expect: Expect) -> Put {
        Put { record, changed: Default::default(), expect }
    }

    #[test]
    fn what_is_tried_hides_what_lies_beneath_and_leaves_it_alone() {
        let memory = Arc::new(MemoryRepository::new());
        let puts = (1..=6).map(|n| put(record(&format!("d{n}"), 1, n), Expect::Absent)).collect();
        let base = ChangeSet { tenant: "t".to_owned(), puts, ..ChangeSet::default() };
        block_on(memory.commit(&base)).unwrap().unwrap();
        let overlay = OverlayRepository::new(memory.clone());
        let tried = ChangeSet {
            tenant: "t".to_owned(),
            puts: vec![put(record("d1", 2, 9), Expect::Version(1)), put(record("d7", 1, 0), Expect::Absent)],
            deletes: vec![Delete { key: record("d2", 1, 2).key(), expect: Expect::Version(1) }],
            ..ChangeSet::default()
        };
        block_on(overlay.commit(&tried)).unwrap().unwrap();
        let ids = |limit: usize| {
            let query = Query { order: Some(0), ..Query::of("t", "deal", limit) };
            let found = block_on(overlay.find(&query)).unwrap().unwrap();
            found.iter().map(|r| r.id.as_str().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((ids(9).as_str(), ids(2).as_str()), ("d7 d3 d4 d5 d6 d1", "d7 d3"));
        let again = block_on(overlay.commit(&tried)).unwrap().unwrap_err();
        assert_eq!(again.code(), "version_conflict");
        assert_eq!(memory.dump("t").iter().map(|r| r.version).collect::<Vec<_>>(), [1; 6]);
        overlay.reset();
        assert_eq!(ids(9), "d1 d2 d3 d4 d5 d6");
    }
}
