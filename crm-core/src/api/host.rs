//! What a binding calls: one table of engines and running operations, texts in and texts out.

#[cfg(feature = "store")]
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "store")]
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::dispatch;
use super::request::{WIRE, refuse};
use super::table::operations;
use crate::base::codes::Code;
use crate::base::error::Error;
use crate::base::json::ToJson;
use crate::base::writer;

/// The number of the engine's meaning: it changes when the same request may give another answer.
pub const SEMANTICS: u32 = 1;

/// The engines and running operations of a process; a binding keeps one.
#[derive(Default)]
pub struct Host {
    #[cfg(feature = "store")]
    inner: Mutex<Inner>,
    #[cfg(feature = "store")]
    steps: super::steps::Steps,
}

#[cfg(feature = "store")]
#[derive(Default)]
struct Inner {
    made: u32,
    engines: BTreeMap<u32, Arc<dyn crate::store::repository::Repository>>,
}

/// What a build says of itself.
#[derive(ToJson)]
struct Description {
    operations: Vec<Operation>,
    semantics: u32,
    version: &'static str,
    wire: u32,
}

/// What a build says of an operation.
#[derive(ToJson)]
struct Operation {
    effect: &'static str,
    name: &'static str,
}

/// Answers, and turns a panic into `internal_error`: a defect of ours must not take the host down.
fn guarded(answer: impl FnOnce() -> String) -> String {
    catch_unwind(AssertUnwindSafe(answer))
        .unwrap_or_else(|_| refuse(&Error::new(Code::InternalError).with("reason", "a panic")))
}

impl Host {
    /// A host without engines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a request that needs no store.
    pub fn call(&self, request: &str) -> String {
        guarded(|| dispatch::call(request))
    }

    /// Describes this build: its versions and its operations.
    pub fn describe(&self) -> String {
        let list: Vec<Operation> = operations().map(|o| Operation { effect: o.effect.name(), name: o.name }).collect();
        let (semantics, version, wire) = (SEMANTICS, env!("CARGO_PKG_VERSION"), WIRE);
        writer::to_string(&Description { operations: list, semantics, version, wire }, 0)
    }
}

#[cfg(feature = "store")]
impl Host {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides over facts.
    pub fn decide(&self, request: &str) -> String {
        guarded(|| super::decide::decide(request))
    }

    /// Opens an engine over a repository and gives its number.
    pub fn attach(&self, repository: Arc<dyn crate::store::repository::Repository>) -> u32 {
        let mut inner = self.lock();
        inner.made = inner.made.wrapping_add(1);
        let engine = inner.made;
        inner.engines.insert(engine, repository);
        engine
    }

    /// Opens an engine over an empty repository in memory.
    pub fn attach_memory(&self) -> u32 {
        self.attach(Arc::new(crate::store::memory::MemoryRepository::new()))
    }

    /// Closes an engine; says whether it was open. Closing twice is harmless.
    pub fn detach(&self, engine: u32) -> bool {
        self.lock().engines.remove(&engine).is_some()
    }

    /// Answers any request over an engine's repository, waiting for it.
    pub fn call_on(&self, engine: u32, request: &str) -> String {
        let Some(repository) = self.lock().engines.get(&engine).cloned() else {
            return refuse(&Error::new(Code::UnknownEngine).with("engine", engine));
        };
        guarded(|| {
            crate::crm::block_on(super::prepared::call_on(repository.as_ref(), request)).unwrap_or_else(|e| refuse(&e))
        })
    }

    /// Begins a request whose caller is the store.
    pub fn begin(&self, request: &str) -> String {
        guarded(|| self.steps.begin(request))
    }

    /// Goes on with the answers to every open need.
    pub fn resume(&self, handle: u32, answers: &str) -> String {
        guarded(|| self.steps.resume(handle, answers))
    }

    /// Ends an operation that nobody will answer any more.
    pub fn abort(&self, handle: u32) -> String {
        guarded(|| self.steps.abort(handle))
    }
}
