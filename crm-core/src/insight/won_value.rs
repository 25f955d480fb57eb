//! `insight.won_value`: what the won opportunities were worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::closed::{ClosedRequest, Sorted};
use super::deals::Deals;
use super::figures::{Definition, about, count, defined, mean, median, minor, overflow};
use super::group::Labels;
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;
use crate::pipeline::definition::StageKind;

/// Won values: of everything, and of each group in the order of the keys, the group without a key last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WonValues {
    /// Of everything that was counted.
    pub total: WonValue,
    /// Of each group; empty when nothing was grouped by.
    pub groups: Vec<WonValueGroup>,
    /// The won opportunities that were left out because their day of closing is not known.
    pub left_out: u64,
    /// What the figures mean.
    pub definition: Vec<Definition>,
}

/// The won value of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WonValueGroup {
    /// What the group has in common; absent for opportunities without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The key's name, where the key is an id and the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The figures.
    pub figures: WonValue,
}

/// What won opportunities were worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WonValue {
    /// How many were won.
    pub count: u64,
    /// How many of them have no amount.
    pub without_amount: u64,
    /// The amounts, each currency by itself, in the order of the currency codes.
    pub values: Vec<ValueFigures>,
}

/// Figures over amounts of one currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ValueFigures {
    /// The currency.
    pub currency: Currency,
    /// How many amounts.
    pub count: u64,
    /// Their sum, exactly.
    pub sum: Dec,
    /// Their mean, rounded half away from zero to four digits after the point.
    pub average: Dec,
    /// Their median, exactly.
    pub median: Dec,
    /// The smallest.
    pub min: Dec,
    /// The largest.
    pub max: Dec,
}

impl ValueFigures {
    fn of(currency: Currency, amounts: &mut [i128], scale: u32) -> Result<Self> {
        let sum = amounts.iter().try_fold(0_i128, |sum, a| sum.checked_add(*a)).ok_or_else(|| overflow("sum"))?;
        let edge = |amount: Option<&i128>| Ok(minor(Dec::from_parts(amount.copied().unwrap_or(0), scale)?, currency));
        Ok(ValueFigures {
            currency,
            count: count(amounts.len()),
            sum: minor(Dec::from_parts(sum, scale)?, currency),
            average: mean(sum, scale, count(amounts.len()).max(1))?,
            min: edge(amounts.iter().min())?,
            max: edge(amounts.iter().max())?,
            median: minor(median(amounts, scale)?.unwrap_or(Dec::ZERO), currency),
        })
    }
}

#[derive(Clone, Default)]
struct Pot {
    count: u64,
    amounts: BTreeMap<Currency, Vec<i128>>,
}

impl Pot {
    fn take(&mut self, amount: Option<(Currency, i128)>) {
        self.count = self.count.saturating_add(1);
        if let Some((currency, digits)) = amount {
            self.amounts.entry(currency).or_default().push(digits);
        }
    }

    fn merge(&mut self, other: &Pot) {
        self.count = self.count.saturating_add(other.count);
        for (currency, amounts) in &other.amounts {
            self.amounts.entry(*currency).or_default().extend(amounts);
        }
    }

    fn figures(mut self, scale: u32) -> Result<WonValue> {
        let valued: usize = self.amounts.values().map(Vec::len).sum();
        let values = self.amounts.iter_mut().map(|(currency, amounts)| ValueFigures::of(*currency, amounts, scale));
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(WonValue { count: self.count, without_amount: self.count.saturating_sub(count(valued)), values })
    }
}

/// Adds up what won opportunities were worth, each currency by itself.
///
/// # Errors
/// `dates_reversed` when `closed_from` is after `closed_to`; `decimal_overflow`.
pub fn won_value(
    deals: &Deals,
    request: &ClosedRequest,
    labels: &Labels,
    context: &Context,
) -> Result<Decision<WonValues>> {
    let (currency, amount) = (&deals.currency, &deals.amount);
    let sorted = Sorted::<Pot>::sort(deals, request, &[StageKind::Won], |pot, row, _| {
        pot.take(currency.get(row).copied().zip(amount.get(row)));
        true
    })?;
    let mut all = Pot::default();
    sorted.groups.iter().for_each(|(_, pot)| all.merge(pot));
    let total = all.figures(amount.scale())?;
    let mut groups = Vec::new();
    for (key, pot) in sorted.groups.into_iter().filter(|(_, pot)| request.group_by.is_some() && pot.count > 0) {
        let label = key.as_ref().and_then(|k| labels.get(k).cloned());
        groups.push(WonValueGroup { key, label, figures: pot.figures(amount.scale())? });
    }
    let mut reasons = vec![Reason::new(Code::WonValueDefinition)];
    reasons.extend(about(Code::LeftOutWithoutClose, sorted.left_out));
    Ok(defined(reasons, context, |definition| WonValues { total, groups, left_out: sorted.left_out, definition }))
}
