//! Values held against their declarations.

use std::collections::BTreeSet;

use super::definition::{CustomField, CustomType};
use crate::base::codes::Code;
use crate::base::custom::{CustomFields, CustomValue};
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::limits::{self, NAME};
use crate::base::text::{clip, fold};
use crate::condition::catalogue::Type;
use crate::condition::datum::Datum;
use crate::condition::wire::ConditionValue;

/// Checks the custom fields of a record and writes each in its one form: decimals as texts, integers as integers.
///
/// # Errors
/// Every violation, with the path in `custom`: `unknown_field`, `missing_field`, and what a type refuses.
///
/// # Example: a decimal is kept exactly
/// ```
/// use crm_core::base::custom::{CustomFields, CustomValue};
/// use crm_core::custom::{CustomField, check};
/// let field: CustomField = serde_json::from_str(r#"{"kind":"account","id":"size","type":"decimal"}"#).unwrap();
/// let given: CustomFields = serde_json::from_str(r#"{"size":10}"#).unwrap();
/// assert_eq!(check(&[&field], &given).unwrap()["size"], CustomValue::Text("10".to_owned()));
/// ```
pub fn check(fields: &[&CustomField], given: &CustomFields) -> Result<CustomFields, Vec<Error>> {
    let (mut made, mut wrong) = (CustomFields::new(), Vec::new());
    for (id, value) in given {
        let path = format!("custom.{}", clip(id));
        match fields.iter().find(|field| field.id == *id) {
            None => {
                let known: Vec<&str> = fields.iter().map(|field| field.id.as_str()).collect();
                let error = Error::new(Code::UnknownField).with("field", clip(id));
                wrong.push(error.with("hint", hint(id, known.into_iter())).at(&path));
            }
            Some(field) => match one(field, value) {
                Ok(value) => drop(made.insert(id.clone(), value)),
                Err(error) => wrong.push(error.at(&path)),
            },
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        let blank = match given.get(&field.id) {
            None => true,
            Some(CustomValue::Text(text)) => text.trim().is_empty(),
            Some(CustomValue::List(items)) => items.is_empty(),
            Some(_) => false,
        };
        if blank {
            let error = Error::new(Code::MissingField).with("field", field.id.clone());
            wrong.push(error.at(&format!("custom.{}", field.id)));
        }
    }
    if wrong.is_empty() { Ok(made) } else { Err(wrong) }
}

fn one(field: &CustomField, value: &CustomValue) -> Result<CustomValue> {
    let literal = match value {
        CustomValue::Text(text) => ConditionValue::Text(text.clone()),
        CustomValue::Integer(number) => ConditionValue::Integer(*number),
        CustomValue::Flag(flag) => ConditionValue::Flag(*flag),
        CustomValue::List(items) => return list(field, items),
    };
    let kind = field.condition_type();
    if field.r#type == CustomType::MultiPicklist {
        let found = if matches!(value, CustomValue::Text(_)) { "a string" } else { "another value" };
        return Err(Error::new(Code::WrongType).with("expected", "a list").with("found", found));
    }
    let datum = Datum::literal(&literal, &kind, None)?;
    Ok(match (field.r#type, datum) {
        (CustomType::Integer, Datum::Number(number)) => CustomValue::Integer(integer(number)?),
        (CustomType::Number, Datum::Number(number)) => CustomValue::Text(number.to_string()),
        (CustomType::Date, Datum::Date(date)) => CustomValue::Text(date.to_string()),
        (CustomType::Instant, Datum::Instant(at)) => CustomValue::Text(at.to_string()),
        // A date stands for an instant in conditions alone.
        (CustomType::Instant, other) => {
            return Err(Error::new(Code::InvalidInstant).with("value", clip(&other.to_string())));
        }
        (CustomType::Flag, Datum::Flag(flag)) => CustomValue::Flag(flag),
        (CustomType::Text, Datum::Text(text)) if field.unique => {
            limits::free_text(&text, NAME, "")?;
            CustomValue::Text(text)
        }
        (_, other) => CustomValue::Text(other.to_string()),
    })
}

fn integer(number: Dec) -> Result<i128> {
    let number = number.normalized();
    if number.scale() != 0 {
        return Err(Error::new(Code::WrongType).with("expected", "an integer").with("found", "a fraction"));
    }
    i64::try_from(number.mantissa()).map(i128::from).map_err(|_| {
        let error = Error::new(Code::NumberOutOfRange).with("value", number.to_string());
        error.with("minimum", i64::MIN).with("maximum", i64::MAX)
    })
}

fn list(field: &CustomField, items: &[String]) -> Result<CustomValue> {
    if field.r#type != CustomType::MultiPicklist {
        return Err(Error::new(Code::WrongType).with("expected", expected(field.r#type)).with("found", "a list"));
    }
    let mut seen = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        let path = format!("[{place}]");
        let kind = Type::Choice(field.options.clone());
        Datum::literal(&ConditionValue::Text(item.clone()), &kind, None).map_err(|e| e.at(&path))?;
        if !seen.insert(item) {
            return Err(Error::new(Code::DuplicateId).with("id", item.clone()).at(&path));
        }
    }
    Ok(CustomValue::List(items.to_vec()))
}

const fn expected(kind: CustomType) -> &'static str {
    match kind {
        CustomType::Number => "a decimal string such as \"12.50\"",
        CustomType::Integer => "an integer",
        CustomType::Date => "a date such as \"2026-01-31\"",
        CustomType::Instant => "an instant such as \"2026-01-31T09:00:00Z\"",
        CustomType::Flag => "true or false",
        CustomType::Reference => "an id as a string",
        CustomType::Text | CustomType::Picklist | CustomType::MultiPicklist => "a string",
    }
}

/// The name under which a unique value is claimed: the same for values that count as the same.
pub fn unique_name(field: &CustomField, value: &CustomValue) -> Option<String> {
    Some(match (field.r#type, value) {
        (CustomType::Text, CustomValue::Text(text)) if text.trim().is_empty() => return None,
        (CustomType::Text, CustomValue::Text(text)) => fold(text),
        (CustomType::Number, CustomValue::Text(text)) => text.parse::<Dec>().ok()?.normalized().to_string(),
        (_, CustomValue::Text(text)) => text.clone(),
        (_, CustomValue::Integer(number)) => number.to_string(),
        (_, CustomValue::Flag(flag)) => flag.to_string(),
        (_, CustomValue::List(_)) => return None,
    })
}
