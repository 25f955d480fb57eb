//! A repository in memory: the model that every other store is held against.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::accept::accept;
use super::query::Query;
use super::repository::{BoxFuture, Capabilities, Committed, Repository};
use crate::base::change::{ChangeSet, Expect, StoredEvent};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::record::{Body, Key, Record};

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
    marks: BTreeMap<String, (String, String)>,
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
        let (request_hash, response) = self.marks.get(key.id.as_str())?;
        let body = Body::write(&serde_json::json!({"request_hash": request_hash, "response": response})).ok()?;
        Some(Record { kind: key.kind.clone(), id: key.id.clone(), version: 1, schema: 1, keys: Vec::new(), body })
    }
}

/// The error of an expectation that does not hold.
pub fn unmet(key: &Key, expect: Expect) -> Error {
    let code = if expect == Expect::Absent { Code::RecordExists } else { Code::VersionConflict };
    Error::new(code).with("kind", key.kind.clone()).with("id", key.id.as_str())
}

impl Repository for MemoryRepository {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durability: "none".to_owned(), page: 10_000 }
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
}

impl MemoryRepository {
    fn apply(&self, changes: &ChangeSet) -> Result<Committed> {
        accept(changes)?;
        let mut state = self.lock();
        let tenant = state.tenants.entry(changes.tenant.clone()).or_default();
        if let Some(mark) = &changes.idempotency
            && let Some((hash, response)) = tenant.marks.get(&mark.key)
        {
            return match *hash == mark.request_hash {
                true => Ok(Committed::Replayed { response: response.clone() }),
                false => Err(Error::new(Code::IdempotencyKeyReused).with("key", mark.key.clone())),
            };
        }
        for require in &changes.requires {
            tenant.check(&require.key, require.expect)?;
        }
        for put in &changes.puts {
            tenant.check(&put.record.key(), put.expect)?;
        }
        for delete in &changes.deletes {
            tenant.check(&delete.key, delete.expect)?;
        }
        for put in &changes.puts {
            tenant
                .records
                .entry(put.record.kind.clone())
                .or_default()
                .insert(put.record.id.clone(), put.record.clone());
        }
        for delete in &changes.deletes {
            if let Some(by_id) = tenant.records.get_mut(&delete.key.kind) {
                by_id.remove(&delete.key.id);
            }
        }
        for event in &changes.events {
            let cursor = tenant.events.len().saturating_add(1).to_string();
            tenant.events.push(StoredEvent { cursor, event: event.clone() });
        }
        if let Some(mark) = &changes.idempotency {
            tenant.marks.insert(mark.key.clone(), (mark.request_hash.clone(), mark.response.clone()));
        }
        Ok(Committed::Done {})
    }
}
