//! The schemas as Python types.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::document::{Document, fields, nullable, target, variants};
use super::text::{camel, literal};

/// Written by hand in the package.
const BY_HAND: [&str; 2] = ["Reason", "Error"];

/// What a definition is in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text with a meaning, such as a date; not a type of its own.
    Scalar,
    /// An alias of literals.
    Literals,
    /// A class.
    Class,
    /// An alias of several alternatives.
    Union,
}

/// One definition.
pub struct Definition {
    /// Its schema.
    pub schema: Value,
    /// What it is in Python.
    pub form: Form,
    /// Whether it may be sent.
    pub sent: bool,
}

/// From which side a type is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A field of a model that may be sent.
    Sent,
    /// A field of a model that only comes back.
    Answered,
    /// What a caller may give in its place.
    Given,
}

/// Every definition by name: what may be sent as requests describe it, all else as answers do.
pub struct Types(pub BTreeMap<String, Definition>);

impl Types {
    /// Reads the interface.
    pub fn of(document: &Document) -> Self {
        let mut all = BTreeMap::new();
        for (sent, definitions) in [(false, &document.answers), (true, &document.requests)] {
            for (name, schema) in definitions.iter().filter(|(name, _)| !BY_HAND.contains(&name.as_str())) {
                let mut schema = schema.clone();
                let mut made = Vec::new();
                hoist(&mut schema, name, true, &mut made);
                for (name, schema) in made.into_iter().chain([(name.clone(), schema)]) {
                    let form = form(&schema);
                    all.insert(name, Definition { schema, form, sent });
                }
            }
        }
        Types(all)
    }

    /// The type of a schema.
    pub fn hint(&self, schema: &Value, side: Side) -> String {
        let (inner, null) = nullable(schema);
        let hint = self.filled(&inner, side);
        if null && hint != "Any" { format!("{hint} | None") } else { hint }
    }

    fn filled(&self, schema: &Value, side: Side) -> String {
        if let Some(name) = target(schema) {
            return self.named(name, side);
        }
        if let Some(known) = scalar(schema, side) {
            return known.to_owned();
        }
        if let Some(names) = variants(schema) {
            return literals(&names);
        }
        if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
            let mut hints: Vec<String> = Vec::new();
            for hint in choices.iter().map(|choice| self.hint(choice, side)) {
                if !hints.contains(&hint) {
                    hints.push(hint);
                }
            }
            if hints.iter().filter(|hint| *hint != "None").count() > 1 && side != Side::Given {
                // Among other types a plain one would take the numbers 0 and 1 too.
                hints.iter_mut().filter(|hint| *hint == "bool").for_each(|hint| *hint = "StrictBool".to_owned());
            }
            return hints.join(" | ");
        }
        let inner = |name: &str| schema.get(name).map_or_else(|| "Any".to_owned(), |inner| self.hint(inner, side));
        match (schema.get("type").and_then(Value::as_str), side) {
            (Some("string"), _) => "str".to_owned(),
            (Some("boolean"), _) => "bool".to_owned(),
            (Some("integer"), _) => "int".to_owned(),
            (Some("array"), Side::Given) => format!("Sequence[{}]", inner("items")),
            (Some("array"), _) => format!("list[{}]", inner("items")),
            (Some("object"), Side::Given) => format!("Mapping[str, {}]", inner("additionalProperties")),
            (Some("object"), _) => format!("dict[str, {}]", inner("additionalProperties")),
            _ => "Any".to_owned(),
        }
    }

    fn named(&self, name: &str, side: Side) -> String {
        let Some(definition) = self.0.get(name) else { return name.to_owned() };
        match (definition.form, side) {
            (Form::Scalar, _) => scalar(&definition.schema, side).unwrap_or("str").to_owned(),
            (Form::Literals, Side::Given) => format!("models.{name}"),
            (Form::Class | Form::Union, Side::Given) => format!("models.{name} | {name}Input"),
            _ => name.to_owned(),
        }
    }
}

/// A text with a meaning, by its format.
fn scalar(schema: &Value, side: Side) -> Option<&'static str> {
    let format = schema.get("format")?.as_str()?;
    Some(match (format, side) {
        ("decimal", Side::Sent) => "Exact",
        ("decimal", Side::Answered) => "Decimal",
        ("decimal", Side::Given) => "DecimalLike",
        ("date", Side::Given) => "DateLike",
        ("date", _) => "_dt.date",
        ("date-time", Side::Given) => "InstantLike",
        ("date-time", _) => "AwareDatetime",
        ("currency" | "id", _) => "str",
        _ => return None,
    })
}

/// Texts as a type.
pub fn literals(names: &[(&str, &str)]) -> String {
    format!("Literal[{}]", names.iter().map(|(name, _)| literal(name)).collect::<Vec<_>>().join(", "))
}

fn form(schema: &Value) -> Form {
    if scalar(schema, Side::Given).is_some() {
        Form::Scalar
    } else if variants(schema).is_some() {
        Form::Literals
    } else if schema.get("properties").is_some() || schema.get("oneOf").or_else(|| schema.get("anyOf")).is_none() {
        Form::Class
    } else {
        Form::Union
    }
}

/// Gives every object that stands inside another schema a name of its own: that of its tag or its one field, else of its place.
fn hoist(schema: &mut Value, name: &str, top: bool, made: &mut Vec<(String, Value)>) {
    match schema {
        Value::Array(items) => {
            for (place, item) in items.iter_mut().enumerate() {
                let own = part(item).unwrap_or_else(|| place.to_string());
                hoist(item, &format!("{name}{}", camel(&own)), false, made);
            }
        }
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                match (key.as_str(), inner) {
                    ("properties", Value::Object(properties)) => {
                        for (field, inner) in properties.iter_mut() {
                            hoist(inner, &format!("{name}{}", camel(field)), false, made);
                        }
                    }
                    ("oneOf" | "anyOf", inner) => hoist(inner, name, true, made),
                    ("items" | "additionalProperties", inner) => hoist(inner, &format!("{name}Item"), false, made),
                    _ => {}
                }
            }
            if !top && map.contains_key("properties") && !fields(schema).is_empty() {
                let own = std::mem::replace(schema, serde_json::json!({"$ref": format!("#/$defs/{name}")}));
                made.push((name.to_owned(), own));
            }
        }
        _ => {}
    }
}

/// What names a variant: the constant of its tag, or its only field.
fn part(variant: &Value) -> Option<String> {
    let properties = variant.get("properties")?.as_object()?;
    let constant = properties.values().find_map(|field| field.get("const")?.as_str());
    let only = (properties.len() == 1).then(|| properties.keys().next().map(String::as_str)).flatten();
    constant.or(only).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variants_with_fields_get_names() {
        let mut schema = json!({"oneOf": [
            {"type": "object", "properties": {"kind": {"const": "percent"}, "percent": {"type": "string"}}},
            {"type": "object", "properties": {"fixed": {"type": "object", "properties": {"amount": {"type": "string"}}}}},
        ]});
        let mut made = Vec::new();
        hoist(&mut schema, "Share", true, &mut made);
        let names: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["SharePercent", "ShareFixedFixed", "ShareFixed"]);
        assert_eq!(schema, json!({"oneOf": [{"$ref": "#/$defs/SharePercent"}, {"$ref": "#/$defs/ShareFixed"}]}));
    }

    #[test]
    fn hints_differ_by_side() {
        let types = Types(BTreeMap::new());
        let schema =
            json!({"anyOf": [{"type": "array", "items": {"type": "string", "format": "decimal"}}, {"type": "null"}]});
        assert_eq!(types.hint(&schema, Side::Given), "Sequence[DecimalLike] | None");
        assert_eq!(types.hint(&schema, Side::Sent), "list[Exact] | None");
        assert_eq!(types.hint(&schema, Side::Answered), "list[Decimal] | None");
    }
}
