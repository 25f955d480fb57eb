//! The typed reader of JSON text: one for every type that comes in, as strict as the schema.
//!
//! Serde's reader for JSON alone takes a struct from a list of its fields' values and a plain variant from `{"variant": null}`. Neither is
//! in the schema, so both are refused here: an object is written as an object, the name of a variant as a string. A fraction is refused
//! too where a type is known: none of ours is a binary float.
//!
//! It is small where it is instantiated once a type: fields and variants are found here, by their place in the type's list of names, and
//! reach serde as numbers. So a type that is read must not give a field or a variant a second name (`alias`).

mod scan;
mod typed;

use std::borrow::Cow;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess};
use serde::de::{VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

pub use self::scan::{Fault, Reader};
use self::scan::{Inside, Number, place};
use super::decimal::Dec;
use super::json::FromJson;

/// The deepest nesting that is read, as in `serde_json`.
const DEPTH: u8 = 127;

/// Reads JSON text.
///
/// # Errors
/// The first thing that does not fit.
pub(crate) fn from_str<'de, T: FromJson<'de>>(text: &'de str) -> Result<T, Fault> {
    let mut reader = Reader { text, at: 0, room: DEPTH };
    match T::from_json(&mut reader) {
        Ok(value) => reader.end().map(|()| value),
        Err(fault) => Err(reader.placed(fault)),
    }
}

/// The place of a name among those that a type has.
struct Place(Option<usize>);

impl<'de> Deserializer<'de> for Place {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // A number that no name has stands for an unknown one, which the type takes or refuses.
        visitor.visit_u64(self.0.and_then(|place| u64::try_from(place).ok()).unwrap_or(u64::MAX))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The fields of a struct.
struct Fields<'r, 'de>(Inside<'r, 'de>);

/// The entries of a map, or the items of a list.
struct Items<'r, 'de>(Inside<'r, 'de>);

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = Fault;

    #[inline(never)]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if !self.0.more()? {
            return Ok(None);
        }
        let name = self.0.name()?;
        let place = Place(self.0.place(&name));
        seed.deserialize(place).map(Some).map_err(|_| unknown("field", &name, self.0.names))
    }

    #[inline(never)]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(&mut *self.0.reader)
    }
}

#[cold]
#[inline(never)]
fn unknown(what: &str, name: &str, known: &[&str]) -> Fault {
    Fault::new(&format_args!("unknown {what} `{name}`, expected one of `{}`", known.join("`, `")))
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Fault;

    #[inline(never)]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if !self.0.more()? {
            return Ok(None);
        }
        if self.0.reader.peek() != b'"' {
            return Err(self.0.reader.expected("a string as a name"));
        }
        let key = seed.deserialize(&mut *self.0.reader)?;
        self.0.reader.need(b':', "`:`")?;
        Ok(Some(key))
    }

    #[inline(never)]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(&mut *self.0.reader)
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Fault;

    #[inline(never)]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.0.more()? { seed.deserialize(&mut *self.0.reader).map(Some) } else { Ok(None) }
    }
}

/// Raw text, which comes under a reserved name: one entry, the name and the text.
struct Raw<'de>(Option<&'de str>);

const RAW: &str = "$serde_json::private::RawValue";

impl<'de> MapAccess<'de> for Raw<'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.0.is_none() {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new(RAW)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(BorrowedStrDeserializer::new(self.0.take().unwrap_or_default()))
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.integer(visitor)
        })*
    };
}

impl<'de> Reader<'de> {
    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return Err(self.mismatch("u64"));
        }
        match self.number()? {
            Number::Natural(value) => visitor.visit_u64(value),
            Number::Negative(value) => visitor.visit_i64(value),
            Number::Fraction => Err(Fault::new(&"a number with a fraction is not exact: write it as a string")),
        }
    }

    /// Any number, for values without a type.
    fn any_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let start = self.at;
        if let Number::Fraction = self.number()? {
            let text = self.text.get(start..self.at).unwrap_or_default();
            return visitor.visit_f64(serde_json::from_str(text).map_err(|error| Fault::new(&error))?);
        }
        self.at = start;
        self.integer(visitor)
    }

    fn decimal<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        match self.peek() {
            b'"' => self.deserialize_str(visitor),
            b'-' | b'0'..=b'9' => self.integer(visitor),
            _ => Err(self.mismatch("a decimal string such as \"12.50\"")),
        }
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let mut items = Items(self.open(b'[')?);
        let value = visitor.visit_seq(&mut items)?;
        items.0.close()?;
        Ok(value)
    }

    fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let mut items = Items(self.open(b'{')?);
        let value = visitor.visit_map(&mut items)?;
        items.0.close()?;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    #[inline(never)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.peek() {
            b'"' => self.deserialize_str(visitor),
            b'{' => self.map(visitor),
            b'[' => self.list(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.any_number(visitor),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.peek(), b't' | b'f') {
            return Err(self.mismatch("a boolean"));
        }
        visitor.visit_bool(self.flag()?)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.peek();
        self.word("null")?;
        visitor.visit_unit()
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.peek() != b'n' {
            return visitor.visit_some(self);
        }
        self.word("null")?;
        visitor.visit_none()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match name {
            RAW => visitor.visit_map(Raw(Some(self.skip()?))),
            Dec::PLAIN => self.decimal(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let mut fields = Fields(self.open(b'{')?);
        fields.0.names = names;
        let value = visitor.visit_map(&mut fields)?;
        fields.0.close()?;
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if self.peek() == b'"' {
            let name = self.text()?;
            return visitor.visit_enum(Variant { name, names, inside: None });
        }
        let mut inside = self.open(b'{')?;
        if !inside.more()? {
            return Err(Fault::new(&"expected one field that names the variant"));
        }
        let name = inside.name()?;
        visitor.visit_enum(Variant { name, names, inside: Some(inside) })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit_struct identifier
    }
}

/// A variant of an enumeration: its name alone, or an object with one field.
struct Variant<'r, 'de> {
    name: Cow<'de, str>,
    names: &'static [&'static str],
    inside: Option<Inside<'r, 'de>>,
}

impl<'r, 'de> Variant<'r, 'de> {
    fn inside(self) -> Result<Inside<'r, 'de>, Fault> {
        self.inside.ok_or_else(|| Fault::new(&"expected an object with one field that names the variant"))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        let place = Place(place(self.names, &self.name));
        match seed.deserialize(place) {
            Ok(variant) => Ok((variant, self)),
            Err(_) => Err(unknown("variant", &self.name, self.names)),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.inside {
            None => Ok(()),
            Some(_) => Err(Fault::new(&"expected the variant's name as a string")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let inside = self.inside()?;
        let value = seed.deserialize(&mut *inside.reader)?;
        inside.close()?;
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        let inside = self.inside()?;
        let value = inside.reader.list(visitor)?;
        inside.close()?;
        Ok(value)
    }

    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let inside = self.inside()?;
        let value = inside.reader.deserialize_struct("", names, visitor)?;
        inside.close()?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
