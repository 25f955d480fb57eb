//! Numbers that a store gives out inside a commit, and the tokens that stand for them until then.
//!
//! A body, an event or an answer holds `{"$alloc": 0}`, or `{"$alloc": 0, "prefix": "Q-2026-", "width": 5}`, where its number will
//! stand. Stores never edit what they keep: they note the number beside it, and the engine puts it in on reading.

use std::collections::BTreeMap;

use serde_json::Value;

/// The numbers given out, by token.
pub type Numbers = BTreeMap<u32, u64>;

/// The field by which a token is known.
pub const TOKEN: &str = "$alloc";

/// The token of a number that is not given out yet.
///
/// # Example: what is written, and what is read
/// ```
/// use crm_core::base::number::{resolve, token, Numbers};
/// let mut body = serde_json::json!({"number": token(0, "Q-2026-", 5)});
/// resolve(&mut body, &Numbers::from([(0, 42)]));
/// assert_eq!(body["number"], "Q-2026-00042");
/// ```
pub fn token(place: u32, prefix: &str, width: u8) -> Value {
    serde_json::json!({TOKEN: place, "prefix": prefix, "width": width})
}

/// Puts numbers where their tokens stand, as text: the prefix, then the number with zeros in front up to the width.
///
/// A token without a number stays as it is.
pub fn resolve(value: &mut Value, numbers: &Numbers) {
    if numbers.is_empty() {
        return;
    }
    if let Some(text) = text_of(value, numbers) {
        *value = Value::String(text);
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, numbers)),
        Value::Object(fields) => fields.values_mut().for_each(|field| resolve(field, numbers)),
        _ => {}
    }
}

fn text_of(value: &Value, numbers: &Numbers) -> Option<String> {
    let fields = value.as_object()?;
    let place = u32::try_from(fields.get(TOKEN)?.as_u64()?).ok()?;
    let number = numbers.get(&place)?;
    let prefix = fields.get("prefix").and_then(Value::as_str).unwrap_or_default();
    let width = fields.get("width").and_then(Value::as_u64).and_then(|w| usize::try_from(w.min(20)).ok()).unwrap_or(0);
    Some(format!("{prefix}{number:0width$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_tokens_with_a_number_are_replaced() {
        let mut value = json!([{"a": {"$alloc": 1}}, {"$alloc": 2, "prefix": "x"}, {"$alloc": "1"}, 7]);
        resolve(&mut value, &Numbers::from([(1, 9)]));
        assert_eq!(value, json!([{"a": "9"}, {"$alloc": 2, "prefix": "x"}, {"$alloc": "1"}, 7]));
    }

    #[test]
    fn a_number_wider_than_its_width_stays_whole() {
        let mut value = token(0, "", 2);
        resolve(&mut value, &Numbers::from([(0, 12345)]));
        assert_eq!(value, json!("12345"));
    }
}
