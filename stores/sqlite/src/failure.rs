//! SQLite's failures in the engine's words, each with its remedy.

use std::path::Path;

use crm_core::base::codes::Code;
use crm_core::base::error::Error;
use crm_core::base::text::clip;
use rusqlite::ErrorCode;

/// A failure while reading or writing.
pub fn of(error: rusqlite::Error) -> Error {
    if is_locked(&error) {
        return Error::new(Code::StorageLocked);
    }
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; free some space and repeat".to_owned(),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the file may not be written; give this process the right to".to_owned()
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is damaged; restore it from a backup".to_owned()
        }
        Some(ErrorCode::SystemIoFailure) => {
            "reading or writing the file failed; check the disk and whether the file is still there".to_owned()
        }
        _ => format!("{}; if it comes again, please report it", clip(&error.to_string())),
    };
    Error::new(Code::StorageFailed).with("reason", reason)
}

/// A failure while opening a file.
pub fn opening(file: &Path, error: rusqlite::Error) -> Error {
    let name = clip(&file.display().to_string());
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => format!("`{name}` is not an SQLite file; name another file"),
        Some(ErrorCode::DatabaseCorrupt) => format!("`{name}` is damaged; restore it from a backup"),
        _ if is_locked(&error) => return Error::new(Code::StorageLocked),
        _ if file.is_dir() => format!("`{name}` is a folder; name a file in it"),
        _ if !folder.is_dir() => {
            format!("the folder `{}` does not exist; make it first", clip(&folder.display().to_string()))
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            format!("`{name}` may not be read and written; give this process the right to, also in its folder")
        }
        _ => return of(error),
    };
    unavailable(reason)
}

/// The refusal to open, for a reason.
pub fn unavailable(reason: String) -> Error {
    Error::new(Code::StorageUnavailable).with("reason", reason)
}

/// The refusal to serve a process that did not open the store.
pub fn forked() -> Error {
    unavailable("it was opened before this process was forked; open it again here".to_owned())
}

/// The refusal to write into a file that nobody can open any more.
pub fn gone(file: &Path) -> Error {
    let name = clip(&file.display().to_string());
    unavailable(format!("`{name}` was moved, deleted or replaced since it was opened; open it again"))
}

/// Says whether somebody else holds the lock.
pub fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
