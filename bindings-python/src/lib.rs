//! The Python binding: texts in, texts out; it names no operation.
//!
//! Everything that Python users see is written in Python (`python/crm_core`); this module holds the process's one
//! [`Host`] and lets other Python threads run while the engine works.
#![allow(missing_docs)] // the macros' own items

mod columns;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use crm_core::api::host::Host;
use crm_core::api::request::refuse;
use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::base::reason::Reason;
use crm_store_sqlite::{Durability, Options, SqliteRepository};
use pyo3::prelude::*;

static HOST: LazyLock<Host> = LazyLock::new(Host::new);

/// The files that are open, by engine: what a host cannot do through the repository alone.
static FILES: Mutex<BTreeMap<u32, Arc<SqliteRepository>>> = Mutex::new(BTreeMap::new());

fn open_file(address: &str, durability: &str, busy_timeout: f64) -> Result<u32> {
    let durability = match durability {
        "power" => Durability::Power,
        "process" => Durability::Process,
        other => {
            let error = Error::new(Code::UnknownVariant).with("value", other).with("known", vec!["power", "process"]);
            return Err(error.with("hint", Reason::new(Code::ChooseListed)).at("durability"));
        }
    };
    let busy_timeout = Duration::try_from_secs_f64(busy_timeout).map_err(|_| {
        let error = Error::new(Code::NumberOutOfRange).with("value", busy_timeout.to_string());
        error.with("minimum", 0).with("maximum", 2_147_483).at("busy_timeout")
    })?;
    let file = Arc::new(SqliteRepository::open(address, Options { durability, busy_timeout })?);
    let engine = HOST.attach(file.clone());
    FILES.lock().unwrap_or_else(PoisonError::into_inner).insert(engine, file);
    Ok(engine)
}

fn answer(result: Result<serde_json::Value>) -> String {
    match result {
        Ok(value) => serde_json::json!({"ok": true, "value": value}).to_string(),
        Err(error) => refuse(&error),
    }
}

/// The engine of crm-core.
#[pymodule]
mod _crm {
    use super::*;

    #[pymodule_export]
    use super::columns::call_frame;

    /// Answers a request that needs no store.
    #[pyfunction]
    fn call(py: Python<'_>, request: &str) -> String {
        py.detach(|| HOST.call(request))
    }

    /// Decides over the facts of a request.
    #[pyfunction]
    fn decide(py: Python<'_>, request: &str) -> String {
        py.detach(|| HOST.decide(request))
    }

    /// Opens an engine over an empty store in memory and gives its number.
    #[pyfunction]
    fn open_memory() -> u32 {
        HOST.attach_memory()
    }

    /// Opens an engine over an SQLite file; the answer's value is its number.
    #[pyfunction]
    fn open(py: Python<'_>, address: &str, durability: &str, busy_timeout: f64) -> String {
        py.detach(|| answer(open_file(address, durability, busy_timeout).map(Into::into)))
    }

    /// Writes everything that a file holds into a new SQLite file.
    #[pyfunction]
    fn export_snapshot(py: Python<'_>, engine: u32, target: PathBuf) -> String {
        let file = FILES.lock().unwrap_or_else(PoisonError::into_inner).get(&engine).cloned();
        let unknown = || Error::new(Code::UnsupportedChange).with("part", "export_snapshot");
        py.detach(|| answer(file.ok_or_else(unknown).and_then(|file| file.export_snapshot(&target)).map(Into::into)))
    }

    /// Answers any request over an engine's store.
    #[pyfunction]
    fn call_on(py: Python<'_>, engine: u32, request: &str) -> String {
        py.detach(|| HOST.call_on(engine, request))
    }

    /// Closes an engine; says whether it was open.
    #[pyfunction]
    fn close(py: Python<'_>, engine: u32) -> bool {
        py.detach(|| {
            FILES.lock().unwrap_or_else(PoisonError::into_inner).remove(&engine);
            HOST.detach(engine)
        })
    }

    /// Begins a request whose caller is the store.
    #[pyfunction]
    fn begin(py: Python<'_>, request: &str) -> String {
        py.detach(|| HOST.begin(request))
    }

    /// Goes on with the answers to every open need.
    #[pyfunction]
    fn resume(py: Python<'_>, handle: u32, answers: &str) -> String {
        py.detach(|| HOST.resume(handle, answers))
    }

    /// Ends an operation that nobody will answer any more.
    #[pyfunction]
    fn abort(py: Python<'_>, handle: u32) -> String {
        py.detach(|| HOST.abort(handle))
    }

    /// Describes this build: its versions and its operations.
    #[pyfunction]
    fn describe() -> String {
        HOST.describe()
    }
}
