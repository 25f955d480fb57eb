//! Opening: which file, how durable, whose layout.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::base::reason::Reason;
use crm_core::base::text::clip;
use crm_core::store::sql::Dialect;
use crm_core::store::sql::host::HostTables;
use crm_core::store::sql::schema::LAYOUT;
use crm_core::store::sql::views::View;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::failure;
use crate::run::{Finish, command, transaction};

/// The most prepared statements that a connection keeps.
const STATEMENTS: usize = 256;

/// The pages that a connection keeps in memory, in KiB: the upper levels of the indexes of a million records.
const CACHE: i64 = 65_536;

/// The longest wait for a lock: SQLite counts milliseconds in 31 bits.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// How many pages the write-ahead log gathers before they go into the file.
const LOG: i64 = 4_000;

/// What an acknowledged commit outlives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, even when it is killed; a cut of power may lose the last commits, whole ones only.
    Process,
    /// A cut of power, as far as the disk keeps its word: each commit waits for it.
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

/// How a file is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// What an acknowledged commit outlives; `Power` by default.
    pub durability: Durability,
    /// How long a commit waits for another process's lock before `storage_locked`; five seconds by default.
    pub busy_timeout: Duration,
    /// The kinds whose records live in tables of yours in this file, from [`crm_core::crm::hosting::tables`]; none by default.
    pub tables: HostTables,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            durability: Durability::default(),
            busy_timeout: Duration::from_secs(5),
            tables: HostTables::default(),
        }
    }
}

/// The file that a path or an address names: `deals.db`, `sqlite:deals.db`, `sqlite:///srv/deals.db`.
///
/// # Errors
/// `unsupported_url` for another scheme, for options behind `?`, and for a database in memory.
pub fn file_of(address: &str) -> Result<PathBuf> {
    let refuse =
        |hint| Err(Error::new(Code::UnsupportedUrl).with("url", shown(address)).with("hint", Reason::new(hint)));
    let (path, is_url) = match address.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sqlite") => {
            (rest.strip_prefix("//").unwrap_or(rest), true)
        }
        // One letter is a drive; anything else of this form would be some other store.
        Some((scheme, _)) if is_postgres(scheme) => return refuse(Code::PostgresByHost),
        Some((scheme, _)) if is_scheme(scheme) => return refuse(Code::KnownSchemes),
        _ => (address, false),
    };
    if path.is_empty() {
        return refuse(Code::NameFile);
    }
    if path.contains('\0') {
        return refuse(Code::NoZeroCharacter);
    }
    if path.starts_with("file:") {
        // SQLite would read options out of it, such as a database in memory or no locks.
        return refuse(Code::WriteScheme);
    }
    if path == ":memory:" {
        return refuse(Code::UseMemoryStore);
    }
    if is_url && path.contains('?') {
        return refuse(Code::NoUrlOptions);
    }
    Ok(PathBuf::from(path))
}

/// An address as it may be shown: what follows `//` in another store's may hold a password.
fn shown(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) && !scheme.eq_ignore_ascii_case("sqlite") => {
            format!("{}://...", clip(scheme))
        }
        _ => clip(address),
    }
}

/// Says whether a scheme is one of PostgreSQL's, also with a driver behind it, as SQLAlchemy writes it.
fn is_postgres(scheme: &str) -> bool {
    let name = scheme.split_once('+').map_or(scheme, |(name, _)| name);
    ["postgres", "postgresql"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// By what a file is known beside its name: the device and the number of the file, where the system gives them.
pub type Identity = (u64, u64);

/// The identity of the file of a name; nothing when there is none.
pub fn identity(file: &Path) -> Option<Identity> {
    let found = std::fs::metadata(file).ok()?;
    #[cfg(unix)]
    return Some((std::os::unix::fs::MetadataExt::dev(&found), std::os::unix::fs::MetadataExt::ino(&found)));
    #[cfg(not(unix))]
    return found.is_file().then_some((0, 0));
}

/// Opens the writing and the reading connection, in that order, and brings the tables up to date between.
pub fn connections(file: &Path, kinds: &[(&str, usize)], options: &Options) -> Result<(Connection, Connection)> {
    let writer = connect(file, options)?;
    if writer.is_readonly("main").map_err(|e| failure::opening(file, e))? {
        return Err(failure::unavailable(failure::about(Code::FileReadOnly, file)));
    }
    known_layout(&writer, file)?;
    write_ahead(&writer, file, options.busy_timeout)?;
    let synchronous = if options.durability == Durability::Power { "FULL" } else { "NORMAL" };
    set(&writer, file, "synchronous", synchronous)?;
    migrate(&writer, file, kinds)?;
    for table in options.tables.all() {
        writer.prepare(&table.probe(Dialect::Sqlite)).map_err(|error| failure::missing(&error))?;
    }
    let reader = connect(file, options)?;
    set(&reader, file, "query_only", "ON")?;
    Ok((writer, reader))
}

/// Opens one connection.
pub fn connect(file: &Path, options: &Options) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(|e| failure::opening(file, e))?;
    let patience = options.busy_timeout.min(LONGEST);
    connection.busy_timeout(patience).map_err(|e| failure::opening(file, e))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    for (name, value) in [("cache_size", CACHE.saturating_neg()), ("wal_autocheckpoint", LOG)] {
        set(&connection, file, name, value)?;
    }
    Ok(connection)
}

/// Sets a pragma, whether or not SQLite answers with a row.
fn set(connection: &Connection, file: &Path, name: &str, value: impl rusqlite::ToSql) -> Result<()> {
    connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(|e| match e {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        e => Err(failure::opening(file, e)),
    })
}

/// The layout of the file, nothing for one without tables of ours.
fn known_layout(connection: &Connection, file: &Path) -> Result<Option<i64>> {
    let failed = |e| failure::opening(file, e);
    // Asked by a query, which sees what another process made meanwhile; `table_exists` looks only at what is cached.
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'crm_meta'";
    if connection.query_row(tables, [], |row| row.get::<_, i64>(0)).map_err(failed)? == 0 {
        let ours = "SELECT count(*) FROM sqlite_schema WHERE name IN ('crm_record', 'crm_event', 'crm_idem')";
        return match connection.query_row(ours, [], |row| row.get::<_, i64>(0)).map_err(failed)? {
            0 => Ok(None),
            _ => Err(failure::unavailable(failure::about(Code::TablesForeign, file))),
        };
    }
    let found: i64 = connection.query_row(Dialect::Sqlite.layout(), [], |row| row.get(0)).map_err(|e| {
        match e.sqlite_error_code() {
            // A table of that name without our columns, without our row, or with something else in it.
            None | Some(rusqlite::ErrorCode::Unknown) => {
                failure::unavailable(failure::about(Code::TablesForeign, file))
            }
            _ => failed(e),
        }
    })?;
    if found > LAYOUT {
        return Err(Error::new(Code::StoreFromNewerEngine).with("found", found).with("known", LAYOUT));
    }
    Ok(Some(found))
}

/// Switches to the write-ahead log. SQLite does not wait by itself when two processes do this to a new file at once.
fn write_ahead(connection: &Connection, file: &Path, patience: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                return Err(failure::unavailable(failure::about(Code::FileNotShared, file)));
            }
            Err(error) if failure::is_locked(&error) && start.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(5))
            }
            Err(error) => return Err(failure::opening(file, error)),
        }
    }
}

/// Makes what is missing: the tables of a new file, and indexes that kinds declare since. Under the write lock, looked at again inside.
fn migrate(connection: &Connection, file: &Path, kinds: &[(&str, usize)]) -> Result<()> {
    let indexes = Dialect::Sqlite.indexes(kinds)?;
    let complete = || -> Result<bool> {
        let mut names = connection
            .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?")
            .map_err(failure::of)?;
        let mut missing = false;
        for index in &indexes {
            missing |= !names.exists([&index.name]).map_err(failure::of)?;
        }
        Ok(!missing)
    };
    if known_layout(connection, file)? == Some(LAYOUT) && complete()? {
        return Ok(());
    }
    transaction(connection, || {
        let texts = match known_layout(connection, file)? {
            None => Dialect::Sqlite.tables(),
            Some(LAYOUT) => Vec::new(),
            Some(older) => Dialect::Sqlite.migration(older),
        };
        texts.iter().try_for_each(|text| command(connection, text))?;
        indexes.iter().try_for_each(|index| command(connection, &index.text))?;
        Ok(Finish::Keep(()))
    })
}

/// Makes the views that are missing or changed, all or none.
pub fn views(connection: &Connection, views: &[View]) -> Result<Vec<String>> {
    transaction(connection, || {
        let mut made = Vec::new();
        for view in views {
            let found = connection.query_row(&view.present, [], |row| row.get::<_, String>(0)).optional();
            if found.map_err(failure::of)?.as_ref() != Some(&view.mark) {
                view.replacement().iter().try_for_each(|text| command(connection, text))?;
                made.push(view.name.clone());
            }
        }
        Ok(Finish::Keep(made))
    })
}
