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
            Dialect::Sqlite | Dialect::Postgres => "SELECT value FROM crm_meta WHERE name = 'layout'",
        }
    }

    /// The text that goes on numbering events where they are, after a dump was read into another server, whose transactions are
    /// numbered anew; nothing where transactions do not number events.
    ///
    /// It changes nothing as long as no event has a number that is still to come.
    pub fn renumber(self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some(
                "UPDATE crm_meta SET value = (SELECT max(xid) FROM crm_event) + 1 WHERE name = 'xid_base' \
                 AND value + CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) <= \
                 (SELECT max(xid) FROM (SELECT xid FROM crm_event ORDER BY seq DESC LIMIT 1000) AS latest)",
            ),
        }
    }

    /// The texts that make the tables in an empty database, in order, the note of the layout included.
    ///
    /// Keys that a record does not have are empty bytes, which no present key is: so order and comparison need no rule for null.
    pub fn tables(self) -> Vec<String> {
        let (bytes, seq) = match self {
            Dialect::Sqlite => ("blob NOT NULL DEFAULT x''", "seq integer PRIMARY KEY AUTOINCREMENT"),
            Dialect::Postgres => (
                "bytea NOT NULL DEFAULT ''",
                "seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, xid bigint NOT NULL",
            ),
        };
        let events = match self {
            Dialect::Sqlite => "seq",
            Dialect::Postgres => "xid, seq",
        };
        let keys: String = COLUMNS.iter().map(|k| format!("{k} {bytes}, ")).collect();
        vec![
            "CREATE TABLE crm_meta(name text NOT NULL PRIMARY KEY, value bigint NOT NULL)".to_owned(),
            format!(
                "CREATE TABLE crm_record(tenant {{id}}, kind {{id}}, id {{id}}, version bigint NOT NULL, \
                 schema {{int}}, {keys}body text NOT NULL, alloc text, UNIQUE(tenant, kind, id))"
            ),
            format!("CREATE TABLE crm_event({seq}, tenant {{id}}, data text NOT NULL, alloc text)"),
            format!("CREATE INDEX crm_event_tenant ON crm_event(tenant, {events})"),
            "CREATE TABLE crm_idem(tenant {id}, key {id}, hash text NOT NULL, response text NOT NULL, at bigint, \
             alloc text, PRIMARY KEY(tenant, key))"
                .to_owned(),
        ]
        .into_iter()
        .chain(parts())
        .map(|text| self.typed(&text))
        .chain([format!("INSERT INTO crm_meta(name, value) VALUES('layout', {LAYOUT})")])
        .chain(
            (self == Dialect::Postgres).then(|| "INSERT INTO crm_meta(name, value) VALUES('xid_base', 0)".to_owned()),
        )
        .collect()
    }

    /// The text with this database's types: names are compared byte by byte, and every integer is read as one of eight bytes.
    fn typed(self, text: &str) -> String {
        let (id, int) = match self {
            Dialect::Sqlite => ("text NOT NULL", "int NOT NULL"),
            Dialect::Postgres => ("text COLLATE \"C\" NOT NULL", "bigint NOT NULL"),
        };
        text.replace("{id}", id).replace("{int}", int)
    }

    /// The texts that bring tables of an older layout to this one, in order, the note of the layout included.
    pub fn migration(self, from: i64) -> Vec<String> {
        let mut texts = Vec::new();
        if from < 2 {
            texts.extend(
                ["crm_record", "crm_event", "crm_idem"].map(|t| format!("ALTER TABLE {t} ADD COLUMN alloc text")),
            );
            texts.extend(parts().map(|text| self.typed(&text)));
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
                    Dialect::Sqlite | Dialect::Postgres => {
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
        "CREATE TABLE crm_claim(tenant {id}, scope {id}, name {id}, kind {id}, id {id}, PRIMARY KEY(tenant, scope, name))",
        "CREATE TABLE crm_counter(tenant {id}, scope {id}, name {id}, value bigint NOT NULL, PRIMARY KEY(tenant, scope, name))",
        "CREATE TABLE crm_series(tenant {id}, scope {id}, value bigint NOT NULL, PRIMARY KEY(tenant, scope))",
        "CREATE TABLE crm_timer(tenant {id}, kind {id}, id {id}, rule {id}, due bigint NOT NULL, failures {int}, \
         PRIMARY KEY(tenant, kind, id, rule))",
        "CREATE INDEX crm_timer_due ON crm_timer(tenant, due, kind, id, rule)",
    ]
    .into_iter()
    .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_byte_by_byte() {
        let sqlite = Dialect::Sqlite.tables();
        let postgres = Dialect::Postgres.tables();
        assert_eq!(sqlite.len().saturating_add(1), postgres.len());
        assert!(sqlite.iter().chain(&postgres).all(|text| !text.contains('{')));
        assert!(
            postgres[1]
                .starts_with("CREATE TABLE crm_record(tenant text COLLATE \"C\" NOT NULL, kind text COLLATE \"C\"")
        );
        assert!(postgres[1].contains(" schema bigint NOT NULL, k1 bytea NOT NULL DEFAULT ''"));
        assert!(Dialect::Postgres.migration(1).iter().any(|text| text.contains("COLLATE")));
    }
}
