//! The taxes of a document summed up: by tax, by group, and by the subtotals under which groups stand.

use serde::{Deserialize, Serialize};

use super::request::PriceRequest;
use super::tax_rules::TaxRules;
use super::tax_settle::Taxed;
use super::units::{add, subtract, sum};
use crate::base::decimal::Dec;
use crate::base::error::Result;
use crate::base::rounding::Rounder;

/// One tax of one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LineTax {
    /// The tax's id; `19%` for a `tax_percent` of 19.
    pub tax: String,
    /// What it is computed on.
    pub base: Dec,
    /// The tax.
    pub amount: Dec,
    /// Whether this is the side of a reverse charge that takes the amount off again.
    pub reverse_charge: bool,
}

/// One tax of the document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaxTotal {
    /// The tax's id; `19%` for a `tax_percent` of 19.
    pub tax: String,
    /// Whether prices had it in them.
    pub price_included: bool,
    /// The sum of its bases.
    pub base: Dec,
    /// The sum of its amounts.
    pub amount: Dec,
    /// Whether this is the side of a reverse charge that takes the amount off again.
    pub reverse_charge: bool,
}

/// One group of taxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaxGroupTotal {
    /// The group's id; that of its tax where the tax names no group.
    pub group: String,
    /// For each line that has a tax of the group the base of the first one, summed up.
    pub base: Dec,
    /// What the buyer pays of the group's taxes.
    pub tax: Dec,
}

/// The groups under one subtotal together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaxSubtotal {
    /// The subtotal's label; null for the first one.
    pub label: Option<String>,
    /// For each line that has a tax under the subtotal the base of the first one, summed up; lines without tax count to the first subtotal.
    pub base: Dec,
    /// What the buyer pays of the taxes under it.
    pub tax: Dec,
}

/// Every tax of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaxDetails {
    /// By tax, in the order in which the request defines them.
    pub taxes: Vec<TaxTotal>,
    /// By group, in the order of the request's `tax_groups`, then of the taxes.
    pub groups: Vec<TaxGroupTotal>,
    /// By subtotal, in the order of their groups.
    pub subtotals: Vec<TaxSubtotal>,
}

/// A name with a base and a tax in units.
struct Sum<'a> {
    name: Option<&'a str>,
    base: i128,
    tax: i128,
    is_used: bool,
}

impl Sum<'_> {
    fn count(&mut self, base: i128, tax: i128) -> Result<()> {
        self.is_used = true;
        (self.base, self.tax) = (add(self.base, base)?, add(self.tax, tax)?);
        Ok(())
    }
}

fn empty(name: Option<&str>) -> Sum<'_> {
    Sum { name, base: 0, tax: 0, is_used: false }
}

/// A document in units of one currency.
pub(super) struct Totals<'a> {
    /// Without tax.
    pub(super) net: i128,
    /// What the buyer pays of all taxes.
    pub(super) tax: i128,
    taxes: Vec<Sum<'a>>,
    groups: Vec<Sum<'a>>,
    subtotals: Vec<Sum<'a>>,
    /// For each group its subtotal.
    under: Vec<usize>,
}

impl<'a> Totals<'a> {
    /// Sums the lines up.
    pub(super) fn of(taxed: &Taxed, rules: &'a TaxRules, request: &'a PriceRequest) -> Result<Self> {
        let named = request.tax_groups.as_deref().unwrap_or_default();
        let mut groups: Vec<Sum> = named.iter().map(|group| empty(Some(&group.id))).collect();
        let place = |groups: &[Sum], name: &str| groups.iter().position(|group| group.name == Some(name));
        for rule in &rules.rules {
            if place(&groups, &rule.group).is_none() {
                groups.push(empty(Some(&rule.group)));
            }
        }
        let group_of: Vec<usize> = rules.rules.iter().filter_map(|rule| place(&groups, &rule.group)).collect();
        // The first subtotal has no label.
        let mut subtotals = vec![empty(None)];
        let mut under = Vec::with_capacity(groups.len());
        for at in 0..groups.len() {
            let label = named.get(at).and_then(|group| group.subtotal.as_deref());
            let known = subtotals.iter().position(|subtotal| subtotal.name == label);
            under.push(known.unwrap_or(subtotals.len()));
            if known.is_none() {
                subtotals.push(empty(label));
            }
        }
        let taxes = rules.rules.iter().map(|rule| empty(Some(&rule.id))).collect();
        let mut totals = Totals { net: sum(&taxed.nets)?, tax: 0, taxes, groups, subtotals, under };
        totals.count(taxed, rules, &group_of)?;
        Ok(totals)
    }

    fn count(&mut self, taxed: &Taxed, rules: &TaxRules, group_of: &[usize]) -> Result<()> {
        let place = |rule: usize| group_of.get(rule).copied().unwrap_or(0);
        let mut rest = taxed.rows.as_slice();
        for (line, net) in taxed.nets.iter().enumerate() {
            let count = rest.iter().take_while(|row| row.line == line).count();
            let (rows, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = after;
            if rows.is_empty() {
                self.subtotals.first_mut().map_or(Ok(()), |first| first.count(*net, 0))?;
            }
            for (at, row) in rows.iter().enumerate() {
                let before = rows.get(..at).unwrap_or_default();
                let group = place(row.rule);
                let subtotal = self.under.get(group).copied().unwrap_or(0);
                let paid = if rules.get(row.rule).is_some_and(|rule| rule.reverse) { 0 } else { row.amount };
                let is_first = |same: &dyn Fn(usize) -> bool| !before.iter().any(|other| same(place(other.rule)));
                let group_base = if is_first(&|other| other == group) { row.base } else { 0 };
                let under = |other: usize| self.under.get(other).copied().unwrap_or(0) == subtotal;
                let subtotal_base = if is_first(&under) { row.base } else { 0 };
                self.tax = add(self.tax, paid)?;
                self.taxes.get_mut(row.rule).map_or(Ok(()), |tax| tax.count(row.base, row.amount))?;
                self.groups.get_mut(group).map_or(Ok(()), |sum| sum.count(group_base, paid))?;
                self.subtotals.get_mut(subtotal).map_or(Ok(()), |sum| sum.count(subtotal_base, paid))?;
            }
        }
        Ok(())
    }

    /// What is to be paid.
    pub(super) fn total(&self) -> Result<i128> {
        add(self.net, self.tax)
    }

    /// The base and the tax of a tax, when a line has it.
    pub(super) fn of_tax(&self, rule: usize) -> Option<(i128, i128)> {
        self.taxes.get(rule).filter(|tax| tax.is_used).map(|tax| (tax.base, tax.tax))
    }

    /// The group with the largest tax, the first of equal ones.
    pub(super) fn biggest(&self) -> Option<usize> {
        let used = self.groups.iter().enumerate().filter(|(_, group)| group.is_used);
        used.rev().max_by_key(|(_, group)| group.tax).map(|(at, _)| at)
    }

    /// A group's id.
    pub(super) fn group(&self, at: usize) -> Option<&'a str> {
        self.groups.get(at).and_then(|group| group.name)
    }

    /// Raises the tax of a group.
    pub(super) fn raise(&mut self, group: usize, by: i128) -> Result<()> {
        self.tax = add(self.tax, by)?;
        self.groups.get_mut(group).map_or(Ok(()), |sum| sum.count(0, by))?;
        let subtotal = self.under.get(group).copied().unwrap_or(0);
        self.subtotals.get_mut(subtotal).map_or(Ok(()), |sum| sum.count(0, by))
    }

    /// The sums in decimals.
    pub(super) fn details(&self, rules: &TaxRules, rounder: &Rounder) -> Result<TaxDetails> {
        let mut taxes = Vec::new();
        for (sum, rule) in self.taxes.iter().zip(&rules.rules).filter(|(sum, _)| sum.is_used) {
            let side = |amount: i128, reverse_charge: bool| -> Result<TaxTotal> {
                let (tax, price_included) = (rule.id.clone().into_owned(), rule.included);
                let (base, amount) = (rounder.amount(sum.base)?, rounder.amount(amount)?);
                Ok(TaxTotal { tax, price_included, base, amount, reverse_charge })
            };
            taxes.push(side(sum.tax, false)?);
            if rule.reverse {
                taxes.push(side(subtract(0, sum.tax)?, true)?);
            }
        }
        let mut groups = Vec::new();
        for group in self.groups.iter().filter(|group| group.is_used) {
            let (base, tax) = (rounder.amount(group.base)?, rounder.amount(group.tax)?);
            groups.push(TaxGroupTotal { group: group.name.unwrap_or_default().to_owned(), base, tax });
        }
        let mut subtotals = Vec::new();
        for subtotal in self.subtotals.iter().filter(|subtotal| subtotal.is_used) {
            let (base, tax) = (rounder.amount(subtotal.base)?, rounder.amount(subtotal.tax)?);
            subtotals.push(TaxSubtotal { label: subtotal.name.map(str::to_owned), base, tax });
        }
        Ok(TaxDetails { taxes, groups, subtotals })
    }
}
