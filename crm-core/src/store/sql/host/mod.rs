//! Kinds of records that live in tables of the host's own: rows are read as records, and written where the mapping allows it.
//!
//! Start at [`HostTable`]; [`read`] turns rows into records and answers queries, [`mod@write`] is their part of a commit. Everything else of
//! a commit goes to the engine's tables, in the same transaction.

pub mod read;
pub mod write;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Dialect, Param};
use crate::base::error::Result;
use crate::base::id::Id;
use crate::base::record::Record;
use crate::condition::catalogue::Type;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text of any length.
    Text,
    /// An integer, of any width up to eight bytes.
    Int8,
    /// PostgreSQL's `uuid`; a text in its usual form elsewhere.
    Uuid,
    /// A decimal.
    Numeric,
    /// A calendar date.
    Date,
    /// A time without a zone, which is UTC.
    Timestamp,
    /// A time with its zone.
    Timestamptz,
    /// True or false.
    Boolean,
}

impl ColumnType {
    /// The names of all of them.
    pub const NAMES: &'static [&'static str] =
        &["text", "int8", "uuid", "numeric", "date", "timestamp", "timestamptz", "boolean"];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            ColumnType::Text => "text",
            ColumnType::Int8 => "int8",
            ColumnType::Uuid => "uuid",
            ColumnType::Numeric => "numeric",
            ColumnType::Date => "date",
            ColumnType::Timestamp => "timestamp",
            ColumnType::Timestamptz => "timestamptz",
            ColumnType::Boolean => "boolean",
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, which [`is_name`] allows.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
}

/// Where a value stands in a body: a field, and the one inside it where it is a part.
pub type Place = (String, Option<String>);

/// A field that a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostField {
    /// Where it stands in a body.
    pub place: Place,
    /// Its type; nothing for a custom field, whose type is its column's.
    pub kind: Option<Type>,
    /// The column.
    pub column: Column,
}

/// Makes the record of a body.
pub type Make = fn(&Id, Map<String, Value>, u64) -> Result<Record>;

/// A table of the host's that holds the records of a kind.
#[derive(Clone, Debug)]
pub struct HostTable {
    /// The kind.
    pub kind: &'static str,
    /// The parts of the table's name, each of which [`is_name`] allows: the table, or its schema and the table.
    pub name: Vec<String>,
    /// The column of ids.
    pub id: Column,
    /// The column of tenants; without one every tenant has every row.
    pub tenant: Option<Column>,
    /// The column of versions; without one every row stands at version 1.
    pub version: Option<Column>,
    /// Whether rows may be made and changed.
    pub writable: bool,
    /// The fields.
    pub fields: Vec<HostField>,
    /// For each index of the kind the place of the field that its keys begin with, where they hold it exactly as it is written.
    pub leading: Vec<Option<usize>>,
    /// Makes the record of a body.
    pub make: Make,
}

/// The tables of the host's, by the kinds that they hold.
#[derive(Clone, Default)]
pub struct HostTables(Arc<[HostTable]>);

impl fmt::Debug for HostTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|table| (table.kind, table.shown()))).finish()
    }
}

impl HostTables {
    /// These tables.
    pub fn new(tables: Vec<HostTable>) -> Self {
        HostTables(tables.into())
    }

    /// The table of a kind.
    pub fn find(&self, kind: &str) -> Option<&HostTable> {
        self.0.iter().find(|table| table.kind == kind)
    }

    /// Every table.
    pub fn all(&self) -> &[HostTable] {
        &self.0
    }

    /// The kinds.
    pub fn kinds(&self) -> Vec<String> {
        self.0.iter().map(|table| table.kind.to_owned()).collect()
    }
}

/// Says whether a name can stand for a table or a column: letters, digits, `_`, `-` and spaces, beginning with a letter or `_`, at most 63
/// bytes. So no quote, marker or colon is among them, whatever quotes or replaces what.
pub fn is_name(name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    name.len() <= 63 && name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(inside)
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

impl HostTable {
    /// The table's name as people write it.
    pub fn shown(&self) -> String {
        self.name.join(".")
    }

    /// The table's name in a statement.
    fn named(&self) -> String {
        let parts: Vec<String> = self.name.iter().map(|part| quoted(part)).collect();
        parts.join(".")
    }

    /// A column in a statement, with its table before it: SQLite takes a quoted name that no column has for a text.
    fn column(&self, column: &Column) -> String {
        let table = self.name.last().map(|part| quoted(part)).unwrap_or_default();
        format!("{table}.{}", quoted(&column.name))
    }

    /// The columns that a row is read from: id, version, then the fields.
    fn columns(&self, dialect: Dialect) -> String {
        let version = self.version.as_ref().map_or_else(|| "'1'".to_owned(), |column| as_text(&self.column(column)));
        let fields = self.fields.iter().map(|field| dialect.shown(&self.column(&field.column), field.column.kind));
        let columns: Vec<String> = [as_text(&self.column(&self.id)), version].into_iter().chain(fields).collect();
        columns.join(", ")
    }

    /// The condition that a row is the tenant's, with its parameter; nothing when no row can be.
    fn owned<'a>(&self, dialect: Dialect, tenant: &'a str) -> Option<(String, Vec<Param<'a>>)> {
        let Some(column) = &self.tenant else { return Some((String::new(), Vec::new())) };
        let mut params = vec![as_param(column.kind, tenant)?];
        let name = self.column(column);
        let mut text = format!(" AND {name} = {}", dialect.given(column.kind));
        if column.kind != ColumnType::Int8 {
            // Letter by letter: a collation or a type that takes other texts for this one would show another tenant's rows.
            let collation = match dialect {
                Dialect::Sqlite => "BINARY",
                Dialect::Postgres => "\"C\"",
            };
            text.push_str(&format!(" AND {} COLLATE {collation} = ?", as_text(&name)));
            params.push(Param::text(tenant));
        }
        Some((text, params))
    }
}

fn as_text(expression: &str) -> String {
    format!("CAST({expression} AS text)")
}

/// A name or reference as a parameter of its column's type; nothing when the column cannot hold it.
fn as_param(kind: ColumnType, text: &str) -> Option<Param<'_>> {
    match kind {
        ColumnType::Int8 => text.parse::<i64>().ok().filter(|number| number.to_string() == text).map(Param::Int8),
        ColumnType::Uuid => {
            let parsed = uuid::Uuid::try_parse(text).ok().filter(|parsed| parsed.to_string() == text);
            parsed.map(|_| Param::text(text))
        }
        _ => Some(Param::text(text)),
    }
}

impl Dialect {
    /// A parameter of a column's type.
    fn given(self, kind: ColumnType) -> &'static str {
        match (self, kind) {
            (Dialect::Postgres, ColumnType::Uuid) => "CAST(? AS uuid)",
            (Dialect::Postgres, ColumnType::Numeric) => "CAST(? AS numeric)",
            (Dialect::Postgres, ColumnType::Date) => "CAST(? AS date)",
            (Dialect::Postgres, ColumnType::Timestamp) => "CAST(? AS timestamp)",
            (Dialect::Postgres, ColumnType::Timestamptz) => "CAST(? AS timestamptz)",
            _ => "?",
        }
    }

    /// A column's value as text, the same whatever the session's settings are. PostgreSQL's times come as `@` and microseconds.
    fn shown(self, column: &str, kind: ColumnType) -> String {
        match (self, kind) {
            (Dialect::Postgres, ColumnType::Numeric) => as_text(&format!("CAST({column} AS numeric)")),
            (Dialect::Postgres, ColumnType::Date) => format!("to_char({column}, 'YYYY-MM-DD')"),
            (Dialect::Postgres, ColumnType::Timestamp | ColumnType::Timestamptz) => {
                format!("'@' || {}", as_text(&format!("CAST(floor(extract(epoch FROM {column}) * 1000000) AS bigint)")))
            }
            (Dialect::Postgres, ColumnType::Boolean) => as_text(&format!("CAST({column} AS boolean)")),
            _ => as_text(column),
        }
    }

    /// A row's id in an order that is the same everywhere: that of its bytes.
    fn ordered(self, id: &str) -> String {
        match self {
            Dialect::Sqlite => format!("{} COLLATE BINARY", as_text(id)),
            Dialect::Postgres => format!("{} COLLATE \"C\"", as_text(id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert!(["customers", "_x", "Order Details", "größe-1"].into_iter().all(is_name));
        for bad in ["", "1a", "a\"b", "a?b", "a:b", "a$1", "a%s", "a.b", "a;b", "a'b", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn what_a_column_cannot_hold_is_no_parameter() {
        for text in ["abc", "007", "+7", "1.0", "9223372036854775808", ""] {
            assert_eq!(as_param(ColumnType::Int8, text), None, "{text}");
        }
        assert_eq!(as_param(ColumnType::Int8, "-7"), Some(Param::Int8(-7)));
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(as_param(ColumnType::Uuid, id), Some(Param::text(id)));
        assert_eq!(as_param(ColumnType::Uuid, &id.to_uppercase()), None);
    }
}
