//! The taxes of one line: what each is, and on what base.
//!
//! Neighbouring taxes of one kind that are both included or both added, and do not count to each other's base, form a *batch* and are
//! found together. Three passes over the line's taxes, in units (of the increment, or finer ones that are rounded later):
//! 1. fixed taxes, last to first: amount x quantity;
//! 2. taxes included in the price, last batch to first: a percent `p` of a batch with the percents `P` together is
//!    `base x p / (100 + P)`, a division `base x p / 100`;
//! 3. taxes added to the price, first to last: a percent is `base x p / 100`, a division `base x p / (100 - P)`, where divisions of
//!    just 100 % together count as percents.
//!
//! The base begins as the line's price. An included tax is taken out of the base of every tax before its batch and after it, save of
//! later ones that it may affect; an added one counts to the base of the later ones that it may affect. A tax affects later ones
//! when it says `affects_base_of_next` and they do not refuse by `base_affected_by_previous`. The base of an included tax itself is
//! without its whole batch. What is left without tax is the base of the first tax.
//!
//! Source: the order of evaluation, the batches and the two flags are those of Odoo's taxes; checked against its published cases.

use super::tax::TaxKind;
use super::tax_rules::TaxRule;
use super::units::{add, multiply, overflow, subtract};
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::rounding::{Rounder, power_of_ten, round_product};

/// One tax of one line, in units.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaxRow {
    /// The line's place.
    pub(super) line: usize,
    /// The tax's place among the rules.
    pub(super) rule: usize,
    /// What it is computed on.
    pub(super) base: i128,
    /// The tax.
    pub(super) amount: i128,
}

/// A tax in the works.
#[derive(Clone, Copy)]
struct Cell {
    /// The first and the last of its batch.
    batch: (usize, usize),
    /// What other taxes add to the base that the tax is computed on.
    for_tax: i128,
    /// What they add to the base that is shown.
    for_base: i128,
    amount: Option<i128>,
}

/// What a line sells: its price in units, and what fixed taxes need.
#[derive(Clone, Copy)]
pub(super) struct Sold {
    pub(super) price: i128,
    pub(super) quantity: Dec,
    pub(super) is_price_negative: bool,
}

/// The taxes of a line, as bases and amounts in their order.
///
/// # Errors
/// `taxes_leave_no_base`, `decimal_overflow`.
pub(super) fn line_taxes(rules: &[&TaxRule], sold: Sold, rounder: &Rounder) -> Result<Vec<(i128, i128)>> {
    let mut cells = batches(rules);
    let found = |cells: &[Cell], place: usize| cells.get(place).is_none_or(|cell| cell.amount.is_some());
    let backwards = || rules.iter().enumerate().rev();
    for (place, rule) in backwards().filter(|(_, rule)| rule.kind == TaxKind::Fixed) {
        let amount = fixed(rule.amount, sold, rounder)?;
        settle(rules, &mut cells, place, amount)?;
    }
    let included = backwards().filter(|(_, rule)| rule.included);
    let added = rules.iter().enumerate().filter(|(_, rule)| !rule.included);
    for (place, rule) in included.chain(added) {
        if let Some(cell) = cells.get(place).copied().filter(|_| !found(&cells, place)) {
            let amount = part(rules, rule, cell.batch, add(sold.price, cell.for_tax)?, rounder)?;
            settle(rules, &mut cells, place, amount)?;
        }
    }
    let amount = |cell: &Cell| cell.amount.unwrap_or(0);
    let mut taxes = Vec::with_capacity(cells.len());
    for (rule, cell) in rules.iter().zip(&cells) {
        let mut base = add(sold.price, cell.for_base)?;
        if rule.included {
            let (first, last) = cell.batch;
            for other in cells.get(first..=last).unwrap_or_default() {
                base = subtract(base, amount(other))?;
            }
        }
        taxes.push((base, amount(cell)));
    }
    Ok(taxes)
}

/// The batch of each tax.
fn batches(rules: &[&TaxRule]) -> Vec<Cell> {
    let empty = Cell { batch: (0, 0), for_tax: 0, for_base: 0, amount: None };
    let mut cells = vec![empty; rules.len()];
    let mut last = rules.len().saturating_sub(1);
    for (place, rule) in rules.iter().enumerate().rev() {
        if let (Some(end), Some(next)) = (rules.get(last), rules.get(place.saturating_add(1))) {
            let is_alike =
                rule.kind == end.kind && rule.included == end.included && rule.affects_next == end.affects_next;
            if !(is_alike && (!rule.affects_next || !next.affected)) {
                last = place;
            }
        }
        if let Some(cell) = cells.get_mut(place) {
            cell.batch.1 = last;
        }
    }
    let mut before: Option<(usize, usize)> = None;
    for (place, cell) in cells.iter_mut().enumerate() {
        cell.batch.0 = before.filter(|before| before.1 == cell.batch.1).map_or(place, |before| before.0);
        before = Some(cell.batch);
    }
    cells
}

/// Notes the amount of a tax, and what it does to the bases of the others.
fn settle(rules: &[&TaxRule], cells: &mut [Cell], place: usize, amount: i128) -> Result<()> {
    let Some(rule) = rules.get(place) else { return Ok(()) };
    let Some(cell) = cells.get_mut(place) else { return Ok(()) };
    cell.amount = Some(amount);
    let (first, last) = cell.batch;
    for (index, (other, cell)) in rules.iter().zip(cells).enumerate() {
        let affects = index > last && rule.affects_next && other.affected;
        let step = match rule.included {
            _ if (first..=last).contains(&index) => 0,
            true if affects => 0,
            true => subtract(0, amount)?,
            false if affects => amount,
            false => 0,
        };
        cell.for_base = add(cell.for_base, step)?;
        if cell.amount.is_none() {
            cell.for_tax = add(cell.for_tax, step)?;
        }
    }
    Ok(())
}

/// A fixed tax: its amount for each unit, with the sign of quantity and price together.
fn fixed(amount: Dec, sold: Sold, rounder: &Rounder) -> Result<i128> {
    let units = |amount: Dec, quantity: Dec| {
        let digits = amount.mantissa().checked_mul(quantity.mantissa()).ok_or_else(|| overflow("tax"))?;
        let digits = if sold.is_price_negative { subtract(0, digits)? } else { digits };
        rounder.units_of_parts(digits, amount.scale().saturating_add(quantity.scale()))
    };
    units(amount, sold.quantity).or_else(|_| units(amount.normalized(), sold.quantity.normalized()))
}

/// A percent or a division of a base.
fn part(rules: &[&TaxRule], rule: &TaxRule, batch: (usize, usize), base: i128, rounder: &Rounder) -> Result<i128> {
    let together = rules.get(batch.0..=batch.1).unwrap_or_default();
    let scale = together.iter().map(|rule| rule.amount.normalized().scale()).max().unwrap_or(0);
    let digits = |percent: Dec| -> Result<i128> {
        let percent = percent.normalized();
        let shift = power_of_ten(scale.saturating_sub(percent.scale())).ok_or_else(|| overflow("tax"))?;
        multiply(percent.mantissa(), shift)
    };
    let all = together.iter().try_fold(0, |sum, rule| add(sum, digits(rule.amount)?))?;
    let whole = power_of_ten(scale.saturating_add(2)).ok_or_else(|| overflow("tax"))?;
    let divisor = match (rule.kind, rule.included) {
        (TaxKind::Percent, true) => add(whole, all)?,
        (TaxKind::Division, false) if all != whole => subtract(whole, all)?,
        _ => whole,
    };
    if divisor <= 0 {
        let sum = Dec::from_parts(all, scale)?.normalized();
        return Err(Error::new(Code::TaxesLeaveNoBase).with("percent", sum.to_string()));
    }
    round_product(base, digits(rule.amount)?, divisor, rounder.mode())
}
