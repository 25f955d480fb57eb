//! A request over a repository: read, understood, and run or decided.

use super::batch;
use super::request::{Request, decode, refuse, write, write_text};
use super::table::{Operation, Runner, Written, lookup, run_pure};
use crate::base::change::ChangeSet;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::reason::{Explain, Reason};
use crate::config::Config;
use crate::crm::run::{self, Frame, Job};
use crate::crm::session::Session;
use crate::store::repository::{BoxFuture, Repository};

/// A request that was read and understood.
pub struct Prepared<'a> {
    request: Request<'a>,
    operation: &'static Operation,
    config: Option<Config>,
    hash: Option<String>,
}

impl<'a> Prepared<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// Every mistake in the envelope, `unknown_operation`, every mistake in an inline configuration.
    pub fn read(text: &'a str) -> Result<Self> {
        Prepared::of(Request::read(text)?)
    }

    /// Understands a request.
    ///
    /// # Errors
    /// As [`Prepared::read`].
    pub fn of(request: Request<'a>) -> Result<Self> {
        request.context.check()?;
        let operation = if request.op == batch::OPERATION.name { &batch::OPERATION } else { lookup(&request.op)? };
        if operation.name == batch::OPERATION.name && request.expect_version.is_some() {
            // It could not say which of the records it means, and to ignore it would lose a change without a word.
            let error = Error::new(Code::UnknownField).with("field", "expect_version");
            return Err(error.with("hint", Reason::new(Code::NameBesideEach)).at("expect_version"));
        }
        if matches!(operation.runner, Runner::Direct(_)) {
            run::without_marks(request.idempotency_key.as_deref(), request.expect_version)?;
        }
        let config =
            request.config.map(|raw| decode::<Config>("config", raw.get()).map_err(|e| e.at("config"))).transpose()?;
        let hash = match &request.idempotency_key {
            Some(_) => Some(run::request_hash(
                operation.name,
                &request.context.tenant,
                request.expect_version,
                config.as_ref(),
                request.input(),
            )?),
            None => None,
        };
        Ok(Prepared { request, operation, config, hash })
    }

    /// How much explanation is wanted.
    pub fn explain(&self) -> Explain {
        self.request.explain
    }

    /// The facts of a `decide` request.
    pub fn facts(&self) -> Option<&'a str> {
        self.request.facts.map(crate::base::json::Raw::get)
    }

    /// The caller's idempotency key.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.request.idempotency_key.as_deref()
    }

    /// Whether the request, or one within a batch, names the version that it expects.
    pub(super) fn expects_version(&self) -> bool {
        self.request.expect_version.is_some()
            || self.operation.name == batch::OPERATION.name && batch::expects_version(self.request.input())
    }

    /// The request's tenant.
    pub fn tenant(&self) -> &str {
        &self.request.context.tenant
    }

    fn frame(&self) -> Frame<'_> {
        let key = self.request.idempotency_key.as_deref().zip(self.hash.as_deref());
        Frame {
            operation: self.operation.name,
            context: &self.request.context,
            config: self.config.as_ref(),
            idempotency: key,
            expect_version: self.request.expect_version,
        }
    }

    /// Decides and commits.
    ///
    /// # Errors
    /// Whatever the operation refuses or the store meets.
    pub async fn run(&self, repository: &dyn Repository) -> Result<Decision<Written>> {
        if self.operation.name == batch::OPERATION.name && batch::is_separate(self.request.input())? {
            return batch::run_separately(repository, self.frame(), self.request.input()).await;
        }
        match self.operation.runner {
            Runner::Pure(pure) => run_pure(pure, self.request.input(), &self.request.context),
            Runner::Stored(_) => run::run(repository, self.frame(), self).await,
            Runner::Direct(direct) => direct(repository, self.frame(), self.request.input()).await,
        }
    }

    /// Decides without committing.
    ///
    /// # Errors
    /// Whatever the operation refuses or the store meets.
    pub async fn decide(&self, repository: &dyn Repository) -> Result<(Decision<Written>, ChangeSet)> {
        run::decide(repository, self.frame(), self).await
    }
}

impl Job<Written> for Prepared<'_> {
    fn decide<'s>(&'s self, session: &'s mut Session<'_>) -> BoxFuture<'s, Result<Decision<Written>>> {
        match self.operation.runner {
            Runner::Pure(pure) => {
                Box::pin(std::future::ready(run_pure(pure, self.request.input(), &self.request.context)))
            }
            Runner::Stored(stored) => stored(session, self.request.input()),
            Runner::Direct(_) => Box::pin(std::future::ready(Err(batch::by_itself(self.operation.name).at("op")))),
        }
    }
}

/// Answers any request over a repository.
pub async fn call_on(repository: &dyn Repository, text: &str) -> String {
    match Prepared::read(text) {
        Err(error) => refuse(&error),
        Ok(prepared) => answer(prepared, repository).await,
    }
}

/// Answers a request that was understood.
pub async fn answer(prepared: Prepared<'_>, repository: &dyn Repository) -> String {
    match prepared {
        Prepared { request, operation: Operation { runner: Runner::Pure(pure), .. }, .. } => {
            write_text(pure(request.input(), &request.context), request.explain)
        }
        prepared => write(prepared.run(repository).await, prepared.explain()),
    }
}
