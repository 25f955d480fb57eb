//! The engine of a Rust host: a repository, a context, and typed operations over them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::config::Config;
use crate::store::memory::MemoryRepository;
use crate::store::repository::Repository;

/// A CRM over a repository, in a context.
///
/// Cheap to clone; [`Crm::at`] gives one for another moment or actor. The areas (`crm.accounts()`, `crm.opportunities()`, …) are
/// generated from the operation table.
///
/// # Example: an opportunity is won
/// ```
/// use crm_core::base::context::Context;
/// use crm_core::crm::{block_on, Crm};
///
/// let now = Context { now: Some("2026-01-31T09:00:00Z".parse()?), seed: Some("example".into()), ..Context::default() };
/// let crm = Crm::in_memory().at(now);
/// let deal = block_on(crm.opportunities().create(&serde_json::from_str(r#"{"name": "Ten laptops"}"#).unwrap()))??.value;
/// let won = block_on(crm.opportunities().win(&serde_json::from_value(serde_json::json!({"id": deal.id})).unwrap()))??;
/// assert_eq!(won.value.stage, "won");
/// assert_eq!(won.reasons[1].english(), format!("`{}` moves from `prospecting` to `won`", deal.id));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Crm {
    repository: Arc<dyn Repository>,
    context: Context,
    config: Option<Arc<Config>>,
    key: Option<String>,
    expect_version: Option<u64>,
}

impl Crm {
    /// An engine over a repository.
    pub fn new(repository: Arc<dyn Repository>) -> Self {
        Crm { repository, context: Context::default(), config: None, key: None, expect_version: None }
    }

    /// An engine over an empty repository in memory.
    pub fn in_memory() -> Self {
        Crm::new(Arc::new(MemoryRepository::new()))
    }

    /// The same engine in another context.
    #[must_use]
    pub fn at(&self, context: Context) -> Self {
        Crm { context, ..self.clone() }
    }

    /// The same engine under a given configuration instead of the stored one.
    #[must_use]
    pub fn under(&self, config: Config) -> Self {
        Crm { config: Some(Arc::new(config)), ..self.clone() }
    }

    /// The same engine; its next operation is known by this key, so that repeating it changes nothing twice.
    #[must_use]
    pub fn once(&self, key: &str) -> Self {
        Crm { key: Some(key.to_owned()), ..self.clone() }
    }

    /// The same engine; its next operation is refused unless the record stands at this version.
    #[must_use]
    pub fn expecting(&self, version: u64) -> Self {
        Crm { expect_version: Some(version), ..self.clone() }
    }

    /// The repository.
    pub fn repository(&self) -> &Arc<dyn Repository> {
        &self.repository
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The configuration given to this engine, if any.
    pub fn given_config(&self) -> Option<&Config> {
        self.config.as_deref()
    }

    /// The idempotency key of the next operation, if any.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The version that the next operation expects, if any.
    pub fn expected_version(&self) -> Option<u64> {
        self.expect_version
    }
}

/// Runs a future whose every step completes at once, as over the memory and SQLite stores.
///
/// # Errors
/// `foreign_await` when it waits for something that is not there yet: run it on an executor instead.
pub fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let mut future = pin!(future);
    let mut context = TaskContext::from_waker(Waker::noop());
    match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(Error::new(Code::ForeignAwait)),
    }
}
