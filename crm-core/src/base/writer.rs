//! JSON text of an answer, written for speed: the same bytes as serde_json's, without looking for escapes in the names of fields.

use std::fmt::{Display, Write as _};

use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};
#[cfg(feature = "store")]
use serde_json::value::RawValue;
use serde_json::{Error, Result};

use super::json::ToJson;

/// Writes a value as JSON text, with room for `size` bytes to begin with.
///
/// # Errors
/// A map whose key is no text, and whatever a type refuses to write of itself.
pub fn to_string(value: &dyn ToJson, size: usize) -> Result<String> {
    let mut writer = Writer { out: String::with_capacity(size), raw: false, plain: false, failed: None };
    value.to_json(&mut writer);
    match writer.failed {
        Some(error) => Err(error),
        None => Ok(writer.out),
    }
}

/// Writes a value as untyped JSON; null for one that refuses to be written, which no type of ours does.
#[cfg(feature = "store")]
pub fn to_value(value: &dyn ToJson) -> serde_json::Value {
    to_string(value, 0).and_then(|text| serde_json::from_str(&text)).unwrap_or_default()
}

/// Writes a value as raw JSON text.
///
/// # Errors
/// As [`to_string`].
#[cfg(feature = "store")]
pub fn to_raw(value: &dyn ToJson) -> Result<Box<RawValue>> {
    to_string(value, 0).and_then(RawValue::from_string)
}

/// Where the writing stands in a text.
pub struct Writer {
    out: String,
    /// Whether the next text is JSON already.
    raw: bool,
    /// Whether the next text has nothing to be escaped.
    plain: bool,
    /// What a type refused to write of itself, which makes the whole text nothing.
    failed: Option<Error>,
}

/// What the derives of [`ToJson`] and the types that need none ask of the writer.
impl Writer {
    /// Writes JSON as it is.
    #[inline]
    pub fn push(&mut self, json: &str) {
        self.out.push_str(json);
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        if let Err(error) = self.quote(text) {
            self.failed = Some(error);
        }
    }

    /// Writes a text that has nothing to be escaped.
    pub fn word(&mut self, word: &str) {
        self.out.push('"');
        self.out.push_str(word);
        self.out.push('"');
    }

    /// Writes an object: a name and a value for each field, but for those that have a bit in `skip`.
    pub fn fields(&mut self, names: &[&str], skip: u64, values: &[&dyn ToJson]) {
        let mut before = "{\"";
        let mut left = skip;
        for (name, value) in names.iter().zip(values) {
            if left & 1 == 0 {
                self.out.push_str(before);
                self.out.push_str(name);
                self.out.push_str("\":");
                value.to_json(self);
                before = ",\"";
            }
            left >>= 1;
        }
        self.out.push_str(if before == ",\"" { "}" } else { "{}" });
    }

    /// Writes a variant that has a value.
    pub fn variant(&mut self, name: &str, value: &dyn ToJson) {
        self.open_variant(name);
        value.to_json(self);
        self.close_variant();
    }

    /// Opens a variant that has a value.
    pub fn open_variant(&mut self, name: &str) {
        self.out.push_str("{\"");
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// Ends a variant after its value.
    pub fn close_variant(&mut self) {
        self.out.push('}');
    }

    /// Writes the inside of an object, with its end, into an object that is open already.
    pub fn inline(&mut self, value: &dyn ToJson) {
        let start = self.out.len();
        value.to_json(self);
        self.out.remove(start);
    }

    /// Writes what only serde's derives know.
    pub fn serialize<T: Serialize>(&mut self, value: &T) {
        if let Err(error) = value.serialize(&mut *self) {
            self.failed = Some(error);
        }
    }
}

impl Writer {
    fn show(&mut self, value: impl Display) -> Result<()> {
        write!(self.out, "{value}").map_err(Error::custom)
    }

    fn quote(&mut self, text: &str) -> Result<()> {
        if self.raw {
            self.raw = false;
            self.out.push_str(text);
        } else if std::mem::take(&mut self.plain)
            || text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
        {
            self.word(text);
        } else {
            self.out.push_str(&serde_json::to_string(text)?);
        }
        Ok(())
    }

    fn list(&mut self, end: &'static str) -> Items<'_> {
        self.out.push('[');
        Items { writer: self, first: true, end }
    }

    fn object(&mut self, end: &'static str) -> Items<'_> {
        self.out.push('{');
        Items { writer: self, first: true, end }
    }
}

/// What is inside brackets.
pub struct Items<'a> {
    writer: &'a mut Writer,
    first: bool,
    end: &'static str,
}

impl Items<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.writer.out.push(',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.separate();
        value.serialize(&mut *self.writer)
    }

    /// The names of fields come from our own types: plain letters.
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        if !self.writer.raw {
            let first = std::mem::take(&mut self.first);
            self.writer.out.push_str(if first { "\"" } else { ",\"" });
            self.writer.out.push_str(name);
            self.writer.out.push_str("\":");
        }
        value.serialize(&mut *self.writer)
    }

    fn close(self) -> Result<()> {
        self.writer.out.push_str(self.end);
        Ok(())
    }
}

macro_rules! shown {
    ($($method:ident: $type:ty)*) => {
        $(fn $method(self, value: $type) -> Result<()> {
            self.show(value)
        })*
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Items<'a>;
    type SerializeStruct = Items<'a>;
    type SerializeStructVariant = Items<'a>;

    shown! {
        serialize_bool: bool serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64 serialize_i128: i128
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64 serialize_u128: u128
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.out.push_str(&serde_json::to_string(&value)?);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        self.out.push_str(&serde_json::to_string(&value)?);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.quote(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<()> {
        self.quote(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<()> {
        let mut items = self.list("]");
        bytes.iter().try_for_each(|byte| items.item(byte))?;
        items.close()
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.quote(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        // The reserved name of decimals, which are texts of digits.
        self.plain = name.starts_with('$');
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.open_variant(variant);
        value.serialize(&mut *self)?;
        self.close_variant();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>> {
        Ok(self.list("]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'a>> {
        Ok(self.list("]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a>> {
        Ok(self.list("]"))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items<'a>> {
        self.open_variant(variant);
        Ok(self.list("]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'a>> {
        Ok(self.object("}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Items<'a>> {
        // Raw text comes as a struct of a reserved name with one text.
        if name.starts_with('$') {
            self.raw = true;
            return Ok(Items { writer: self, first: true, end: "" });
        }
        Ok(self.object("}"))
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items<'a>> {
        self.open_variant(variant);
        Ok(self.object("}}"))
    }
}

macro_rules! items {
    ($($part:ident $method:ident)*) => { $(impl $part for Items<'_> {
        type Ok = ();
        type Error = Error;

        fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
            self.item(value)
        }

        fn end(self) -> Result<()> {
            self.close()
        }
    })* };
}

items! {
    SerializeSeq serialize_element SerializeTuple serialize_element
    SerializeTupleStruct serialize_field SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($part:ident)*) => { $(impl $part for Items<'_> {
        type Ok = ();
        type Error = Error;

        #[inline]
        fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
            self.field(name, value)
        }

        fn end(self) -> Result<()> {
            self.close()
        }
    })* };
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.separate();
        let start = self.writer.out.len();
        key.serialize(&mut *self.writer)?;
        if !self.writer.out.get(start..).is_some_and(|key| key.starts_with('"')) {
            return Err(Error::custom("a key must be a text"));
        }
        self.writer.out.push(':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Serialize)]
    struct Everything<'a> {
        flag: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        none: Option<u8>,
        numbers: (i8, u64, i128, f64),
        letter: char,
        text: &'a str,
        list: Vec<Shape>,
        map: BTreeMap<&'a str, Vec<()>>,
        raw: &'a RawValue,
        unit: Unit,
        wrapped: Wrapped,
        pair: Pair,
    }

    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Wrapped(Vec<u8>);
    #[derive(Serialize)]
    struct Pair(u8, &'static str);

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Plain,
        One(u8),
        Two(u8, u8),
        Fields { a: Option<Box<Shape>> },
    }

    /// Writes a type that knows serde alone.
    fn written<T: Serialize>(value: &T) -> Result<String> {
        struct Alone<'a, T>(&'a T);
        impl<T: Serialize> ToJson for Alone<'_, T> {
            fn to_json(&self, writer: &mut Writer) {
                writer.serialize(self.0);
            }
        }
        to_string(&Alone(value), 0)
    }

    #[test]
    fn every_kind_of_value_is_written_as_by_serde_json() {
        let raw: &RawValue = serde_json::from_str("{ \"kept\" : [1.50] }").unwrap();
        let value = Everything {
            flag: true,
            absent: None,
            none: None,
            numbers: (-1, u64::MAX, i128::MIN, 0.1),
            letter: '"',
            text: "a \\ \"b\"\n\u{1}é\u{7f}🧾",
            list: vec![
                Shape::Plain,
                Shape::One(1),
                Shape::Two(1, 2),
                Shape::Fields { a: Some(Box::new(Shape::Plain)) },
            ],
            map: [("", vec![]), ("a\"b", vec![(), ()])].into(),
            raw,
            unit: Unit,
            wrapped: Wrapped(vec![1, 2]),
            pair: Pair(1, "x"),
        };
        assert_eq!(written(&value).unwrap(), serde_json::to_string(&value).unwrap());
        assert!(written(&BTreeMap::from([(1, 2)])).is_err());
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_written_as_by_serde_json(value in json()) {
            prop_assert_eq!(to_string(&value, 16).unwrap(), value.to_string());
        }
    }
}
