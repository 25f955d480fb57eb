//! Quotes whose lines have one added tax percent at most, the usual case: nothing else is computed for them.

use super::answer::{PricedLine, PricedQuote, RoundingPolicy, TaxGroup};
use super::price::SEMANTICS;
use super::request::{PriceRequest, TaxRounding};
use super::tax_rules::{percents, rank};
use super::units::{add, line_units, set, subtract, sum, true_percent};
use crate::base::allocate::{RemainderRule, allocate_whole};
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::rounding::Rounder;

/// Prices a request that was checked.
pub(super) fn price(
    request: &PriceRequest,
    ids: Vec<String>,
    tax: TaxRounding,
    rounder: &Rounder,
) -> Result<PricedQuote> {
    let mut work = Work::lines(request, rounder)?;
    work.discount(request.discount_percent, rounder)?;
    let groups = work.tax(request, tax, rounder)?;
    work.document(request, ids, groups, tax, rounder)
}

/// The amounts of the lines in units of the increment.
struct Work {
    amounts: Vec<i128>,
    nets: Vec<i128>,
    shares: Vec<i128>,
    taxables: Vec<i128>,
    taxes: Vec<i128>,
}

/// The units of one tax percent.
struct Group {
    rank: i128,
    percent: Dec,
    base: i128,
    tax: i128,
}

impl Work {
    /// The list amount and the net of every line.
    fn lines(request: &PriceRequest, rounder: &Rounder) -> Result<Work> {
        let count = request.lines.len();
        let (mut amounts, mut nets) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut violations = Vec::new();
        for (index, line) in request.lines.iter().enumerate() {
            match line_units(line, rounder) {
                Ok((amount, net)) => {
                    amounts.push(amount);
                    nets.push(net);
                }
                Err(error) => violations.push(error.at(&format!("lines[{index}]"))),
            }
        }
        match Error::all(violations) {
            Some(error) => Err(error),
            None => Ok(Work { amounts, nets, shares: Vec::new(), taxables: Vec::new(), taxes: Vec::new() }),
        }
    }

    /// The document discount, shared by the lines in proportion to their nets.
    fn discount(&mut self, percent: Option<Dec>, rounder: &Rounder) -> Result<()> {
        let percent = percent.filter(|percent| !percent.is_zero());
        let discount = percent.map_or(Ok(0), |percent| rounder.percent_of(sum(&self.nets)?, percent))?;
        self.shares = share(discount, &self.nets)?;
        // A share never passes its net, so nothing is below zero here.
        self.taxables = self.nets.iter().zip(&self.shares).map(|(net, share)| net.saturating_sub(*share)).collect();
        Ok(())
    }

    /// The tax of every line and of every tax percent, lowest first.
    fn tax(&mut self, request: &PriceRequest, place: TaxRounding, rounder: &Rounder) -> Result<Vec<Group>> {
        let mut groups = groups(request);
        self.taxes = vec![0; self.taxables.len()];
        // The lines of each group.
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
        for (index, (line, taxable)) in request.lines.iter().zip(&self.taxables).enumerate() {
            let Some(percent) = line.tax_percent else { continue };
            let rank = rank(percent);
            let Ok(place) = groups.binary_search_by(|group| group.rank.cmp(&rank)) else { continue };
            if let (Some(group), Some(members)) = (groups.get_mut(place), members.get_mut(place)) {
                group.base = add(group.base, *taxable)?;
                members.push(index);
            }
        }
        match place {
            TaxRounding::Line => {
                for (group, lines) in groups.iter_mut().zip(members) {
                    for index in lines {
                        let Some(taxable) = self.taxables.get(index) else { continue };
                        let tax = rounder.percent_of(*taxable, group.percent)?;
                        group.tax = add(group.tax, tax)?;
                        set(&mut self.taxes, index, tax);
                    }
                }
            }
            TaxRounding::Document | TaxRounding::Global => {
                for (group, lines) in groups.iter_mut().zip(members) {
                    group.tax = rounder.percent_of(group.base, group.percent)?;
                    let bases: Vec<i128> =
                        lines.iter().filter_map(|index| self.taxables.get(*index).copied()).collect();
                    for (index, tax) in lines.into_iter().zip(share(group.tax, &bases)?) {
                        set(&mut self.taxes, index, tax);
                    }
                }
            }
        }
        Ok(groups)
    }

    /// The document in decimals.
    fn document(
        &self,
        request: &PriceRequest,
        ids: Vec<String>,
        groups: Vec<Group>,
        tax: TaxRounding,
        rounder: &Rounder,
    ) -> Result<PricedQuote> {
        let decimal = |units: i128| rounder.amount(units);
        let cell = |units: &[i128], index: usize| units.get(index).copied().unwrap_or(0);
        let mut lines = Vec::with_capacity(ids.len());
        for (index, (id, line)) in ids.into_iter().zip(&request.lines).enumerate() {
            let (amount, net, taxable) =
                (cell(&self.amounts, index), cell(&self.nets, index), cell(&self.taxables, index));
            let (share, tax) = (cell(&self.shares, index), cell(&self.taxes, index));
            let priced = || -> Result<PricedLine> {
                Ok(PricedLine {
                    id,
                    quantity: line.quantity,
                    unit_price: line.unit_price,
                    amount: decimal(amount)?,
                    discount: decimal(subtract(amount, net)?)?,
                    net: decimal(net)?,
                    document_discount: decimal(share)?,
                    taxable: decimal(taxable)?,
                    tax: decimal(tax)?,
                    total: decimal(add(taxable, tax)?)?,
                    included_tax: None,
                    taxes: None,
                })
            };
            lines.push(priced().map_err(|error| error.at(&format!("lines[{index}]")))?);
        }
        let (amount, net, taxable, taxes) =
            (sum(&self.amounts)?, sum(&self.nets)?, sum(&self.taxables)?, sum(&self.taxes)?);
        let group = |group: Group| -> Result<TaxGroup> {
            Ok(TaxGroup {
                tax_percent: group.percent.normalized(),
                base: decimal(group.base)?,
                tax: decimal(group.tax)?,
            })
        };
        Ok(PricedQuote {
            currency: request.currency,
            lines,
            amount: decimal(amount)?,
            line_discount: decimal(subtract(amount, net)?)?,
            net: decimal(net)?,
            document_discount: decimal(subtract(net, taxable)?)?,
            taxable: decimal(taxable)?,
            tax: decimal(taxes)?,
            tax_groups: groups.into_iter().map(group).collect::<Result<_>>()?,
            discount_percent_true: true_percent(amount, subtract(amount, taxable)?)?,
            total: decimal(add(taxable, taxes)?)?,
            rounding: RoundingPolicy { tax, mode: rounder.mode(), increment: rounder.increment() },
            semantics: SEMANTICS,
            included_tax: None,
            tax_details: None,
            discounted: None,
            cash_rounding: None,
            company: None,
        })
    }
}

/// Shares some units by weights; nothing to share is nothing for each, even where all weights are zero.
fn share(units: i128, weights: &[i128]) -> Result<Vec<i128>> {
    if units == 0 { Ok(vec![0; weights.len()]) } else { allocate_whole(units, weights, RemainderRule::LargestFraction) }
}

/// The distinct tax percents, lowest first.
fn groups(request: &PriceRequest) -> Vec<Group> {
    let group = |(rank, percent): (i128, Dec)| Group { rank, percent, base: 0, tax: 0 };
    percents(request).into_iter().map(group).collect()
}
