//! `decide`: the same operation over facts that the caller gives, with no store at all.
//!
//! The operation runs until it reads something that is not among the facts; then the answer is what it needs. The caller adds facts
//! and calls again, until the answer is the decision with its change set, which the caller carries out on tables of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::prepared::Prepared;
use super::request::refuse;
use super::table::Written;
use crate::base::canonical::canonical;
use crate::base::change::{ChangeSet, Expect, StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::hint::{hint, refused};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::reader;
use crate::base::reason::Reason;
use crate::base::record::{Key, Record};
use crate::base::text::clip;
use crate::base::time::Instant;
use crate::base::writer;
use crate::config::hex;
use crate::crm::kinds;
use crate::store::query::Query;
use crate::store::repository::{BoxFuture, Capabilities, Committed, Repository};

/// One fact as it is given.
#[derive(FromJson)]
#[serde(deny_unknown_fields)]
struct Fact {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    id: Option<Id>,
    #[serde(default)]
    body: Option<Map<String, Value>>,
    #[serde(default)]
    version: Option<Value>,
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    need: Option<String>,
    #[serde(default)]
    records: Option<Vec<Fact>>,
    #[serde(default)]
    events: Option<Vec<StoredEvent>>,
    #[serde(default)]
    complete: bool,
}

#[derive(Default)]
struct Known {
    records: BTreeMap<Key, Option<Record>>,
    tokens: BTreeMap<Key, Value>,
    found: BTreeMap<String, Vec<Record>>,
    events: BTreeMap<String, Vec<StoredEvent>>,
    whole: BTreeSet<String>,
    used: BTreeSet<Key>,
    needs: Vec<Value>,
    notes: Vec<Reason>,
}

/// A repository of given facts; what is unknown becomes a need.
#[derive(Default)]
struct Facts(Arc<Mutex<Known>>);

impl Facts {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn invalid(reason: Reason) -> Error {
    Error::new(Code::InvalidFacts).with("reason", reason).at("facts")
}

impl Known {
    fn take(&mut self, text: &str) -> Result<()> {
        let facts: Vec<Fact> = reader::from_str(text).map_err(|e| invalid(refused(text, &e)))?;
        for (place, fact) in facts.into_iter().enumerate() {
            self.add(fact).map_err(|e| e.at(&format!("facts[{place}]")))?;
        }
        Ok(())
    }

    fn add(&mut self, fact: Fact) -> Result<()> {
        if let Some(need) = fact.need {
            if let Some(events) = fact.events {
                self.events.insert(need, events);
                return Ok(());
            }
            if !fact.complete {
                return Err(Error::new(Code::InvalidFacts).with("reason", Reason::new(Code::SayComplete)));
            }
            let mut found = BTreeMap::new();
            for given in fact.records.unwrap_or_default() {
                // A record that is given twice counts once.
                found.extend(self.record(given)?.map(|record| (record.key(), record)));
            }
            let found: Vec<Record> = found.into_values().collect();
            return match self.found.get(&need) {
                Some(earlier) if *earlier != found => {
                    Err(Error::new(Code::InvalidFacts).with("reason", Reason::new(Code::NeedAnsweredTwice)))
                }
                _ => {
                    self.found.insert(need, found);
                    Ok(())
                }
            };
        }
        if fact.complete && fact.id.is_none() {
            let kind = known_kind(fact.kind.as_deref())?;
            self.whole.insert(kind.name.to_owned());
            return Ok(());
        }
        self.record(fact).map(|_| ())
    }

    /// Notes a record that is given, present or absent.
    fn record(&mut self, fact: Fact) -> Result<Option<Record>> {
        let kind = known_kind(fact.kind.as_deref())?;
        let id = fact.id.ok_or_else(|| Error::new(Code::MissingField).with("field", "id").at("id"))?;
        let key = Key::new(kind.name, &id);
        let record = match (fact.body, fact.absent) {
            (Some(body), false) => {
                for (field, hint) in kind.unknown_fields(&body) {
                    let note = Reason::new(Code::UnknownFactField).with("field", clip(field)).with("hint", hint);
                    self.notes.push(note.with("kind", kind.name).with("id", id.as_str()));
                }
                Some((kind.record)(&id, body, number_of(fact.version.as_ref())?)?)
            }
            (None, true) => None,
            _ => {
                return Err(Error::new(Code::InvalidFacts).with("reason", Reason::new(Code::BodyOrAbsent)));
            }
        };
        if let Some(earlier) = self.records.get(&key) {
            return match *earlier == record && self.tokens.get(&key) == fact.version.as_ref() {
                true => Ok(record),
                false => Err(Error::new(Code::DuplicateFact).with("kind", kind.name).with("id", id.as_str())),
            };
        }
        if let Some(token) = fact.version {
            self.tokens.insert(key.clone(), token);
        }
        self.records.insert(key, record.clone());
        Ok(record)
    }

    /// The refusal to compare a version with a text token.
    fn incomparable(&self, key: &Key) -> Option<Error> {
        self.tokens.get(key).filter(|token| token.is_string())?;
        let reason = Reason::new(Code::TextVersion).with("kind", key.kind.clone()).with("id", key.id.as_str());
        Some(Error::new(Code::InvalidFacts).with("reason", reason).at("expect_version"))
    }

    /// The same in place of a conflict with the number that stands for a text token.
    fn text_version(&self, error: &Error) -> Option<Error> {
        let text = |name: &str| error.details().get(name).and_then(Value::as_str);
        let key = match (error.id(), text("kind"), text("id")) {
            (Code::VersionConflict | Code::VersionAhead, Some(kind), Some(id)) => Key::new(kind, &Id::new(id).ok()?),
            _ => return None,
        };
        self.incomparable(&key)
    }

    fn need(&mut self, need: Value) {
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }
}

fn known_kind(name: Option<&str>) -> Result<&'static kinds::Kind> {
    let name = name.ok_or_else(|| Error::new(Code::MissingField).with("field", "kind").at("kind"))?;
    kinds::find(name).ok_or_else(|| {
        let known = kinds::KINDS.iter().map(|k| k.name);
        let hint = hint(name, known);
        Error::new(Code::UnknownFactKind).with("kind", clip(name)).with("hint", hint).at("kind")
    })
}

/// The version of a host's token: its own number, or 1 for a text token, or 0 for none.
fn number_of(token: Option<&Value>) -> Result<u64> {
    let bad = || Error::new(Code::InvalidFacts).with("reason", Reason::new(Code::VersionForm)).at("version");
    match token {
        None | Some(Value::Null) => Ok(0),
        Some(Value::String(text)) if text.chars().count() <= 64 => Ok(1),
        Some(Value::Number(number)) => number.as_u64().ok_or_else(bad),
        Some(_) => Err(bad()),
    }
}

/// The name of a need for a query: the hash of what is asked.
fn need_id(asked: &dyn ToJson) -> String {
    let text = writer::to_string(asked, 0);
    hex(Sha256::digest(text.as_bytes()).get(..16).unwrap_or_default())
}

impl Repository for Facts {
    fn capabilities(&self) -> Capabilities {
        Capabilities::whole("none", crate::base::limits::PAGE)
    }

    fn get<'a>(&'a self, _: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        let mut known = self.lock();
        let mut found = Vec::new();
        for key in keys {
            match known.records.get(key).cloned() {
                Some(record) => {
                    known.used.insert(key.clone());
                    found.push(record);
                }
                None if known.whole.contains(&key.kind) => found.push(None),
                None => known.need(json!({"get": {"kind": key.kind, "id": key.id.as_str()}})),
            }
        }
        if found.len() < keys.len() {
            Box::pin(std::future::pending())
        } else {
            Box::pin(std::future::ready(Ok(found)))
        }
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        let mut known = self.lock();
        let id = need_id(query);
        if let Some(given) = known.found.get(&id) {
            if let Some(outside) = given.iter().find(|record| !query.matches(record)) {
                let error = Error::new(Code::FactOutsideQuery)
                    .with("kind", outside.kind.clone())
                    .with("id", outside.id.as_str());
                return Box::pin(std::future::ready(Err(error)));
            }
            let found = query.select(given.iter());
            known.used.extend(found.iter().map(Record::key));
            return Box::pin(std::future::ready(Ok(found)));
        }
        if known.whole.contains(&query.kind) {
            let found = query.select(known.records.values().flatten());
            known.used.extend(found.iter().map(Record::key));
            return Box::pin(std::future::ready(Ok(found)));
        }
        known.need(json!({"need": id, "find": writer::to_value(query)}));
        Box::pin(std::future::pending())
    }

    fn commit<'a>(&'a self, _: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        // A decision never commits; the caller does.
        Box::pin(std::future::ready(Err(
            Error::new(Code::InternalError).with("reason", "a decision over facts has nothing to commit to")
        )))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        let mut known = self.lock();
        let asked = json!({"events": {"after": after, "limit": limit, "tenant": tenant}});
        let id = need_id(&asked);
        match known.events.get(&id) {
            Some(events) => Box::pin(std::future::ready(Ok(events.clone()))),
            None => {
                let mut need = asked;
                if let Some(map) = need.as_object_mut() {
                    map.insert("need".to_owned(), Value::String(id));
                }
                known.need(need);
                Box::pin(std::future::pending())
            }
        }
    }

    fn due<'a>(&'a self, _: &'a str, _: Instant, _: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(std::future::ready(Err(no_timers())))
    }

    fn next_due(&self, _: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(std::future::ready(Err(no_timers())))
    }
}

/// A decision over facts has no timers to look for: whoever keeps them says which one is due.
fn no_timers() -> Error {
    Error::new(Code::UnsupportedChange).with("part", "timers")
}

#[derive(ToJson)]
struct Done {
    value: Written,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
    changes: Value,
    unguarded: Vec<Key>,
    obligations: Vec<Value>,
    notes: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
}

/// Decides over the request's facts: the decision, or what else is needed.
pub fn decide(text: &str) -> String {
    match attempt(text) {
        Ok(answer) => answer,
        Err(error) => refuse(&error),
    }
}

fn attempt(text: &str) -> Result<String> {
    let prepared = Prepared::read(text)?;
    let facts = Facts::default();
    if let Some(given) = prepared.facts() {
        facts.lock().take(given)?;
    }
    let polled = {
        let mut future = pin!(prepared.decide(&facts));
        future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()))
    };
    match polled {
        Poll::Pending => {
            let needs = std::mem::take(&mut facts.lock().needs);
            if needs.is_empty() {
                Err(Error::new(Code::ForeignAwait))
            } else {
                let needs: Vec<Value> = needs.into_iter().map(canonical).collect();
                Ok(format!(r#"{{"ok":true,"value":{{"needs":{}}}}}"#, writer::to_string(&needs, 0)))
            }
        }
        Poll::Ready(result) => {
            let known = facts.lock();
            let (decision, changes) = result.map_err(|error| known.text_version(&error).unwrap_or(error))?;
            if prepared.expects_version()
                && let Some(error) = changes.puts.iter().find_map(|put| known.incomparable(&put.record.key()))
            {
                return Err(error);
            }
            drop(known);
            finish(&prepared, &facts.lock(), decision, &changes)
        }
    }
}

/// What a host that carries out the changes keeps beside records and events, each under the name of its kind.
fn obligations(changes: &ChangeSet) -> Vec<Value> {
    let claims = changes.claims.iter().map(|claim| json!({"claim": writer::to_value(claim)}));
    let counters = changes.counters.iter().map(|counter| json!({"counter": writer::to_value(counter)}));
    let numbers = changes.allocate.iter().map(|number| json!({"number": writer::to_value(number)}));
    let timers = changes.timers.iter().map(|timer| json!({"timer": writer::to_value(timer)}));
    claims.chain(counters).chain(numbers).chain(timers).map(canonical).collect()
}

fn finish(prepared: &Prepared<'_>, known: &Known, decision: Decision<Written>, changes: &ChangeSet) -> Result<String> {
    let mut unguarded = Vec::new();
    let mut written = canonical(writer::to_value(changes));
    for part in ["puts", "deletes", "requires"] {
        let items = written.get_mut(part).and_then(Value::as_array_mut).into_iter().flatten();
        let expects = match part {
            "puts" => changes.puts.iter().map(|p| (p.record.key(), p.expect)).collect::<Vec<_>>(),
            "deletes" => changes.deletes.iter().map(|d| (d.key.clone(), d.expect)).collect(),
            _ => changes.requires.iter().map(|r| (r.key.clone(), r.expect)).collect(),
        };
        for (item, (key, expect)) in items.zip(expects) {
            if let (Expect::Version(_), Some(map)) = (expect, item.as_object_mut()) {
                match known.tokens.get(&key) {
                    Some(token) => {
                        map.insert("expect".to_owned(), json!({"version": token}));
                    }
                    None => {
                        map.insert("expect".to_owned(), json!("unguarded"));
                        unguarded.push(key);
                    }
                }
            }
        }
    }
    let is_unused = |key: &&Key| !known.used.contains(*key) && known.records.get(*key).is_some_and(Option::is_some);
    let notes = known.records.keys().filter(is_unused);
    let unused =
        notes.map(|key| Reason::new(Code::UnusedFact).with("kind", key.kind.clone()).with("id", key.id.as_str()));
    let notes = known.notes.iter().cloned().chain(unused).collect();
    let done = Done {
        value: decision.value,
        reasons: Reason::trim(decision.reasons, prepared.explain()),
        changes: written,
        unguarded,
        obligations: obligations(changes),
        notes,
        idempotency_key: prepared.idempotency_key().map(str::to_owned),
    };
    let text = writer::to_string(&done, 0);
    Ok(format!(r#"{{"ok":true,"value":{{"done":{text}}}}}"#))
}
