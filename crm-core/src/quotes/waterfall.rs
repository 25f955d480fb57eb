//! The steps that led to a priced quote, as reasons.

use super::answer::{PricedLine, PricedQuote, RoundingPolicy};
use super::discount::DiscountOn;
use super::request::{PriceLine, PriceRequest, TaxRounding};
use super::units::exact_product;
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::reason::Reason;

/// The total alone.
pub(super) fn total(quote: &PricedQuote) -> Reason {
    let reason = Reason::new(Code::QuoteTotal).show("total", quote.total).with("currency", quote.currency.code());
    reason.show("net", quote.taxable).show("tax", quote.tax)
}

/// The total with every step beneath it: the lines, the document discount, the taxes, cash rounding and the company's currency.
pub(super) fn whole(request: &PriceRequest, quote: &PricedQuote) -> Reason {
    let policy = &quote.rounding;
    let mut reason = total(quote);
    for (given, line) in request.lines.iter().zip(&quote.lines) {
        reason = reason.child(line_steps(given, line, policy));
    }
    if let Some(percent) = request.discount_percent.filter(|percent| !percent.is_zero()) {
        let discount = Reason::new(Code::DocumentDiscount).show("percent", percent).show("before", quote.net);
        let discount = discount.show("amount", quote.document_discount);
        reason =
            reason.child(discount.children(rounded(percentage(quote.net, percent), quote.document_discount, policy)));
    }
    if let Some(discounted) = &quote.discounted {
        let code = match discounted.on {
            DiscountOn::Net => Code::NetDiscounted,
            DiscountOn::Gross => Code::GrossDiscounted,
        };
        reason = reason.child(Reason::new(code).show("before", discounted.before).show("amount", discounted.amount));
    }
    let details = quote.tax_details.iter();
    reason = reason.children(details.flat_map(|details| &details.taxes).map(|tax| {
        let step = Reason::new(Code::TaxOnDocument).with("tax", tax.tax.as_str()).show("base", tax.base);
        step.show("amount", tax.amount)
    }));
    if let Some(cash) = &quote.cash_rounding {
        let step = Reason::new(Code::CashRounding).show("increment", cash.increment).show("amount", cash.amount);
        reason = reason.child(step.show("total", quote.total));
    }
    if let Some(company) = &quote.company {
        let step =
            Reason::new(Code::CompanyTotal).show("total", company.total).with("currency", company.currency.code());
        let step = step.show("rate", company.rate.rate).with("date", company.rate.date.to_string());
        reason = reason.child(step.show("net", company.taxable).show("tax", company.tax));
    }
    let groups = quote.tax_groups.iter().filter(|_| quote.tax_details.is_none());
    reason.children(groups.map(|group| {
        let step = Reason::new(Code::TaxGroup).show("percent", group.tax_percent).show("base", group.base);
        let step = step.show("amount", group.tax);
        match policy.tax {
            TaxRounding::Line => step,
            TaxRounding::Document | TaxRounding::Global => {
                step.children(rounded(percentage(group.base, group.tax_percent), group.tax, policy))
            }
        }
    }))
}

fn line_steps(given: &PriceLine, line: &PricedLine, policy: &RoundingPolicy) -> Reason {
    let reason = Reason::new(Code::LineTotal).with("line", line.id.as_str()).show("net", line.taxable);
    let mut reason = reason.show("tax", line.tax).show("total", line.total);
    let amount = Reason::new(Code::LineAmount).show("quantity", line.quantity).show("unit_price", line.unit_price);
    let exact = exact_product(line.quantity.normalized(), line.unit_price.normalized(), None);
    // Under `global` a line has its part of the rounded document, which is not its own amount rounded.
    let rounded = |exact, result, policy: &RoundingPolicy| {
        rounded(exact, result, policy).filter(|_| policy.tax != TaxRounding::Global)
    };
    reason = reason.child(amount.show("amount", line.amount).children(rounded(exact, line.amount, policy)));
    if let Some(percent) = given.discount_percent.filter(|percent| !percent.is_zero()) {
        let step = Reason::new(Code::LineDiscount).show("percent", percent).show("before", line.amount);
        let exact = exact_product(line.quantity.normalized(), line.unit_price.normalized(), Some(percent.normalized()));
        reason = reason.child(step.show("after", line.net).children(rounded(exact, line.net, policy)));
    }
    if !line.document_discount.is_zero() {
        let after = line.net.sub(line.document_discount).unwrap_or(line.taxable);
        let step = Reason::new(Code::DocumentDiscountShare).show("before", line.net).show("after", after);
        reason = reason.child(step.show("amount", line.document_discount));
    }
    reason = reason.children(line.taxes.iter().flatten().map(|tax| {
        let step = Reason::new(Code::TaxOnLine).with("tax", tax.tax.as_str()).show("base", tax.base);
        step.show("amount", tax.amount)
    }));
    if let (Some(percent), None) = (given.tax_percent, &line.taxes) {
        let step =
            Reason::new(Code::LineTax).show("percent", percent).show("base", line.taxable).show("amount", line.tax);
        reason = reason.child(match policy.tax {
            TaxRounding::Line => step.children(rounded(percentage(line.taxable, percent), line.tax, policy)),
            TaxRounding::Document | TaxRounding::Global => step,
        });
    }
    reason
}

/// An exact percentage as a mantissa and a scale.
fn percentage(amount: Dec, percent: Dec) -> Option<(i128, u32)> {
    let (amount, percent) = (amount.normalized(), percent.normalized());
    let scale = amount.scale().checked_add(percent.scale())?.checked_add(2)?;
    Some((amount.mantissa().checked_mul(percent.mantissa())?, scale))
}

/// The step that says what rounding changed, when it changed something.
fn rounded(exact: Option<(i128, u32)>, result: Dec, policy: &RoundingPolicy) -> Option<Reason> {
    let exact = exact.map(|(mantissa, scale)| spell(mantissa, scale))?;
    if exact == result.normalized().to_string() {
        return None;
    }
    let reason = Reason::new(Code::RoundedTo).with("exact", exact).show("rounded", result);
    Some(reason.with("mode", policy.mode.name()).show("increment", policy.increment))
}

/// A number that may have more digits than a decimal holds, without trailing zeros.
fn spell(mantissa: i128, scale: u32) -> String {
    let sign = if mantissa < 0 { "-" } else { "" };
    let places = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = places.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::spell;

    #[test]
    fn long_numbers_are_spelt_exactly() {
        assert_eq!(spell(-1250, 3), "-1.25");
        assert_eq!(spell(5, 3), "0.005");
        assert_eq!(spell(100, 2), "1");
        assert_eq!(spell(i128::MAX, 30), "170141183.460469231731687303715884105727");
    }
}
