//! Opening: which server, how many connections, whose layout.

use std::time::Duration;

use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::base::reason::Reason;
use crm_core::store::sql::host::HostTables;
use crm_core::store::sql::schema::{Index, LAYOUT};
use crm_core::store::sql::views::View;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, Socket};

use crate::failure;
use crate::held::Held;
use crate::run::POSTGRES;

/// The number under which those who make tables wait for each other; any that nobody else takes.
const MIGRATION: i64 = 0x6372_6d5f_6d65_7461;

/// What an acknowledged commit outlives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of this process; a crash of the server may lose the last commits, whole ones only.
    Process,
    /// A crash of the server and a cut of power, as far as the disk keeps its word: each commit waits for it.
    #[default]
    Power,
}

impl Durability {
    /// The name in the store's capabilities.
    pub fn name(self) -> &'static str {
        match self {
            Durability::Process => "process",
            Durability::Power => "power",
        }
    }
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// What an acknowledged commit outlives; `Power` by default.
    pub durability: Durability,
    /// The most connections at once; eight by default.
    pub connections: usize,
    /// How long a call waits for the server's answer to a new connection, or for a connection that is in use; five seconds by default.
    pub connect_timeout: Duration,
    /// How long a commit waits for a lock before `storage_locked`; five seconds by default.
    pub busy_timeout: Duration,
    /// How long a reader of events waits for open transactions before it leaves out what they may still come before; a tenth of a second
    /// by default.
    pub settle: Duration,
    /// The schema in which the tables are, made when it is missing; by default what the address's `options` or the server say
    /// (`search_path`).
    pub schema: Option<String>,
    /// The kinds whose records live in tables of yours, from [`crm_core::crm::hosting::tables`]; none by default.
    pub tables: HostTables,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            durability: Durability::default(),
            connections: 8,
            connect_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            settle: Duration::from_millis(100),
            schema: None,
            tables: HostTables::default(),
        }
    }
}

/// Reads an address such as `postgres://USER:PASSWORD@HOST:5432/DATABASE?options=-csearch_path%3Dcrm`.
///
/// # Errors
/// `unsupported_url`, without the password.
pub fn config_of(address: &str) -> Result<Config> {
    let refuse = || {
        let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
        let shown = format!("{}://...", crm_core::base::text::clip(scheme));
        Error::new(Code::UnsupportedUrl).with("url", shown).with("hint", Reason::new(Code::PostgresAddress))
    };
    if !["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme)) {
        return Err(refuse());
    }
    address.parse().map_err(|_| refuse())
}

/// Makes the pool and brings the tables up to date.
pub async fn pool<T>(
    mut config: Config,
    tls: T,
    kinds: &[(&str, usize)],
    options: &Options,
) -> Result<(Pool, Durability)>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send + Sync,
    T::TlsConnect: Send + Sync,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(options.connect_timeout);
    }
    if config.get_application_name().is_none() {
        config.application_name("crm-core");
    }
    let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let settings = settings(options);
    let set = Hook::async_fn(move |client, _| {
        let settings = settings.clone();
        Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
    });
    let pool = Pool::builder(manager)
        .max_size(options.connections.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(options.connect_timeout))
        .post_create(set)
        .build()
        .map_err(|_| failure::unavailable(Reason::new(Code::ServerNotReached)))?;
    let connection = pool.get().await.map_err(failure::opening)?;
    migrate(&connection, kinds, options).await?;
    for table in options.tables.all() {
        connection
            .query(&table.probe(POSTGRES), &[])
            .await
            .map_err(|error| failure::unavailable(failure::refusal(&error)))?;
    }
    let durability = durable(&connection, options.durability).await?;
    Ok((pool, durability))
}

/// What every connection is told first.
fn settings(options: &Options) -> String {
    let wait = if options.durability == Durability::Power { "on" } else { "off" };
    let patience = options.busy_timeout.as_millis().clamp(1, i32::MAX as u128);
    let mut text = format!("SET synchronous_commit = {wait}; SET lock_timeout = {patience}");
    if let Some(schema) = &options.schema {
        text.push_str(&format!("; SET search_path = {}", quoted(schema)));
    }
    text
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A server that does not wait for the disk keeps no more than a process does, whatever it is asked.
async fn durable(connection: &Object, wanted: Durability) -> Result<Durability> {
    let row = connection.query_one("SELECT current_setting('fsync') = 'on'", &[]).await.map_err(failure::of)?;
    let waits: bool = row.try_get(0).map_err(failure::of)?;
    Ok(if waits { wanted } else { Durability::Process })
}

/// The layout of the database; nothing for one without tables of ours.
async fn known_layout(connection: &Object) -> Result<Option<i64>> {
    if !exists(connection, "crm_meta").await? {
        return Ok(None);
    }
    let row = connection.query_one(POSTGRES.layout(), &[]).await.map_err(failure::of)?;
    let found: i64 = row.try_get(0).map_err(failure::of)?;
    if found > LAYOUT {
        return Err(Error::new(Code::StoreFromNewerEngine).with("found", found).with("known", LAYOUT));
    }
    Ok(Some(found))
}

async fn exists(connection: &Object, name: &str) -> Result<bool> {
    let row = connection.query_one("SELECT to_regclass($1) IS NOT NULL", &[&name]).await.map_err(failure::of)?;
    row.try_get(0).map_err(failure::of)
}

async fn is_complete(connection: &Object, indexes: &[Index]) -> Result<bool> {
    for index in indexes {
        if !exists(connection, &index.name).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes what is missing: the tables, and indexes that kinds declare since. Under a lock, looked at again inside.
async fn migrate(connection: &Object, kinds: &[(&str, usize)], options: &Options) -> Result<()> {
    let indexes = POSTGRES.indexes(kinds)?;
    if known_layout(connection).await? != Some(LAYOUT) || !is_complete(connection, &indexes).await? {
        make(connection, &indexes, options).await?;
    }
    match POSTGRES.renumber() {
        Some(text) => connection.batch_execute(text).await.map_err(failure::of),
        None => Ok(()),
    }
}

async fn make(connection: &Object, indexes: &[Index], options: &Options) -> Result<()> {
    let open = Held::begin(connection).await?;
    let schema = options.schema.as_ref().map(|name| format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(name)));
    // However long somebody else takes to make the tables.
    let first = format!("SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({MIGRATION})");
    for text in [Some(first), schema].into_iter().flatten() {
        connection.batch_execute(&text).await.map_err(failure::of)?;
    }
    let texts = match known_layout(connection).await? {
        None => POSTGRES.tables(),
        Some(LAYOUT) => Vec::new(),
        Some(older) => POSTGRES.migration(older),
    };
    for text in texts.iter().chain(indexes.iter().map(|index| &index.text)) {
        connection.batch_execute(text).await.map_err(failure::of)?;
    }
    connection.batch_execute("COMMIT").await.map_err(failure::of)?;
    open.over();
    Ok(())
}

/// Makes the views that are missing or changed, all or none.
pub async fn views(connection: &Object, views: &[View]) -> Result<Vec<String>> {
    let open = Held::begin(connection).await?;
    let alone = format!("SELECT pg_advisory_xact_lock({MIGRATION})");
    connection.batch_execute(&alone).await.map_err(failure::of)?;
    let mut made = Vec::new();
    for view in views {
        let row = connection.query_one(&view.present, &[]).await.map_err(failure::of)?;
        let mark: Option<&str> = row.try_get(0).map_err(failure::of)?;
        if mark != Some(view.mark.as_str()) {
            for text in view.replacement() {
                connection.batch_execute(&text).await.map_err(failure::of)?;
            }
            made.push(view.name.clone());
        }
    }
    connection.batch_execute("COMMIT").await.map_err(failure::of)?;
    open.over();
    Ok(made)
}
