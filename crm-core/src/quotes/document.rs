//! What `quotes.price` takes and gives.
//!
//! A document names its currency once; every amount in it is a decimal string with exactly the digits of the rounding increment.

use serde::{Deserialize, Serialize};

use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::rounding::Mode;

/// Where tax is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TaxRounding {
    /// The tax of every line is rounded; a group's tax is their sum.
    #[default]
    Line,
    /// The tax of every group of lines with one tax percent is rounded once and then shared by its lines.
    Document,
}

/// How a quote is to be rounded; what is left out has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoundingChoice {
    /// Where tax is rounded: on each line unless said otherwise.
    #[serde(default)]
    pub tax: TaxRounding,
    /// Which neighbour wins; a half goes away from zero unless said otherwise.
    #[serde(default)]
    pub mode: Mode,
    /// What every amount is a multiple of; the currency's minor unit unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<Dec>,
}

/// One line to price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceLine {
    /// The line's id, unique in the quote; its position (`1`, `2`, ...) unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The product's id; for the host's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What is offered; for the host's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many, zero or more.
    pub quantity: Dec,
    /// The price of one before discount and tax, zero or more, with as many digits as needed.
    pub unit_price: Dec,
    /// The line's discount in percent, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Dec>,
    /// The tax in percent, 0 to 1000, on top of the price; a line without one is in no tax group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_percent: Option<Dec>,
}

/// A quote to price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceRequest {
    /// The currency of every price and amount.
    pub currency: Currency,
    /// The lines, at least one.
    pub lines: Vec<PriceLine>,
    /// The discount on the whole document in percent, 0 to 100, after line discounts and before tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Dec>,
    /// How to round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<RoundingChoice>,
}

/// How a quote was rounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
