//! The step protocol: the caller is the store, and answers what the operation needs.
//!
//! An operation is an ordinary future over a repository whose every call parks a need; it is polled by hand, so nothing calls out of
//! the engine. Running operations live in a bounded table.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};

use super::asking::{Board, Need, unusable};
use super::begin;
use super::request::refuse;
use crate::base::codes::Code;
use crate::base::error::{Error, Kind, Result};
use crate::base::hint::refused;
use crate::base::json::{FromJson, Raw, ToJson};
use crate::base::reader;
use crate::base::reason::Reason;
use crate::base::text::clip;
use crate::base::writer;

/// The most operations that run at once.
pub const HANDLES: usize = 1_024;

#[cfg(not(target_arch = "wasm32"))]
type Running = Pin<Box<dyn Future<Output = String> + Send>>;
#[cfg(target_arch = "wasm32")]
type Running = Pin<Box<dyn Future<Output = String>>>;

struct Started {
    future: Running,
    board: Board,
}

/// The operations that wait for their callers; locked only to take one out or put one back, never while it runs.
#[derive(Default)]
pub struct Steps(Mutex<Table>);

#[derive(Default)]
struct Table {
    made: u32,
    running: BTreeMap<u32, Started>,
}

#[derive(ToJson)]
struct Waiting {
    ok: bool,
    handle: u32,
    needs: Vec<Need>,
}

#[derive(FromJson)]
#[serde(deny_unknown_fields)]
struct Given<'a> {
    id: u64,
    #[serde(default, borrow)]
    ok: Option<Raw<'a>>,
    #[serde(default)]
    error: Option<GivenError>,
}

#[derive(FromJson)]
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
        let board = Board::default();
        let (own, text) = (board.clone(), text.to_owned());
        let future: Running = Box::pin(async move { begin::answer(&own, &text).await });
        self.go_on(handle, Started { future, board })
    }

    /// Goes on with the answers to every open need.
    pub fn resume(&self, handle: u32, answers: &str) -> String {
        let Some(started) = self.table().running.remove(&handle) else {
            return refuse(&Error::new(Code::UnknownHandle).with("handle", handle));
        };
        match take_answers(&started.board, answers) {
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
        let needs = started.board.needs();
        if needs.is_empty() {
            return refuse(&Error::new(Code::ForeignAwait));
        }
        self.table().running.insert(handle, started);
        writer::to_string(&Waiting { ok: true, handle, needs }, 0)
    }
}

fn take_answers(board: &Board, text: &str) -> Result<()> {
    let given: Vec<Given<'_>> = reader::from_str(text).map_err(|e| unusable(0, refused(text, &e)))?;
    for answer in given {
        let result = match (answer.ok, answer.error) {
            (Some(raw), None) => Ok(raw.get().to_owned()),
            (None, Some(error)) => Err(foreign(error)),
            _ => return Err(unusable(answer.id, Reason::new(Code::OkOrError))),
        };
        board.answer(answer.id, result)?;
    }
    match board.needs().first() {
        Some(open) => Err(unusable(open.id, Reason::new(Code::AnswerEveryNeed))),
        None => Ok(()),
    }
}

/// The error that a host's store reports; an unknown code becomes `storage_failed`. What it says goes into failures of the store alone:
/// a refusal has words of its own.
fn foreign(given: GivenError) -> Error {
    let message = given.message.unwrap_or_default();
    let known = given.code.as_deref().and_then(Code::find).filter(|code| code.kind().is_some());
    let code = known.unwrap_or(Code::StorageFailed);
    let mut error = Error::new(code);
    let shows = code.english().contains("{reason}");
    if !message.is_empty() && (shows || known.is_none() || code.kind() == Some(Kind::Storage)) {
        error = error.with("reason", clip(&message));
    } else if shows {
        error = error.with("reason", Reason::new(Code::SaidNothing));
    }
    // What a sentence names and the store did not tell.
    for (name, unknown) in [("kind", "record"), ("id", "?")] {
        if code.english().contains(&["{", name, "}"].concat()) {
            error = error.with(name, unknown);
        }
    }
    for (name, value) in given.details {
        error = error.with(&name, value);
    }
    match given.retryable {
        Some(retryable) => error.retry(retryable),
        None => error,
    }
}
