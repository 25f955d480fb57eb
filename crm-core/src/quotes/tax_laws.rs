//! The conservation laws of quotes with taxes of their own kinds, over random ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::answer::{PricedLine, PricedQuote};
use super::cash::CashStrategy;
use super::check::check;
use super::discount::{DiscountOn, DocumentDiscount};
use super::price::price;
use super::request::{PriceRequest, RoundingChoice, TaxRounding};
use super::tax::TaxKind;
use super::{plain, taxed};
use crate::base::context::Context;
use crate::base::decimal::Dec;
use crate::base::reason::{Explain, Reason};
use crate::base::rounding::{Mode, round};

fn request(value: Value) -> PriceRequest {
    serde_json::from_value(value).unwrap()
}

fn priced(asked: &PriceRequest) -> PricedQuote {
    price(asked, &Context { explain: Explain::None, ..Context::default() }).unwrap().value
}

fn texts<const N: usize>(amounts: [Dec; N]) -> [String; N] {
    amounts.map(|amount| amount.to_string())
}

#[test]
fn a_withheld_tax_and_one_that_the_buyer_owes() {
    let quote = priced(&request(json!({
        "currency": "EUR",
        "taxes": [
            {"id": "vat", "amount": "21"},
            {"id": "withheld", "amount": "-15"},
            {"id": "reverse", "amount": "21", "reverse_charge": true},
        ],
        "lines": [
            {"quantity": "1", "unit_price": "100", "taxes": ["vat", "withheld"]},
            {"quantity": "1", "unit_price": "50", "taxes": ["reverse"]},
        ],
    })));
    assert_eq!(texts([quote.taxable, quote.tax, quote.total]), ["150.00", "6.00", "156.00"]);
    let sides: Vec<String> = quote.lines[1].taxes.iter().flatten().map(|tax| tax.amount.to_string()).collect();
    assert_eq!(sides, ["10.50", "-10.50"]);
    assert_eq!(quote.tax_details.unwrap().groups.len(), 3);
}

#[test]
fn cash_rounding_as_a_line_or_on_the_biggest_tax() {
    let ask = |strategy: &str, lines: Value| {
        priced(&request(json!({
            "currency": "CHF",
            "taxes": [{"id": "a", "amount": "7.7"}, {"id": "b", "amount": "2.5"}],
            "cash_rounding": {"increment": "0.05", "strategy": strategy},
            "lines": lines,
        })))
    };
    let lines = json!([
        {"quantity": "1", "unit_price": "9.99", "taxes": ["a"]}, {"quantity": "1", "unit_price": "1", "taxes": ["b"]},
    ]);
    let as_line = ask("add_line", lines.clone());
    let cash = as_line.cash_rounding.unwrap();
    assert_eq!(texts([as_line.taxable, as_line.tax, cash.amount, as_line.total]), ["10.99", "0.80", "0.01", "11.80"]);
    let on_tax = ask("biggest_tax", lines);
    assert_eq!(texts([on_tax.taxable, on_tax.tax, on_tax.total]), ["10.99", "0.81", "11.80"]);
    assert_eq!(on_tax.cash_rounding.unwrap().group.as_deref(), Some("a"));
    assert_eq!(on_tax.tax_details.unwrap().groups[0].tax.to_string(), "0.78");
    let without_tax = ask("biggest_tax", json!([{"quantity": "1", "unit_price": "9.99"}]));
    assert_eq!(texts([without_tax.total, without_tax.cash_rounding.unwrap().amount]), ["9.99", "0.00"]);
}

#[test]
fn the_waterfall_names_every_tax() {
    let asked = request(json!({
        "currency": "EUR", "prices_include_tax": true,
        "taxes": [{"id": "vat", "amount": "20"}],
        "lines": [{"quantity": "1", "unit_price": "10", "taxes": ["vat"]}],
        "company_rate": {"from": "EUR", "to": "USD", "date": "2026-01-31", "rate": "1.1"},
        "cash_rounding": {"increment": "3"},
    }));
    let reasons = price(&asked, &Context { explain: Explain::Full, ..Context::default() }).unwrap().reasons;
    let mut sentences = Vec::new();
    fn walk(reason: &Reason, depth: usize, out: &mut Vec<String>) {
        out.push(format!("{}{}", "  ".repeat(depth), reason.english()));
        reason.beneath().iter().for_each(|child| walk(child, depth + 1, out));
    }
    reasons.iter().for_each(|reason| walk(reason, 0, &mut sentences));
    let expected = "\
total 9.00 EUR: 8.33 net and 1.67 tax
  line `1`: 8.33 net, 1.67 tax, 10.00 in all
    1 x 10 = 10.00
    tax `vat` on 8.33: 1.67
  tax `vat` on 8.33 of the document: 1.67
  cash rounding to 3 adds -1.00: 9.00
  9.90 USD at the rate 1.1 of 2026-01-31: 9.16 net and 1.84 tax";
    assert_eq!(sentences.join("\n"), expected);
}

fn any_number(highest: i64, digits: u32) -> impl Strategy<Value = Value> {
    (-highest / 8..=highest, 0..=digits)
        .prop_map(|(mantissa, scale)| Value::from(Dec::from_parts(i128::from(mantissa), scale).unwrap().to_string()))
}

fn any_tax() -> impl Strategy<Value = Value> {
    let percents = &["5", "5.5", "19", "21", "8.875", "-2", "33.333", "0"][..];
    let kind = prop_oneof![4 => Just("percent"), 1 => Just("fixed"), 1 => Just("division")];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1));
    (kind, proptest::sample::select(percents), flags, 0..3).prop_map(|(kind, amount, flags, group)| {
        let (included, affects, affected, reverse) = flags;
        json!({
            "kind": kind, "amount": amount, "price_included": included, "affects_base_of_next": affects,
            "base_affected_by_previous": affected, "reverse_charge": reverse, "group": format!("g{group}"),
        })
    })
}

/// Requests whose lines may be below zero, with up to four taxes each of any kind.
fn any_request() -> impl Strategy<Value = PriceRequest> {
    let discount =
        prop_oneof![Just(Value::Null), proptest::sample::select(&["5", "12.5", "100"][..]).prop_map(Value::from)];
    let line = (any_number(10_000, 2), any_number(1_000_000, 3), discount.clone(), 0..4_usize, 0..4_usize);
    let lines = proptest::collection::vec(line, 1..9);
    let place = proptest::sample::select(&["line", "document", "global"][..]);
    let mode = proptest::sample::select(Mode::ALL).prop_map(|mode| mode.1);
    let increment = proptest::sample::select(&["0.01", "0.05", "1", "0.001"][..]);
    let cash = proptest::option::of(proptest::sample::select(&["add_line", "biggest_tax"][..]));
    let rest = (discount, any::<bool>(), place, mode, increment, cash);
    (proptest::collection::vec(any_tax(), 4), lines, rest).prop_map(|(mut taxes, lines, rest)| {
        let ids = ["t0", "t1", "t2", "t3"];
        for (tax, id) in taxes.iter_mut().zip(ids) {
            tax["id"] = id.into();
        }
        let (discount, on_total, tax, mode, increment, cash) = rest;
        let line = |(quantity, unit_price, discount, from, count): (Value, Value, Value, usize, usize)| {
            let taxes: Vec<&str> = ids.into_iter().skip(from).take(count).collect();
            json!({"quantity": quantity, "unit_price": unit_price, "discount_percent": discount, "taxes": taxes})
        };
        let cash = cash.map(|strategy| json!({"increment": "5", "strategy": strategy}));
        // A percent of the discount stands where an older request has it, or is taken off the total.
        let (net, on_total) = match on_total {
            true => (Value::Null, json!({"on": "gross", "percent": discount.as_str().unwrap_or("3")})),
            false => (discount, Value::Null),
        };
        request(json!({
            "currency": "USD", "allow_negative": true, "taxes": taxes, "discount_percent": net, "document_discount": on_total,
            "lines": lines.into_iter().map(line).collect::<Vec<_>>(), "cash_rounding": cash,
            "rounding": {"tax": tax, "mode": mode, "increment": increment},
        }))
    })
}

fn add(a: Dec, b: Dec) -> Dec {
    a.add(b).unwrap()
}

fn total(amounts: impl Iterator<Item = Dec>) -> Dec {
    amounts.fold(Dec::ZERO, add)
}

proptest! {
    #[test]
    fn totals_are_the_sums_of_their_parts(asked in any_request()) {
        let quote = priced(&asked);
        let of = |field: fn(&PricedLine) -> Dec| total(quote.lines.iter().map(field));
        let included = |line: &PricedLine| line.included_tax.unwrap();
        prop_assert_eq!(of(|l| l.amount), quote.amount);
        prop_assert_eq!(of(|l| l.discount), quote.line_discount);
        prop_assert_eq!(of(|l| l.net), quote.net);
        prop_assert_eq!(of(|l| l.document_discount), quote.document_discount);
        prop_assert_eq!(of(|l| l.taxable), quote.taxable);
        prop_assert_eq!(of(included), quote.included_tax.unwrap());
        let details = quote.tax_details.as_ref().unwrap();
        let cash = quote.cash_rounding.as_ref();
        let (mut as_line, mut on_tax) = (Dec::ZERO, Dec::ZERO);
        match cash.map(|cash| (cash.strategy, cash.amount)) {
            Some((CashStrategy::AddLine, amount)) => as_line = amount,
            Some((CashStrategy::BiggestTax, amount)) => on_tax = amount,
            None => {}
        }
        // Net, tax and cash rounding are the total; a total that was rounded is a multiple.
        prop_assert_eq!(add(add(quote.taxable, quote.tax), as_line), quote.total);
        prop_assert_eq!(add(of(|l| l.tax), on_tax), quote.tax);
        if let Some(cash) = cash.filter(|cash| cash.strategy == CashStrategy::AddLine || cash.group.is_some()) {
            prop_assert_eq!(round(quote.total, cash.increment, Mode::Floor).unwrap(), quote.total);
        }
        prop_assert_eq!(total(details.groups.iter().map(|group| group.tax)), quote.tax);
        prop_assert_eq!(total(details.subtotals.iter().map(|subtotal| subtotal.tax)), quote.tax);
        prop_assert_eq!(add(total(details.taxes.iter().map(|tax| tax.amount)), on_tax), quote.tax);
        for line in &quote.lines {
            prop_assert_eq!(add(line.net, line.discount), line.amount);
            prop_assert_eq!(add(add(line.taxable, line.document_discount), included(line)), line.net);
            prop_assert_eq!(add(line.taxable, line.tax), line.total);
            prop_assert_eq!(total(line.taxes.iter().flatten().map(|tax| tax.amount)), line.tax);
            for amount in [line.amount, line.net, line.document_discount, line.taxable, line.tax] {
                prop_assert_eq!(round(amount, quote.rounding.increment, Mode::Floor).unwrap(), amount);
            }
        }
    }

    /// Holds without a document discount, whose last units go to lines by their order.
    #[test]
    fn the_order_of_lines_changes_no_total(asked in any_request()) {
        let asked = PriceRequest { discount_percent: None, document_discount: None, ..asked };
        let mut turned = asked.clone();
        turned.lines.reverse();
        let (one, other) = (priced(&asked), priced(&turned));
        prop_assert_eq!((one.net, one.taxable, one.tax, one.total), (other.net, other.taxable, other.tax, other.total));
        prop_assert_eq!(one.tax_details.unwrap().taxes, other.tax_details.unwrap().taxes);
    }

    /// One added percent a line comes to the same whichever way it is computed.
    #[test]
    fn the_short_way_is_the_long_way(asked in any_request(), percents in proptest::collection::vec(0..4_usize, 9), is_line in any::<bool>()) {
        let mut asked = PriceRequest { allow_negative: false, cash_rounding: None, document_discount: None, ..asked };
        for (line, percent) in asked.lines.iter_mut().zip(percents) {
            line.taxes = None;
            line.tax_percent = [None, Some("19"), Some("5.5"), Some("19.0")][percent].map(|text| text.parse().unwrap());
            (line.quantity, line.unit_price) = (line.quantity.abs(), line.unit_price.abs());
        }
        let place = if is_line { TaxRounding::Line } else { TaxRounding::Document };
        let choice = RoundingChoice { tax: place, ..asked.rounding.clone().unwrap() };
        let (rounder, ids) = check(&asked, &choice).unwrap();
        let short = plain::price(&asked, ids.clone(), place, &rounder).unwrap();
        let mut long = taxed::price(&asked, ids, place, &rounder).unwrap();
        (long.included_tax, long.tax_details) = (None, None);
        long.lines.iter_mut().for_each(|line| (line.included_tax, line.taxes) = (None, None));
        prop_assert_eq!(short, long);
    }

    /// A discount on the total meets it exactly, whatever the taxes: of what is no fixed tax the percent is left, rounded.
    #[test]
    fn a_discount_on_the_total_meets_it(asked in any_request(), percent in 0_i64..=100) {
        let is_fixed = |id: &str| asked.taxes.iter().flatten().any(|tax| tax.id == id && tax.kind == TaxKind::Fixed);
        let mut before = PriceRequest { discount_percent: None, document_discount: None, cash_rounding: None, ..asked.clone() };
        for line in &mut before.lines {
            line.taxes.iter_mut().for_each(|taxes| taxes.retain(|id| !is_fixed(id)));
        }
        let percent = Dec::from(percent);
        let discount = DocumentDiscount { on: DiscountOn::Gross, percent: Some(percent), amount: None };
        let after = PriceRequest { document_discount: Some(discount), ..before.clone() };
        let (before, after) = (priced(&before), priced(&after));
        let kept = before.total.mul(Dec::HUNDRED.sub(percent).unwrap()).unwrap().hundredth().unwrap();
        prop_assert_eq!(after.total, round(kept, after.rounding.increment, after.rounding.mode).unwrap());
        prop_assert_eq!(add(after.discounted.unwrap().amount, after.total), before.total);
    }

    #[test]
    fn explaining_changes_nothing_and_the_answer_reads_back(asked in any_request()) {
        let plain = priced(&asked);
        let full = price(&asked, &Context { explain: Explain::Full, ..Context::default() }).unwrap();
        prop_assert_eq!(&full.value, &plain);
        let text = serde_json::to_string(&plain).unwrap();
        prop_assert_eq!(serde_json::from_str::<PricedQuote>(&text).unwrap(), plain);
    }
}
