//! Custom fields: values that a tenant's configuration adds to a kind of record.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json::{Fault, FromJson, Reader, ToJson, Writer};

/// The custom fields of a record, by their ids.
pub type CustomFields = BTreeMap<String, CustomValue>;

/// What an update does to custom fields: one left out stays, null empties it, a value sets it.
pub type CustomChanges = BTreeMap<String, Option<CustomValue>>;

/// The value of a custom field: a text (also a decimal, a date, an instant or an id), an integer, true or false, or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomValue {
    /// A text.
    Text(String),
    /// An integer.
    Integer(i128),
    /// True or false.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
}

/// Writes changes into the custom fields of a record.
pub fn apply(changes: &CustomChanges, to: &mut CustomFields) {
    for (field, value) in changes {
        match value {
            Some(value) => to.insert(field.clone(), value.clone()),
            None => to.remove(field),
        };
    }
}

impl Serialize for CustomValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            CustomValue::Text(text) => serializer.serialize_str(text),
            CustomValue::Flag(flag) => serializer.serialize_bool(*flag),
            CustomValue::List(items) => serializer.collect_seq(items),
            CustomValue::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(small), _) => serializer.serialize_i64(small),
                (_, Ok(large)) => serializer.serialize_u64(large),
                _ => serializer.collect_str(number),
            },
        }
    }
}

impl<'de> Deserialize<'de> for CustomValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl ToJson for CustomValue {
    fn to_json(&self, writer: &mut Writer) {
        match self {
            CustomValue::Text(text) => writer.text(text),
            CustomValue::Flag(flag) => flag.to_json(writer),
            CustomValue::List(items) => items.to_json(writer),
            CustomValue::Integer(number) if is_small(*number) => writer.number(number),
            CustomValue::Integer(number) => writer.word(&number.to_string()),
        }
    }
}

/// Says whether an integer is written as a number, which every reader of JSON reads exactly, and not as a text.
pub(crate) fn is_small(number: i128) -> bool {
    i64::try_from(number).is_ok() || u64::try_from(number).is_ok()
}

impl<'de> FromJson<'de> for CustomValue {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        match reader.peek() {
            b'"' => String::from_json(reader).map(CustomValue::Text),
            b'[' => Vec::from_json(reader).map(CustomValue::List),
            b't' | b'f' => reader.flag().map(CustomValue::Flag),
            b'-' | b'0'..=b'9' => reader.integer().map(CustomValue::Integer),
            _ => Err(reader.mismatch("a string, an integer, true or false, or a list of strings")),
        }
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = CustomValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an integer, true or false, or a list of strings")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<CustomValue, E> {
        Ok(CustomValue::Flag(flag))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<CustomValue, E> {
        Ok(CustomValue::Text(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<CustomValue, E> {
        Ok(CustomValue::Integer(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<CustomValue, E> {
        Ok(CustomValue::Integer(number.into()))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<CustomValue, E> {
        Err(E::custom("a number with a fraction is not exact: write it as a string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<CustomValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<String>()? {
            list.push(item);
        }
        Ok(CustomValue::List(list))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for CustomValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CustomValue".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let about = "The value of a custom field: a text, an integer, true or false, or a list of texts; a decimal with a fraction, a date, an instant and an id are texts.";
        let number = if generator.contract().is_serialize() {
            schemars::json_schema!({"type": "integer"})
        } else {
            generator.subschema_for::<super::decimal::Dec>()
        };
        schemars::json_schema!({"description": about, "anyOf": [{"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}, number]})
    }
}
