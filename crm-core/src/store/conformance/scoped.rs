//! A repository whose tenants are another one's, under a prefix: so that checks share a store without meeting.
//! Bodies of a store that writes JSON anew are brought into one form.

use std::sync::Arc;

use crate::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crate::base::error::Result;
use crate::base::record::{Body, Key, Record};
use crate::base::time::Instant;
use crate::store::query::Query;
use crate::store::repository::{BoxFuture, Capabilities, Committed, Repository};

/// The repository, and what its tenants' names begin with.
pub struct Scoped {
    inner: Arc<dyn Repository>,
    prefix: String,
}

impl Scoped {
    /// Wraps a repository.
    pub fn new(inner: Arc<dyn Repository>, prefix: String) -> Self {
        Scoped { inner, prefix }
    }

    /// A record as the checks compare it.
    fn tidy(&self, record: Record) -> Record {
        if self.inner.capabilities().exact_text {
            return record;
        }
        let value = serde_json::from_str::<serde_json::Value>(record.body.text()).ok();
        match value.map(|value| Body::write(&value)) {
            Some(body) => Record { body, ..record },
            None => record,
        }
    }

    fn tenant(&self, tenant: &str) -> String {
        format!("{}{tenant}", self.prefix)
    }
}

impl Repository for Scoped {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            let found = self.inner.get(&self.tenant(tenant), keys).await?;
            Ok(found.into_iter().map(|record| record.map(|record| self.tidy(record))).collect())
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(async move {
            let query = Query { tenant: self.tenant(&query.tenant), ..query.clone() };
            let found = self.inner.find(&query).await?;
            Ok(found.into_iter().map(|record| self.tidy(record)).collect())
        })
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(async move {
            let changes = ChangeSet { tenant: self.tenant(&changes.tenant), ..changes.clone() };
            self.inner.commit(&changes).await
        })
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(async move { self.inner.events(&self.tenant(tenant), after, limit).await })
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(async move { self.inner.due(&self.tenant(tenant), now, limit).await })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(async move {
            let all = self.inner.next_due(usize::MAX).await?;
            let own = all.into_iter().filter_map(|next| {
                let tenant = next.tenant.strip_prefix(&self.prefix)?.to_owned();
                Some(TenantDue { tenant, ..next })
            });
            Ok(own.take(limit).collect())
        })
    }
}
