//! A layer that fails on purpose, for tests and vectors: the n-th call of a repository answers with an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::query::Query;
use super::repository::{BoxFuture, Capabilities, Committed, Repository};
use crate::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::record::{Key, Record};
use crate::base::time::Instant;

/// Fails one call and passes all others on.
pub struct FaultyRepository {
    inner: Arc<dyn Repository>,
    calls: AtomicU64,
    fail_at: u64,
    code: Code,
}

impl FaultyRepository {
    /// Wraps a repository; its call number `fail_at` (from 1) fails with `code` before it reaches the store.
    pub fn new(inner: Arc<dyn Repository>, fail_at: u64, code: Code) -> Self {
        FaultyRepository { inner, calls: AtomicU64::new(0), fail_at, code }
    }

    /// How many calls were made so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        if call == self.fail_at { Err(Error::new(self.code).with("reason", "a fault on purpose")) } else { Ok(()) }
    }
}

impl Repository for FaultyRepository {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        match self.check() {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(()) => self.inner.get(tenant, keys),
        }
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        match self.check() {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(()) => self.inner.find(query),
        }
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        match self.check() {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(()) => self.inner.commit(changes),
        }
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        match self.check() {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(()) => self.inner.events(tenant, after, limit),
        }
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        match self.check() {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(()) => self.inner.due(tenant, now, limit),
        }
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        match self.check() {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(()) => self.inner.next_due(limit),
        }
    }
}
