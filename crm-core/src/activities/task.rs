//! Tasks: something to be done by somebody, with a deadline and a reminder.

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::entity::{Entity, unset};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits::{self, NAME, TEXT};
use crate::base::record::KeyBytes;
use crate::base::time::{Date, Instant, Zone};
use crate::entity_basics;

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TaskStatus {
    /// To be done.
    #[default]
    Open,
    /// Done.
    Done,
    /// Not to be done any more.
    Cancelled,
}

impl TaskStatus {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            TaskStatus::Open => "open",
            TaskStatus::Done => "done",
            TaskStatus::Cancelled => "cancelled",
        }
    }
}

/// How much a task matters beside others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Priority {
    /// It can wait.
    Low,
    /// As usual.
    #[default]
    Normal,
    /// Before others.
    High,
    /// At once.
    Urgent,
}

/// The record that something is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Related {
    /// The kind of record, such as `opportunity`.
    pub kind: String,
    /// The record's id.
    pub id: Id,
}

/// Something to be done by somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Task {
    /// The id.
    pub id: Id,
    /// Counts the changes from 1.
    #[serde(default, skip_serializing_if = "unset")]
    pub version: u64,
    /// What is to be done.
    pub subject: String,
    /// How far it is.
    #[serde(default)]
    pub status: TaskStatus,
    /// How much it matters.
    #[serde(default)]
    pub priority: Priority,
    /// The user who does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Id>,
    /// The last day on which it is in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
    /// The moment by which it is to be done, where a day is not exact enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// The moment from which it is overdue: `due_at`, or the end of `due_on` in the time zone of the request that set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_at: Option<Instant>,
    /// When its owner is to be reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_at: Option<Instant>,
    /// The record that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
    /// Anything worth noting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Instant>,
    /// When it came into being.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
}

/// The rule by which the owner of a task is reminded of it.
pub const REMINDER: &str = "reminder";
/// The rule by which a task is found to be overdue.
pub const OVERDUE: &str = "overdue";
/// Every rule that wakes a task.
pub const RULES: &[&str] = &[REMINDER, OVERDUE];

impl Task {
    /// The fields that a host may fill in.
    pub const FIELDS: &'static [&'static str] =
        &["subject", "priority", "owner", "due_on", "due_at", "remind_at", "related", "description"];
    /// The place of the index by owner, status and deadline.
    pub const BY_OWNER: usize = 0;
    /// The place of the index by status and deadline.
    pub const BY_STATUS: usize = 1;
    /// The place of the index by deadline; tasks without one come last.
    pub const BY_DEADLINE: usize = 2;
    /// The place of the index by related record.
    pub const BY_RELATED: usize = 3;

    /// When a rule has to look at the task, as it stands: never once it is closed.
    pub fn wakes_at(&self, rule: &str) -> Option<Instant> {
        match rule {
            _ if self.status != TaskStatus::Open => None,
            REMINDER => self.remind_at,
            OVERDUE => self.overdue_at,
            _ => None,
        }
    }

    /// Finds the moment from which the task is overdue; a day ends in the given zone.
    pub fn set_deadline(&mut self, zone: &Zone) {
        let end = self.due_on.and_then(|day| day.plus_days(1)).and_then(|next| next.start_in(zone));
        self.overdue_at = self.due_at.or(end);
    }

    /// The task done at a moment.
    ///
    /// # Errors
    /// `already_closed`, `date_before_history`.
    pub fn complete(&self, at: Instant, outcome: Option<&str>) -> Result<Task> {
        let closed = self.close(TaskStatus::Done, at, outcome)?;
        Ok(Task { completed_at: Some(at), ..closed })
    }

    /// The task given up at a moment.
    ///
    /// # Errors
    /// `already_closed`, `date_before_history`.
    pub fn cancel(&self, at: Instant, outcome: Option<&str>) -> Result<Task> {
        self.close(TaskStatus::Cancelled, at, outcome)
    }

    fn close(&self, status: TaskStatus, at: Instant, outcome: Option<&str>) -> Result<Task> {
        if self.status != TaskStatus::Open {
            let error = Error::new(Code::AlreadyClosed).with("id", self.id.as_str());
            return Err(error.with("status", self.status.name()).at("id"));
        }
        self.after_creation(at)?;
        let outcome = outcome.map(str::to_owned).or_else(|| self.outcome.clone());
        Ok(Task { status, outcome, updated_at: self.updated_at.max(Some(at)), ..self.clone() })
    }

    /// The task open again.
    ///
    /// # Errors
    /// `task_open`, `date_before_history`.
    pub fn reopen(&self, at: Instant) -> Result<Task> {
        if self.status == TaskStatus::Open {
            return Err(Error::new(Code::TaskOpen).with("id", self.id.as_str()).at("id"));
        }
        self.after_creation(at)?;
        let updated_at = self.updated_at.max(Some(at));
        Ok(Task { status: TaskStatus::Open, completed_at: None, updated_at, ..self.clone() })
    }

    fn after_creation(&self, at: Instant) -> Result<()> {
        match self.created_at.filter(|created| at < *created) {
            None => Ok(()),
            Some(created) => {
                let error = Error::new(Code::DateBeforeHistory).with("value", at.to_string());
                Err(error.with("latest", created.to_string()).at("effective_at"))
            }
        }
    }

    /// The end of a key by deadline: those without one come last.
    pub fn deadline(key: KeyBytes, at: Option<Instant>) -> KeyBytes {
        key.flag(Some(at.is_none())).instant(at)
    }
}

impl Entity for Task {
    const KIND: &'static str = "task";
    const INDEXES: &'static [&'static str] = &["owner", "status", "deadline", "related"];

    entity_basics!(created_at);

    fn keys(&self) -> Vec<KeyBytes> {
        let (key, status) = (KeyBytes::new, self.status.name());
        let related = self.related.as_ref();
        vec![
            Self::deadline(key().id(self.owner.as_ref()).exact(status), self.overdue_at),
            Self::deadline(key().exact(status), self.overdue_at),
            Self::deadline(key(), self.overdue_at),
            related.map_or_else(|| key().text(None), |r| key().exact(&r.kind).id(Some(&r.id))),
        ]
    }

    fn violations(&self) -> Vec<Error> {
        let texts = [(&self.description, "description"), (&self.outcome, "outcome")];
        let texts = texts.into_iter().filter_map(|(text, path)| limits::free_text(text.as_deref()?, TEXT, path).err());
        let both = self
            .due_on
            .and(self.due_at)
            .map(|_| Error::new(Code::ConflictingFields).with("first", "due_on").with("second", "due_at").at("due_at"));
        limits::text(&self.subject, NAME, "subject").err().into_iter().chain(texts).chain(both).collect()
    }
}
