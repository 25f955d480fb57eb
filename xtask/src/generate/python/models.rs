//! The models, and the dictionaries that may be given in their place.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::document::{Field, description, fields, nullable, variants};
use super::text::{HEAD, docstring, identifier, is_keyword, literal, value};
use super::types::{Definition, Form, Side, Types, literals};

/// pydantic models of everything that is sent or comes back.
pub fn models(types: &Types) -> String {
    let mut out = format!("{HEAD}\"\"\"Models of everything that is sent or comes back.\"\"\"\n\n");
    out.push_str(
        "from __future__ import annotations\n\nimport datetime as _dt\nfrom decimal import Decimal\n\
         from typing import Any, Literal\n\nfrom pydantic import AwareDatetime, Field, StrictBool\n\n\
         from .._values import Answered, Exact, Sent\n\n",
    );
    let _ = writeln!(out, "{}\n", all(types, &[Form::Literals, Form::Class, Form::Union], ""));
    for (name, definition) in of(types, Form::Literals) {
        alias(&mut out, name, &definition.schema);
    }
    for (name, definition) in of(types, Form::Class) {
        class(&mut out, types, name, definition);
    }
    for (name, definition) in of(types, Form::Union) {
        let side = if definition.sent { Side::Sent } else { Side::Answered };
        let _ = writeln!(out, "\n{name} = {}", types.hint(&definition.schema, side));
    }
    out
}

fn of(types: &Types, form: Form) -> impl Iterator<Item = (&str, &Definition)> {
    types
        .0
        .iter()
        .filter(move |(_, definition)| definition.form == form)
        .map(|(name, definition)| (name.as_str(), definition))
}

fn all(types: &Types, forms: &[Form], ending: &str) -> String {
    let mut rows = String::from("__all__ = [\n");
    for (name, _) in types.0.iter().filter(|(_, d)| forms.contains(&d.form) && (ending.is_empty() || d.sent)) {
        let _ = writeln!(rows, "    \"{name}{ending}\",");
    }
    rows + "]\n"
}

fn alias(out: &mut String, name: &str, schema: &Value) {
    let names = variants(schema).unwrap_or_default();
    let one = literals(&names);
    let _ = match names.len() {
        0..=5 => writeln!(out, "{name} = {one}"),
        _ => writeln!(
            out,
            "{name} = Literal[\n    {},\n]",
            one.trim_start_matches("Literal[").trim_end_matches(']').replace(", ", ",\n    ")
        ),
    };
    let rows: Vec<String> =
        names.iter().filter(|(_, about)| !about.is_empty()).map(|(n, about)| format!("- `{n}`: {about}")).collect();
    let about = format!("{}\n\n{}", description(schema), rows.join("\n"));
    let _ = writeln!(out, "{}", docstring(&about, 0));
}

fn class(out: &mut String, types: &Types, name: &str, definition: &Definition) {
    let (base, side) = if definition.sent { ("Sent", Side::Sent) } else { ("Answered", Side::Answered) };
    let about = match description(&definition.schema) {
        "" => "One of several alternatives.",
        about => about,
    };
    let _ = write!(out, "\nclass {name}({base}):\n{}\n", docstring(about, 4));
    for field in ordered(&definition.schema) {
        let (hint, default) = with_default(types, &field, side);
        let mut arguments = Vec::new();
        arguments.extend(default);
        if is_keyword(field.name) {
            arguments.push(format!("alias={}", literal(field.name)));
        }
        if !description(field.schema).is_empty() {
            arguments.push(format!("description={}", literal(description(field.schema))));
        }
        let own = identifier(field.name);
        let _ = match arguments.as_slice() {
            [] => writeln!(out, "    {own}: {hint}"),
            _ => writeln!(out, "    {own}: {hint} = Field(\n        {},\n    )", arguments.join(",\n        ")),
        };
    }
    out.push('\n');
}

/// Fields as people look for them: id and version first, then the others as the schema gives them.
pub fn ordered(schema: &Value) -> Vec<Field<'_>> {
    let mut fields = fields(schema);
    fields.sort_by_key(|field| match field.name {
        "id" if field.required => 0,
        "version" if !field.required => 1,
        _ => 2,
    });
    fields
}

/// A field's type and, unless it must be there, its default: the schema's, none, or what is empty for its type.
fn with_default(types: &Types, field: &Field<'_>, side: Side) -> (String, Option<String>) {
    let hint = types.hint(field.schema, side);
    if field.required {
        return (hint, None);
    }
    let plain = |default: &str| Some(format!("default={default}"));
    match field.schema.get("default") {
        Some(Value::Object(_)) => {
            let default = format!("default_factory=lambda: {hint}()");
            return (hint, Some(default));
        }
        Some(Value::Array(items)) if items.is_empty() => return (hint, Some("default_factory=list".to_owned())),
        Some(Value::Null) | None => {}
        Some(default) => return (hint, plain(&value(default))),
    }
    let (inner, null) = nullable(field.schema);
    if null || hint == "Any" {
        return (hint, plain("None"));
    }
    match inner.get("type").and_then(Value::as_str) {
        Some("array") => (hint, Some("default_factory=list".to_owned())),
        Some("object") => (hint, Some("default_factory=dict".to_owned())),
        Some("integer") => (hint, plain("0")),
        Some("boolean") => (hint, plain("False")),
        _ => (format!("{hint} | None"), plain("None")),
    }
}

/// What may be given where a model is expected.
pub fn inputs(types: &Types) -> String {
    let mut out = format!("{HEAD}\"\"\"Dictionaries that may be given where a model is expected.\"\"\"\n\n");
    out.push_str(
        "from __future__ import annotations\n\nfrom collections.abc import Mapping, Sequence\n\
         from typing import Any, Literal, NotRequired, TypedDict\n\n\
         from .._values import DateLike, DecimalLike, InstantLike\nfrom . import models\n\n",
    );
    let _ = writeln!(out, "{}", all(types, &[Form::Class, Form::Union], "Input"));
    for (name, definition) in of(types, Form::Class).filter(|(_, definition)| definition.sent) {
        let fields = ordered(&definition.schema);
        let rows: Vec<(&str, String)> = fields
            .iter()
            .map(|field| {
                let hint = types.hint(field.schema, Side::Given);
                (field.name, if field.required { hint } else { format!("NotRequired[{hint}]") })
            })
            .collect();
        if rows.iter().any(|(name, _)| is_keyword(name)) {
            let _ = writeln!(out, "\n{name}Input = TypedDict(\n    \"{name}Input\",\n    {{");
            for (field, hint) in rows {
                let _ = writeln!(out, "        \"{field}\": \"{}\",", hint.replace('"', "'"));
            }
            out.push_str("    },\n)\n\n");
            continue;
        }
        let _ = write!(out, "\nclass {name}Input(TypedDict):\n{}", docstring(description(&definition.schema), 4));
        if !rows.is_empty() {
            out.push('\n');
        }
        for (field, hint) in rows {
            let _ = writeln!(out, "    {field}: {hint}");
        }
        out.push('\n');
    }
    for (name, definition) in of(types, Form::Union).filter(|(_, definition)| definition.sent) {
        let _ = writeln!(out, "\n{name}Input = {}", types.hint(&definition.schema, Side::Given));
    }
    out
}
