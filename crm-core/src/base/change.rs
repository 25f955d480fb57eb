//! Change sets: everything that one operation changes, committed whole or not at all.

use serde::{Deserialize, Serialize};

use super::canonical::Fields;
use super::id::Id;
use super::number::{Numbers, resolve};
use super::record::{Key, Record};
use super::time::Instant;
use crate::base::json::{FromJson, ToJson};

/// What must be true of a record for a change to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// There is no such record.
    Absent,
    /// The record stands at this version.
    Version(u64),
}

/// A record to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// The whole new record.
    pub record: Record,
    /// The fields that changed, with their new values; for hosts that update columns of their own.
    pub changed: Fields,
    /// What must be true before.
    pub expect: Expect,
}

/// A record to remove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// Which record.
    pub key: Key,
    /// What must be true before.
    pub expect: Expect,
}

/// A record that was read and must not have changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Require {
    /// Which record.
    pub key: Key,
    /// What must still be true.
    pub expect: Expect,
}

/// A name that only one record may hold, taken or given back.
///
/// Releases are carried out before claims, so that a name can pass from one record to another in one commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What the name is unique in.
    pub scope: String,
    /// The name, compared exactly.
    pub name: String,
    /// The record that holds it.
    pub owner: Key,
    /// The name is given back; one that somebody else holds stays with them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub release: bool,
}

/// A count that may not pass a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// What is counted.
    pub scope: String,
    /// The counter's name; a window such as a day is part of it.
    pub name: String,
    /// How much is added; below zero it is taken away, which no limit refuses.
    pub delta: i64,
    /// The most that it may become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// A number to give out inside the commit: the next one of its series, from 1.
///
/// Series have no gaps: a number is given out by the transaction that uses it, so the commits of one scope follow one another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Allocate {
    /// The number's place among this change set's numbers; bodies hold `{"$alloc": token}`.
    pub token: u32,
    /// The series.
    pub scope: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// What happened, such as `opportunity.stage_moved`.
    pub kind: String,
    /// The kind of the record it happened to.
    pub record_kind: String,
    /// The id of the record it happened to.
    pub record_id: Id,
    /// When it took effect.
    pub effective_at: Instant,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The host's correlation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// What is particular to the kind of event.
    pub data: Fields,
}

/// A time at which a rule looks at a record again: set, moved or removed. There is one a record and rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// The record.
    pub key: Key,
    /// The rule.
    pub rule: String,
    /// When it is due; nothing removes the timer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    /// The occurrence that this change set carries out: the timer must still be due exactly then, else `version_conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fires: Option<Instant>,
    /// How often in a row carrying it out has failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
}

/// The mark by which a repeated request is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// The hash of the request that used it.
    pub request_hash: String,
    /// The answer that was given, as JSON text.
    pub response: String,
}

/// Everything that one operation changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct ChangeSet {
    /// Whose data changes.
    pub tenant: String,
    /// When it is recorded, by the request's context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
    /// Records to write.
    #[serde(default)]
    pub puts: Vec<Put>,
    /// Records to remove.
    #[serde(default)]
    pub deletes: Vec<Delete>,
    /// Records that must not have changed.
    #[serde(default)]
    pub requires: Vec<Require>,
    /// Unique names to hold.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// Counts to move.
    #[serde(default)]
    pub counters: Vec<Counter>,
    /// Numbers to give out.
    #[serde(default)]
    pub allocate: Vec<Allocate>,
    /// Events to record, in order.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Timers to set.
    #[serde(default)]
    pub timers: Vec<Timer>,
    /// The mark of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
}

impl ChangeSet {
    /// Says whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty()
            && self.deletes.is_empty()
            && self.claims.is_empty()
            && self.counters.is_empty()
            && self.allocate.is_empty()
            && self.events.is_empty()
            && self.timers.is_empty()
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// An event as a store gives it back: with the cursor after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoredEvent {
    /// Where to go on reading after this event.
    pub cursor: String,
    /// The event.
    pub event: Event,
    /// The numbers given out for the tokens in the event's data, which are put in before anybody sees it.
    #[serde(default, skip_serializing_if = "Numbers::is_empty")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub numbers: Numbers,
}

impl StoredEvent {
    /// The event with its numbers where their tokens stood.
    #[must_use]
    pub fn resolved(mut self) -> Self {
        if !self.numbers.is_empty() {
            self.event.data.values_mut().for_each(|value| resolve(value, &self.numbers));
            self.numbers.clear();
        }
        self
    }
}

/// A timer as a store gives it back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct StoredTimer {
    /// When it is due.
    pub due: Instant,
    /// The record.
    pub key: Key,
    /// The rule.
    pub rule: String,
    /// How often in a row carrying it out has failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
}

/// When a tenant's first timer is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantDue {
    /// When.
    pub due: Instant,
    /// The tenant.
    pub tenant: String,
}
