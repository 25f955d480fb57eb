//! Running an operation: load, decide, commit, and try again when somebody else was faster.

use sha2::{Digest, Sha256};

use super::engine::Crm;
use super::session::Session;
use crate::base::canonical::canonical;
use crate::base::change::{ChangeSet, Idempotency};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::hint::refused;
use crate::base::id::Id;
use crate::base::json::{FromJson, FromJsonOwned, ToJson};
use crate::base::number::{Numbers, resolve};
use crate::base::reader;
use crate::base::reason::{Explain, Reason};
use crate::base::record::Key;
use crate::base::writer;
use crate::config::{Config, hex};
use crate::store::memory::IDEMPOTENCY;
use crate::store::repository::{BoxFuture, Committed, MaybeSend, MaybeSync, Repository};

/// How often an operation is decided anew after a conflict.
const ATTEMPTS: u32 = 3;

/// What surrounds one run of an operation.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The operation's name.
    pub operation: &'static str,
    /// The request's context.
    pub context: &'a Context,
    /// The configuration that the request carries, if it does.
    pub config: Option<&'a Config>,
    /// The caller's key and the request's hash.
    pub idempotency: Option<(&'a str, &'a str)>,
    /// The version that the caller expects of the record that it changes.
    pub expect_version: Option<u64>,
}

/// An operation, ready to be run over a session; run anew on every attempt.
pub trait Job<T>: MaybeSend + MaybeSync {
    /// Decides once.
    fn decide<'s>(&'s self, session: &'s mut Session<'_>) -> BoxFuture<'s, Result<Decision<T>>>;
}

/// The stored form of an answer.
#[derive(FromJson)]
struct Answer<T> {
    value: T,
    #[serde(default)]
    reasons: Vec<Reason>,
}

/// Decides without committing.
///
/// # Errors
/// Whatever the operation refuses.
pub async fn decide<T>(
    repository: &dyn Repository,
    frame: Frame<'_>,
    job: &dyn Job<T>,
) -> Result<(Decision<T>, ChangeSet)> {
    decide_once(repository, frame, job).await.map(|(decision, changes, _)| (decision, changes))
}

/// Decides, and says whether it is a write, also where nothing is to be changed.
async fn decide_once<T>(
    repository: &dyn Repository,
    frame: Frame<'_>,
    job: &dyn Job<T>,
) -> Result<(Decision<T>, ChangeSet, bool)> {
    let mut session = Session::new(repository, frame.context, frame.config);
    session.enter(frame.operation, frame.expect_version);
    let decision = job.decide(&mut session).await?;
    let is_write = session.is_write();
    Ok((decision, session.finish(), is_write))
}

/// Decides and commits, all or nothing.
///
/// A repeated idempotency key gives the first answer and changes nothing. A conflict is decided anew from fresh reads up to three
/// times, with the same time and ids, but never when the caller named a version nor inside a host's transaction.
///
/// # Errors
/// Whatever the operation refuses or the store meets; `idempotency_key_reused`.
pub async fn run<T>(repository: &dyn Repository, frame: Frame<'_>, job: &dyn Job<T>) -> Result<Decision<T>>
where
    T: ToJson + FromJsonOwned + Send,
{
    if let Some(answer) = replay::<T>(repository, frame).await? {
        return Ok(answer);
    }
    let mut attempt = 1;
    loop {
        let (decision, mut changes, is_write) = decide_once(repository, frame, job).await?;
        if changes.is_empty() && !(is_write && frame.idempotency.is_some()) {
            return Ok(decision);
        }
        if let Some((key, hash)) = frame.idempotency {
            let response = response(&decision);
            changes.idempotency = Some(Idempotency { key: key.to_owned(), request_hash: hash.to_owned(), response });
        }
        match repository.commit(&changes).await {
            Ok(Committed::Done { numbers }) => return numbered(decision, &numbers),
            Ok(Committed::Replayed { response, numbers }) => return read(&response, &numbers),
            // A record that came into being meanwhile is a conflict too: deciding anew says whether it matters.
            Err(error)
                if is_race(&error)
                    && frame.expect_version.is_none()
                    && attempt < ATTEMPTS
                    && !repository.capabilities().in_transaction =>
            {
                attempt = attempt.saturating_add(1);
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_race(error: &Error) -> bool {
    // An occurrence that was carried out meanwhile stays so: deciding it anew would be refused again.
    let is_over = error.details().get("kind").is_some_and(|kind| kind == "timer");
    matches!(error.id(), Code::VersionConflict | Code::RecordExists) && !is_over
}

/// Runs a typed operation of an engine.
///
/// # Errors
/// Whatever the operation refuses or the store meets.
pub async fn run_typed<I, T>(crm: &Crm, operation: &'static str, input: &I, job: &dyn Job<T>) -> Result<Decision<T>>
where
    I: ToJson,
    T: ToJson + FromJsonOwned + Send,
{
    let hash = match crm.key() {
        Some(_) => {
            let text = writer::to_string(input, 0);
            Some(request_hash(operation, &crm.context().tenant, crm.expected_version(), crm.given_config(), &text)?)
        }
        None => None,
    };
    let frame = Frame {
        operation,
        context: crm.context(),
        config: crm.given_config(),
        idempotency: crm.key().zip(hash.as_deref()),
        expect_version: crm.expected_version(),
    };
    run(crm.repository().as_ref(), frame, job).await
}

/// Refuses an idempotency key and an expected version beside an operation that works on the store itself: they would mean nothing to
/// it, since each of its commits is known by what it carries out.
///
/// # Errors
/// `unknown_field`.
pub fn without_marks(key: Option<&str>, expect_version: Option<u64>) -> Result<()> {
    let given = [("expect_version", expect_version.is_some()), ("idempotency_key", key.is_some())];
    given.into_iter().find(|(_, given)| *given).map_or(Ok(()), |(field, _)| {
        let error = Error::new(Code::UnknownField).with("field", field);
        Err(error.with("hint", Reason::new(Code::RemoveField)).at(field))
    })
}

/// The frame of an operation of an engine that works on the store itself.
///
/// # Errors
/// `unknown_field` with an idempotency key or an expected version.
pub fn direct_frame<'a>(crm: &'a Crm, operation: &'static str) -> Result<Frame<'a>> {
    without_marks(crm.key(), crm.expected_version())?;
    let (context, config) = (crm.context(), crm.given_config());
    Ok(Frame { operation, context, config, idempotency: None, expect_version: None })
}

/// The hash by which a repeated request is known: its operation, tenant, expected version, own configuration and input, whatever the
/// order of fields.
///
/// # Errors
/// `invalid_json` when the input is not JSON.
pub fn request_hash(
    operation: &str,
    tenant: &str,
    version: Option<u64>,
    config: Option<&Config>,
    input: &str,
) -> Result<String> {
    let parsed: std::result::Result<serde_json::Value, _> = reader::from_str(input);
    let parsed = parsed.map_err(|e| Error::new(Code::InvalidJson).with("reason", refused(input, &e)))?;
    let config = config.map(Config::hash);
    let asked: [&dyn ToJson; 5] = [&operation, &tenant, &version, &config, &canonical(parsed)];
    let text = writer::to_string(&asked.as_slice(), 0);
    Ok(hex(&Sha256::digest(text.as_bytes())))
}

async fn replay<T: FromJsonOwned>(repository: &dyn Repository, frame: Frame<'_>) -> Result<Option<Decision<T>>> {
    let Some((key, hash)) = frame.idempotency else { return Ok(None) };
    let id = Id::new(key).map_err(|e| e.at("idempotency_key"))?;
    let keys = [Key::new(IDEMPOTENCY, &id)];
    let Some(mark) = repository.get(&frame.context.tenant, &keys).await?.into_iter().next().flatten() else {
        return Ok(None);
    };
    let corrupt = || Error::new(Code::CorruptRecord).with("kind", IDEMPOTENCY).with("id", key);
    let body: serde_json::Value = reader::from_str(mark.body.text()).map_err(|_| corrupt())?;
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).ok_or_else(corrupt);
    if text("request_hash")? != hash {
        return Err(Error::new(Code::IdempotencyKeyReused).with("key", key).at("idempotency_key"));
    }
    read(text("response")?, &mark.numbers).map(Some)
}

/// The answer as it is stored: reasons without what lies beneath them.
fn response<T: ToJson>(decision: &Decision<T>) -> String {
    let reasons = Reason::trim(decision.reasons.clone(), Explain::Codes);
    #[derive(ToJson)]
    struct Borrowed<'a, T> {
        value: &'a T,
        reasons: Vec<Reason>,
    }
    writer::to_string(&Borrowed { value: &decision.value, reasons }, 0)
}

fn read<T: FromJsonOwned>(response: &str, numbers: &Numbers) -> Result<Decision<T>> {
    let corrupt = |reason: Reason| {
        Error::new(Code::CorruptRecord).with("kind", IDEMPOTENCY).with("id", "response").with("reason", reason)
    };
    let mut text = std::borrow::Cow::Borrowed(response);
    if !numbers.is_empty() {
        let read = reader::from_str::<serde_json::Value>(response);
        let mut answer = read.map_err(|e| corrupt(refused(response, &e)))?;
        resolve(&mut answer, numbers);
        text = writer::to_string(&answer, 0).into();
    }
    let answer: Answer<T> = reader::from_str(&text).map_err(|e| corrupt(refused(&text, &e)))?;
    Ok(Decision::new(answer.value, answer.reasons))
}

/// The decision with the numbers that its commit gave out.
fn numbered<T: ToJson + FromJsonOwned>(decision: Decision<T>, numbers: &Numbers) -> Result<Decision<T>> {
    if numbers.is_empty() { Ok(decision) } else { read(&response(&decision), numbers) }
}
