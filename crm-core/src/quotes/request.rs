//! What `quotes.price` takes: lines with prices, discounts and taxes, and how to round.

use serde::{Deserialize, Serialize};

use super::cash::CashRounding;
use super::discount::DocumentDiscount;
use super::tax::{Tax, TaxGroupPlace, TaxSet};
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::rates::Rate;
use crate::base::rounding::Mode;

/// Where tax is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TaxRounding {
    /// The tax of every line is rounded; a group's tax is their sum.
    #[default]
    Line,
    /// Line amounts are rounded; the tax of every group of lines with one tax is rounded once and then shared by its lines.
    Document,
    /// Nothing is rounded on a line: the net, the base and the amount of every tax are summed up exactly and rounded once each;
    /// what the rounded lines then lack is spread over them.
    Global,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// The ids of the line's taxes and tax sets, in the order in which they apply, instead of `tax_percent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<String>>,
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
    /// The discount on the whole document, on its net or its total, instead of `discount_percent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_discount: Option<DocumentDiscount>,
    /// How to round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<RoundingChoice>,
    /// The taxes that lines name, at most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<Tax>>,
    /// Several taxes under one name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_sets: Option<Vec<TaxSet>>,
    /// The order of tax groups and their subtotals; groups that are not named here follow, in the order of their taxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_groups: Option<Vec<TaxGroupPlace>>,
    /// Whether prices have taxes in them, where a tax does not say so itself; `tax_percent` is on top all the same.
    #[serde(default)]
    pub prices_include_tax: bool,
    /// Whether quantities and prices may be below zero, for returns and credits.
    #[serde(default)]
    pub allow_negative: bool,
    /// The frozen rate between the quote's currency and that of the company, in either direction: totals are given in both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_rate: Option<Rate>,
    /// How the total is rounded for payment in cash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_rounding: Option<CashRounding>,
}
