//! Cash rounding: a total that coins can pay.

use serde::{Deserialize, Serialize};

use super::units::{multiply, subtract};
use crate::base::decimal::Dec;
use crate::base::error::Result;
use crate::base::rounding::{Mode, Rounder, round_product, round_ratio};

/// Where the difference goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CashStrategy {
    /// It stands beside net and tax as an amount of its own.
    #[default]
    AddLine,
    /// It is added to the group of taxes with the largest tax; without any tax nothing is rounded.
    BiggestTax,
}

/// How the total is rounded for payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CashRounding {
    /// What the total is a multiple of, itself a multiple of the document's increment.
    pub increment: Dec,
    /// Which neighbour wins; a half goes away from zero unless said otherwise.
    #[serde(default)]
    pub mode: Mode,
    /// Where the difference goes; an amount of its own unless said otherwise.
    #[serde(default)]
    pub strategy: CashStrategy,
}

/// What cash rounding did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CashRounded {
    /// What the total is a multiple of.
    pub increment: Dec,
    /// Which neighbour won.
    pub mode: Mode,
    /// Where the difference went.
    pub strategy: CashStrategy,
    /// The difference, which may be below zero.
    pub amount: Dec,
    /// The group of taxes that holds the difference, under `biggest_tax`; its tax and the document's are larger by it than their lines'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// The difference to a total, in units.
pub(super) fn difference(total: i128, rounding: &CashRounding, rounder: &Rounder) -> Result<i128> {
    // The check has seen that the increment is a whole number of units.
    let step = rounder.units(rounding.increment)?;
    subtract(multiply(round_ratio(total, step, rounding.mode)?, step)?, total)
}

/// The same difference in another currency, by the proportion of the two totals.
pub(super) fn in_company(difference: i128, total: i128, company_total: i128, mode: Mode) -> Result<i128> {
    if total == 0 { Ok(0) } else { round_product(difference, company_total, total, mode) }
}
