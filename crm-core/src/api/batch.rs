//! Several operations in one request: all of them in one commit, or each by itself.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::request::decode;
use super::table::{Decides, Effect, Operation, Runner, Written, lookup, run_pure};
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, Raw, ToJson};
use crate::base::limits;
use crate::base::reason::{Explain, Reason};
use crate::base::writer;
use crate::config::hex;
use crate::crm::run::{self, Frame, Job};
use crate::crm::session::Session;
use crate::store::repository::{BoxFuture, Repository};

/// The row of the batch, which stands beside the table because its inputs are the table's.
pub static OPERATION: Operation = Operation {
    name: "batch",
    area: "",
    method: "batch",
    effect: Effect::Write,
    decides: Decides::WithObligations,
    #[cfg(feature = "schema")]
    doc: "Runs several operations under one context.\n\nWith `atomic` (the default) all are committed together or none is, and later ones see what earlier ones wrote. Without it each is committed by itself, and the answer tells how each ended.\n",
    runner: Runner::Stored(|session, text| Box::pin(run_together(session, text))),
    #[cfg(feature = "schema")]
    types: |requests, answers| (requests.subschema_for::<BatchRequest>(), answers.subschema_for::<BatchAnswer>()),
};

/// One operation of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchItem {
    /// The operation.
    pub op: String,
    /// The version at which the record that it changes is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_version: Option<u64>,
    /// The operation's input.
    #[serde(default)]
    pub input: serde_json::Value,
}

/// Several operations under one context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchRequest {
    /// All in one commit (the default), or each by itself.
    #[serde(default = "yes")]
    pub atomic: bool,
    /// The operations, at most 10,000.
    pub requests: Vec<BatchItem>,
}

fn yes() -> bool {
    true
}

/// How the operations of a batch ended, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchAnswer {
    /// One answer an operation: `{ok: true, value, reasons}` or `{ok: false, error}`.
    pub results: Vec<serde_json::Value>,
}

/// The batch as it is read: inputs stay text until their operation reads them.
#[derive(FromJson)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(default = "yes")]
    atomic: bool,
    #[serde(borrow)]
    requests: Vec<Item<'a>>,
}

#[derive(FromJson)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    #[serde(borrow)]
    op: std::borrow::Cow<'a, str>,
    #[serde(default)]
    expect_version: Option<u64>,
    #[serde(default, borrow)]
    input: Option<Raw<'a>>,
}

#[derive(ToJson)]
struct Results {
    results: Vec<Written>,
}

#[derive(ToJson)]
struct Good {
    ok: bool,
    value: Written,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
}

impl<'a> Item<'a> {
    fn operation(&self) -> Result<&'static Operation> {
        if self.op == OPERATION.name {
            return Err(Error::new(Code::NestedBatch).at("op"));
        }
        lookup(&self.op)
    }

    fn text(&self) -> &'a str {
        self.input.map_or("{}", Raw::get)
    }
}

fn read(text: &str) -> Result<Batch<'_>> {
    let batch: Batch<'_> = decode("batch", text)?;
    limits::items(batch.requests.len(), limits::BATCH, "requests")?;
    Ok(batch)
}

/// Says whether each operation of a batch is to be committed by itself.
///
/// # Errors
/// Every mistake in the batch.
pub fn is_separate(text: &str) -> Result<bool> {
    Ok(!read(text)?.atomic)
}

/// The error of an operation that is committed by itself, where one commit or none is wanted.
pub fn by_itself(operation: &str) -> Error {
    Error::new(Code::CommitsByItself).with("op", operation)
}

/// Says whether a request of the batch names the version that it expects.
pub fn expects_version(text: &str) -> bool {
    read(text).is_ok_and(|batch| batch.requests.iter().any(|item| item.expect_version.is_some()))
}

fn good(decision: Decision<Written>, explain: Explain) -> Written {
    writer::to_json(&Good { ok: true, value: decision.value, reasons: Reason::trim(decision.reasons, explain) })
}

async fn run_together(session: &mut Session<'_>, text: &str) -> Result<Decision<Written>> {
    let batch = read(text)?;
    if !batch.atomic {
        return Err(Error::new(Code::NeedsStore).with("op", "batch"));
    }
    let explain = session.context().explain;
    let mut results = Vec::with_capacity(batch.requests.len());
    for (place, item) in batch.requests.iter().enumerate() {
        let step = async {
            let operation = item.operation()?;
            session.enter(operation.name, item.expect_version);
            let decision = match operation.runner {
                Runner::Pure(pure) => run_pure(pure, item.text(), session.context()).map_err(inside)?,
                Runner::Stored(stored) => stored(session, item.text()).await.map_err(inside)?,
                Runner::Direct(_) => return Err(by_itself(operation.name).at("op")),
            };
            Ok(good(decision, explain))
        };
        results.push(step.await.map_err(|e: Error| e.at(&format!("requests[{place}]")))?);
    }
    Ok(Decision::plain(writer::to_json(&Results { results })))
}

/// Puts the path of an item's error into its input, except where the expected version stands beside that.
fn inside(error: Error) -> Error {
    if error.path() == "expect_version" { error } else { error.at("input") }
}

struct One<'a> {
    operation: &'static Operation,
    text: &'a str,
}

impl Job<Written> for One<'_> {
    fn decide<'s>(&'s self, session: &'s mut Session<'_>) -> BoxFuture<'s, Result<Decision<Written>>> {
        match self.operation.runner {
            Runner::Pure(pure) => Box::pin(std::future::ready(run_pure(pure, self.text, session.context()))),
            Runner::Stored(stored) => stored(session, self.text),
            Runner::Direct(_) => Box::pin(std::future::ready(Err(by_itself(self.operation.name)))),
        }
    }
}

/// The key of one operation of a batch; hashed where it would be too long for a key.
fn key_of(key: &str, place: usize) -> String {
    let own = format!("{key}/{place}");
    let is_hashed = Id::new(key).is_ok() && Id::new(&own).is_err();
    if is_hashed { hex(&Sha256::digest(own.as_bytes())) } else { own }
}

/// Runs a batch whose operations are committed one by one; an operation that is refused does not stop the others.
///
/// # Errors
/// Every mistake in the batch itself.
pub async fn run_separately(repository: &dyn Repository, frame: Frame<'_>, text: &str) -> Result<Decision<Written>> {
    let batch = read(text)?;
    let mut results = Vec::with_capacity(batch.requests.len());
    for (place, item) in batch.requests.iter().enumerate() {
        let mut context = frame.context.clone();
        // Each operation derives ids of its own.
        context.seed = context.seed.map(|seed| format!("{seed}/{place}"));
        let key = frame.idempotency.map(|(key, hash)| (key_of(key, place), format!("{hash}/{place}")));
        let one = async {
            let operation = item.operation()?;
            let idempotency = key.as_ref().map(|(k, h)| (k.as_str(), h.as_str()));
            let inner = Frame {
                operation: operation.name,
                context: &context,
                idempotency,
                expect_version: item.expect_version,
                ..frame
            };
            if let Runner::Direct(direct) = operation.runner {
                return direct(repository, Frame { idempotency: None, ..inner }, item.text()).await.map_err(inside);
            }
            let job = One { operation, text: item.text() };
            run::run(repository, inner, &job).await
        };
        results.push(match one.await {
            Ok(decision) => good(decision, frame.context.explain),
            Err(error) => Written::of(super::request::refuse(&error)),
        });
    }
    Ok(Decision::plain(writer::to_json(&Results { results })))
}
