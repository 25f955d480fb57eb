//! The few fields of a record that a predicate names.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::catalogue::{Field, Source, Type};
use super::datum::Datum;
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::text::clip;

/// The values of a predicate's fields in one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(Vec<Option<Datum>>);

impl Row {
    /// Takes the fields out of a body.
    ///
    /// # Errors
    /// `wrong_type` and what a type's own reader refuses, with the field's path.
    pub fn of(fields: &[Field], body: &Map<String, Value>) -> Result<Row> {
        fields.iter().map(|field| read(field, body)).collect::<Result<_>>().map(Row)
    }

    /// Reads the fields from a body's text and leaves everything else unread.
    ///
    /// # Errors
    /// `invalid_json`, and as [`Row::of`].
    pub fn parse(fields: &[Field], body: &str) -> Result<Row> {
        let mut reader = serde_json::Deserializer::from_str(body);
        let roots = Roots(fields).deserialize(&mut reader);
        let roots = roots.map_err(|e| Error::new(Code::InvalidJson).with("reason", clip(&e.to_string())))?;
        Row::of(fields, &roots)
    }

    /// The value of a field, by its place; nothing where it is missing.
    pub fn value(&self, slot: usize) -> Option<&Datum> {
        self.0.get(slot).and_then(Option::as_ref)
    }
}

fn read(field: &Field, body: &Map<String, Value>) -> Result<Option<Datum>> {
    let at = |value: &Value, path: &str| Datum::read(value, &field.kind).map_err(|e| e.at(path));
    match &field.source {
        Source::Own(name) => body.get(name).map_or(Ok(None), |value| at(value, name)),
        Source::Inside(outer, inner) => {
            body.get(outer).and_then(|o| o.get(inner)).map_or(Ok(None), |value| at(value, &format!("{outer}.{inner}")))
        }
        Source::LastOf(list, inner) => {
            let last = body.get(list).and_then(Value::as_array).and_then(|items| items.last());
            last.and_then(|o| o.get(inner)).map_or(Ok(None), |value| at(value, &format!("{list}.{inner}")))
        }
        Source::Amount(amount, currency) => {
            let part = |name: &str, kind: &Type| {
                body.get(name).map_or(Ok(None), |value| Datum::read(value, kind).map_err(|e| e.at(name)))
            };
            match (part(amount, &Type::Decimal)?, part(currency, &Type::Currency)?) {
                (Some(Datum::Number(amount)), Some(Datum::Text(code))) => {
                    Ok(Some(Datum::Money(amount, Some(code.parse().map_err(|e: Error| e.at(currency))?))))
                }
                (Some(Datum::Number(amount)), _) => Ok(Some(Datum::Money(amount, None))),
                _ => Ok(None),
            }
        }
    }
}

/// Reads the named fields of an object.
struct Roots<'a>(&'a [Field]);

impl<'de> DeserializeSeed<'de> for Roots<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Roots<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            if self.0.iter().any(|field| field.source.roots().any(|root| root == name)) {
                found.insert(name.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
