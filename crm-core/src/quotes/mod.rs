//! Quotes: what an offer of several lines costs, with its discounts and taxes, to the last cent.
//!
//! Start at [`price::price`], the decision, with every rounding point; [`request`] is what goes in and [`answer`] what comes out,
//! and `waterfall` turns a priced quote into the steps that led to it. `check` says what is wrong with a request, `plain` prices the
//! usual one, and `taxed` those with taxes of their own kinds: [`tax`] defines them, `tax_line` finds them on a line, `tax_settle`
//! rounds them, `tax_totals` sums them up, and [`discount`] takes a discount off. All of it is pure: no records, no configuration.

pub mod answer;
pub mod cash;
mod check;
mod check_taxes;
pub mod company;
pub mod discount;
mod plain;
pub mod price;
pub mod request;
pub mod tax;
mod tax_line;
mod tax_rules;
mod tax_settle;
pub mod tax_totals;
mod taxed;
mod units;
mod waterfall;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tax_laws;
