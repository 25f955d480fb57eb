//! PostgreSQL's failures in the engine's words, each with its remedy.

use crm_core::base::codes::Code;
use crm_core::base::error::Error;
use crm_core::base::reason::Reason;
use crm_core::base::text::clip;
use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::SqlState;

/// What went wrong, as far as the caller's next move goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The server ended one of several transactions that stood in each other's way; repeating it may succeed.
    Crossed,
    /// A lock was not free in time.
    Locked,
    /// There is no connection any more.
    Lost,
    /// The server refused a statement.
    Refused,
}

/// The class of a failure.
pub fn class(error: &tokio_postgres::Error) -> Class {
    let Some(refusal) = error.as_db_error() else { return Class::Lost };
    let state = refusal.code();
    if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(state) {
        return Class::Crossed;
    }
    if *state == SqlState::LOCK_NOT_AVAILABLE {
        return Class::Locked;
    }
    // Connection exceptions, operator intervention (but not a cancelled statement), too many connections.
    let lost =
        state.code().starts_with("08") || state.code().starts_with("57P") || *state == SqlState::TOO_MANY_CONNECTIONS;
    if lost { Class::Lost } else { Class::Refused }
}

/// A failure while reading or writing; nothing is written.
pub fn of(error: tokio_postgres::Error) -> Error {
    match class(&error) {
        Class::Crossed => failed(Reason::new(Code::TransactionsCrossed)).retry(true),
        Class::Locked => Error::new(Code::StorageLocked),
        Class::Lost => failed(Reason::new(Code::ConnectionLost)).retry(true),
        Class::Refused => failed(refusal(&error)),
    }
}

/// A failure of the COMMIT itself: unless the server refused it, nobody knows whether it was carried out.
pub fn committing(error: tokio_postgres::Error, has_key: bool) -> Error {
    match class(&error) {
        Class::Lost => failed(Reason::new(Code::CommitUnknown)).retry(has_key),
        _ => of(error),
    }
}

/// What the server said while a connection was made or taken.
fn behind(error: PoolError) -> Result<tokio_postgres::Error, PoolError> {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Ok(error),
        error => Err(error),
    }
}

/// A failure to get a connection.
pub fn connecting(error: PoolError) -> Error {
    match behind(error) {
        Ok(error) => of(error),
        Err(PoolError::Timeout(_)) => failed(Reason::new(Code::NoConnectionFree)).retry(true),
        Err(error) => failed(Reason::new(Code::DatabaseSaid).with("said", clip(&error.to_string()))),
    }
}

/// A failure while opening the store.
pub fn opening(error: PoolError) -> Error {
    match behind(error) {
        Ok(error) if class(&error) == Class::Refused => unavailable(refusal(&error)),
        Ok(_) | Err(PoolError::Timeout(_)) => unavailable(Reason::new(Code::ServerNotReached)).retry(true),
        Err(error) => unavailable(Reason::new(Code::DatabaseSaid).with("said", clip(&error.to_string()))),
    }
}

/// The refusal to open, for a reason.
pub fn unavailable(reason: Reason) -> Error {
    Error::new(Code::StorageUnavailable).with("reason", reason)
}

/// A failure, for a reason.
pub fn failed(reason: Reason) -> Error {
    Error::new(Code::StorageFailed).with("reason", reason)
}

/// The refusal to serve a process that did not open the store.
pub fn forked() -> Error {
    unavailable(Reason::new(Code::OpenedBeforeFork))
}

/// What the server said, without the values that it names beside.
pub fn refusal(error: &tokio_postgres::Error) -> Reason {
    let Some(refusal) = error.as_db_error() else { return Reason::new(Code::ConnectionLost) };
    match *refusal.code() {
        SqlState::DISK_FULL => Reason::new(Code::DiskFull),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::INVALID_SCHEMA_NAME => {
            Reason::new(Code::NotInDatabase).with("said", clip(refusal.message()))
        }
        SqlState::NO_ACTIVE_SQL_TRANSACTION => Reason::new(Code::BeginTransaction),
        SqlState::IN_FAILED_SQL_TRANSACTION => Reason::new(Code::TransactionFailed),
        _ => Reason::new(Code::DatabaseSaid).with("said", clip(refusal.message())),
    }
}
