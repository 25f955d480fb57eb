//! What is wrong with the taxes of a request, its document discount, its company rate and its cash rounding.

use super::check::{TAX, id, percent, repeated};
use super::request::PriceRequest;
use super::tax::TaxKind;
use super::tax_rules::Names;
use crate::base::codes::Code;
use crate::base::error::Error;
use crate::base::hint::hint;
use crate::base::limits;
use crate::base::rounding::Rounder;
use crate::base::text::clip;

/// The most taxes of a document, of a set and of a line.
const TAXES: usize = 1_000;
const TAXES_OF_LINE: usize = 32;

/// Notes everything that is wrong; most requests have nothing of all this.
pub(super) fn check(request: &PriceRequest, rounder: Option<&Rounder>, violations: &mut Vec<Error>) {
    definitions(request, violations);
    groups(request, violations);
    if request.taxes.is_some() || request.tax_sets.is_some() || request.lines.iter().any(|line| line.taxes.is_some()) {
        references(request, violations);
    }
    rate(request, violations);
    discount(request, violations);
    cash(request, rounder, violations);
}

fn definitions(request: &PriceRequest, violations: &mut Vec<Error>) {
    let (taxes, sets) = (request.taxes.as_deref().unwrap_or_default(), request.tax_sets.as_deref().unwrap_or_default());
    violations.extend(limits::items(taxes.len(), TAXES, "taxes").err());
    violations.extend(limits::items(sets.len(), TAXES, "tax_sets").err());
    for (place, tax) in taxes.iter().enumerate() {
        let lowest = if tax.kind == TaxKind::Division { -TAX } else { -100 };
        let highest = if tax.kind == TaxKind::Division { 100 } else { TAX };
        let is_percent = tax.kind != TaxKind::Fixed;
        let amount = is_percent.then(|| percent(tax.amount, lowest, highest)).flatten();
        let found = [
            id(&tax.id).map(|error| error.at("id")),
            amount.map(|error| error.at("amount")),
            tax.group.as_deref().and_then(id).map(|error| error.at("group")),
        ];
        violations.extend(found.into_iter().flatten().map(|error| error.at(&format!("taxes[{place}]"))));
    }
    for (place, set) in sets.iter().enumerate() {
        let path = format!("tax_sets[{place}]");
        violations.extend(id(&set.id).map(|error| error.at("id").at(&path)));
        violations.extend(limits::items(set.taxes.len(), TAXES_OF_LINE, "taxes").err().map(|error| error.at(&path)));
    }
    let names: Vec<&str> = taxes.iter().map(|tax| &*tax.id).chain(sets.iter().map(|set| &*set.id)).collect();
    violations.extend(repeated(&names).into_iter().map(|(place, error)| {
        let path = match place.checked_sub(taxes.len()) {
            Some(set) => format!("tax_sets[{set}]"),
            None => format!("taxes[{place}]"),
        };
        error.at("id").at(&path)
    }));
}

fn groups(request: &PriceRequest, violations: &mut Vec<Error>) {
    let groups = request.tax_groups.as_deref().unwrap_or_default();
    violations.extend(limits::items(groups.len(), TAXES, "tax_groups").err());
    for (place, group) in groups.iter().enumerate() {
        let label = group.subtotal.as_deref().and_then(|label| limits::text(label, limits::NAME, "subtotal").err());
        let found = [id(&group.id).map(|error| error.at("id")), label];
        violations.extend(found.into_iter().flatten().map(|error| error.at(&format!("tax_groups[{place}]"))));
    }
    let names: Vec<&str> = groups.iter().map(|group| &*group.id).collect();
    let again = |(place, error): (usize, Error)| error.at("id").at(&format!("tax_groups[{place}]"));
    violations.extend(repeated(&names).into_iter().map(again));
}

/// Whether sets and lines name taxes that there are, and each once.
fn references(request: &PriceRequest, violations: &mut Vec<Error>) {
    let names = Names::of(request);
    let taxes = request.taxes.as_deref().unwrap_or_default();
    let unknown = |name: &str, known: &[&str]| {
        let hint = hint(name, known.iter().copied());
        Error::new(Code::UnknownTax).with("tax", clip(name)).with("hint", hint)
    };
    let ids: Vec<&str> = taxes.iter().map(|tax| &*tax.id).collect();
    for (place, set) in request.tax_sets.iter().flatten().enumerate() {
        let missing = set.taxes.iter().enumerate().filter(|(_, name)| !ids.contains(&name.as_str()));
        let errors = missing.map(|(at, name)| (at, unknown(name, &ids)));
        let members: Vec<&str> = set.taxes.iter().map(String::as_str).collect();
        violations.extend(
            errors
                .chain(repeated(&members))
                .map(|(at, error)| error.at(&format!("taxes[{at}]")).at(&format!("tax_sets[{place}]"))),
        );
    }
    let known: Vec<&str> = names.ids().collect();
    for (place, line) in request.lines.iter().enumerate() {
        let Some(named) = &line.taxes else { continue };
        let mut seen: Vec<usize> = Vec::new();
        let mut found = Vec::new();
        found.extend(limits::items(named.len(), TAXES_OF_LINE, "taxes").err());
        if line.tax_percent.is_some() {
            let error = Error::new(Code::ConflictingFields).with("first", "tax_percent").with("second", "taxes");
            found.push(error.at("tax_percent"));
        }
        for (at, name) in named.iter().enumerate().take(TAXES_OF_LINE) {
            let rules = names.rules_of(name);
            let is_known = !rules.is_empty() || known.contains(&name.as_str());
            if !is_known {
                found.push(unknown(name, &known).at(&format!("taxes[{at}]")));
            }
            if let Some(again) = rules.iter().find(|rule| seen.contains(rule)) {
                let tax = taxes.get(*again).map_or("", |tax| tax.id.as_str());
                found.push(Error::new(Code::DuplicateId).with("id", clip(tax)).at(&format!("taxes[{at}]")));
            }
            seen.extend(rules);
        }
        violations.extend(found.into_iter().map(|error| error.at(&format!("lines[{place}]"))));
    }
}

fn rate(request: &PriceRequest, violations: &mut Vec<Error>) {
    let Some(rate) = &request.company_rate else { return };
    let mut refuse = |error: Error, field: &str| violations.push(error.at(field).at("company_rate"));
    if rate.rate.is_zero() || rate.rate.is_negative() {
        refuse(Error::new(Code::InvalidRate).with("value", rate.rate.to_string()), "rate");
    }
    if rate.from == rate.to {
        refuse(Error::new(Code::RateToItself).with("currency", rate.to.code()), "to");
    } else if rate.from != request.currency && rate.to != request.currency {
        let error = Error::new(Code::RateOfOtherCurrencies).with("from", rate.from.code()).with("to", rate.to.code());
        refuse(error.with("currency", request.currency.code()), "");
    }
    if let Some(error) = rate.source.as_deref().and_then(|source| limits::free_text(source, limits::NAME, "").err()) {
        refuse(error, "source");
    }
}

fn discount(request: &PriceRequest, violations: &mut Vec<Error>) {
    let Some(discount) = &request.document_discount else { return };
    let mut refuse = |error: Error, field: &str| violations.push(error.at(field).at("document_discount"));
    let conflict =
        |first: &str, second: &str| Error::new(Code::ConflictingFields).with("first", first).with("second", second);
    match (discount.percent, discount.amount) {
        (Some(_), Some(_)) => refuse(conflict("percent", "amount"), "percent"),
        (None, None) => refuse(Error::new(Code::MissingField).with("field", "percent"), ""),
        _ => {}
    }
    if let Some(error) = discount.percent.and_then(|value| percent(value, 0, 100)) {
        refuse(error, "percent");
    }
    if let Some(amount) = discount.amount.filter(|amount| amount.is_negative()) {
        refuse(Error::new(Code::NegativeNumber).with("value", amount.to_string()), "amount");
    }
    if request.discount_percent.is_some() {
        violations.push(conflict("discount_percent", "document_discount").at("discount_percent"));
    }
}

fn cash(request: &PriceRequest, rounder: Option<&Rounder>, violations: &mut Vec<Error>) {
    let Some(cash) = &request.cash_rounding else { return };
    let mut refuse = |error: Error| violations.push(error.at("cash_rounding.increment"));
    if let Err(error) = Rounder::new(cash.increment, cash.mode) {
        refuse(error);
    } else if let Some(rounder) = rounder
        && rounder
            .units(cash.increment)
            .and_then(|units| rounder.amount(units))
            .is_ok_and(|near| near != cash.increment)
    {
        let error = Error::new(Code::AmountNotMultiple).with("amount", cash.increment.to_string());
        refuse(error.with("increment", rounder.increment().to_string()));
    }
}
