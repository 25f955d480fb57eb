//! Sharing an amount by weights so that the shares sum to it exactly, under five remainder rules.
//!
//! An exact share `amount x weight / sum of weights` is rarely a whole number of the smallest unit; a remainder rule says who gets
//! the units that are left. Systems differ there, so the rule is named, never implied. Where the rules come from:
//! `largest_fraction` moneyphp/money, `largest_ratio` dinero.js, `sequential_from_last` RubyMoney,
//! `round_half_down_then_first` Sylius, `largest_fraction_by_magnitude` Vendure; each is checked against those projects' own test data.

use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::decimal::Dec;
use super::error::Error;
use super::reason::Reason;
use super::rounding::{Mode, floor_ratio, power_of_ten, round_ratio};
use crate::base::json::{FromJson, ToJson};

/// Who gets the units that are left when an amount is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RemainderRule {
    /// Every share is cut toward minus infinity; the units left go one by one to the largest fractions cut off, ties in order.
    #[default]
    LargestFraction,
    /// Every share is cut toward zero; the units left go one by one to the largest weights, ties in order.
    LargestRatio,
    /// From the last to the first, each takes its part, cut toward zero, of what the later ones left; the first takes the rest.
    SequentialFromLast,
    /// Every share is rounded, a half toward zero; the first ones each give or take one unit until the sum is right, whatever their weight.
    RoundHalfDownThenFirst,
    /// As `largest_fraction` on the amount without its sign, which is then restored; weights that are all zero share equally.
    LargestFractionByMagnitude,
}

impl RemainderRule {
    /// Every rule with its wire name.
    pub const ALL: &'static [(RemainderRule, &'static str)] = &[
        (RemainderRule::LargestFraction, "largest_fraction"),
        (RemainderRule::LargestRatio, "largest_ratio"),
        (RemainderRule::SequentialFromLast, "sequential_from_last"),
        (RemainderRule::RoundHalfDownThenFirst, "round_half_down_then_first"),
        (RemainderRule::LargestFractionByMagnitude, "largest_fraction_by_magnitude"),
    ];

    /// The wire name.
    pub fn name(self) -> &'static str {
        RemainderRule::ALL.iter().find(|(rule, _)| *rule == self).map_or("", |(_, name)| name)
    }
}

/// Shares a whole number of units by weights; the shares sum to it exactly.
///
/// # Errors
/// `invalid_weights` when there is none, one is below zero, or all are zero (which `largest_fraction_by_magnitude` allows);
/// `decimal_overflow` when amount times weight passes 127 bits.
///
/// # Example: a cent that cannot be split
/// ```
/// use crm_core::base::allocate::{allocate, RemainderRule};
/// let weights = ["1".parse()?, "3".parse()?];
/// assert_eq!(allocate(5, &weights, RemainderRule::LargestFraction)?, [1, 4]);
/// assert_eq!(allocate(-5, &weights, RemainderRule::LargestRatio)?, [-1, -4]);
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn allocate(units: i128, weights: &[Dec], rule: RemainderRule) -> Result<Vec<i128>, Error> {
    let whole = whole_weights(weights, false).or_else(|| whole_weights(weights, true)).ok_or_else(overflow)?;
    allocate_whole(units, &whole, rule)
}

/// Shares an amount that is a multiple of an increment; every share is a multiple too, written with the increment's digits.
///
/// # Errors
/// `invalid_increment`; `amount_not_multiple`; and those of [`allocate`].
///
/// # Example: ten dollars among three
/// ```
/// use crm_core::base::{allocate::{allocate_amount, RemainderRule}, decimal::Dec};
/// let one: Dec = "1".parse()?;
/// let shares = allocate_amount("10".parse()?, "0.01".parse()?, &[one, one, one], RemainderRule::LargestFraction)?;
/// assert_eq!(shares.iter().map(Dec::to_string).collect::<Vec<_>>(), ["3.34", "3.33", "3.33"]);
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn allocate_amount(amount: Dec, increment: Dec, weights: &[Dec], rule: RemainderRule) -> Result<Vec<Dec>, Error> {
    let rounder = super::rounding::Rounder::new(increment, Mode::TowardZero)?;
    let units = rounder.units(amount)?;
    if rounder.amount(units)? != amount {
        return Err(Error::new(Code::AmountNotMultiple)
            .with("amount", amount.to_string())
            .with("increment", increment.to_string()));
    }
    allocate(units, weights, rule)?.into_iter().map(|share| rounder.amount(share)).collect()
}

/// Shares a whole number of units by whole weights; see [`allocate`].
///
/// # Errors
/// Those of [`allocate`].
pub fn allocate_whole(units: i128, weights: &[i128], rule: RemainderRule) -> Result<Vec<i128>, Error> {
    let invalid = |reason| Error::new(Code::InvalidWeights).with("reason", Reason::new(reason));
    if weights.is_empty() {
        return Err(invalid(Code::NoWeights));
    }
    if weights.iter().any(|w| *w < 0) {
        return Err(invalid(Code::WeightBelowZero));
    }
    let total = weights.iter().try_fold(0_i128, |sum, w| sum.checked_add(*w)).ok_or_else(overflow)?;
    if total == 0 {
        if rule != RemainderRule::LargestFractionByMagnitude {
            return Err(invalid(Code::WeightsAllZero));
        }
        return allocate_whole(units, &vec![1; weights.len()], rule);
    }
    match rule {
        RemainderRule::LargestFraction => largest_fraction(units, weights, total),
        RemainderRule::LargestRatio => largest_ratio(units, weights, total),
        RemainderRule::SequentialFromLast => sequential_from_last(units, weights, total),
        RemainderRule::RoundHalfDownThenFirst => round_half_down_then_first(units, weights, total),
        RemainderRule::LargestFractionByMagnitude => {
            let mut shares = largest_fraction(units.checked_abs().ok_or_else(overflow)?, weights, total)?;
            if units < 0 {
                shares.iter_mut().for_each(|share| *share = share.saturating_neg());
            }
            Ok(shares)
        }
    }
}

fn overflow() -> Error {
    Error::new(Code::DecimalOverflow).with("what", "share")
}

/// The weights as whole numbers in the same proportions.
fn whole_weights(weights: &[Dec], normalize: bool) -> Option<Vec<i128>> {
    let plain = |w: &Dec| if normalize { w.normalized() } else { *w };
    let scale = weights.iter().map(|w| plain(w).scale()).max().unwrap_or(0);
    let whole = |w: Dec| w.mantissa().checked_mul(power_of_ten(scale.saturating_sub(w.scale()))?);
    weights.iter().map(|w| whole(plain(w))).collect()
}

/// The units that no share holds yet.
fn left_over(units: i128, shares: &[i128]) -> i128 {
    // Shares lie between zero and the units, so neither step can overflow.
    shares.iter().fold(units, |left, share| left.saturating_sub(*share))
}

/// Adds one step to the shares of the first `count` candidates, largest rank first, ties in order.
fn give(shares: &mut [i128], ranks: impl Iterator<Item = i128>, count: usize, step: i128) {
    let ranks: Vec<i128> = ranks.collect();
    // The least rank that still gets a step, and how many of that rank do. A heap, since a selection brings several kilobytes.
    let mut heap = BinaryHeap::from(ranks.clone());
    for _ in 1..count.min(ranks.len()) {
        heap.pop();
    }
    let least = heap.pop().unwrap_or(i128::MIN);
    let larger = ranks.iter().filter(|rank| **rank > least).count();
    let mut ties = count.saturating_sub(larger);
    for (share, rank) in shares.iter_mut().zip(ranks) {
        let is_tie = rank == least && ties > 0;
        ties = ties.saturating_sub(usize::from(is_tie));
        if count > 0 && (rank > least || is_tie) {
            *share = share.saturating_add(step);
        }
    }
}

fn largest_fraction(units: i128, weights: &[i128], total: i128) -> Result<Vec<i128>, Error> {
    let mut shares = Vec::with_capacity(weights.len());
    let mut fractions = Vec::with_capacity(weights.len());
    for weight in weights {
        let (share, fraction) = floor_ratio(units.checked_mul(*weight).ok_or_else(overflow)?, total);
        shares.push(share);
        fractions.push(fraction);
    }
    // What is left is a sum of fractions below one: fewer units than weights that have a fraction.
    match usize::try_from(left_over(units, &shares)) {
        Ok(0) => {}
        Ok(count) => give(&mut shares, fractions.into_iter(), count, 1),
        Err(_) => return Err(overflow()),
    }
    Ok(shares)
}

fn largest_ratio(units: i128, weights: &[i128], total: i128) -> Result<Vec<i128>, Error> {
    let shares: Result<Vec<i128>, Error> = weights
        .iter()
        .map(|w| round_ratio(units.checked_mul(*w).ok_or_else(overflow)?, total, Mode::TowardZero))
        .collect();
    let mut shares = shares?;
    let left = left_over(units, &shares);
    let count = usize::try_from(left.unsigned_abs()).map_err(|_| overflow())?;
    if count > 0 {
        give(&mut shares, weights.iter().copied(), count, left.signum());
    }
    Ok(shares)
}

fn sequential_from_last(units: i128, weights: &[i128], total: i128) -> Result<Vec<i128>, Error> {
    let mut shares = vec![0; weights.len()];
    let (mut left, mut parts) = (units, total);
    for (share, weight) in shares.iter_mut().zip(weights).rev() {
        if *weight > 0 {
            *share = round_ratio(left.checked_mul(*weight).ok_or_else(overflow)?, parts, Mode::TowardZero)?;
            left = left.saturating_sub(*share);
            parts = parts.saturating_sub(*weight);
        }
    }
    Ok(shares)
}

fn round_half_down_then_first(units: i128, weights: &[i128], total: i128) -> Result<Vec<i128>, Error> {
    let shares: Result<Vec<i128>, Error> = weights
        .iter()
        .map(|w| round_ratio(units.checked_mul(*w).ok_or_else(overflow)?, total, Mode::HalfTowardZero))
        .collect();
    let mut shares = shares?;
    // Each share is off by at most half a unit, so the difference never passes half the number of weights.
    let left = left_over(units, &shares);
    let count = usize::try_from(left.unsigned_abs()).map_err(|_| overflow())?;
    shares.iter_mut().take(count).for_each(|share| *share = share.saturating_add(left.signum()));
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_that_cannot_share_are_refused() {
        let dec = |text: &str| text.parse::<Dec>().unwrap();
        for (rule, name) in RemainderRule::ALL {
            for bad in [vec![], vec![dec("-1"), dec("2")]] {
                assert_eq!(allocate(100, &bad, *rule).unwrap_err().code(), "invalid_weights", "{name}");
            }
            let zeros = allocate(100, &[dec("0"), dec("0")], *rule);
            if *rule == RemainderRule::LargestFractionByMagnitude {
                assert_eq!(zeros.unwrap(), [50, 50]);
            } else {
                assert_eq!(zeros.unwrap_err().code(), "invalid_weights", "{name}");
            }
            assert_eq!(serde_json::to_value(rule).unwrap(), serde_json::Value::from(*name));
        }
        assert_eq!(
            allocate_amount(dec("0.005"), dec("0.01"), &[dec("1")], RemainderRule::default()).unwrap_err().code(),
            "amount_not_multiple"
        );
    }

    #[test]
    fn the_rules_differ_below_zero() {
        let thirds = vec!["1".parse::<Dec>().unwrap(); 3];
        let shares = |rule| allocate(-100, &thirds, rule).unwrap();
        assert_eq!(shares(RemainderRule::LargestFraction), [-33, -33, -34]);
        assert_eq!(shares(RemainderRule::LargestRatio), [-34, -33, -33]);
        assert_eq!(shares(RemainderRule::SequentialFromLast), [-34, -33, -33]);
        assert_eq!(shares(RemainderRule::RoundHalfDownThenFirst), [-34, -33, -33]);
        assert_eq!(shares(RemainderRule::LargestFractionByMagnitude), [-34, -33, -33]);
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_amount_and_stay_near_their_part(
            units in -1_000_000_000_000_i128..1_000_000_000_000,
            weights in proptest::collection::vec((0_i64..1_000_000, 0_u32..6), 1..40),
            rule in proptest::sample::select(RemainderRule::ALL),
        ) {
            let weights: Vec<Dec> = weights.iter().map(|(m, s)| Dec::from_parts(i128::from(*m), *s).unwrap()).collect();
            let total = whole_weights(&weights, false).unwrap().iter().sum::<i128>();
            prop_assume!(total > 0);
            let shares = allocate(units, &weights, rule.0).unwrap();
            prop_assert_eq!(shares.len(), weights.len());
            prop_assert_eq!(shares.iter().sum::<i128>(), units);
            if rule.0 != RemainderRule::SequentialFromLast {
                for (share, weight) in shares.iter().zip(whole_weights(&weights, false).unwrap()) {
                    // Rounding to the nearest and one unit more or less stay within two of the exact part.
                    prop_assert!((share * total - units * weight).abs() < total * 2);
                }
            }
        }
    }
}
