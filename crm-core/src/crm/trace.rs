//! What the host's subscriber sees of an operation: a span with its name, tenant, correlation and end. Without the feature `tracing`
//! there is nothing of it.

use std::future::Future;

use super::run::Frame;
use crate::base::error::{Error, Result};
use crate::store::repository::Repository;

/// An operation that is watched, with the repository that shows its calls.
pub struct Watched<'a> {
    store: Store<'a>,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// A repository that shows its calls.
pub struct Store<'a> {
    #[cfg(feature = "tracing")]
    inner: crate::store::traced::Traced<'a>,
    #[cfg(not(feature = "tracing"))]
    inner: &'a dyn Repository,
}

impl<'a> Store<'a> {
    /// Shows the calls of a repository.
    pub fn of(repository: &'a dyn Repository) -> Self {
        #[cfg(feature = "tracing")]
        let repository = crate::store::traced::Traced(repository);
        Store { inner: repository }
    }

    /// The repository.
    pub fn repository(&self) -> &dyn Repository {
        #[cfg(feature = "tracing")]
        {
            &self.inner
        }
        #[cfg(not(feature = "tracing"))]
        {
            self.inner
        }
    }
}

impl<'a> Watched<'a> {
    /// Begins to watch an operation.
    pub fn new(repository: &'a dyn Repository, frame: &Frame<'_>) -> Self {
        #[cfg(not(feature = "tracing"))]
        let _ = frame;
        Watched {
            store: Store::of(repository),
            #[cfg(feature = "tracing")]
            span: tracing::info_span!(
                target: "crm_core",
                "operation",
                op = frame.operation,
                tenant = frame.context.tenant.as_str(),
                correlation = frame.context.correlation.as_deref(),
                attempts = tracing::field::Empty,
                outcome = tracing::field::Empty,
            ),
        }
    }

    /// The repository, whose calls are shown beneath the operation.
    pub fn repository(&self) -> &dyn Repository {
        self.store.repository()
    }

    /// Waits for the operation and notes how it ended: `ok`, or the error's code; never its message, which may repeat the input.
    ///
    /// # Errors
    /// The operation's own.
    #[cfg(feature = "tracing")]
    pub async fn until<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        use crate::base::error::Kind;

        let ended = tracing::Instrument::instrument(operation, self.span.clone()).await;
        self.span.record("outcome", ended.as_ref().map_or_else(Error::code, |_| "ok"));
        if let Err(error) = &ended {
            let (code, retryable) = (error.code(), error.retryable());
            self.span.in_scope(|| match error.kind() {
                Kind::Storage | Kind::Internal => tracing::warn!(target: "crm_core", code, retryable, "failed"),
                _ => tracing::debug!(target: "crm_core", code, retryable, "refused"),
            });
        }
        ended
    }

    /// Waits for the operation.
    ///
    /// # Errors
    /// The operation's own.
    #[cfg(not(feature = "tracing"))]
    pub async fn until<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        operation.await
    }

    /// Notes how often the operation was decided.
    pub fn tried(&self, attempts: u32) {
        #[cfg(feature = "tracing")]
        self.span.record("attempts", attempts);
        #[cfg(not(feature = "tracing"))]
        let _ = attempts;
    }
}

/// Notes that an operation is decided anew, because somebody else was faster.
pub fn again(attempt: u32, error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "crm_core", attempt, code = error.code(), "decided anew");
    #[cfg(not(feature = "tracing"))]
    let _ = (attempt, error);
}
