//! `quotes.price`: the price of a quote, pure, without configuration.
//!
//! Inside, every amount is a whole number of rounding increments in 128 bits, so sums and differences are exact; a computation that
//! does not fit is refused, never cut. The rounding points, in order:
//! 1. list amount of a line: quantity x unit price;
//! 2. net of a line: quantity x unit price x (100 - discount) / 100, from the exact product, not from the rounded list amount;
//! 3. document discount: percent of the sum of the nets, then shared by the lines in proportion to their nets (`largest_fraction`);
//! 4. tax: percent of what is taxable, on each line or once for each tax percent, then shared by its lines (`largest_fraction`).
//!
//! Source: one rounding at the end of price x quantity x discount and the two places where tax is rounded are those of Odoo's
//! `round_per_line` and `round_globally`; the document discount before tax is ERPNext's discount on the net total.

use super::answer::{PricedLine, PricedQuote, RoundingPolicy, TaxGroup};
use super::request::{PriceLine, PriceRequest, RoundingChoice, TaxRounding};
use super::waterfall;
use crate::base::allocate::{RemainderRule, allocate_whole};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::base::order::order;
use crate::base::rates::rounder_for;
use crate::base::reason::Explain;
use crate::base::rounding::{Mode, Rounder, power_of_ten, round_ratio};
use crate::base::text::clip;

/// The number of the rules in this file; it changes when any result would.
pub const SEMANTICS: u32 = 1;

/// The longest id of a line or product in characters.
const ID: usize = 64;
/// The highest tax percent.
const TAX: i64 = 1000;

/// Prices a quote: line discounts, one document discount, tax, and totals that the lines sum to.
///
/// # Errors
/// All violations at once, with paths such as `lines[3].quantity`: `quote_without_lines`, `too_many_items`, `negative_number`,
/// `percent_out_of_range`, `invalid_id`, `duplicate_id`, `text_too_long`, `invalid_text`, `currency_without_minor_unit`,
/// `invalid_increment`, `decimal_overflow`.
///
/// # Example: two lines, ten percent off, two tax rates
/// ```
/// use crm_core::{base::context::Context, quotes::{price::price, request::PriceRequest}};
/// let request: PriceRequest = serde_json::from_str(r#"{
///     "currency": "EUR",
///     "lines": [
///         {"quantity": "3", "unit_price": "19.99", "discount_percent": "5", "tax_percent": "20"},
///         {"quantity": "1", "unit_price": "4.50", "tax_percent": "5.5"}
///     ],
///     "discount_percent": "10"
/// }"#)?;
/// let quote = price(&request, &Context::default())?.value;
/// let line = &quote.lines[0];
/// // 3 x 19.99 = 59.97; less 5 % = 56.9715, rounded once; 10 % of 61.47 is 6.15, of which 5.70 falls on this line.
/// assert_eq!([line.amount, line.net, line.document_discount].map(|d| d.to_string()), ["59.97", "56.97", "5.70"]);
/// assert_eq!([line.taxable, line.tax, line.total].map(|d| d.to_string()), ["51.27", "10.25", "61.52"]);
/// assert_eq!([quote.taxable, quote.tax, quote.total].map(|d| d.to_string()), ["55.32", "10.47", "65.79"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn price(request: &PriceRequest, context: &Context) -> Result<Decision<PricedQuote>> {
    let default = RoundingChoice::default();
    let choice = request.rounding.as_ref().unwrap_or(&default);
    let (rounder, ids) = check(request, choice)?;
    let mut work = Work::lines(request, &rounder)?;
    work.discount(request.discount_percent, &rounder)?;
    let groups = work.tax(request, choice.tax, &rounder)?;
    let quote = work.document(request, ids, groups, choice.tax, &rounder)?;
    let reasons = match context.explain {
        Explain::None => Vec::new(),
        Explain::Codes => vec![waterfall::total(&quote)],
        Explain::Full => vec![waterfall::whole(request, &quote)],
    };
    Ok(Decision::new(quote, reasons))
}

/// Checks the whole request, reports everything that is wrong with it, and gives its rounder and the ids of its lines.
fn check(request: &PriceRequest, choice: &RoundingChoice) -> Result<(Rounder, Vec<String>)> {
    let path = if choice.increment.is_some() { "rounding.increment" } else { "currency" };
    let rounder = rounder_for(request.currency, choice.increment, choice.mode).map_err(|error| error.at(path));
    limits::items(request.lines.len(), limits::LINES, "lines")?;
    let mut violations = Vec::new();
    if request.lines.is_empty() {
        violations.push(Error::new(Code::QuoteWithoutLines).at("lines"));
    }
    violations.extend(request.discount_percent.and_then(|p| percent(p, 100)).map(|error| error.at("discount_percent")));
    for (index, line) in request.lines.iter().enumerate() {
        check_line(line, |error, field| violations.push(error.at(field).at(&format!("lines[{index}]"))));
    }
    let id =
        |(index, line): (usize, &PriceLine)| line.id.clone().unwrap_or_else(|| index.saturating_add(1).to_string());
    let ids: Vec<String> = request.lines.iter().enumerate().map(id).collect();
    if request.lines.iter().any(|line| line.id.is_some()) {
        violations.extend(duplicates(&ids));
    }
    match rounder {
        Ok(rounder) if violations.is_empty() => Ok((rounder, ids)),
        Ok(_) => Err(all(violations)),
        Err(error) => Err(all([vec![error], violations].concat())),
    }
}

/// Several violations as one error; there always is at least one.
fn all(violations: Vec<Error>) -> Error {
    Error::all(violations).unwrap_or_else(|| Error::new(Code::InvalidRequest).with("count", 0))
}

fn check_line(line: &PriceLine, mut refuse: impl FnMut(Error, &str)) {
    for (value, field) in [(line.quantity, "quantity"), (line.unit_price, "unit_price")] {
        if value.is_negative() {
            refuse(Error::new(Code::NegativeNumber).with("value", value.to_string()), field);
        }
    }
    for (value, highest, field) in
        [(line.discount_percent, 100, "discount_percent"), (line.tax_percent, TAX, "tax_percent")]
    {
        if let Some(error) = value.and_then(|value| percent(value, highest)) {
            refuse(error, field);
        }
    }
    for (text, field) in [(&line.id, "id"), (&line.product, "product")] {
        if let Some(text) = text.as_deref().filter(|text| !is_id(text)) {
            refuse(Error::new(Code::InvalidId).with("value", clip(text)), field);
        }
    }
    if let Some(error) = line.description.as_deref().and_then(|text| limits::free_text(text, limits::TEXT, "").err()) {
        refuse(error, "description");
    }
}

fn percent(value: Dec, highest: i64) -> Option<Error> {
    // In whole numbers, which is several times faster than comparing decimals of different scales.
    let most = power_of_ten(value.scale()).map_or(0, |places| i128::from(highest).saturating_mul(places));
    let inside = (0..=most).contains(&value.mantissa());
    let error = || Error::new(Code::PercentOutOfRange).with("value", value.to_string()).with("minimum", "0");
    (!inside).then(|| error().with("maximum", highest.to_string()))
}

fn is_id(text: &str) -> bool {
    // Short ids of plain letters and digits, the usual case, need no look at single characters of Unicode.
    let plain = text.len() <= ID && text.bytes().all(|b| b.is_ascii_graphic());
    let other = || text.chars().count() <= ID && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    !text.is_empty() && (plain || other())
}

/// The ids that stand before the line already.
fn duplicates(ids: &[String]) -> Vec<Error> {
    let order = order(ids.len(), &|a, b| ids.get(a).cmp(&ids.get(b)));
    let mut is_repeated = vec![false; ids.len()];
    for pair in order.windows(2) {
        if let [first, second] = pair
            && ids.get(*first) == ids.get(*second)
            && let Some(slot) = is_repeated.get_mut(*second)
        {
            *slot = true;
        }
    }
    let error = |(index, (id, _)): (usize, (&String, bool))| {
        Error::new(Code::DuplicateId).with("id", clip(id)).at("id").at(&format!("lines[{index}]"))
    };
    ids.iter().zip(is_repeated).enumerate().filter(|(_, (_, is_repeated))| *is_repeated).map(error).collect()
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
            TaxRounding::Document => {
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
            discount_percent_true: true_percent(amount, taxable)?,
            total: decimal(add(taxable, taxes)?)?,
            rounding: RoundingPolicy { tax, mode: rounder.mode(), increment: rounder.increment() },
            semantics: SEMANTICS,
        })
    }
}

fn overflow(what: &str) -> Error {
    Error::new(Code::DecimalOverflow).with("what", what)
}

fn add(a: i128, b: i128) -> Result<i128> {
    a.checked_add(b).ok_or_else(|| overflow("sum"))
}

fn subtract(a: i128, b: i128) -> Result<i128> {
    a.checked_sub(b).ok_or_else(|| overflow("difference"))
}

fn sum(units: &[i128]) -> Result<i128> {
    units.iter().try_fold(0, |sum, unit| add(sum, *unit))
}

fn set(units: &mut [i128], index: usize, value: i128) {
    if let Some(place) = units.get_mut(index) {
        *place = value;
    }
}

/// Shares some units by weights; nothing to share is nothing for each, even where all weights are zero.
fn share(units: i128, weights: &[i128]) -> Result<Vec<i128>> {
    if units == 0 { Ok(vec![0; weights.len()]) } else { allocate_whole(units, weights, RemainderRule::LargestFraction) }
}

/// The list amount and the net of a line, in units.
fn line_units(line: &PriceLine, rounder: &Rounder) -> Result<(i128, i128)> {
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

/// The distinct tax percents, lowest first.
fn groups(request: &PriceRequest) -> Vec<Group> {
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
    let group = |(rank, percent): (i128, Dec)| Group { rank, percent, base: 0, tax: 0 };
    order.into_iter().filter_map(|place| percents.get(place).copied().map(group)).collect()
}

/// A tax percent in units of the 28th place: a whole number, which is compared several times faster. It is at most 1,000, so it fits.
fn rank(percent: Dec) -> i128 {
    power_of_ten(28_u32.saturating_sub(percent.scale())).map_or(0, |unit| percent.mantissa().saturating_mul(unit))
}

/// All discounts in percent of the list amount, to four digits.
fn true_percent(amount: i128, taxable: i128) -> Result<Option<Dec>> {
    if amount == 0 {
        return Ok(None);
    }
    let taken = subtract(amount, taxable)?.checked_mul(1_000_000).ok_or_else(|| overflow("percentage"))?;
    Dec::from_parts(round_ratio(taken, amount, Mode::HalfAwayFromZero)?, 4).map(Some)
}
