//! One order for the fields of untyped JSON, whatever the embedder's features are.
//!
//! `serde_json` keeps the fields of a map sorted, unless some crate of the embedder's turns on its `preserve_order`; then they stand in
//! the order of insertion. Answers are the same bytes everywhere, so whatever is untyped is sorted here before it is written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The fields of an open object, always in the order of their names.
pub type Fields = BTreeMap<String, Value>;

/// Sorts the fields of every object inside a value.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Object(map) => object(super::order::map(map.into_iter().map(|(name, inner)| (name, canonical(inner))))),
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        other => other,
    }
}

/// The fields of an open object as a value.
pub fn object(fields: Fields) -> Value {
    let mut map = Map::new();
    for (name, value) in fields {
        map.insert(name, value);
    }
    Value::Object(map)
}
