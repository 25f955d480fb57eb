//! `insight.forecast`: what the open opportunities may bring, by month of their expected close.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deals::Deals;
use super::figures::{Definition, about, defined, minor, overflow};
pub use super::forecast_rules::{AmountPolicy, ClosePolicy, ForecastPolicies, Imputed, Prices, ProbabilityPolicy};
use super::forecast_rules::{Chance, Prospect, Rules};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;
use crate::base::rounding::{Mode, power_of_ten, round_ratio};
use crate::base::time::Date;
use crate::pipeline::definition::{Pipeline, StageKind};

/// The most months that stand by themselves.
pub const MONTHS: u32 = 120;
/// How many stand by themselves when the request does not say.
const USUAL_MONTHS: u32 = 12;
/// Digits that a weighted amount keeps until it is rounded.
const GUARD: u32 = 12;

/// What to forecast, and what to assume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForecastRequest {
    /// The pipeline; the configuration's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// The day from which it is looked ahead; today by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Date>,
    /// How many months stand by themselves, that of `as_of` included; 1 to 120, 12 by default. What comes later stands under `later`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// Only the open opportunities in these stages; in all open stages by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<String>>,
    /// What is assumed where an opportunity does not say; nothing by default.
    #[serde(default)]
    pub policies: ForecastPolicies,
    /// The price book of the `list_price` policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_book: Option<Id>,
}

/// A forecast. Every open opportunity that was asked for stands in exactly one bucket, and the buckets add up to the total.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Forecast {
    /// The pipeline.
    pub pipeline: String,
    /// The day from which it is looked ahead.
    pub as_of: Date,
    /// Overdue first, then the months, then what comes later and what has no date.
    pub buckets: Vec<ForecastBucket>,
    /// Of all buckets together.
    pub total: ForecastFigures,
    /// The policies that were used.
    pub policies: ForecastPolicies,
    /// How many figures they assumed.
    pub imputed: Imputed,
    /// The median days from start to close of the won opportunities, in whole days; absent when none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_cycle_days: Option<i64>,
    /// What the figures mean, and what was assumed for them.
    pub definition: Vec<Definition>,
}

/// What a bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BucketKind {
    /// Expected to close before `as_of`.
    Overdue,
    /// Expected to close in a month.
    Month,
    /// Expected to close after the last month.
    Later,
    /// No expected close.
    NoDate,
}

/// The open opportunities of one month, or of no month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForecastBucket {
    /// What the bucket holds.
    pub kind: BucketKind,
    /// The month, such as `2026-01`; for buckets of kind `month`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// The figures.
    pub figures: ForecastFigures,
}

/// Figures over open opportunities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForecastFigures {
    /// How many.
    pub count: u64,
    /// How many of them have no amount.
    pub without_amount: u64,
    /// How many of them have no probability, and weigh nothing.
    pub without_probability: u64,
    /// The amounts, each currency by itself, in the order of the currency codes.
    pub values: Vec<ForecastValue>,
}

/// Amounts of one currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForecastValue {
    /// The currency.
    pub currency: Currency,
    /// How many amounts.
    pub count: u64,
    /// Their sum, exactly.
    pub amount: Dec,
    /// The sum of amount x probability, rounded half away from zero to the currency's minor unit. The total is rounded once; what is
    /// left of each bucket's rounding goes to the next one, so that the buckets add up to it.
    pub weighted: Dec,
}

/// Amounts of one currency in one bucket, by probability.
#[derive(Clone, Debug, Default)]
struct Pot {
    count: u64,
    sum: i128,
    by_chance: BTreeMap<Chance, i128>,
}

#[derive(Clone, Debug, Default)]
struct Bucket {
    figures: ForecastFigures,
    pots: BTreeMap<Currency, Pot>,
}

impl Bucket {
    fn take(&mut self, prospect: &Prospect) -> Result<()> {
        let figures = &mut self.figures;
        figures.count = figures.count.saturating_add(1);
        figures.without_amount = figures.without_amount.saturating_add(u64::from(prospect.value.is_none()));
        figures.without_probability = figures.without_probability.saturating_add(u64::from(prospect.chance.is_none()));
        let Some((currency, digits)) = prospect.value else { return Ok(()) };
        let pot = self.pots.entry(currency).or_default();
        pot.count = pot.count.saturating_add(1);
        pot.sum = pot.sum.checked_add(digits).ok_or_else(|| overflow("sum"))?;
        if let Some(chance) = prospect.chance {
            let sum = pot.by_chance.entry(chance).or_default();
            *sum = sum.checked_add(digits).ok_or_else(|| overflow("sum"))?;
        }
        Ok(())
    }
}

impl Pot {
    /// The weighted sum with `GUARD` more digits.
    fn weighted(&self) -> Option<i128> {
        let guard = power_of_ten(GUARD)?;
        self.by_chance.iter().try_fold(0_i128, |total, ((part, whole), sum)| {
            let product = sum.checked_mul(*part)?;
            let (quotient, rest) = (product.checked_div_euclid(*whole)?, product.checked_rem_euclid(*whole)?);
            let fraction = round_ratio(rest.checked_mul(guard)?, *whole, Mode::HalfAwayFromZero).ok()?;
            total.checked_add(quotient.checked_mul(guard)?)?.checked_add(fraction)
        })
    }
}

/// The buckets in their order, and which one a day belongs to.
struct Calendar {
    as_of: Date,
    months: Vec<Date>,
    end: Option<Date>,
}

impl Calendar {
    fn new(as_of: Date, months: u32) -> Self {
        let first = as_of.month_start();
        let month = |ahead: u32| i32::try_from(ahead).ok().and_then(|ahead| first.plus_months(ahead));
        Calendar { as_of, months: (0..months).filter_map(month).collect(), end: month(months) }
    }

    fn place(&self, close: Option<Date>) -> usize {
        let later = self.months.len().saturating_add(1);
        match close {
            None => later.saturating_add(1),
            Some(day) if day < self.as_of => 0,
            Some(day) if self.end.is_some_and(|end| day >= end) => later,
            Some(day) => self.months.partition_point(|start| *start <= day),
        }
    }

    fn names(&self) -> Vec<(BucketKind, Option<String>)> {
        let months = self.months.iter().map(|start| (BucketKind::Month, Some(start.month_name())));
        let rest = [(BucketKind::Later, None), (BucketKind::NoDate, None)];
        std::iter::once((BucketKind::Overdue, None)).chain(months).chain(rest).collect()
    }
}

/// Forecasts what the open opportunities may bring.
///
/// # Errors
/// `missing_context` without `as_of` and a present; `number_out_of_range` for months outside 1 to 120; `unknown_stage`;
/// `missing_field` for list prices without a price book; `decimal_overflow`.
pub fn forecast(
    deals: &Deals,
    request: &ForecastRequest,
    pipeline: &Pipeline,
    prices: Option<&Prices>,
    context: &Context,
) -> Result<Decision<Forecast>> {
    let as_of = request.as_of.map_or_else(|| context.today(), Ok)?;
    let months = request.months.unwrap_or(USUAL_MONTHS);
    if months == 0 || months > MONTHS {
        let error = Error::new(Code::NumberOutOfRange).with("value", months).with("minimum", 1).with("maximum", MONTHS);
        return Err(error.at("months"));
    }
    let wanted = wanted(deals, request, pipeline)?;
    let calendar = Calendar::new(as_of, months);
    let names = calendar.names();
    let mut buckets = vec![Bucket::default(); names.len()];
    let mut rules = Rules::new(deals, request.policies, pipeline, prices)?;
    let mut others = 0_u64;
    for row in (0..deals.rows()).filter(|row| deals.kind(*row) == StageKind::Open) {
        if !deals.stage.place(row).and_then(|code| wanted.get(code).copied()).unwrap_or(request.stages.is_none()) {
            others = others.saturating_add(1);
            continue;
        }
        let prospect = rules.prospect(row)?;
        if let Some(bucket) = buckets.get_mut(calendar.place(prospect.close)) {
            bucket.take(&prospect)?;
        }
    }
    let (buckets, total) = write(buckets, rules.scale())?;
    let mut reasons = vec![Reason::new(Code::ForecastDefinition)];
    reasons.extend(rules.reasons());
    reasons.extend(about(Code::LeftOutOtherStages, others));
    let buckets = names
        .into_iter()
        .zip(buckets)
        .map(|((kind, month), figures)| ForecastBucket { kind, month, figures })
        .collect();
    Ok(defined(reasons, context, |definition| Forecast {
        pipeline: pipeline.id.clone(),
        as_of,
        buckets,
        total,
        policies: request.policies,
        imputed: rules.imputed,
        median_cycle_days: rules.cycle,
        definition,
    }))
}

/// Which of the table's stages are asked for.
fn wanted(deals: &Deals, request: &ForecastRequest, pipeline: &Pipeline) -> Result<Vec<bool>> {
    let Some(stages) = &request.stages else { return Ok(vec![true; deals.stage.values().len()]) };
    let check =
        |(place, stage): (usize, &String)| pipeline.stage(stage).err().map(|e| e.at(&format!("stages[{place}]")));
    if let Some(error) = Error::all(stages.iter().enumerate().filter_map(|(i, s)| check((i, s))).collect()) {
        return Err(error);
    }
    Ok(deals.stage.values().iter().map(|stage| stages.contains(stage)).collect())
}

/// Rounds weighted amounts so that the buckets add up to the total, which is rounded once.
fn write(buckets: Vec<Bucket>, scale: u32) -> Result<(Vec<ForecastFigures>, ForecastFigures)> {
    let mut total = ForecastFigures::default();
    let mut running: BTreeMap<Currency, (u64, i128, i128, i128)> = BTreeMap::new();
    let mut out = Vec::with_capacity(buckets.len());
    for Bucket { mut figures, pots } in buckets {
        total.count = total.count.saturating_add(figures.count);
        total.without_amount = total.without_amount.saturating_add(figures.without_amount);
        total.without_probability = total.without_probability.saturating_add(figures.without_probability);
        for (currency, pot) in pots {
            let (count, sum, exact, given) = running.entry(currency).or_default();
            *count = count.saturating_add(pot.count);
            *sum = sum.checked_add(pot.sum).ok_or_else(|| overflow("sum"))?;
            *exact = pot.weighted().and_then(|w| exact.checked_add(w)).ok_or_else(|| overflow("weighted amount"))?;
            let rounded = round_to_minor(*exact, scale, currency)?;
            let share = rounded.checked_sub(*given).ok_or_else(|| overflow("weighted amount"))?;
            *given = rounded;
            figures.values.push(value(currency, pot.count, pot.sum, share, scale)?);
        }
        out.push(figures);
    }
    total.values = running
        .into_iter()
        .map(|(currency, (count, sum, _, given))| value(currency, count, sum, given, scale))
        .collect::<Result<_>>()?;
    Ok((out, total))
}

fn digits(currency: Currency, scale: u32) -> u32 {
    currency.digits().unwrap_or(scale)
}

/// Minor units of an amount with `scale + GUARD` digits after the point.
fn round_to_minor(exact: i128, scale: u32, currency: Currency) -> Result<i128> {
    let (have, want) = (scale.saturating_add(GUARD), digits(currency, scale));
    let power = |digits: u32| power_of_ten(digits).ok_or_else(|| overflow("weighted amount"));
    let more = exact.checked_mul(power(want.saturating_sub(have))?).ok_or_else(|| overflow("weighted amount"))?;
    round_ratio(more, power(have.saturating_sub(want))?, Mode::HalfAwayFromZero)
}

fn value(currency: Currency, count: u64, sum: i128, weighted: i128, scale: u32) -> Result<ForecastValue> {
    let amount = minor(Dec::from_parts(sum, scale)?, currency);
    Ok(ForecastValue { currency, count, amount, weighted: Dec::from_parts(weighted, digits(currency, scale))? })
}
