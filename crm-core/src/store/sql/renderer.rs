//! A database as a store's adapter sees it: its dialect, and the kinds that live in tables of the host's own.

use super::commit::{self, Step};
use super::host::read::Scan;
use super::host::{HostTable, HostTables};
use super::read::{Get, Rows};
use super::{Dialect, Statement};
use crate::base::change::ChangeSet;
use crate::base::error::Result;
use crate::base::record::Key;
use crate::store::query::Query;

/// Writes statements for a database.
#[derive(Clone, Debug)]
pub struct Renderer {
    /// Whose SQL is written.
    pub dialect: Dialect,
    /// The kinds that live in tables of the host's.
    pub hosted: HostTables,
}

/// How a query is answered.
pub enum Find<'q> {
    /// It has no answer.
    Nothing,
    /// By one statement, with rows of [`Rows::Records`].
    One(Statement<'q>),
    /// By pages of rows of a host's table.
    Pages(Scan<'q>),
}

impl Renderer {
    /// A database in which every record is the engine's.
    pub fn new(dialect: Dialect) -> Self {
        Renderer { dialect, hosted: HostTables::default() }
    }

    /// The table of the host's that holds a kind.
    pub fn table(&self, kind: &str) -> Option<&HostTable> {
        self.hosted.find(kind)
    }

    /// The statements that read records by name, as [`Dialect::get`]; those of a host's table have [`Rows::Host`].
    ///
    /// # Errors
    /// As [`Dialect::get`].
    pub fn get<'a>(&self, tenant: &'a str, keys: &'a [Key]) -> Result<Vec<Get<'a>>> {
        if self.hosted.all().is_empty() {
            return self.dialect.get(tenant, keys);
        }
        let mut out = self.dialect.get_each(tenant, keys.iter().filter(|key| self.table(&key.kind).is_none()))?;
        for table in self.hosted.all() {
            let mut ids: Vec<&str> =
                keys.iter().filter(|key| key.kind == table.kind).map(|key| key.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            let statements = table.get(self.dialect, tenant, &ids).into_iter();
            out.extend(statements.map(|statement| Get { kind: table.kind, rows: Rows::Host, statement }));
        }
        Ok(out)
    }

    /// How a query is answered.
    ///
    /// # Errors
    /// As [`Dialect::find`].
    pub fn find<'q>(&'q self, query: &'q Query) -> Result<Find<'q>> {
        Ok(match self.table(&query.kind) {
            Some(table) => table.scan(self.dialect, query).map_or(Find::Nothing, Find::Pages),
            None => self.dialect.find(query)?.map_or(Find::Nothing, Find::One),
        })
    }

    /// The steps of a commit, as [`Dialect::commit`].
    ///
    /// # Errors
    /// As [`Dialect::commit`]; for records in the host's tables `kind_read_only`, `field_not_mapped`, `id_not_possible`, and
    /// `version_conflict` for one that cannot be there.
    pub fn commit<'a>(&self, changes: &'a ChangeSet) -> Result<Vec<Step<'a>>> {
        commit::steps(self.dialect, &self.hosted, changes)
    }
}
