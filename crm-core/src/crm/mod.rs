//! The engine: sessions that load, decide and commit, one short file an area.
//!
//! Start at [`Crm`]; a [`session::Session`] is what one operation sees, [`run`] is how its changes are committed.

pub mod accounts;
pub mod conditions;
pub mod configuration;
pub mod custom;
mod engine;
pub mod events;
pub mod fields;
pub mod history;
#[cfg(feature = "sql")]
pub mod hosting;
pub mod insight;
pub mod intents;
pub mod kinds;
pub mod opportunities;
pub mod price_books;
pub mod products;
pub mod records;
pub mod reindex;
pub mod run;
pub mod searching;
pub mod session;
pub mod tasks;
pub mod tick;
pub mod timers;
pub mod trace;
pub mod users;
#[cfg(feature = "sql")]
pub mod views;

pub use engine::{Crm, block_on};
