//! crm-core for WebAssembly: texts in, texts out; no operation is named here. The façade above it is JavaScript in `lib`.
//!
//! A panic traps and leaves the instance unusable; the façade then throws `engine_crashed` and makes a new one.
#![cfg(target_arch = "wasm32")]

use crm_core::api::host::Host;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    /// The engines and running operations of this instance, which has one thread.
    static HOST: Host = Host::new();
}

/// Answers a request that needs no store.
#[wasm_bindgen]
pub fn call(request: &str) -> String {
    HOST.with(|host| host.call(request))
}

/// Describes this build: its versions and its operations.
#[wasm_bindgen]
pub fn describe() -> String {
    HOST.with(|host| host.describe())
}

#[cfg(feature = "full")]
mod full {
    use crm_core::store::layers::Layers;

    use super::{HOST, wasm_bindgen};

    /// Decides over facts.
    #[wasm_bindgen]
    pub fn decide(request: &str) -> String {
        HOST.with(|host| host.decide(request))
    }

    /// Opens an engine over an empty repository in memory and gives its number.
    #[wasm_bindgen(js_name = openMemory)]
    pub fn open_memory(history: bool) -> u32 {
        HOST.with(|host| host.attach_memory_with(Layers { history }))
    }

    /// Closes an engine and says whether it was open.
    #[wasm_bindgen]
    pub fn close(engine: u32) -> bool {
        HOST.with(|host| host.detach(engine))
    }

    /// Answers any request over an engine.
    #[wasm_bindgen(js_name = callOn)]
    pub fn call_on(engine: u32, request: &str) -> String {
        HOST.with(|host| host.call_on(engine, request))
    }

    /// Begins a request whose caller is the store.
    #[wasm_bindgen]
    pub fn begin(request: &str) -> String {
        HOST.with(|host| host.begin(request))
    }

    /// Goes on with the answers to every open need.
    #[wasm_bindgen]
    pub fn resume(handle: u32, answers: &str) -> String {
        HOST.with(|host| host.resume(handle, answers))
    }

    /// Ends an operation that nobody will answer any more.
    #[wasm_bindgen]
    pub fn abort(handle: u32) -> String {
        HOST.with(|host| host.abort(handle))
    }
}
