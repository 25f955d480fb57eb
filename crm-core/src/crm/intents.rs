//! Intents: work for the world outside, which the host carries out and acknowledges.
//!
//! An intent is committed together with what causes it, so that none is lost; the host may see one again after a crash, which its
//! `key` tells: at least once.

use serde::{Deserialize, Serialize};

use super::records::{self, ById, Search, prefix};
use super::session::Session;
use super::tasks::just_after;
use crate::activities::task::Related;
use crate::base::canonical::Fields;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::entity::{Entity, unset};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits::{self, TEXT};
use crate::base::order;
use crate::base::reason::Reason;
use crate::base::record::KeyBytes;
use crate::base::time::Instant;
use crate::entity_basics;
use crate::store::query::Test;

/// How often something is tried before it is given up.
pub const ATTEMPTS: u32 = 5;

/// How long to wait after a number of failures in a row, in seconds: 1, 5 and 25 minutes, then 125 minutes each time.
pub fn pause(failures: u32) -> i64 {
    60_i64.saturating_mul(5_i64.saturating_pow(failures.saturating_sub(1).min(3)))
}

/// How far an intent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum IntentStatus {
    /// To be carried out.
    #[default]
    Pending,
    /// Carried out.
    Done,
    /// Given up after too many failures.
    Failed,
}

impl IntentStatus {
    fn name(self) -> &'static str {
        match self {
            IntentStatus::Pending => "pending",
            IntentStatus::Done => "done",
            IntentStatus::Failed => "failed",
        }
    }
}

/// Work for the world outside, such as telling somebody something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Intent {
    /// The id.
    pub id: Id,
    /// Counts the changes from 1.
    #[serde(default, skip_serializing_if = "unset")]
    pub version: u64,
    /// What is to be done, such as `notify`.
    pub kind: String,
    /// By which the world outside tells a repetition, for example as the idempotency key of a mail service.
    pub key: String,
    /// How far it is.
    #[serde(default)]
    pub status: IntentStatus,
    /// The record that it is about.
    pub record: Related,
    /// What is particular to its kind.
    #[serde(default)]
    pub data: Fields,
    /// How often it was tried, as far as was acknowledged.
    #[serde(default)]
    pub attempts: u32,
    /// From when on it is to be tried.
    pub ready_at: Instant,
    /// What the host said of the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it came into being.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
}

impl Intent {
    /// The fields, all of which the engine keeps itself.
    pub const OWN: &'static [&'static str] = &[
        "id",
        "version",
        "kind",
        "key",
        "status",
        "record",
        "data",
        "attempts",
        "ready_at",
        "message",
        "created_at",
        "updated_at",
    ];
    /// The place of the index by status and the time from which it is to be tried.
    const BY_STATUS: usize = 0;
}

impl Entity for Intent {
    const KIND: &'static str = "intent";
    const INDEXES: &'static [&'static str] = &["status"];

    entity_basics!(created_at);

    fn keys(&self) -> Vec<KeyBytes> {
        vec![KeyBytes::new().exact(self.status.name()).instant(Some(self.ready_at))]
    }

    fn violations(&self) -> Vec<Error> {
        self.message.as_deref().and_then(|text| limits::free_text(text, TEXT, "message").err()).into_iter().collect()
    }
}

/// Which intents to list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListIntents {
    /// How far they are; `pending` by default, and of these only those that are ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IntentStatus>,
    /// At most so many, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The cursor of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of intents, those that have waited longest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IntentPage {
    /// The intents.
    pub items: Vec<Intent>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How an attempt at an intent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Attempt {
    /// It was carried out.
    Done,
    /// It could not be carried out; it is tried again later, and given up after the fifth time.
    Failed,
}

/// Says how an attempt at an intent ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Acknowledge {
    /// Which intent.
    pub id: Id,
    /// How it ended.
    pub outcome: Attempt,
    /// What is worth keeping of it, such as the answer of a mail service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Adds an intent about a record to the session's changes.
pub(super) async fn emit(session: &mut Session<'_>, kind: &str, record: Related, data: Fields) -> Result<Intent> {
    let now = session.context().now()?;
    let id = session.new_id(None)?;
    let intent = Intent {
        key: id.as_str().to_owned(),
        id,
        version: 0,
        kind: kind.to_owned(),
        status: IntentStatus::Pending,
        record,
        data,
        attempts: 0,
        ready_at: now,
        message: None,
        created_at: Some(now),
        updated_at: Some(now),
    };
    let made = session.create(&intent).await?;
    session.event("created", &made, now, order::map([("kind".to_owned(), kind.into())]))?;
    Ok(made)
}

/// Reads a page of intents.
pub(crate) async fn list(session: &mut Session<'_>, request: &ListIntents) -> Result<Decision<IntentPage>> {
    let status = request.status.unwrap_or_default();
    let start = KeyBytes::new().exact(status.name());
    let mut tests = vec![prefix(Intent::BY_STATUS, start.clone())];
    if status == IntentStatus::Pending {
        let to = start.instant(Some(just_after(session.context().now()?)));
        tests.push(Test::Range { index: Intent::BY_STATUS, from: None, to: Some(to) });
    }
    let search = Search { tests, order: Some(Intent::BY_STATUS) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(IntentPage { items, cursor }))
}

/// Reads an intent.
pub(crate) async fn get(session: &mut Session<'_>, request: &ById) -> Result<Decision<Intent>> {
    records::get(session, request).await
}

/// Notes how an attempt ended; one that is settled already stays as it is.
pub(crate) async fn acknowledge(session: &mut Session<'_>, request: &Acknowledge) -> Result<Decision<Intent>> {
    let old = session.need::<Intent>(&request.id, "id").await?;
    let now = session.context().now()?;
    let settled = match request.outcome {
        Attempt::Done => old.status == IntentStatus::Done,
        Attempt::Failed => old.status != IntentStatus::Pending,
    };
    if settled {
        return unchanged(session, old);
    }
    let attempts = old.attempts.saturating_add(1);
    let mut new = Intent { attempts, message: request.message.clone(), updated_at: Some(now), ..old.clone() };
    let (what, code) = match request.outcome {
        Attempt::Done => {
            new.status = IntentStatus::Done;
            ("done", Code::IntentDone)
        }
        Attempt::Failed if attempts >= ATTEMPTS => {
            new.status = IntentStatus::Failed;
            ("failed", Code::IntentFailed)
        }
        Attempt::Failed => {
            new.ready_at = now.plus_seconds(pause(attempts));
            ("postponed", Code::IntentPostponed)
        }
    };
    finish(session, what, code, &old, &new, now)
}

/// Makes an intent that was given up ready again.
pub(crate) async fn retry(session: &mut Session<'_>, request: &ById) -> Result<Decision<Intent>> {
    let old = session.need::<Intent>(&request.id, "id").await?;
    let now = session.context().now()?;
    if old.status != IntentStatus::Failed {
        return unchanged(session, old);
    }
    let new =
        Intent { status: IntentStatus::Pending, attempts: 0, ready_at: now, updated_at: Some(now), ..old.clone() };
    finish(session, "retried", Code::IntentReady, &old, &new, now)
}

fn unchanged(session: &mut Session<'_>, old: Intent) -> Result<Decision<Intent>> {
    session.check_version(&old)?;
    session.keep();
    let reason = Reason::new(Code::NothingChanged).with("kind", Intent::KIND).with("id", old.id.as_str());
    Ok(Decision::new(old, vec![reason]))
}

fn finish(
    session: &mut Session<'_>,
    what: &str,
    code: Code,
    old: &Intent,
    new: &Intent,
    now: Instant,
) -> Result<Decision<Intent>> {
    let saved = session.save(old, new)?;
    session.event(what, &saved, now, order::map([("attempts".to_owned(), saved.attempts.into())]))?;
    let reason = Reason::new(code).with("id", saved.id.as_str()).with("attempts", saved.attempts);
    let reason = if code == Code::IntentPostponed { reason.show("ready_at", saved.ready_at) } else { reason };
    Ok(Decision::new(saved, vec![reason]))
}
