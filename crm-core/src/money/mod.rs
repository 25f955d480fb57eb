//! Money by itself: rounding, sharing, converting and adding amounts, and the facts of a currency.
//!
//! One file per operation, each a pure function of its request; the arithmetic lies in [`crate::base`]. Start at [`round`].

pub mod allocate;
pub mod convert;
pub mod currency;
pub mod round;
pub mod sum;
