//! A session: what one operation, or one batch, reads and changes before its commit.
//!
//! Reads see the session's own writes; what was read stays as it was read. Nothing reaches the store before the commit.

mod parts;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::base::canonical::Fields;
use crate::base::change::{Allocate, ChangeSet, Claim, Counter, Event, Expect, Put, Require, Timer};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::entity::{Entity, Held, changed, rewritten};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::ToJson;
use crate::base::record::{Key, KeyBytes, Record};
use crate::base::time::Instant;
use crate::base::writer;
use crate::config::{Config, ConfigRecord, STORED_ID, hex};
use crate::pipeline::moves::Moment;
use crate::store::query::{After, Query};
use crate::store::repository::Repository;

/// What one operation sees of the world.
pub struct Session<'a> {
    repository: &'a dyn Repository,
    context: &'a Context,
    given_config: Option<&'a Config>,
    config: Option<std::sync::Arc<Config>>,
    expect_version: Option<u64>,
    operation: &'static str,
    made: u64,
    read: BTreeMap<Key, Option<Record>>,
    puts: Vec<Put>,
    places: BTreeMap<Key, usize>,
    requires: BTreeMap<Key, Expect>,
    events: Vec<Event>,
    claims: Vec<Claim>,
    counters: Vec<Counter>,
    allocate: Vec<Allocate>,
    timers: Vec<Timer>,
    kept: bool,
}

impl<'a> Session<'a> {
    /// Begins a session over a repository, with the configuration that the request carries, if it carries one.
    pub fn new(repository: &'a dyn Repository, context: &'a Context, config: Option<&'a Config>) -> Self {
        Session {
            repository,
            context,
            given_config: config,
            config: None,
            expect_version: None,
            operation: "",
            made: 0,
            read: BTreeMap::new(),
            puts: Vec::new(),
            places: BTreeMap::new(),
            requires: BTreeMap::new(),
            events: Vec::new(),
            claims: Vec::new(),
            counters: Vec::new(),
            allocate: Vec::new(),
            timers: Vec::new(),
            kept: false,
        }
    }

    /// Notes that a write found everything as it should be; its idempotency key is kept all the same.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    /// Says whether something was written, or would have been were it not there already.
    pub(super) fn is_write(&self) -> bool {
        self.kept || !self.is_idle()
    }

    /// Says whether nothing was written.
    fn is_idle(&self) -> bool {
        let parts = self.claims.is_empty() && self.counters.is_empty() && self.allocate.is_empty();
        parts && self.puts.is_empty() && self.events.is_empty() && self.timers.is_empty()
    }

    /// Says which operation runs next, and at which version the caller expects the record that it changes.
    pub fn enter(&mut self, operation: &'static str, expect_version: Option<u64>) {
        self.operation = operation;
        self.expect_version = expect_version;
    }

    /// The request's context.
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// The repository beneath, for what is not a record.
    pub(super) fn repository(&self) -> &'a dyn Repository {
        self.repository
    }

    /// A new id: the host's own when it gave one, otherwise derived from the context.
    ///
    /// # Errors
    /// `missing_context`.
    pub fn new_id(&mut self, given: Option<Id>) -> Result<Id> {
        if let Some(id) = given {
            return Ok(id);
        }
        self.made = self.made.saturating_add(1);
        Id::derive(self.context, self.operation, self.made)
    }

    /// The effective time of a command: what it names, or the present; never later than that.
    ///
    /// # Errors
    /// `missing_context`, `date_in_future`.
    pub fn effective(&self, given: Option<Instant>) -> Result<Instant> {
        let now = self.context.now()?;
        match given {
            Some(at) if at > now => {
                let error = Error::new(Code::DateInFuture).with("value", at.to_string()).with("now", now.to_string());
                Err(error.at("effective_at"))
            }
            Some(at) => Ok(at),
            None => Ok(now),
        }
    }

    /// When and by whom a move is made; `latest` is the move before it.
    ///
    /// A clock that was set back does not stop anybody: without a time of its own a move is never before the latest one.
    ///
    /// # Errors
    /// `missing_context`, `unknown_time_zone`, `date_in_future`.
    pub fn moment(&self, given: Option<Instant>, latest: Option<Instant>) -> Result<Moment<'a>> {
        let at = self.effective(given)?;
        let at = latest.filter(|_| given.is_none()).map_or(at, |latest| latest.max(at));
        Ok(Moment {
            at,
            now: self.context.now()?,
            date: self.context.date_of(at)?,
            actor: self.context.actor.as_deref(),
        })
    }

    /// The configuration: the request's own, the stored one, or the built-in one; its version is guarded by the commit.
    ///
    /// # Errors
    /// `invalid_configuration` for an inline one with errors, and whatever reading the stored one meets.
    pub async fn config(&mut self) -> Result<std::sync::Arc<Config>> {
        if let Some(config) = &self.config {
            return Ok(config.clone());
        }
        let config = match self.given_config {
            Some(given) => {
                given.check().map_err(|e| e.at("config"))?;
                given.clone()
            }
            None => {
                let id = Id::new(STORED_ID)?;
                let stored = self.get::<ConfigRecord>(&id).await?;
                let expect = stored.as_ref().map_or(Expect::Absent, |c| Expect::Version(c.version));
                self.requires.insert(Key::new(ConfigRecord::KIND, &id), expect);
                stored.map_or_else(Config::default, |c| c.config)
            }
        };
        let config = std::sync::Arc::new(config);
        self.config = Some(config.clone());
        Ok(config)
    }

    /// Forgets the configuration, after it was changed in this session.
    pub(super) fn forget_config(&mut self) {
        self.config = None;
    }

    async fn load(&mut self, key: Key) -> Result<Option<Record>> {
        if let Some(place) = self.places.get(&key) {
            return Ok(self.puts.get(*place).map(|put| put.record.clone()));
        }
        if let Some(known) = self.read.get(&key) {
            return Ok(known.clone());
        }
        let keys = [key];
        let found = self.repository.get(&self.context.tenant, &keys).await?.into_iter().next().flatten();
        let found = found.map(Record::resolved);
        let [key] = keys;
        self.read.insert(key, found.clone());
        Ok(found)
    }

    /// A record as this session has it: as it wrote it, or as it read it.
    fn known(&self, key: &Key) -> Option<&Record> {
        let written = self.places.get(key).and_then(|place| self.puts.get(*place)).map(|put| &put.record);
        written.or_else(|| self.read.get(key).and_then(Option::as_ref))
    }

    /// Reads a record.
    ///
    /// # Errors
    /// Whatever the store meets, `corrupt_record`, `record_from_newer_engine`.
    pub async fn get<E: Entity>(&mut self, id: &Id) -> Result<Option<E>> {
        self.load(Key::new(E::KIND, id)).await?.as_ref().map(E::from_record).transpose()
    }

    /// Reads a record that must exist.
    ///
    /// # Errors
    /// `record_not_found`, and as [`Session::get`].
    pub async fn need<E: Entity>(&mut self, id: &Id, path: &str) -> Result<E> {
        E::from_record(&self.need_record(E::KIND, id, path).await?)
    }

    async fn need_record(&mut self, kind: &str, id: &Id, path: &str) -> Result<Record> {
        let found = self.load(Key::new(kind, id)).await?;
        found.ok_or_else(|| Error::new(Code::RecordNotFound).with("kind", kind).with("id", id.as_str()).at(path))
    }

    /// Makes sure that a record which is referred to exists.
    ///
    /// # Errors
    /// `record_not_found`, and as [`Session::get`].
    pub async fn refer<E: Entity>(&mut self, id: Option<&Id>, path: &str) -> Result<()> {
        self.refer_as(id, E::KIND, path, |record| E::from_record(record).map(drop)).await
    }

    async fn refer_as(
        &mut self,
        id: Option<&Id>,
        kind: &str,
        path: &str,
        check: fn(&Record) -> Result<()>,
    ) -> Result<()> {
        match id {
            Some(id) => check(&self.need_record(kind, id, path).await?),
            None => Ok(()),
        }
    }

    /// Makes sure that a record of any kind exists.
    ///
    /// # Errors
    /// `unknown_kind`, `record_not_found`, and as [`Session::get`].
    pub async fn refer_to(&mut self, kind: &str, id: &Id, path: &str) -> Result<()> {
        super::kinds::known(kind).map_err(|e| e.at("kind").at(path))?;
        self.need_record(kind, id, path).await.map(drop)
    }

    /// Reads a page of records: what the store has, with this session's own writes in their place.
    ///
    /// # Errors
    /// Whatever the store meets, `corrupt_record`, `record_from_newer_engine`.
    pub async fn find<E: Entity>(&mut self, query: &Query) -> Result<(Vec<E>, Option<After>)> {
        let (found, next) = self.find_records(query).await?;
        Ok((found.iter().map(E::from_record).collect::<Result<_>>()?, next))
    }

    pub(super) async fn find_records(&mut self, query: &Query) -> Result<(Vec<Record>, Option<After>)> {
        let own: Vec<&Record> = self.puts.iter().map(|put| &put.record).filter(|r| r.kind == query.kind).collect();
        let mut wide = query.clone();
        // One more tells whether there is a next page; each own write may hide one stored record.
        wide.limit = query.limit.saturating_add(1).saturating_add(own.len());
        let stored = self.repository.find(&wide).await?;
        let stored: Vec<Record> = stored.into_iter().map(Record::resolved).collect();
        let is_own = |record: &Record| own.iter().any(|o| o.id == record.id);
        let mut found: Vec<&Record> = stored.iter().filter(|r| own.is_empty() || !is_own(r)).collect();
        if !own.is_empty() {
            found.extend(own.iter().copied().filter(|r| query.matches(r)));
            query.sort(&mut found);
        }
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next = found.last().filter(|_| more).map(|last| After { key: query.order_key(last), id: last.id.clone() });
        Ok((found.into_iter().cloned().collect(), next))
    }

    /// The records of a kind as this session wrote them.
    pub(super) fn written<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Record> {
        self.puts.iter().map(|put| &put.record).filter(move |record| record.kind == kind)
    }

    /// Writes a new record.
    ///
    /// # Errors
    /// Every violation of its fields; `record_exists`.
    pub async fn create<E: Entity>(&mut self, entity: &E) -> Result<E> {
        self.create_held(entity).await?;
        Ok(versioned(entity, 1))
    }

    async fn create_held(&mut self, new: &dyn Held) -> Result<()> {
        if let Some(error) = Error::all(new.violations()) {
            return Err(error);
        }
        let kind = new.layout().kind;
        if self.load(Key::new(kind, new.id())).await?.is_some() {
            return Err(Error::new(Code::RecordExists).with("kind", kind).with("id", new.id().as_str()).at("id"));
        }
        self.put(None, new, 0)
    }

    /// Writes a changed record; nothing is written when nothing changed.
    ///
    /// # Errors
    /// Every violation of its fields; `version_conflict` when the caller expected another version.
    pub fn save<E: Entity>(&mut self, old: &E, new: &E) -> Result<E> {
        self.save_held(old, new)?;
        Ok(versioned(new, old.version().saturating_add(1)))
    }

    fn save_held(&mut self, old: &dyn Held, new: &dyn Held) -> Result<()> {
        self.check_version(old)?;
        if let Some(error) = Error::all(new.violations()) {
            return Err(error);
        }
        self.put(Some(old), new, old.version())
    }

    /// Says whether the request carries a configuration of its own.
    pub fn is_config_given(&self) -> bool {
        self.given_config.is_some()
    }

    /// Refuses when the caller named another version than the record has.
    ///
    /// # Errors
    /// `version_conflict`; `version_ahead` for a version that the record has not reached.
    pub fn check_version(&self, old: &dyn Held) -> Result<()> {
        match self.expect_version {
            Some(expected) if expected != old.version() => {
                // Nobody else can have made a version that is not there yet.
                let ahead = expected > old.version();
                let code = if ahead { Code::VersionAhead } else { Code::VersionConflict };
                let error = Error::new(code).with("kind", old.layout().kind).with("id", old.id().as_str());
                Err(error.with("expected", expected).with("found", old.version()).retry(false).at("expect_version"))
            }
            _ => Ok(()),
        }
    }

    fn put(&mut self, old: Option<&dyn Held>, new: &dyn Held, version: u64) -> Result<()> {
        let next = version.saturating_add(1);
        let fields = changed(old.map(Held::json), new.json());
        let key = Key::new(new.layout().kind, new.id());
        let record = match old.and_then(|old| Some((old, self.known(&key)?))) {
            None => new.to_record(next),
            Some((old, stored)) => {
                let body = new.layout().body(stored)?;
                // What an operation filled in before it began is not a change of its own, but it is written all the same.
                let filled = old.differs(stored, new.json())?;
                new.with_body(next, rewritten(stored, &body, filled.as_ref().unwrap_or(&fields))?)
            }
        };
        match self.places.get(&key).and_then(|place| self.puts.get_mut(*place)) {
            Some(put) => {
                put.record = record;
                put.changed.extend(fields);
            }
            None => {
                let expect = if old.is_some() { Expect::Version(version) } else { Expect::Absent };
                self.places.insert(key, self.puts.len());
                self.puts.push(Put { record, changed: fields, expect });
            }
        }
        Ok(())
    }

    /// Writes a stored record anew, as it is given: for upkeep that is nobody's change.
    pub(super) fn rewrite(&mut self, put: Put) {
        self.places.insert(put.record.key(), self.puts.len());
        self.puts.push(put);
    }

    /// Records that something happened to a record.
    ///
    /// # Errors
    /// `missing_context`.
    pub fn event(&mut self, what: &str, record: &dyn Held, at: Instant, data: Fields) -> Result<()> {
        let kind = record.layout().kind;
        self.event_on(format!("{kind}.{what}"), Key::new(kind, record.id()), at, data)
    }

    /// Records that something happened which is not named after the kind of the record that it happened to.
    ///
    /// # Errors
    /// `missing_context`.
    pub fn event_on(&mut self, kind: String, key: Key, at: Instant, data: Fields) -> Result<()> {
        self.events.push(Event {
            kind,
            record_kind: key.kind,
            record_id: key.id,
            effective_at: at,
            recorded_at: self.context.now()?,
            actor: self.context.actor.clone(),
            correlation: self.context.correlation.clone(),
            data,
        });
        Ok(())
    }

    /// Makes the commit depend on a record that was read and is not written: it must still stand as it was read.
    pub fn guard(&mut self, record: &dyn Held) {
        self.requires.insert(Key::new(record.layout().kind, record.id()), Expect::Version(record.version()));
    }

    /// Everything that the session changed, to be committed.
    pub fn finish(self) -> ChangeSet {
        let written = |key: &Key| self.places.contains_key(key);
        let requires = self
            .requires
            .iter()
            .filter(|(key, _)| !written(key))
            .map(|(key, expect)| Require { key: key.clone(), expect: *expect });
        let requires: Vec<Require> = if self.is_idle() { Vec::new() } else { requires.collect() };
        ChangeSet {
            tenant: self.context.tenant.clone(),
            at: self.context.now,
            puts: self.puts,
            requires,
            claims: self.claims,
            counters: self.counters,
            allocate: self.allocate,
            events: self.events,
            timers: self.timers,
            ..ChangeSet::default()
        }
    }
}

/// The record as it stands after a write.
fn versioned<E: Entity>(entity: &E, version: u64) -> E {
    let mut saved = entity.clone();
    saved.set_version(version);
    saved
}

/// Reads an opaque cursor.
///
/// # Errors
/// `invalid_cursor`.
pub fn parse_cursor(text: Option<&str>, query: &Query) -> Result<Option<After>> {
    let Some(text) = text else { return Ok(None) };
    let bad = || Error::new(Code::InvalidCursor).at("cursor");
    let (mark, place) = text.split_once('.').ok_or_else(bad)?;
    if mark != query_mark(query) {
        return Err(bad());
    }
    let (key, id) = place.split_once('.').ok_or_else(bad)?;
    let key = KeyBytes::parse(key).ok_or_else(bad)?;
    Ok(Some(After { key, id: Id::new(id).map_err(|_| bad())? }))
}

/// Writes an opaque cursor, good for the same query alone.
pub fn write_cursor(after: Option<After>, query: &Query) -> Option<String> {
    let after = after?;
    Some(format!("{}.{}.{}", query_mark(query), after.key.hex(), after.id))
}

/// What tells one query from another: its kind, tests and order, as the beginning of a hash.
fn query_mark(query: &Query) -> String {
    let asked: [&dyn ToJson; 4] = [&query.kind, &query.tests, &query.order, &query.descending];
    let text = writer::to_string(&asked.as_slice(), 0);
    hex(Sha256::digest(text.as_bytes()).get(..4).unwrap_or_default())
}
