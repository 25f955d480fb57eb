//! Opaque cursors of pages.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::record::KeyBytes;
use crate::config::hex;
use crate::store::query::{After, Query};

/// Reads an opaque cursor.
///
/// # Errors
/// `invalid_cursor`.
pub fn parse_cursor(text: Option<&str>, query: &Query) -> Result<Option<After>> {
    let Some(text) = text else { return Ok(None) };
    let bad = || Error::new(Code::InvalidCursor).at("cursor");
    let (mark, place) = text.split_once('.').ok_or_else(bad)?;
    if mark != query_mark(query) {
        return Err(bad());
    }
    let (key, id) = place.split_once('.').ok_or_else(bad)?;
    let key: KeyBytes = serde_json::from_value(Value::String(key.to_owned())).map_err(|_| bad())?;
    Ok(Some(After { key, id: Id::new(id).map_err(|_| bad())? }))
}

/// Writes an opaque cursor, good for the same query alone.
pub fn write_cursor(after: Option<After>, query: &Query) -> Option<String> {
    let after = after?;
    let key = serde_json::to_value(&after.key).ok()?;
    Some(format!("{}.{}.{}", query_mark(query), key.as_str().unwrap_or_default(), after.id))
}

/// What tells one query from another: its kind, tests and order, as the beginning of a hash.
fn query_mark(query: &Query) -> String {
    let asked = (&query.kind, &query.tests, query.order, query.descending);
    let text = serde_json::to_string(&asked).unwrap_or_default();
    hex(Sha256::digest(text.as_bytes()).get(..4).unwrap_or_default())
}
