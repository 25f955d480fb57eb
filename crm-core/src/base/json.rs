//! How our types read and write themselves as JSON: through one reader and one writer, and in little code.
//!
//! A type derives [`FromJson`] and [`ToJson`] beside serde's derives. Both know the same names and rules, since these derives read
//! serde's attributes; serde's serve embedders, who may use any format, and these the boundary, where a loop of its own for every type
//! would be a fifth of the WebAssembly builds. So a field is filled and written through a pointer to its place, in one loop for all types.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use crm_core_derive::{FromJson, ToJson};
use serde_json::{Map, Value};

pub use super::reader::{Fault, Reader};
pub use super::writer::Writer;

/// A type that reads itself from JSON text.
pub trait FromJson<'de>: Sized {
    /// Reads the value that stands next.
    ///
    /// # Errors
    /// The first thing that does not fit.
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault>;
}

/// A type that reads itself and keeps nothing of the text.
pub trait FromJsonOwned: for<'de> FromJson<'de> {}

impl<T: for<'de> FromJson<'de>> FromJsonOwned for T {}

/// A type that writes itself as JSON text.
pub trait ToJson {
    /// Writes the value.
    fn to_json(&self, writer: &mut Writer);
}

/// The place of a field while its object is read.
pub trait Slot<'de> {
    /// Reads the field into its place.
    ///
    /// # Errors
    /// The first thing that does not fit.
    fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), Fault>;
}

/// A field that must be there.
impl<'de, T: FromJson<'de>> Slot<'de> for Option<T> {
    fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), Fault> {
        *self = Some(T::from_json(reader)?);
        Ok(())
    }
}

/// A field that may be left out, and what stands for it then.
pub struct May<T>(pub T);

impl<'de, T: FromJson<'de>> Slot<'de> for May<T> {
    fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), Fault> {
        self.0 = T::from_json(reader)?;
        Ok(())
    }
}

/// What the derives say where the reader has refused already.
#[cold]
#[inline(never)]
pub fn lost() -> Fault {
    Fault::new(&"a field or a variant is not there")
}

/// A piece of JSON text, as it was written.
#[cfg(feature = "store")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json(String);

#[cfg(feature = "store")]
impl Json {
    /// Takes a text that is JSON.
    pub(crate) fn of(text: String) -> Self {
        Json(text)
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "store")]
impl<'de> FromJson<'de> for Json {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        reader.skip().map(|text| Json(text.to_owned()))
    }
}

#[cfg(feature = "store")]
impl ToJson for Json {
    fn to_json(&self, writer: &mut Writer) {
        writer.push(&self.0);
    }
}

/// A piece of the text that is read, left as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The text.
    pub fn get(self) -> &'a str {
        self.0
    }
}

impl<'de> FromJson<'de> for Raw<'de> {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        reader.skip().map(Raw)
    }
}

macro_rules! integers {
    ($($type:ident)*) => { $(
        impl<'de> FromJson<'de> for $type {
            fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
                let number = reader.integer()?;
                $type::try_from(number).map_err(|_| Fault::outside(number, stringify!($type)))
            }
        }

        impl ToJson for $type {
            fn to_json(&self, writer: &mut Writer) {
                writer.number(self);
            }
        }
    )* };
}

integers! { u8 u16 u32 u64 usize i32 i64 }

/// Types that are written as a text of theirs and read from it.
macro_rules! as_text {
    ($($type:ty)*) => { $(
        impl<'de> FromJson<'de> for $type {
            fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
                reader.text()?.parse().map_err(|error: super::error::Error| Fault::new(&error.message()))
            }
        }

        impl ToJson for $type {
            fn to_json(&self, writer: &mut Writer) {
                writer.text(&self.to_string());
            }
        }
    )* };
}

as_text! { super::time::Date super::time::Instant super::currency::Currency }

#[cfg(feature = "store")]
impl<'de> FromJson<'de> for super::id::Id {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        super::id::Id::new(&reader.text()?).map_err(|error| Fault::new(&error.message()))
    }
}

#[cfg(feature = "store")]
impl ToJson for super::id::Id {
    fn to_json(&self, writer: &mut Writer) {
        writer.text(self.as_str());
    }
}

impl<'de> FromJson<'de> for Value {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        reader.value()
    }
}

impl ToJson for Value {
    fn to_json(&self, writer: &mut Writer) {
        match self {
            Value::Null => writer.push("null"),
            Value::Bool(flag) => flag.to_json(writer),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => number.to_json(writer),
                (_, Some(number)) => number.to_json(writer),
                _ => writer.push(&number.to_string()),
            },
            Value::String(text) => writer.text(text),
            Value::Array(items) => items.to_json(writer),
            Value::Object(map) => map.to_json(writer),
        }
    }
}

impl<'de> FromJson<'de> for Map<String, Value> {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        let mut map = Map::new();
        reader.entries(&mut |name, reader| {
            map.insert(name.into_owned(), reader.value()?);
            Ok(())
        })?;
        Ok(map)
    }
}

impl ToJson for Map<String, Value> {
    fn to_json(&self, writer: &mut Writer) {
        writer.push("{");
        for (place, (name, value)) in self.iter().enumerate() {
            writer.entry(place, name, value);
        }
        writer.push("}");
    }
}

impl<'de> FromJson<'de> for bool {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        reader.boolean()
    }
}

impl ToJson for bool {
    fn to_json(&self, writer: &mut Writer) {
        writer.push(if *self { "true" } else { "false" });
    }
}

impl<'de> FromJson<'de> for String {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        reader.text().map(Cow::into_owned)
    }
}

impl<'de> FromJson<'de> for Cow<'de, str> {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        reader.text()
    }
}

impl ToJson for str {
    fn to_json(&self, writer: &mut Writer) {
        writer.text(self);
    }
}

impl ToJson for String {
    fn to_json(&self, writer: &mut Writer) {
        writer.text(self);
    }
}

impl ToJson for Cow<'_, str> {
    fn to_json(&self, writer: &mut Writer) {
        writer.text(self);
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self, writer: &mut Writer) {
        (**self).to_json(writer);
    }
}

impl<T: ToJson> ToJson for Arc<T> {
    fn to_json(&self, writer: &mut Writer) {
        (**self).to_json(writer);
    }
}

impl<'de, T: FromJson<'de>> FromJson<'de> for Box<T> {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        T::from_json(reader).map(Box::new)
    }
}

impl<T: ToJson> ToJson for Box<T> {
    fn to_json(&self, writer: &mut Writer) {
        (**self).to_json(writer);
    }
}

impl<'de, T: FromJson<'de>> FromJson<'de> for Option<T> {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        if reader.nothing()? { Ok(None) } else { T::from_json(reader).map(Some) }
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self, writer: &mut Writer) {
        match self {
            Some(value) => value.to_json(writer),
            None => writer.push("null"),
        }
    }
}

impl<'de, T: FromJson<'de>> FromJson<'de> for Vec<T> {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        let mut items = Vec::new();
        reader.items(&mut |reader| {
            items.push(T::from_json(reader)?);
            Ok(())
        })?;
        Ok(items)
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self, writer: &mut Writer) {
        self.as_slice().to_json(writer);
    }
}

impl<T: ToJson> ToJson for [T] {
    fn to_json(&self, writer: &mut Writer) {
        writer.push("[");
        for (place, item) in self.iter().enumerate() {
            writer.push(if place == 0 { "" } else { "," });
            item.to_json(writer);
        }
        writer.push("]");
    }
}

impl<'de, T: FromJson<'de>> FromJson<'de> for BTreeMap<String, T> {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        let mut entries = BTreeMap::new();
        reader.entries(&mut |name, reader| {
            entries.insert(name.into_owned(), T::from_json(reader)?);
            Ok(())
        })?;
        Ok(entries)
    }
}

impl<T: ToJson> ToJson for BTreeMap<String, T> {
    fn to_json(&self, writer: &mut Writer) {
        writer.push("{");
        for (place, (name, value)) in self.iter().enumerate() {
            writer.entry(place, name, value);
        }
        writer.push("}");
    }
}

/// The numbers that a store gave out, by token: names in JSON are texts.
#[cfg(feature = "store")]
impl<'de> FromJson<'de> for super::number::Numbers {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        let mut numbers = BTreeMap::new();
        reader.entries(&mut |name, reader| {
            let token = name.parse::<u32>().map_err(|_| Fault::new(&format_args!("`{name}` is not a token")))?;
            numbers.insert(token, u64::from_json(reader)?);
            Ok(())
        })?;
        Ok(numbers)
    }
}

#[cfg(feature = "store")]
impl ToJson for super::number::Numbers {
    fn to_json(&self, writer: &mut Writer) {
        writer.push("{");
        for (place, (token, number)) in self.iter().enumerate() {
            writer.push(if place == 0 { "\"" } else { ",\"" });
            token.to_json(writer);
            writer.push("\":");
            number.to_json(writer);
        }
        writer.push("}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::{FromJson, ToJson};
    use crate::base::{reader, writer};

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
    #[serde(deny_unknown_fields)]
    struct Line {
        must: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        plain: Option<bool>,
        #[serde(rename = "named")]
        r#where: BTreeMap<String, Vec<Share>>,
        #[serde(default = "seven")]
        start: i64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inner: Vec<Line>,
    }

    fn seven() -> i64 {
        7
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Share {
        NothingLeft,
        Percent {
            percent: u32,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            of: Option<Kind>,
        },
        Whole(Box<Line>),
    }

    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        #[serde(rename = "decimal")]
        Dec,
        OneOf,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
    struct Open {
        line: Wrapped,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
    struct Wrapped(Option<Kind>);

    #[test]
    fn the_derives_agree_with_those_of_serde() {
        let share = |share| BTreeMap::from([("a \"b\"".to_owned(), vec![Share::NothingLeft, share])]);
        let inner = Line { must: 1, start: 7, ..Line::default() };
        for named in [
            BTreeMap::new(),
            share(Share::Percent { percent: 3, of: Some(Kind::OneOf) }),
            share(Share::Percent { percent: 3, of: None }),
            share(Share::Whole(Box::new(inner.clone()))),
        ] {
            for (note, plain) in [(None, None), (Some("\u{1F600}\n".to_owned()), Some(true))] {
                let line =
                    Line { must: u32::MAX, note, plain, r#where: named.clone(), start: -2, inner: vec![inner.clone()] };
                let text = serde_json::to_string(&line).unwrap();
                assert_eq!(writer::to_string(&line, 0), text);
                assert_eq!(reader::from_str::<Line>(&text).unwrap(), line);
                assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
            }
        }
        let open = Open { line: Wrapped(Some(Kind::Dec)) };
        assert_eq!(writer::to_string(&open, 0), r#"{"line":"decimal"}"#);
        assert_eq!(reader::from_str::<Open>(r#"{"x":[{}],"line":"decimal"}"#).unwrap(), open);
    }

    #[test]
    fn refusals_are_those_of_serde() {
        for text in [
            "{}",
            r#"{"must":1}"#,
            r#"{"must":1,"named":{},"must":2}"#,
            r#"{"must":1,"named":{},"nmae":2}"#,
            r#"{"must":-1,"named":{}}"#,
            r#"{"must":4294967296,"named":{}}"#,
            r#"{"must":"1","named":{}}"#,
            r#"{"must":1,"named":{"a":["nothing"]}}"#,
            r#"{"must":1,"named":{"a":[{"percent":{"percent":1,"of":"dec"}}]}}"#,
            r#"{"must":1,"named":{},"note":1}"#,
            r#"{"must":1,"named":{},"plain":"x"}"#,
        ] {
            let theirs = serde_json::from_str::<Line>(text).unwrap_err().to_string();
            let own = reader::from_str::<Line>(text).unwrap_err().to_string();
            let said = |text: &str| {
                text.split(" at line ").next().map(|said| said.split(", expected").next().map(str::to_owned))
            };
            assert_eq!(said(&own), said(&theirs), "{text}");
        }
        for text in [
            "[]",
            "null",
            r#"{"must":1.0,"named":{}}"#,
            r#"{"must":1,"named":[]}"#,
            r#"{"must":1,"named":{"a":[{"nothing_left":null}]}}"#,
            r#"{"must":1,"named":{"a":["percent"]}}"#,
            r#"{"must":1,"named":{"a":[{}]}}"#,
            r#"{"must":1,"named":{"a":[{"percent":{"percent":1},"nothing_left":null}]}}"#,
            r#"{"must":1,"named":{"a":[{"percent":[1]}]}}"#,
        ] {
            assert!(reader::from_str::<Line>(text).is_err(), "{text}");
        }
    }
}
