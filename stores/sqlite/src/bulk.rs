//! Loading much at once: the indexes go first and are built at the end.
//!
//! Each index is built by reading the whole table, so this pays for loads of much more than 10,000 records; `docs/benchmarks.md` has figures.

use crm_core::base::error::Result;
use crm_core::store::sql::Dialect;
use rusqlite::Connection;

use crate::run::{Finish, command, transaction};

/// The kinds whose indexes are down; they come back when this is dropped, whatever happened meanwhile.
pub struct Down<'c> {
    build: &'c dyn Fn() -> Result<()>,
    built: bool,
}

impl<'c> Down<'c> {
    /// Notes how the indexes are built again.
    pub fn new(build: &'c dyn Fn() -> Result<()>) -> Self {
        Down { build, built: false }
    }

    /// Builds the indexes, and says whether that worked.
    ///
    /// # Errors
    /// Whatever SQLite meets; the next opening of the file builds what is missing.
    pub fn up(mut self) -> Result<()> {
        self.built = true;
        (self.build)()
    }
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        if !self.built {
            // The error that led here is the one to be told; the next opening builds what is missing.
            let _ = (self.build)();
        }
    }
}

/// Takes the kinds' indexes down.
pub fn take_down(connection: &Connection, kinds: &[(&str, usize)]) -> Result<()> {
    let indexes = Dialect::Sqlite.indexes(kinds)?;
    transaction(connection, || {
        indexes.iter().try_for_each(|index| command(connection, &format!("DROP INDEX IF EXISTS {}", index.name)))?;
        Ok(Finish::Keep(()))
    })
}

/// Builds the kinds' indexes.
pub fn build(connection: &Connection, kinds: &[(&str, usize)]) -> Result<()> {
    let indexes = Dialect::Sqlite.indexes(kinds)?;
    transaction(connection, || {
        indexes.iter().try_for_each(|index| command(connection, &index.text))?;
        Ok(Finish::Keep(()))
    })
}
