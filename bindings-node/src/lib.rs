//! crm-core for Node: texts in, texts out; no operation is named here. The façade above it is JavaScript in `lib`.
//!
//! What may take long (an engine's requests, opening a file) runs on libuv's workers and gives a Promise.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crm_core::api::host::Host;
use crm_core::api::request::refuse;
use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result as Outcome};
use crm_core::base::reason::Reason;
use crm_store_sqlite::{Durability, Options, SqliteRepository};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Result, Task};
use napi_derive::napi;

/// The engines and running operations of this process, shared by all its threads.
static HOST: LazyLock<Host> = LazyLock::new(Host::new);

/// Work for one of libuv's workers: a text in, a text out.
pub struct Work {
    text: String,
    kind: Kind,
}

enum Kind {
    Engine(u32),
    Open { durability: String, busy_timeout: u32 },
}

impl Task for Work {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> Result<String> {
        Ok(match &self.kind {
            Kind::Engine(engine) => HOST.call_on(*engine, &self.text),
            Kind::Open { durability, busy_timeout } => match opened(&self.text, durability, *busy_timeout) {
                Ok(engine) => serde_json::json!({"ok": true, "value": engine}).to_string(),
                Err(error) => refuse(&error),
            },
        })
    }

    fn resolve(&mut self, _: Env, answer: String) -> Result<String> {
        Ok(answer)
    }
}

fn opened(url: &str, durability: &str, busy_timeout: u32) -> Outcome<u32> {
    let durability = match durability {
        "power" => Durability::Power,
        "process" => Durability::Process,
        other => {
            let error = Error::new(Code::UnknownVariant).with("value", other).with("known", vec!["power", "process"]);
            return Err(error.with("hint", Reason::new(Code::ChooseListed)).at("durability"));
        }
    };
    let options = Options { durability, busy_timeout: Duration::from_millis(u64::from(busy_timeout)) };
    Ok(HOST.attach(Arc::new(SqliteRepository::open(url, options)?)))
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
pub fn open_memory() -> u32 {
    HOST.attach_memory()
}

/// Opens an engine over an SQLite file: the answer's value is its number.
#[napi(ts_return_type = "Promise<string>")]
pub fn open(url: String, durability: String, busy_timeout: u32) -> AsyncTask<Work> {
    AsyncTask::new(Work { text: url, kind: Kind::Open { durability, busy_timeout } })
}

/// Closes an engine and says whether it was open.
#[napi]
pub fn close(engine: u32) -> bool {
    HOST.detach(engine)
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
