//! The boundary: every operation is declared once in [`table`], and everything that crosses a language does so here as JSON text.
//!
//! Start at [`table`] for the operations, at [`host::Host`] for what a binding calls. [`request`] is the envelope, [`shape`] the
//! validation that reports every mistake at once, [`steps`] the protocol for a caller that is the store itself ([`asking`], or
//! `statements` for one that only executes SQL), [`decide`] the same operation over facts.

#[cfg(feature = "store")]
pub mod asking;
#[cfg(feature = "store")]
pub mod batch;
#[cfg(feature = "store")]
pub mod begin;
#[cfg(feature = "store")]
pub mod decide;
pub mod dispatch;
#[cfg(feature = "arrow")]
pub mod frames;
pub mod host;
#[cfg(feature = "store")]
pub mod prepared;
pub mod request;
#[cfg(feature = "schema")]
pub mod schema;
pub mod shape;
#[rustfmt::skip]
pub mod shapes;
#[cfg(feature = "sql")]
pub mod statements;
#[cfg(feature = "store")]
pub mod steps;
#[cfg(feature = "conformance")]
mod suite;
pub mod table;
#[cfg(feature = "sql")]
mod tables;
