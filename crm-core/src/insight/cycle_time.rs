//! `insight.cycle_time`: how many days opportunities took from their start to their close.

use serde::{Deserialize, Serialize};

use super::closed::{CLOSED, ClosedRequest, Sorted};
use super::deals::Deals;
use super::figures::{Definition, about, count, defined, mean, median};
use super::group::Labels;
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;
use crate::pipeline::definition::StageKind;

/// Cycle times: of everything, and of each group in the order of the keys, the group without a key last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CycleTimes {
    /// Of everything that was measured.
    pub total: CycleTime,
    /// Of each group; empty when nothing was grouped by.
    pub groups: Vec<CycleTimeGroup>,
    /// The closed opportunities that were left out because a date is missing.
    pub left_out: u64,
    /// What the figures mean.
    pub definition: Vec<Definition>,
}

/// The cycle time of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CycleTimeGroup {
    /// What the group has in common; absent for opportunities without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The key's name, where the key is an id and the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The figures.
    pub figures: CycleTime,
}

/// The days from start to close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CycleTime {
    /// Of the won ones.
    pub won: DayFigures,
    /// Of the lost ones.
    pub lost: DayFigures,
    /// Of both.
    pub closed: DayFigures,
}

/// Figures over numbers of days; absent where there is nothing to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DayFigures {
    /// How many were measured.
    pub count: u64,
    /// The mean, rounded half away from zero to four digits after the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Dec>,
    /// The median, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<Dec>,
    /// The shortest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

impl DayFigures {
    fn of(days: &mut [i128]) -> Result<Self> {
        let measured = count(days.len());
        let sum: i128 = days.iter().sum();
        let edge = |day: Option<i128>| day.and_then(|d| i64::try_from(d).ok());
        Ok(DayFigures {
            count: measured,
            mean: if measured == 0 { None } else { Some(mean(sum, 0, measured)?) },
            min: edge(days.iter().min().copied()),
            max: edge(days.iter().max().copied()),
            median: median(days, 0)?,
        })
    }
}

impl CycleTime {
    fn of(won: &mut [i128], lost: &mut [i128]) -> Result<Self> {
        let mut closed: Vec<i128> = won.iter().chain(lost.iter()).copied().collect();
        Ok(CycleTime { won: DayFigures::of(won)?, lost: DayFigures::of(lost)?, closed: DayFigures::of(&mut closed)? })
    }
}

/// The days from start to close of a row, when both are known.
pub(super) fn cycle(deals: &Deals, row: usize) -> Option<i128> {
    let (start, end) = (deals.start.days(row)?, deals.closed.days(row)?);
    Some(i128::from(end).saturating_sub(i128::from(start)))
}

/// Days of won and of lost opportunities.
type Pot = (Vec<i128>, Vec<i128>);

/// Measures the days from start to close of closed opportunities.
///
/// # Errors
/// `dates_reversed` when `closed_from` is after `closed_to`.
pub fn cycle_time(
    deals: &Deals,
    request: &ClosedRequest,
    labels: &Labels,
    context: &Context,
) -> Result<Decision<CycleTimes>> {
    let mut sorted = Sorted::<Pot>::sort(deals, request, CLOSED, |pot, row, kind| {
        let Some(days) = cycle(deals, row) else { return false };
        if kind == StageKind::Won {
            pot.0.push(days)
        } else {
            pot.1.push(days)
        };
        true
    })?;
    let all =
        |pick: fn(&Pot) -> &Vec<i128>| sorted.groups.iter().flat_map(|(_, pot)| pick(pot)).copied().collect::<Vec<_>>();
    let total = CycleTime::of(&mut all(|pot| &pot.0), &mut all(|pot| &pot.1))?;
    let mut groups = Vec::new();
    for (key, (won, lost)) in &mut sorted.groups {
        if request.group_by.is_some() && !(won.is_empty() && lost.is_empty()) {
            let label = key.as_ref().and_then(|k| labels.get(k).cloned());
            groups.push(CycleTimeGroup { key: key.take(), label, figures: CycleTime::of(won, lost)? });
        }
    }
    let mut reasons = vec![Reason::new(Code::CycleTimeDefinition)];
    reasons.extend(about(Code::LeftOutWithoutDates, sorted.left_out));
    Ok(defined(reasons, context, |definition| CycleTimes { total, groups, left_out: sorted.left_out, definition }))
}
