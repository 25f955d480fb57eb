//! crm-core for WebAssembly: texts in, texts out; no operation is named here. The façade above it is JavaScript in `lib`.
//!
//! A panic traps and leaves the instance unusable; the façade then throws `engine_crashed` and makes a new one.
#![cfg(target_arch = "wasm32")]

use std::sync::LazyLock;

use crm_core::api::host::Host;
use wasm_bindgen::prelude::wasm_bindgen;

/// The engines and running operations of this instance.
static HOST: LazyLock<Host> = LazyLock::new(Host::new);

/// Answers a request that needs no store.
#[wasm_bindgen]
pub fn call(request: &str) -> String {
    HOST.call(request)
}

/// Describes this build: its versions and its operations.
#[wasm_bindgen]
pub fn describe() -> String {
    HOST.describe()
}

#[cfg(feature = "full")]
mod full {
    use super::{HOST, wasm_bindgen};

    /// Decides over facts.
    #[wasm_bindgen]
    pub fn decide(request: &str) -> String {
        HOST.decide(request)
    }

    /// Opens an engine over an empty repository in memory and gives its number.
    #[wasm_bindgen]
    pub fn open_memory() -> u32 {
        HOST.attach_memory()
    }

    /// Closes an engine and says whether it was open.
    #[wasm_bindgen]
    pub fn close(engine: u32) -> bool {
        HOST.detach(engine)
    }

    /// Answers any request over an engine.
    #[wasm_bindgen]
    pub fn call_on(engine: u32, request: &str) -> String {
        HOST.call_on(engine, request)
    }

    /// Begins a request whose caller is the store.
    #[wasm_bindgen]
    pub fn begin(request: &str) -> String {
        HOST.begin(request)
    }

    /// Goes on with the answers to every open need.
    #[wasm_bindgen]
    pub fn resume(handle: u32, answers: &str) -> String {
        HOST.resume(handle, answers)
    }

    /// Ends an operation that nobody will answer any more.
    #[wasm_bindgen]
    pub fn abort(handle: u32) -> String {
        HOST.abort(handle)
    }
}
