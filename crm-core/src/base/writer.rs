//! JSON text of an answer, written for speed: the same bytes as serde_json's, without looking for escapes in the names of fields.

use std::fmt::{Display, Write as _};

use super::json::ToJson;

/// Writes a value as JSON text, with room for `size` bytes to begin with.
pub fn to_string(value: &dyn ToJson, size: usize) -> String {
    let mut writer = Writer { out: String::with_capacity(size) };
    value.to_json(&mut writer);
    writer.out
}

/// Writes a value as untyped JSON.
#[cfg(feature = "store")]
pub fn to_value(value: &dyn ToJson) -> serde_json::Value {
    // What was written is JSON, so it is read again.
    super::reader::from_str(&to_string(value, 0)).unwrap_or_default()
}

/// Writes a value as a piece of JSON text.
#[cfg(feature = "store")]
pub fn to_json(value: &dyn ToJson) -> super::json::Json {
    super::json::Json::of(to_string(value, 0))
}

/// Where the writing stands in a text.
pub struct Writer {
    out: String,
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
        if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            return self.word(text);
        }
        self.push("\"");
        for letter in text.chars() {
            match letter {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\t' => self.push("\\t"),
                '\u{8}' => self.push("\\b"),
                '\u{c}' => self.push("\\f"),
                '\0'..' ' => {
                    self.push("\\u00");
                    let code = u32::from(letter);
                    self.out.extend([code >> 4, code & 15].map(|nibble| char::from_digit(nibble, 16).unwrap_or('0')));
                }
                letter => self.out.push(letter),
            }
        }
        self.push("\"");
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

    /// Writes an integer, or anything else that shows itself as JSON.
    pub fn number(&mut self, number: &dyn Display) {
        // Writing into a text cannot fail.
        let _ = write!(self.out, "{number}");
    }

    /// Writes an entry of a map.
    pub fn entry(&mut self, place: usize, name: &str, value: &dyn ToJson) {
        self.push(if place == 0 { "" } else { "," });
        self.text(name);
        self.push(":");
        value.to_json(self);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            prop_assert_eq!(to_string(&value, 16), value.to_string());
        }
    }
}
