//! The engine as the demo asks it: JSON requests through the boundary that every binding uses.

use crm_core::api::host::Host;
use crm_core::base::reason::Reason;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use std::cell::Cell;

use super::store::Store;
use super::words::Lang;

/// The demo's present: the day after the last close date of the data, so that every run gives the same figures.
pub const NOW: &str = "2018-01-01T00:00:00Z";
/// The calendar date of [`NOW`], which is also the import date.
pub const TODAY: &str = "2018-01-01";

/// An engine over a store.
pub struct Engine {
    host: Host,
    number: u32,
    lang: Lang,
    tenant: String,
    asked: Cell<u64>,
}

/// What an operation answers.
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// Why.
    pub reasons: Vec<Reason>,
}

#[derive(Deserialize)]
struct Wire<T> {
    value: Option<T>,
    #[serde(default)]
    reasons: Vec<Reason>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
    path: Option<String>,
}

impl Engine {
    /// Opens a new store.
    pub fn create(store: &Store, lang: Lang) -> Result<Self, String> {
        let (repository, tenant) = store.open()?;
        let host = Host::new();
        let number = host.attach(repository);
        Ok(Engine { host, number, lang, tenant, asked: Cell::new(0) })
    }

    /// Asks for a value without its reasons.
    pub fn ask<T: DeserializeOwned>(&self, op: &str, input: &Value) -> Result<T, String> {
        self.request(op, "none", input).map(|answer| answer.value)
    }

    /// Asks for a value and the whole tree of reasons.
    pub fn explain<T: DeserializeOwned>(&self, op: &str, input: &Value) -> Result<Answer<T>, String> {
        self.request(op, "full", input)
    }

    /// Runs operations in one commit: all of them or none.
    pub fn commit(&self, requests: Vec<Value>) -> Result<(), String> {
        self.ask::<IgnoredAny>("batch", &json!({"atomic": true, "requests": requests})).map(|_| ())
    }

    fn request<T: DeserializeOwned>(&self, op: &str, explain: &str, input: &Value) -> Result<Answer<T>, String> {
        self.asked.set(self.asked.get() + 1);
        // The seed makes new ids; a host takes it from its random source, the demo wants the same ids on every run.
        let seed = format!("demo/{}", self.asked.get());
        let context =
            json!({"tenant": self.tenant, "now": NOW, "zone": "UTC", "seed": seed, "locale": self.lang.tag()});
        let request = json!({"wire": 1, "op": op, "context": context, "explain": explain, "input": input});
        let text = self.host.call_on(self.number, &request.to_string());
        let wire: Wire<T> =
            serde_json::from_str(&text).map_err(|error| format!("`{op}` gave an unknown answer: {error}"))?;
        match (wire.value, wire.error) {
            (Some(value), None) => Ok(Answer { value, reasons: wire.reasons }),
            (_, Some(error)) => {
                let place = error.path.map(|path| format!(" at `{path}`")).unwrap_or_default();
                Err(format!("`{op}` was refused with `{}`{place}: {}", error.code, error.message))
            }
            (None, None) => Err(format!("`{op}` gave neither a value nor an error")),
        }
    }
}
