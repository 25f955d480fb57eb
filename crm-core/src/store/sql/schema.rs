//! The tables and indexes.

use super::{COLUMNS, Dialect, column, literal};
use crate::base::error::Result;

/// The layout of the tables; counted up whenever they change, with a migration from the one before.
pub const LAYOUT: i64 = 2;

/// An index that a kind of record declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The index's name in the database.
    pub name: String,
    /// The statement that makes it.
    pub text: String,
}

impl Dialect {
    /// The text that reads which layout a database has, from a table that may not exist yet.
    pub fn layout(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SELECT value FROM crm_meta WHERE name = 'layout'",
        }
    }

    /// The texts that make the tables in an empty database, in order, the note of the layout included.
    ///
    /// Keys that a record does not have are empty bytes, which no present key is: so order and comparison need no rule for null.
    pub fn tables(self) -> Vec<String> {
        let (bytes, serial) = match self {
            Dialect::Sqlite => ("blob NOT NULL DEFAULT x''", "integer PRIMARY KEY AUTOINCREMENT"),
        };
        let keys: String = COLUMNS.iter().map(|k| format!("{k} {bytes}, ")).collect();
        vec![
            "CREATE TABLE crm_meta(name text NOT NULL PRIMARY KEY, value bigint NOT NULL)".to_owned(),
            format!(
                "CREATE TABLE crm_record(tenant text NOT NULL, kind text NOT NULL, id text NOT NULL, version bigint NOT NULL, \
                 schema int NOT NULL, {keys}body text NOT NULL, alloc text, UNIQUE(tenant, kind, id))"
            ),
            format!("CREATE TABLE crm_event(seq {serial}, tenant text NOT NULL, data text NOT NULL, alloc text)"),
            "CREATE INDEX crm_event_tenant ON crm_event(tenant, seq)".to_owned(),
            "CREATE TABLE crm_idem(tenant text NOT NULL, key text NOT NULL, hash text NOT NULL, response text NOT NULL, at bigint, \
             alloc text, PRIMARY KEY(tenant, key))"
                .to_owned(),
        ]
        .into_iter()
        .chain(parts())
        .chain([format!("INSERT INTO crm_meta(name, value) VALUES('layout', {LAYOUT})")])
        .collect()
    }

    /// The texts that bring tables of an older layout to this one, in order, the note of the layout included.
    pub fn migration(self, from: i64) -> Vec<String> {
        let mut texts = Vec::new();
        if from < 2 {
            texts.extend(["crm_record", "crm_event", "crm_idem"].map(|t| format!("ALTER TABLE {t} ADD COLUMN alloc text")));
            texts.extend(parts());
        }
        texts.push(format!("UPDATE crm_meta SET value = {LAYOUT} WHERE name = 'layout'"));
        texts
    }

    /// The indexes of the kinds, each given with its number of declared indexes.
    ///
    /// Each is partial, over one kind, and ends in the id: so a page of a kind in an index's order is read without sorting.
    ///
    /// # Errors
    /// `unknown_index` for more indexes than key columns, `unknown_fact_kind` for a kind that cannot stand in a text.
    pub fn indexes(self, kinds: &[(&str, usize)]) -> Result<Vec<Index>> {
        let mut out = Vec::new();
        for &(kind, count) in kinds {
            let kind = literal(kind)?;
            for index in 0..count {
                let column = column(kind, index)?;
                let name = format!("crm_{kind}_{column}");
                let text = match self {
                    Dialect::Sqlite => {
                        format!(
                            "CREATE INDEX IF NOT EXISTS {name} ON crm_record(tenant, {column}, id) WHERE kind = '{kind}'"
                        )
                    }
                };
                out.push(Index { name, text });
            }
        }
        Ok(out)
    }
}

/// The tables of claims, counters, series of numbers and timers.
fn parts() -> impl Iterator<Item = String> {
    [
        "CREATE TABLE crm_claim(tenant text NOT NULL, scope text NOT NULL, name text NOT NULL, kind text NOT NULL, id text NOT NULL, \
         PRIMARY KEY(tenant, scope, name))",
        "CREATE TABLE crm_counter(tenant text NOT NULL, scope text NOT NULL, name text NOT NULL, value bigint NOT NULL, \
         PRIMARY KEY(tenant, scope, name))",
        "CREATE TABLE crm_series(tenant text NOT NULL, scope text NOT NULL, value bigint NOT NULL, PRIMARY KEY(tenant, scope))",
        "CREATE TABLE crm_timer(tenant text NOT NULL, kind text NOT NULL, id text NOT NULL, rule text NOT NULL, due bigint NOT NULL, \
         failures int NOT NULL, PRIMARY KEY(tenant, kind, id, rule))",
        "CREATE INDEX crm_timer_due ON crm_timer(tenant, due, kind, id, rule)",
    ]
    .into_iter()
    .map(str::to_owned)
}
