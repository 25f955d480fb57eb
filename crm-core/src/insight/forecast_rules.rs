//! What a forecast assumes where an opportunity does not say: the named policies and their effect.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cycle_time::cycle;
use super::deals::{Deals, scaled};
use super::figures::{about, median};
use crate::base::codes::Code;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::order;
use crate::base::reason::Reason;
use crate::base::rounding::{Mode, power_of_ten, round};
use crate::base::time::Date;
use crate::pipeline::definition::{Pipeline, StageKind};
use crate::pricing::price_book::PriceBook;

/// What is assumed for an opportunity without an expected close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ClosePolicy {
    /// Nothing: it stands under `no_date`.
    #[default]
    None,
    /// Its start plus the median days from start to close of the won opportunities, rounded half away from zero to whole days.
    MedianCycle,
}

/// What is assumed for an opportunity without an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AmountPolicy {
    /// Nothing: it counts, without an amount.
    #[default]
    None,
    /// The price of one unit of its product in the price book.
    ListPrice,
}

/// Where probabilities come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ProbabilityPolicy {
    /// The opportunity's own; that of its stage where it has none.
    #[default]
    Deal,
    /// That of the stage.
    Stage,
    /// Won of closed opportunities of the same product; of all products where none of its own is closed.
    HistoricWinRate,
}

/// The policies of a forecast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForecastPolicies {
    /// What is assumed for an opportunity without an expected close; nothing by default.
    #[serde(default)]
    pub close: ClosePolicy,
    /// What is assumed for an opportunity without an amount; nothing by default.
    #[serde(default)]
    pub amount: AmountPolicy,
    /// Where probabilities come from; the opportunity's own by default.
    #[serde(default)]
    pub probability: ProbabilityPolicy,
    /// The start that is assumed for an opportunity without one, such as the date of an import; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Date>,
}

/// How many figures were assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Imputed {
    /// Expected closes.
    pub close: u64,
    /// Amounts.
    pub amount: u64,
    /// Starts.
    pub start: u64,
    /// Probabilities.
    pub probability: u64,
}

/// What each product costs, in one currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Prices {
    /// The currency.
    pub currency: Currency,
    /// The price of one unit, by product.
    pub prices: BTreeMap<String, Dec>,
}

impl Prices {
    /// The prices of a price book.
    pub fn of(book: &PriceBook) -> Self {
        let prices = order::map(book.entries.iter().map(|entry| (entry.product.to_string(), entry.unit_price)));
        Prices { currency: book.currency, prices }
    }
}

/// A probability as an exact fraction.
pub(super) type Chance = (i128, i128);

/// A price: its currency and its digits.
type Price = (Currency, i128);

/// What one open opportunity brings to the forecast.
pub(super) struct Prospect {
    pub close: Option<Date>,
    pub value: Option<(Currency, i128)>,
    pub chance: Option<Chance>,
}

/// The policies made ready for one table.
pub(super) struct Rules<'a> {
    deals: &'a Deals,
    policies: ForecastPolicies,
    stages: Vec<Option<Chance>>,
    products: Vec<(i128, i128)>,
    everything: (i128, i128),
    prices: Vec<Option<Price>>,
    scale: u32,
    pub cycle: Option<i64>,
    pub imputed: Imputed,
}

impl<'a> Rules<'a> {
    /// # Errors
    /// `missing_field` for list prices without a price book; `decimal_overflow`.
    pub fn new(
        deals: &'a Deals,
        policies: ForecastPolicies,
        pipeline: &Pipeline,
        list: Option<&Prices>,
    ) -> Result<Self> {
        let mut won: Vec<i128> = (0..deals.rows())
            .filter(|row| deals.kind(*row) == StageKind::Won)
            .filter_map(|row| cycle(deals, row))
            .collect();
        let whole = |days: Dec| {
            round(days, Dec::from(1), Mode::HalfAwayFromZero)
                .map(|d| i64::try_from(d.normalized().mantissa()).unwrap_or(0))
        };
        let mut products = vec![(0_i128, 0_i128); deals.product.values().len()];
        let mut everything = (0_i128, 0_i128);
        for row in 0..deals.rows() {
            let add = |tally: &mut (i128, i128), won: bool| {
                *tally = (tally.0.saturating_add(i128::from(won)), tally.1.saturating_add(1))
            };
            let kind = deals.kind(row);
            if kind != StageKind::Open {
                add(&mut everything, kind == StageKind::Won);
                if let Some(tally) = deals.product.place(row).and_then(|p| products.get_mut(p)) {
                    add(tally, kind == StageKind::Won);
                }
            }
        }
        let stage = |id: &String| {
            pipeline.stage(id).ok().filter(|s| s.probability.is_some()).map(|s| percent(s.percent())).transpose()
        };
        let stages = deals.stage.values().iter().map(stage).collect::<Result<_>>()?;
        let (prices, scale) = prices(deals, policies.amount, list)?;
        let (cycle, imputed) = (median(&mut won, 0)?.map(whole).transpose()?, Imputed::default());
        Ok(Rules { deals, policies, stages, products, everything, prices, scale, cycle, imputed })
    }

    /// The digits after the point of every value.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// What a row brings.
    ///
    /// # Errors
    /// `decimal_overflow`.
    pub fn prospect(&mut self, row: usize) -> Result<Prospect> {
        Ok(Prospect { close: self.close(row), value: self.value(row)?, chance: self.chance(row)? })
    }

    fn close(&mut self, row: usize) -> Option<Date> {
        let known = self.deals.expected.date(row);
        if known.is_some() || self.policies.close == ClosePolicy::None {
            return known;
        }
        let started = self.deals.start.date(row);
        let close = started.or(self.policies.start)?.plus_days(self.cycle?)?;
        self.imputed.close = self.imputed.close.saturating_add(1);
        self.imputed.start = self.imputed.start.saturating_add(u64::from(started.is_none()));
        Some(close)
    }

    fn value(&mut self, row: usize) -> Result<Option<(Currency, i128)>> {
        if let Some((currency, digits)) = self.deals.currency.get(row).copied().zip(self.deals.amount.get(row)) {
            return Ok(Some((currency, scaled(digits, self.scale.saturating_sub(self.deals.amount.scale()))?)));
        }
        let price = self.deals.product.place(row).and_then(|p| self.prices.get(p).copied().flatten());
        self.imputed.amount = self.imputed.amount.saturating_add(u64::from(price.is_some()));
        Ok(price)
    }

    fn chance(&mut self, row: usize) -> Result<Option<Chance>> {
        let stage = self.deals.stage.place(row).and_then(|code| self.stages.get(code).copied().flatten());
        let own = self.deals.probability.get(row);
        let (chance, assumed) = match (self.policies.probability, own) {
            (ProbabilityPolicy::Deal, Some(own)) => (Some(percent(*own)?), false),
            (ProbabilityPolicy::HistoricWinRate, _) => {
                let product = self.deals.product.place(row).and_then(|p| self.products.get(p)).copied();
                let rate = product.filter(|(_, closed)| *closed > 0).unwrap_or(self.everything);
                (Some(rate).filter(|(_, closed)| *closed > 0), true)
            }
            _ => (stage, true),
        };
        self.imputed.probability = self.imputed.probability.saturating_add(u64::from(assumed && chance.is_some()));
        Ok(chance)
    }

    /// What was assumed, as reasons.
    pub fn reasons(&self) -> Vec<Reason> {
        let probability = match self.policies.probability {
            ProbabilityPolicy::HistoricWinRate => Code::ProbabilityFromWinRate,
            _ => Code::ProbabilityFromStages,
        };
        let reasons = [
            about(Code::ImputedClose, self.imputed.close).map(|r| r.with("days", self.cycle.unwrap_or(0))),
            about(Code::ImputedStart, self.imputed.start)
                .map(|r| r.with("date", self.policies.start.map(|date| date.to_string()))),
            about(Code::ImputedAmount, self.imputed.amount),
            about(probability, self.imputed.probability),
        ];
        reasons.into_iter().flatten().collect()
    }
}

/// A percent as a fraction of integers.
fn percent(percent: Dec) -> Result<Chance> {
    let plain = percent.normalized();
    let whole = power_of_ten(plain.scale().saturating_add(2)).ok_or_else(|| super::figures::overflow("probability"))?;
    Ok((plain.mantissa(), whole))
}

/// The price of each product at a common scale, which is at least that of the table's amounts.
fn prices(deals: &Deals, policy: AmountPolicy, list: Option<&Prices>) -> Result<(Vec<Option<Price>>, u32)> {
    let products = deals.product.values();
    if policy == AmountPolicy::None {
        return Ok((vec![None; products.len()], deals.amount.scale()));
    }
    let list = list.ok_or_else(|| Error::new(Code::MissingField).with("field", "price_book").at("price_book"))?;
    let known = |product: &String| list.prices.get(product).map(|price| price.normalized());
    let found: Vec<Option<Dec>> = products.iter().map(known).collect();
    let scale = found.iter().flatten().map(|price| price.scale()).fold(deals.amount.scale(), u32::max);
    let price = |price: Dec| Ok((list.currency, scaled(price.mantissa(), scale.saturating_sub(price.scale()))?));
    Ok((found.into_iter().map(|found| found.map(price).transpose()).collect::<Result<_>>()?, scale))
}
