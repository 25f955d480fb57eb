//! The files under `schema/`: JSON Schema of requests and answers, OpenRPC, and the catalogues of templates.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Files;
use super::document::{Code, Document, Operation, description, fields, target};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// All of them.
pub fn files(document: &Document) -> Files {
    let file = |name: &str, value: &Value| (format!("schema/{name}").into(), format!("{value:#}\n"));
    vec![
        file("requests.json", &requests(document)),
        file("answers.json", &answers(document)),
        file("openrpc.json", &openrpc(document)),
        file("catalogue.en.json", &english(document)),
        file("catalogue.zh.json", &chinese(document)),
    ]
}

/// The English templates by code.
pub fn english(document: &Document) -> Value {
    catalogue(document, |code| &code.english).into()
}

/// The Chinese templates by code, and the words for values by detail and value.
pub fn chinese(document: &Document) -> Value {
    let mut all = catalogue(document, |code| &code.chinese);
    all.extend(document.words.clone());
    all.into()
}

fn catalogue(document: &Document, template: fn(&Code) -> &str) -> Map<String, Value> {
    document.codes.iter().map(|code| (code.name.clone(), template(code).into())).collect()
}

/// Any request, envelope included.
fn requests(document: &Document) -> Value {
    let text = |about: &str| json!({"description": about, "type": ["string", "null"]});
    let branch = |operation: &Operation| {
        let needed = target(&operation.request).and_then(|name| document.requests.get(name));
        let needed = needed.is_some_and(|schema| fields(schema).iter().any(|field| field.required));
        let required = if needed { json!(["op", "input"]) } else { json!(["op"]) };
        json!({"properties": {"op": {"const": operation.name}, "input": operation.request}, "required": required})
    };
    json!({
        "$schema": DIALECT,
        "title": "Request",
        "description": "A request to the engine: the envelope with the input of one operation.",
        "type": "object",
        "properties": {
            "wire": {"description": "The wire version.", "const": 1},
            "op": {"description": "The operation.", "type": "string"},
            "context": document.envelope.get("context"),
            "config": {
                "description": "A configuration to use instead of the stored one.",
                "anyOf": [document.envelope.get("config"), {"type": "null"}],
            },
            "idempotency_key": text("The caller's key, by which a repeated request is known."),
            "expect_version": {
                "description": "The version at which the caller expects the record that it changes.",
                "type": ["integer", "null"],
                "minimum": 0,
            },
            "explain": document.envelope.get("explain"),
            "input": {"description": "The operation's own input."},
            "facts": {"description": "The facts, for `decide` alone.", "type": ["array", "null"]},
        },
        "required": ["op"],
        "additionalProperties": false,
        "oneOf": document.operations.iter().map(branch).collect::<Vec<_>>(),
        "$defs": document.requests,
    })
}

/// Any answer, with the operations' own answers by name.
fn answers(document: &Document) -> Value {
    let by_name: Map<String, Value> = document.operations.iter().map(|o| (o.name.clone(), o.answer.clone())).collect();
    let mut seen = BTreeSet::new();
    let values: Vec<&Value> =
        document.operations.iter().map(|o| &o.answer).filter(|answer| seen.insert(answer.to_string())).collect();
    json!({
        "$schema": DIALECT,
        "title": "Answer",
        "description": "An answer of the engine. Readers ignore fields that they do not know. `x-operations` names each operation's value.",
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "ok": {"const": true},
                    "value": {"anyOf": values},
                    "reasons": {"type": "array", "items": document.envelope.get("reason")},
                },
                "required": ["ok", "value"],
            },
            {
                "type": "object",
                "properties": {"ok": {"const": false}, "error": document.envelope.get("error")},
                "required": ["ok", "error"],
            },
        ],
        "x-operations": by_name,
        "$defs": document.answers,
    })
}

/// The operations in OpenRPC's form; the parameters are the fields of the input.
fn openrpc(document: &Document) -> Value {
    let renamed = renamed(document);
    let errors: Vec<Value> = KINDS.iter().map(|kind| json!({"$ref": format!("#/components/errors/{kind}")})).collect();
    let method = |operation: &Operation| {
        let input = target(&operation.request).and_then(|name| document.requests.get(name));
        let params: Vec<Value> = input
            .map(fields)
            .unwrap_or_default()
            .iter()
            .map(|field| {
                json!({
                    "name": field.name,
                    "description": description(field.schema),
                    "required": field.required,
                    "schema": located(field.schema, Some(&renamed)),
                })
            })
            .collect();
        json!({
            "name": operation.name,
            "summary": operation.doc.lines().next().unwrap_or_default(),
            "description": operation.doc,
            "tags": [{"name": operation.effect}],
            "paramStructure": "by-name",
            "params": params,
            "result": {"name": "value", "schema": located(&operation.answer, None)},
            "errors": errors,
        })
    };
    let mut schemas = Map::new();
    for (name, schema) in &document.requests {
        let own = if renamed.contains(name) { format!("{name}Input") } else { name.clone() };
        schemas.insert(own, located(schema, Some(&renamed)));
    }
    for (name, schema) in &document.answers {
        schemas.insert(name.clone(), located(schema, None));
    }
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "crm-core",
            "version": document.version,
            "license": {"name": "MIT OR Apache-2.0"},
            "description": "The operations of the CRM engine. An error's number stands for its kind; its `data` is the engine's own error.",
        },
        "methods": document.operations.iter().map(method).collect::<Vec<_>>(),
        "components": {"schemas": schemas, "errors": errors_by_kind(document)},
    })
}

/// The kinds of errors; a kind's place, from 1, is its number, so new ones are added at the end.
const KINDS: [&str; 9] = [
    "validation",
    "not_found",
    "conflict",
    "invalid_transition",
    "forbidden",
    "limit",
    "storage",
    "unsupported",
    "internal",
];

fn errors_by_kind(document: &Document) -> Map<String, Value> {
    let row = |(place, kind): (usize, &&str)| {
        let of_kind = document.codes.iter().filter(|code| code.kind.as_deref() == Some(kind));
        let codes: Vec<&str> = of_kind.map(|code| code.name.as_str()).collect();
        let data = json!({"kind": kind, "codes": codes});
        ((*kind).to_owned(), json!({"code": place + 1, "message": kind, "data": data}))
    };
    KINDS.iter().enumerate().map(row).collect()
}

/// The definitions that differ between requests and answers, directly or by what they refer to.
fn renamed(document: &Document) -> BTreeSet<String> {
    let both: Vec<&String> = document.requests.keys().filter(|name| document.answers.contains_key(*name)).collect();
    let differs = |name: &&String| document.requests.get(*name) != document.answers.get(*name);
    let mut found: BTreeSet<String> = both.iter().copied().filter(differs).cloned().collect();
    loop {
        let more: Vec<String> = both
            .iter()
            .filter(|name| !found.contains(**name) && refers(document.requests.get(**name), &found))
            .map(|n| (*n).clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn refers(schema: Option<&Value>, names: &BTreeSet<String>) -> bool {
    match schema {
        Some(Value::Object(map)) => {
            schema.and_then(target).is_some_and(|name| names.contains(name))
                || map.values().any(|inner| refers(Some(inner), names))
        }
        Some(Value::Array(items)) => items.iter().any(|inner| refers(Some(inner), names)),
        _ => false,
    }
}

/// A schema with its references turned into the components; those of requests under their own names where they differ.
fn located(schema: &Value, renamed: Option<&BTreeSet<String>>) -> Value {
    match schema {
        Value::Object(map) => map
            .iter()
            .map(|(key, inner)| match (key.as_str(), target(schema)) {
                ("$ref", Some(name)) => {
                    let suffix = if renamed.is_some_and(|names| names.contains(name)) { "Input" } else { "" };
                    (key.clone(), format!("#/components/schemas/{name}{suffix}").into())
                }
                _ => (key.clone(), located(inner, renamed)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|inner| located(inner, renamed)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::located;
    use serde_json::json;

    #[test]
    fn references_lead_into_the_components() {
        let names = ["Decimal".to_owned()].into();
        let schema = json!({"anyOf": [{"$ref": "#/$defs/Decimal"}, {"$ref": "#/$defs/Id"}]});
        let expected =
            json!({"anyOf": [{"$ref": "#/components/schemas/DecimalInput"}, {"$ref": "#/components/schemas/Id"}]});
        assert_eq!(located(&schema, Some(&names)), expected);
    }
}
