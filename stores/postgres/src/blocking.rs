//! The store for hosts without tokio: it brings a runtime of its own and waits for it.

use std::future::Future;
use std::sync::{Arc, mpsc};

use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::codes::Code;
use crm_core::base::error::Result;
use crm_core::base::reason::Reason;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::crm::kinds::KINDS;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use tokio::runtime::Runtime;

use crate::open::Options;
use crate::{PostgresRepository, failure};

/// How many threads speak with the server; they wait for it most of the time.
const THREADS: usize = 2;

/// A repository in a PostgreSQL database whose futures complete at once: each call waits for the server on the thread that polls it.
///
/// For `Host::attach` and `block_on`, as in the bindings. On tokio take [`PostgresRepository`] instead, which does not hold up a thread.
pub struct BlockingRepository {
    inner: Arc<PostgresRepository>,
    runtime: Option<Runtime>,
}

impl BlockingRepository {
    /// Connects as [`PostgresRepository::connect`] does.
    ///
    /// # Errors
    /// The same.
    pub fn connect(url: &str, options: Options) -> Result<Self> {
        let kinds: Vec<(&str, usize)> = KINDS.iter().map(|kind| (kind.name, kind.indexes.len())).collect();
        BlockingRepository::connect_for(url, &kinds, options)
    }

    /// Connects as [`PostgresRepository::connect_for`] does.
    ///
    /// # Errors
    /// The same.
    pub fn connect_for(url: &str, kinds: &[(&str, usize)], options: Options) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("crm-postgres")
            .enable_all()
            .build()
            .map_err(|error| {
                failure::unavailable(
                    Reason::new(Code::DatabaseSaid).with("said", crm_core::base::text::clip(&error.to_string())),
                )
            })?;
        let (url, kinds) = (url.to_owned(), owned(kinds));
        let inner = wait(&runtime, async move {
            let kinds: Vec<(&str, usize)> = kinds.iter().map(|(name, count)| (name.as_str(), *count)).collect();
            PostgresRepository::connect_for(&url, &kinds, options).await
        })?;
        Ok(BlockingRepository { inner: Arc::new(inner), runtime: Some(runtime) })
    }

    /// Makes the views for plain SQL, as [`PostgresRepository::create_views`] does.
    ///
    /// # Errors
    /// The same.
    pub fn create_views(&self, config: &crm_core::config::Config) -> Result<Vec<String>> {
        let config = config.clone();
        self.call(|inner| async move { inner.create_views(&config).await })
    }

    /// Runs a call on the store's own threads and waits for it; the calling thread may belong to another runtime.
    fn call<T, F>(&self, work: impl FnOnce(Arc<PostgresRepository>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        // After a fork the threads are not there to answer.
        self.inner.owned()?;
        match &self.runtime {
            Some(runtime) => wait(runtime, work(self.inner.clone())),
            None => Err(failure::failed(Reason::new(Code::ConnectionLost))),
        }
    }
}

fn owned(kinds: &[(&str, usize)]) -> Vec<(String, usize)> {
    kinds.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn wait<T: Send + 'static>(runtime: &Runtime, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let (send, receive) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Nobody listens any more when the caller was torn down; the work is done all the same.
        let _ = send.send(work.await);
    });
    receive.recv().unwrap_or_else(|_| Err(failure::failed(Reason::new(Code::ConnectionLost)).retry(true)))
}

impl Drop for BlockingRepository {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting here would panic on a thread of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Repository for BlockingRepository {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            let (tenant, keys) = (tenant.to_owned(), keys.to_vec());
            self.call(|inner| async move { inner.get(&tenant, &keys).await })
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(async move {
            let query = query.clone();
            self.call(|inner| async move { inner.find(&query).await })
        })
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(async move {
            let changes = changes.clone();
            self.call(|inner| async move { inner.commit(&changes).await })
        })
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(async move {
            let (tenant, after) = (tenant.to_owned(), after.map(str::to_owned));
            self.call(|inner| async move { inner.events(&tenant, after.as_deref(), limit).await })
        })
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(async move {
            let tenant = tenant.to_owned();
            self.call(|inner| async move { inner.due(&tenant, now, limit).await })
        })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(async move { self.call(|inner| async move { inner.next_due(limit).await }) })
    }
}
