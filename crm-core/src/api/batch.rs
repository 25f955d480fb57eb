//! Several operations in one request: all of them in one commit, or each by itself.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::request::{add_value, decode, refuse};
use super::table::{Decides, Effect, Operation, Runner, Written, lookup, run_pure};
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::limits;
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchAnswer {
    /// One answer an operation: `{ok: true, value, reasons}` or `{ok: false, error}`.
    pub results: Vec<serde_json::Value>,
}

/// The batch as it is read: inputs stay text until their operation reads them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch<'a> {
    #[serde(default = "yes")]
    atomic: bool,
    #[serde(borrow)]
    requests: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    #[serde(borrow)]
    op: std::borrow::Cow<'a, str>,
    #[serde(default)]
    expect_version: Option<u64>,
    #[serde(default, borrow)]
    input: Option<&'a RawValue>,
}

impl<'a> Item<'a> {
    /// The operation, which is often that of the item before.
    fn operation(&self, before: Option<&'static Operation>) -> Result<&'static Operation> {
        if let Some(same) = before.filter(|before| before.name == self.op) {
            return Ok(same);
        }
        if self.op == OPERATION.name {
            return Err(Error::new(Code::NestedBatch).at("op"));
        }
        lookup(&self.op)
    }

    fn text(&self) -> &'a str {
        self.input.map_or("{}", RawValue::get)
    }
}

/// Reads a batch.
///
/// # Errors
/// Every mistake in the batch itself.
pub(super) fn read(text: &str) -> Result<Batch<'_>> {
    let batch: Batch<'_> = decode("batch", text)?;
    limits::items(batch.requests.len(), limits::BATCH, "requests")?;
    Ok(batch)
}

/// The error of an operation that is committed by itself, where one commit or none is wanted.
pub fn by_itself(operation: &str) -> Error {
    Error::new(Code::CommitsByItself).with("op", operation)
}

/// Says whether a request of the batch names the version that it expects.
pub fn expects_version(text: &str) -> bool {
    read(text).is_ok_and(|batch| batch.requests.iter().any(|item| item.expect_version.is_some()))
}

/// Writes the answers of a batch's operations one after the other.
struct Results(String);

impl Results {
    fn new(batch: &Batch<'_>) -> Self {
        // An answer says about twice what its request does.
        let size = batch.requests.iter().map(|item| item.text().len().saturating_mul(2).saturating_add(64)).sum();
        let mut text = String::with_capacity(size);
        text.push_str(r#"{"results":["#);
        Results(text)
    }

    fn next(&mut self) -> &mut String {
        if !self.0.ends_with('[') {
            self.0.push(',');
        }
        &mut self.0
    }

    fn finish(mut self) -> Decision<Written> {
        self.0.push_str("]}");
        Decision::plain(Written::made(self.0))
    }
}

async fn run_together(session: &mut Session<'_>, text: &str) -> Result<Decision<Written>> {
    together(session, &read(text)?).await
}

async fn together(session: &mut Session<'_>, batch: &Batch<'_>) -> Result<Decision<Written>> {
    if !batch.atomic {
        return Err(Error::new(Code::NeedsStore).with("op", "batch"));
    }
    let explain = session.context().explain;
    let mut results = Results::new(batch);
    let mut before = None;
    for (place, item) in batch.requests.iter().enumerate() {
        let step = async {
            let operation = item.operation(before)?;
            before = Some(operation);
            session.enter(operation.name, item.expect_version);
            let decision = match operation.runner {
                Runner::Pure(pure) => run_pure(pure, item.text(), session.context()).map_err(inside)?,
                Runner::Stored(stored) => stored(session, item.text()).await.map_err(inside)?,
                Runner::Direct(_) => return Err(by_itself(operation.name).at("op")),
            };
            add_value(results.next(), decision.value.get(), decision.reasons, explain)
        };
        step.await.map_err(|e: Error| e.at(&format!("requests[{place}]")))?;
    }
    Ok(results.finish())
}

/// The operations of a batch in one commit.
struct Together<'a>(&'a Batch<'a>);

impl Job<Written> for Together<'_> {
    fn decide<'s>(&'s self, session: &'s mut Session<'_>) -> BoxFuture<'s, Result<Decision<Written>>> {
        Box::pin(together(session, self.0))
    }
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

impl Batch<'_> {
    /// Runs the batch: in one commit, or its operations one by one; then one that is refused does not stop the others.
    ///
    /// # Errors
    /// In one commit, whatever an operation refuses or the store meets.
    pub(super) async fn run(&self, repository: &dyn Repository, frame: Frame<'_>) -> Result<Decision<Written>> {
        if self.atomic {
            return run::run(repository, frame, &Together(self)).await;
        }
        let mut results = Results::new(self);
        for (place, item) in self.requests.iter().enumerate() {
            match self.run_one(repository, frame, place, item).await {
                Ok(decision) => {
                    add_value(results.next(), decision.value.get(), decision.reasons, frame.context.explain)?;
                }
                Err(error) => results.next().push_str(&refuse(&error)),
            }
        }
        Ok(results.finish())
    }

    async fn run_one(
        &self,
        repository: &dyn Repository,
        frame: Frame<'_>,
        place: usize,
        item: &Item<'_>,
    ) -> Result<Decision<Written>> {
        let mut context = frame.context.clone();
        // Each operation derives ids of its own.
        context.seed = context.seed.map(|seed| format!("{seed}/{place}"));
        let key = frame.idempotency.map(|(key, hash)| (key_of(key, place), format!("{hash}/{place}")));
        let operation = item.operation(None)?;
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
        run::run(repository, inner, &One { operation, text: item.text() }).await
    }
}
