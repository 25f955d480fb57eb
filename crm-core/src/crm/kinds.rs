//! The kinds of records that the engine knows, with their indexes.

use serde_json::{Map, Value};

use super::intents::Intent;
use super::timers::StuckTimer;
use crate::activities::task::Task;
use crate::base::codes::Code;
use crate::base::entity::Entity;
use crate::base::error::{Error, Result};
use crate::base::hint::{hint, refused};
use crate::base::id::Id;
use crate::base::reader;
use crate::base::reason::Reason;
use crate::base::record::{KeyBytes, Record};
use crate::base::text::clip;
use crate::base::writer;
use crate::config::ConfigRecord;
use crate::customers::account::Account;
use crate::people::user::User;
use crate::pipeline::opportunity::Opportunity;
use crate::pricing::price_book::PriceBook;
use crate::pricing::product::Product;
use crate::store::history::{HistoryEntry, HistoryHead};

/// A kind of record as stores and hosts need to know it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name, such as `opportunity`.
    pub name: &'static str,
    /// The declared indexes, in the order of a record's keys.
    pub indexes: &'static [&'static str],
    /// The version of the body's layout that this engine writes.
    pub schema: u32,
    /// The fields of a body that a host may fill in.
    pub fields: &'static [&'static str],
    /// The fields that the engine keeps itself.
    pub own: &'static [&'static str],
    /// Makes the keys of a stored record.
    pub keys: fn(&Record) -> Result<Vec<KeyBytes>>,
    /// Makes the record of a body that a host holds.
    pub record: fn(&Id, Map<String, Value>, u64) -> Result<Record>,
}

const fn of<E: Entity>(fields: &'static [&'static str], own: &'static [&'static str]) -> Kind {
    Kind { name: E::KIND, indexes: E::INDEXES, schema: E::SCHEMA, fields, own, keys: keys::<E>, record: record::<E> }
}

const OWN: &[&str] = &["id", "version", "custom", "created_at", "updated_at"];
const MOVES: &[&str] = &[
    "id",
    "version",
    "custom",
    "created_at",
    "updated_at",
    "pipeline",
    "stage",
    "status",
    "probability",
    "closed_on",
    "history",
];

/// A history is written by its layer alone.
const HISTORY_OWN: &[&str] = &[
    "id",
    "version",
    "record_kind",
    "record_id",
    "place",
    "at",
    "record_version",
    "record_schema",
    "body",
    "previous",
    "hash",
];
const CLOSES: &[&str] =
    &["id", "version", "created_at", "updated_at", "status", "overdue_at", "outcome", "completed_at"];

/// Every kind, in the order of their names.
pub const KINDS: &[Kind] = &[
    of::<Account>(Account::FIELDS, OWN),
    of::<ConfigRecord>(&["config", "hash"], OWN),
    of::<HistoryEntry>(&[], HISTORY_OWN),
    of::<HistoryHead>(&[], HISTORY_OWN),
    of::<Intent>(&[], Intent::OWN),
    of::<Opportunity>(Opportunity::FIELDS, MOVES),
    of::<PriceBook>(PriceBook::FIELDS, OWN),
    of::<Product>(Product::FIELDS, OWN),
    of::<StuckTimer>(&[], StuckTimer::OWN),
    of::<Task>(Task::FIELDS, CLOSES),
    of::<User>(User::FIELDS, OWN),
];

/// Finds a kind by name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Finds a kind that must be known.
///
/// # Errors
/// `unknown_kind`, with the nearest that is.
pub fn known(name: &str) -> Result<&'static Kind> {
    find(name).ok_or_else(|| {
        let near = hint(name, KINDS.iter().map(|kind| kind.name));
        Error::new(Code::UnknownKind).with("kind", clip(name)).with("hint", near)
    })
}

impl Kind {
    /// The fields of a host's body that the engine does not know, each with the nearest that it does.
    pub fn unknown_fields<'b>(&self, body: &'b Map<String, Value>) -> Vec<(&'b str, Reason)> {
        let known = || self.fields.iter().chain(self.own).copied();
        let is_unknown = |name: &&String| !known().any(|k| k == name.as_str());
        body.keys().filter(is_unknown).map(|name| (name.as_str(), hint(name, self.fields.iter().copied()))).collect()
    }
}

fn keys<E: Entity>(record: &Record) -> Result<Vec<KeyBytes>> {
    Ok(E::from_record(record)?.keys())
}

fn record<E: Entity>(id: &Id, mut body: Map<String, Value>, version: u64) -> Result<Record> {
    if let Some(Value::String(own)) = body.get("id")
        && own != id.as_str()
    {
        let error = Error::new(Code::CorruptFact).with("kind", E::KIND).with("id", id.as_str());
        return Err(error.with("reason", Reason::new(Code::OtherId).with("other", clip(own))));
    }
    body.insert("id".to_owned(), Value::String(id.as_str().to_owned()));
    body.remove("version");
    let read = |body: &Map<String, Value>| {
        let text = writer::to_string(body, 0);
        reader::from_str::<E>(&text).map_err(|e| refused(&text, &e))
    };
    match read(&body) {
        Ok(entity) => Ok(entity.to_record(version)),
        Err(reason) => {
            // The field at fault is the one without which something else is said; of a missing one the reason speaks itself.
            let at_fault = |name: &&String| {
                let mut rest = body.clone();
                rest.remove(name.as_str());
                read(&rest).err().is_none_or(|other| other != reason)
            };
            let field = if reason.code() == Code::MissingField { None } else { body.keys().find(at_fault) };
            let path = field.map_or_else(|| "body".to_owned(), |name| format!("body.{}", clip(name)));
            let error = Error::new(Code::CorruptFact).with("kind", E::KIND).with("id", id.as_str());
            Err(error.with("reason", reason).at(&path))
        }
    }
}
