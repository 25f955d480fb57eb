//! Ground floor: money, decimals, dates, ids, errors, reasons, context and the records that everything else is made of.
//!
//! Start at [`decimal::Dec`] for numbers, [`error::Error`] for refusals and [`reason::Reason`] for explanations.
//! Nothing here reads a clock, a random source or the environment.

pub mod allocate;
pub mod codes;
pub mod context;
pub mod currency;
pub mod decision;
pub mod decimal;
pub mod error;
pub mod limits;
pub mod money;
pub mod rates;
pub mod reason;
pub mod rounding;
pub mod text;
pub mod time;
#[cfg(feature = "store")]
pub mod change;
#[cfg(feature = "store")]
pub mod entity;
#[cfg(feature = "store")]
pub mod id;
#[cfg(feature = "store")]
pub mod record;
