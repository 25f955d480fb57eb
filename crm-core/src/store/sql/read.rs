//! Reading: records by name, records by query, events after a cursor, and how rows become records again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{COLUMNS, Dialect, Expected, Param, Statement, column, literal, markers, padded};
use crate::base::change::{StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::number::Numbers;
use crate::base::record::{Body, Key, KeyBytes, Record};
use crate::base::time::Instant;
use crate::store::memory::IDEMPOTENCY;
use crate::store::query::{Query, Test};

/// The most ids that one statement asks for.
const BATCH: usize = 256;

/// The most keys that one test of a query may list.
const LIST: usize = 16_384;

/// The bytes below every present key and above a missing one.
const PRESENT: &[u8] = &[0];

/// What is asked, and so how the rows are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Rows of id, version, schema, the key columns, body, alloc: one record of the asked kind each.
    Records,
    /// Rows of key, hash, response, alloc: one request's mark each.
    Marks,
}

/// One statement of a `get`.
#[derive(Clone, Debug, PartialEq)]
pub struct Get<'a> {
    /// The kind of its records.
    pub kind: &'a str,
    /// What its rows are.
    pub rows: Rows,
    /// The statement.
    pub statement: Statement<'a>,
}

impl Dialect {
    /// The statements that read records by name: one a kind, or more when many are asked.
    ///
    /// # Errors
    /// `unknown_fact_kind` for a kind that cannot stand in a text.
    pub fn get<'a>(self, tenant: &'a str, keys: &'a [Key]) -> Result<Vec<Get<'a>>> {
        let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for key in keys {
            kinds.entry(&key.kind).or_default().insert(key.id.as_str());
        }
        let mut out = Vec::new();
        for (kind, ids) in kinds {
            let ids: Vec<&str> = ids.into_iter().collect();
            for batch in ids.chunks(BATCH) {
                let size = padded(batch.len());
                let list = markers(size);
                let (rows, text) = if kind == IDEMPOTENCY {
                    (
                        Rows::Marks,
                        format!("SELECT key, hash, response, alloc FROM crm_idem WHERE tenant = ? AND key IN ({list})"),
                    )
                } else {
                    (Rows::Records, format!("{} AND id IN ({list})", self.records(kind)?))
                };
                let mut params = vec![Param::text(tenant)];
                params.extend(pad(batch.iter().map(|id| Param::text(id)), size));
                out.push(Get { kind, rows, statement: self.statement(text, params, Expected::Rows) });
            }
        }
        Ok(out)
    }

    /// The statement that answers a query, with rows of [`Rows::Records`]; nothing when the query can have no answer.
    ///
    /// # Errors
    /// `unknown_index`, `too_many_items` for a list of more than 16,384 keys, `unknown_fact_kind`.
    pub fn find<'a>(self, query: &'a Query) -> Result<Option<Statement<'a>>> {
        let mut text = self.records(&query.kind)?;
        let mut params = vec![Param::text(&query.tenant)];
        for test in &query.tests {
            if !add_test(&query.kind, test, &mut text, &mut params)? {
                return Ok(None);
            }
        }
        let order = query.order.map(|index| column(&query.kind, index)).transpose()?;
        if let Some(after) = &query.after {
            let sign = if query.descending { "<" } else { ">" };
            match order {
                Some(column) => {
                    text.push_str(&format!(" AND ({column}, id) {sign} (?, ?)"));
                    params.push(Param::bytes(after.key.bytes()));
                }
                None => text.push_str(&format!(" AND id {sign} ?")),
            }
            params.push(Param::text(after.id.as_str()));
        }
        let turn = if query.descending { " DESC" } else { "" };
        text.push_str(" ORDER BY ");
        if let Some(column) = order {
            text.push_str(&format!("{column}{turn}, "));
        }
        text.push_str(&format!("id{turn} LIMIT ?"));
        params.push(limited(query.limit));
        Ok(Some(self.statement(text, params, Expected::Rows)))
    }

    /// The statement that reads events after a cursor, with rows of cursor, data, alloc.
    ///
    /// PostgreSQL numbers events before they are committed, so that a smaller number may appear after a larger one. There events are
    /// ordered by their transaction's number, and only those are read before which no transaction is open any more: nothing can appear
    /// behind a reader. So an event is seen once all transactions are over that began to write before its own ended.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn events<'a>(self, tenant: &'a str, after: Option<&str>, limit: usize) -> Result<Statement<'a>> {
        let (text, mut params) = match self {
            Dialect::Sqlite => (
                "SELECT CAST(seq AS text), data, alloc FROM crm_event WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?".to_owned(),
                vec![Param::text(tenant), Param::Int8(after.map_or(Ok(0), place)?)],
            ),
            Dialect::Postgres => (
                format!(
                    "SELECT CAST(xid AS text) || '.' || CAST(seq AS text), data, alloc FROM crm_event \
                     WHERE tenant = ? AND (xid, seq) > (?, ?) AND xid < {HORIZON} ORDER BY xid, seq LIMIT ?"
                ),
                behind(tenant, after)?,
            ),
        };
        params.push(limited(limit));
        Ok(self.statement(text, params, Expected::Rows))
    }

    /// The statement that gives a row when there are events after a cursor that cannot be read yet, for as long as transactions are
    /// open; nothing for a database in which that does not happen.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn unsettled<'a>(self, tenant: &'a str, after: Option<&str>) -> Result<Option<Statement<'a>>> {
        if self == Dialect::Sqlite {
            return Ok(None);
        }
        let text = format!(
            "SELECT tenant FROM crm_event WHERE tenant = ? AND (xid, seq) > (?, ?) AND xid >= {HORIZON} LIMIT 1"
        );
        Ok(Some(self.statement(text, behind(tenant, after)?, Expected::Rows)))
    }

    /// The statement that reads the timers that are due, with rows of due, kind, id, rule, failures.
    pub fn due<'a>(self, tenant: &'a str, now: Instant, limit: usize) -> Statement<'a> {
        let text = "SELECT due, kind, id, rule, failures FROM crm_timer WHERE tenant = ? AND due <= ? \
                    ORDER BY due, kind, id, rule LIMIT ?";
        let params = vec![Param::text(tenant), Param::Int8(now.micros()), limited(limit)];
        self.statement(text, params, Expected::Rows)
    }

    /// The statement that reads when each tenant is next due, with rows of due, tenant.
    pub fn next_due(self, limit: usize) -> Statement<'static> {
        let text = "SELECT min(due) AS first, tenant FROM crm_timer GROUP BY tenant ORDER BY first, tenant LIMIT ?";
        self.statement(text, vec![limited(limit)], Expected::Rows)
    }

    fn records(self, kind: &str) -> Result<String> {
        let kind = literal(kind)?;
        Ok(format!(
            "SELECT id, version, schema, {}, body, alloc FROM crm_record WHERE tenant = ? AND kind = '{kind}'",
            COLUMNS.join(", ")
        ))
    }
}

/// The first transaction that may still write events, as they are numbered.
const HORIZON: &str = "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) + \
                       (SELECT value FROM crm_meta WHERE name = 'xid_base')";

/// A place in the order of events: a number from 0.
fn place(text: &str) -> Result<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| Error::new(Code::InvalidCursor))
}

/// Tenant, transaction and place behind which events are read.
fn behind<'a>(tenant: &'a str, after: Option<&str>) -> Result<Vec<Param<'a>>> {
    let (xid, seq) = match after {
        None => (0, 0),
        Some(cursor) => {
            let (xid, seq) = cursor.split_once('.').ok_or_else(|| Error::new(Code::InvalidCursor))?;
            (place(xid)?, place(seq)?)
        }
    };
    Ok(vec![Param::text(tenant), Param::Int8(xid), Param::Int8(seq)])
}

fn limited<'a>(limit: usize) -> Param<'a> {
    Param::Int8(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// Repeats the last parameter up to a size.
fn pad<'a>(params: impl Iterator<Item = Param<'a>>, size: usize) -> Vec<Param<'a>> {
    let mut out: Vec<Param<'a>> = params.collect();
    if let Some(last) = out.last().cloned() {
        out.resize(size, last);
    }
    out
}

/// Adds one test; false says that nothing can pass it.
fn add_test<'a>(kind: &str, test: &'a Test, text: &mut String, params: &mut Vec<Param<'a>>) -> Result<bool> {
    let lower = |key: &'a KeyBytes| Param::bytes(if key.bytes().is_empty() { PRESENT } else { key.bytes() });
    match test {
        Test::In { index, keys } => {
            let column = column(kind, *index)?;
            let keys: BTreeSet<&[u8]> = keys.iter().map(KeyBytes::bytes).filter(|k| !k.is_empty()).collect();
            if keys.len() > LIST {
                return Err(Error::new(Code::TooManyItems).with("length", keys.len()).with("limit", LIST));
            }
            if keys.is_empty() {
                return Ok(false);
            }
            let size = padded(keys.len());
            text.push_str(&format!(" AND {column} IN ({})", markers(size)));
            params.extend(pad(keys.into_iter().map(Param::bytes), size));
        }
        Test::Prefix { index, prefix } => {
            let column = column(kind, *index)?;
            text.push_str(&format!(" AND {column} >= ?"));
            params.push(lower(prefix));
            if let Some(end) = successor(prefix.bytes()) {
                text.push_str(&format!(" AND {column} < ?"));
                params.push(Param::Bytes(Cow::Owned(end)));
            }
        }
        Test::Range { index, from, to } => {
            let column = column(kind, *index)?;
            text.push_str(&format!(" AND {column} >= ?"));
            params.push(from.as_ref().map_or(Param::bytes(PRESENT), lower));
            if let Some(to) = to {
                text.push_str(&format!(" AND {column} < ?"));
                params.push(Param::bytes(to.bytes()));
            }
        }
    }
    Ok(true)
}

/// The first bytes after everything that begins with a prefix; nothing when there are none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let end = prefix.iter().rposition(|b| *b != u8::MAX)?;
    let mut out = prefix.get(..=end)?.to_vec();
    let last = out.last_mut()?;
    *last = last.saturating_add(1);
    Some(out)
}

/// A record's row, column by column.
pub struct Row<'r> {
    /// The id.
    pub id: &'r str,
    /// The version.
    pub version: i64,
    /// The version of the body's layout.
    pub schema: i64,
    /// The key columns.
    pub keys: Vec<Vec<u8>>,
    /// The body.
    pub body: &'r str,
    /// The numbers; empty for null.
    pub alloc: &'r str,
}

/// Makes a record of a row.
///
/// # Errors
/// `corrupt_record` when the row cannot have been written by an engine.
pub fn record(kind: &str, row: Row<'_>) -> Result<Record> {
    let corrupt = || corrupt(kind, row.id);
    let version = u64::try_from(row.version).map_err(|_| corrupt())?;
    let schema = u32::try_from(row.schema).map_err(|_| corrupt())?;
    let body = Body::parse(row.body.to_owned()).map_err(|_| corrupt())?;
    let (id, numbers) = (Id::new(row.id).map_err(|_| corrupt())?, numbers(row.alloc).map_err(|_| corrupt())?);
    let mut keys = row.keys;
    let present = keys.iter().rposition(|k| !k.is_empty()).map_or(0, |last| last.saturating_add(1));
    keys.truncate(present);
    let keys = keys.into_iter().map(KeyBytes::from_bytes).collect();
    Ok(Record { kind: kind.to_owned(), id, version, schema, keys, body, numbers })
}

/// Makes a request's mark of a row's values: a record whose body is `{request_hash, response}`.
///
/// # Errors
/// `corrupt_record`.
pub fn mark(key: &str, hash: &str, response: &str, alloc: &str) -> Result<Record> {
    let body = Body::write(&serde_json::json!({"request_hash": hash, "response": response}));
    let id = Id::new(key).map_err(|_| corrupt(IDEMPOTENCY, key))?;
    let numbers = numbers(alloc)?;
    Ok(Record { kind: IDEMPOTENCY.to_owned(), id, version: 1, schema: 1, keys: Vec::new(), body, numbers })
}

/// Makes an event of a row's values.
///
/// # Errors
/// `corrupt_record`.
pub fn event(cursor: &str, data: &str, alloc: &str) -> Result<StoredEvent> {
    let event = serde_json::from_str(data).map_err(|_| corrupt("event", cursor))?;
    Ok(StoredEvent { cursor: cursor.to_owned(), event, numbers: numbers(alloc)? })
}

/// Makes a timer of a row's values.
///
/// # Errors
/// `corrupt_record`.
pub fn timer(due: i64, kind: &str, id: &str, rule: &str, failures: i64) -> Result<StoredTimer> {
    let corrupt = || corrupt("timer", id);
    Ok(StoredTimer {
        due: Instant::from_micros(due).ok_or_else(corrupt)?,
        key: Key { kind: kind.to_owned(), id: Id::new(id).map_err(|_| corrupt())? },
        rule: rule.to_owned(),
        failures: u32::try_from(failures).map_err(|_| corrupt())?,
    })
}

/// Makes a tenant's next due time of a row's values.
///
/// # Errors
/// `corrupt_record`.
pub fn tenant_due(due: i64, tenant: &str) -> Result<TenantDue> {
    let due = Instant::from_micros(due).ok_or_else(|| corrupt("timer", tenant))?;
    Ok(TenantDue { due, tenant: tenant.to_owned() })
}

/// Reads the numbers that a row notes, such as `"0":42`.
///
/// # Errors
/// `corrupt_record`.
pub fn numbers(alloc: &str) -> Result<Numbers> {
    if alloc.is_empty() {
        return Ok(Numbers::new());
    }
    serde_json::from_str(&format!("{{{alloc}}}")).map_err(|_| corrupt("number", alloc))
}

/// Puts the records that were found into the order of the keys that were asked.
pub fn arrange(keys: &[Key], found: Vec<Record>) -> Vec<Option<Record>> {
    let found: BTreeMap<Key, Record> = found.into_iter().map(|r| (r.key(), r)).collect();
    keys.iter().map(|key| found.get(key).cloned()).collect()
}

fn corrupt(kind: &str, id: &str) -> Error {
    Error::new(Code::CorruptRecord).with("kind", kind).with("id", crate::base::text::clip(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_depends_on_the_shape_alone() {
        let mut query = Query::of("t", "deal", 10);
        query.order = Some(1);
        query
            .tests
            .push(Test::In { index: 0, keys: vec![KeyBytes::from_bytes(vec![1]), KeyBytes::from_bytes(vec![2])] });
        let first = Dialect::Sqlite.find(&query).unwrap().unwrap();
        let mut other = query.clone();
        other.tenant = "u'; DROP TABLE crm_record".to_owned();
        other.limit = 3;
        other.tests = vec![Test::In { index: 0, keys: (1..5).map(|b| KeyBytes::from_bytes(vec![b])).collect() }];
        let second = Dialect::Sqlite.find(&other).unwrap().unwrap();
        assert_eq!(first.text, second.text);
        assert!(
            first.text.ends_with("WHERE tenant = ? AND kind = 'deal' AND k1 IN (?,?,?,?) ORDER BY k2, id LIMIT ?"),
            "{}",
            first.text
        );
        assert_eq!(first.params.len(), second.params.len());
    }

    #[test]
    fn a_prefix_ends_before_its_successor() {
        assert_eq!(successor(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(successor(&[1, 255]), Some(vec![2]));
        assert_eq!(successor(&[255, 255]), None);
        assert_eq!(successor(&[]), None);
    }

    #[test]
    fn what_has_no_column_is_refused() {
        let mut query = Query::of("t", "deal", 10);
        query.order = Some(12);
        assert_eq!(Dialect::Sqlite.find(&query).unwrap_err().code(), "unknown_index");
        let keys = (0..20_000_u32).map(|n| KeyBytes::from_bytes(n.to_be_bytes().to_vec())).collect();
        let mut query = Query::of("t", "deal", 10);
        query.tests.push(Test::In { index: 0, keys });
        assert_eq!(Dialect::Sqlite.find(&query).unwrap_err().code(), "too_many_items");
    }
}
