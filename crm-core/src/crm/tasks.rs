//! Tasks: create, update, get, find, close and reopen, and what their timers do.

use serde_json::Value;

use super::intents;
use super::records::{self, ById, Search, prefix};
use super::session::Session;
use super::timers::Occurrence;
use super::users;
use crate::activities::requests::{CloseTask, FindTasks, NewTask, ReopenTask, TaskPage, TaskUpdate, Zoned};
use crate::activities::task::{REMINDER, RULES, Related, Task};
use crate::base::canonical::Fields;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::entity::{Entity, Set};
use crate::base::error::Result;
use crate::base::id::Id;
use crate::base::order;
use crate::base::reason::Reason;
use crate::base::record::{Key, KeyBytes};
use crate::base::time::Instant;
use crate::people::user::User;
use crate::store::query::Test;

/// Creates a task and sets its timers.
pub(crate) async fn create(session: &mut Session<'_>, request: &NewTask) -> Result<Decision<Task>> {
    session.refer::<User>(request.owner.as_ref(), "owner").await?;
    if let Some(related) = &request.related {
        session.refer_to(&related.kind, &related.id, "related").await?;
    }
    let zone = session.context().zone()?;
    let made = records::create(session, &Zoned { request, zone: &zone }).await?;
    wake(session, None, &made.value);
    Ok(made)
}

/// Changes a task and moves its timers.
pub(crate) async fn update(session: &mut Session<'_>, request: &TaskUpdate) -> Result<Decision<Task>> {
    if let Set::To(owner) = &request.owner {
        session.refer::<User>(Some(owner), "owner").await?;
    }
    if let Set::To(related) = &request.related {
        session.refer_to(&related.kind, &related.id, "related").await?;
    }
    let old = session.need::<Task>(&request.id, "id").await?;
    let zone = session.context().zone()?;
    let changed = records::update(session, &Zoned { request, zone: &zone }).await?;
    wake(session, Some(&old), &changed.value);
    Ok(changed)
}

/// Reads a task.
pub(crate) async fn get(session: &mut Session<'_>, request: &ById) -> Result<Decision<Task>> {
    records::get(session, request).await
}

/// Reads a page of tasks.
pub(crate) async fn find(session: &mut Session<'_>, request: &FindTasks) -> Result<Decision<TaskPage>> {
    let key = KeyBytes::new;
    let (mut tests, mut order) = (Vec::new(), Task::BY_DEADLINE);
    if let Some(status) = request.status {
        tests.push(prefix(Task::BY_STATUS, key().exact(status.name())));
        order = Task::BY_STATUS;
    }
    if let Some(owner) = &request.owner {
        let start = key().id(Some(owner));
        tests.push(prefix(Task::BY_OWNER, request.status.map_or(start.clone(), |s| start.exact(s.name()))));
        order = Task::BY_OWNER;
    }
    if let Some(related) = &request.related {
        tests.push(prefix(Task::BY_RELATED, key().exact(&related.kind).id(Some(&related.id))));
    }
    if let Some(by) = request.overdue_by {
        let to = Task::deadline(key(), Some(just_after(by)));
        tests.push(Test::Range { index: Task::BY_DEADLINE, from: None, to: Some(to) });
    }
    let search = Search { tests, order: Some(order) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(TaskPage { items, cursor }))
}

/// The instant after one, so that a range with its end outside holds it.
pub(super) fn just_after(at: Instant) -> Instant {
    Instant::from_micros(at.micros().saturating_add(1)).unwrap_or(at)
}

/// Closes a task as done.
pub(crate) async fn complete(session: &mut Session<'_>, request: &CloseTask) -> Result<Decision<Task>> {
    let old = session.need::<Task>(&request.id, "id").await?;
    let at = session.effective(request.effective_at)?;
    finish(session, "completed", Code::TaskCompleted, &old, &old.complete(at, request.outcome.as_deref())?, at)
}

/// Closes a task that is not to be done any more.
pub(crate) async fn cancel(session: &mut Session<'_>, request: &CloseTask) -> Result<Decision<Task>> {
    let old = session.need::<Task>(&request.id, "id").await?;
    let at = session.effective(request.effective_at)?;
    finish(session, "cancelled", Code::TaskCancelled, &old, &old.cancel(at, request.outcome.as_deref())?, at)
}

/// Opens a closed task again.
pub(crate) async fn reopen(session: &mut Session<'_>, request: &ReopenTask) -> Result<Decision<Task>> {
    let old = session.need::<Task>(&request.id, "id").await?;
    let at = session.effective(request.effective_at)?;
    finish(session, "reopened", Code::TaskReopened, &old, &old.reopen(at)?, at)
}

fn finish(
    session: &mut Session<'_>,
    what: &str,
    code: Code,
    old: &Task,
    new: &Task,
    at: Instant,
) -> Result<Decision<Task>> {
    let saved = session.save(old, new)?;
    session.event(what, &saved, at, Fields::new())?;
    wake(session, Some(old), &saved);
    let reason = Reason::new(code).with("id", saved.id.as_str());
    Ok(Decision::new(saved, vec![reason]))
}

/// Sets, moves and removes the timers of a task where a change of it changes when it wants to be looked at.
fn wake(session: &mut Session<'_>, old: Option<&Task>, new: &Task) {
    for rule in RULES {
        let before = old.and_then(|task| task.wakes_at(rule));
        let key = Key::new(Task::KIND, &new.id);
        match new.wakes_at(rule) {
            after if after == before => {}
            Some(due) if before.is_some() || !session.is_quiet(due) => session.timer(key, rule, due),
            Some(_) => {}
            None => session.cancel_timer(key, rule),
        }
    }
}

/// Carries out a rule of a task whose timer is due: the task itself says whether it is.
pub(super) async fn occur(session: &mut Session<'_>, id: &Id, rule: &str) -> Result<Occurrence> {
    let Some(task) = session.get::<Task>(id).await? else { return Ok(Occurrence::Dropped) };
    session.guard(&task);
    let now = session.context().now()?;
    match task.wakes_at(rule) {
        None => return Ok(Occurrence::Dropped),
        Some(at) if at > now => return Ok(Occurrence::Moved(at)),
        Some(_) if rule == REMINDER => remind(session, &task, now).await?,
        Some(at) => {
            let data = order::map([("overdue_at".to_owned(), Value::String(at.to_string()))]);
            session.event("overdue", &task, now, data)?;
        }
    }
    Ok(Occurrence::Fired(None))
}

/// Reminds the owner of a task, or whoever stands in for the owner now.
async fn remind(session: &mut Session<'_>, task: &Task, now: Instant) -> Result<()> {
    let mut data = Fields::new();
    if let Some(owner) = &task.owner {
        let there = users::who_acts(session, owner, now).await?.value.user;
        data.insert("owner".to_owned(), Value::String(owner.to_string()));
        // Where nobody stands in, the owner finds it on coming back.
        data.insert("user".to_owned(), Value::String(there.as_ref().unwrap_or(owner).to_string()));
    }
    session.event("reminded", task, now, data.clone())?;
    if task.owner.is_some() {
        data.insert("subject".to_owned(), Value::String(task.subject.clone()));
        data.insert("about".to_owned(), Value::String("task.reminded".to_owned()));
        let record = Related { kind: Task::KIND.to_owned(), id: task.id.clone() };
        intents::emit(session, "notify", record, data).await?;
    }
    Ok(())
}
