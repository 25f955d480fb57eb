//! Limits on input, so that no request can exhaust the engine.

use super::codes::Code;
use super::error::{Error, Result};

/// The largest request in bytes.
pub const REQUEST_BYTES: usize = 64 * 1024 * 1024;
/// The longest name (of an account, a product, a user) in characters.
pub const NAME: usize = 200;
/// The longest free text in characters.
pub const TEXT: usize = 10_000;
/// The most lines of a quote.
pub const LINES: usize = 10_000;
/// The most operations of a batch.
pub const BATCH: usize = 10_000;
/// The most records of a page.
pub const PAGE: usize = 1_000;
/// The most records that a question over the whole store reads.
pub const SCAN: usize = 1_000_000;

/// Checks a required text: not empty, not too long, no control characters but line breaks and tabs.
///
/// # Errors
/// `text_empty`, `text_too_long`, `invalid_text`.
pub fn text(value: &str, limit: usize, path: &str) -> Result<()> {
    if value.trim().is_empty() {
        return Err(Error::new(Code::TextEmpty).at(path));
    }
    free_text(value, limit, path)
}

/// Checks an optional text: not too long, no control characters but line breaks and tabs.
///
/// # Errors
/// `text_too_long`, `invalid_text`.
pub fn free_text(value: &str, limit: usize, path: &str) -> Result<()> {
    if value.len() > limit {
        let length = value.chars().count();
        if length > limit {
            return Err(Error::new(Code::TextTooLong).with("length", length).with("limit", limit).at(path));
        }
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::new(Code::InvalidText).at(path));
    }
    Ok(())
}

/// Checks the length of a list.
///
/// # Errors
/// `too_many_items`.
pub fn items(length: usize, limit: usize, path: &str) -> Result<()> {
    if length > limit {
        Err(Error::new(Code::TooManyItems).with("length", length).with("limit", limit).at(path))
    } else {
        Ok(())
    }
}
