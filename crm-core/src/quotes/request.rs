//! What `quotes.price` takes: lines with prices, discounts and tax, and how to round.

use serde::{Deserialize, Serialize};

use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::json::{FromJson, ToJson};
use crate::base::rounding::Mode;

/// Where tax is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToJson, FromJson)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
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
