//! Every operator over every type, the rules of missing fields, and what is refused.

use serde_json::{Value, json};

use super::catalogue::{Catalogue, Source, Type};
use super::compile::{DEPTH, NODES, compile};
use super::explain::reason;
use super::lint::lint;
use super::row::Row;
use super::wire::{Condition, ConditionOp};
use crate::base::context::Context;
use crate::base::error::Error;

fn catalogue() -> Catalogue {
    let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect();
    Catalogue::new()
        .field("name", Type::Text)
        .field("stage", Type::Name)
        .field("owner", Type::Id)
        .field("score", Type::Decimal)
        .field("worth", Type::Money)
        .from("amount", Type::Money, Source::Amount("amount".into(), "currency".into()))
        .field("currency", Type::Currency)
        .field("close", Type::Date)
        .field("closed", Type::Date)
        .field("made", Type::Instant)
        .field("active", Type::Flag)
        .field("status", Type::Choice(names(&["open", "won"])))
        .field("tags", Type::Choices(names(&["hot", "cold"])))
        .from("since", Type::Instant, Source::LastOf("history".into(), "entered_at".into()))
}

fn context() -> Context {
    Context {
        now: Some("2026-01-31T20:00:00Z".parse().unwrap()),
        zone: "Asia/Shanghai".to_owned(),
        ..Context::default()
    }
}

fn ask(condition: &Value, record: &Value) -> Result<bool, Error> {
    let condition: Condition = serde_json::from_value(condition.clone()).unwrap();
    let predicate = compile(&condition, &catalogue())?;
    let row = Row::of(predicate.slots(), record.as_object().unwrap())?;
    assert_eq!(Row::parse(predicate.slots(), &record.to_string())?, row);
    let moment = predicate.moment(&context())?;
    let nodes = predicate.explain(&row, &moment);
    let holds = predicate.holds(&row, &moment);
    assert_eq!(nodes[0].holds, holds);
    assert_eq!(reason(&nodes).code().name() == "condition_holds", holds);
    Ok(holds)
}

fn test(field: &str, op: &str, value: Value) -> Value {
    json!({"field": field, "op": op, "value": value})
}

fn holds(condition: Value, record: Value) -> bool {
    ask(&condition, &record).unwrap_or_else(|e| panic!("{condition}: {e:?}"))
}

fn code(condition: Value) -> (String, String) {
    let error = ask(&condition, &json!({})).unwrap_err();
    (error.code().to_owned(), error.path().to_owned())
}

/// What `equal`, `less_than` and `greater_than` say, and with them their opposites and the two mixed ones.
fn order(field: &str, found: Value, value: Value, expected: std::cmp::Ordering) {
    let record = json!({field: found});
    for (op, wanted) in [
        ("equal", expected.is_eq()),
        ("not_equal", expected.is_ne()),
        ("less_than", expected.is_lt()),
        ("at_most", expected.is_le()),
        ("greater_than", expected.is_gt()),
        ("at_least", expected.is_ge()),
    ] {
        assert_eq!(holds(test(field, op, value.clone()), record.clone()), wanted, "{record} {op} {value}");
    }
}

#[test]
fn values_compare_exactly() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    order("score", json!("9.5"), json!("10.0"), Less);
    order("score", json!("10.00"), json!(10), Equal);
    order("score", json!(3), json!("2.9999999999999999999999999999"), Greater);
    order("score", json!("-79228162514264337593543950335"), json!("79228162514264337593543950335"), Less);
    order("score", json!("-0.0000000000000000000000000001"), json!("0"), Less);
    order("name", json!("ÄRGER"), json!("ärger"), Equal);
    order("name", json!("apple"), json!("Banana"), Less);
    order("name", json!("\u{1F600}"), json!("\u{ffff}"), Greater);
    order("close", json!("2026-02-01"), json!("2026-01-31"), Greater);
    order("made", json!("2026-01-31T09:00:00+08:00"), json!("2026-01-31T01:00:00Z"), Equal);
    // An instant meets a date as the day in the context's zone.
    order("made", json!("2026-01-31T20:00:00Z"), json!("2026-02-01"), Equal);
    order("worth", json!({"amount": "5", "currency": "USD"}), json!("4.99"), Greater);
}

#[test]
fn amounts_of_two_currencies_do_not_compare() {
    let record = json!({"amount": "1000", "currency": "JPY", "worth": {"amount": "7", "currency": "JPY"}});
    let with = |op: &str, currency: &str| json!({"field": "amount", "op": op, "value": "1", "currency": currency});
    assert!(holds(with("at_least", "JPY"), record.clone()));
    assert!(!holds(with("at_least", "USD"), record.clone()));
    assert!(!holds(with("at_most", "USD"), record.clone()));
    assert!(holds(with("not_equal", "USD"), record.clone()));
    assert!(holds(test("amount", "at_least", json!("1")), record.clone()), "no currency: the number alone");
    assert!(holds(json!({"field": "amount", "op": "greater_than", "other_field": "worth"}), record.clone()));
    let other = json!({"amount": "1000", "currency": "USD", "worth": {"amount": "7", "currency": "JPY"}});
    assert!(!holds(json!({"field": "amount", "op": "greater_than", "other_field": "worth"}), other));
    assert!(holds(test("worth.currency", "equal", json!("JPY")), record.clone()));
    assert!(holds(test("worth.amount", "equal", json!("7.0")), record));
    let own = catalogue().in_currency(Some("USD".parse().unwrap()));
    let condition: Condition = serde_json::from_value(test("amount", "at_least", json!("1"))).unwrap();
    let predicate = compile(&condition, &own).unwrap();
    let moment = predicate.moment(&Context::default()).unwrap();
    for (currency, wanted) in [("USD", true), ("JPY", false)] {
        let record = json!({"amount": "5", "currency": currency});
        let row = Row::of(predicate.slots(), record.as_object().unwrap()).unwrap();
        assert_eq!(predicate.holds(&row, &moment), wanted, "the configuration's currency, against {currency}");
    }
}

#[test]
fn texts_match_in_any_case() {
    let record = json!({"name": "Ünal İnci \u{1F600}"});
    for (op, value, wanted) in [
        ("contains", "AL i", true),
        ("contains", "\u{1F600}", true),
        ("contains", "unal", false),
        ("starts_with", "üNAL", true),
        ("starts_with", "nal", false),
        ("ends_with", "\u{1F600}", true),
        ("ends_with", "inci", false),
    ] {
        assert_eq!(holds(test("name", op, json!(value)), record.clone()), wanted, "{op} {value}");
    }
    assert!(!holds(test("stage", "equal", json!("Won")), json!({"stage": "won"})), "names are exact");
    assert!(!holds(test("owner", "equal", json!("U1")), json!({"owner": "u1"})), "ids are exact");
}

#[test]
fn lists_hold_one_of_their_values() {
    let list = |op: &str, field: &str, values: Value| json!({"field": field, "op": op, "values": values});
    assert!(holds(list("in", "name", json!(["ada", "bob"])), json!({"name": "Ada"})));
    assert!(!holds(list("not_in", "name", json!(["ada", "bob"])), json!({"name": "Ada"})));
    assert!(holds(list("in", "score", json!([1, "2.50"])), json!({"score": "2.5"})));
    assert!(holds(list("not_in", "status", json!(["won"])), json!({"status": "open"})));
    assert!(holds(list("in", "tags", json!(["hot"])), json!({"tags": ["cold", "hot"]})));
    assert!(holds(test("tags", "contains", json!("hot")), json!({"tags": ["cold", "hot"]})));
    assert!(!holds(list("in", "tags", json!(["hot"])), json!({"tags": ["cold"]})));
    assert!(!holds(list("in", "name", json!([])), json!({"name": "Ada"})));
    assert!(holds(list("not_in", "name", json!([])), json!({"name": "Ada"})));
    assert!(holds(test("active", "equal", json!(true)), json!({"active": true})));
}

#[test]
fn days_are_those_of_the_contexts_zone() {
    // Today is 1 February in Shanghai.
    let days = |field: &str, op: &str, days: u32| json!({"field": field, "op": op, "days": days});
    for (op, days_, date, wanted) in [
        ("older_than", 0, "2026-01-31", true),
        ("older_than", 0, "2026-02-01", false),
        ("older_than", 30, "2026-01-02", false),
        ("older_than", 30, "2026-01-01", true),
        ("within_last", 0, "2026-02-01", true),
        ("within_last", 1, "2026-01-31", true),
        ("within_last", 1, "2026-01-30", false),
        ("within_last", 1, "2026-02-02", false),
        ("within_next", 1, "2026-02-02", true),
        ("within_next", 1, "2026-02-03", false),
        ("within_next", 1, "2026-01-31", false),
        ("further_than", 1, "2026-02-02", false),
        ("further_than", 1, "2026-02-03", true),
        ("older_than", 100_000, "0001-01-01", true),
        ("further_than", 100_000, "9999-12-31", true),
    ] {
        assert_eq!(holds(days("close", op, days_), json!({"close": date})), wanted, "{date} {op} {days_}");
    }
    assert!(holds(days("made", "within_last", 0), json!({"made": "2026-01-31T16:00:00Z"})));
    assert!(!holds(days("made", "within_last", 0), json!({"made": "2026-01-31T15:59:59Z"})));
    let history = json!({"history": [{"entered_at": "2026-01-31T17:00:00Z"}, {"entered_at": "2025-01-01T00:00:00Z"}]});
    assert!(holds(days("since", "older_than", 30), history));
    let condition: Condition = serde_json::from_value(days("close", "older_than", 1)).unwrap();
    let predicate = compile(&condition, &catalogue()).unwrap();
    assert_eq!(predicate.moment(&Context::default()).unwrap_err().code(), "missing_context");
}

#[test]
fn a_missing_field_passes_only_three_operators() {
    let complete = |op: ConditionOp, field: &str, value: &Value| {
        let mut condition = json!({"field": field, "op": op.name()});
        match op {
            ConditionOp::IsSet | ConditionOp::IsEmpty => {}
            ConditionOp::In | ConditionOp::NotIn => condition["values"] = json!([value]),
            ConditionOp::OlderThan | ConditionOp::WithinLast | ConditionOp::WithinNext | ConditionOp::FurtherThan => {
                condition["days"] = json!(3)
            }
            _ => condition["value"] = value.clone(),
        }
        condition
    };
    let fields = [
        ("name", json!("a")),
        ("stage", json!("a")),
        ("owner", json!("a")),
        ("score", json!("1")),
        ("worth", json!("1")),
        ("amount", json!("1")),
        ("currency", json!("USD")),
        ("close", json!("2026-01-01")),
        ("made", json!("2026-01-01")),
        ("active", json!(false)),
        ("status", json!("open")),
        ("tags", json!("hot")),
        ("since", json!("2026-01-01T00:00:00Z")),
    ];
    let mut asked = 0;
    for (field, value) in &fields {
        let kind = catalogue().find(field).unwrap().kind.clone();
        for op in ConditionOp::ALL.into_iter().filter(|op| kind.allows(*op)) {
            let wanted = matches!(op, ConditionOp::NotEqual | ConditionOp::NotIn | ConditionOp::IsEmpty);
            for record in [json!({}), json!({*field: null, "history": []})] {
                let condition = complete(op, field, value);
                assert_eq!(holds(condition.clone(), record.clone()), wanted, "{condition} {record}");
                assert_eq!(holds(json!({"not": condition}), record), !wanted, "logic has two values");
                asked += 1;
            }
        }
    }
    assert!(asked > 150, "{asked}");
    for (blank, field) in [(json!(" \n"), "name"), (json!([]), "tags")] {
        assert!(holds(json!({"field": field, "op": "is_empty"}), json!({field: blank})));
        assert!(!holds(json!({"field": field, "op": "is_set"}), json!({field: blank})));
    }
    let both = |op: &str| json!({"field": "close", "op": op, "other_field": "closed"});
    assert!(!holds(both("equal"), json!({})), "missing is not equal to missing");
    assert!(holds(both("not_equal"), json!({"close": "2026-01-01"})));
    assert!(holds(both("at_least"), json!({"close": "2026-01-01", "closed": "2026-01-01"})));
}

#[test]
fn groups_follow_two_valued_logic() {
    let (yes, no) = (json!({"all": []}), json!({"any": []}));
    for (condition, wanted) in [
        (yes.clone(), true),
        (no.clone(), false),
        (json!({"all": [yes, yes]}), true),
        (json!({"all": [yes, no]}), false),
        (json!({"any": [no, yes]}), true),
        (json!({"any": [no, no]}), false),
        (json!({"not": no}), true),
        (json!({"not": {"not": {"all": [{"not": yes}]}}}), false),
    ] {
        assert_eq!(holds(condition.clone(), json!({})), wanted, "{condition}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let said = |condition: Value, wanted: &str, path: &str| {
        assert_eq!(code(condition.clone()), (wanted.to_owned(), path.to_owned()), "{condition}");
    };
    said(json!({}), "invalid_condition", "");
    said(json!({"all": [], "any": []}), "invalid_condition", "");
    said(json!({"all": [{"op": "equal"}]}), "invalid_condition", "all[0]");
    said(json!({"all": [], "value": 1}), "part_not_used", "value");
    said(json!({"not": {"field": "nam", "op": "is_set"}}), "unknown_field", "not.field");
    said(json!({"any": [{"field": "name"}]}), "missing_field", "any[0].op");
    said(json!({"field": "name", "op": "equal"}), "missing_field", "value");
    said(json!({"field": "name", "op": "in"}), "missing_field", "values");
    said(json!({"field": "close", "op": "older_than"}), "missing_field", "days");
    said(json!({"field": "name", "op": "is_set", "days": 1}), "part_not_used", "days");
    said(json!({"field": "score", "op": "equal", "value": 1, "currency": "USD"}), "part_not_used", "currency");
    said(
        json!({"field": "score", "op": "equal", "value": 1, "other_field": "score"}),
        "conflicting_fields",
        "other_field",
    );
    said(json!({"field": "score", "op": "equal", "other_field": "close"}), "types_differ", "other_field");
    said(json!({"field": "score", "op": "equal", "other_field": "scores"}), "unknown_field", "other_field");
    said(json!({"field": "close", "op": "older_than", "days": 100_001}), "number_out_of_range", "days");
    said(json!({"field": "name", "op": "in", "values": vec!["a"; 1_001]}), "too_many_items", "values");
    said(test("active", "less_than", json!(true)), "operator_not_applicable", "op");
    said(test("stage", "contains", json!("a")), "operator_not_applicable", "op");
    said(test("name", "contains", json!("")), "text_empty", "value");
    said(test("name", "equal", json!(1)), "wrong_type", "value");
    said(test("name", "equal", json!("\u{0}")), "invalid_text", "value");
    said(test("name", "equal", json!("a".repeat(10_001))), "text_too_long", "value");
    said(test("score", "equal", json!("much")), "invalid_decimal", "value");
    said(test("score", "equal", json!(true)), "wrong_type", "value");
    said(test("close", "equal", json!("soon")), "invalid_date", "value");
    said(test("made", "equal", json!("soon")), "invalid_instant", "value");
    said(test("made", "equal", json!("2026-13-01")), "invalid_date", "value");
    said(test("owner", "equal", json!("a b")), "invalid_id", "value");
    said(test("currency", "equal", json!("usd")), "unknown_currency", "value");
    said(test("active", "equal", json!("yes")), "wrong_type", "value");
    said(test("status", "equal", json!("opn")), "unknown_variant", "value");
    said(json!({"field": "score", "op": "in", "values": [1, "x"]}), "invalid_decimal", "values[1]");
    let mut deep = json!({"all": []});
    for _ in 1..DEPTH {
        deep = json!({"not": deep});
    }
    assert!(ask(&deep, &json!({})).is_ok());
    assert_eq!(code(json!({"not": deep})).0, "condition_too_deep");
    let wide = |count: usize| json!({"all": vec![json!({"any": []}); count]});
    assert!(ask(&wide(NODES - 1), &json!({})).is_ok());
    assert_eq!(code(wide(NODES)).0, "condition_too_large");
    let several =
        ask(&json!({"all": [{"field": "nam", "op": "is_set"}, {"field": "score", "op": "equal"}]}), &json!({}));
    let several = several.unwrap_err();
    assert_eq!(several.code(), "invalid_request");
    assert_eq!(several.details()["violations"][0]["path"], "all[0].field");
    assert!(several.details()["violations"][0]["message"].as_str().unwrap().contains("did you mean `name`?"));
    assert_eq!(several.details()["violations"][1]["path"], "all[1].value");
}

#[test]
fn a_record_of_the_wrong_type_is_refused_not_guessed() {
    for (record, path) in [(json!({"score": true}), "score"), (json!({"score": 1.5}), "score")] {
        assert_eq!(ask(&test("score", "equal", json!(1)), &record).unwrap_err().path(), path, "{record}");
    }
    let money = ask(&test("worth", "equal", json!(1)), &json!({"worth": {"amount": "x"}})).unwrap_err();
    assert_eq!((money.code(), money.path()), ("invalid_decimal", "worth.amount"));
}

#[test]
fn lint_finds_what_never_or_always_holds() {
    let found = |condition: Value| {
        let condition: Condition = serde_json::from_value(condition).unwrap();
        let findings = lint(&condition, &catalogue());
        assert_eq!(findings.errors.is_empty(), findings.predicate.is_some());
        findings.warnings.iter().map(|w| format!("{} {}", w.code(), w.path())).collect::<Vec<_>>()
    };
    let at = |op: &str, value: &str| json!({"field": "score", "op": op, "value": value});
    assert_eq!(found(json!({"all": []})), ["always_true "]);
    assert_eq!(found(json!({"all": [at("at_least", "5"), at("less_than", "5")]})), ["always_false "]);
    assert_eq!(found(json!({"all": [at("at_least", "5"), at("at_most", "5")]})), Vec::<String>::new());
    assert_eq!(found(json!({"all": [at("equal", "5"), at("equal", "5.00")]})), Vec::<String>::new());
    assert_eq!(found(json!({"all": [at("less_than", "5"), at("equal", "6")]})), ["always_false "]);
    let both = json!({"any": [at("equal", "1"), {"all": [{"field": "name", "op": "is_set"}, {"field": "name", "op": "is_empty"}]}]});
    assert_eq!(found(both), ["always_false any[1]"]);
    assert_eq!(found(json!({"not": {"field": "name", "op": "in", "values": []}})), ["always_true "]);
    assert_eq!(found(test("amount", "at_least", json!("5"))), ["amount_without_currency "]);
}
