//! A host's table in a commit: rows that must still be as they were read, and rows that are made, changed or removed where that is allowed.
//!
//! Only mapped columns are written, and of a changed row only those that changed. The version counts up by one, and the number of changed
//! rows says whether it still stood where it was read.

use serde_json::Value;

use super::{ColumnType, HostField, HostTable, as_param};
use crate::base::canonical::Fields;
use crate::base::change::{Delete, Expect, Put, Require};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::record::Key;
use crate::base::text::clip;
use crate::base::time::Instant;
use crate::store::memory::{raced, unmet};
use crate::store::sql::commit::Step;
use crate::store::sql::{Dialect, Expected, Hold, Param};

/// The fields that the engine keeps itself; one that has no column is left out.
const OWN: [&str; 4] = ["id", "version", "created_at", "updated_at"];

/// One column and what is written to it.
type Written = (String, String, Option<Param<'static>>);

impl HostTable {
    /// The step that holds a row which was read; nothing when what is required holds in any case.
    ///
    /// # Errors
    /// `version_conflict` when no row can have this id.
    pub(in crate::store::sql) fn require<'a>(
        &self,
        dialect: Dialect,
        tenant: &'a str,
        require: &'a Require,
        hold: Hold,
    ) -> Result<Option<Step<'a>>> {
        let Some((within, params)) = self.within(dialect, tenant, &require.key) else {
            return if require.expect == Expect::Absent { Ok(None) } else { Err(raced(&require.key)) };
        };
        let (within, params, expected, hold) = match require.expect {
            Expect::Absent => (within, params, Expected::Found(0), None),
            // Without a version only that the row is there can be held.
            Expect::Version(_) if self.version.is_none() && hold == Hold::Shared => {
                (within, params, Expected::Found(1), Some(Hold::There))
            }
            Expect::Version(version) => {
                let (within, params) = self.at(within, params, version)?;
                (within, params, Expected::Found(1), Some(hold))
            }
        };
        let text = format!("SELECT {} FROM {} WHERE {within}", self.shown_id(), self.named());
        let text = hold.map_or_else(|| text.clone().into(), |hold| dialect.locking(text.clone(), hold));
        Ok(Some(Step::require(text, params, expected, &require.key)))
    }

    /// The steps that write a record.
    ///
    /// # Errors
    /// `kind_read_only`, `id_not_possible`, `field_not_mapped`; `version_conflict` when no row can have this id.
    pub(in crate::store::sql) fn put<'a>(
        &self,
        dialect: Dialect,
        tenant: &'a str,
        put: &'a Put,
    ) -> Result<Vec<Step<'a>>> {
        let record = &put.record;
        let key = record.key();
        self.may_write()?;
        // In the order of names, which the features of serde_json that a host turns on do not change.
        let body: Fields = serde_json::from_str(record.body.text()).unwrap_or_default();
        let found = self.within(dialect, tenant, &key);
        let hold =
            |text: String, params, expected| Step::hold(text, params, expected, &record.kind, &record.id, put.expect);
        match put.expect {
            Expect::Absent => {
                let Some((within, params)) = found else { return Err(self.not_possible(tenant, &key)) };
                let mut columns: Vec<Written> = self.written(dialect, &body, &mut body.keys().map(String::as_str))?;
                columns.retain(|(_, value, _)| value != "NULL");
                for (column, text) in [(Some(&self.id), key.id.as_str()), (self.tenant.as_ref(), tenant)] {
                    if let Some(column) = column {
                        let param = as_param(column.kind, text).map(Param::into_owned);
                        columns.push((super::quoted(&column.name), dialect.given(column.kind).to_owned(), param));
                    }
                }
                if let Some(column) = &self.version {
                    columns.push((super::quoted(&column.name), "?".to_owned(), Some(Param::number(record.version)?)));
                }
                let look = format!("SELECT {} FROM {} WHERE {within}", self.shown_id(), self.named());
                let names: Vec<&str> = columns.iter().map(|(name, _, _)| name.as_str()).collect();
                let values: Vec<&str> = columns.iter().map(|(_, value, _)| value.as_str()).collect();
                let text = format!("INSERT INTO {}({}) VALUES({})", self.named(), names.join(", "), values.join(", "));
                let given = columns.iter().filter_map(|(_, _, param)| param.clone()).collect();
                Ok(vec![hold(look, params, Expected::Found(0)), hold(text, given, Expected::Changed(1))])
            }
            Expect::Version(version) => {
                let Some((within, params)) = found else { return Err(unmet(&key, put.expect)) };
                let changed = put.changed.fields();
                let mut columns = self.written(dialect, &body, &mut changed.keys().map(String::as_str))?;
                if let Some(column) = &self.version {
                    columns.push((super::quoted(&column.name), "?".to_owned(), Some(Param::number(record.version)?)));
                }
                let set: Vec<String> = columns.iter().map(|(name, value, _)| format!("{name} = {value}")).collect();
                let (within, params) = self.at(within, params, version)?;
                let text = format!("UPDATE {} SET {} WHERE {within}", self.named(), set.join(", "));
                let given = columns.into_iter().filter_map(|(_, _, param)| param).chain(params).collect();
                Ok(vec![hold(text, given, Expected::Changed(1))])
            }
        }
    }

    /// The step that removes a row.
    ///
    /// # Errors
    /// `kind_read_only`; `version_conflict` when no row can have this id.
    pub(in crate::store::sql) fn delete<'a>(
        &self,
        dialect: Dialect,
        tenant: &'a str,
        delete: &'a Delete,
    ) -> Result<Option<Step<'a>>> {
        self.may_write()?;
        let key = &delete.key;
        let found = self.within(dialect, tenant, key);
        let hold = |text, params, expected| Step::hold(text, params, expected, &key.kind, &key.id, delete.expect);
        match (found, delete.expect) {
            (None, Expect::Absent) => Ok(None),
            (None, expect) => Err(unmet(key, expect)),
            (Some((within, params)), Expect::Absent) => {
                let text = format!("SELECT {} FROM {} WHERE {within}", self.shown_id(), self.named());
                Ok(Some(hold(text, params, Expected::Found(0))))
            }
            (Some((within, params)), Expect::Version(version)) => {
                let (within, params) = self.at(within, params, version)?;
                Ok(Some(hold(format!("DELETE FROM {} WHERE {within}", self.named()), params, Expected::Changed(1))))
            }
        }
    }

    fn may_write(&self) -> Result<()> {
        if self.writable {
            return Ok(());
        }
        Err(Error::new(Code::KindReadOnly).with("kind", self.kind).with("table", self.shown()))
    }

    fn shown_id(&self) -> String {
        super::as_text(&self.column(&self.id))
    }

    fn not_possible(&self, tenant: &str, key: &Key) -> Error {
        let is_id = as_param(self.id.kind, key.id.as_str()).is_none();
        let (column, value, path) = match (&self.tenant, is_id) {
            (Some(column), false) => (column, tenant, "context.tenant"),
            _ => (&self.id, key.id.as_str(), "id"),
        };
        let error = Error::new(Code::IdNotPossible).with("value", clip(value)).with("column", column.name.as_str());
        error.with("table", self.shown()).with("type", column.kind.name()).at(path)
    }

    /// The condition that a row is this one, with its parameters; nothing when no row can be.
    fn within(&self, dialect: Dialect, tenant: &str, key: &Key) -> Option<(String, Vec<Param<'static>>)> {
        let id = as_param(self.id.kind, key.id.as_str())?;
        let (owned, of) = self.owned(dialect, tenant)?;
        let text = format!("{} = {}{owned}", self.column(&self.id), dialect.given(self.id.kind));
        Some((text, [id].into_iter().chain(of).map(Param::into_owned).collect()))
    }

    /// The same, at a version.
    fn at(
        &self,
        mut within: String,
        mut params: Vec<Param<'static>>,
        version: u64,
    ) -> Result<(String, Vec<Param<'static>>)> {
        if let Some(column) = &self.version {
            within.push_str(&format!(" AND {} = ?", self.column(column)));
            params.push(Param::number(version)?);
        }
        Ok((within, params))
    }

    /// What is written to the columns of some fields of a body; without a parameter it is nothing.
    fn written(&self, dialect: Dialect, body: &Fields, roots: &mut dyn Iterator<Item = &str>) -> Result<Vec<Written>> {
        let mut out = Vec::new();
        let mut lost = Vec::new();
        for root in roots {
            let value = body.get(root).filter(|value| !value.is_null());
            let own: Vec<&HostField> = self.fields.iter().filter(|field| field.place.0 == root).collect();
            match value {
                Some(Value::Object(inner)) => {
                    let has = |name: &String| own.iter().any(|field| field.place.1.as_ref() == Some(name));
                    lost.extend(inner.keys().filter(|name| !has(name)).map(|name| format!("{root}.{name}")));
                }
                Some(_) if own.is_empty() && !OWN.contains(&root) => lost.push(root.to_owned()),
                _ => {}
            }
            for field in own {
                let value = match &field.place.1 {
                    None => value,
                    Some(inner) => value.and_then(|value| value.get(inner)).filter(|value| !value.is_null()),
                };
                let (text, param) = column_value(dialect, field, value).ok_or_else(|| self.unwritable(field, value))?;
                out.push((super::quoted(&field.column.name), text, param));
            }
        }
        lost.sort();
        let lost = lost.into_iter().map(|field| {
            let error = Error::new(Code::FieldNotMapped).with("field", field.clone()).with("kind", self.kind);
            error.with("table", self.shown()).at(&field)
        });
        Error::all(lost.collect()).map_or(Ok(out), Err)
    }

    fn unwritable(&self, field: &HostField, value: Option<&Value>) -> Error {
        let shown = value.map(plain).unwrap_or_default();
        let error =
            Error::new(Code::IdNotPossible).with("value", clip(&shown)).with("column", field.column.name.as_str());
        let path = [Some(&field.place.0), field.place.1.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>();
        error.with("table", self.shown()).with("type", field.column.kind.name()).at(&path.join("."))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as its column takes it: the text and the parameter; nothing when the column cannot hold it.
fn column_value(
    dialect: Dialect,
    field: &HostField,
    value: Option<&Value>,
) -> Option<(String, Option<Param<'static>>)> {
    let Some(value) = value else { return Some(("NULL".to_owned(), None)) };
    let kind = field.column.kind;
    let text = plain(value);
    let param = match (kind, value) {
        (_, Value::Array(_) | Value::Object(_)) => return None,
        (ColumnType::Boolean, value) => {
            let flag = value.as_bool()?;
            let text = match dialect {
                Dialect::Sqlite => {
                    if flag {
                        "1"
                    } else {
                        "0"
                    }
                }
                Dialect::Postgres => {
                    if flag {
                        "TRUE"
                    } else {
                        "FALSE"
                    }
                }
            };
            return Some((text.to_owned(), None));
        }
        (ColumnType::Timestamp | ColumnType::Timestamptz, _) => {
            let at: Instant = text.parse().ok()?;
            let written = at.to_string();
            Param::Text(
                match (dialect, kind) {
                    (Dialect::Postgres, ColumnType::Timestamptz) => written,
                    // The form that SQLite's drivers write and read, in UTC.
                    _ => written.trim_end_matches('Z').replacen('T', " ", 1),
                }
                .into(),
            )
        }
        _ => as_param(kind, &text)?.into_owned(),
    };
    Some((dialect.given(kind).to_owned(), Some(param)))
}
