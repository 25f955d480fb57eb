//! Ground floor: money, decimals, dates, ids, errors, reasons, context and the records that everything else is made of.
//!
//! Start at [`decimal::Dec`] for numbers, [`error::Error`] for refusals and [`reason::Reason`] for explanations.
//! Nothing here reads a clock, a random source or the environment.

pub mod allocate;
pub mod canonical;
#[cfg(feature = "store")]
pub mod change;
pub mod codes;
pub mod context;
pub mod currency;
#[cfg(feature = "store")]
pub mod custom;
pub mod decimal;
pub mod decision;
#[cfg(feature = "store")]
pub mod entity;
pub mod error;
pub mod hint;
#[cfg(feature = "store")]
pub mod id;
pub mod json;
pub mod limits;
pub mod money;
#[cfg(feature = "store")]
pub mod number;
pub(crate) mod order;
pub mod rates;
pub(crate) mod reader;
pub mod reason;
#[cfg(feature = "store")]
pub mod record;
pub mod rounding;
pub mod text;
pub mod time;
#[cfg(feature = "catalogue")]
pub mod words;
pub(crate) mod writer;
