//! The JSON tree.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::currency::Currency;
use crate::base::custom::is_small;
use crate::base::json::{Fault, FromJson, Reader, ToJson, Writer};

/// A condition on the fields of a record: a group (`all`, `any`, `not`) or a test of one field (`field` with `op`).
///
/// Exactly one of `all`, `any`, `not` and `field` stands in each. An empty `all` holds always, an empty `any` never.
///
/// # Example: large deals that close soon
/// ```
/// use crm_core::condition::wire::Condition;
/// let text = r#"{"all":[{"field":"amount","op":"at_least","value":"1000"},{"field":"expected_close","op":"within_next","days":30}]}"#;
/// let condition: Condition = serde_json::from_str(text).unwrap();
/// assert_eq!(serde_json::to_string(&condition).unwrap(), text);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Condition {
    /// Every one of these must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Condition>>,
    /// One of these at least must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Condition>>,
    /// This must not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
    /// The field that is tested, such as `amount` or `annual_revenue.currency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How it is tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<ConditionOp>,
    /// What it is compared with, read as the field's type: a text, a decimal as a text or integer, a date, an instant, an id, true or false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ConditionValue>,
    /// What it is compared with, for `in` and `not_in`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<ConditionValue>>,
    /// The field that it is compared with, instead of a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_field: Option<String>,
    /// A number of calendar days, for the tests of a date against today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The currency of an amount in `value` or `values`; the configuration's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// How a field is tested. A missing field passes only `not_equal`, `not_in` and `is_empty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConditionOp {
    /// Is the value; texts in any case. Missing: no.
    Equal,
    /// The opposite of `equal`. Missing: yes.
    NotEqual,
    /// Is below, or before. Missing: no.
    LessThan,
    /// Is below or equal, or not after. Missing: no.
    AtMost,
    /// Is above, or after. Missing: no.
    GreaterThan,
    /// Is above or equal, or not before. Missing: no.
    AtLeast,
    /// Is one of the values; texts in any case. Missing: no.
    In,
    /// The opposite of `in`. Missing: yes.
    NotIn,
    /// Holds the text somewhere, in any case. Missing: no.
    Contains,
    /// Begins with the text, in any case. Missing: no.
    StartsWith,
    /// Ends with the text, in any case. Missing: no.
    EndsWith,
    /// Has a value: not missing and, if a text, not blank. Missing: no.
    IsSet,
    /// The opposite of `is_set`. Missing: yes.
    IsEmpty,
    /// Lies more than so many days before today. Missing: no.
    OlderThan,
    /// Lies today or at most so many days before. Missing: no.
    WithinLast,
    /// Lies today or at most so many days ahead. Missing: no.
    WithinNext,
    /// Lies more than so many days ahead of today. Missing: no.
    FurtherThan,
}

impl ConditionOp {
    /// Every operator.
    pub const ALL: [ConditionOp; 17] = [
        ConditionOp::Equal,
        ConditionOp::NotEqual,
        ConditionOp::LessThan,
        ConditionOp::AtMost,
        ConditionOp::GreaterThan,
        ConditionOp::AtLeast,
        ConditionOp::In,
        ConditionOp::NotIn,
        ConditionOp::Contains,
        ConditionOp::StartsWith,
        ConditionOp::EndsWith,
        ConditionOp::IsSet,
        ConditionOp::IsEmpty,
        ConditionOp::OlderThan,
        ConditionOp::WithinLast,
        ConditionOp::WithinNext,
        ConditionOp::FurtherThan,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            ConditionOp::Equal => "equal",
            ConditionOp::NotEqual => "not_equal",
            ConditionOp::LessThan => "less_than",
            ConditionOp::AtMost => "at_most",
            ConditionOp::GreaterThan => "greater_than",
            ConditionOp::AtLeast => "at_least",
            ConditionOp::In => "in",
            ConditionOp::NotIn => "not_in",
            ConditionOp::Contains => "contains",
            ConditionOp::StartsWith => "starts_with",
            ConditionOp::EndsWith => "ends_with",
            ConditionOp::IsSet => "is_set",
            ConditionOp::IsEmpty => "is_empty",
            ConditionOp::OlderThan => "older_than",
            ConditionOp::WithinLast => "within_last",
            ConditionOp::WithinNext => "within_next",
            ConditionOp::FurtherThan => "further_than",
        }
    }
}

/// The order of what is found: by a field, and among equals by id. Missing values come first.
///
/// Texts are ordered in any case, names and ids exactly, amounts by their number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderBy {
    /// The field, such as `expected_close`.
    pub field: String,
    /// Turns the order round, missing values and ids included.
    #[serde(default)]
    pub descending: bool,
}

/// A value that a field is compared with: a text, an integer, true or false. A decimal with a fraction is written as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionValue {
    /// A text, which the field's type reads: a decimal, a date, an id.
    Text(String),
    /// An integer.
    Integer(i128),
    /// True or false.
    Flag(bool),
}

impl fmt::Display for ConditionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConditionValue::Text(text) => f.write_str(text),
            ConditionValue::Integer(number) => number.fmt(f),
            ConditionValue::Flag(flag) => flag.fmt(f),
        }
    }
}

impl ToJson for ConditionValue {
    fn to_json(&self, writer: &mut Writer) {
        match self {
            ConditionValue::Text(text) => writer.text(text),
            ConditionValue::Flag(flag) => flag.to_json(writer),
            ConditionValue::Integer(number) if is_small(*number) => writer.number(number),
            ConditionValue::Integer(number) => writer.word(&number.to_string()),
        }
    }
}

impl<'de> FromJson<'de> for ConditionValue {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        match reader.peek() {
            b'"' => String::from_json(reader).map(ConditionValue::Text),
            b't' | b'f' => reader.flag().map(ConditionValue::Flag),
            b'-' | b'0'..=b'9' => reader.integer().map(ConditionValue::Integer),
            _ => Err(reader.mismatch("a string, an integer, true or false")),
        }
    }
}

impl Serialize for ConditionValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ConditionValue::Text(text) => serializer.serialize_str(text),
            ConditionValue::Flag(flag) => serializer.serialize_bool(*flag),
            ConditionValue::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(small), _) => serializer.serialize_i64(small),
                (_, Ok(large)) => serializer.serialize_u64(large),
                _ => serializer.collect_str(number),
            },
        }
    }
}

impl<'de> Deserialize<'de> for ConditionValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = ConditionValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an integer, true or false")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<ConditionValue, E> {
        Ok(ConditionValue::Flag(flag))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ConditionValue, E> {
        Ok(ConditionValue::Text(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<ConditionValue, E> {
        Ok(ConditionValue::Integer(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<ConditionValue, E> {
        Ok(ConditionValue::Integer(number.into()))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<ConditionValue, E> {
        Err(E::custom("a number with a fraction is not exact: write it as a string"))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ConditionValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConditionValue".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let about =
            "What a field is compared with: a text, an integer, true or false; a decimal with a fraction is a text.";
        let number = if generator.contract().is_serialize() {
            schemars::json_schema!({"type": "integer"})
        } else {
            generator.subschema_for::<crate::base::decimal::Dec>()
        };
        schemars::json_schema!({"description": about, "anyOf": [{"type": "boolean"}, {"type": "string"}, number]})
    }
}
