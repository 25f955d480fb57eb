//! In the host's own transaction: what the engine writes is committed with the host's rows, or not at all.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::codes::Code;
use crm_core::base::error::Result;
use crm_core::base::reason::Reason;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use crm_core::store::sql::host::HostTables;
use crm_core::store::sql::read::arrange;
use crm_core::store::sql::renderer::Renderer;
use futures_util::future::{Either, select};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::GenericClient;

use crate::connection::{Borrowed, Connection as _};
use crate::held::send;
use crate::run::{self, POSTGRES, Went};
use crate::{PAGE, failure};

/// Writes a change set inside a transaction that the host began and will end; `BEGIN` and `COMMIT` are never sent.
///
/// A savepoint surrounds it, so that a refusal leaves the transaction usable and nothing of the change set behind, also when the host
/// commits in spite of it.
///
/// # Errors
/// What a repository's `commit` refuses; `storage_failed` when no transaction is open.
pub async fn apply_in<C: GenericClient + Sync>(transaction: &C, changes: &ChangeSet) -> Result<Committed> {
    apply(transaction, &Renderer::new(POSTGRES), changes).await
}

async fn apply<C: GenericClient + Sync>(
    transaction: &C,
    renderer: &Renderer,
    changes: &ChangeSet,
) -> Result<Committed> {
    let steps = renderer.commit(changes)?;
    let connection = Borrowed(transaction);
    // Awaited alone: outside a transaction the server refuses it, before anything could be written.
    connection.command("SAVEPOINT crm_change").await.map_err(failure::of)?;
    let open = Open { transaction, is_over: false };
    match run::steps(&connection, None, &steps).await {
        Went::Well(numbers) => {
            connection.command("RELEASE SAVEPOINT crm_change").await.map_err(failure::of)?;
            open.over();
            Ok(Committed::Done { numbers })
        }
        Went::Unmet(answer) => {
            connection.command(UNDO).await.map_err(failure::of)?;
            open.over();
            answer
        }
        Went::Failed(error) => {
            connection.command(UNDO).await.map_err(failure::of)?;
            open.over();
            Err(failure::of(error))
        }
    }
}

const UNDO: &str = "ROLLBACK TO SAVEPOINT crm_change; RELEASE SAVEPOINT crm_change";

/// A savepoint that is undone when the work inside is given up half-way.
struct Open<'t, C: GenericClient> {
    transaction: &'t C,
    is_over: bool,
}

impl<C: GenericClient> Open<'_, C> {
    fn over(mut self) {
        self.is_over = true;
    }
}

impl<C: GenericClient> Drop for Open<'_, C> {
    fn drop(&mut self) {
        if !self.is_over {
            send(self.transaction.batch_execute(UNDO));
        }
    }
}

/// What is promised inside a host's transaction: its COMMIT is what lasts, and it tries again itself.
fn inside(renderer: &Renderer) -> Capabilities {
    Capabilities { in_transaction: true, hosted: renderer.hosted.kinds(), ..Capabilities::whole("none", PAGE) }
}

/// A repository inside a transaction of the host's, for as long as it is borrowed. It reads what the transaction sees.
///
/// Its events are those that are settled; what this transaction writes is read after it is committed.
pub struct TransactionRepository<'t, C> {
    transaction: &'t C,
    renderer: Renderer,
}

impl<'t, C> TransactionRepository<'t, C> {
    /// A repository inside this transaction.
    pub fn new(transaction: &'t C) -> Self {
        TransactionRepository { transaction, renderer: Renderer::new(POSTGRES) }
    }

    /// The same, with kinds whose records live in tables of yours, from [`crm_core::crm::hosting::tables`].
    #[must_use]
    pub fn hosting(self, tables: HostTables) -> Self {
        TransactionRepository { renderer: Renderer { hosted: tables, ..self.renderer }, ..self }
    }
}

impl<C: GenericClient + Sync> TransactionRepository<'_, C> {
    /// Runs operations inside the transaction, as [`in_transaction`] does.
    pub async fn run<T, F: Future<Output = T>>(&self, work: impl FnOnce(Arc<dyn Repository>) -> F) -> T {
        let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
        let serve = async move {
            while let Some(ask) = asked.recv().await {
                ask.answer(self).await;
            }
        };
        let work = pin!(work(Arc::new(Passed { asks, capabilities: self.capabilities() })));
        match select(work, pin!(serve)).await {
            Either::Left((value, _)) => value,
            // Nobody holds the repository any more, so nothing will be asked.
            Either::Right(((), work)) => work.await,
        }
    }
}

impl<C: GenericClient + Sync> Repository for TransactionRepository<'_, C> {
    fn capabilities(&self) -> Capabilities {
        inside(&self.renderer)
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            let found = run::get(&Borrowed(self.transaction), &self.renderer, tenant, keys, true).await?;
            Ok(arrange(keys, found))
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(async move { run::find(&Borrowed(self.transaction), &self.renderer, query).await })
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(apply(self.transaction, &self.renderer, changes))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(async move { run::events(&Borrowed(self.transaction), tenant, after, limit).await })
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(async move { run::due(&Borrowed(self.transaction), tenant, now, limit).await })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(async move { run::next_due(&Borrowed(self.transaction), limit).await })
    }
}

/// Runs operations inside a transaction of the host's: `work` gets a repository that lasts as long as it does.
///
/// The transaction stays the host's: afterwards it commits or rolls back. A refusal leaves it usable.
///
/// # Example: a row of the host's and a deal, together
/// ```no_run
/// # async fn example(client: &mut tokio_postgres::Client, context: crm_core::base::context::Context) -> Result<(), Box<dyn std::error::Error>> {
/// use crm_core::crm::Crm;
/// use crm_store_postgres::in_transaction;
///
/// let transaction = client.transaction().await?;
/// transaction.execute("INSERT INTO orders(id) VALUES(42)", &[]).await?;
/// let deal = serde_json::from_str(r#"{"name": "Ten laptops"}"#)?;
/// in_transaction(&transaction, |repository| async move {
///     Crm::new(repository).at(context).opportunities().create(&deal).await
/// })
/// .await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
pub async fn in_transaction<C, T, F>(transaction: &C, work: impl FnOnce(Arc<dyn Repository>) -> F) -> T
where
    C: GenericClient + Sync,
    F: Future<Output = T>,
{
    TransactionRepository::new(transaction).run(work).await
}

/// The repository that `work` holds: it passes every call on to the one that borrows the transaction.
struct Passed {
    asks: mpsc::UnboundedSender<Ask>,
    capabilities: Capabilities,
}

type Reply<T> = oneshot::Sender<Result<T>>;

enum Ask {
    Get(String, Vec<Key>, Reply<Vec<Option<Record>>>),
    Find(Query, Reply<Vec<Record>>),
    Commit(ChangeSet, Reply<Committed>),
    Events(String, Option<String>, usize, Reply<Vec<StoredEvent>>),
    Due(String, Instant, usize, Reply<Vec<StoredTimer>>),
    NextDue(usize, Reply<Vec<TenantDue>>),
}

impl Ask {
    /// Answers; somebody who does not wait any more is not told.
    async fn answer(self, repository: &dyn Repository) {
        match self {
            Ask::Get(tenant, keys, reply) => {
                let _ = reply.send(repository.get(&tenant, &keys).await);
            }
            Ask::Find(query, reply) => {
                let _ = reply.send(repository.find(&query).await);
            }
            Ask::Commit(changes, reply) => {
                let _ = reply.send(repository.commit(&changes).await);
            }
            Ask::Events(tenant, after, limit, reply) => {
                let _ = reply.send(repository.events(&tenant, after.as_deref(), limit).await);
            }
            Ask::Due(tenant, now, limit, reply) => {
                let _ = reply.send(repository.due(&tenant, now, limit).await);
            }
            Ask::NextDue(limit, reply) => {
                let _ = reply.send(repository.next_due(limit).await);
            }
        }
    }
}

impl Passed {
    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let over = || failure::failed(Reason::new(Code::TransactionOver));
        self.asks.send(ask(reply)).map_err(|_| over())?;
        answer.await.unwrap_or_else(|_| Err(over()))
    }
}

impl Repository for Passed {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(self.ask(|reply| Ask::Get(tenant.to_owned(), keys.to_vec(), reply)))
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(self.ask(|reply| Ask::Find(query.clone(), reply)))
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(self.ask(|reply| Ask::Commit(changes.clone(), reply)))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(self.ask(move |reply| Ask::Events(tenant.to_owned(), after.map(str::to_owned), limit, reply)))
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(self.ask(move |reply| Ask::Due(tenant.to_owned(), now, limit, reply)))
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(self.ask(move |reply| Ask::NextDue(limit, reply)))
    }
}
