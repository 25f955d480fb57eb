//! The kinds of records that the engine knows, with their indexes.

use serde_json::{Map, Value};

use crate::base::codes::Code;
use crate::base::entity::Entity;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::record::Record;
use crate::base::text::clip;
use crate::config::ConfigRecord;
use crate::customers::account::Account;
use crate::people::user::User;
use crate::pipeline::opportunity::Opportunity;
use crate::pricing::price_book::PriceBook;
use crate::pricing::product::Product;

/// A kind of record as stores and hosts need to know it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name, such as `opportunity`.
    pub name: &'static str,
    /// The declared indexes, in the order of a record's keys.
    pub indexes: &'static [&'static str],
    /// The version of the body's layout that this engine writes.
    pub schema: u32,
    /// Makes the record of a body that a host holds.
    pub record: fn(&Id, Map<String, Value>, u64) -> Result<Record>,
}

const fn of<E: Entity>() -> Kind {
    Kind { name: E::KIND, indexes: E::INDEXES, schema: E::SCHEMA, record: record::<E> }
}

/// Every kind, in the order of their names.
pub const KINDS: &[Kind] =
    &[of::<Account>(), of::<ConfigRecord>(), of::<Opportunity>(), of::<PriceBook>(), of::<Product>(), of::<User>()];

/// Finds a kind by name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

fn record<E: Entity>(id: &Id, mut body: Map<String, Value>, version: u64) -> Result<Record> {
    if let Some(Value::String(own)) = body.get("id")
        && own != id.as_str()
    {
        let error = Error::new(Code::CorruptFact).with("kind", E::KIND).with("id", id.as_str());
        return Err(error.with("reason", format!("its body has another id, `{}`", clip(own))));
    }
    body.insert("id".to_owned(), Value::String(id.as_str().to_owned()));
    body.remove("version");
    let text = Value::Object(body).to_string();
    let entity: E = serde_json::from_str(&text).map_err(|e| {
        let error = Error::new(Code::CorruptFact).with("kind", E::KIND).with("id", id.as_str());
        error.with("reason", clip(&e.to_string()))
    })?;
    entity.to_record(version)
}
