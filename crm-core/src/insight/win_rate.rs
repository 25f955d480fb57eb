//! `insight.win_rate`: how many of the closed opportunities were won.

use serde::{Deserialize, Serialize};

use super::closed::{CLOSED, ClosedRequest, Sorted};
use super::deals::Deals;
use super::figures::{Definition, Fraction, about, defined};
use super::group::Labels;
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;
use crate::pipeline::definition::StageKind;

/// Win rates: of everything, and of each group in the order of the keys, the group without a key last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WinRates {
    /// Of everything that was counted.
    pub total: WinRate,
    /// Of each group; empty when nothing was grouped by.
    pub groups: Vec<WinRateGroup>,
    /// The closed opportunities that were left out because their day of closing is not known.
    pub left_out: u64,
    /// What the figures mean.
    pub definition: Vec<Definition>,
}

/// The win rate of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WinRateGroup {
    /// What the group has in common; absent for opportunities without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The key's name, where the key is an id and the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The figures.
    pub figures: WinRate,
}

/// A win rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WinRate {
    /// How many were won.
    pub won: u64,
    /// How many were lost.
    pub lost: u64,
    /// Won of won and lost.
    pub rate: Fraction,
}

impl WinRate {
    /// # Errors
    /// `decimal_overflow`.
    fn of(won: u64, lost: u64) -> Result<Self> {
        Ok(WinRate { won, lost, rate: Fraction::of(won, won.saturating_add(lost))? })
    }
}

/// Counts won and lost opportunities.
///
/// The rate is `won / (won + lost)`; open opportunities do not count.
///
/// # Errors
/// `dates_reversed` when `closed_from` is after `closed_to`.
///
/// # Example: one of two closed ones was won
/// ```
/// use crm_core::base::context::Context;
/// use crm_core::insight::{coded::Coder, deals::Deals, closed::ClosedRequest, win_rate::win_rate};
/// use crm_core::pipeline::definition::StageKind;
/// let mut stage = Coder::<String>::default();
/// ["won", "lost", "proposal"].iter().for_each(|s| stage.push(Some(*s)));
/// let deals = Deals::bare(stage.finish(), vec![StageKind::Won, StageKind::Lost, StageKind::Open]);
/// let rates = win_rate(&deals, &ClosedRequest::default(), &Default::default(), &Context::default())?.value;
/// assert_eq!((rates.total.won, rates.total.rate.denominator), (1, 2));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn win_rate(
    deals: &Deals,
    request: &ClosedRequest,
    labels: &Labels,
    context: &Context,
) -> Result<Decision<WinRates>> {
    let sorted = Sorted::<(u64, u64)>::sort(deals, request, CLOSED, |pot, _, kind| {
        let slot = if kind == StageKind::Won { &mut pot.0 } else { &mut pot.1 };
        *slot = slot.saturating_add(1);
        true
    })?;
    let sum =
        |pick: fn(&(u64, u64)) -> u64| sorted.groups.iter().map(|(_, pot)| pick(pot)).fold(0, u64::saturating_add);
    let total = WinRate::of(sum(|pot| pot.0), sum(|pot| pot.1))?;
    let mut groups = Vec::new();
    for (key, (won, lost)) in sorted.groups.into_iter().filter(|(_, pot)| request.group_by.is_some() && *pot != (0, 0))
    {
        let label = key.as_ref().and_then(|k| labels.get(k).cloned());
        groups.push(WinRateGroup { key, label, figures: WinRate::of(won, lost)? });
    }
    let mut reasons = vec![Reason::new(Code::WinRateDefinition)];
    reasons.extend(about(Code::LeftOutWithoutClose, sorted.left_out));
    Ok(defined(reasons, context, |definition| WinRates { total, groups, left_out: sorted.left_out, definition }))
}
