//! The configuration: one versioned document of rules as data, linted before it may run.
//!
//! Start at [`Config`]; [`lint`] says what is wrong with one.

mod document;
mod lint;

pub use crate::base::text::hex;
pub use document::{Config, ConfigRecord, STORED_ID};
pub use lint::{Finding, LintReport, Severity, lint};
