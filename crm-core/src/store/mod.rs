//! Stores: the repository contract and what is built on it.
//!
//! Start at [`repository::Repository`]; [`memory::MemoryRepository`] is its simplest keeper, [`query::Query`] what it is asked,
//! `sql` (a feature) the statements that a database adapter executes, `conformance` (another) the promises as checks. Adapters live in crates of their own under `stores/`.

pub mod accept;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod faults;
pub mod history;
pub mod memory;
pub mod overlay;
pub mod plan;
pub mod query;
pub mod repository;
pub mod search;
#[cfg(feature = "conformance")]
pub mod searches;
#[cfg(feature = "sql")]
pub mod sql;
