//! One discount on the whole document: on its net before tax, or on its total with tax in it.
//!
//! On the net it is taken off before tax is found, shared by the lines in proportion to their nets.
//!
//! On the gross, the document is first found without its fixed taxes, which nobody discounts. Of that total `T` a percent `p` leaves
//! `T x (100 - p) / 100`, rounded; an amount leaves `T - amount`. Each tax gives its part of what is taken, rounded; the net gives the
//! rest, so that the total is met exactly. What taxes add to the bases of others shrinks in the same proportion, rounded. Each
//! amount is then shared by the lines that it came from (largest fraction first), and taken off the document with its fixed taxes.
//!
//! Source: Odoo's discount lines with the taxes of the lines they discount; checked against its published cases.

use serde::{Deserialize, Serialize};

use super::request::PriceRequest;
use super::tax::TaxKind;
use super::tax_rules::TaxRules;
use super::tax_settle::Taxed;
use super::units::{add, overflow, set, share_signed, spread, subtract, sum};
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::rounding::{Mode, Rounder, power_of_ten, round_product};

/// What a document discount is taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DiscountOn {
    /// The sum of the lines after their own discounts, before tax is found.
    #[default]
    Net,
    /// The total with tax in it: net and taxes shrink so that the total is met exactly; fixed taxes are not discounted.
    Gross,
}

/// A discount on the whole document: a percent or an amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentDiscount {
    /// What it is taken off; the net unless said otherwise.
    #[serde(default)]
    pub on: DiscountOn,
    /// The discount in percent, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Dec>,
    /// The discount as an amount, zero or more, which is rounded as every amount is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Dec>,
}

/// What a document discount did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentDiscounted {
    /// What it was taken off.
    pub on: DiscountOn,
    /// The discount in percent, when it was asked for so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Dec>,
    /// What it was taken off, as an amount: the net, or the total without fixed taxes.
    pub before: Dec,
    /// What was taken off.
    pub amount: Dec,
}

/// A fraction of an amount.
#[derive(Clone, Copy)]
pub(super) struct Part {
    above: i128,
    below: i128,
}

impl Part {
    pub(super) fn percent(percent: Dec) -> Result<Self> {
        let percent = percent.normalized();
        let below = power_of_ten(percent.scale().saturating_add(2)).ok_or_else(|| overflow("percentage"))?;
        Ok(Part { above: percent.mantissa(), below })
    }

    /// The part of some units, rounded.
    pub(super) fn of(self, units: i128, mode: Mode) -> Result<i128> {
        round_product(units, self.above, self.below, mode)
    }
}

/// What a request takes off its net, as a percent or as units.
pub(super) enum Asked {
    Nothing,
    Percent(Dec),
    Amount(i128),
}

/// What a request takes off one of the two.
pub(super) fn asked(request: &PriceRequest, on: DiscountOn, rounder: &Rounder) -> Result<Asked> {
    let percent = |percent: Option<Dec>| match percent.filter(|percent| !percent.is_zero()) {
        Some(percent) => Asked::Percent(percent),
        None => Asked::Nothing,
    };
    Ok(match &request.document_discount {
        None if on == DiscountOn::Net => percent(request.discount_percent),
        Some(discount) if discount.on == on => match discount.amount {
            Some(amount) => Asked::Amount(rounder.units(amount).map_err(|error| error.at("document_discount.amount"))?),
            None => percent(discount.percent),
        },
        _ => Asked::Nothing,
    })
}

/// Refuses an amount above what there is.
pub(super) fn within(amount: i128, total: i128, rounder: &Rounder) -> Result<()> {
    if amount <= total.max(0) {
        return Ok(());
    }
    let error = Error::new(Code::DiscountExceedsTotal).with("amount", rounder.amount(amount)?.to_string());
    Err(error.with("total", rounder.amount(total)?.to_string()).at("document_discount.amount"))
}

/// The rules of each line without the fixed taxes.
pub(super) fn without_fixed(rules: &TaxRules) -> Vec<Vec<usize>> {
    let is_kept = |rule: &usize| rules.get(*rule).is_some_and(|rule| rule.kind != TaxKind::Fixed);
    rules.of_lines.iter().map(|rules| rules.iter().copied().filter(is_kept).collect()).collect()
}

/// The total of what was found.
pub(super) fn total(found: &Taxed, rules: &TaxRules) -> Result<i128> {
    let mut totals = found.nets.clone();
    super::tax_settle::give(&mut totals, &found.rows, rules)?;
    sum(&totals)
}

/// What is taken off the total: by a percent so that the rest is rounded, or an amount.
pub(super) fn taken(asked: &Asked, total: i128, rounder: &Rounder) -> Result<Option<(i128, Part)>> {
    Ok(match asked {
        Asked::Nothing => None,
        Asked::Percent(percent) => {
            let kept = Part::percent(Dec::HUNDRED.sub(*percent)?)?;
            Some((subtract(total, kept.of(total, rounder.mode())?)?, Part::percent(*percent)?))
        }
        Asked::Amount(amount) => {
            within(*amount, total, rounder)?;
            Some((*amount, Part { above: *amount, below: total.max(1) }))
        }
    })
}

/// Takes a discount off the total of a document; gives what each line's price gives of it.
pub(super) fn take(
    settled: &mut Taxed,
    discounted: &Taxed,
    (whole, part): (i128, Part),
    rules: &TaxRules,
    mode: Mode,
) -> Result<Vec<i128>> {
    let mut left = whole;
    // What each row of the document without fixed taxes gives of its amount, and of what other taxes add to its base.
    let mut given = vec![(0, 0); discounted.rows.len()];
    for (tax, rule) in rules.rules.iter().enumerate() {
        let members: Vec<usize> = (0..discounted.rows.len())
            .filter(|at| discounted.rows.get(*at).is_some_and(|row| row.rule == tax))
            .collect();
        let rows = || members.iter().filter_map(|at| discounted.rows.get(*at));
        let amounts: Vec<i128> = rows().map(|row| row.amount).collect();
        let net = |line: usize| discounted.nets.get(line).copied().unwrap_or(0);
        let extras = rows().map(|row| subtract(row.base, net(row.line))).collect::<Result<Vec<_>>>()?;
        let amount = part.of(sum(&amounts)?, mode)?;
        let extra = part.of(sum(&extras)?, mode)?;
        if !rule.reverse {
            left = subtract(left, amount)?;
        }
        let shares = dispense(amount, &amounts)?.into_iter().zip(dispense(extra, &extras)?);
        for (at, share) in members.iter().zip(shares) {
            given.get_mut(*at).into_iter().for_each(|given| *given = share);
        }
    }
    let of_nets = dispense(left, &discounted.nets)?;
    let mut of_prices = of_nets.clone();
    for (line, (net, given)) in settled.nets.iter_mut().zip(&of_nets).enumerate() {
        *net = subtract(*net, *given)?;
        let price = settled.prices.get(line).copied().unwrap_or(0);
        set(&mut settled.prices, line, subtract(price, *given)?);
    }
    let mut giving = discounted.rows.iter().zip(&given);
    for row in &mut settled.rows {
        row.base = subtract(row.base, of_nets.get(row.line).copied().unwrap_or(0))?;
        let Some(rule) = rules.get(row.rule).filter(|rule| rule.kind != TaxKind::Fixed) else { continue };
        // Both lists are in one order, the fixed taxes left out of the other.
        let Some((_, (amount, extra))) = giving.next() else { continue };
        row.amount = subtract(row.amount, *amount)?;
        row.base = subtract(row.base, *extra)?;
        if rule.included {
            let (price, share) = (settled.prices.get(row.line), of_prices.get(row.line));
            let (price, share) = (price.copied().unwrap_or(0), share.copied().unwrap_or(0));
            set(&mut settled.prices, row.line, subtract(price, *amount)?);
            set(&mut of_prices, row.line, add(share, *amount)?);
        }
    }
    Ok(of_prices)
}

/// Shares units in proportion; where the weights come to nothing, the largest ones take them.
fn dispense(units: i128, weights: &[i128]) -> Result<Vec<i128>> {
    if sum(weights)? == 0 { spread(units, weights) } else { share_signed(units, weights) }
}
