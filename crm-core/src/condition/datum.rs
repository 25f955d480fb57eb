//! One value of a record, typed, and how two of them compare.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::catalogue::Type;
use super::wire::ConditionValue;
use crate::base::codes::Code;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::hint::near_or;
use crate::base::limits;
use crate::base::text::{clip, fold, suggest};
use crate::base::time::{Date, Instant, Zone};

/// A value that is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// A text, a name, an id, a currency's code.
    Text(String),
    /// A number.
    Number(Dec),
    /// An amount; its currency is known unless a condition and its configuration name none.
    Money(Dec, Option<Currency>),
    /// A calendar date.
    Date(Date),
    /// An instant.
    Instant(Instant),
    /// True or false.
    Flag(bool),
    /// Several names.
    Names(Vec<String>),
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Text(text) => f.write_str(text),
            Datum::Number(number) | Datum::Money(number, None) => number.fmt(f),
            Datum::Money(amount, Some(currency)) => write!(f, "{amount} {}", currency.code()),
            Datum::Date(date) => date.fmt(f),
            Datum::Instant(instant) => instant.fmt(f),
            Datum::Flag(flag) => flag.fmt(f),
            Datum::Names(names) => f.write_str(&names.join(", ")),
        }
    }
}

fn wrong(expected: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(n) if n.is_f64() => "a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Error::new(Code::WrongType).with("expected", expected).with("found", found)
}

impl Datum {
    /// Reads a body's value as a type; null is missing.
    ///
    /// # Errors
    /// `wrong_type`, and what the type's own reader refuses.
    pub fn read(value: &Value, kind: &Type) -> Result<Option<Datum>> {
        let text = |expected: &str| value.as_str().ok_or_else(|| wrong(expected, value));
        Ok(Some(match kind {
            _ if value.is_null() => return Ok(None),
            Type::Text | Type::Name | Type::Id | Type::Choice(_) | Type::Currency => {
                Datum::Text(text("a string")?.to_owned())
            }
            Type::Decimal => Datum::Number(number(value)?),
            Type::Money => {
                let map = value.as_object().ok_or_else(|| wrong("an amount with its currency", value))?;
                let amount = map.get("amount").filter(|a| !a.is_null());
                let Some(amount) = amount else { return Ok(None) };
                let amount = number(amount).map_err(|e| e.at("amount"))?;
                let currency = map.get("currency").and_then(Value::as_str).map(str::parse).transpose();
                Datum::Money(amount, currency.map_err(|e: Error| e.at("currency"))?)
            }
            Type::Date => Datum::Date(text("a date such as \"2026-01-31\"")?.parse()?),
            Type::Instant => Datum::Instant(text("an instant such as \"2026-01-31T09:00:00Z\"")?.parse()?),
            Type::Flag => Datum::Flag(value.as_bool().ok_or_else(|| wrong("true or false", value))?),
            Type::Choices(_) => {
                let items = value.as_array().ok_or_else(|| wrong("a list", value))?;
                let names = items.iter().map(|i| i.as_str().map(str::to_owned).ok_or_else(|| wrong("a string", i)));
                Datum::Names(names.collect::<Result<_>>()?)
            }
        }))
    }

    /// Reads a condition's value as a field's type; an instant may be compared with a date.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_variant`, `text_too_long`, `invalid_text`, and what the type's own reader refuses.
    pub fn literal(value: &ConditionValue, kind: &Type, currency: Option<Currency>) -> Result<Datum> {
        let found = || match value {
            ConditionValue::Text(text) => Value::String(text.clone()),
            ConditionValue::Integer(number) => i64::try_from(*number).map_or(Value::from(u64::MAX), Value::from),
            ConditionValue::Flag(flag) => Value::Bool(*flag),
        };
        let text = |expected: &str| match value {
            ConditionValue::Text(text) => {
                limits::free_text(text, limits::TEXT, "")?;
                Ok(text.as_str())
            }
            _ => Err(wrong(expected, &found())),
        };
        let number = || match value {
            ConditionValue::Text(text) => text.parse::<Dec>(),
            ConditionValue::Integer(number) => Dec::from_parts(*number, 0),
            ConditionValue::Flag(_) => Err(wrong("a decimal string such as \"12.50\"", &found())),
        };
        Ok(match kind {
            Type::Text | Type::Name => Datum::Text(text("a string")?.to_owned()),
            Type::Id => Datum::Text(id(text("an id as a string")?)?),
            Type::Currency => {
                Datum::Text(text("a currency code such as \"USD\"")?.parse::<Currency>()?.code().to_owned())
            }
            Type::Choices(known) if known.is_empty() => Datum::Text(text("a string")?.to_owned()),
            Type::Choice(known) | Type::Choices(known) => Datum::Text(choice(text("a string")?, known)?),
            Type::Decimal => Datum::Number(number()?),
            Type::Money => Datum::Money(number()?, currency),
            Type::Date => Datum::Date(text("a date such as \"2026-01-31\"")?.parse()?),
            Type::Instant => {
                let text = text("an instant such as \"2026-01-31T09:00:00Z\"")?;
                match text.len() {
                    10 => Datum::Date(text.parse()?),
                    _ => Datum::Instant(text.parse()?),
                }
            }
            Type::Flag => match value {
                ConditionValue::Flag(flag) => Datum::Flag(*flag),
                _ => return Err(wrong("true or false", &found())),
            },
        })
    }

    /// Says whether there is nothing in it: a blank text, an empty list.
    pub fn is_blank(&self) -> bool {
        match self {
            Datum::Text(text) => text.trim().is_empty(),
            Datum::Names(names) => names.is_empty(),
            _ => false,
        }
    }

    /// The order of a record's value and a condition's, or another field's; nothing when they cannot be compared.
    ///
    /// Texts of the type text are folded; amounts of two currencies cannot be compared; an instant meets a date as the date in the zone.
    pub fn compare(&self, other: &Datum, kind: &Type, zone: &Zone) -> Option<Ordering> {
        match (self, other) {
            (Datum::Text(a), Datum::Text(b)) if *kind == Type::Text => Some(fold(a).cmp(&fold(b))),
            (Datum::Text(a), Datum::Text(b)) => Some(a.cmp(b)),
            (Datum::Number(a), Datum::Number(b)) => Some(a.cmp(b)),
            (Datum::Money(a, left), Datum::Money(b, right)) => (right.is_none() || left == right).then(|| a.cmp(b)),
            (Datum::Date(a), Datum::Date(b)) => Some(a.cmp(b)),
            (Datum::Instant(a), Datum::Instant(b)) => Some(a.cmp(b)),
            (Datum::Instant(a), Datum::Date(b)) => Some(a.date_in(zone).cmp(b)),
            (Datum::Date(a), Datum::Instant(b)) => Some(a.cmp(&b.date_in(zone))),
            (Datum::Flag(a), Datum::Flag(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// The day on which a date or an instant lies, in a zone.
    pub fn day(&self, zone: &Zone) -> Option<Date> {
        match self {
            Datum::Date(date) => Some(*date),
            Datum::Instant(instant) => Some(instant.date_in(zone)),
            _ => None,
        }
    }
}

fn number(value: &Value) -> Result<Dec> {
    match value {
        Value::Number(n) if n.is_f64() => Err(Error::new(Code::FractionalNumber).with("value", n.to_string())),
        Value::Number(n) => n.to_string().parse(),
        Value::String(text) => text.parse(),
        other => Err(wrong("a decimal string such as \"12.50\"", other)),
    }
}

/// The rule of ids, also in builds that have no records.
fn id(text: &str) -> Result<String> {
    let length = text.chars().take(65).count();
    if length == 0 || length > 64 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::new(Code::InvalidId).with("value", clip(text)));
    }
    Ok(text.to_owned())
}

fn choice(text: &str, known: &[String]) -> Result<String> {
    if known.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let hint = near_or(suggest(text, known.iter().map(String::as_str)), Code::ChooseListed);
    Err(Error::new(Code::UnknownVariant).with("value", clip(text)).with("known", known.to_vec()).with("hint", hint))
}
