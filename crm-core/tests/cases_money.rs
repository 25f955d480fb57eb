//! Every worked case of rounding, allocation and currencies in `tests/cases`, through the money operations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crm_core::base::context::Context;
use crm_core::base::currency::Currency;
use crm_core::base::decimal::Dec;
use crm_core::base::rounding::{Mode, round};
use crm_core::money;
use serde_json::{Value, json};

fn cases(text: &str, count: usize) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    let cases = file["cases"].as_array().unwrap().clone();
    assert_eq!((cases.len(), file["case_count"].as_u64().unwrap()), (count, count as u64));
    cases
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn dec(value: &Value) -> Dec {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn rounding() {
    for case in cases(include_str!("../../tests/cases/rounding.json"), 43) {
        let (name, given, expect) = (text(&case["name"]), &case["given"], &case["expect"]);
        let mode: Mode = serde_json::from_value(given["mode"].clone()).unwrap();
        let increment = dec(&given["increment"]);
        let rounded = |value: &Value| {
            let mut request = json!({"increment": given["increment"], "mode": given["mode"]});
            match value {
                Value::Object(fraction) => request.as_object_mut().unwrap().extend(fraction.clone()),
                plain => request["value"] = plain.clone(),
            }
            let request = serde_json::from_value(request).unwrap();
            money::round::round(&request, &Context::default()).unwrap().value.result
        };
        if let Some(expected) = expect.get("compare") {
            let order = rounded(&given["a"]).cmp(&rounded(&given["b"])) as i64;
            assert_eq!(Some(order), expected.as_i64(), "{name}");
        } else if let Some(expected) = expect.get("is_zero") {
            assert_eq!(Some(rounded(&given["value"]).is_zero()), expected.as_bool(), "{name}");
        } else {
            assert_eq!(rounded(&given["value"]), dec(&expect["result"]), "{name}");
        }
        if let Some(value) = given.get("value").filter(|value| value.is_string()) {
            assert_eq!(round(dec(value), increment, mode).unwrap(), rounded(value), "{name}");
        }
    }
}

#[test]
fn allocation() {
    for case in cases(include_str!("../../tests/cases/money_allocation.json"), 22) {
        let (name, given, expect) = (text(&case["name"]), &case["given"], &case["expect"]);
        let mut amount = given["amount_minor"].as_i64().unwrap();
        if let Some(scale) = given.get("scale") {
            // Minor units of another base than ten: each digit that the weights add to the scale multiplies the units by the base.
            let base: i64 = text(&given["currency"]).split_once("base ").unwrap().1.parse().unwrap();
            let digits = expect["scale"].as_u64().unwrap() - scale.as_u64().unwrap();
            amount *= base.pow(u32::try_from(digits).unwrap());
        }
        let mut request = json!({"amount": amount, "increment": "1", "weights": given["ratios"]});
        if let Some(rule) = given.get("remainder_rule") {
            request["remainder_rule"] = rule.clone();
        }
        let request = serde_json::from_value(request).unwrap();
        let done = money::allocate::allocate(&request, &Context::default());
        if expect.get("error").is_some() {
            assert_eq!(done.unwrap_err().code(), "invalid_weights", "{name}");
            continue;
        }
        let shares: Vec<i64> = done.unwrap().value.shares.iter().map(|s| s.to_string().parse().unwrap()).collect();
        assert_eq!(json!(shares), expect["shares_minor"], "{name}");
        assert_eq!(shares.iter().sum::<i64>(), amount, "{name}");
    }
}

#[test]
fn currencies() {
    for case in cases(include_str!("../../tests/cases/currency_iso4217.json"), 183) {
        let (name, given, expect) = (text(&case["name"]), &case["given"], &case["expect"]);
        if expect.get("error").is_some() {
            assert_eq!(text(&given["code"]).parse::<Currency>().unwrap_err().code(), "unknown_currency", "{name}");
            continue;
        }
        let request = serde_json::from_value(given.clone()).unwrap();
        let facts = money::currency::get(&request, &Context::default()).unwrap().value;
        let facts = serde_json::to_value(facts).unwrap();
        for (field, expected) in expect.as_object().unwrap() {
            assert_eq!(&facts[field], expected, "{name}: {field}");
        }
        assert_eq!(facts["code"], given["code"], "{name}");
        assert!(!text(&facts["name"]).is_empty(), "{name}");
    }
}
