//! Reindexing: the keys of stored records made anew, after an engine that declares other indexes took over.
//!
//! It goes by the pages of a kind in the order of ids; a record whose keys are right is only read. So it can be broken off and taken
//! up again at any page, or from the beginning. Bodies and versions stay as they are.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::kinds::{self, Kind};
use super::session::Session;
use crate::base::change::{ChangeSet, Expect, Put};
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;
use crate::base::record::{KeyBytes, Record};
use crate::base::text::clip;
use crate::store::query::{After, Query};
use crate::store::repository::Repository;

/// How many records a page has when nobody says.
const PAGE: usize = 500;

/// Asks for the keys of a page of records to be made anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReindexRequest {
    /// The kind, such as `opportunity`.
    pub kind: String,
    /// The id after which to go on; from the first record when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Id>,
    /// At most so many records, 1 to 1,000; 500 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What was done with a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reindexed {
    /// How many records were looked at.
    pub looked_at: u64,
    /// How many of them had other keys and were written anew.
    pub rewritten: u64,
    /// The id after which to go on; absent when the kind is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Id>,
}

/// What tells one declaration of a kind's indexes from another: a positive number that stores keep.
pub fn signature(kind: &Kind) -> i64 {
    let hash = Sha256::digest(format!("{}:{}:{}", kind.name, kind.schema, kind.indexes.join(",")));
    let bytes: [u8; 8] = hash.first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(bytes) & i64::MAX
}

/// Makes the keys of a page of records anew.
pub(crate) async fn page(session: &mut Session<'_>, request: &ReindexRequest) -> Result<Decision<Reindexed>> {
    let kind = kinds::find(&request.kind).ok_or_else(|| {
        let error = Error::new(Code::UnknownFactKind).with("kind", clip(&request.kind));
        error.with("hint", hint(&request.kind, kinds::KINDS.iter().map(|k| k.name))).at("kind")
    })?;
    let limit = request.limit.map_or(Ok(PAGE), usize::try_from).unwrap_or(usize::MAX);
    if limit == 0 || limit > limits::PAGE {
        let error = Error::new(Code::NumberOutOfRange).with("value", request.limit.unwrap_or(0)).with("minimum", 1);
        return Err(error.with("maximum", limits::PAGE).at("limit"));
    }
    let (store, tenant) = (session.repository(), session.context().tenant.clone());
    let (done, puts) = look(store, &tenant, kind, request.after.as_ref(), limit).await?;
    puts.into_iter().for_each(|put| session.rewrite(put));
    Ok(Decision::plain(done))
}

/// Makes the keys of all records of a kind anew, a commit a page; a page that somebody else changed meanwhile is looked at again.
///
/// # Errors
/// Whatever the store meets; `corrupt_record`, `record_from_newer_engine`.
pub async fn all(store: &dyn Repository, tenant: &str, kind: &Kind) -> Result<Reindexed> {
    let mut sum = Reindexed { looked_at: 0, rewritten: 0, after: None };
    loop {
        let (done, puts) = look(store, tenant, kind, sum.after.as_ref(), PAGE).await?;
        if !puts.is_empty() {
            let changes = ChangeSet { tenant: tenant.to_owned(), puts, ..ChangeSet::default() };
            match store.commit(&changes).await {
                Err(error) if error.id() == Code::VersionConflict => continue,
                ended => ended?,
            };
        }
        sum.looked_at = sum.looked_at.saturating_add(done.looked_at);
        sum.rewritten = sum.rewritten.saturating_add(done.rewritten);
        sum.after = done.after;
        if sum.after.is_none() {
            return Ok(sum);
        }
    }
}

/// Reads a page and says which of its records must be written anew.
async fn look(
    store: &dyn Repository,
    tenant: &str,
    kind: &Kind,
    after: Option<&Id>,
    limit: usize,
) -> Result<(Reindexed, Vec<Put>)> {
    let mut query = Query::of(tenant, kind.name, limit);
    query.after = after.map(|id| After { key: KeyBytes::new(), id: id.clone() });
    let found = store.find(&query).await?;
    let looked_at = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let after = found.last().filter(|_| found.len() == limit).map(|last| last.id.clone());
    let mut puts = Vec::new();
    for record in found {
        let keys = keys(kind, &record)?;
        if keys != record.keys {
            let expect = Expect::Version(record.version);
            let numbered = record.resolved();
            puts.push(Put { record: Record { keys, ..numbered }, changed: Default::default(), expect });
        }
    }
    let rewritten = u64::try_from(puts.len()).unwrap_or(u64::MAX);
    Ok((Reindexed { looked_at, rewritten, after }, puts))
}

/// The keys that a record should have.
fn keys(kind: &Kind, record: &Record) -> Result<Vec<KeyBytes>> {
    let read = record.clone().resolved();
    let mut keys = (kind.keys)(&read)?;
    // Stores leave out what is missing at the end.
    let present = keys.iter().rposition(|k| !k.bytes().is_empty()).map_or(0, |last| last.saturating_add(1));
    keys.truncate(present);
    Ok(keys)
}
