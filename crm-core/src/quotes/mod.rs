//! Quotes: what an offer of several lines costs, with its discounts and taxes, to the last cent.
//!
//! Start at [`price::price`], the decision, with every rounding point; [`request`] is what goes in and [`answer`] what comes out,
//! and `waterfall` turns a priced quote into the steps that led to it. All of it is pure: no records, no configuration.

pub mod answer;
pub mod price;
pub mod request;
mod waterfall;

#[cfg(test)]
mod laws;
