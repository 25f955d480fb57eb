//! Shapes: what a request may look like, walked to report every mistake at once with its path.
//!
//! A request is read by its type, which is fast; only when that refuses is the shape walked. The shapes themselves ([`super::shapes`]) are generated from the types.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::shapes;
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::Error;
use crate::base::hint::{near_or, refused};
use crate::base::reader::{self, Fault, Reader};
use crate::base::text::{clip, suggest};
use crate::base::writer;

/// What a value may look like.
#[derive(Debug)]
pub enum Shape {
    /// Anything.
    Any,
    /// Text of any content.
    Text,
    /// An integer between two bounds, both included.
    Integer(i64, u64),
    /// True or false.
    Flag,
    /// A decimal string or an integer.
    Decimal,
    /// A calendar date.
    Date,
    /// An instant.
    Instant,
    /// A currency code.
    Currency,
    /// An id.
    Id,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An object with exactly these fields.
    Object(&'static [Field]),
    /// An object with any names and values of one shape.
    Map(&'static Shape),
    /// A list of values of one shape.
    List(&'static Shape),
    /// The shape, or null.
    Nullable(&'static Shape),
    /// An object whose one field names the variant and holds its shape; or the variant's name alone where it has none.
    External(&'static [(&'static str, Option<&'static Shape>)]),
    /// An object whose field `tag` names the variant, with the variant's fields beside it.
    Tagged(&'static str, &'static [(&'static str, &'static [Field])]),
    /// One of two shapes, the first whose JSON type fits.
    Either(&'static Shape, &'static Shape),
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it may look like.
    pub shape: &'static Shape,
}

/// A field that must be there.
pub const fn required(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: true, shape }
}

/// A field that may be left out.
pub const fn optional(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: false, shape }
}

/// The most mistakes that one answer lists.
const MOST: usize = 100;

/// The shape of the envelope.
pub fn envelope() -> Option<&'static Shape> {
    static ENVELOPE: Shape = Shape::Object(&[
        optional("wire", &Shape::Integer(0, u32::MAX as u64)),
        required("op", &Shape::Text),
        optional("context", &shapes::CONTEXT),
        optional("config", &Shape::Any),
        optional("idempotency_key", &Shape::Nullable(&Shape::Text)),
        optional("expect_version", &Shape::Nullable(&Shape::Integer(0, u64::MAX))),
        optional("explain", &shapes::EXPLAIN),
        optional("input", &Shape::Any),
        optional("facts", &Shape::Any),
        optional("store", &Shape::Any),
    ]);
    Some(&ENVELOPE)
}

/// Turns the typed reader's refusal into every mistake that the shape finds; its own words where the shape finds none.
pub(crate) fn explain(text: &str, shape: Option<&'static Shape>, refusal: &Fault) -> Error {
    let value: Value = match reader::from_str(text) {
        Ok(value) => value,
        Err(fault) => return Error::new(Code::InvalidJson).with("reason", refused(text, &fault)),
    };
    let mut walk = Walk { mistakes: Vec::new() };
    for path in duplicates(text) {
        let field = path.rsplit('.').next().unwrap_or(&path).to_owned();
        walk.note(&path, Error::new(Code::DuplicateField).with("field", field));
    }
    if let Some(shape) = shape {
        walk.value(&value, shape, "");
    }
    Error::all(walk.mistakes).unwrap_or_else(|| Error::new(Code::InvalidJson).with("reason", refused(text, refusal)))
}

/// Adds what is wrong with the values to mistakes of shape, where what is left without the fields at fault can be read.
pub fn with_values(error: Error, operation: &str, text: &str, again: &dyn Fn(&str) -> Option<Error>) -> Error {
    let listed = |error: &Error| match error.details().get("violations") {
        Some(Value::Array(each)) => each.clone(),
        _ => vec![error.to_value()],
    };
    let Some(rest) = without_faults(&listed(&error), text).filter(|_| shapes::request(operation).is_some()) else {
        return error;
    };
    let mut all = listed(&error);
    // A field that was taken out is not missing, and a mistake that could not be taken out is found again.
    let is_new = |other: &Value| {
        other.get("code").is_none_or(|code| code != Code::MissingField.name())
            && !all.iter().any(|one| one.get("path") == other.get("path"))
    };
    let more: Vec<Value> = again(&rest).iter().flat_map(listed).filter(is_new).collect();
    all.extend(more);
    all.truncate(MOST);
    if all.len() == 1 {
        error
    } else {
        Error::new(Code::InvalidRequest).with("count", all.len()).with("violations", all)
    }
}

/// The text without the fields that mistakes are about.
fn without_faults(mistakes: &[Value], text: &str) -> Option<String> {
    let mut value: Value = reader::from_str(text).ok()?;
    for mistake in mistakes {
        let path = mistake.get("path")?.as_str()?;
        let (place, name) = path.rsplit_once('.').unwrap_or(("", path));
        let mut inside = &mut value;
        for part in place.split(['.', '[']).filter(|part| !part.is_empty()) {
            inside = match part.strip_suffix(']') {
                Some(index) => inside.get_mut(index.parse::<usize>().ok()?)?,
                None => inside.get_mut(part)?,
            };
        }
        inside.as_object_mut()?.remove(name);
    }
    Some(writer::to_string(&value, 0))
}

struct Walk {
    mistakes: Vec<Error>,
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(n) if n.is_f64() => "a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Says whether a number was written as an integer, or could have been, that 64 bits do not hold.
fn is_large(number: &serde_json::Number) -> bool {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    // Asked of the value, because an embedder may let numbers keep their text.
    let is_small = number.is_i64() || number.is_u64();
    !is_small && number.as_f64().is_some_and(|value| !(-LIMIT < value && value < LIMIT))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { clip(name) } else { format!("{path}.{}", clip(name)) }
}

impl Walk {
    fn note(&mut self, path: &str, error: Error) {
        if self.mistakes.len() < MOST {
            self.mistakes.push(error.at(path));
        }
    }

    fn wrong(&mut self, path: &str, expected: &str, value: &Value) {
        self.note(path, Error::new(Code::WrongType).with("expected", expected).with("found", kind(value)));
    }

    fn parsed<T: std::str::FromStr<Err = Error>>(&mut self, value: &Value, expected: &str, path: &str) {
        match value {
            Value::String(text) => {
                if let Err(error) = text.parse::<T>() {
                    self.note(path, error);
                }
            }
            other => self.wrong(path, expected, other),
        }
    }

    fn value(&mut self, value: &Value, shape: &Shape, path: &str) {
        match shape {
            Shape::Any => {}
            Shape::Text => {
                if !value.is_string() {
                    self.wrong(path, "a string", value);
                }
            }
            Shape::Flag => {
                if !value.is_boolean() {
                    self.wrong(path, "true or false", value);
                }
            }
            Shape::Integer(least, most) => self.integer(value, *least, *most, path),
            Shape::Decimal => match value {
                Value::Number(number) if is_large(number) => self.note(path, Error::new(Code::LargeNumber)),
                Value::Number(number) if number.is_f64() => {
                    let text = number.to_string();
                    // A number too long or too large to be written as a decimal gets the decimal's own message.
                    let code = match text.parse::<Dec>() {
                        Ok(_) => Code::FractionalNumber,
                        Err(_) => Code::InvalidDecimal,
                    };
                    self.note(path, Error::new(code).with("value", text));
                }
                Value::Number(_) => {}
                Value::String(_) => self.parsed::<Dec>(value, "a decimal string", path),
                other => self.wrong(path, "a decimal string such as \"12.50\"", other),
            },
            Shape::Date => self.parsed::<crate::base::time::Date>(value, "a date such as \"2026-01-31\"", path),
            Shape::Instant => {
                self.parsed::<crate::base::time::Instant>(value, "an instant such as \"2026-01-31T09:00:00Z\"", path)
            }
            Shape::Currency => {
                self.parsed::<crate::base::currency::Currency>(value, "a currency code such as \"USD\"", path)
            }
            #[cfg(feature = "store")]
            Shape::Id => match value {
                Value::String(text) => {
                    if let Err(error) = crate::base::id::Id::new(text) {
                        self.note(path, error);
                    }
                }
                other => self.wrong(path, "an id as a string", other),
            },
            #[cfg(not(feature = "store"))]
            Shape::Id => {}
            Shape::OneOf(known) => self.one_of(value, known, path),
            Shape::Object(fields) => match value {
                Value::Object(map) => self.object(map, fields, None, path),
                other => self.wrong(path, "an object", other),
            },
            Shape::Map(item) => match value {
                Value::Object(map) => map.iter().for_each(|(name, value)| self.value(value, item, &join(path, name))),
                other => self.wrong(path, "an object", other),
            },
            Shape::List(item) => match value {
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(i, value)| self.value(value, item, &format!("{path}[{i}]")))
                }
                other => self.wrong(path, "a list", other),
            },
            Shape::Nullable(inner) => {
                if !value.is_null() {
                    self.value(value, inner, path);
                }
            }
            Shape::External(variants) => self.external(value, variants, path),
            Shape::Tagged(tag, variants) => self.tagged(value, tag, variants, path),
            Shape::Either(first, second) => {
                let mut tried = Walk { mistakes: Vec::new() };
                tried.value(value, first, path);
                let wrong_type = tried.mistakes.iter().any(|e| e.id() == Code::WrongType && e.path() == path);
                if wrong_type {
                    self.value(value, second, path);
                } else {
                    self.mistakes.extend(tried.mistakes);
                }
            }
        }
    }

    fn integer(&mut self, value: &Value, least: i64, most: u64, path: &str) {
        let inside = match value {
            Value::Number(number) if is_large(number) => false,
            Value::Number(number) if !number.is_f64() => match (number.as_i64(), number.as_u64()) {
                (Some(signed), None) => signed >= least,
                (_, Some(unsigned)) => unsigned <= most && i64::try_from(unsigned).map_or(true, |s| s >= least),
                _ => false,
            },
            other => return self.wrong(path, "an integer", other),
        };
        if !inside {
            let given = match value {
                Value::Number(number) if is_large(number) => match number.as_f64() {
                    Some(below) if below < 0.0 => Value::from("-2^64 or less"),
                    _ => Value::from("2^64 or more"),
                },
                other => other.clone(),
            };
            let error = Error::new(Code::NumberOutOfRange).with("value", given);
            self.note(path, error.with("minimum", least).with("maximum", most));
        }
    }

    fn one_of(&mut self, value: &Value, known: &[&'static str], path: &str) {
        let Value::String(text) = value else { return self.wrong(path, "a string", value) };
        if !known.contains(&text.as_str()) {
            let list = known.to_vec();
            let hint = near_or(suggest(text, known.iter().copied()), Code::ChooseListed);
            self.note(
                path,
                Error::new(Code::UnknownVariant).with("value", clip(text)).with("known", list).with("hint", hint),
            );
        }
    }

    fn object(&mut self, map: &Map<String, Value>, fields: &[Field], tag: Option<&str>, path: &str) {
        let mut meant = Vec::new();
        for (name, value) in map {
            match fields.iter().find(|field| field.name == name) {
                Some(field) => self.value(value, field.shape, &join(path, name)),
                None if tag == Some(name.as_str()) => {}
                None => {
                    let absent = fields.iter().map(|f| f.name).filter(|f| !map.contains_key(*f) && !meant.contains(f));
                    let near = suggest(name, absent);
                    meant.extend(near);
                    let hint = near_or(near, Code::RemoveField);
                    self.note(
                        &join(path, name),
                        Error::new(Code::UnknownField).with("field", clip(name)).with("hint", hint),
                    );
                }
            }
        }
        // A field that stands there misspelt is reported once.
        for field in fields.iter().filter(|f| f.required && !map.contains_key(f.name) && !meant.contains(&f.name)) {
            self.note(&join(path, field.name), Error::new(Code::MissingField).with("field", field.name));
        }
    }

    fn external(&mut self, value: &Value, variants: &[(&'static str, Option<&'static Shape>)], path: &str) {
        let names: Vec<&'static str> = variants.iter().map(|(name, _)| *name).collect();
        let find = |name: &str| variants.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape);
        match value {
            Value::Object(map) if map.len() == 1 => {
                for (name, inner) in map {
                    match find(name) {
                        Some(Some(shape)) => self.value(inner, shape, &join(path, name)),
                        Some(None) => self.wrong(path, "the variant's name as a string", value),
                        None => self.one_of(&Value::String(name.clone()), &names, path),
                    }
                }
            }
            Value::String(text) if matches!(find(text), Some(Some(_))) => {
                self.wrong(path, "an object with one field that names the variant", value);
            }
            Value::String(_) => self.one_of(value, &names, path),
            other => self.wrong(path, "an object with one field that names the variant", other),
        }
    }

    fn tagged(&mut self, value: &Value, tag: &str, variants: &[(&'static str, &'static [Field])], path: &str) {
        let Value::Object(map) = value else { return self.wrong(path, "an object", value) };
        let Some(name) = map.get(tag) else {
            return self.note(&join(path, tag), Error::new(Code::MissingField).with("field", tag));
        };
        match variants.iter().find(|(known, _)| Some(*known) == name.as_str()) {
            Some((_, fields)) => self.object(map, fields, Some(tag), path),
            None => {
                let names: Vec<&'static str> = variants.iter().map(|(known, _)| *known).collect();
                self.one_of(name, &names, &join(path, tag));
            }
        }
    }
}

/// The paths of the fields that stand twice in an object; what reads a text into a value keeps only the last of them.
fn duplicates(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The text was read before, so this cannot fail.
    let _ = names(&mut Reader::of(text), "", &mut found);
    found
}

/// Looks for names that repeat, at a path and beneath it.
fn names(reader: &mut Reader<'_>, path: &str, found: &mut Vec<String>) -> Result<(), Fault> {
    match reader.peek() {
        b'{' => {
            let mut names = BTreeSet::new();
            reader.entries(&mut |name, reader| {
                let path = join(path, &name);
                if !names.insert(name.into_owned()) {
                    found.push(path.clone());
                }
                self::names(reader, &path, found)
            })
        }
        b'[' => {
            let mut place = 0_usize;
            reader.items(&mut |reader| {
                let path = format!("{path}[{place}]");
                place = place.saturating_add(1);
                names(reader, &path, found)
            })
        }
        _ => reader.skip().map(drop),
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
