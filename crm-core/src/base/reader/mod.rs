//! The typed reader of JSON text: one for every type that comes in, as strict as the schema.
//!
//! Serde's reader for JSON alone takes a struct from a list of its fields' values and a plain variant from `{"variant": null}`. Neither is
//! in the schema, so both are refused here: an object is written as an object, the name of a variant as a string. A fraction is refused
//! too where a type is known: none of ours is a binary float.
//!
//! `scan` goes through the text, `typed` is what the derives of [`FromJson`](super::json::FromJson) ask.

mod scan;
mod typed;

use serde_json::{Map, Value};

use self::scan::Number;
pub use self::scan::{Fault, Reader};
use super::json::FromJson;

/// The deepest nesting that is read, as in `serde_json`.
const DEPTH: u8 = 127;

/// Reads JSON text.
///
/// # Errors
/// The first thing that does not fit.
pub(crate) fn from_str<'de, T: FromJson<'de>>(text: &'de str) -> Result<T, Fault> {
    let mut reader = Reader::of(text);
    let read = T::from_json(&mut reader);
    read.map_err(|fault| reader.placed(fault)).and_then(|value| reader.end().map(|()| value))
}

#[cold]
#[inline(never)]
fn unknown(what: &str, name: &str, known: &[&str]) -> Fault {
    Fault::new(&format_args!("unknown {what} `{name}`, expected one of `{}`", known.join("`, `")))
}

impl<'de> Reader<'de> {
    /// At the beginning of a text.
    pub(crate) fn of(text: &'de str) -> Self {
        Reader { text, at: 0, room: DEPTH }
    }

    /// Reads an integer.
    pub(crate) fn integer(&mut self) -> Result<i128, Fault> {
        if !self.is_number() {
            return Err(self.mismatch("u64"));
        }
        match self.number()? {
            Number::Natural(value) => Ok(value.into()),
            Number::Negative(value) => Ok(value.into()),
            Number::Fraction => Err(Fault::new(&"a number with a fraction is not exact: write it as a string")),
        }
    }

    /// Says whether a number stands here.
    pub(crate) fn is_number(&mut self) -> bool {
        matches!(self.peek(), b'-' | b'0'..=b'9')
    }

    /// Reads a value without a type.
    pub(crate) fn value(&mut self) -> Result<Value, Fault> {
        Ok(match self.peek() {
            b'"' => Value::String(self.text()?.into_owned()),
            b'{' => Value::Object(Map::from_json(self)?),
            b'[' => Value::Array(Vec::from_json(self)?),
            b't' | b'f' => Value::Bool(self.flag()?),
            b'n' => {
                self.word("null")?;
                Value::Null
            }
            _ => {
                let start = self.at;
                match self.number()? {
                    Number::Natural(value) => value.into(),
                    Number::Negative(value) => value.into(),
                    Number::Fraction => float(self.text.get(start..self.at).unwrap_or_default())?,
                }
            }
        })
    }
}

/// What is said of a number that no float of 64 bits is near to.
pub(crate) const OUT_OF_RANGE: &str = "number out of range";

/// A number that is no integer of 64 bits.
#[inline(never)]
fn float(text: &str) -> Result<Value, Fault> {
    let value: f64 = serde_json::from_str(text).map_err(|_| Fault::new(&OUT_OF_RANGE))?;
    Ok(value.into())
}

#[cfg(test)]
mod tests;
