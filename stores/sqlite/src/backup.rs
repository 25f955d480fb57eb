//! Backup while the store is in use, verified; and the way back.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::store::sql::Dialect;
use crm_core::store::sql::schema::LAYOUT;
use rusqlite::{Connection, OpenFlags};

use crate::failure;

/// What a whole, readable file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Records of all tenants and kinds.
    pub records: u64,
    /// Events of all tenants.
    pub events: u64,
    /// The layout of the tables.
    pub layout: i64,
}

/// Looks through a file that nobody has open: every page, every index against its table, the layout, the counts.
///
/// # Errors
/// `storage_unavailable` when the file is not there, not SQLite's, not a store of ours or damaged; `store_from_newer_engine`.
pub fn verify(file: &Path) -> Result<Contents> {
    if !file.exists() {
        return Err(failure::unavailable(failure::about(Code::FileMissing, file)));
    }
    let damaged = || failure::unavailable(failure::about(Code::NamedFileDamaged, file));
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|e| failure::opening(file, e))?;
    let failed = |e| failure::opening(file, e);
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(damaged());
    }
    let count = |text: &str| -> Result<i64> { connection.query_row(text, [], |row| row.get(0)).map_err(failed) };
    if count("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('crm_meta', 'crm_record')")? < 2 {
        return Err(failure::unavailable(failure::about(Code::NotStoreFile, file)));
    }
    let layout = count(Dialect::Sqlite.layout())?;
    if layout > LAYOUT {
        return Err(Error::new(Code::StoreFromNewerEngine).with("found", layout).with("known", LAYOUT));
    }
    let number = |text: &str| u64::try_from(count(text)?).map_err(|_| damaged());
    let records = number("SELECT count(*) FROM crm_record")?;
    Ok(Contents { records, events: number("SELECT count(*) FROM crm_event")?, layout })
}

/// Puts a backup where a store is to be opened; the backup stays, and a file that is there is never written over.
///
/// The copy is verified and brought to the medium before it gets its name: a crash on the way leaves no half store.
///
/// # Errors
/// As [`verify`]; `storage_failed` when the target exists already or cannot be written.
pub fn restore(backup: &Path, target: &Path) -> Result<Contents> {
    let failed = |code| Error::new(Code::StorageFailed).with("reason", failure::about(code, target));
    let log = target.with_file_name(format!("{}-wal", target.file_name().unwrap_or_default().to_string_lossy()));
    if target.exists() || log.exists() {
        return Err(failed(Code::FileExists));
    }
    let wanted = verify(backup)?;
    let part = part_of(target).map_err(|_| failed(Code::FileNotCreated))?;
    let copied = fs::copy(backup, &part).and_then(|_| fs::File::open(&part)?.sync_all());
    // What is wrong with the copy is told of the backup: nobody knows the copy's name.
    let damaged = || failure::unavailable(failure::about(Code::NamedFileDamaged, backup));
    let restored = copied.map_err(|_| failed(Code::FileNotCreated)).and_then(|()| verify(&part).map_err(|_| damaged()));
    let named = restored.and_then(|found| {
        if found != wanted {
            return Err(damaged());
        }
        name(&part, target).map(|()| found).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => failed(Code::FileExists),
            _ => failed(Code::FileNotCreated),
        })
    });
    for ending in ["", "-wal", "-shm"] {
        let mut file = part.clone().into_os_string();
        file.push(ending);
        let _ = fs::remove_file(file);
    }
    if let Some(folder) = target.parent().filter(|f| !f.as_os_str().is_empty()) {
        // The name itself is brought to the medium too, where the system can.
        let _ = fs::File::open(folder).and_then(|f| f.sync_all());
    }
    named
}

/// A new, empty file beside the target, which nobody else has.
fn part_of(target: &Path) -> std::io::Result<PathBuf> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0_u32;
    loop {
        let part = target.with_file_name(format!("{name}.{}-{number}.part", std::process::id()));
        match fs::File::create_new(&part) {
            Ok(_) => return Ok(part),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 10_000 => {
                number = number.saturating_add(1)
            }
            Err(error) => return Err(error),
        }
    }
}

/// Gives the copy its name, and never to the loss of a file that came into being meanwhile.
fn name(part: &Path, target: &Path) -> std::io::Result<()> {
    match fs::hard_link(part, target) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            // Where there are no links the name is taken first, so that two cannot both have it.
            fs::File::create_new(target)?;
            fs::rename(part, target)
        }
        linked => linked,
    }
}
