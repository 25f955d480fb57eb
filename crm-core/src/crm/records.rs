//! What every kind of record has in common: create, update, get, find.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::custom;
use super::session::{Session, parse_cursor, write_cursor};
use crate::base::canonical::{Fields, object};
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::entity::{Creates, Entity, Held, Updates, changed};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;
use crate::base::reason::Reason;
use crate::base::record::{KeyBytes, Record};
use crate::base::time::Instant;
use crate::store::query::{Query, Test};

/// Names a record by its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ById {
    /// The id.
    pub id: Id,
}

/// Creates a record.
///
/// # Errors
/// Every violation of its fields; `record_exists`, `missing_context`.
pub async fn create<C: Creates>(session: &mut Session<'_>, request: &C) -> Result<Decision<C::Entity>> {
    let (id, at) = request.given();
    let id = session.new_id(id)?;
    let at = session.effective(at)?;
    let mut new = request.make(id, at);
    custom::settle(session, None, &mut new).await?;
    let made = session.create(&new).await?;
    let reasons = created(session, &made, at)?;
    Ok(Decision::new(made, reasons))
}

fn created(session: &mut Session<'_>, made: &dyn Held, at: Instant) -> Result<Vec<Reason>> {
    session.event("created", made, at, Fields::new())?;
    let reason = Reason::new(Code::RecordCreated).with("kind", made.layout().kind).with("id", made.id().as_str());
    Ok(vec![reason])
}

/// Changes a record; nothing is written when it already has these values.
///
/// # Errors
/// `record_not_found`, `version_conflict`, every violation of its fields.
pub async fn update<U: Updates>(session: &mut Session<'_>, request: &U) -> Result<Decision<U::Entity>> {
    let (id, given) = request.given();
    let old = session.need::<U::Entity>(id, "id").await?;
    let at = session.effective(given)?;
    // A clock that was set back does not stop anybody.
    let at = old.created_at().filter(|_| given.is_none()).map_or(at, |created| created.max(at));
    let mut new = old.clone();
    request.apply(&mut new);
    custom::settle(session, Some(&old), &mut new).await?;
    if new == old {
        let reasons = unchanged(session, &old)?;
        return Ok(Decision::new(old, reasons));
    }
    let fields = differences(&old, &new, at, old.created_at())?;
    U::touch(&mut new, at);
    let saved = session.save(&old, &new)?;
    let reasons = updated(session, &saved, fields, at)?;
    Ok(Decision::new(saved, reasons))
}

fn unchanged(session: &mut Session<'_>, old: &dyn Held) -> Result<Vec<Reason>> {
    session.check_version(old)?;
    session.keep();
    let reason = Reason::new(Code::NothingChanged).with("kind", old.layout().kind).with("id", old.id().as_str());
    Ok(vec![reason])
}

/// What a change at a time changes; it is not before the record came into being.
fn differences(old: &dyn Held, new: &dyn Held, at: Instant, created: Option<Instant>) -> Result<Fields> {
    let fields = changed(Some(old.json()), new.json());
    match created.filter(|created| at < *created) {
        None => Ok(fields),
        Some(created) => {
            let error = Error::new(Code::DateBeforeHistory).with("value", at.to_string());
            Err(error.with("latest", created.to_string()).at("effective_at"))
        }
    }
}

fn updated(session: &mut Session<'_>, saved: &dyn Held, fields: Fields, at: Instant) -> Result<Vec<Reason>> {
    let names: Vec<Value> = fields.keys().map(|name| Value::String(name.clone())).collect();
    let mut data = Fields::new();
    data.insert("changed".to_owned(), object(fields));
    session.event("updated", saved, at, data)?;
    let reason = Reason::new(Code::RecordUpdated).with("kind", saved.layout().kind).with("id", saved.id().as_str());
    Ok(vec![reason.with("fields", names)])
}

/// Reads a record.
///
/// # Errors
/// `record_not_found`.
pub async fn get<E: Entity>(session: &mut Session<'_>, request: &ById) -> Result<Decision<E>> {
    Ok(Decision::plain(session.need::<E>(&request.id, "id").await?))
}

/// What a `find` asks for, in words of indexes.
pub struct Search {
    /// All must hold.
    pub tests: Vec<Test>,
    /// The index to order by.
    pub order: Option<usize>,
}

/// The number of records of a page.
///
/// # Errors
/// `number_out_of_range` for a limit outside 1 to 1,000.
pub fn page_size(limit: Option<u32>) -> Result<usize> {
    let wanted = limit.map_or(Ok(100), usize::try_from).unwrap_or(usize::MAX);
    if wanted == 0 || wanted > limits::PAGE {
        let error = Error::new(Code::NumberOutOfRange)
            .with("value", limit.unwrap_or(0))
            .with("minimum", 1)
            .with("maximum", limits::PAGE);
        return Err(error.at("limit"));
    }
    Ok(wanted)
}

/// Reads a page of records.
///
/// # Errors
/// `number_out_of_range` for a limit outside 1 to 1,000, `invalid_cursor`.
pub async fn find<E: Entity>(
    session: &mut Session<'_>,
    search: Search,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<(Vec<E>, Option<String>)> {
    let (records, cursor) = find_records(session, E::KIND, search, limit, cursor).await?;
    Ok((records.iter().map(E::from_record).collect::<Result<_>>()?, cursor))
}

async fn find_records(
    session: &mut Session<'_>,
    kind: &str,
    search: Search,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<(Vec<Record>, Option<String>)> {
    let wanted = page_size(limit)?;
    let mut query = Query::of(&session.context().tenant, kind, wanted);
    query.tests = search.tests;
    query.order = search.order;
    query.after = parse_cursor(cursor, &query)?;
    let (items, next) = session.find_records(&query).await?;
    Ok((items, write_cursor(next, &query)))
}

/// The key of a folded text without its end mark: everything that begins with it.
pub fn beginning(text: &str) -> KeyBytes {
    let key = KeyBytes::new().text(Some(text));
    let bytes = key.bytes();
    KeyBytes::from_bytes(bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default().to_vec())
}

/// The test that an index key begins with something.
pub fn prefix(index: usize, prefix: KeyBytes) -> Test {
    Test::Prefix { index, prefix }
}
