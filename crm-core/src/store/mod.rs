//! Stores: the repository contract and what is built on it.
//!
//! Start at [`repository::Repository`]; [`memory::MemoryRepository`] is its simplest keeper, [`query::Query`] what it is asked,
//! [`sql`] the statements that a database adapter executes. Adapters live in crates of their own under `stores/`.

pub mod accept;
pub mod conformance;
pub mod faults;
pub mod history;
pub mod layers;
pub mod memory;
pub mod overlay;
pub mod plan;
pub mod query;
pub mod repository;
pub mod search;
pub mod searches;
pub mod sql;
#[cfg(feature = "tracing")]
pub mod traced;
