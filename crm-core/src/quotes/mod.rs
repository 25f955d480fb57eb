//! Quotes: what an offer of several lines costs, with its discounts and taxes, to the last cent.
//!
//! Start at [`price::price`], the decision; [`document`] holds what goes in and comes out, with every rounding point,
//! and [`waterfall`] turns a priced quote into the steps that led to it. All of it is pure: no records, no configuration.

pub mod document;
pub mod price;
mod waterfall;

#[cfg(test)]
mod laws;
