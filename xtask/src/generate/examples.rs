//! What the vectors show of the interface: a good request of every operation, and the data of every kind of event.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{paths, shell};

/// The vectors' contents, for the reference.
#[derive(Default)]
pub struct Examples {
    /// The shortest good request by operation, as it is written.
    pub requests: BTreeMap<String, String>,
    /// The fields of the data by kind of event.
    pub events: BTreeMap<String, BTreeSet<String>>,
}

impl Examples {
    /// Reads every vector.
    pub fn read() -> Self {
        let mut found = Examples::default();
        let areas = std::fs::read_dir(paths::at("tests/vectors")).into_iter().flatten().flatten();
        for area in areas.map(|entry| entry.path()).filter(|path| path.is_dir()) {
            for file in std::fs::read_dir(area).into_iter().flatten().flatten() {
                let text = shell::read(&file.path()).unwrap_or_default();
                if let Ok(vector) = serde_json::from_str::<Value>(&text) {
                    found.take(&vector);
                }
            }
        }
        found
    }

    fn take(&mut self, vector: &Value) {
        for step in vector.get("steps").and_then(Value::as_array).into_iter().flatten() {
            if let Some(answer) = step.get("expect") {
                self.events_in(answer);
            }
            let plain = matches!(step.get("mode").and_then(Value::as_str), None | Some("engine" | "pure"));
            let good = step.pointer("/expect/ok") == Some(&json!(true));
            let Some(op) = step.get("op").and_then(Value::as_str).filter(|_| plain && good) else { continue };
            let mut request = Map::new();
            request.insert("op".to_owned(), op.into());
            if let Some(input) = step.get("input") {
                request.insert("input".to_owned(), input.clone());
            }
            let text = Value::Object(request).to_string();
            // An input without fields shows little; of the others the shortest says what is needed.
            let rank = |text: &str| (!text.contains("\"input\":{\""), text.len(), text.to_owned());
            match self.requests.get(op) {
                Some(known) if rank(known) <= rank(&text) => {}
                _ => drop(self.requests.insert(op.to_owned(), text)),
            }
        }
    }

    fn events_in(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                if let (Some(Value::String(kind)), Some(Value::Object(data)), true) =
                    (map.get("kind"), map.get("data"), map.contains_key("record_kind"))
                {
                    self.events.entry(kind.clone()).or_default().extend(data.keys().cloned());
                }
                map.values().for_each(|inner| self.events_in(inner));
            }
            Value::Array(items) => items.iter().for_each(|inner| self.events_in(inner)),
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::Examples;
    use serde_json::json;

    #[test]
    fn the_shortest_good_request_with_fields_is_the_example() {
        let mut found = Examples::default();
        let event = json!({"kind": "user.updated", "record_kind": "user", "data": {"changed": ["name"]}});
        found.take(&json!({"steps": [
            {"op": "users.find", "input": {}, "expect": {"ok": true, "value": {"items": [event]}}},
            {"op": "users.find", "input": {"name": "Ada"}, "expect": {"ok": true}},
            {"op": "users.find", "input": {"name": "Ada", "limit": 3}, "expect": {"ok": true}},
            {"op": "users.find", "input": {"nam": 1}, "expect": {"ok": false}},
            {"op": "users.get", "mode": "decide", "input": {"id": "u1"}, "expect": {"ok": true}},
        ]}));
        assert_eq!(found.requests.len(), 1);
        assert_eq!(found.requests["users.find"], r#"{"input":{"name":"Ada"},"op":"users.find"}"#);
        assert_eq!(found.events["user.updated"], ["changed".to_owned()].into());
    }
}
