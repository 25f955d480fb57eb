//! Taxes as a request defines them, once for all its lines.

use serde::{Deserialize, Serialize};

use crate::base::decimal::Dec;

/// How a tax is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TaxKind {
    /// A percent of the base: 21 % on 100 is 21.
    #[default]
    Percent,
    /// An amount for each unit of the quantity, whatever the price; its sign follows that of quantity and price.
    Fixed,
    /// A percent of the amount with the tax in it: 20 % of 125 is 25, on top of 100.
    Division,
}

/// One tax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tax {
    /// The tax's id, by which lines name it.
    pub id: String,
    /// How it is found; a percent unless said otherwise.
    #[serde(default)]
    pub kind: TaxKind,
    /// The percent, -100 to 1000 (below zero is withheld), or the amount a unit.
    pub amount: Dec,
    /// Whether prices have it in them already; `prices_include_tax` of the request unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_included: Option<bool>,
    /// Whether it counts to the base of the taxes after it on the line.
    #[serde(default)]
    pub affects_base_of_next: bool,
    /// Whether taxes before it on the line that say so count to its base; true unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_affected_by_previous: Option<bool>,
    /// Whether the buyer owes it: it is shown once with each sign and adds nothing to the total.
    #[serde(default)]
    pub reverse_charge: bool,
    /// The group under which it is summed up; the tax by itself unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Several taxes under one name, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaxSet {
    /// The set's id, by which lines name it as they name a tax.
    pub id: String,
    /// The ids of its taxes, in the order in which they apply.
    pub taxes: Vec<String>,
}

/// A group of taxes: its place among the groups, and the subtotal under which it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaxGroupPlace {
    /// The group's id, as the taxes name it.
    pub id: String,
    /// The label of the subtotal that stands before the group; the first subtotal unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtotal: Option<String>,
}
