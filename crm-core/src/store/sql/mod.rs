//! SQL: the statements by which a database keeps a repository's promises. Adapters only execute them.
//!
//! A statement's text depends on the shape of what is asked, never on its values, so that prepared statements are found again;
//! the one literal is the record's kind, because a partial index needs it. Parameters have four types. What must happen is said
//! as a row count. [`read`] renders `get`, `find` and `events`, [`commit`] a change set, [`schema`] the tables.
//! Nothing that means something is left to SQL: keys are compared as bytes, bodies are never looked into.

pub mod commit;
mod locks;
pub mod read;
pub mod schema;

use std::borrow::Cow;

pub use super::accept::KEYS;
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::reason::Reason;
use crate::base::text::clip;

/// Which database's SQL is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite from 3.24 on: parameters are `?`, bytes are `blob`.
    Sqlite,
    /// PostgreSQL from 13 on: parameters are `$1` with a cast, bytes are `bytea`; the transaction reads what is committed
    /// (`READ COMMITTED`), and what must hold is locked.
    Postgres,
}

/// One statement with its parameters and what it must bring about.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement<'a> {
    /// The text.
    pub text: Cow<'static, str>,
    /// The parameters in the order of their markers.
    pub params: Vec<Param<'a>>,
    /// What must happen; otherwise everything is rolled back.
    pub expect: Expected,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A signed integer of eight bytes.
    Int8(i64),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Nothing, of a type.
    Null(Type),
}

/// The type of a parameter that is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// A signed integer of eight bytes.
    Int8,
}

/// What a statement must bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is a question; any number of rows will do.
    Rows,
    /// It is a question that must give this many rows.
    Found(usize),
    /// It is a command that must change this many rows.
    Changed(usize),
    /// It is a command that may change any number of rows.
    Any,
}

impl<'a> Param<'a> {
    fn text(text: &'a str) -> Self {
        Param::Text(Cow::Borrowed(text))
    }

    /// The name of its type in a cast.
    fn cast(&self) -> &'static str {
        match self {
            Param::Text(_) => "text",
            Param::Int8(_) | Param::Null(Type::Int8) => "int8",
            Param::Bytes(_) => "bytea",
        }
    }

    fn bytes(bytes: &'a [u8]) -> Self {
        Param::Bytes(Cow::Borrowed(bytes))
    }

    fn number(value: u64) -> Result<Self> {
        i64::try_from(value).map(Param::Int8).map_err(|_| {
            let error = Error::new(Code::NumberOutOfRange).with("value", value.to_string());
            error.with("minimum", "0").with("maximum", i64::MAX.to_string())
        })
    }
}

/// How a question holds its rows until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Nobody may change them, anybody may hold them too.
    Shared,
    /// Nobody else may hold or change them: they will be changed.
    Alone,
}

impl Dialect {
    /// A question whose rows must still hold when the transaction ends.
    fn locking(self, text: &'static str, hold: Hold) -> Cow<'static, str> {
        match (self, hold) {
            // A transaction of ours has the only write lock from its beginning.
            (Dialect::Sqlite, _) => Cow::Borrowed(text),
            (Dialect::Postgres, Hold::Shared) => Cow::Owned(format!("{text} FOR SHARE")),
            (Dialect::Postgres, Hold::Alone) => Cow::Owned(format!("{text} FOR UPDATE")),
        }
    }

    /// The text with this database's markers in place of `?`.
    fn mark(self, text: Cow<'static, str>, params: &[Param<'_>]) -> Cow<'static, str> {
        if self == Dialect::Sqlite {
            return text;
        }
        let mut out = String::with_capacity(text.len().saturating_add(params.len().saturating_mul(10)));
        let mut pieces = text.split('?');
        out.push_str(pieces.next().unwrap_or_default());
        for (place, (piece, param)) in (1_usize..).zip(pieces.zip(params)) {
            out.push_str(&format!("${place}::{}", param.cast()));
            out.push_str(piece);
        }
        Cow::Owned(out)
    }

    fn statement<'a>(
        self,
        text: impl Into<Cow<'static, str>>,
        params: Vec<Param<'a>>,
        expect: Expected,
    ) -> Statement<'a> {
        Statement { text: self.mark(text.into(), &params), params, expect }
    }
}

/// The names of the key columns, by the index's place.
const COLUMNS: [&str; KEYS] = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11", "k12"];

fn column(kind: &str, index: usize) -> Result<&'static str> {
    COLUMNS.get(index).copied().ok_or_else(|| {
        let error = Error::new(Code::UnknownIndex).with("index", index).with("kind", clip(kind));
        error.with("hint", Reason::new(Code::IndexesFromZero).with("limit", KEYS))
    })
}

/// A kind as a literal: lower-case letters, digits and `_` only, so that it can stand in a text.
fn literal(kind: &str) -> Result<&str> {
    let fits = !kind.is_empty()
        && kind.len() <= 64
        && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if fits {
        return Ok(kind);
    }
    let error = Error::new(Code::UnknownFactKind).with("kind", clip(kind));
    Err(error.with("hint", Reason::new(Code::KindLetters)))
}

/// The length to which an `IN` list is padded: 1, 4, 16, 64, 256 and so on, so that few texts exist.
fn padded(length: usize) -> usize {
    let mut size = 1_usize;
    while size < length {
        size = size.saturating_mul(4);
    }
    size
}

/// `n` markers with commas between.
fn markers(n: usize) -> String {
    let mut text = "?,".repeat(n);
    text.pop();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_padded_to_powers_of_four() {
        assert_eq!([0, 1, 2, 4, 5, 17, 64, 65, 256, 257].map(padded), [1, 1, 4, 4, 16, 64, 64, 256, 256, 1024]);
        assert_eq!(markers(3), "?,?,?");
    }

    #[test]
    fn markers_are_numbered_and_cast() {
        let params = [Param::text("a"), Param::Int8(1), Param::bytes(&[1]), Param::Null(Type::Int8)];
        let text = "SELECT ? WHERE n = ? AND b IN (?) AND m = ?";
        assert_eq!(Dialect::Sqlite.mark(text.into(), &params), text);
        let wanted = "SELECT $1::text WHERE n = $2::int8 AND b IN ($3::bytea) AND m = $4::int8";
        assert_eq!(Dialect::Postgres.mark(text.into(), &params), wanted);
    }

    #[test]
    fn only_plain_kinds_become_literals() {
        assert_eq!(literal("price_book").unwrap(), "price_book");
        for bad in ["", "a'b", "A", "a b", "kind;"] {
            assert_eq!(literal(bad).unwrap_err().code(), "unknown_fact_kind", "{bad}");
        }
    }
}
