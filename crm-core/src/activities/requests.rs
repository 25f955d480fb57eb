//! What is asked of tasks.

use serde::{Deserialize, Serialize};

use super::task::{Priority, Related, Task, TaskStatus};
use crate::base::entity::{Creates, Given, Set, Updates};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::time::{Date, Instant, Zone};

/// What is given to create a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewTask {
    /// The id, if the host has one of its own; otherwise the engine makes a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What is to be done.
    pub subject: String,
    /// How much it matters; `normal` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The user who does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Id>,
    /// The last day on which it is in time; the day ends in the context's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
    /// The moment by which it is to be done; instead of `due_on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// When its owner is to be reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_at: Option<Instant>,
    /// The record that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
    /// Anything worth noting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// What is given to change a task: a field left out stays, null empties it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskUpdate {
    /// Which one.
    pub id: Id,
    /// What is to be done.
    #[serde(default, skip_serializing_if = "Given::is_none")]
    pub subject: Given<String>,
    /// How much it matters.
    #[serde(default, skip_serializing_if = "Given::is_none")]
    pub priority: Given<Priority>,
    /// The user who does it.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub owner: Set<Id>,
    /// The last day on which it is in time; takes the place of `due_at`.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub due_on: Set<Date>,
    /// The moment by which it is to be done; takes the place of `due_on`.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub due_at: Set<Instant>,
    /// When its owner is to be reminded; a later moment puts the reminder off.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub remind_at: Set<Instant>,
    /// The record that it is about.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub related: Set<Related>,
    /// Anything worth noting.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub description: Set<String>,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// Closes a task, as done or as given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CloseTask {
    /// Which one.
    pub id: Id,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// Opens a closed task again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReopenTask {
    /// Which one.
    pub id: Id,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// Which tasks to find; all of them without a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindTasks {
    /// Whose they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Id>,
    /// How far they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    /// The record that they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
    /// Only those that are overdue at this moment or will be before it: the present finds what is late, the end of the day what is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_by: Option<Instant>,
    /// At most so many, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The cursor of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of tasks, those with the earliest deadline first and those without one last; of one owner by status, then by deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskPage {
    /// The tasks.
    pub items: Vec<Task>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A request together with the time zone in which its days end.
pub struct Zoned<'a, R> {
    /// The request.
    pub request: &'a R,
    /// The zone.
    pub zone: &'a Zone,
}

impl Creates for Zoned<'_, NewTask> {
    type Entity = Task;

    fn given(&self) -> (Option<Id>, Option<Instant>) {
        (self.request.id.clone(), self.request.effective_at)
    }

    fn make(&self, id: Id, at: Instant) -> Task {
        let request = self.request;
        let mut task = Task {
            id,
            version: 0,
            subject: request.subject.clone(),
            status: TaskStatus::Open,
            priority: request.priority.unwrap_or_default(),
            owner: request.owner.clone(),
            due_on: request.due_on,
            due_at: request.due_at,
            overdue_at: None,
            remind_at: request.remind_at,
            related: request.related.clone(),
            description: request.description.clone(),
            outcome: None,
            completed_at: None,
            created_at: Some(at),
            updated_at: Some(at),
        };
        task.set_deadline(self.zone);
        task
    }
}

impl Updates for Zoned<'_, TaskUpdate> {
    type Entity = Task;

    fn given(&self) -> (&Id, Option<Instant>) {
        (&self.request.id, self.request.effective_at)
    }

    fn apply(&self, to: &mut Task) {
        let request = self.request;
        if let Some(subject) = &request.subject.0 {
            to.subject = subject.clone();
        }
        if let Some(priority) = request.priority.0 {
            to.priority = priority;
        }
        request.owner.apply(&mut to.owner);
        request.remind_at.apply(&mut to.remind_at);
        request.related.apply(&mut to.related);
        request.description.apply(&mut to.description);
        let before = (to.due_on, to.due_at);
        match (&request.due_on, &request.due_at) {
            (Set::To(_), Set::Keep) => to.due_at = None,
            (Set::Keep, Set::To(_)) => to.due_on = None,
            _ => {}
        }
        request.due_on.apply(&mut to.due_on);
        request.due_at.apply(&mut to.due_at);
        // A deadline that stays keeps the zone in which it was set.
        if (to.due_on, to.due_at) != before {
            to.set_deadline(self.zone);
        }
    }

    fn touch(to: &mut Task, at: Instant) {
        to.updated_at = to.updated_at.max(Some(at));
    }
}
