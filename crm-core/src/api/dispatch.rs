//! From a request to its answer: pure operations here, the others over a repository.

use super::request::{Request, refuse, write};
use super::table::{Operation, Runner, find, names};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::text::{clip, suggest};

/// Finds an operation for a request.
///
/// # Errors
/// `unknown_operation` with the nearest name; `not_in_this_build`.
pub fn lookup(name: &str) -> Result<&'static Operation> {
    find(name).ok_or_else(|| {
        if names().any(|known| known == name) || name == "batch" {
            return Error::new(Code::NotInThisBuild).with("op", name);
        }
        let hint = match suggest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`describe` lists the operations".to_owned(),
        };
        Error::new(Code::UnknownOperation).with("op", clip(name)).with("hint", hint).at("op")
    })
}

/// Answers a request that needs no store.
pub fn call(text: &str) -> String {
    let request = match Request::read(text) {
        Ok(request) => request,
        Err(error) => return refuse(&error),
    };
    let result = lookup(&request.op).and_then(|operation| match operation.runner {
        Runner::Pure(run) => run(request.input(), &request.context),
        #[cfg(feature = "store")]
        Runner::Stored(_) => Err(Error::new(Code::NeedsStore).with("op", operation.name)),
    });
    write(result, request.explain)
}

#[cfg(feature = "store")]
pub use stored::{Prepared, call_on, run_typed};

#[cfg(feature = "store")]
mod stored {
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use sha2::{Digest, Sha256};

    use super::super::batch;
    use super::super::request::decode;
    use super::super::table::Written;
    use super::*;
    use crate::base::change::ChangeSet;
    use crate::base::decision::Decision;
    use crate::base::reason::Explain;
    use crate::config::{Config, hex};
    use crate::crm::Crm;
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
            let request = Request::read(text)?;
            let operation = if request.op == batch::OPERATION.name { &batch::OPERATION } else { lookup(&request.op)? };
            let config = request.config.map(|raw| decode::<Config>("config", raw.get()).map_err(|e| e.at("config"))).transpose()?;
            let hash = match &request.idempotency_key {
                Some(_) => Some(hash(operation.name, &request.context.tenant, request.expect_version, request.input())?),
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
            self.request.facts.map(serde_json::value::RawValue::get)
        }

        /// The caller's idempotency key.
        pub fn idempotency_key(&self) -> Option<&str> {
            self.request.idempotency_key.as_deref()
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
                Runner::Pure(pure) => pure(self.request.input(), &self.request.context),
                Runner::Stored(_) => run::run(repository, self.frame(), self).await,
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
                Runner::Pure(pure) => Box::pin(std::future::ready(pure(self.request.input(), &self.request.context))),
                Runner::Stored(stored) => stored(session, self.request.input()),
            }
        }
    }

    /// Answers any request over a repository.
    pub async fn call_on(repository: &dyn Repository, text: &str) -> String {
        match Prepared::read(text) {
            Err(error) => refuse(&error),
            Ok(prepared) => write(prepared.run(repository).await, prepared.explain()),
        }
    }

    /// Runs a typed operation of an engine.
    ///
    /// # Errors
    /// Whatever the operation refuses or the store meets.
    pub async fn run_typed<I, T>(crm: &Crm, operation: &'static str, input: &I, job: &dyn Job<T>) -> Result<Decision<T>>
    where
        I: Serialize,
        T: Serialize + DeserializeOwned + Send,
    {
        let hash = match crm.key() {
            Some(_) => {
                let text = serde_json::to_string(input).map_err(|e| Error::new(Code::InternalError).with("reason", e.to_string()))?;
                Some(hash(operation, &crm.context().tenant, crm.expected_version(), &text)?)
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
        run::run(crm.repository().as_ref(), frame, job).await
    }

    /// The hash by which a repeated request is known: its operation, tenant, expected version and input, whatever the order of fields.
    fn hash(operation: &str, tenant: &str, version: Option<u64>, input: &str) -> Result<String> {
        let parsed: serde_json::Value = serde_json::from_str(input).map_err(|e| Error::new(Code::InvalidJson).with("reason", e.to_string()))?;
        let text = serde_json::json!([operation, tenant, version, parsed]).to_string();
        Ok(hex(&Sha256::digest(text.as_bytes())))
    }
}
