//! A layer that shows each call of a repository to the host's subscriber as a span: how many, how it ended, and nothing that is stored.

use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

use super::query::Query;
use super::repository::{BoxFuture, Capabilities, Committed, MaybeSend, Repository};
use crate::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crate::base::error::Result;
use crate::base::record::{Key, Record};
use crate::base::time::Instant;

/// A repository whose calls are spans `get`, `find`, `commit`, `events`, `due` and `next_due` of level debug.
pub struct Traced<'r>(pub &'r dyn Repository);

impl Repository for Traced<'_> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        let span = debug_span!(target: "crm_core", "get", keys = keys.len(), found = Empty, outcome = Empty);
        shown(span, || self.0.get(tenant, keys), |found| found.iter().flatten().count())
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        let (kind, limit) = (query.kind.as_str(), query.limit);
        let span = debug_span!(target: "crm_core", "find", kind, limit, found = Empty, outcome = Empty);
        shown(span, || self.0.find(query), Vec::len)
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        let span = debug_span!(
            target: "crm_core",
            "commit",
            puts = changes.puts.len(),
            deletes = changes.deletes.len(),
            requires = changes.requires.len(),
            claims = changes.claims.len(),
            counters = changes.counters.len(),
            numbers = changes.allocate.len(),
            timers = changes.timers.len(),
            events = changes.events.len(),
            is_keyed = changes.idempotency.is_some(),
            found = Empty,
            outcome = Empty,
        );
        shown(span, || self.0.commit(changes), |ended| usize::from(matches!(ended, Committed::Replayed { .. })))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        let span = debug_span!(target: "crm_core", "events", limit, found = Empty, outcome = Empty);
        shown(span, || self.0.events(tenant, after, limit), Vec::len)
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        let span = debug_span!(target: "crm_core", "due", limit, found = Empty, outcome = Empty);
        shown(span, || self.0.due(tenant, now, limit), Vec::len)
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        let span = debug_span!(target: "crm_core", "next_due", limit, found = Empty, outcome = Empty);
        shown(span, || self.0.next_due(limit), Vec::len)
    }
}

/// Asks inside a span, also where the store works before it gives its future, and notes how many came back and how it ended.
fn shown<'a, T: MaybeSend + 'a>(
    span: Span,
    ask: impl FnOnce() -> BoxFuture<'a, Result<T>>,
    count: fn(&T) -> usize,
) -> BoxFuture<'a, Result<T>> {
    let asked = span.in_scope(ask);
    let own = span.clone();
    let noted = async move {
        let ended = asked.await;
        match &ended {
            Ok(found) => own.record("found", count(found)).record("outcome", "ok"),
            Err(error) => own.record("outcome", error.code()),
        };
        ended
    };
    Box::pin(noted.instrument(span))
}
