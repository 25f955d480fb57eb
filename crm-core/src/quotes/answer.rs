//! What `quotes.price` gives: the document in the currency it names once, every amount with exactly the digits of the increment.

use serde::{Deserialize, Serialize};

use super::cash::CashRounded;
use super::company::CompanyTotals;
use super::discount::DocumentDiscounted;
use super::request::TaxRounding;
use super::tax_totals::{LineTax, TaxDetails};
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::rounding::Mode;

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
    /// What remains without tax: `net - document_discount`, less `included_tax` where prices have tax in them.
    pub taxable: Dec,
    /// The line's tax; one under reverse charge adds nothing.
    pub tax: Dec,
    /// `taxable + tax`.
    pub total: Dec,
    /// The taxes that the price has in it, also those under reverse charge; absent in quotes whose lines have nothing but `tax_percent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included_tax: Option<Dec>,
    /// Each tax of the line, in the order in which they apply; absent as `included_tax` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<LineTax>>,
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
/// `net - document_discount - included_tax = taxable`; `taxable + tax = total`, and with cash rounding by `add_line`
/// `taxable + tax + cash_rounding.amount = total`; the groups of `tax_details`, or else `tax_groups`, sum to `tax`. Under
/// `biggest_tax` the tax and the total are larger than those of the lines by `cash_rounding.amount`.
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
    /// What the document discount takes off: a percentage of `net`, rounded; of a discount on the total the part without added taxes.
    pub document_discount: Dec,
    /// The amount after every discount, without tax.
    pub taxable: Dec,
    /// All tax.
    pub tax: Dec,
    /// The tax of lines with `tax_percent`, by percent, lowest first.
    pub tax_groups: Vec<TaxGroup>,
    /// All discounts in percent of the list amount, to four digits (a half away from zero); null when the list amount is zero.
    pub discount_percent_true: Option<Dec>,
    /// What is to be paid.
    pub total: Dec,
    /// How the quote was rounded.
    pub rounding: RoundingPolicy,
    /// The number of the rules that this was computed under; it changes when a result would.
    pub semantics: u32,
    /// The taxes that prices had in them; absent in quotes whose lines have nothing but `tax_percent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included_tax: Option<Dec>,
    /// Every tax of the document, by tax, by group and by subtotal; absent as `included_tax` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_details: Option<TaxDetails>,
    /// What `document_discount` of the request did, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discounted: Option<DocumentDiscounted>,
    /// What cash rounding did, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_rounding: Option<CashRounded>,
    /// The totals in the company's currency, when a rate was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyTotals>,
}
