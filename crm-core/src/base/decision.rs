//! What an operation comes to: a value and the reasons for it.

use super::reason::Reason;

/// The outcome of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<T> {
    /// The answer.
    pub value: T,
    /// Why it came out so; empty when no explanation was asked for.
    pub reasons: Vec<Reason>,
}

impl<T> Decision<T> {
    /// An answer that needs no reason.
    pub const fn plain(value: T) -> Self {
        Decision { value, reasons: Vec::new() }
    }

    /// An answer with its reasons.
    pub const fn new(value: T, reasons: Vec<Reason>) -> Self {
        Decision { value, reasons }
    }
}
