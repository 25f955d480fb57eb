//! `insight.funnel`: how far opportunities come along the stages of a pipeline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deals::{Deals, Entry};
use super::figures::{Definition, Fraction, about, defined, median, money, overflow};
use super::group::{GroupBy, Groups, Labels};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::json::{FromJson, ToJson};
use crate::base::money::Money;
use crate::base::reason::Reason;
use crate::base::rounding::{Mode, round_fraction};
use crate::pipeline::definition::{Pipeline, StageKind};

/// Which opportunities to look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FunnelRequest {
    /// The pipeline; the configuration's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// What to group by; months and quarters are those of the start. Nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<GroupBy>,
}

/// What a funnel is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Basis {
    /// From stage histories.
    History,
    /// From the present stages alone; who passed through them cannot be known.
    Snapshot,
}

/// A funnel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Funnel {
    /// The pipeline.
    pub pipeline: String,
    /// What the figures are computed from.
    pub basis: Basis,
    /// How many opportunities were counted.
    pub count: u64,
    /// Of everything, one figure a stage in the pipeline's order.
    pub stages: Vec<FunnelStage>,
    /// Of each group in the order of the keys, the group without a key last; empty when nothing was grouped by.
    pub groups: Vec<FunnelGroup>,
    /// The opportunities that were left out because the pipeline does not have their stage.
    pub left_out: u64,
    /// What the figures mean.
    pub definition: Vec<Definition>,
}

/// The funnel of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FunnelGroup {
    /// What the group has in common; absent for opportunities without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The key's name, where the key is an id and the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How many opportunities were counted.
    pub count: u64,
    /// One figure a stage in the pipeline's order.
    pub stages: Vec<FunnelStage>,
}

/// The figures of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FunnelStage {
    /// The stage.
    pub stage: String,
    /// The name that people see, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the stage means.
    pub kind: StageKind,
    /// How many opportunities are in it now.
    pub count: u64,
    /// What they are worth, each currency by itself.
    pub amounts: Vec<Money>,
    /// How many of them have no amount.
    pub without_amount: u64,
    /// How many opportunities were ever in it; absent in a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<u64>,
    /// How many of those later reached an open stage further on, or were won; absent in a snapshot and for closed stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<u64>,
    /// Converted of entered; absent in a snapshot and for closed stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Fraction>,
    /// The median of the stays that have ended, in days, rounded half away from zero to two digits after the point; absent in a
    /// snapshot and where no stay has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_days: Option<Dec>,
}

/// What is counted of one stage in one group.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub count: u64,
    pub without_amount: u64,
    pub sums: BTreeMap<Currency, i128>,
    pub entered: u64,
    pub converted: u64,
    pub stays: Vec<i128>,
}

impl Cell {
    fn take(&mut self, amount: Option<(Currency, i128)>) -> Result<()> {
        self.count = self.count.saturating_add(1);
        let Some((currency, digits)) = amount else {
            self.without_amount = self.without_amount.saturating_add(1);
            return Ok(());
        };
        let sum = self.sums.entry(currency).or_default();
        *sum = sum.checked_add(digits).ok_or_else(|| overflow("sum"))?;
        Ok(())
    }

    pub fn merge(&mut self, other: &Cell) -> Result<()> {
        self.count = self.count.saturating_add(other.count);
        self.without_amount = self.without_amount.saturating_add(other.without_amount);
        self.entered = self.entered.saturating_add(other.entered);
        self.converted = self.converted.saturating_add(other.converted);
        self.stays.extend(&other.stays);
        for (currency, digits) in &other.sums {
            let sum = self.sums.entry(*currency).or_default();
            *sum = sum.checked_add(*digits).ok_or_else(|| overflow("sum"))?;
        }
        Ok(())
    }
}

/// Counts opportunities by stage: where they are now and, where their stage histories are known, who passed through and how long it took.
///
/// # Errors
/// `decimal_overflow` when amounts do not add up in 28 digits.
pub fn funnel(
    deals: &Deals,
    request: &FunnelRequest,
    pipeline: &Pipeline,
    labels: &Labels,
    context: &Context,
) -> Result<Decision<Funnel>> {
    let grouped = request.group_by.map(|by| Groups::by(deals, by, &deals.start));
    let groups = grouped.unwrap_or_else(|| Groups::one(deals.rows()));
    let row_of_cells = vec![Cell::default(); pipeline.stages.len()];
    let mut cells = vec![row_of_cells; groups.keys.len()];
    let places: Vec<Option<usize>> = deals.stage.values().iter().map(|stage| pipeline.place(stage)).collect();
    let mut outside = 0_u64;
    for row in 0..deals.rows() {
        let place = deals.stage.place(row).and_then(|code| places.get(code).copied().flatten());
        let cell = place.and_then(|place| cells.get_mut(groups.group(row))?.get_mut(place));
        match cell {
            Some(cell) => cell.take(deals.currency.get(row).copied().zip(deals.amount.get(row)))?,
            None => outside = outside.saturating_add(1),
        }
    }
    let mut walk = Walk::default();
    if let Some(history) = &deals.history {
        let places: Vec<Option<usize>> = history.stages().iter().map(|stage| pipeline.place(stage)).collect();
        for row in 0..deals.rows() {
            if let Some(cells) = cells.get_mut(groups.group(row)) {
                walk.take(history.of(row), &places, cells);
            }
        }
    }
    let basis = if deals.history.is_some() { Basis::History } else { Basis::Snapshot };
    let keys = if request.group_by.is_some() { groups.keys } else { Vec::new() };
    let total = sum(&cells, pipeline)?;
    let grouped: Vec<_> = keys.into_iter().zip(cells).collect();
    let mut reasons = match basis {
        Basis::History => reasons(Code::FunnelDefinition, outside),
        Basis::Snapshot => snapshot_reasons(outside),
    };
    reasons.extend(about(Code::CountedWithoutHistory, walk.without));
    reasons.extend(about(Code::UnknownHistoryStage, walk.unknown));
    let parts = Parts { basis, scale: deals.amount.scale(), outside, total, groups: grouped };
    parts.write(pipeline, labels, reasons, context)
}

fn reasons(definition: Code, outside: u64) -> Vec<Reason> {
    std::iter::once(Reason::new(definition)).chain(about(Code::LeftOutUnknownStage, outside)).collect()
}

/// What the figures of a snapshot mean.
pub(super) fn snapshot_reasons(outside: u64) -> Vec<Reason> {
    reasons(Code::FunnelSnapshotDefinition, outside)
}

fn sum(groups: &[Vec<Cell>], pipeline: &Pipeline) -> Result<Vec<Cell>> {
    let mut total = vec![Cell::default(); pipeline.stages.len()];
    for cells in groups {
        total.iter_mut().zip(cells).try_for_each(|(sum, cell)| sum.merge(cell))?;
    }
    Ok(total)
}

/// Everything that was counted, before it is written down.
pub(super) struct Parts {
    pub basis: Basis,
    pub scale: u32,
    pub outside: u64,
    pub total: Vec<Cell>,
    pub groups: Vec<(Option<String>, Vec<Cell>)>,
}

impl Parts {
    pub fn write(
        mut self,
        pipeline: &Pipeline,
        labels: &Labels,
        reasons: Vec<Reason>,
        context: &Context,
    ) -> Result<Decision<Funnel>> {
        let (basis, scale) = (self.basis, self.scale);
        let stages = figures(&mut self.total, pipeline, basis, scale)?;
        let mut groups = Vec::new();
        for (key, mut cells) in self.groups {
            let label = key.as_ref().and_then(|k| labels.get(k).cloned());
            let stages = figures(&mut cells, pipeline, basis, scale)?;
            groups.push(FunnelGroup { key, label, count: counted(&stages), stages });
        }
        let id = pipeline.id.clone();
        let left_out = self.outside;
        Ok(defined(reasons, context, |definition| Funnel {
            pipeline: id,
            basis,
            count: counted(&stages),
            stages,
            groups,
            left_out,
            definition,
        }))
    }
}

fn counted(stages: &[FunnelStage]) -> u64 {
    stages.iter().map(|stage| stage.count).fold(0, u64::saturating_add)
}

fn figures(cells: &mut [Cell], pipeline: &Pipeline, basis: Basis, scale: u32) -> Result<Vec<FunnelStage>> {
    let mut out = Vec::with_capacity(cells.len());
    for (cell, stage) in cells.iter_mut().zip(&pipeline.stages) {
        let known = basis == Basis::History;
        let open = known && stage.kind == StageKind::Open;
        out.push(FunnelStage {
            stage: stage.id.clone(),
            name: stage.name.clone().filter(|name| *name != stage.id),
            kind: stage.kind,
            count: cell.count,
            amounts: cell
                .sums
                .iter()
                .map(|(currency, digits)| money(*digits, scale, *currency))
                .collect::<Result<_>>()?,
            without_amount: cell.without_amount,
            entered: known.then_some(cell.entered),
            converted: open.then_some(cell.converted),
            conversion: if open { Some(Fraction::of(cell.converted, cell.entered)?) } else { None },
            median_days: median(&mut cell.stays, 0)?.map(days).transpose()?,
        });
    }
    Ok(out)
}

/// Microseconds as days.
fn days(micros: Dec) -> Result<Dec> {
    round_fraction(micros, Dec::from(86_400_000_000), Dec::from_parts(1, 2)?, Mode::HalfAwayFromZero)
        .map(Dec::normalized)
}

/// Walks stage histories, one opportunity at a time.
#[derive(Default)]
struct Walk {
    /// How many opportunities have no history.
    without: u64,
    /// How many histories name a stage that the pipeline does not have.
    unknown: u64,
    /// The first visit of each stage: its place in the history.
    entries: Vec<(usize, StageKind, i64)>,
    seen: Vec<bool>,
}

impl Walk {
    fn take(&mut self, entries: impl Iterator<Item = Entry>, places: &[Option<usize>], cells: &mut [Cell]) {
        self.entries.clear();
        self.seen.clear();
        self.seen.resize(cells.len(), false);
        let (mut any, mut strange) = (false, false);
        let mut before: Option<(usize, i64)> = None;
        for (code, kind, at) in entries {
            any = true;
            let place = code.and_then(|c| places.get(c).copied().flatten());
            if let Some((last, since)) = before.take()
                && let Some(cell) = cells.get_mut(last)
            {
                cell.stays.push(i128::from(at).saturating_sub(i128::from(since)));
            }
            match place {
                Some(place) => {
                    before = Some((place, at));
                    self.entries.push((place, kind, at));
                }
                None => strange = true,
            }
        }
        self.without = self.without.saturating_add(u64::from(!any));
        self.unknown = self.unknown.saturating_add(u64::from(strange));
        self.enter(cells);
    }

    /// Counts each stage that was entered, and whether something further on came after the first visit.
    fn enter(&mut self, cells: &mut [Cell]) {
        for (turn, (place, ..)) in self.entries.iter().enumerate() {
            let (Some(seen), Some(cell)) = (self.seen.get_mut(*place), cells.get_mut(*place)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            cell.entered = cell.entered.saturating_add(1);
            let mut later = self.entries.iter().skip(turn.saturating_add(1));
            if later.any(|(next, kind, _)| *kind == StageKind::Won || (*kind == StageKind::Open && next > place)) {
                cell.converted = cell.converted.saturating_add(1);
            }
        }
    }
}
