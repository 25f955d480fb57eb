//! Amounts as whole numbers of rounding increments in 128 bits: sums and differences are exact, and what does not fit is refused.

use super::request::PriceLine;
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::rounding::{Mode, Rounder, floor_product, power_of_ten, round_product, round_ratio};

pub(super) fn overflow(what: &str) -> Error {
    Error::new(Code::DecimalOverflow).with("what", what)
}

pub(super) fn add(a: i128, b: i128) -> Result<i128> {
    a.checked_add(b).ok_or_else(|| overflow("sum"))
}

pub(super) fn subtract(a: i128, b: i128) -> Result<i128> {
    a.checked_sub(b).ok_or_else(|| overflow("difference"))
}

pub(super) fn multiply(a: i128, b: i128) -> Result<i128> {
    a.checked_mul(b).ok_or_else(|| overflow("product"))
}

pub(super) fn sum(units: &[i128]) -> Result<i128> {
    units.iter().try_fold(0, |sum, unit| add(sum, *unit))
}

pub(super) fn set(units: &mut [i128], index: usize, value: i128) {
    if let Some(place) = units.get_mut(index) {
        *place = value;
    }
}

/// The list amount and the net of a line, in units.
pub(super) fn line_units(line: &PriceLine, rounder: &Rounder) -> Result<(i128, i128)> {
    let direct = line_parts(line.quantity, line.unit_price, line.discount_percent, rounder);
    direct.or_else(|_| {
        // Trailing zeros may have cost the digits: once more without them.
        let discount = line.discount_percent.map(Dec::normalized);
        line_parts(line.quantity.normalized(), line.unit_price.normalized(), discount, rounder)
    })
}

fn line_parts(quantity: Dec, unit_price: Dec, discount: Option<Dec>, rounder: &Rounder) -> Result<(i128, i128)> {
    let (product, scale) = exact_product(quantity, unit_price, None).ok_or_else(|| overflow("line amount"))?;
    let amount = rounder.units_of_parts(product, scale)?;
    if discount.is_none_or(Dec::is_zero) {
        return Ok((amount, amount));
    }
    let (product, scale) = exact_product(quantity, unit_price, discount).ok_or_else(|| overflow("line amount"))?;
    Ok((amount, rounder.units_of_parts(product, scale)?))
}

/// The exact quantity x unit price x (100 - discount) / 100 as a mantissa and a scale.
pub(super) fn exact_product(quantity: Dec, unit_price: Dec, discount: Option<Dec>) -> Option<(i128, u32)> {
    let product = quantity.mantissa().checked_mul(unit_price.mantissa())?;
    let scale = quantity.scale().checked_add(unit_price.scale())?;
    let Some(discount) = discount else { return Some((product, scale)) };
    let places = discount.scale().checked_add(2)?;
    let kept = power_of_ten(places)?.checked_sub(discount.mantissa())?;
    Some((product.checked_mul(kept)?, scale.checked_add(places)?))
}

/// A taken part in percent of an amount, to four digits; nothing when the amount is zero.
pub(super) fn true_percent(amount: i128, taken: i128) -> Result<Option<Dec>> {
    if amount == 0 {
        return Ok(None);
    }
    let taken = taken.checked_mul(1_000_000).ok_or_else(|| overflow("percentage"))?;
    Dec::from_parts(round_ratio(taken, amount, Mode::HalfAwayFromZero)?, 4).map(Some)
}

/// Shares units by weights that may be below zero: each share is cut toward minus infinity, and the units left go one by one to the
/// largest fractions cut off, ties in order. Nothing to share, or weights that sum to nothing, is nothing for each.
pub(super) fn share_signed(units: i128, weights: &[i128]) -> Result<Vec<i128>> {
    let total = sum(weights)?;
    if units == 0 || total == 0 {
        return Ok(vec![0; weights.len()]);
    }
    let (units, divisor) = if total < 0 { (subtract(0, units)?, subtract(0, total)?) } else { (units, total) };
    let (mut shares, mut fractions) = (Vec::with_capacity(weights.len()), Vec::with_capacity(weights.len()));
    for weight in weights {
        let (share, fraction) = floor_product(units, *weight, divisor).ok_or_else(|| overflow("share"))?;
        shares.push(share);
        fractions.push(fraction);
    }
    let whole = if total < 0 { subtract(0, units)? } else { units };
    let left = subtract(whole, sum(&shares)?)?;
    let rank = |place: usize| fractions.get(place).copied().unwrap_or(0);
    let order = crate::base::order::order(weights.len(), &|a, b| rank(b).cmp(&rank(a)));
    for place in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(share) = shares.get_mut(place) {
            *share = add(*share, 1)?;
        }
    }
    Ok(shares)
}

/// Spreads a few units over amounts, most to the largest: in order of magnitude each takes its part of them, rounded to the nearest
/// (a half to the even), and what is left goes one by one in the same order.
///
/// Source: how Odoo distributes the difference between a rounded total and the sum of rounded lines.
pub(super) fn spread(units: i128, magnitudes: &[i128]) -> Result<Vec<i128>> {
    let mut shares = vec![0; magnitudes.len()];
    if units == 0 || shares.is_empty() {
        return Ok(shares);
    }
    let weight = |place: usize| magnitudes.get(place).map_or(0, |magnitude| magnitude.saturating_abs());
    let order = crate::base::order::order(magnitudes.len(), &|a, b| weight(b).cmp(&weight(a)));
    let total = order.iter().try_fold(0, |sum, place| add(sum, weight(*place)))?;
    let (step, whole) = (units.signum(), units.saturating_abs());
    let mut left = whole;
    for place in &order {
        let part = match total {
            0 => round_ratio(whole, i128::try_from(order.len()).unwrap_or(1), Mode::HalfEven)?,
            total => round_product(weight(*place), whole, total, Mode::HalfEven)?,
        };
        let part = part.min(left);
        left = subtract(left, part)?;
        set(&mut shares, *place, multiply(part, step)?);
    }
    // Parts are rounded to the nearest, so fewer units are left than there are amounts.
    for place in order.into_iter().cycle().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(share) = shares.get_mut(place) {
            *share = add(*share, step)?;
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_few_units_go_to_the_largest_first() {
        assert_eq!(spread(30, &[40, 30, 30]).unwrap(), [12, 9, 9]);
        assert_eq!(spread(-1, &[5, -7, 7]).unwrap(), [0, -1, 0]);
        assert_eq!(spread(1, &[0, 0]).unwrap(), [1, 0]);
        assert_eq!(spread(2, &[]).unwrap(), [0_i128; 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(units in -1_000_i128..1_000, weights in proptest::collection::vec(-1_000_i128..1_000, 1..20)) {
            prop_assert_eq!(spread(units, &weights).unwrap().iter().sum::<i128>(), units);
            let total: i128 = weights.iter().sum();
            let shared: i128 = share_signed(units, &weights).unwrap().iter().sum();
            prop_assert_eq!(shared, if total == 0 { 0 } else { units });
        }

        #[test]
        fn without_negative_weights_shares_are_those_of_the_largest_fraction(
            units in 0_i128..1_000, weights in proptest::collection::vec(0_i128..1_000, 1..20),
        ) {
            prop_assume!(weights.iter().sum::<i128>() > 0);
            let rule = crate::base::allocate::RemainderRule::LargestFraction;
            let expected = crate::base::allocate::allocate_whole(units, &weights, rule).unwrap();
            prop_assert_eq!(share_signed(units, &weights).unwrap(), expected);
        }
    }
}
