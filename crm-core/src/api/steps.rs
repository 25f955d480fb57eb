//! The step protocol: the caller is the store, and answers what the operation needs.
//!
//! An operation is an ordinary future over a repository whose every call parks a need; it is polled by hand, so nothing calls out of
//! the engine. Running operations live in a bounded table.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::prepared;
use super::request::refuse;
use crate::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::hint::unreadable;
use crate::base::reason::Reason;
use crate::base::record::{Key, Record};
use crate::base::text::clip;
use crate::base::time::Instant;
use crate::store::query::Query;
use crate::store::repository::{BoxFuture, Capabilities, Committed, Repository};

/// The most operations that run at once.
pub const HANDLES: usize = 1_024;

/// What an operation needs from the store that runs it.
#[derive(Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// Records by name.
    Get {
        /// Whose.
        tenant: String,
        /// Which.
        keys: Vec<Key>,
    },
    /// Records by query.
    Find(Query),
    /// A commit.
    Commit(Box<ChangeSet>),
    /// Events.
    Events {
        /// Whose.
        tenant: String,
        /// The cursor to go on from.
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
    /// Timers that are due.
    Due {
        /// Whose.
        tenant: String,
        /// At or before when.
        now: Instant,
        /// At most so many.
        limit: usize,
    },
    /// When each tenant is next due.
    NextDue {
        /// At most so many.
        limit: usize,
    },
}

/// One need; its answer names its id.
#[derive(Clone, Serialize)]
pub struct Need {
    /// Counts from 0 within an operation.
    pub id: u64,
    /// What is needed.
    #[serde(flatten)]
    pub kind: NeedKind,
}

#[derive(Default)]
struct Board {
    made: u64,
    open: Vec<Need>,
    answers: BTreeMap<u64, Result<String>>,
}

/// A repository that asks its caller.
#[derive(Clone, Default)]
pub struct AskingRepository(Arc<Mutex<Board>>);

impl AskingRepository {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is needed and not answered yet.
    pub fn needs(&self) -> Vec<Need> {
        self.board().open.clone()
    }

    /// Answers a need with JSON text or an error.
    ///
    /// # Errors
    /// `invalid_answer` when there is no such open need.
    pub fn answer(&self, id: u64, answer: Result<String>) -> Result<()> {
        let mut board = self.board();
        let place = board.open.iter().position(|need| need.id == id);
        let place = place
            .ok_or_else(|| Error::new(Code::InvalidAnswer).with("id", id).with("reason", Reason::new(Code::NeedNotOpen)))?;
        board.open.remove(place);
        board.answers.insert(id, answer);
        Ok(())
    }

    fn ask<'a, T: serde::de::DeserializeOwned + 'a>(&self, kind: NeedKind) -> BoxFuture<'a, Result<T>> {
        let id = {
            let mut board = self.board();
            let id = board.made;
            board.made = id.saturating_add(1);
            board.open.push(Need { id, kind });
            id
        };
        let own = self.clone();
        Box::pin(std::future::poll_fn(move |_| match own.board().answers.remove(&id) {
            None => Poll::Pending,
            Some(Err(error)) => Poll::Ready(Err(error)),
            Some(Ok(text)) => Poll::Ready(
                serde_json::from_str(&text)
                    .map_err(|e| Error::new(Code::InvalidAnswer).with("id", id).with("reason", unreadable(&e))),
            ),
        }))
    }
}

impl Repository for AskingRepository {
    fn capabilities(&self) -> Capabilities {
        Capabilities::whole("none", crate::base::limits::PAGE)
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        let wanted = keys.to_vec();
        let asked = self.ask::<Vec<Option<Record>>>(NeedKind::Get { tenant: tenant.to_owned(), keys: wanted });
        Box::pin(async move {
            let found = asked.await?;
            let right = found.len() == keys.len()
                && found.iter().zip(keys).all(|(r, k)| r.as_ref().is_none_or(|r| r.key() == *k));
            if right {
                Ok(found)
            } else {
                Err(Error::new(Code::InvalidAnswer)
                    .with("id", 0)
                    .with("reason", Reason::new(Code::RecordEachKey)))
            }
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        let asked = self.ask::<Vec<Record>>(NeedKind::Find(query.clone()));
        Box::pin(async move {
            let found = asked.await?;
            match found.iter().find(|record| !query.matches(record)) {
                None => Ok(found),
                Some(outside) => Err(Error::new(Code::InvalidAnswer).with("id", 0).with(
                    "reason",
                    Reason::new(Code::OutsideQuery).with("kind", clip(&outside.kind)).with("id", outside.id.as_str()),
                )),
            }
        })
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        self.ask(NeedKind::Commit(Box::new(changes.clone())))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        self.ask(NeedKind::Events { tenant: tenant.to_owned(), after: after.map(str::to_owned), limit })
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.ask(NeedKind::Due { tenant: tenant.to_owned(), now, limit })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.ask(NeedKind::NextDue { limit })
    }
}

#[cfg(not(target_arch = "wasm32"))]
type Running = Pin<Box<dyn Future<Output = String> + Send>>;
#[cfg(target_arch = "wasm32")]
type Running = Pin<Box<dyn Future<Output = String>>>;

struct Started {
    future: Running,
    store: AskingRepository,
}

/// The operations that wait for their callers; locked only to take one out or put one back, never while it runs.
#[derive(Default)]
pub struct Steps(Mutex<Table>);

#[derive(Default)]
struct Table {
    made: u32,
    running: BTreeMap<u32, Started>,
}

#[derive(Serialize)]
struct Waiting {
    ok: bool,
    handle: u32,
    needs: Vec<Need>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given<'a> {
    id: u64,
    #[serde(default, borrow)]
    ok: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<GivenError>,
}

#[derive(Deserialize)]
struct GivenError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    retryable: Option<bool>,
    #[serde(default)]
    details: serde_json::Map<String, serde_json::Value>,
}

impl Steps {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request: its answer when it needs nothing, else a handle and the needs.
    pub fn begin(&self, text: &str) -> String {
        let handle = {
            let mut table = self.table();
            if table.running.len() >= HANDLES {
                return refuse(&Error::new(Code::TooManyHandles).with("limit", HANDLES));
            }
            table.made = table.made.wrapping_add(1);
            table.made
        };
        let store = AskingRepository::default();
        let (own, text) = (store.clone(), text.to_owned());
        let future: Running = Box::pin(async move { prepared::call_on(&own, &text).await });
        self.go_on(handle, Started { future, store })
    }

    /// Goes on with the answers to every open need.
    pub fn resume(&self, handle: u32, answers: &str) -> String {
        let Some(started) = self.table().running.remove(&handle) else {
            return refuse(&Error::new(Code::UnknownHandle).with("handle", handle));
        };
        match take_answers(&started.store, answers) {
            Ok(()) => self.go_on(handle, started),
            Err(error) => refuse(&error),
        }
    }

    /// Ends an operation that nobody will answer any more; nothing was committed unless a commit need was answered.
    pub fn abort(&self, handle: u32) -> String {
        let aborted = self.table().running.remove(&handle);
        match aborted {
            Some(_) => r#"{"ok":true}"#.to_owned(),
            None => refuse(&Error::new(Code::UnknownHandle).with("handle", handle)),
        }
    }

    fn go_on(&self, handle: u32, mut started: Started) -> String {
        let mut context = TaskContext::from_waker(Waker::noop());
        if let Poll::Ready(answer) = started.future.as_mut().poll(&mut context) {
            return format!(r#"{{"ok":true,"done":{answer}}}"#);
        }
        let needs = started.store.needs();
        if needs.is_empty() {
            return refuse(&Error::new(Code::ForeignAwait));
        }
        self.table().running.insert(handle, started);
        serde_json::to_string(&Waiting { ok: true, handle, needs })
            .unwrap_or_else(|e| refuse(&Error::new(Code::InternalError).with("reason", e.to_string())))
    }
}

fn take_answers(store: &AskingRepository, text: &str) -> Result<()> {
    let given: Vec<Given<'_>> = serde_json::from_str(text)
        .map_err(|e| Error::new(Code::InvalidAnswer).with("id", 0).with("reason", unreadable(&e)))?;
    for answer in given {
        let result = match (answer.ok, answer.error) {
            (Some(raw), None) => Ok(raw.get().to_owned()),
            (None, Some(error)) => Err(foreign(error)),
            _ => {
                return Err(Error::new(Code::InvalidAnswer)
                    .with("id", answer.id)
                    .with("reason", Reason::new(Code::OkOrError)));
            }
        };
        store.answer(answer.id, result)?;
    }
    match store.needs().first() {
        Some(open) => Err(Error::new(Code::InvalidAnswer)
            .with("id", open.id)
            .with("reason", Reason::new(Code::AnswerEveryNeed))),
        None => Ok(()),
    }
}

/// The error that a host's store reports; an unknown code becomes `storage_failed`.
fn foreign(given: GivenError) -> Error {
    let message = given.message.unwrap_or_default();
    let known = given.code.as_deref().and_then(Code::find).filter(|code| code.kind().is_some());
    let mut error = Error::new(known.unwrap_or(Code::StorageFailed)).with("reason", clip(&message));
    for (name, value) in given.details {
        error = error.with(&name, value);
    }
    match given.retryable {
        Some(retryable) => error.retry(retryable),
        None => error,
    }
}
