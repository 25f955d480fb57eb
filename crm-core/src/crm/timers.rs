//! Timers: what is due at a record, carried out one by one; those that keep failing are set aside.
//!
//! A timer is a hint: when it is due, its rule looks at the record again and says whether there is something to do now, later or never.
//! [`super::tick`] takes the timers of a store that are due through `timers.fire`.

use serde::{Deserialize, Serialize};

use super::records::{self, ById, Search, prefix};
use super::session::Session;
use super::tasks;
use crate::activities::task::{self, Task};
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::entity::{Entity, unset};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::order;
use crate::base::reason::Reason;
use crate::base::record::{Key, KeyBytes};
use crate::base::text::clip;
use crate::base::time::Instant;
use crate::entity_basics;

/// What a rule makes of a timer that is due.
pub(super) enum Occurrence {
    /// It was carried out; the timer is then due again, or gone.
    Fired(Option<Instant>),
    /// The record is due later.
    Moved(Instant),
    /// The record is gone, or has nothing to be done.
    Dropped,
}

/// Names an occurrence: a record, a rule and when its timer was due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FireTimer {
    /// The kind of record.
    pub kind: String,
    /// The record's id.
    pub id: Id,
    /// The rule, such as `reminder`.
    pub rule: String,
    /// When the timer is due.
    pub due: Instant,
}

/// What became of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TimerOutcome {
    /// Its rule was carried out.
    Fired,
    /// The record is due later.
    Moved,
    /// The record is gone, or has nothing to be done.
    Dropped,
}

/// What became of one timer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FiredTimer {
    /// What became of it.
    pub outcome: TimerOutcome,
    /// When it is due again; absent when it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
}

/// Carries out one timer that is due.
pub(crate) async fn fire(session: &mut Session<'_>, request: &FireTimer) -> Result<Decision<FiredTimer>> {
    let occurrence = match (request.kind.as_str(), request.rule.as_str()) {
        (Task::KIND, rule) if task::RULES.contains(&rule) => tasks::occur(session, &request.id, rule).await?,
        (kind, rule) => {
            let error = Error::new(Code::UnknownRule).with("kind", clip(kind));
            return Err(error.with("rule", clip(rule)).at("rule"));
        }
    };
    let (outcome, due, code) = match occurrence {
        Occurrence::Fired(next) => (TimerOutcome::Fired, next, Code::TimerFired),
        Occurrence::Moved(to) => (TimerOutcome::Moved, Some(to), Code::TimerMoved),
        Occurrence::Dropped => (TimerOutcome::Dropped, None, Code::TimerDropped),
    };
    session.fire_timer(Key::new(&request.kind, &request.id), &request.rule, request.due, due, 0);
    let reason = about(code, &request.kind, &request.id, &request.rule);
    let reason = match outcome {
        TimerOutcome::Fired => reason.show("due", request.due),
        _ => due.into_iter().fold(reason, |reason, due| reason.show("due", due)),
    };
    Ok(Decision::new(FiredTimer { outcome, due }, vec![reason]))
}

/// A reason about a rule of a record.
pub(super) fn about(code: Code, kind: &str, id: &Id, rule: &str) -> Reason {
    Reason::new(code).with("kind", clip(kind)).with("id", id.as_str()).with("rule", clip(rule))
}

/// Whether a timer that was set aside still waits for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StuckStatus {
    /// It waits.
    #[default]
    Stuck,
    /// It was set again.
    Retried,
}

impl StuckStatus {
    fn name(self) -> &'static str {
        match self {
            StuckStatus::Stuck => "stuck",
            StuckStatus::Retried => "retried",
        }
    }
}

/// A timer that kept failing and was set aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StuckTimer {
    /// The id.
    pub id: Id,
    /// Counts the changes from 1.
    #[serde(default, skip_serializing_if = "unset")]
    pub version: u64,
    /// Whether it still waits.
    #[serde(default)]
    pub status: StuckStatus,
    /// The kind of the record that it is about.
    pub record_kind: String,
    /// The id of that record.
    pub record_id: Id,
    /// The rule.
    pub rule: String,
    /// How often in a row it failed.
    pub failures: u32,
    /// The code of the last error.
    pub code: String,
    /// The message of the last error.
    pub message: String,
    /// When it was set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
}

impl StuckTimer {
    /// The fields, all of which the engine keeps itself.
    pub const OWN: &'static [&'static str] = &[
        "id",
        "version",
        "status",
        "record_kind",
        "record_id",
        "rule",
        "failures",
        "code",
        "message",
        "created_at",
        "updated_at",
    ];
    const BY_STATUS: usize = 0;
}

impl Entity for StuckTimer {
    const KIND: &'static str = "stuck_timer";
    const INDEXES: &'static [&'static str] = &["status"];

    entity_basics!(created_at);

    fn keys(&self) -> Vec<KeyBytes> {
        vec![KeyBytes::new().exact(self.status.name()).instant(self.created_at)]
    }

    fn violations(&self) -> Vec<Error> {
        Vec::new()
    }
}

/// Asks for the timers that were set aside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StuckTimers {
    /// At most so many, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The cursor of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of timers that were set aside, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StuckTimerPage {
    /// The timers.
    pub items: Vec<StuckTimer>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Reads a page of timers that were set aside and not set again.
pub(crate) async fn stuck(session: &mut Session<'_>, request: &StuckTimers) -> Result<Decision<StuckTimerPage>> {
    let tests = vec![prefix(StuckTimer::BY_STATUS, KeyBytes::new().exact(StuckStatus::Stuck.name()))];
    let search = Search { tests, order: Some(StuckTimer::BY_STATUS) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(StuckTimerPage { items, cursor }))
}

/// Sets a timer again that was set aside; it is due at once.
pub(crate) async fn retry(session: &mut Session<'_>, request: &ById) -> Result<Decision<StuckTimer>> {
    let old = session.need::<StuckTimer>(&request.id, "id").await?;
    let now = session.context().now()?;
    if old.status == StuckStatus::Retried {
        session.check_version(&old)?;
        session.keep();
        let reason = Reason::new(Code::NothingChanged).with("kind", StuckTimer::KIND).with("id", old.id.as_str());
        return Ok(Decision::new(old, vec![reason]));
    }
    let key = Key::new(&old.record_kind, &old.record_id);
    let saved =
        session.save(&old, &StuckTimer { status: StuckStatus::Retried, updated_at: Some(now), ..old.clone() })?;
    session.set_timer(key.clone(), &old.rule, Some(now));
    session.event_on("timer.retried".to_owned(), key, now, order::map([("rule".to_owned(), old.rule.into())]))?;
    let reason = about(Code::TimerSetAgain, &saved.record_kind, &saved.record_id, &saved.rule);
    Ok(Decision::new(saved, vec![reason]))
}

/// Sets a timer aside.
pub(super) async fn set_aside(
    session: &mut Session<'_>,
    key: &Key,
    rule: &str,
    failures: u32,
    error: &Error,
) -> Result<()> {
    let now = session.context().now()?;
    let stuck = StuckTimer {
        id: session.new_id(None)?,
        version: 0,
        status: StuckStatus::Stuck,
        record_kind: key.kind.clone(),
        record_id: key.id.clone(),
        rule: rule.to_owned(),
        failures,
        code: error.code().to_owned(),
        message: error.message(),
        created_at: Some(now),
        updated_at: Some(now),
    };
    let made = session.create(&stuck).await?;
    let data = order::map([
        ("rule".to_owned(), rule.into()),
        ("failures".to_owned(), failures.into()),
        ("code".to_owned(), made.code.into()),
        ("stuck_timer".to_owned(), made.id.as_str().into()),
    ]);
    session.event_on("timer.set_aside".to_owned(), key.clone(), now, data)
}
