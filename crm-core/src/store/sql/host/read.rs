//! Reading from a host's table: rows become records, and a query is answered from pages of rows.
//!
//! A host's table has no keys, so that only what an index holds exactly is asked of the database; everything else is decided here, from
//! the keys that the rows' records have. An order by an index therefore reads every row that can match, up to [`SCAN`].

use serde_json::{Map, Value};

use super::{ColumnType, HostField, HostTable, as_param};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::id::Id;
use crate::base::reason::Reason;
use crate::base::record::{KeyBytes, Record};
use crate::base::text::clip;
use crate::base::time::{Date, Instant};
use crate::condition::catalogue::Type;
use crate::store::query::{Query, Test};
use crate::store::search::BATCH;
use crate::store::search::SCAN;
use crate::store::sql::{Dialect, Expected, Param, Statement, markers_of, padded};

/// The most values that one list of a statement holds.
const LIST: usize = 256;

/// A row: id, version and fields, each as text or null.
pub type HostRow = Vec<Option<String>>;

impl HostTable {
    /// The statements that read rows by id.
    pub(in crate::store::sql) fn get<'a>(
        &self,
        dialect: Dialect,
        tenant: &'a str,
        ids: &[&'a str],
    ) -> Vec<Statement<'a>> {
        let Some((owned, of)) = self.owned(dialect, tenant) else { return Vec::new() };
        let wanted: Vec<Param<'a>> = ids.iter().filter_map(|id| as_param(self.id.kind, id)).collect();
        let statements = wanted.chunks(LIST).map(|some| {
            let (list, some) = list(dialect, self.id.kind, some);
            let text = format!(
                "SELECT {} FROM {} WHERE {} IN ({list}){owned}",
                self.columns(dialect),
                self.named(),
                self.column(&self.id)
            );
            dialect.statement(text, some.into_iter().chain(of.iter().cloned()).collect(), Expected::Rows)
        });
        statements.collect()
    }

    /// A statement that reads no row and needs every table and column.
    pub fn probe(&self, dialect: Dialect) -> String {
        let tenant = self.tenant.as_ref().map(|tenant| format!(", {}", self.column(tenant))).unwrap_or_default();
        format!("SELECT {}{tenant} FROM {} WHERE 1 = 0", self.columns(dialect), self.named())
    }

    /// Makes a record of a row.
    ///
    /// # Errors
    /// `host_row_unreadable`.
    pub fn record(&self, row: &[Option<String>]) -> Result<Record> {
        let value = |place: usize| row.get(place).and_then(Option::as_deref).unwrap_or_default();
        let unreadable = |column: &str, reason: Reason| {
            let error = Error::new(Code::HostRowUnreadable).with("kind", self.kind).with("table", self.shown());
            error.with("id", clip(value(0))).with("column", column).with("reason", reason)
        };
        let id = Id::new(value(0)).map_err(|e| unreadable(&self.id.name, said(&e)))?;
        let version = value(1).parse::<u64>().ok().filter(|v| i64::try_from(*v).is_ok_and(|v| v < i64::MAX));
        let column = self.version.as_ref().map_or("", |column| column.name.as_str());
        let version = version.ok_or_else(|| unreadable(column, out_of_range(value(1))))?;
        let mut body = Map::new();
        for (field, text) in self.fields.iter().zip(row.iter().skip(2)) {
            let Some(text) = text.as_deref() else { continue };
            let found = json(field, text).map_err(|reason| unreadable(&field.column.name, reason))?;
            let Some(found) = found else { continue };
            match &field.place {
                (root, None) => body.insert(root.clone(), found),
                (root, Some(inner)) => {
                    let outer = body.entry(root.clone()).or_insert_with(|| Value::Object(Map::new()));
                    outer.as_object_mut().and_then(|outer| outer.insert(inner.clone(), found))
                }
            };
        }
        // A currency without an amount is none.
        let whole =
            |value: &Value| value.as_object().is_none_or(|o| o.contains_key("amount") || !o.contains_key("currency"));
        body.retain(|root, value| root == "custom" || whole(value));
        (self.make)(&id, body, version).map_err(|error| {
            let reason = error.details().get("reason").and_then(|reason| serde_json::from_value(reason.clone()).ok());
            let reason: Reason = reason.unwrap_or_else(|| said(&error));
            let missing = reason.params().get("field").and_then(Value::as_str).unwrap_or_default();
            let path = error.path().trim_start_matches("body").trim_start_matches('.');
            let root = if path.is_empty() { missing } else { path }.split('.').next().unwrap_or_default();
            let column = self.fields.iter().find(|field| field.place.0 == root).map_or(&self.id, |field| &field.column);
            unreadable(&column.name, reason)
        })
    }

    /// Begins to answer a query; nothing when no row can match.
    pub(in crate::store::sql) fn scan<'q>(&'q self, dialect: Dialect, query: &'q Query) -> Option<Scan<'q>> {
        let (mut within, mut params) = self.owned(dialect, &query.tenant)?;
        for test in &query.tests {
            let Some((place, wanted)) = self.exact(test) else { continue };
            let field = self.fields.get(place)?;
            let wanted: Vec<Param<'q>> =
                wanted.iter().filter_map(|text| as_param(field.column.kind, text).map(Param::into_owned)).collect();
            if wanted.is_empty() {
                return None;
            }
            if wanted.len() > LIST {
                continue;
            }
            let (list, wanted) = list(dialect, field.column.kind, &wanted);
            within.push_str(&format!(" AND {} IN ({list})", self.column(&field.column)));
            params.extend(wanted);
        }
        let after = query.after.as_ref().filter(|_| query.order.is_none()).map(|after| after.id.clone());
        Some(Scan {
            table: self,
            dialect,
            query,
            within,
            params,
            after,
            asked: 0,
            read: 0,
            is_over: query.limit == 0,
            found: Vec::new(),
        })
    }

    /// The values of which a test demands one, with the field that has them, where its keys hold them as they are written.
    fn exact(&self, test: &Test) -> Option<(usize, Vec<String>)> {
        let one = |key: &KeyBytes| {
            let rest = key.bytes().strip_prefix(&[1])?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            String::from_utf8(rest.get(..end)?.to_vec()).ok()
        };
        let (index, values) = match test {
            Test::In { index, keys } => (index, keys.iter().map(one).collect::<Option<Vec<_>>>()?),
            Test::Prefix { index, prefix } => (index, vec![one(prefix)?]),
            Test::Range { .. } => return None,
        };
        let place = self.leading.get(*index).copied().flatten()?;
        Some((place, values))
    }
}

/// A list of values of one type, padded so that few texts exist.
fn list<'a>(dialect: Dialect, kind: ColumnType, values: &[Param<'a>]) -> (String, Vec<Param<'a>>) {
    let mut params = values.to_vec();
    if let Some(last) = params.last().cloned() {
        params.resize(padded(params.len()), last);
    }
    (markers_of(dialect.given(kind), params.len()), params)
}

fn said(error: &Error) -> Reason {
    let params = error.details().iter();
    params.fold(Reason::new(error.id()), |reason, (name, value)| reason.with(name, value.clone()))
}

fn out_of_range(text: &str) -> Reason {
    let reason = Reason::new(Code::NumberOutOfRange).with("value", clip(text));
    reason.with("minimum", "0").with("maximum", i64::MAX.to_string())
}

/// The value of a field in a body; nothing for an empty text.
fn json(field: &HostField, text: &str) -> Result<Option<Value>, Reason> {
    let is_number = match &field.kind {
        Some(kind) => *kind == Type::Decimal,
        None => matches!(field.column.kind, ColumnType::Int8 | ColumnType::Numeric),
    };
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(match field.column.kind {
        // A part of an amount is written as a text, with the digits that it has.
        _ if is_number => match whole(text).filter(|_| field.place.1.as_deref() != Some("amount")) {
            Some(whole) => whole.into(),
            None => text.into(),
        },
        ColumnType::Date => date(text).map_err(|e| said(&e))?.to_string().into(),
        ColumnType::Timestamp | ColumnType::Timestamptz => instant(text).map_err(|e| said(&e))?.to_string().into(),
        ColumnType::Boolean => match text {
            "1" | "true" | "t" => true.into(),
            "0" | "false" | "f" => false.into(),
            other => {
                let known = ["true", "false"];
                let reason = Reason::new(Code::UnknownVariant).with("value", clip(other)).with("known", known.to_vec());
                return Err(reason.with("hint", hint(other, known.into_iter())));
            }
        },
        ColumnType::Text | ColumnType::Int8 | ColumnType::Uuid | ColumnType::Numeric => text.into(),
    }))
}

/// An integer, also one with zeros behind its point.
fn whole(text: &str) -> Option<i64> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().all(|digit| digit == b'0') { digits.parse().ok() } else { None }
}

/// A date, also one with a time behind it, as SQLite's drivers write some.
fn date(text: &str) -> Result<Date> {
    let behind = text.as_bytes().get(10).copied();
    text.get(..10).filter(|_| matches!(behind, Some(b' ' | b'T'))).unwrap_or(text).parse()
}

/// An instant: microseconds, or a text with or without a zone.
fn instant(text: &str) -> Result<Instant> {
    if let Some(micros) = text.strip_prefix('@') {
        let at = micros.parse::<i64>().ok().and_then(Instant::from_micros);
        return at.ok_or_else(|| Error::new(Code::InvalidInstant).with("value", clip(text)));
    }
    let written = text.replacen(' ', "T", 1);
    let time = written.split_once('T').map_or("", |(_, time)| time);
    let zoned = time.ends_with('Z') || time.contains(['+', '-']);
    (if zoned { written } else { format!("{written}Z") }).parse()
}

/// A query that is being answered, page by page of rows.
pub struct Scan<'q> {
    table: &'q HostTable,
    dialect: Dialect,
    query: &'q Query,
    within: String,
    params: Vec<Param<'q>>,
    after: Option<Id>,
    asked: usize,
    read: usize,
    is_over: bool,
    found: Vec<Record>,
}

impl Scan<'_> {
    /// The next statement, with rows of [`HostRow`]; nothing when the answer is whole.
    pub fn ask(&mut self) -> Option<Statement<'static>> {
        if self.is_over {
            return None;
        }
        let Scan { table, dialect, query, .. } = self;
        let by_id = query.order.is_none();
        let rest = query.limit.saturating_sub(self.found.len());
        self.asked = if by_id && query.tests.is_empty() { rest.min(BATCH) } else { BATCH };
        let is_turned = by_id && query.descending;
        let id = dialect.ordered(&table.column(&table.id));
        let mut params: Vec<Param<'static>> = self.params.iter().cloned().map(Param::into_owned).collect();
        let mut text = format!("SELECT {} FROM {} WHERE 1 = 1{}", table.columns(*dialect), table.named(), self.within);
        if let Some(after) = &self.after {
            text.push_str(&format!(" AND {id} {} ?", if is_turned { "<" } else { ">" }));
            params.push(Param::text(after.as_str()).into_owned());
        }
        text.push_str(&format!(" ORDER BY {id}{} LIMIT ?", if is_turned { " DESC" } else { "" }));
        params.push(Param::Int8(i64::try_from(self.asked).unwrap_or(i64::MAX)));
        Some(dialect.statement(text, params, Expected::Rows))
    }

    /// Takes the rows of the last statement.
    ///
    /// # Errors
    /// `host_row_unreadable`; `scan_limit_reached` when more than [`SCAN`] rows would have to be read.
    pub fn take(&mut self, rows: &[HostRow]) -> Result<()> {
        self.read = self.read.saturating_add(rows.len());
        let is_bounded = self.query.tests.is_empty() && self.query.order.is_none();
        if self.read > SCAN && !is_bounded {
            return Err(Error::new(Code::ScanLimitReached).with("limit", SCAN));
        }
        for row in rows {
            let record = self.table.record(row)?;
            self.after = Some(record.id.clone());
            if self.query.matches(&record) {
                self.found.push(record);
            }
            if self.query.order.is_none() && self.found.len() >= self.query.limit {
                self.is_over = true;
                return Ok(());
            }
        }
        self.is_over = rows.len() < self.asked;
        if self.query.order.is_some() {
            // No more than a page is kept.
            self.found.sort_by(|a, b| self.query.compare(a, b));
            self.found.truncate(self.query.limit);
        }
        Ok(())
    }

    /// The records, in the query's order.
    pub fn done(self) -> Vec<Record> {
        self.found
    }
}
