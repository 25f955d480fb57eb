//! crm-core for Node: texts in, texts out; no operation is named here. The façade above it is JavaScript in `lib`.
//!
//! What may take long (an engine's requests, opening a file) runs on libuv's workers and gives a Promise.

use std::sync::LazyLock;

use crm_core::api::host::Host;
use crm_core::store::layers::Layers;
use crm_store_sqlite::{Files, Opening};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Result, Task};
use napi_derive::napi;

/// The engines and running operations of this process, shared by all its threads.
static HOST: LazyLock<Host> = LazyLock::new(Host::new);

/// The files that are open, by engine.
static FILES: Files = Files::new();

/// Work for one of libuv's workers: a text in, a text out.
pub struct Work {
    text: String,
    kind: Kind,
}

enum Kind {
    Engine(u32),
    Open { durability: String, busy_timeout: f64, layers: Layers },
    File(Option<u32>),
}

impl Task for Work {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> Result<String> {
        Ok(match &self.kind {
            Kind::Engine(engine) => HOST.call_on(*engine, &self.text),
            Kind::Open { durability, busy_timeout, layers } => {
                let (address, busy_timeout, layers) = (self.text.as_str(), *busy_timeout, *layers);
                FILES.open(&HOST, &Opening { address, durability, busy_timeout, layers })
            }
            Kind::File(engine) => FILES.run(*engine, &self.text),
        })
    }

    fn resolve(&mut self, _: Env, answer: String) -> Result<String> {
        Ok(answer)
    }
}

/// Answers a request that needs no store.
#[napi]
pub fn call(request: String) -> String {
    HOST.call(&request)
}

/// Decides over facts.
#[napi]
pub fn decide(request: String) -> String {
    HOST.decide(&request)
}

/// Describes this build: its versions and its operations.
#[napi]
pub fn describe() -> String {
    HOST.describe()
}

/// Opens an engine over an empty repository in memory and gives its number.
#[napi]
pub fn open_memory(history: bool) -> u32 {
    HOST.attach_memory_with(Layers { history })
}

/// Opens an engine over an SQLite file: the answer's value is its number.
#[napi(ts_return_type = "Promise<string>")]
pub fn open(url: String, durability: String, busy_timeout: f64, history: bool) -> AsyncTask<Work> {
    AsyncTask::new(Work { text: url, kind: Kind::Open { durability, busy_timeout, layers: Layers { history } } })
}

/// Does with an engine's file, or with files that nobody has open, what is no operation.
#[napi(ts_return_type = "Promise<string>")]
pub fn file(engine: Option<u32>, command: String) -> AsyncTask<Work> {
    AsyncTask::new(Work { text: command, kind: Kind::File(engine) })
}

/// Closes an engine and says whether it was open.
#[napi]
pub fn close(engine: u32) -> bool {
    FILES.close(&HOST, engine)
}

/// Answers any request over an engine.
#[napi(ts_return_type = "Promise<string>")]
pub fn call_on(engine: u32, request: String) -> AsyncTask<Work> {
    AsyncTask::new(Work { text: request, kind: Kind::Engine(engine) })
}

/// Begins a request whose caller is the store.
#[napi]
pub fn begin(request: String) -> String {
    HOST.begin(&request)
}

/// Goes on with the answers to every open need.
#[napi]
pub fn resume(handle: u32, answers: String) -> String {
    HOST.resume(handle, &answers)
}

/// Ends an operation that nobody will answer any more.
#[napi]
pub fn abort(handle: u32) -> String {
    HOST.abort(handle)
}
