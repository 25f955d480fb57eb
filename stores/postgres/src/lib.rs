//! crm-core's repository on PostgreSQL: the statements that the core renders, on a pool of connections.
//!
//! - [`PostgresRepository`] is for hosts on tokio: `crm.opportunities().create(..).await`.
//! - [`BlockingRepository`] brings its own runtime and waits, for hosts without one; its futures complete at once.
//! - [`apply_in`], [`in_transaction`] and [`TransactionRepository`] work in the host's own transaction: its rows and the engine's are
//!   committed together or not at all.
//!
//! A commit is one transaction (`READ COMMITTED`, with locks on what must hold), sent as a whole: two round trips. Events are read up
//! to the oldest transaction that is still open, so a reader never skips one; see the guide `docs/guides/postgres.md`.
//!
//! **A fork does not take the store with it**: a child process that inherits it is refused and must open its own.
#![forbid(unsafe_code)]

mod blocking;
mod connection;
mod failure;
mod held;
mod open;
mod run;
mod within;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant as Clock;

use crm_core::base::change::{ChangeSet, Expect, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::error::Result;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::crm::kinds::KINDS;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use crm_core::store::sql::read::arrange;
use crm_core::store::sql::renderer::Renderer;
use deadpool_postgres::{Object, Pool};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, NoTls, Socket};

pub use blocking::BlockingRepository;
pub use open::{Durability, Options, config_of};
pub use within::{TransactionRepository, apply_in, in_transaction};

use held::{BEGIN, Held};
use run::{POSTGRES, Went};

/// The most records that one `find` gives.
const PAGE: usize = 10_000;

/// How often a commit is sent when the server ends it because of another one's locks.
const ATTEMPTS: u32 = 3;

/// How long a reader of events sleeps before it looks again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// A repository in a PostgreSQL database, for hosts on tokio.
pub struct PostgresRepository {
    pool: Pool,
    renderer: Renderer,
    options: Options,
    durability: Durability,
    process: u32,
    growth: Growth,
}

/// How many records this store made since the server last looked at how many there are, and how many it made before.
#[derive(Default)]
struct Growth {
    fresh: AtomicUsize,
    known: AtomicUsize,
}

/// The least growth after which the server is asked to look.
const GROWN: usize = 1_000;

impl Growth {
    /// Counts what a commit made; says whether the records have doubled.
    fn has_doubled(&self, changes: &ChangeSet) -> bool {
        let made = changes.puts.iter().filter(|put| put.expect == Expect::Absent).count();
        let fresh = self.fresh.fetch_add(made, Ordering::Relaxed).saturating_add(made);
        let known = self.known.load(Ordering::Relaxed);
        if made == 0 || fresh < known.max(GROWN) {
            return false;
        }
        self.known.fetch_add(self.fresh.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        true
    }
}

impl PostgresRepository {
    /// Connects to `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, without encryption.
    ///
    /// Tables and indexes that are missing are made, under a lock.
    ///
    /// # Errors
    /// `unsupported_url` for another kind of address, `storage_unavailable` when the server cannot be reached or refuses,
    /// `store_from_newer_engine`.
    pub async fn connect(url: &str, options: Options) -> Result<Self> {
        let kinds: Vec<(&str, usize)> = KINDS.iter().map(|kind| (kind.name, kind.indexes.len())).collect();
        PostgresRepository::connect_for(url, &kinds, options).await
    }

    /// Connects for kinds of records of your own, each with its number of declared indexes.
    ///
    /// # Errors
    /// As [`PostgresRepository::connect`]; also `unknown_index` for more indexes than a record has keys.
    pub async fn connect_for(url: &str, kinds: &[(&str, usize)], options: Options) -> Result<Self> {
        PostgresRepository::connect_with(config_of(url)?, NoTls, kinds, options).await
    }

    /// Connects as configured, encrypted by a connector of your choice (such as `tokio-postgres-rustls`).
    ///
    /// # Errors
    /// As [`PostgresRepository::connect_for`].
    pub async fn connect_with<T>(config: Config, tls: T, kinds: &[(&str, usize)], options: Options) -> Result<Self>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (pool, durability) = open::pool(config, tls, kinds, &options).await?;
        let renderer = Renderer { dialect: POSTGRES, hosted: options.tables.clone() };
        let (process, growth) = (std::process::id(), Growth::default());
        Ok(PostgresRepository { pool, renderer, options, durability, process, growth })
    }

    /// Makes the views for plain SQL, such as `crm_opportunities`, and replaces those that changed; gives the names of these. The custom
    /// fields of the configuration are columns too, named `custom_` and their ids.
    ///
    /// # Errors
    /// `invalid_configuration`; `storage_failed` when something stands in the way, such as a view of yours over one that has to be replaced.
    pub async fn create_views(&self, config: &crm_core::config::Config) -> Result<Vec<String>> {
        let mut views = crm_core::crm::views::views(POSTGRES, config)?;
        // What lives in a table of the host's has that table.
        views.retain(|view| self.renderer.table(view.kind).is_none());
        open::views(&self.connection().await?, &views).await
    }

    /// Closes every connection; later calls fail.
    pub fn close(&self) {
        self.pool.close();
    }

    async fn connection(&self) -> Result<Object> {
        self.owned()?;
        self.pool.get().await.map_err(failure::connecting)
    }

    fn owned(&self) -> Result<()> {
        if std::process::id() == self.process { Ok(()) } else { Err(failure::forked()) }
    }

    async fn read(&self, tenant: &str, keys: &[Key]) -> Result<Vec<Record>> {
        let connection = self.connection().await?;
        // Given up half-way or failed, the transaction of the reads is not left open.
        let held = Held::expected(&connection);
        let found = run::get(&connection, &self.renderer, tenant, keys, false).await?;
        held.over();
        Ok(found)
    }

    async fn write(&self, changes: &ChangeSet) -> Result<Committed> {
        let steps = self.renderer.commit(changes)?;
        let connection = self.connection().await?;
        let mut attempt = 1;
        loop {
            let held = Held::expected(&connection);
            match run::steps(&connection, Some(BEGIN), &steps).await {
                Went::Well(numbers) => {
                    let committed = connection.batch_execute("COMMIT").await;
                    held.over();
                    let has_key = changes.idempotency.is_some();
                    committed.map_err(|error| failure::committing(error, has_key))?;
                    if self.growth.has_doubled(changes) {
                        // Without knowing how many records there are, it would read all of a tenant's to find a few by name. It looks
                        // by itself too, but up to a minute later. Whoever may not ask for it goes without.
                        let _ = connection.batch_execute("ANALYZE crm_record").await;
                    }
                    return Ok(Committed::Done { numbers });
                }
                Went::Unmet(answer) => {
                    connection.batch_execute("ROLLBACK").await.map_err(failure::of)?;
                    held.over();
                    return answer;
                }
                Went::Failed(error) if failure::class(&error) == failure::Class::Crossed && attempt < ATTEMPTS => {
                    connection.batch_execute("ROLLBACK").await.map_err(failure::of)?;
                    held.over();
                    attempt = attempt.saturating_add(1);
                }
                Went::Failed(error) => return Err(failure::of(error)),
            }
        }
    }

    async fn settled(&self, tenant: &str, after: Option<&str>, limit: usize) -> Result<Vec<StoredEvent>> {
        let connection = self.connection().await?;
        let start = Clock::now();
        loop {
            // Asked first: what is settled then is on the page that is read next.
            let is_unsettled = run::is_unsettled(&connection, tenant, after).await?;
            let page = run::events(&connection, tenant, after, limit).await?;
            if !is_unsettled || page.len() >= limit || start.elapsed() >= self.options.settle {
                return Ok(page);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Repository for PostgresRepository {
    fn capabilities(&self) -> Capabilities {
        let hosted = self.renderer.hosted.kinds();
        Capabilities { hosted, ..Capabilities::whole(self.durability.name(), PAGE).with_unread_creates() }
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            self.read(tenant, keys).await.map(|found| arrange(keys, found))
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(async move { run::find(&self.connection().await?, &self.renderer, query).await })
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(self.write(changes))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(self.settled(tenant, after, limit))
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(async move { run::due(&self.connection().await?, tenant, now, limit).await })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(async move { run::next_due(&self.connection().await?, limit).await })
    }
}
