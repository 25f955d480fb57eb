//! What is wrong with a request, everything at once.

use super::check_taxes;
use super::request::{PriceLine, PriceRequest, RoundingChoice};
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::base::order::order;
use crate::base::rates::rounder_for;
use crate::base::rounding::{Rounder, power_of_ten};
use crate::base::text::clip;

/// The longest id of a line or product in characters.
const ID: usize = 64;
/// The highest tax percent.
pub(super) const TAX: i64 = 1000;

/// Checks the whole request, reports everything that is wrong with it, and gives its rounder and the ids of its lines.
pub(super) fn check(request: &PriceRequest, choice: &RoundingChoice) -> Result<(Rounder, Vec<String>)> {
    let path = if choice.increment.is_some() { "rounding.increment" } else { "currency" };
    let rounder = rounder_for(request.currency, choice.increment, choice.mode).map_err(|error| error.at(path));
    limits::items(request.lines.len(), limits::LINES, "lines")?;
    let mut violations = Vec::new();
    if request.lines.is_empty() {
        violations.push(Error::new(Code::QuoteWithoutLines).at("lines"));
    }
    violations
        .extend(request.discount_percent.and_then(|p| percent(p, 0, 100)).map(|error| error.at("discount_percent")));
    for (index, line) in request.lines.iter().enumerate() {
        check_line(line, request.allow_negative, |error, field| {
            violations.push(error.at(field).at(&format!("lines[{index}]")));
        });
    }
    let id =
        |(index, line): (usize, &PriceLine)| line.id.clone().unwrap_or_else(|| index.saturating_add(1).to_string());
    let ids: Vec<String> = request.lines.iter().enumerate().map(id).collect();
    if request.lines.iter().any(|line| line.id.is_some()) {
        violations.extend(duplicates(&ids));
    }
    check_taxes::check(request, rounder.as_ref().ok(), &mut violations);
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

fn check_line(line: &PriceLine, allow_negative: bool, mut refuse: impl FnMut(Error, &str)) {
    for (value, field) in [(line.quantity, "quantity"), (line.unit_price, "unit_price")] {
        if value.is_negative() && !allow_negative {
            refuse(Error::new(Code::NegativeNumber).with("value", value.to_string()), field);
        }
    }
    for (value, highest, field) in
        [(line.discount_percent, 100, "discount_percent"), (line.tax_percent, TAX, "tax_percent")]
    {
        if let Some(error) = value.and_then(|value| percent(value, 0, highest)) {
            refuse(error, field);
        }
    }
    for (text, field) in [(&line.id, "id"), (&line.product, "product")] {
        if let Some(error) = text.as_deref().and_then(id) {
            refuse(error, field);
        }
    }
    if let Some(error) = line.description.as_deref().and_then(|text| limits::free_text(text, limits::TEXT, "").err()) {
        refuse(error, "description");
    }
}

/// A percent that is not between two bounds.
pub(super) fn percent(value: Dec, lowest: i64, highest: i64) -> Option<Error> {
    // In whole numbers, which is several times faster than comparing decimals of different scales.
    let bound = |bound: i64| power_of_ten(value.scale()).map_or(0, |places| i128::from(bound).saturating_mul(places));
    let is_inside = (bound(lowest)..=bound(highest)).contains(&value.mantissa());
    let error = || Error::new(Code::PercentOutOfRange).with("value", value.to_string());
    (!is_inside).then(|| error().with("minimum", lowest.to_string()).with("maximum", highest.to_string()))
}

/// An id that is none.
pub(super) fn id(text: &str) -> Option<Error> {
    (!is_id(text)).then(|| Error::new(Code::InvalidId).with("value", clip(text)))
}

fn is_id(text: &str) -> bool {
    // Short ids of plain letters and digits, the usual case, need no look at single characters of Unicode.
    let plain = text.len() <= ID && text.bytes().all(|b| b.is_ascii_graphic());
    let other = || text.chars().count() <= ID && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    !text.is_empty() && (plain || other())
}

/// The ids that stand before the line already, with the line as their path.
fn duplicates(ids: &[String]) -> impl Iterator<Item = Error> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    repeated(&ids).into_iter().map(|(index, error)| error.at("id").at(&format!("lines[{index}]")))
}

/// The places of names that stand before already, in their order.
pub(super) fn repeated(names: &[&str]) -> Vec<(usize, Error)> {
    let order = order(names.len(), &|a, b| names.get(a).cmp(&names.get(b)));
    let mut is_repeated = vec![false; names.len()];
    for pair in order.windows(2) {
        if let [first, second] = pair
            && names.get(*first) == names.get(*second)
            && let Some(slot) = is_repeated.get_mut(*second)
        {
            *slot = true;
        }
    }
    let error =
        |(index, (name, _)): (usize, (&&str, bool))| (index, Error::new(Code::DuplicateId).with("id", clip(name)));
    names.iter().zip(is_repeated).enumerate().filter(|(_, (_, is_repeated))| *is_repeated).map(error).collect()
}
