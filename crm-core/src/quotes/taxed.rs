//! Quotes with taxes of their own kinds, a second currency or cash rounding: from prices to the document.

use super::answer::{PricedLine, PricedQuote, RoundingPolicy, TaxGroup};
use super::cash::{self, CashRounded, CashStrategy};
use super::company::Company;
use super::discount::{self, Asked, DiscountOn, DocumentDiscounted, Part};
use super::price::SEMANTICS;
use super::request::{PriceRequest, TaxRounding};
use super::tax_line::{Sold, TaxRow, line_taxes};
use super::tax_rules::{Names, TaxRule, TaxRules};
use super::tax_settle::{Taxed, fine, parts, settle, whole};
use super::tax_totals::{LineTax, Totals};
use super::units::{add, line_units, set, share_signed, subtract, sum, true_percent};
use crate::base::error::{Error, Result};
use crate::base::rounding::Rounder;

/// Whether a request asks for more than one added percent a line.
pub(super) fn is_asked(request: &PriceRequest) -> bool {
    let is_global = request.rounding.as_ref().is_some_and(|choice| choice.tax == TaxRounding::Global);
    is_global
        || request.allow_negative
        || request.company_rate.is_some()
        || request.cash_rounding.is_some()
        || request.document_discount.is_some()
        || request.lines.iter().any(|line| line.taxes.is_some())
}

/// The lines before tax, in increments; their nets in working units too.
struct Before {
    amounts: Vec<i128>,
    /// What each line gives of the document discount.
    shares: Vec<i128>,
    /// The prices after every discount, in working units.
    prices: Vec<i128>,
    /// The sum of the nets, in increments.
    net: i128,
}

impl Before {
    /// What a discount on the net did; one on the total says so later.
    fn discounted(&self, request: &PriceRequest, rounder: &Rounder) -> Result<Option<DocumentDiscounted>> {
        let Some(asked) = &request.document_discount else { return Ok(None) };
        let (before, amount) = (rounder.amount(self.net)?, rounder.amount(sum(&self.shares)?)?);
        Ok(Some(DocumentDiscounted { on: asked.on, percent: asked.percent, before, amount }))
    }
}

/// Prices a request that was checked.
pub(super) fn price(
    request: &PriceRequest,
    ids: Vec<String>,
    place: TaxRounding,
    rounder: &Rounder,
) -> Result<PricedQuote> {
    let rules = TaxRules::of(request, &Names::of(request));
    // Under `line` the working unit is the increment itself.
    let working = if place == TaxRounding::Line {
        *rounder
    } else {
        fine(rounder.increment()).map_err(|error| error.at("rounding.increment"))?
    };
    let mut before = before(request, place, rounder, &working)?;
    let found = taxes(request, &rules, &rules.of_lines, &before.prices, &working)?;
    let mut settled = settle(found.clone(), &rules, place, rounder.mode())?;
    let company = Company::of(request, rounder)?;
    let mut theirs = match &company {
        Some(company) => Some(company.settled(&found, &rules, place)?),
        None => None,
    };
    let mut discounted = before.discounted(request, rounder)?;
    let asked = discount::asked(request, DiscountOn::Gross, rounder)?;
    if !matches!(asked, Asked::Nothing) {
        let found = taxes(request, &rules, &discount::without_fixed(&rules), &before.prices, &working)?;
        let without_fixed = settle(found.clone(), &rules, place, rounder.mode())?;
        let total = discount::total(&without_fixed, &rules)?;
        if let Some(taken) = discount::taken(&asked, total, rounder)? {
            let given = discount::take(&mut settled, &without_fixed, taken, &rules, rounder.mode())?;
            for (share, given) in before.shares.iter_mut().zip(given) {
                *share = add(*share, given)?;
            }
            if let Some(discounted) = &mut discounted {
                (discounted.before, discounted.amount) = (rounder.amount(total)?, rounder.amount(taken.0)?);
            }
            if let (Some(company), Some(settled)) = (&company, &mut theirs) {
                let without_fixed = company.settled(&found, &rules, place)?;
                let their_total = discount::total(&without_fixed, &rules)?;
                let taken = company.taken(&asked, taken, total, their_total)?;
                discount::take(settled, &without_fixed, taken, &rules, company.rounder.mode())?;
            }
        }
    }
    let mut totals = Totals::of(&settled, &rules, request)?;
    let mut in_company = theirs.as_ref().map(|theirs| Totals::of(theirs, &rules, request)).transpose()?;
    let (mut added, mut company_added, mut cash_rounding) = (0, None, None);
    if let Some(asked) = &request.cash_rounding {
        let whole = totals.total()?;
        let group = totals.biggest();
        let is_possible = asked.strategy == CashStrategy::AddLine || group.is_some();
        let difference = if is_possible { cash::difference(whole, asked, rounder)? } else { 0 };
        let theirs = match (&company, &in_company) {
            (Some(company), Some(totals)) => {
                Some(cash::in_company(difference, whole, totals.total()?, company.rounder.mode())?)
            }
            _ => None,
        };
        let mut raised = None;
        match (asked.strategy, group) {
            (CashStrategy::BiggestTax, Some(group)) => {
                totals.raise(group, difference)?;
                if let (Some(totals), Some(theirs)) = (&mut in_company, theirs) {
                    totals.raise(group, theirs)?;
                }
                raised = totals.group(group).map(str::to_owned);
            }
            (CashStrategy::BiggestTax, None) => {}
            (CashStrategy::AddLine, _) => (added, company_added) = (difference, theirs),
        }
        cash_rounding = Some(CashRounded {
            increment: asked.increment,
            mode: asked.mode,
            strategy: asked.strategy,
            amount: rounder.amount(difference)?,
            group: raised,
        });
    }
    let mut quote = document(request, ids, &before, &settled, &rules, place, rounder)?;
    quote.tax_groups = percents(&totals, &rules, rounder)?;
    (quote.tax, quote.total) = (rounder.amount(totals.tax)?, rounder.amount(add(totals.total()?, added)?)?);
    quote.tax_details = Some(totals.details(&rules, rounder)?);
    (quote.discounted, quote.cash_rounding) = (discounted, cash_rounding);
    if let (Some(company), Some(totals)) = (&company, &in_company) {
        quote.company = Some(company.answer(totals, &rules, company_added)?);
    }
    Ok(quote)
}

/// List amounts, the document discount and the prices that are left.
fn before(request: &PriceRequest, place: TaxRounding, rounder: &Rounder, working: &Rounder) -> Result<Before> {
    let is_global = place == TaxRounding::Global;
    let on_line = if is_global { working } else { rounder };
    let (mut amounts, mut nets, mut violations) = (Vec::new(), Vec::new(), Vec::new());
    for (index, line) in request.lines.iter().enumerate() {
        match line_units(line, on_line) {
            Ok((amount, net)) => {
                amounts.push(amount);
                nets.push(net);
            }
            Err(error) => violations.push(error.at(&format!("lines[{index}]"))),
        }
    }
    if let Some(error) = Error::all(violations) {
        return Err(error);
    }
    let net = sum(&nets)?;
    let before = if is_global { whole(net, rounder.mode())? } else { net };
    let discount = match discount::asked(request, DiscountOn::Net, rounder)? {
        Asked::Nothing => 0,
        Asked::Amount(amount) => {
            discount::within(amount, before, rounder)?;
            amount
        }
        Asked::Percent(percent) => {
            let discount = Part::percent(percent)?.of(net, on_line.mode())?;
            if is_global { whole(discount, rounder.mode())? } else { discount }
        }
    };
    let shares = share_signed(discount, &nets)?;
    let mut prices = Vec::with_capacity(nets.len());
    for (net, share) in nets.iter().zip(&shares) {
        prices.push(match place {
            TaxRounding::Line => subtract(*net, *share)?,
            TaxRounding::Document => parts(subtract(*net, *share)?)?,
            TaxRounding::Global => subtract(*net, parts(*share)?)?,
        });
    }
    if is_global {
        amounts = amounts.iter().map(|amount| whole(*amount, rounder.mode())).collect::<Result<_>>()?;
    }
    Ok(Before { amounts, shares, prices, net: before })
}

/// The taxes of every line, in working units.
fn taxes(
    request: &PriceRequest,
    rules: &TaxRules,
    of_lines: &[Vec<usize>],
    prices: &[i128],
    working: &Rounder,
) -> Result<Taxed> {
    let (mut nets, mut rows) = (prices.to_vec(), Vec::new());
    for (line, ((given, price), of_line)) in request.lines.iter().zip(prices).zip(of_lines).enumerate() {
        let chosen: Vec<&TaxRule> = of_line.iter().filter_map(|rule| rules.get(*rule)).collect();
        let sold = Sold { price: *price, quantity: given.quantity, is_price_negative: given.unit_price.is_negative() };
        let found =
            line_taxes(&chosen, sold, working).map_err(|error| error.at("taxes").at(&format!("lines[{line}]")))?;
        if let Some((base, _)) = found.first() {
            set(&mut nets, line, *base);
        }
        rows.extend(of_line.iter().zip(found).map(|(rule, (base, amount))| TaxRow { line, rule: *rule, base, amount }));
    }
    Ok(Taxed { prices: prices.to_vec(), nets, rows })
}

/// The document in decimals, without its taxes summed up.
fn document(
    request: &PriceRequest,
    ids: Vec<String>,
    before: &Before,
    settled: &Taxed,
    rules: &TaxRules,
    place: TaxRounding,
    rounder: &Rounder,
) -> Result<PricedQuote> {
    let decimal = |units: i128| rounder.amount(units);
    let cell = |units: &[i128], index: usize| units.get(index).copied().unwrap_or(0);
    let mut lines = Vec::with_capacity(ids.len());
    let (mut amount, mut net, mut included) = (0, 0, 0);
    let mut rest = settled.rows.as_slice();
    for (index, (id, line)) in ids.into_iter().zip(&request.lines).enumerate() {
        let (rows, after) = rest.split_at_checked(rules.of_lines.get(index).map_or(0, Vec::len)).unwrap_or((rest, &[]));
        rest = after;
        let (price, taxable, share) =
            (cell(&settled.prices, index), cell(&settled.nets, index), cell(&before.shares, index));
        let line_net = add(price, share)?;
        let is_discounted = line.discount_percent.is_some_and(|percent| !percent.is_zero());
        // Without a discount the net is the list amount, also where it was spread.
        let list = if is_discounted { cell(&before.amounts, index) } else { line_net };
        let mut tax = 0;
        let mut taxes = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(rule) = rules.get(row.rule) else { continue };
            let side = |amount: i128, reverse_charge: bool| -> Result<LineTax> {
                let (base, amount) = (decimal(row.base)?, decimal(amount)?);
                Ok(LineTax { tax: rule.id.clone().into_owned(), base, amount, reverse_charge })
            };
            taxes.push(side(row.amount, false)?);
            if rule.reverse {
                taxes.push(side(subtract(0, row.amount)?, true)?);
            } else {
                tax = add(tax, row.amount)?;
            }
        }
        let line_included = subtract(price, taxable)?;
        (amount, net, included) = (add(amount, list)?, add(net, line_net)?, add(included, line_included)?);
        lines.push(PricedLine {
            id,
            quantity: line.quantity,
            unit_price: line.unit_price,
            amount: decimal(list)?,
            discount: decimal(subtract(list, line_net)?)?,
            net: decimal(line_net)?,
            document_discount: decimal(share)?,
            taxable: decimal(taxable)?,
            tax: decimal(tax)?,
            total: decimal(add(taxable, tax)?)?,
            included_tax: Some(decimal(line_included)?),
            taxes: Some(taxes),
        });
    }
    let (discount, taxable) = (sum(&before.shares)?, sum(&settled.nets)?);
    Ok(PricedQuote {
        currency: request.currency,
        lines,
        amount: decimal(amount)?,
        line_discount: decimal(subtract(amount, net)?)?,
        net: decimal(net)?,
        document_discount: decimal(discount)?,
        taxable: decimal(taxable)?,
        tax: decimal(0)?,
        tax_groups: Vec::new(),
        discount_percent_true: true_percent(amount, add(subtract(amount, net)?, discount)?)?,
        total: decimal(taxable)?,
        rounding: RoundingPolicy { tax: place, mode: rounder.mode(), increment: rounder.increment() },
        semantics: SEMANTICS,
        included_tax: Some(decimal(included)?),
        tax_details: None,
        discounted: None,
        cash_rounding: None,
        company: None,
    })
}

/// The taxes that `tax_percent` stands for, by percent.
fn percents(totals: &Totals, rules: &TaxRules, rounder: &Rounder) -> Result<Vec<TaxGroup>> {
    let first = rules.rules.len().saturating_sub(rules.percents.len());
    let mut groups = Vec::with_capacity(rules.percents.len());
    for (at, percent) in rules.percents.iter().enumerate() {
        let (base, tax) = totals.of_tax(first.saturating_add(at)).unwrap_or((0, 0));
        groups.push(TaxGroup {
            tax_percent: percent.normalized(),
            base: rounder.amount(base)?,
            tax: rounder.amount(tax)?,
        });
    }
    Ok(groups)
}
