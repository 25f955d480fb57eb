//! Conditions: the one predicate language of every rule, filter and gate.
//!
//! [`wire::Condition`] is the JSON tree that a caller writes. [`compile::compile`] resolves its field names once against a
//! [`catalogue::Catalogue`] and gives a [`predicate::Predicate`], which [`predicate::Predicate::holds`] asks over a
//! [`row::Row`]: the few fields of a record that it names. Logic has two values; what each operator says of a missing field
//! stands at [`wire::ConditionOp`].

pub mod catalogue;
pub mod compile;
pub mod datum;
pub mod explain;
pub mod lint;
pub mod predicate;
pub mod row;
pub mod wire;

#[cfg(test)]
mod tests;
