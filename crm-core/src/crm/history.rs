//! The history of records, where the store keeps one: the versions, the record as of an instant, the proof.

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::base::canonical::Fields;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;
use crate::base::reader;
use crate::base::record::Key;
use crate::base::time::Instant;
use crate::store::history::{self, HistoryEntry, Verified};

/// Names a record of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OfRecord {
    /// The kind, such as `opportunity`.
    pub kind: String,
    /// The id.
    pub id: Id,
}

/// Asks for the versions of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListHistory {
    /// The kind, such as `opportunity`.
    pub kind: String,
    /// The id.
    pub id: Id,
    /// The place after which to go on; from the first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The versions of a record, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryPage {
    /// The versions.
    pub items: Vec<HistoryEntry>,
}

/// Asks for a record as of an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AsOfRequest {
    /// The kind, such as `opportunity`.
    pub kind: String,
    /// The id.
    pub id: Id,
    /// When.
    pub at: Instant,
}

/// A record as it stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordThen {
    /// The version it had; 0 when it was not there.
    pub version: u64,
    /// Its fields; absent when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Fields>,
}

/// Lists the versions of a record.
pub(crate) async fn list(session: &mut Session<'_>, request: &ListHistory) -> Result<Decision<HistoryPage>> {
    let limit = request.limit.unwrap_or(100);
    if limit == 0 || usize::try_from(limit).is_ok_and(|limit| limit > limits::PAGE) {
        let error = Error::new(Code::NumberOutOfRange).with("value", limit).with("minimum", 1);
        return Err(error.with("maximum", limits::PAGE).at("limit"));
    }
    let (key, after) = (Key::new(&request.kind, &request.id), request.after.unwrap_or(0));
    let (store, tenant) = (session.repository(), &session.context().tenant);
    Ok(Decision::plain(HistoryPage { items: history::versions(store, tenant, &key, after, limit.into()).await? }))
}

/// Reads a record as it stood at an instant.
pub(crate) async fn as_of(session: &mut Session<'_>, request: &AsOfRequest) -> Result<Decision<RecordThen>> {
    let key = Key::new(&request.kind, &request.id);
    let (store, tenant) = (session.repository(), &session.context().tenant);
    let Some(record) = history::as_of(store, tenant, &key, request.at).await? else {
        return Ok(Decision::plain(RecordThen { version: 0, body: None }));
    };
    let record = record.resolved();
    let corrupt = || Error::new(Code::CorruptRecord).with("kind", request.kind.clone()).with("id", request.id.as_str());
    let body: Fields = reader::from_str(record.body.text()).map_err(|_| corrupt())?;
    Ok(Decision::plain(RecordThen { version: record.version, body: Some(body) }))
}

/// Follows the chain of a record's versions.
pub(crate) async fn verify(session: &mut Session<'_>, request: &OfRecord) -> Result<Decision<Verified>> {
    let key = Key::new(&request.kind, &request.id);
    let (store, tenant) = (session.repository(), &session.context().tenant);
    Ok(Decision::plain(history::verify(store, tenant, &key).await?))
}
