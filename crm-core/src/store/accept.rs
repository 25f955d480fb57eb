//! What every store checks of a change set before it looks at any record.

use std::collections::BTreeSet;

use crate::base::change::ChangeSet;
use crate::base::codes::Code;
use crate::base::error::{Error, Result};

/// Refuses a change set that no store of this version executes.
///
/// # Errors
/// `unsupported_change` for a part that is not executed, for a record that is put or deleted twice (which of the two would hold?),
/// and for a record with more keys than stores have columns.
pub fn accept(changes: &ChangeSet) -> Result<()> {
    let refuse = |part: String| Err(Error::new(Code::UnsupportedChange).with("part", part));
    if let Some(part) = changes.not_executed() {
        return refuse(part.to_owned());
    }
    if let Some(put) = changes.puts.iter().find(|p| p.record.keys.len() > super::sql::KEYS) {
        return refuse(format!("{} keys of a {}", put.record.keys.len(), put.record.kind));
    }
    let mut seen = BTreeSet::new();
    let puts = changes.puts.iter().map(|p| (&p.record.kind, &p.record.id));
    let deletes = changes.deletes.iter().map(|d| (&d.key.kind, &d.key.id));
    match puts.chain(deletes).find(|name| !seen.insert(*name)) {
        Some((kind, id)) => refuse(format!("two changes of the {} {}", kind, id)),
        None => Ok(()),
    }
}
