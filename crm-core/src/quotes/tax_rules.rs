//! The taxes of a request made ready: which apply to which line, and which are found together.

use std::borrow::Cow;

use super::request::PriceRequest;
use super::tax::{Tax, TaxKind};
use crate::base::decimal::Dec;
use crate::base::order::order;
use crate::base::rounding::power_of_ten;

/// One tax, made ready.
pub(super) struct TaxRule<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) kind: TaxKind,
    pub(super) amount: Dec,
    pub(super) included: bool,
    pub(super) affects_next: bool,
    pub(super) affected: bool,
    pub(super) reverse: bool,
    pub(super) group: Cow<'a, str>,
}

/// All taxes of a request: those it defines, in its order, then one for each `tax_percent`, lowest first.
pub(super) struct TaxRules<'a> {
    pub(super) rules: Vec<TaxRule<'a>>,
    /// The distinct percents of lines with `tax_percent`, lowest first; their rules stand last.
    pub(super) percents: Vec<Dec>,
    /// For each line its rules, in the order in which they apply.
    pub(super) of_lines: Vec<Vec<usize>>,
}

impl<'a> TaxRules<'a> {
    /// Takes a request that was checked.
    pub(super) fn of(request: &'a PriceRequest, names: &Names<'a>) -> Self {
        let defined = request.taxes.as_deref().unwrap_or_default();
        let mut rules: Vec<TaxRule> = defined.iter().map(|tax| rule(tax, request.prices_include_tax)).collect();
        let percents = percents(request);
        rules.extend(percents.iter().map(|(_, percent)| implicit(*percent)));
        let of_line = |line: &'a super::request::PriceLine| match (&line.taxes, line.tax_percent) {
            (Some(named), _) => named.iter().flat_map(|name| names.rules_of(name)).collect(),
            (None, Some(percent)) => {
                let rank = rank(percent);
                let place = percents.binary_search_by(|(other, _)| other.cmp(&rank)).unwrap_or(0);
                vec![defined.len().saturating_add(place)]
            }
            (None, None) => Vec::new(),
        };
        let of_lines = request.lines.iter().map(of_line).collect();
        TaxRules { rules, percents: percents.into_iter().map(|(_, percent)| percent).collect(), of_lines }
    }

    /// The rule at a place.
    pub(super) fn get(&self, place: usize) -> Option<&TaxRule<'a>> {
        self.rules.get(place)
    }
}

fn rule(tax: &Tax, prices_include_tax: bool) -> TaxRule<'_> {
    TaxRule {
        id: Cow::Borrowed(&tax.id),
        kind: tax.kind,
        amount: tax.amount,
        included: tax.price_included.unwrap_or(prices_include_tax),
        affects_next: tax.affects_base_of_next,
        affected: tax.base_affected_by_previous.unwrap_or(true),
        reverse: tax.reverse_charge,
        group: Cow::Borrowed(tax.group.as_deref().unwrap_or(&tax.id)),
    }
}

/// The tax that a `tax_percent` stands for.
fn implicit<'a>(percent: Dec) -> TaxRule<'a> {
    let id = format!("{}%", percent.normalized());
    TaxRule {
        group: Cow::Owned(id.clone()),
        id: Cow::Owned(id),
        kind: TaxKind::Percent,
        amount: percent,
        included: false,
        affects_next: false,
        affected: true,
        reverse: false,
    }
}

/// The distinct tax percents with their ranks, lowest first.
pub(super) fn percents(request: &PriceRequest) -> Vec<(i128, Dec)> {
    let mut percents: Vec<(i128, Dec)> = Vec::new();
    for percent in request.lines.iter().filter_map(|line| line.tax_percent) {
        let rank = rank(percent);
        if percents.last().is_none_or(|(last, _)| *last != rank) {
            percents.push((rank, percent));
        }
    }
    let rank = |place: usize| percents.get(place).map(|(rank, _)| *rank);
    let mut order = order(percents.len(), &|a, b| rank(a).cmp(&rank(b)));
    order.dedup_by_key(|place| rank(*place));
    order.into_iter().filter_map(|place| percents.get(place).copied()).collect()
}

/// A tax percent in units of the 28th place: a whole number, which is compared several times faster. It is at most 1,000, so it fits.
pub(super) fn rank(percent: Dec) -> i128 {
    power_of_ten(28_u32.saturating_sub(percent.scale())).map_or(0, |unit| percent.mantissa().saturating_mul(unit))
}

/// The ids of taxes and tax sets, to be found by name.
pub(super) struct Names<'a> {
    /// Taxes first, then sets; each with the places of its taxes.
    entries: Vec<(&'a str, Vec<usize>)>,
    /// The places of the entries, ordered by id.
    by_id: Vec<usize>,
}

impl<'a> Names<'a> {
    /// The names of a request; a member of a set that is no tax is left out.
    pub(super) fn of(request: &'a PriceRequest) -> Self {
        let taxes = request.taxes.as_deref().unwrap_or_default();
        let entries = taxes.iter().enumerate().map(|(place, tax)| (tax.id.as_str(), vec![place])).collect();
        let mut names = Names { entries, by_id: Vec::new() };
        names.sort();
        let sets = request.tax_sets.iter().flatten();
        let sets: Vec<(&str, Vec<usize>)> = sets
            .map(|set| (set.id.as_str(), set.taxes.iter().flat_map(|name| names.rules_of(name)).collect()))
            .collect();
        names.entries.extend(sets);
        names.sort();
        names
    }

    fn sort(&mut self) {
        let id = |place: usize| self.entries.get(place).map(|(id, _)| *id);
        self.by_id = order(self.entries.len(), &|a, b| id(a).cmp(&id(b)));
    }

    /// The places of the taxes that a name stands for; none when there is no such name.
    pub(super) fn rules_of(&self, name: &str) -> Vec<usize> {
        let found = self.by_id.binary_search_by(|place| self.entries.get(*place).map(|(id, _)| *id).cmp(&Some(name)));
        let place = found.ok().and_then(|at| self.by_id.get(at));
        place.and_then(|place| self.entries.get(*place)).map(|(_, rules)| rules.clone()).unwrap_or_default()
    }

    /// Every id, taxes first.
    pub(super) fn ids(&self) -> impl Iterator<Item = &'a str> + Clone {
        self.entries.iter().map(|(id, _)| *id)
    }
}
