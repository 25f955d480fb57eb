//! Processes that were forked: what one inherits it neither uses nor closes, and what was open it does not open beside that.
//!
//! SQLite keeps its locks of a file once a process. A child inherits that book-keeping but none of the locks, so a connection of its own
//! would believe to hold what it does not: when the parent then closed the file, it would take the log away under the child, whose
//! acknowledged commits were lost with it. Tried: they were.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crm_core::base::codes::Code;
use crm_core::base::error::Result;

use crate::failure;
use crate::open::Identity;

/// The files that are open, each with the process that opened it and how often; a child inherits it as it was.
static OPEN: Mutex<BTreeMap<Identity, (u32, u32)>> = Mutex::new(BTreeMap::new());

fn open() -> MutexGuard<'static, BTreeMap<Identity, (u32, u32)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses to open a file that was open when this process was forked.
///
/// # Errors
/// `storage_unavailable`.
pub fn check(identity: Option<Identity>, file: &Path) -> Result<()> {
    let inherited = |identity| open().get(&identity).is_some_and(|&(process, _)| process != std::process::id());
    match identity {
        Some(identity) if inherited(identity) => Err(failure::unavailable(failure::about(Code::OpenAtFork, file))),
        _ => Ok(()),
    }
}

/// An open file, for as long as it is open.
pub struct Lease {
    identity: Identity,
    process: u32,
}

impl Lease {
    /// Notes that this process has a file open.
    pub fn of(identity: Identity) -> Self {
        let process = std::process::id();
        let mut open = open();
        let count = open.entry(identity).or_insert((process, 0));
        count.1 = count.1.saturating_add(1);
        Lease { identity, process }
    }

    /// The file, as it was when it was opened.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Says whether this is the process that opened it.
    pub fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_ours() {
            return;
        }
        let mut open = open();
        if let Some(count) = open.get_mut(&self.identity) {
            count.1 = count.1.saturating_sub(1);
            if count.1 == 0 {
                open.remove(&self.identity);
            }
        }
    }
}

#[cfg(test)]
impl Lease {
    /// What a child sees: the lease of another process.
    pub fn inherit(&mut self) {
        self.process = self.process.wrapping_add(1);
        if let Some(count) = open().get_mut(&self.identity) {
            count.0 = self.process;
        }
    }
}
