//! Host-owned kinds: which table and columns of a host's own hold the records of a kind.
//!
//! A mapping is data, checked as a whole when a store is opened. What it becomes is in [`crate::store::sql::host`].

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::fields::{catalogue, indexes};
use super::kinds::{KINDS, Kind};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::reason::Reason;
use crate::base::text::clip;
use crate::condition::catalogue::{Catalogue, Field, Source, Type};
use crate::config::Config;
use crate::store::plan::Coding;
use crate::store::sql::host::{Column, ColumnType, HostField, HostTable, HostTables, Place, is_name};

/// The tables of a host's, by the kinds whose records they hold.
pub type Mapping = BTreeMap<String, TableMapping>;

/// The table that holds the records of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMapping {
    /// The table, such as `customers`, or its schema and the table, such as `shop.customers`.
    pub table: String,
    /// The column of ids; a text unless it says otherwise.
    pub id: ColumnMapping,
    /// The column of tenants; without one every tenant has every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<ColumnMapping>,
    /// The column that counts changes, an integer; needed for a table that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ColumnMapping>,
    /// Whether the engine may make and change rows.
    #[serde(default)]
    pub writable: bool,
    /// The columns by the fields that they hold: `name`, `owner`, `annual_revenue.amount`, `custom.tier`.
    pub fields: BTreeMap<String, ColumnMapping>,
}

/// A column: its name alone, or `{column, type}` where its type is not the usual one for what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnMapping {
    /// The name.
    pub column: String,
    /// The type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ColumnType>,
}

impl<'de> Deserialize<'de> for ColumnMapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            column: String,
            #[serde(default)]
            r#type: Option<ColumnType>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ColumnMapping;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an object")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> std::result::Result<ColumnMapping, E> {
                Ok(ColumnMapping { column: name.to_owned(), r#type: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<ColumnMapping, A::Error> {
                let Long { column, r#type } = Long::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ColumnMapping { column, r#type })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The tables of a mapping, checked.
///
/// # Errors
/// Everything that is wrong with it, each with its path: `unknown_kind`, `kind_not_hosted`, `unknown_field`, `missing_field`,
/// `invalid_column_name`, `column_type_not_possible`, `conflicting_fields`.
///
/// # Example: customers with integers as their ids
/// ```
/// use crm_core::crm::hosting::{Mapping, tables};
/// let mapping: Mapping = serde_json::from_value(serde_json::json!({
///     "account": {"table": "shop.customers", "id": {"column": "id", "type": "int8"}, "fields": {"name": "company_name"}},
/// })).unwrap();
/// assert_eq!(tables(&mapping)?.kinds(), ["account"]);
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn tables(mapping: &Mapping) -> Result<HostTables> {
    let mut mistakes = Vec::new();
    let mut found = Vec::new();
    for (kind, given) in mapping {
        let mut own = Vec::new();
        found.extend(hostable(kind).map_err(|e| own.push(e)).ok().map(|kind| table(kind, given, &mut own)));
        mistakes.extend(own.into_iter().map(|error| error.at(kind)));
    }
    Error::all(mistakes).map_or_else(|| Ok(HostTables::new(found)), Err)
}

/// A kind whose records may live in a table of a host's own.
fn hostable(name: &str) -> Result<&'static Kind> {
    let hosted = || KINDS.iter().filter(|kind| (kind.required)().is_some());
    if let Some(kind) = hosted().find(|kind| kind.name == name) {
        return Ok(kind);
    }
    let is_known = KINDS.iter().any(|kind| kind.name == name);
    let code = if is_known { Code::KindNotHosted } else { Code::UnknownKind };
    Err(Error::new(code).with("kind", clip(name)).with("hint", hint(name, hosted().map(|kind| kind.name))))
}

fn table(kind: &'static Kind, given: &TableMapping, mistakes: &mut Vec<Error>) -> HostTable {
    let known = catalogue(kind.name, &Config::default()).unwrap_or_default();
    let name: Vec<String> = given.table.split('.').map(str::to_owned).collect();
    if name.len() > 2 || !name.iter().all(|part| is_name(part)) {
        mistakes.push(Error::new(Code::InvalidColumnName).with("name", clip(&given.table)).at("table"));
    }
    let references = [ColumnType::Text, ColumnType::Int8, ColumnType::Uuid];
    let mut fields = Vec::new();
    for (name, column) in &given.fields {
        let path = format!("fields.{name}");
        match place(&known, name) {
            Ok((place, kind)) => {
                let allowed = kind.as_ref().map_or(ALL, types);
                let column = checked(column, allowed, name, mistakes, &path);
                fields.push(HostField { place, kind, column });
            }
            Err(error) => mistakes.push(error.at(&path)),
        }
    }
    let has = |name: &str| given.fields.contains_key(name);
    let missing = |name: &str| Error::new(Code::MissingField).with("field", name).at(&format!("fields.{name}"));
    let required = (kind.required)().unwrap_or_default();
    mistakes.extend(required.iter().filter(|name| !has(name)).map(|name| missing(name)));
    for name in given.fields.keys() {
        // An amount is nothing without its currency.
        if let Some(currency) = name.strip_suffix(".amount").map(|root| format!("{root}.currency"))
            && !has(&currency)
            && !name.starts_with("custom.")
        {
            mistakes.push(missing(&currency));
        }
    }
    let id = checked(&given.id, &references, "id", mistakes, "id");
    let tenant = given.tenant.as_ref().map(|tenant| checked(tenant, &references, "tenant", mistakes, "tenant"));
    let version = given.version.as_ref().map(|version| {
        let given = ColumnMapping { r#type: version.r#type.or(Some(ColumnType::Int8)), ..version.clone() };
        checked(&given, &[ColumnType::Int8], "version", mistakes, "version")
    });
    if given.writable && version.is_none() {
        mistakes.push(Error::new(Code::MissingField).with("field", "version").at("version"));
    }
    let mut columns: BTreeMap<&str, &str> = BTreeMap::new();
    let ends = [("id", Some(&given.id)), ("tenant", given.tenant.as_ref()), ("version", given.version.as_ref())];
    let ends = ends.into_iter().filter_map(|(name, column)| Some((name, column?)));
    for (name, column) in ends.chain(given.fields.iter().map(|(name, column)| (name.as_str(), column))) {
        if let Some(first) = columns.insert(&column.column, name).filter(|_| given.writable) {
            // Which of the two would be written?
            let error = Error::new(Code::ConflictingFields).with("first", first).with("second", name);
            mistakes.push(error.at(&format!("fields.{name}")));
        }
    }
    let declared = indexes(kind.name);
    let leading = declared.iter().map(|index| {
        let first = index.first().filter(|part| part.coding == Coding::Exact)?;
        fields.iter().position(|field| field.place == (first.field.clone(), None))
    });
    let leading = leading.collect();
    let writable = given.writable;
    HostTable { kind: kind.name, name, id, tenant, version, writable, fields, leading, make: kind.record }
}

const ALL: &[ColumnType] = &[
    ColumnType::Text,
    ColumnType::Int8,
    ColumnType::Uuid,
    ColumnType::Numeric,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::Timestamptz,
    ColumnType::Boolean,
];

/// The types of column that can hold a field, the usual one first.
fn types(kind: &Type) -> &'static [ColumnType] {
    match kind {
        Type::Decimal | Type::Money => &[ColumnType::Numeric, ColumnType::Int8, ColumnType::Text],
        Type::Date => &[ColumnType::Date, ColumnType::Timestamp, ColumnType::Text],
        Type::Instant => &[ColumnType::Timestamptz, ColumnType::Timestamp],
        Type::Flag => &[ColumnType::Boolean],
        _ => &[ColumnType::Text, ColumnType::Int8, ColumnType::Uuid],
    }
}

/// Where a field stands in a body, with its type.
fn place(known: &Catalogue, name: &str) -> Result<(Place, Option<Type>)> {
    if let Some(id) = name.strip_prefix("custom.").filter(|id| !id.is_empty()) {
        return Ok((("custom".to_owned(), Some(id.to_owned())), None));
    }
    let can_stand = |field: &&Field| {
        let is_part = matches!(field.source, Source::Own(_) | Source::Inside(..));
        is_part && field.name != "id" && !matches!(field.kind, Type::Money | Type::Choices(_))
    };
    match known.find(name).filter(can_stand).map(|field| (&field.source, &field.kind)) {
        Some((Source::Own(own), kind)) => Ok(((own.clone(), None), Some(kind.clone()))),
        Some((Source::Inside(outer, inner), kind)) => Ok(((outer.clone(), Some(inner.clone())), Some(kind.clone()))),
        _ => {
            let names: Vec<&str> = known.fields().filter(can_stand).map(|field| field.name.as_str()).collect();
            let part = format!("{name}.amount");
            let near = names.iter().find(|known| **known == part);
            let hint = near.map_or_else(
                || hint(name, names.iter().copied()),
                |near| Reason::new(Code::DidYouMean).with("near", *near),
            );
            Err(Error::new(Code::UnknownField).with("field", clip(name)).with("hint", hint))
        }
    }
}

/// A column whose name and type can be.
fn checked(
    given: &ColumnMapping,
    allowed: &[ColumnType],
    field: &str,
    mistakes: &mut Vec<Error>,
    path: &str,
) -> Column {
    if !is_name(&given.column) {
        mistakes.push(Error::new(Code::InvalidColumnName).with("name", clip(&given.column)).at(path));
    }
    let kind = given.r#type.or_else(|| allowed.first().copied()).unwrap_or(ColumnType::Text);
    if !allowed.contains(&kind) {
        let known: Vec<&str> = allowed.iter().map(|kind| kind.name()).collect();
        let error = Error::new(Code::ColumnTypeNotPossible).with("field", clip(field)).with("type", kind.name());
        mistakes.push(error.with("known", known).at(&format!("{path}.type")));
    }
    Column { name: given.column.clone(), kind }
}
