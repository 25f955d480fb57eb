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

/// Writes a value as JSON text, with room for `size` bytes to begin with.
///
/// # Errors
/// A map whose key is no text, and whatever a type refuses to write of itself.
pub fn to_string<T: Serialize>(value: &T, size: usize) -> Result<String> {
    let mut writer = Writer { out: String::with_capacity(size), raw: false, plain: false };
    value.serialize(&mut writer)?;
    Ok(writer.out)
}

/// A value that is JSON text already, and stands as it is in what is written around it.
#[cfg(feature = "store")]
#[derive(Clone, Debug, PartialEq)]
pub struct Written(String);

#[cfg(feature = "store")]
impl Written {
    /// Writes a value.
    ///
    /// # Errors
    /// As `to_string`.
    pub fn of<T: Serialize>(value: &T) -> Result<Self> {
        to_string(value, 1_024).map(Written)
    }

    /// Takes text that a writer of JSON made.
    pub(crate) fn made(text: String) -> Self {
        Written(text)
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "store")]
impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(feature = "store")]
impl<'de> serde::Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Written(raw.get().to_owned()))
    }
}

struct Writer {
    out: String,
    /// Whether the next text is JSON already.
    raw: bool,
    /// Whether the next text has nothing to be escaped.
    plain: bool,
}

impl Writer {
    fn show(&mut self, value: impl Display) -> Result<()> {
        write!(self.out, "{value}").map_err(Error::custom)
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.raw {
            self.raw = false;
            self.out.push_str(text);
        } else if std::mem::take(&mut self.plain)
            || text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
        {
            self.out.push('"');
            self.out.push_str(text);
            self.out.push('"');
        } else {
            self.out.push_str(&serde_json::to_string(text)?);
        }
        Ok(())
    }

    /// Opens a variant that has a value.
    fn variant(&mut self, name: &'static str) {
        self.out.push_str("{\"");
        self.out.push_str(name);
        self.out.push_str("\":");
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
struct Items<'a> {
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
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<()> {
        self.text(text)
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
        self.text(variant)
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
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.out.push('}');
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
        self.variant(variant);
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
        self.variant(variant);
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
        assert_eq!(to_string(&value, 0).unwrap(), serde_json::to_string(&value).unwrap());
        assert!(to_string(&BTreeMap::from([(1, 2)]), 0).is_err());
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
