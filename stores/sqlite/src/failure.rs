//! SQLite's failures in the engine's words, each with its remedy.

use std::path::Path;

use crm_core::base::codes::Code;
use crm_core::base::error::Error;
use crm_core::base::reason::Reason;
use crm_core::base::text::clip;
use rusqlite::ErrorCode;

/// A failure while reading or writing.
pub fn of(error: rusqlite::Error) -> Error {
    if is_locked(&error) {
        return Error::new(Code::StorageLocked);
    }
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Reason::new(Code::DiskFull),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Reason::new(Code::FileNotWritable),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Reason::new(Code::FileDamaged),
        Some(ErrorCode::SystemIoFailure) => Reason::new(Code::FileAccessFailed),
        _ => Reason::new(Code::DatabaseSaid).with("said", clip(&error.to_string())),
    };
    Error::new(Code::StorageFailed).with("reason", reason)
}

/// A failure while opening a file.
pub fn opening(file: &Path, error: rusqlite::Error) -> Error {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => about(Code::NotDatabaseFile, file),
        Some(ErrorCode::DatabaseCorrupt) => about(Code::NamedFileDamaged, file),
        _ if is_locked(&error) => return Error::new(Code::StorageLocked),
        _ if file.is_dir() => about(Code::FileIsFolder, file),
        _ if !folder.is_dir() => Reason::new(Code::FolderMissing).with("folder", named(folder)),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            about(Code::FileNotAllowed, file)
        }
        _ => return of(error),
    };
    unavailable(reason)
}

/// A reason that names a file.
pub fn about(code: Code, file: &Path) -> Reason {
    Reason::new(code).with("file", named(file))
}

/// A path for a message; of a long one the end, which tells it from others.
fn named(path: &Path) -> String {
    const LONGEST: usize = 120;
    let text: String = path.display().to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let length = text.chars().count();
    if length <= LONGEST {
        return text;
    }
    let end: String = text.chars().skip(length.saturating_sub(LONGEST)).collect();
    format!("…{end}")
}

/// The refusal to open, for a reason.
pub fn unavailable(reason: Reason) -> Error {
    Error::new(Code::StorageUnavailable).with("reason", reason)
}

/// The refusal to open with a table or column of the host's that is not there.
pub fn missing(error: &rusqlite::Error) -> Error {
    let said = match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    unavailable(Reason::new(Code::NotInDatabase).with("said", clip(&said)))
}

/// The refusal to serve a process that did not open the store.
pub fn forked() -> Error {
    unavailable(Reason::new(Code::OpenedBeforeFork))
}

/// The refusal to write into a file that nobody can open any more.
pub fn gone(file: &Path) -> Error {
    unavailable(about(Code::FileGone, file))
}

/// Says whether somebody else holds the lock.
pub fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
