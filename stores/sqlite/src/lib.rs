//! crm-core's repository on SQLite: one file, the operations unchanged.
//!
//! [`SqliteRepository::open`] opens or makes the file. Every commit is one `BEGIN IMMEDIATE` transaction of the statements that
//! crm-core renders; reads run beside it on a connection of their own (write-ahead log). Futures complete at once.
//!
//! **Never open the file with another SQLite library in the same process** (Python's `sqlite3`, another Node package): POSIX locks
//! belong to the process, so closing one library's file drops the other's locks, and committed rows can vanish. Another process may
//! open it. For queries of your own take [`SqliteRepository::export_snapshot`].
//!
//! **A fork does not take the store with it**: a child process that inherits it is refused, and may open the file itself only where it was
//! closed before the fork.
#![forbid(unsafe_code)]

mod backup;
mod bulk;
mod failure;
mod files;
mod open;
mod process;
mod reindex;
mod run;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::error::Result;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::crm::kinds::KINDS;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use crm_core::store::sql::Dialect;
use crm_core::store::sql::read::arrange;
use crm_core::store::sql::renderer::Renderer;
use rusqlite::Connection;

pub use backup::{Contents, restore, verify};
pub use files::{Files, Opening};
pub use open::{Durability, Options, file_of};

/// A repository in an SQLite file.
pub struct SqliteRepository {
    writer: Option<Mutex<Connection>>,
    reader: Option<Mutex<Connection>>,
    loading: Mutex<bulk::Loading>,
    file: PathBuf,
    kinds: Vec<(String, usize)>,
    renderer: Renderer,
    options: Options,
    // Given up after the connections, which are declared before it.
    lease: process::Lease,
}

impl Drop for SqliteRepository {
    fn drop(&mut self) {
        if !self.lease.is_ours() {
            // SQLite forbids even to close what another process opened.
            std::mem::forget((self.writer.take(), self.reader.take()));
        }
    }
}

impl SqliteRepository {
    /// Opens a file, or makes it; `file` is a path or an address such as `sqlite:deals.db`.
    ///
    /// Tables and indexes that are missing are made, under the write lock. When the engine that wrote last declared other indexes, the
    /// records' keys are made anew, a page a commit: opening then takes as long as reading the store; broken off, the next opening goes on.
    ///
    /// # Errors
    /// `unsupported_url` for another kind of address, `storage_unavailable` when the file cannot be opened or is not SQLite's,
    /// `storage_locked` when another process holds it, `store_from_newer_engine`.
    ///
    /// # Example: an engine over a file
    /// ```
    /// use crm_core::store::repository::Repository;
    /// use crm_store_sqlite::{Options, SqliteRepository};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("deals.db").display().to_string();
    /// let store = SqliteRepository::open(&file, Options::default())?;
    /// assert_eq!(store.capabilities().durability, "power");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(file: &str, options: Options) -> Result<Self> {
        let kinds: Vec<(&str, usize)> = KINDS.iter().map(|kind| (kind.name, kind.indexes.len())).collect();
        let store = SqliteRepository::open_for(file, &kinds, options)?;
        reindex::bring_up(&store)?;
        Ok(store)
    }

    /// Opens a file for kinds of records of your own, each with its number of declared indexes.
    ///
    /// # Errors
    /// As [`SqliteRepository::open`]; also `unknown_index` for more indexes than a record has keys.
    pub fn open_for(file: &str, kinds: &[(&str, usize)], options: Options) -> Result<Self> {
        let file = file_of(file)?;
        // The present folder may change while the store is open.
        let file = std::path::absolute(&file).unwrap_or(file);
        process::check(open::identity(&file), &file)?;
        let (writer, reader) = open::connections(&file, kinds, &options)?;
        let lease = process::Lease::of(open::identity(&file).ok_or_else(|| failure::gone(&file))?);
        let (writer, reader) = (Some(Mutex::new(writer)), Some(Mutex::new(reader)));
        let kinds = kinds.iter().map(|&(kind, count)| (kind.to_owned(), count)).collect();
        let renderer = Renderer { dialect: Dialect::Sqlite, hosted: options.tables.clone() };
        Ok(SqliteRepository { writer, reader, loading: Mutex::default(), file, kinds, renderer, options, lease })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Makes the views for plain SQL, such as `crm_opportunities`, and replaces those that changed; gives the names of these. The custom
    /// fields of the configuration are columns too, named `custom_` and their ids.
    ///
    /// They go with [`SqliteRepository::export_snapshot`], in whose copy any program may read them.
    ///
    /// # Errors
    /// `invalid_configuration`; `storage_failed` when they cannot be made.
    pub fn create_views(&self, config: &crm_core::config::Config) -> Result<Vec<String>> {
        let mut views = crm_core::crm::views::views(Dialect::Sqlite, config)?;
        // What lives in a table of the host's has that table.
        views.retain(|view| self.renderer.table(view.kind).is_none());
        let writer = self.lock(&self.writer)?;
        self.present()?;
        open::views(&writer, &views)
    }

    /// Writes everything, as of one moment, into a new SQLite file that any library may then open.
    ///
    /// # Errors
    /// `storage_failed` when the target exists or cannot be written.
    pub fn export_snapshot(&self, target: &Path) -> Result<()> {
        self.owned()?;
        self.present()?;
        run::snapshot(&open::connect(&self.file, &self.options)?, target)
    }

    /// Writes a backup as of one moment while the store is in use, reads it back whole and says what is in it.
    ///
    /// # Errors
    /// As [`SqliteRepository::export_snapshot`] and [`verify`].
    ///
    /// # Example: back up, and restore somewhere else
    /// ```
    /// use crm_store_sqlite::{Options, SqliteRepository, restore};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("deals.db").display().to_string();
    /// let store = SqliteRepository::open(&file, Options::default())?;
    /// let backup = folder.path().join("deals-2026-01-31.db");
    /// let contents = store.backup(&backup)?;
    /// let restored = folder.path().join("restored.db");
    /// assert_eq!(restore(&backup, &restored)?, contents);
    /// SqliteRepository::open(&restored.display().to_string(), Options::default())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup(&self, target: &Path) -> Result<Contents> {
        self.export_snapshot(target)?;
        verify(target)
    }

    /// Loads much at once: `work` commits as always, but indexes that would be filled with much are down meanwhile and are built at the end.
    ///
    /// For the first, large filling of a store. A kind's indexes go down when 1,000 new records of it have come and they are a quarter of
    /// all records, so a small load into a large store costs no more than without this. While they are down, a query of the kind reads
    /// all records; reading by id is as fast as ever.
    ///
    /// Each commit is as durable as ever. When the process dies on the way, what was committed is there, and the next opening builds the indexes.
    ///
    /// # Errors
    /// Whatever `work` meets, else `storage_failed` or `storage_locked` when the indexes cannot be taken down or built.
    ///
    /// # Example: an import
    /// ```
    /// use crm_core::base::change::ChangeSet;
    /// use crm_core::crm::block_on;
    /// use crm_core::store::repository::Repository;
    /// use crm_store_sqlite::{Options, SqliteRepository};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("deals.db").display().to_string();
    /// let store = SqliteRepository::open(&file, Options::default())?;
    /// store.bulk(|store| {
    ///     let changes = ChangeSet { tenant: "main".to_owned(), ..ChangeSet::default() };
    ///     block_on(store.commit(&changes))?
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bulk<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let end = || {
            let writer = self.lock(&self.writer)?;
            self.loading().end(&writer, &self.kinds)
        };
        self.present()?;
        let writer = self.lock(&self.writer)?;
        self.loading().begin(&writer)?;
        drop(writer);
        let load = bulk::Load::new(&end);
        let done = work(self)?;
        load.finish()?;
        Ok(done)
    }

    /// What the loads have brought; locked after the writer.
    fn loading(&self) -> MutexGuard<'_, bulk::Loading> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> Result<MutexGuard<'_, Connection>> {
        self.lock(&self.reader)
    }

    fn lock<'a>(&self, connection: &'a Option<Mutex<Connection>>) -> Result<MutexGuard<'a, Connection>> {
        self.owned()?;
        let connection = connection.as_ref().ok_or_else(failure::forked)?;
        Ok(connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Refuses to write into a file that lost its name: nobody could read it afterwards.
    fn present(&self) -> Result<()> {
        if open::identity(&self.file) == Some(self.lease.identity()) { Ok(()) } else { Err(failure::gone(&self.file)) }
    }

    fn owned(&self) -> Result<()> {
        if self.lease.is_ours() { Ok(()) } else { Err(failure::forked()) }
    }
}

impl Repository for SqliteRepository {
    fn capabilities(&self) -> Capabilities {
        let hosted = self.renderer.hosted.kinds();
        Capabilities { hosted, ..Capabilities::whole(self.options.durability.name(), 10_000).with_unread_creates() }
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        let found =
            self.reading().and_then(|c| run::get(&c, &self.renderer, tenant, keys)).map(|found| arrange(keys, found));
        Box::pin(std::future::ready(found))
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        let found = self.reading().and_then(|c| run::find(&c, &self.renderer, query));
        Box::pin(std::future::ready(found))
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        let writer = self.lock(&self.writer).and_then(|c| self.present().map(|()| c));
        let committed = writer.and_then(|c| {
            self.loading().make_way(&c, changes, &self.kinds)?;
            run::commit(&c, &self.renderer, changes)
        });
        Box::pin(std::future::ready(committed))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        let events = self.reading().and_then(|c| run::events(&c, tenant, after, limit));
        Box::pin(std::future::ready(events))
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        let due = self.reading().and_then(|c| run::due(&c, tenant, now, limit));
        Box::pin(std::future::ready(due))
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        let next = self.reading().and_then(|c| run::next_due(&c, limit));
        Box::pin(std::future::ready(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_process_is_refused() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("deals.db");
        let mut store = SqliteRepository::open(&file.display().to_string(), Options::default())?;
        assert!(store.reading().is_ok());
        // What a child sees: the store of another process.
        store.lease.inherit();
        let refusals = [store.reading().err(), store.export_snapshot(&folder.path().join("copy.db")).err()];
        for refusal in refusals {
            assert_eq!(refusal.map(|e| e.message()), Some(failure::forked().message()));
        }
        let beside = SqliteRepository::open(&file.display().to_string(), Options::default()).err();
        assert!(beside.is_some_and(|e| e.message().contains("was open when this process was forked")));
        Ok(())
    }

    #[test]
    fn a_full_disk_says_so_and_the_store_goes_on_once_there_is_room()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        use crm_core::crm::block_on;
        let folder = tempfile::tempdir()?;
        let store = SqliteRepository::open(&folder.path().join("deals.db").display().to_string(), Options::default())?;
        // SQLite says of a bound of its own what it says of a disk without room.
        let bound = |pages: i64| -> Result<()> {
            let writer = store.lock(&store.writer)?;
            writer.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(failure::of)
        };
        let event = crm_core::base::change::Event {
            kind: "account.created".to_owned(),
            record_kind: "account".to_owned(),
            record_id: crm_core::base::id::Id::new("a1")?,
            effective_at: Instant::last(),
            recorded_at: Instant::last(),
            actor: None,
            correlation: None,
            data: [("text".to_owned(), "x".repeat(100_000).into())].into(),
        };
        let changes = ChangeSet { tenant: "main".to_owned(), events: vec![event], ..ChangeSet::default() };
        bound(1)?; // as many as there are
        let refused = block_on(store.commit(&changes))?.err();
        let said = refused.as_ref().map(|e| e.message()).unwrap_or_default();
        assert_eq!(said, "the store failed: the disk is full; free some space and repeat");
        assert!(block_on(store.events("main", None, 10))??.is_empty());
        bound(1_000_000)?;
        block_on(store.commit(&changes))??;
        assert_eq!(block_on(store.events("main", None, 10))??.len(), 1);
        Ok(())
    }
}
