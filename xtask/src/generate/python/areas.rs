//! The façades: a class for every area with a method for every operation, twice, for waiting and for awaiting callers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::document::{Document, Operation, description, target};
use super::models::ordered;
use super::text::{HEAD, camel, docstring, identifier, literal};
use super::types::{Form, Side, Types};

/// What the names of options are taken for; a field of an operation may not have one of these names.
const OPTIONS: [&str; 11] = [
    "tenant",
    "now",
    "zone",
    "actor",
    "seed",
    "locale",
    "correlation",
    "quiet_until",
    "explain",
    "idempotency_key",
    "expect_version",
];

/// How a façade gives its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// At once.
    Sync,
    /// To be awaited.
    Async,
}

impl Manner {
    fn caller(self) -> &'static str {
        match self {
            Manner::Sync => "Caller",
            Manner::Async => "AsyncCaller",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Manner::Sync => "",
            Manner::Async => "Async",
        }
    }
}

/// The areas with their operations, in the table's order.
fn grouped(document: &Document) -> Vec<(&str, Vec<&Operation>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut areas: Vec<(&str, Vec<&Operation>)> = Vec::new();
    for operation in document.operations.iter().filter(|operation| !operation.area.is_empty()) {
        let place = *places.entry(&operation.area).or_insert(areas.len());
        match areas.get_mut(place) {
            Some((_, operations)) => operations.push(operation),
            None => areas.push((&operation.area, vec![operation])),
        }
    }
    areas
}

fn is_pure(operation: &Operation) -> bool {
    operation.effect == "pure"
}

/// The classes of one manner.
pub fn areas(document: &Document, types: &Types, manner: Manner) -> String {
    let about = match manner {
        Manner::Sync => "A class for every area of operations.",
        Manner::Async => "A class for every area of operations, whose methods are awaited.",
    };
    let mut out = String::new();
    let area = format!("{}Area", manner.prefix());
    for (name, operations) in grouped(document) {
        let class = format!("{}{}Area", manner.prefix(), camel(name));
        let (pure, stored): (Vec<&Operation>, Vec<&Operation>) = operations.into_iter().partition(|o| is_pure(o));
        if !pure.is_empty() && !stored.is_empty() && manner == Manner::Sync {
            write_class(&mut out, types, document, (&format!("Pure{class}"), &area, name), &pure, manner);
            write_class(&mut out, types, document, (&class, &format!("Pure{class}"), name), &stored, manner);
        } else {
            let every: Vec<&Operation> = pure.into_iter().chain(stored).collect();
            write_class(&mut out, types, document, (&class, &area, name), &every, manner);
        }
    }
    let _ = write!(
        out,
        "\nclass {}Areas({}):\n    \"\"\"Every area of operations.\"\"\"\n",
        manner.prefix(),
        manner.caller()
    );
    for (name, _) in grouped(document) {
        let class = format!("{}{}Area", manner.prefix(), camel(name));
        let about = format!("The operations of `{name}`.");
        let _ = write!(
            out,
            "\n    @property\n    def {name}(self) -> {class}:\n{}        return {class}(self)\n",
            docstring(&about, 8)
        );
    }
    head(types, manner, about, &out) + &out
}

/// The imports, of what the body names.
fn head(types: &Types, manner: Manner, about: &str, body: &str) -> String {
    let names = |text: &str, name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let ends = |letter: Option<char>| letter.is_none_or(|l| !l.is_alphanumeric() && l != '_');
            let (before, after) = text.split_at(at);
            ends(before.chars().next_back()) && ends(after.get(name.len()..).and_then(|rest| rest.chars().next()))
        })
    };
    let used = |list: &[&str]| list.iter().copied().filter(|name| names(body, name)).collect::<Vec<_>>().join(", ");
    let mut out = format!("{HEAD}\"\"\"{about}\"\"\"\n\nfrom __future__ import annotations\n\n");
    for (module, list) in [
        ("collections.abc", &["Mapping", "Sequence"][..]),
        ("typing", &["Any", "Literal", "Unpack"]),
        ("", &[]),
        (".._answer", &["Answer"]),
        (".._caller", &[&format!("{}Area", manner.prefix()), manner.caller()]),
        (".._values", &["UNSET", "DateLike", "DecimalLike", "InstantLike", "Options", "Unset"]),
    ] {
        let _ = match (module, used(list)) {
            ("", _) => writeln!(out),
            (_, list) if list.is_empty() => Ok(()),
            (_, list) => writeln!(out, "from {module} import {list}"),
        };
    }
    out.push_str("from . import models\nfrom .inputs import (\n");
    let given = types.0.iter().filter(|(_, d)| d.sent && matches!(d.form, Form::Class | Form::Union));
    for name in given.map(|(name, _)| format!("{name}Input")).filter(|name| names(body, name)) {
        let _ = writeln!(out, "    {name},");
    }
    out.push_str(")\n\n");
    out
}

type Named<'a> = (&'a str, &'a str, &'a str);

fn write_class(
    out: &mut String,
    types: &Types,
    document: &Document,
    named: Named<'_>,
    operations: &[&Operation],
    manner: Manner,
) {
    let (class, base, area) = named;
    let about = format!("The operations of `{area}`.");
    let _ = write!(out, "\nclass {class}({base}):\n{}", docstring(&about, 4));
    for operation in operations {
        method(out, types, document, operation, manner);
    }
    out.push('\n');
}

/// One parameter of a method.
struct Parameter {
    wire: String,
    name: String,
    hint: String,
    about: String,
    required: bool,
}

fn method(out: &mut String, types: &Types, document: &Document, operation: &Operation, manner: Manner) {
    let schema = target(&operation.request).and_then(|name| document.requests.get(name));
    let parameters: Vec<Parameter> = schema
        .map(ordered)
        .unwrap_or_default()
        .iter()
        .map(|field| Parameter {
            wire: field.name.to_owned(),
            name: identifier(field.name),
            hint: types.hint(field.schema, Side::Given),
            about: description(field.schema).to_owned(),
            required: field.required,
        })
        .collect();
    let takes_options = !parameters.iter().any(|parameter| OPTIONS.contains(&parameter.wire.as_str()));
    let answer = target(&operation.answer).unwrap_or("object");
    let (define, go) = match manner {
        Manner::Sync => ("def", "return self._caller._run("),
        Manner::Async => ("async def", "return await self._caller._run("),
    };
    let _ = write!(out, "\n    {define} {}(\n        self,\n", identifier(&operation.method));
    let mut keyword = false;
    let alone = parameters.iter().filter(|parameter| parameter.required).count() == 1;
    for parameter in &parameters {
        // By place stand a record's id, and what alone must be given.
        if !(keyword || parameter.required && (alone || parameter.wire == "id")) {
            out.push_str("        *,\n");
            keyword = true;
        }
        let _ = match parameter.required {
            true => writeln!(out, "        {}: {},", parameter.name, parameter.hint),
            false => writeln!(out, "        {}: {} | Unset = UNSET,", parameter.name, parameter.hint),
        };
    }
    if takes_options {
        out.push_str("        **options: Unpack[Options],\n");
    }
    let _ = writeln!(out, "    ) -> Answer[models.{answer}]:");
    let mut about = operation.doc.clone();
    if !parameters.is_empty() {
        about.push_str("\n\nArgs:");
    }
    let mut text = docstring(&about, 8);
    if !parameters.is_empty() {
        let head = text.trim_end().trim_end_matches("\"\"\"").trim_end().to_owned();
        let rows: String = parameters.iter().map(argument).collect();
        text = format!("{head}\n{rows}        \"\"\"\n");
    }
    out.push_str(&text);
    let _ = writeln!(out, "        {go}\n            {},", literal(&operation.name));
    let rows: Vec<String> = parameters.iter().map(|p| format!("{}: {}", literal(&p.wire), p.name)).collect();
    let _ = match rows.iter().map(|row| row.len() + 2).sum::<usize>() {
        0..=100 => writeln!(out, "            {{{}}},", rows.join(", ")),
        _ => writeln!(out, "            {{\n                {},\n            }},", rows.join(",\n                ")),
    };
    let _ = writeln!(
        out,
        "            models.{answer},\n            {},\n        )",
        if takes_options { "options" } else { "Options()" }
    );
}

/// One parameter's line in a docstring.
fn argument(parameter: &Parameter) -> String {
    let text = super::text::wrapped(&format!("{}: {}", parameter.name, parameter.about.replace('\n', " ")), 12);
    // What is wrapped stands further in.
    text.lines()
        .enumerate()
        .map(|(at, line)| if at == 0 { format!("{line}\n") } else { format!("    {line}\n") })
        .collect()
}

/// The areas that need no engine, ready to be imported.
pub fn pure(document: &Document) -> String {
    let mut out = format!("{HEAD}\"\"\"The operations that need no engine, ready to be used.\"\"\"\n\n");
    out.push_str("from .._caller import PURE\nfrom . import areas\n\n__all__ = [\n");
    let groups = grouped(document);
    let pure: Vec<_> = groups.iter().filter(|(_, operations)| operations.iter().any(|o| is_pure(o))).collect();
    for (name, _) in &pure {
        let _ = writeln!(out, "    \"{name}\",");
    }
    out.push_str("]\n\n");
    for (name, operations) in &pure {
        let prefix = if operations.iter().all(|o| is_pure(o)) { "" } else { "Pure" };
        let _ = writeln!(out, "{name} = areas.{prefix}{}Area(PURE)", camel(name));
    }
    out
}
