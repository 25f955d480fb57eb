//! From the taxes of single lines to amounts that are multiples of the increment and sum up to a rounded document.
//!
//! Under `line` every amount is rounded where it is found, so there is nothing to settle. Otherwise amounts come with fifteen digits
//! below the increment (`FINE`). A sum of them is first rounded to nine of those, half away from zero, so that what a division cut off
//! can neither make nor break a half; then to the increment in the request's mode. For each tax:
//! - its amount is the rounded sum over its lines; the base of an added tax is the rounded sum of bases; that of an included one the
//!   rounded sum of bases and amounts less the rounded amount;
//! - `document` shares the amount by the lines' own (largest fraction first); `global` rounds each line's own and spreads the rest.
//!
//! Under `global` the net is the rounded sum of the lines' nets; where all taxes of the document are included in prices, it is the
//! rounded sum of the lines' totals less the rounded taxes, so that the total is that of the prices. Under `document` the net of a line
//! is its rounded price less its included taxes.
//!
//! Source: `global` is Odoo's `round_globally`.

use super::request::TaxRounding;
use super::tax_line::TaxRow;
use super::tax_rules::TaxRules;
use super::units::{add, multiply, set, share_signed, spread, subtract, sum};
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::rounding::{Mode, Rounder, round_ratio};

/// Parts of an increment in which amounts are kept until they are rounded: fifteen digits.
pub(super) const FINE: i128 = 1_000_000_000_000_000;
/// What is cut off of them before rounding: six digits, so that nine remain.
const CUT: i128 = 1_000_000;

/// Rounds amounts to parts of an increment.
///
/// # Errors
/// `decimal_overflow` when the increment has more than thirteen digits after the point.
pub(super) fn fine(increment: Dec) -> Result<Rounder> {
    let fine = Dec::from_parts(increment.mantissa(), increment.scale().saturating_add(15))?;
    Rounder::new(fine, Mode::HalfAwayFromZero)
}

/// The prices, nets and taxes of all lines in one currency.
#[derive(Clone)]
pub(super) struct Taxed {
    /// The prices of lines after every discount, with the taxes that are included in them.
    pub(super) prices: Vec<i128>,
    /// The same without tax.
    pub(super) nets: Vec<i128>,
    /// The taxes, line by line.
    pub(super) rows: Vec<TaxRow>,
}

/// Rounds what was found for single lines.
pub(super) fn settle(found: Taxed, rules: &TaxRules, place: TaxRounding, mode: Mode) -> Result<Taxed> {
    if place == TaxRounding::Line {
        return Ok(found);
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); rules.rules.len()];
    for (at, row) in found.rows.iter().enumerate() {
        members.get_mut(row.rule).into_iter().for_each(|rows| rows.push(at));
    }
    let mut rows = found.rows.clone();
    for (rule, members) in rules.rules.iter().zip(&members) {
        let of = |field: fn(&TaxRow) -> i128| -> Vec<i128> {
            members.iter().filter_map(|at| found.rows.get(*at)).map(field).collect()
        };
        let (bases, amounts) = (of(|row| row.base), of(|row| row.amount));
        let (base, amount) = (sum(&bases)?, sum(&amounts)?);
        let tax = whole(amount, mode)?;
        let base = if rule.included { subtract(whole(add(base, amount)?, mode)?, tax)? } else { whole(base, mode)? };
        let shares = match place {
            TaxRounding::Document => share_signed(tax, &amounts)?,
            _ => rounded(tax, &amounts, mode)?,
        };
        for ((at, base), amount) in members.iter().zip(rounded(base, &bases, mode)?).zip(shares) {
            rows.get_mut(*at).into_iter().for_each(|row| (row.base, row.amount) = (base, amount));
        }
    }
    let nets = match place {
        TaxRounding::Document => {
            let mut nets = found.prices.iter().map(|price| whole(*price, mode)).collect::<Result<Vec<_>>>()?;
            take(&mut nets, &rows, |rule| rule.included, rules)?;
            nets
        }
        _ if rows.iter().all(|row| row.amount == 0 || rules.get(row.rule).is_some_and(|rule| rule.included)) => {
            let mut totals = found.nets.clone();
            give(&mut totals, &found.rows, rules)?;
            let mut nets = rounded(whole(sum(&totals)?, mode)?, &totals, mode)?;
            take(&mut nets, &rows, |rule| !rule.reverse, rules)?;
            nets
        }
        _ => rounded(whole(sum(&found.nets)?, mode)?, &found.nets, mode)?,
    };
    // The price of a line is what its parts come to.
    let mut prices = nets.clone();
    for row in rows.iter().filter(|row| rules.get(row.rule).is_some_and(|rule| rule.included)) {
        let price = prices.get(row.line).copied().unwrap_or(0);
        set(&mut prices, row.line, add(price, row.amount)?);
    }
    Ok(Taxed { prices, nets, rows })
}

/// Adds the taxes that a buyer pays.
pub(super) fn give(units: &mut [i128], rows: &[TaxRow], rules: &TaxRules) -> Result<()> {
    for row in rows.iter().filter(|row| rules.get(row.rule).is_some_and(|rule| !rule.reverse)) {
        let before = units.get(row.line).copied().unwrap_or(0);
        set(units, row.line, add(before, row.amount)?);
    }
    Ok(())
}

/// Takes some taxes off.
fn take(
    units: &mut [i128],
    rows: &[TaxRow],
    which: fn(&super::tax_rules::TaxRule) -> bool,
    rules: &TaxRules,
) -> Result<()> {
    for row in rows.iter().filter(|row| rules.get(row.rule).is_some_and(which)) {
        let before = units.get(row.line).copied().unwrap_or(0);
        set(units, row.line, subtract(before, row.amount)?);
    }
    Ok(())
}

/// Increments of fine parts.
pub(super) fn whole(fine: i128, mode: Mode) -> Result<i128> {
    round_ratio(round_ratio(fine, CUT, Mode::HalfAwayFromZero)?, FINE.checked_div(CUT).unwrap_or(1), mode)
}

/// Fine parts of increments.
pub(super) fn parts(units: i128) -> Result<i128> {
    multiply(units, FINE)
}

/// Every amount rounded by itself, and what they lack of a total spread over them.
fn rounded(total: i128, fine: &[i128], mode: Mode) -> Result<Vec<i128>> {
    let mut units = fine.iter().map(|fine| whole(*fine, mode)).collect::<Result<Vec<_>>>()?;
    let lacking = spread(subtract(total, sum(&units)?)?, fine)?;
    for (unit, more) in units.iter_mut().zip(lacking) {
        *unit = add(*unit, more)?;
    }
    Ok(units)
}

impl Taxed {
    /// The same in another currency, by a ratio of units.
    pub(super) fn converted(&self, by: &dyn Fn(i128) -> Result<i128>) -> Result<Taxed> {
        let all = |units: &[i128]| units.iter().map(|unit| by(*unit)).collect::<Result<Vec<_>, Error>>();
        let rows = self.rows.iter().map(|row| Ok(TaxRow { base: by(row.base)?, amount: by(row.amount)?, ..*row }));
        Ok(Taxed { prices: all(&self.prices)?, nets: all(&self.nets)?, rows: rows.collect::<Result<_>>()? })
    }
}
