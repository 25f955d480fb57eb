//! A layer that keeps every version of every record, chained by hashes, and reads records as of an instant.
//!
//! Each commit writes, together with its records, one entry for each of them: its body as written, when, and the hash of that and of
//! the entry before. So an entry cannot be changed or left out later without the chain showing it. An entry is an ordinary record of
//! kind `history`; what follows whom is kept in one of kind `history_head`, whose version guards the chain against races.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::query::{Query, Test};
use super::repository::{BoxFuture, Capabilities, Committed, Repository};
use crate::base::change::{ChangeSet, Expect, Put, StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::entity::{Entity, unset};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::number::Numbers;
use crate::base::record::{Body, Key, KeyBytes, Record};
use crate::base::text::hex;
use crate::base::time::Instant;
use crate::entity_basics;

/// The kind of an entry.
pub const HISTORY: &str = "history";
/// The kind of the end of a record's chain.
pub const HEAD: &str = "history_head";

/// One version of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryEntry {
    /// The entry's id, made of the record's name and the place.
    pub id: Id,
    /// The kind of the record.
    pub record_kind: String,
    /// The id of the record.
    pub record_id: Id,
    /// The entry's place in the record's chain, from 1.
    pub place: u64,
    /// When it was recorded; never before the entry before it.
    pub at: Instant,
    /// The record's version; 0 when it was removed.
    pub record_version: u64,
    /// The version of the body's layout.
    pub record_schema: u32,
    /// The body as JSON text, byte for byte; absent when the record was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The hash of the entry before; empty for the first.
    pub previous: String,
    /// SHA-256 over everything above but the id, as lower-case hex.
    pub hash: String,
}

/// The end of a record's chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
pub struct HistoryHead {
    /// The id, made of the record's name.
    pub id: Id,
    /// Counts the changes from 1.
    #[serde(default, skip_serializing_if = "unset")]
    pub version: u64,
    /// The place of the last entry.
    pub place: u64,
    /// When the last entry was recorded.
    pub at: Instant,
    /// The hash of the last entry.
    pub hash: String,
}

impl Entity for HistoryEntry {
    const KIND: &'static str = HISTORY;
    const INDEXES: &'static [&'static str] = &["record"];

    fn id(&self) -> &Id {
        &self.id
    }

    fn version(&self) -> u64 {
        1
    }

    // An entry is never changed.
    fn set_version(&mut self, _: u64) {}

    fn keys(&self) -> Vec<KeyBytes> {
        vec![by_record(&self.of()).instant(Some(self.at)).decimal(Some(ordinal(self.place)))]
    }

    fn violations(&self) -> Vec<Error> {
        Vec::new()
    }
}

impl Entity for HistoryHead {
    const KIND: &'static str = HEAD;
    const INDEXES: &'static [&'static str] = &[];

    entity_basics!();

    fn keys(&self) -> Vec<KeyBytes> {
        Vec::new()
    }

    fn violations(&self) -> Vec<Error> {
        Vec::new()
    }
}

impl HistoryEntry {
    fn of(&self) -> Key {
        Key::new(&self.record_kind, &self.record_id)
    }

    /// SHA-256 over the entry's parts, each with its length before it, under a name of its own.
    fn hashed(&self) -> String {
        let mut hash = Sha256::new();
        let (place, at) = (self.place.to_string(), self.at.to_string());
        let (version, schema) = (self.record_version.to_string(), self.record_schema.to_string());
        let (is_there, body) = (if self.body.is_some() { "1" } else { "0" }, self.body.as_deref().unwrap_or_default());
        let (kind, id) = (self.record_kind.as_str(), self.record_id.as_str());
        let parts = [kind, id, &place, &at, &version, &schema, is_there, body, &self.previous];
        for part in std::iter::once("crm-core history 1").chain(parts) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex(&hash.finalize())
    }

    /// The record as this entry has it; nothing when it was removed.
    ///
    /// # Errors
    /// `corrupt_record`.
    pub fn stood(&self, numbers: &Numbers) -> Result<Option<Record>> {
        let Some(body) = &self.body else { return Ok(None) };
        let Key { kind, id } = self.of();
        let body = Body::parse(body.clone()).map_err(|_| corrupt(&self.of()))?;
        let (version, schema, numbers) = (self.record_version, self.record_schema, numbers.clone());
        Ok(Some(Record { kind, id, version, schema, keys: Vec::new(), body, numbers }))
    }
}

fn ordinal(place: u64) -> Dec {
    Dec::from_parts(place.into(), 0).unwrap_or_default()
}

fn by_record(key: &Key) -> KeyBytes {
    KeyBytes::new().exact(&key.kind).id(Some(&key.id))
}

/// The id of a record's entry, or of the end of its chain.
fn name(of: &Key, place: Option<u64>) -> Result<Id> {
    let place = place.map(|p| p.to_string()).unwrap_or_default();
    let hash = Sha256::digest(format!("{}\u{1f}{}\u{1f}{place}", of.kind, of.id.as_str()));
    Id::new(&hex(hash.get(..16).unwrap_or_default()))
}

fn corrupt(key: &Key) -> Error {
    Error::new(Code::CorruptRecord).with("kind", key.kind.clone()).with("id", key.id.as_str())
}

/// What a look along a chain found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verified {
    /// How many entries the chain has.
    pub entries: u64,
    /// The place of the first entry that does not fit, if one does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
}

/// Reads a record as it stood at an instant; nothing when it was not there then, or not written through this layer.
///
/// # Errors
/// Whatever the store meets; `corrupt_record`.
pub async fn as_of(store: &dyn Repository, tenant: &str, key: &Key, at: Instant) -> Result<Option<Record>> {
    let from = by_record(key);
    let to = by_record(key).instant(Some(at)).decimal(Some(ordinal(u64::MAX)));
    let mut query = Query::of(tenant, HISTORY, 1);
    query.tests.push(Test::Range { index: 0, from: Some(from), to: Some(to) });
    (query.order, query.descending) = (Some(0), true);
    match store.find(&query).await?.first() {
        Some(record) => HistoryEntry::from_record(record)?.stood(&record.numbers),
        None => Ok(None),
    }
}

/// Reads the versions of a record, oldest first, after a place and at most `limit`.
///
/// # Errors
/// Whatever the store meets; `corrupt_record`.
pub async fn versions(
    store: &dyn Repository,
    tenant: &str,
    key: &Key,
    after: u64,
    limit: u64,
) -> Result<Vec<HistoryEntry>> {
    let last = after.saturating_add(limit);
    let mut names = Vec::new();
    for place in after.saturating_add(1)..=last {
        names.push(Key::new(HISTORY, &name(key, Some(place))?));
    }
    let found = store.get(tenant, &names).await?;
    found.iter().map_while(Option::as_ref).map(HistoryEntry::from_record).collect()
}

/// Follows a record's chain from its first entry to its end.
///
/// # Errors
/// Whatever the store meets; `corrupt_record` for an entry that cannot be read at all.
pub async fn verify(store: &dyn Repository, tenant: &str, key: &Key) -> Result<Verified> {
    let (mut entries, mut previous) = (0_u64, String::new());
    loop {
        let page = versions(store, tenant, key, entries, 256).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            entries = entries.saturating_add(1);
            if entry.place != entries
                || entry.of() != *key
                || entry.previous != previous
                || entry.hash != entry.hashed()
            {
                return Ok(Verified { entries, broken_at: Some(entries) });
            }
            previous = entry.hash;
        }
    }
    let head = store.get(tenant, &[Key::new(HEAD, &name(key, None)?)]).await?.into_iter().flatten().next();
    let head = head.as_ref().map(HistoryHead::from_record).transpose()?;
    let ends = head.map_or(entries == 0, |head| head.place == entries && head.hash == previous);
    Ok(Verified { entries, broken_at: (!ends).then(|| entries.saturating_add(1)) })
}

/// A repository that keeps the history of what another one stores.
///
/// # Example: what did the record say last week?
/// ```
/// use std::sync::Arc;
/// use crm_core::base::context::Context;
/// use crm_core::base::{id::Id, record::Key};
/// use crm_core::crm::{block_on, Crm};
/// use crm_core::store::{history::HistoryRepository, memory::MemoryRepository};
///
/// let store = Arc::new(HistoryRepository::new(Arc::new(MemoryRepository::new())));
/// let on = |now: &str| Context { now: now.parse().ok(), seed: Some(now.into()), ..Context::default() };
/// let crm = Crm::new(store.clone());
/// let new = serde_json::from_str(r#"{"id": "a1", "name": "Acme"}"#).unwrap();
/// block_on(crm.at(on("2026-01-01T00:00:00Z")).accounts().create(&new))??;
/// let change = serde_json::from_str(r#"{"id": "a1", "name": "Acme Ltd"}"#).unwrap();
/// block_on(crm.at(on("2026-01-08T00:00:00Z")).accounts().update(&change))??;
///
/// let key = Key::new("account", &Id::new("a1")?);
/// let then = block_on(store.as_of("main", &key, "2026-01-05T00:00:00Z".parse()?))??.unwrap();
/// assert!(then.body.text().contains(r#""name":"Acme""#));
/// assert_eq!(block_on(store.verify("main", &key))??.broken_at, None);
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub struct HistoryRepository {
    inner: Arc<dyn Repository>,
}

impl HistoryRepository {
    /// Keeps the history from here on.
    pub fn new(inner: Arc<dyn Repository>) -> Self {
        HistoryRepository { inner }
    }

    /// Reads a record as it stood at an instant; see [`as_of`].
    ///
    /// # Errors
    /// As [`as_of`].
    pub async fn as_of(&self, tenant: &str, key: &Key, at: Instant) -> Result<Option<Record>> {
        as_of(&*self.inner, tenant, key, at).await
    }

    /// Follows a record's chain; see [`verify`].
    ///
    /// # Errors
    /// As [`verify`].
    pub async fn verify(&self, tenant: &str, key: &Key) -> Result<Verified> {
        verify(&*self.inner, tenant, key).await
    }

    /// The change set with the entries of what it writes.
    async fn chained(&self, changes: &ChangeSet) -> Result<ChangeSet> {
        let mut written: BTreeMap<Key, Option<&Record>> = BTreeMap::new();
        written.extend(changes.puts.iter().map(|put| (put.record.key(), Some(&put.record))));
        let removed = changes.deletes.iter().filter(|d| d.expect != Expect::Absent);
        written.extend(removed.map(|delete| (delete.key.clone(), None)));
        let heads = written.keys().map(|key| Ok(Key::new(HEAD, &name(key, None)?))).collect::<Result<Vec<_>>>()?;
        let found = self.inner.get(&changes.tenant, &heads).await?;
        let mut chained = changes.clone();
        for (((of, record), head), before) in written.into_iter().zip(heads).zip(found) {
            let at = changes.at.or(changes.events.first().map(|event| event.recorded_at));
            let at = at.ok_or_else(|| Error::new(Code::MissingContext).with("field", "now"))?;
            let last = before.as_ref().map(HistoryHead::from_record).transpose()?;
            let stands = before.map_or(0, |record| record.version);
            let (place, after, previous) = last.map_or((0, at, String::new()), |h| (h.place, h.at, h.hash));
            let place = place.saturating_add(1);
            let mut entry = HistoryEntry {
                id: name(&of, Some(place))?,
                record_kind: of.kind,
                record_id: of.id,
                place,
                at: at.max(after),
                record_version: record.map_or(0, |r| r.version),
                record_schema: record.map_or(0, |r| r.schema),
                body: record.map(|r| r.body.text().to_owned()),
                previous,
                hash: String::new(),
            };
            entry.hash = entry.hashed();
            let end = HistoryHead { id: head.id, version: 0, place, at: entry.at, hash: entry.hash.clone() };
            let expect = if stands == 0 { Expect::Absent } else { Expect::Version(stands) };
            let (entry, end) = (entry.to_record(1), end.to_record(stands.saturating_add(1)));
            chained.puts.push(Put { record: entry, changed: Default::default(), expect: Expect::Absent });
            chained.puts.push(Put { record: end, changed: Default::default(), expect });
        }
        Ok(chained)
    }
}

impl Repository for HistoryRepository {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        self.inner.get(tenant, keys)
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.inner.find(query)
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(async move {
            let chained = self.chained(changes).await?;
            match self.inner.commit(&chained).await {
                // A race at the end of a chain is one about the record; whoever asked knows nothing of chains.
                Err(error) if is_about_chain(&error) => Err(raced(changes)),
                ended => ended,
            }
        })
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        self.inner.events(tenant, after, limit)
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.inner.due(tenant, now, limit)
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.inner.next_due(limit)
    }
}

fn is_about_chain(error: &Error) -> bool {
    let kind = error.details().get("kind").and_then(serde_json::Value::as_str);
    matches!(error.id(), Code::VersionConflict | Code::RecordExists) && kind.is_some_and(|k| k == HISTORY || k == HEAD)
}

fn raced(changes: &ChangeSet) -> Error {
    let first =
        changes.puts.first().map(|put| put.record.key()).or_else(|| changes.deletes.first().map(|d| d.key.clone()));
    let error = Error::new(Code::VersionConflict);
    match first {
        Some(key) => error.with("kind", key.kind).with("id", key.id.as_str()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    #![cfg(feature = "conformance")]

    use super::*;
    use crate::crm::block_on;
    use crate::store::conformance;
    use crate::store::memory::MemoryRepository;

    fn at(second: i64) -> Instant {
        Instant::from_micros(1_700_000_000_000_000 + second * 1_000_000).unwrap()
    }

    fn key(id: &str) -> Key {
        Key::new("deal", &Id::new(id).unwrap())
    }

    fn put(id: &str, version: u64, text: &str, second: i64) -> ChangeSet {
        let Key { kind, id } = key(id);
        let body = Body::parse(text.to_owned()).unwrap();
        let record = Record { kind, id, version, schema: 1, keys: Vec::new(), body, numbers: Numbers::new() };
        let expect = if version == 1 { Expect::Absent } else { Expect::Version(version - 1) };
        let put = Put { record, changed: Default::default(), expect };
        ChangeSet { tenant: "t".to_owned(), at: Some(at(second)), puts: vec![put], ..ChangeSet::default() }
    }

    fn commit(store: &HistoryRepository, changes: &ChangeSet) -> Result<Committed> {
        block_on(store.commit(changes)).unwrap()
    }

    fn text(store: &HistoryRepository, second: i64) -> Option<String> {
        let found = block_on(store.as_of("t", &key("d"), at(second))).unwrap().unwrap();
        found.map(|record| record.body.text().to_owned())
    }

    #[test]
    fn every_version_is_read_as_it_stood_also_after_removal_and_return() {
        let store = HistoryRepository::new(Arc::new(MemoryRepository::new()));
        commit(&store, &put("d", 1, r#"{"n":1.50}"#, 10)).unwrap();
        commit(&store, &put("d", 2, r#"{"n":2}"#, 20)).unwrap();
        let deletes = vec![crate::base::change::Delete { key: key("d"), expect: Expect::Version(2) }];
        let removal = ChangeSet { tenant: "t".to_owned(), at: Some(at(30)), deletes, ..ChangeSet::default() };
        commit(&store, &removal).unwrap();
        // A clock that was set back does not turn history round.
        commit(&store, &put("d", 1, r#"{"n":4}"#, 5)).unwrap();
        let found: Vec<Option<String>> = [9, 10, 19, 20, 29].into_iter().map(|second| text(&store, second)).collect();
        let (one, two) = (Some(r#"{"n":1.50}"#.to_owned()), Some(r#"{"n":2}"#.to_owned()));
        assert_eq!(found, [None, one.clone(), one, two.clone(), two]);
        assert_eq!(text(&store, 30).as_deref(), Some(r#"{"n":4}"#));
        let verified = block_on(store.verify("t", &key("d"))).unwrap().unwrap();
        assert_eq!(verified, Verified { entries: 4, broken_at: None });
        assert_eq!(block_on(store.as_of("u", &key("d"), at(99))).unwrap().unwrap(), None);
    }

    #[test]
    fn what_was_changed_or_cut_off_afterwards_shows() {
        let memory = Arc::new(MemoryRepository::new());
        let store = HistoryRepository::new(memory.clone());
        for n in 1..=4 {
            commit(&store, &put("d", n, &format!(r#"{{"n":{n}}}"#), i64::try_from(n).unwrap())).unwrap();
        }
        let second = name(&key("d"), Some(2)).unwrap();
        let entry = block_on(memory.get("t", &[Key::new(HISTORY, &second)])).unwrap().unwrap().remove(0).unwrap();
        let forged = Body::parse(entry.body.text().replace(r#"{\"n\":2}"#, r#"{\"n\":9}"#)).unwrap();
        assert_ne!(forged, entry.body);
        let forged = Record { body: forged, version: 2, ..entry };
        let forge = Put { record: forged, changed: Default::default(), expect: Expect::Version(1) };
        let changes = ChangeSet { tenant: "t".to_owned(), puts: vec![forge], ..ChangeSet::default() };
        block_on(memory.commit(&changes)).unwrap().unwrap();
        let verified = block_on(store.verify("t", &key("d"))).unwrap().unwrap();
        assert_eq!(verified.broken_at, Some(2));

        commit(&store, &put("e", 1, "{}", 1)).unwrap();
        let last = Key::new(HISTORY, &name(&key("e"), Some(1)).unwrap());
        let deletes = vec![crate::base::change::Delete { key: last, expect: Expect::Version(1) }];
        let cut = ChangeSet { tenant: "t".to_owned(), deletes, ..ChangeSet::default() };
        block_on(memory.commit(&cut)).unwrap().unwrap();
        let verified = block_on(store.verify("t", &key("e"))).unwrap().unwrap();
        assert_eq!(verified, Verified { entries: 0, broken_at: Some(1) });
    }

    #[test]
    fn nothing_of_a_refused_commit_is_in_the_history() {
        let store = HistoryRepository::new(Arc::new(MemoryRepository::new()));
        commit(&store, &put("d", 1, "{}", 1)).unwrap();
        assert_eq!(commit(&store, &put("d", 3, "{}", 2)).unwrap_err().code(), "version_conflict");
        assert_eq!(commit(&store, &put("d", 1, "{}", 2)).unwrap_err().code(), "record_exists");
        let undated = ChangeSet { at: None, ..put("e", 1, "{}", 2) };
        assert_eq!(commit(&store, &undated).unwrap_err().code(), "missing_context");
        assert_eq!(block_on(store.verify("t", &key("d"))).unwrap().unwrap().entries, 1);
    }

    #[test]
    fn the_layer_keeps_every_promise() {
        let fresh = || Arc::new(HistoryRepository::new(Arc::new(MemoryRepository::new()))) as Arc<dyn Repository>;
        let report = block_on(conformance::run(fresh)).unwrap();
        assert!(report.is_kept(), "{report:?}");
    }
}
