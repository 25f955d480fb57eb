//! The conservation laws of quotes, over random ones.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::answer::{PricedLine, PricedQuote};
use super::price::price;
use super::request::{PriceLine, PriceRequest, RoundingChoice, TaxRounding};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decimal::Dec;
use crate::base::reason::{Explain, Reason};
use crate::base::rounding::{Mode, round};

fn dec(text: &str) -> Dec {
    text.parse().unwrap()
}

fn context(explain: Explain) -> Context {
    Context { explain, ..Context::default() }
}

fn line(quantity: &str, unit_price: &str, discount: Option<&str>, tax: Option<&str>) -> PriceLine {
    PriceLine {
        quantity: dec(quantity),
        unit_price: dec(unit_price),
        discount_percent: discount.map(dec),
        tax_percent: tax.map(dec),
        ..PriceLine::default()
    }
}

fn request(lines: Vec<PriceLine>) -> PriceRequest {
    serde_json::from_value::<PriceRequest>(serde_json::json!({"currency": "USD", "lines": []}))
        .map(|request| PriceRequest { lines, ..request })
        .unwrap()
}

fn priced(request: &PriceRequest) -> PricedQuote {
    price(request, &context(Explain::None)).unwrap().value
}

/// The codes and paths of a refusal.
fn refusal(request: &PriceRequest) -> Vec<(String, String)> {
    let error = price(request, &Context::default()).unwrap_err();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    match error.details().get("violations") {
        Some(list) => list.as_array().unwrap().iter().map(|v| (text(&v["code"]), text(&v["path"]))).collect(),
        None => vec![(error.code().to_owned(), error.path().to_owned())],
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(code, path)| ((*code).to_owned(), (*path).to_owned())).collect()
}

#[test]
fn the_simplest_quote() {
    let quote = priced(&request(vec![line("2", "9.99", None, None)]));
    assert_eq!(quote.total.to_string(), "19.98");
    assert_eq!(quote.lines[0].id, "1");
    assert_eq!(quote.discount_percent_true.unwrap().to_string(), "0.0000");
    assert!(quote.tax_groups.is_empty());
    let free = priced(&request(vec![line("0", "9.99", None, None)]));
    assert_eq!((free.total.to_string().as_str(), free.discount_percent_true), ("0.00", None));
    assert!(serde_json::to_string(&free).unwrap().contains(r#""discount_percent_true":null"#));
}

#[test]
fn tax_is_rounded_on_each_line_or_once_for_each_percent() {
    let lines = vec![
        line("1", "0.13", None, Some("10")),
        line("1", "0.13", None, Some("10.0")),
        line("1", "0.13", None, Some("10")),
    ];
    let mut asked = request(lines);
    assert_eq!(priced(&asked).tax.to_string(), "0.03");
    asked.rounding = Some(RoundingChoice { tax: TaxRounding::Document, ..RoundingChoice::default() });
    let quote = priced(&asked);
    assert_eq!((quote.tax.to_string().as_str(), quote.tax_groups.len()), ("0.04", 1));
    let taxes: Vec<String> = quote.lines.iter().map(|l| l.tax.to_string()).collect();
    assert_eq!(taxes, ["0.02", "0.01", "0.01"]);
}

#[test]
fn a_line_is_rounded_once_from_the_exact_product() {
    // 0.335 x 3 = 1.005 would be 1.01 when rounded first; less 10 % it is 0.9045.
    let quote = priced(&request(vec![line("3", "0.335", Some("10"), None)]));
    assert_eq!([quote.amount, quote.line_discount, quote.net].map(|d| d.to_string()), ["1.01", "0.11", "0.90"]);
}

#[test]
fn cash_increments_and_currencies_without_minor_unit() {
    let mut asked = request(vec![line("1", "1.78", None, Some("7.7"))]);
    asked.currency = "CHF".parse().unwrap();
    asked.rounding = Some(RoundingChoice { increment: Some(dec("0.05")), ..RoundingChoice::default() });
    let quote = priced(&asked);
    assert_eq!([quote.taxable, quote.tax, quote.total].map(|d| d.to_string()), ["1.80", "0.15", "1.95"]);
    asked.currency = "XAU".parse().unwrap();
    assert_eq!(priced(&asked).total.to_string(), "1.95");
    asked.rounding = None;
    assert_eq!(refusal(&asked), pairs(&[("currency_without_minor_unit", "currency")]));
    asked.currency = "JPY".parse().unwrap();
    assert_eq!(priced(&asked).total.to_string(), "2");
}

#[test]
fn every_violation_is_reported_at_once() {
    assert_eq!(refusal(&request(vec![])), pairs(&[("quote_without_lines", "lines")]));
    let mut first = line("-1", "-0.01", Some("100.01"), Some("1000.1"));
    first.id = Some("a b".to_owned());
    let mut second = line("1", "1", Some("-1"), Some("-1"));
    second.description = Some("\u{7}".to_owned());
    second.id = Some("3".to_owned());
    let mut asked = request(vec![first, second, line("1", "1", None, None)]);
    asked.discount_percent = Some(dec("101"));
    asked.rounding = Some(RoundingChoice { increment: Some(dec("0")), ..RoundingChoice::default() });
    let expected = [
        ("invalid_increment", "rounding.increment"),
        ("percent_out_of_range", "discount_percent"),
        ("negative_number", "lines[0].quantity"),
        ("negative_number", "lines[0].unit_price"),
        ("percent_out_of_range", "lines[0].discount_percent"),
        ("percent_out_of_range", "lines[0].tax_percent"),
        ("invalid_id", "lines[0].id"),
        ("percent_out_of_range", "lines[1].discount_percent"),
        ("percent_out_of_range", "lines[1].tax_percent"),
        ("invalid_text", "lines[1].description"),
        ("duplicate_id", "lines[2].id"),
    ];
    assert_eq!(refusal(&asked), pairs(&expected));
    let many = request(vec![line("1", "1", None, None); crate::base::limits::LINES + 1]);
    assert_eq!(refusal(&many), pairs(&[("too_many_items", "lines")]));
}

#[test]
fn what_is_not_exact_is_refused() {
    let longest = "79228162514264337593543950335";
    let lines = [line(longest, longest, None, None), line("1", "1", None, None), line(longest, "1", None, None)];
    let expected = [("decimal_overflow", "lines[0]")];
    assert_eq!(refusal(&request(lines[..2].to_vec())), pairs(&expected));
    // Trailing zeros are no digits.
    let zeros = "1.0000000000000000000000000000";
    let quote = priced(&request(vec![line(zeros, zeros, Some("0.000000000000000000000000000"), Some("10.00000"))]));
    assert_eq!(quote.total.to_string(), "1.10");
    assert_eq!(refusal(&request(vec![lines[2].clone()])), pairs(&[("decimal_overflow", "lines[0]")]));
}

#[test]
fn the_waterfall_says_what_was_rounded() {
    let mut asked = request(vec![line("3", "0.335", Some("10"), Some("5")), line("1", "2", None, None)]);
    asked.discount_percent = Some(dec("2.5"));
    assert!(price(&asked, &context(Explain::None)).unwrap().reasons.is_empty());
    let codes = price(&asked, &context(Explain::Codes)).unwrap();
    assert_eq!(
        codes.reasons.iter().map(Reason::english).collect::<Vec<_>>(),
        ["total 2.87 USD: 2.83 net and 0.04 tax"]
    );
    assert!(codes.reasons[0].beneath().is_empty());
    let full = price(&asked, &context(Explain::Full)).unwrap();
    assert_eq!(full.value, codes.value);
    let mut sentences = Vec::new();
    fn walk(reason: &Reason, depth: usize, out: &mut Vec<String>) {
        out.push(format!("{}{}", "  ".repeat(depth), reason.english()));
        reason.beneath().iter().for_each(|child| walk(child, depth + 1, out));
    }
    full.reasons.iter().for_each(|reason| walk(reason, 0, &mut sentences));
    let expected = "\
total 2.87 USD: 2.83 net and 0.04 tax
  line `1`: 0.88 net, 0.04 tax, 0.92 in all
    3 x 0.335 = 1.01
      1.005 is rounded to 1.01 (half_away_from_zero, increment 0.01)
    line discount of 10 %: 1.01 becomes 0.90
      0.9045 is rounded to 0.90 (half_away_from_zero, increment 0.01)
    share of the document discount: 0.90 becomes 0.88
    tax of 5 % on 0.88: 0.04
      0.044 is rounded to 0.04 (half_away_from_zero, increment 0.01)
  line `2`: 1.95 net, 0.00 tax, 1.95 in all
    1 x 2 = 2.00
    share of the document discount: 2.00 becomes 1.95
  document discount of 2.5 % on 2.90: 0.07
    0.0725 is rounded to 0.07 (half_away_from_zero, increment 0.01)
  tax of 5 % on 0.88 of the document: 0.04";
    assert_eq!(sentences.join("\n"), expected);
    assert_eq!(full.reasons[0].code(), Code::QuoteTotal);
}

fn any_dec(highest: i64, digits: u32) -> impl Strategy<Value = Dec> {
    (0..=highest, 0..=digits).prop_map(|(mantissa, scale)| Dec::from_parts(i128::from(mantissa), scale).unwrap())
}

fn any_percent() -> impl Strategy<Value = Option<Dec>> {
    let some = prop_oneof![Just("5"), Just("19"), Just("19.0"), Just("8.875"), Just("0"), Just("100")];
    prop_oneof![
        Just(None),
        some.prop_map(|text| Some(dec(text))),
        any_dec(10_000, 4).prop_map(|d| Some(d.min(Dec::HUNDRED)))
    ]
}

fn any_request() -> impl Strategy<Value = PriceRequest> {
    let one = (any_dec(100_000, 3), any_dec(100_000_000, 4), any_percent(), any_percent()).prop_map(
        |(quantity, unit_price, discount_percent, tax_percent)| PriceLine {
            quantity,
            unit_price,
            discount_percent,
            tax_percent,
            ..line("1", "1", None, None)
        },
    );
    let choice = (
        any::<bool>(),
        proptest::sample::select(Mode::ALL),
        proptest::option::of(proptest::sample::select(&["0.05", "1", "0.001", "3"][..])),
    );
    let choice = choice.prop_map(|(line, mode, increment)| RoundingChoice {
        tax: if line { TaxRounding::Line } else { TaxRounding::Document },
        mode: mode.0,
        increment: increment.map(dec),
    });
    (proptest::collection::vec(one, 1..20), any_percent(), proptest::option::of(choice))
        .prop_map(|(lines, discount_percent, rounding)| PriceRequest { discount_percent, rounding, ..request(lines) })
}

proptest! {
    #[test]
    fn lines_sum_to_totals_and_every_amount_is_a_multiple(asked in any_request()) {
        let quote = priced(&asked);
        let increment = quote.rounding.increment;
        let add = |a: Dec, b: Dec| a.add(b).unwrap();
        let total = |of: fn(&PricedLine) -> Dec| quote.lines.iter().map(of).fold(Dec::ZERO, add);
        prop_assert_eq!(total(|l| l.amount), quote.amount);
        prop_assert_eq!(total(|l| l.discount), quote.line_discount);
        prop_assert_eq!(total(|l| l.net), quote.net);
        prop_assert_eq!(total(|l| l.document_discount), quote.document_discount);
        prop_assert_eq!(total(|l| l.taxable), quote.taxable);
        prop_assert_eq!(total(|l| l.tax), quote.tax);
        prop_assert_eq!(total(|l| l.total), quote.total);
        prop_assert_eq!(quote.tax_groups.iter().map(|g| g.tax).fold(Dec::ZERO, add), quote.tax);
        prop_assert_eq!(add(quote.net, quote.line_discount), quote.amount);
        prop_assert_eq!(add(quote.taxable, quote.document_discount), quote.net);
        prop_assert_eq!(add(quote.taxable, quote.tax), quote.total);
        let mut bases: BTreeMap<Dec, Dec> = BTreeMap::new();
        for (given, line) in asked.lines.iter().zip(&quote.lines) {
            for amount in [line.amount, line.discount, line.net, line.document_discount, line.taxable, line.tax, line.total] {
                prop_assert!(!amount.is_negative());
                prop_assert_eq!(amount.scale(), increment.scale());
                prop_assert_eq!(round(amount, increment, Mode::Floor).unwrap(), amount);
            }
            prop_assert_eq!(add(line.net, line.discount), line.amount);
            prop_assert_eq!(add(line.taxable, line.document_discount), line.net);
            prop_assert_eq!(add(line.taxable, line.tax), line.total);
            if let Some(percent) = given.tax_percent {
                let base = bases.entry(percent).or_default();
                *base = add(*base, line.taxable);
            }
        }
        prop_assert_eq!(quote.tax_groups.iter().map(|g| (g.tax_percent, g.base)).collect::<Vec<_>>(), bases.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn figures_follow_their_formulas(asked in any_request()) {
        let quote = priced(&asked);
        let policy = &quote.rounding;
        let rounded = |value: Dec| round(value, policy.increment, policy.mode).unwrap();
        let part = |value: Dec, percent: Dec| value.mul(percent).unwrap().hundredth().unwrap();
        for (given, line) in asked.lines.iter().zip(&quote.lines) {
            let product = given.quantity.mul(given.unit_price).unwrap();
            prop_assert_eq!(line.amount, rounded(product));
            let kept = Dec::HUNDRED.sub(given.discount_percent.unwrap_or_default()).unwrap();
            prop_assert_eq!(line.net, rounded(part(product, kept)));
            if policy.tax == TaxRounding::Line {
                prop_assert_eq!(line.tax, rounded(part(line.taxable, given.tax_percent.unwrap_or_default())));
            }
        }
        prop_assert_eq!(quote.document_discount, rounded(part(quote.net, asked.discount_percent.unwrap_or_default())));
        if policy.tax == TaxRounding::Document {
            for group in &quote.tax_groups {
                prop_assert_eq!(group.tax, rounded(part(group.base, group.tax_percent)));
            }
        }
    }

    #[test]
    fn explaining_changes_nothing_and_the_answer_reads_back(asked in any_request()) {
        let plain = priced(&asked);
        let full = price(&asked, &context(Explain::Full)).unwrap();
        prop_assert_eq!(&full.value, &plain);
        prop_assert_eq!(full.reasons.len(), 1);
        let text = serde_json::to_string(&plain).unwrap();
        prop_assert_eq!(serde_json::from_str::<PricedQuote>(&text).unwrap(), plain);
    }
}
