//! What `quotes.price` gives: the document in the currency it names once, every amount with exactly the digits of the increment.

use serde::{Deserialize, Serialize};

use super::request::TaxRounding;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::json::{FromJson, ToJson};
use crate::base::rounding::Mode;

/// How a quote was rounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoundingPolicy {
    /// Where tax was rounded.
    pub tax: TaxRounding,
    /// Which neighbour won.
    pub mode: Mode,
    /// What every amount is a multiple of.
    pub increment: Dec,
}

/// One priced line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PricedLine {
    /// The line's id.
    pub id: String,
    /// How many.
    pub quantity: Dec,
    /// The price of one.
    pub unit_price: Dec,
    /// The list amount: quantity x unit price, rounded.
    pub amount: Dec,
    /// What the line discount takes off: `amount - net`.
    pub discount: Dec,
    /// Quantity x unit price x (100 - discount percent) / 100, rounded once at the end.
    pub net: Dec,
    /// The line's share of the document discount.
    pub document_discount: Dec,
    /// What tax is computed on: `net - document_discount`.
    pub taxable: Dec,
    /// The line's tax.
    pub tax: Dec,
    /// `taxable + tax`.
    pub total: Dec,
}

/// The lines of one tax percent together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaxGroup {
    /// The tax percent, without trailing zeros.
    pub tax_percent: Dec,
    /// The sum of the lines' taxable amounts.
    pub base: Dec,
    /// The sum of the lines' taxes.
    pub tax: Dec,
}

/// A priced quote.
///
/// These hold exactly: every total is the sum of its lines' amounts; `amount - line_discount = net`;
/// `net - document_discount = taxable`; `taxable + tax = total`; the tax groups sum to `tax`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PricedQuote {
    /// The currency of every amount.
    pub currency: Currency,
    /// The lines, in the request's order.
    pub lines: Vec<PricedLine>,
    /// The list amount.
    pub amount: Dec,
    /// What line discounts take off.
    pub line_discount: Dec,
    /// The amount after line discounts.
    pub net: Dec,
    /// What the document discount takes off: a percentage of `net`, rounded.
    pub document_discount: Dec,
    /// The amount after every discount.
    pub taxable: Dec,
    /// All tax.
    pub tax: Dec,
    /// The tax by percent, lowest first.
    pub tax_groups: Vec<TaxGroup>,
    /// All discounts in percent of the list amount, to four digits (a half away from zero); null when the list amount is zero.
    pub discount_percent_true: Option<Dec>,
    /// What is to be paid.
    pub total: Dec,
    /// How the quote was rounded.
    pub rounding: RoundingPolicy,
    /// The number of the rules that this was computed under; it changes when a result would.
    pub semantics: u32,
}
