//! The interface as data: every operation with the schema of its request and of its answer, every code, every kind of record.
//!
//! `cargo xtask generate` writes everything under `schema/`, the façades, the shapes and the references from [`document`].
//! Requests are described in schemars' deserialize contract (what may be sent), answers in its serialize contract (what comes back).

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::host::SEMANTICS;
use super::request::WIRE;
use super::table::{Operation, in_every_build, operations};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::error::Kind;
use crate::base::reason::Explain;

/// The interface of this build.
///
/// # Example: every operation refers to its request and its answer
/// ```
/// let document = crm_core::api::schema::document();
/// let round = document["operations"].as_array().unwrap().iter().find(|o| o["name"] == "money.round").unwrap();
/// assert_eq!(round["request"]["$ref"], "#/$defs/RoundRequest");
/// assert!(document["requests"]["$defs"]["RoundRequest"]["properties"]["value"].is_object());
/// ```
pub fn document() -> Value {
    let mut requests = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut answers = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let operations: Vec<Value> = all().map(|o| operation(o, &mut requests, &mut answers)).collect();
    let context = requests.subschema_for::<Context>();
    let explain = requests.subschema_for::<Explain>();
    let config = config(&mut requests);
    let kind = answers.subschema_for::<Kind>();
    let mut answers = answers.take_definitions(true);
    answers.insert("Reason".to_owned(), reason());
    answers.insert("Error".to_owned(), error(&kind));
    let mut document = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "wire": WIRE,
        "semantics": SEMANTICS,
        "operations": operations,
        "envelope": {
            "context": context,
            "config": config,
            "explain": explain,
            "reason": {"$ref": "#/$defs/Reason"},
            "error": {"$ref": "#/$defs/Error"},
        },
        "requests": {"$defs": requests.take_definitions(true)},
        "answers": {"$defs": answers},
        "codes": codes(),
        "words": words(),
        "kinds": kinds(),
    });
    plain(&mut document);
    document
}

/// Turns documentation comments into plain Markdown everywhere: no doctests, no links into the Rust reference.
fn plain(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(map) => {
            for (name, inner) in map {
                match inner {
                    Value::String(text) if name == "description" => *text = prose(text),
                    other => plain(other),
                }
            }
        }
        _ => {}
    }
}

fn prose(text: &str) -> String {
    let kept = text.split("\n# ").next().unwrap_or_default();
    kept.replace("[`", "`").replace("`]", "`").trim().to_owned()
}

fn all() -> impl Iterator<Item = &'static Operation> {
    #[cfg(feature = "store")]
    return operations().chain(std::iter::once(&super::batch::OPERATION));
    #[cfg(not(feature = "store"))]
    operations()
}

fn operation(row: &Operation, requests: &mut SchemaGenerator, answers: &mut SchemaGenerator) -> Value {
    let (request, answer) = (row.types)(requests, answers);
    json!({
        "name": row.name,
        "area": row.area,
        "method": row.method,
        "effect": row.effect.name(),
        "decides": row.decides.name(),
        "every_build": in_every_build(row.name),
        "doc": doc(row.doc),
        "request": request,
        "answer": answer,
    })
}

/// A documentation comment as text: each line without the blank that follows the slashes.
fn doc(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    prose(&lines.join("\n"))
}

#[cfg(feature = "store")]
fn config(requests: &mut SchemaGenerator) -> Schema {
    requests.subschema_for::<crate::config::Config>()
}

#[cfg(not(feature = "store"))]
fn config(_: &mut SchemaGenerator) -> Schema {
    Schema::default()
}

fn reason() -> Value {
    json!({
        "description": "One step of an explanation.",
        "type": "object",
        "properties": {
            "code": {"description": "The stable code.", "type": "string"},
            "params": {"description": "What the code's template names.", "type": "object", "additionalProperties": true},
            "children": {"description": "The reasons beneath it.", "type": "array", "items": {"$ref": "#/$defs/Reason"}},
        },
        "required": ["code", "params"],
    })
}

fn error(kind: &Schema) -> Value {
    json!({
        "description": "A refusal: what is wrong, where, and what to do about it.",
        "type": "object",
        "properties": {
            "kind": kind,
            "code": {"description": "The stable code.", "type": "string"},
            "message": {"description": "The message in English.", "type": "string"},
            "path": {"description": "The place in the request, such as `lines[0].quantity`; empty when it is about the whole.", "type": "string"},
            "details": {"description": "The facts behind the message.", "type": "object", "additionalProperties": true},
            "retryable": {"description": "Whether the same request may succeed when it is tried again.", "type": "boolean"},
        },
        "required": ["kind", "code", "message", "path", "details"],
    })
}

fn codes() -> Vec<Value> {
    let row = |code: &Code| {
        let mut out = Map::new();
        out.insert("code".to_owned(), code.name().into());
        out.insert("kind".to_owned(), serde_json::to_value(code.kind()).unwrap_or_default());
        out.insert("english".to_owned(), code.english().into());
        #[cfg(feature = "catalogue")]
        out.insert("chinese".to_owned(), code.chinese().into());
        Value::Object(out)
    };
    Code::ALL.iter().map(row).collect()
}

/// The words of other languages for values, by detail and value: `{"zh": {"mode.half_even": ".."}}`.
fn words() -> Value {
    #[cfg(feature = "catalogue")]
    let chinese: Map<String, Value> = crate::base::words::CHINESE
        .iter()
        .map(|(name, value, word)| (format!("{name}.{value}"), (*word).into()))
        .collect();
    #[cfg(not(feature = "catalogue"))]
    let chinese = Map::new();
    json!({"zh": chinese})
}

#[cfg(feature = "store")]
fn kinds() -> Vec<Value> {
    let row =
        |kind: &crate::crm::kinds::Kind| json!({"name": kind.name, "indexes": kind.indexes, "schema": kind.schema});
    crate::crm::kinds::KINDS.iter().map(row).collect()
}

#[cfg(not(feature = "store"))]
fn kinds() -> Vec<Value> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(document: &Value, group: &str) -> Map<String, Value> {
        document[group]["$defs"].as_object().unwrap().clone()
    }

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|inner| references(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }

    #[test]
    fn every_operation_says_what_it_does_and_refers_to_named_types() {
        let document = document();
        let operations = document["operations"].as_array().unwrap();
        assert!(operations.len() >= 6);
        for operation in operations {
            assert!(operation["doc"].as_str().is_some_and(|doc| doc.ends_with(['.', ')'])), "{operation}");
            assert!(operation["request"]["$ref"].is_string() && operation["answer"]["$ref"].is_string(), "{operation}");
        }
    }

    #[test]
    fn every_type_has_one_name_and_every_field_a_description() {
        let document = document();
        for group in ["requests", "answers"] {
            for (name, schema) in definitions(&document, group) {
                assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "two types are called alike: {group} {name}");
                assert!(schema["description"].is_string(), "{group} {name}");
                for (field, inner) in schema["properties"].as_object().into_iter().flatten() {
                    let described = inner["description"].is_string() || inner.get("$ref").is_some();
                    assert!(described, "{group} {name}.{field}");
                }
            }
        }
    }

    #[test]
    fn every_request_is_closed() {
        for (name, schema) in definitions(&document(), "requests") {
            if schema["properties"].is_object() {
                assert_eq!(schema["additionalProperties"], false, "{name} accepts unknown fields");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        for group in ["requests", "answers"] {
            let (known, mut found) = (definitions(&document, group), Vec::new());
            references(&document[group], &mut found);
            assert!(!found.is_empty());
            for path in found {
                assert!(known.contains_key(path.strip_prefix("#/$defs/").unwrap()), "{group} {path}");
            }
        }
    }

    #[test]
    fn descriptions_are_plain_prose() {
        let text = document().to_string();
        assert!(!text.contains("```") && !text.contains("[`"));
        assert_eq!(prose(" Refuses [`Error`] well.\n\n# Example: one\n```\nlet a = 1;\n```"), "Refuses `Error` well.");
    }
}
