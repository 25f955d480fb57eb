//! Loading much at once: the indexes that the load would fill go first and are built at the end.
//!
//! An index is built by reading all records of the store, so one is taken down only when the load brings much in comparison with what is
//! there; until then, and for kinds of which little comes, the indexes are kept up as always.

use std::collections::{BTreeMap, BTreeSet};

use crm_core::base::change::{ChangeSet, Expect};
use crm_core::base::error::Result;
use crm_core::store::sql::Dialect;
use rusqlite::Connection;

use crate::failure;
use crate::run::{Finish, command, transaction};

/// A kind's indexes stay for so many new records of it, which cost little in any case.
const FEW: i64 = 1_000;

/// A kind's indexes go once one of so many records of the store is one that the load brought.
const SHARE: i64 = 4;

/// What the loads that run at present have brought.
#[derive(Default)]
pub struct Loading {
    /// How many loads run at once.
    running: usize,
    /// How many records there are, at most.
    records: i64,
    /// The new records of each kind.
    brought: BTreeMap<String, i64>,
    /// The kinds whose indexes are down.
    down: BTreeSet<String>,
}

impl Loading {
    /// Notes that a load begins.
    pub fn begin(&mut self, connection: &Connection) -> Result<()> {
        if self.running == 0 {
            let last = "SELECT coalesce(max(rowid), 0) FROM crm_record";
            self.records = connection.query_row(last, [], |row| row.get(0)).map_err(failure::of)?;
            self.brought.clear();
        }
        self.running = self.running.saturating_add(1);
        Ok(())
    }

    /// Takes down the indexes of kinds of which a change set brings so much that building them anew is less work.
    pub fn make_way(&mut self, connection: &Connection, changes: &ChangeSet, kinds: &[(String, usize)]) -> Result<()> {
        if self.running == 0 {
            return Ok(());
        }
        let mut fresh: BTreeMap<&str, i64> = BTreeMap::new();
        for put in changes.puts.iter().filter(|put| put.expect == Expect::Absent) {
            let count = fresh.entry(&put.record.kind).or_default();
            *count = count.saturating_add(1);
        }
        for (kind, count) in fresh {
            self.records = self.records.saturating_add(count);
            let brought = self.brought.entry(kind.to_owned()).or_default();
            *brought = brought.saturating_add(count);
            let is_much = *brought >= FEW && brought.saturating_mul(SHARE) >= self.records;
            if let Some((kind, count)) = kinds.iter().find(|(known, _)| known == kind && is_much)
                && !self.down.contains(kind)
            {
                take_down(connection, kind, *count)?;
                self.down.insert(kind.clone());
            }
        }
        Ok(())
    }

    /// Notes that a load is over; after the last one the indexes are built.
    pub fn end(&mut self, connection: &Connection, kinds: &[(String, usize)]) -> Result<()> {
        self.running = self.running.saturating_sub(1);
        if self.running > 0 {
            return Ok(());
        }
        let down = std::mem::take(&mut self.down);
        kinds
            .iter()
            .filter(|(kind, _)| down.contains(kind))
            .try_for_each(|(kind, count)| build(connection, kind, *count))
    }
}

/// A load that runs: its end comes when this is dropped, whatever happened meanwhile.
pub struct Load<'l> {
    end: &'l dyn Fn() -> Result<()>,
    ended: bool,
}

impl<'l> Load<'l> {
    /// Notes how the load ends.
    pub fn new(end: &'l dyn Fn() -> Result<()>) -> Self {
        Load { end, ended: false }
    }

    /// Ends the load, and says whether that worked.
    ///
    /// # Errors
    /// Whatever SQLite meets; the next opening of the file builds what is missing.
    pub fn finish(mut self) -> Result<()> {
        self.ended = true;
        (self.end)()
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // The error that led here is the one to be told; the next opening builds what is missing.
            let _ = (self.end)();
        }
    }
}

fn take_down(connection: &Connection, kind: &str, count: usize) -> Result<()> {
    let indexes = Dialect::Sqlite.indexes(&[(kind, count)])?;
    transaction(connection, || {
        indexes.iter().try_for_each(|index| command(connection, &format!("DROP INDEX IF EXISTS {}", index.name)))?;
        Ok(Finish::Keep(()))
    })
}

fn build(connection: &Connection, kind: &str, count: usize) -> Result<()> {
    let indexes = Dialect::Sqlite.indexes(&[(kind, count)])?;
    transaction(connection, || {
        indexes.iter().try_for_each(|index| command(connection, &index.text))?;
        Ok(Finish::Keep(()))
    })
}
