//! The files that a binding has open as engines of its host: plain values in, texts out, so that the binding only hands them over.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crm_core::api::host::Host;
use crm_core::api::request::refuse;
use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::base::hint::unreadable;
use crm_core::base::reason::Reason;
use crm_core::store::layers::Layers;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::backup::{self, Contents};
use crate::{Durability, Options, SqliteRepository};

/// How a binding's caller wants a file opened.
pub struct Opening<'a> {
    /// A path or an address such as `sqlite:deals.db`.
    pub address: &'a str,
    /// `power` or `process`.
    pub durability: &'a str,
    /// For how many seconds a commit waits for another process's lock.
    pub busy_timeout: f64,
    /// What goes around the file.
    pub layers: Layers,
}

/// What is done with a file beside operations.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    /// Writes everything, as of one moment, into a new file.
    ExportSnapshot { target: PathBuf },
    /// The same, read back whole.
    Backup { target: PathBuf },
    /// Puts a backup where a store is to be opened; needs no open file.
    Restore { backup: PathBuf, target: PathBuf },
}

/// The open files, by engine.
#[derive(Default)]
pub struct Files(Mutex<BTreeMap<u32, Arc<SqliteRepository>>>);

impl Files {
    /// No file is open.
    pub const fn new() -> Self {
        Files(Mutex::new(BTreeMap::new()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<SqliteRepository>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a file as an engine of a host; the answer's value is its number.
    ///
    /// Refuses as [`SqliteRepository::open`] does, an unknown durability as `unknown_variant` and a waiting time that is none as
    /// `number_out_of_range`.
    pub fn open(&self, host: &Host, opening: &Opening<'_>) -> String {
        answer(self.opened(host, opening).map(Value::from))
    }

    fn opened(&self, host: &Host, opening: &Opening<'_>) -> Result<u32> {
        let file = Arc::new(SqliteRepository::open(opening.address, opening.options()?)?);
        let engine = host.attach(opening.layers.around(file.clone()));
        self.lock().insert(engine, file);
        Ok(engine)
    }

    /// Does with an engine's file what is no operation: `{"export_snapshot": {"target"}}`, `{"backup": {"target"}}`, or without an engine
    /// `{"restore": {"backup", "target"}}`. The answer of the last two says what the file holds.
    pub fn run(&self, engine: Option<u32>, command: &str) -> String {
        answer(self.ran(engine, command))
    }

    fn ran(&self, engine: Option<u32>, command: &str) -> Result<Value> {
        let command: Command =
            serde_json::from_str(command).map_err(|e| Error::new(Code::InvalidJson).with("reason", unreadable(&e)))?;
        let file = |part: &str| {
            let file = engine.and_then(|engine| self.lock().get(&engine).cloned());
            file.ok_or_else(|| Error::new(Code::UnsupportedChange).with("part", part))
        };
        match command {
            Command::ExportSnapshot { target } => {
                file("export_snapshot")?.export_snapshot(&target).map(|()| Value::Null)
            }
            Command::Backup { target } => file("backup")?.backup(&target).map(told),
            Command::Restore { backup, target } => backup::restore(&backup, &target).map(told),
        }
    }

    /// Closes an engine, with its file where it has one; says whether it was open.
    pub fn close(&self, host: &Host, engine: u32) -> bool {
        self.lock().remove(&engine);
        host.detach(engine)
    }
}

impl Opening<'_> {
    fn options(&self) -> Result<Options> {
        let durability = match self.durability {
            "power" => Durability::Power,
            "process" => Durability::Process,
            other => {
                let known = vec!["power", "process"];
                let error = Error::new(Code::UnknownVariant).with("value", other).with("known", known);
                return Err(error.with("hint", Reason::new(Code::ChooseListed)).at("durability"));
            }
        };
        let busy_timeout = Duration::try_from_secs_f64(self.busy_timeout).map_err(|_| {
            let error = Error::new(Code::NumberOutOfRange).with("value", self.busy_timeout.to_string());
            error.with("minimum", 0).with("maximum", 2_147_483).at("busy_timeout")
        })?;
        Ok(Options { durability, busy_timeout, ..Options::default() })
    }
}

fn told(found: Contents) -> Value {
    json!({"events": found.events, "layout": found.layout, "records": found.records})
}

fn answer(result: Result<Value>) -> String {
    match result {
        Ok(value) => json!({"ok": true, "value": value}).to_string(),
        Err(error) => refuse(&error),
    }
}
