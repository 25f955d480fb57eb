//! The Python binding: texts in, texts out; it names no operation.
//!
//! Everything that Python users see is written in Python (`python/crm_core`); this module holds the process's one
//! [`Host`] and lets other Python threads run while the engine works.
#![allow(missing_docs)] // the macros' own items

mod columns;

use std::sync::LazyLock;

use crm_core::api::host::Host;
use crm_core::store::layers::Layers;
use crm_store_sqlite::{Files, Opening};
use pyo3::prelude::*;

static HOST: LazyLock<Host> = LazyLock::new(Host::new);

/// The files that are open, by engine.
static FILES: Files = Files::new();

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
    fn open_memory(history: bool) -> u32 {
        HOST.attach_memory_with(Layers { history })
    }

    /// Opens an engine over an SQLite file; the answer's value is its number.
    #[pyfunction]
    fn open(py: Python<'_>, address: &str, durability: &str, busy_timeout: f64, history: bool) -> String {
        let layers = Layers { history };
        py.detach(|| FILES.open(&HOST, &Opening { address, durability, busy_timeout, layers }))
    }

    /// Does with an engine's file, or with files that nobody has open, what is no operation.
    #[pyfunction]
    fn file(py: Python<'_>, engine: Option<u32>, command: &str) -> String {
        py.detach(|| FILES.run(engine, command))
    }

    /// Answers any request over an engine's store.
    #[pyfunction]
    fn call_on(py: Python<'_>, engine: u32, request: &str) -> String {
        py.detach(|| HOST.call_on(engine, request))
    }

    /// Closes an engine; says whether it was open.
    #[pyfunction]
    fn close(py: Python<'_>, engine: u32) -> bool {
        py.detach(|| FILES.close(&HOST, engine))
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
