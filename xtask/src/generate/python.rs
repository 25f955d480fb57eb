//! The generated half of the Python package: `bindings-python/python/crm_core/_generated`.
//!
//! [`types`] reads the schemas, [`models`] writes pydantic models and the forms in which dictionaries may be given, [`areas`] the
//! façades with a method for every operation.

mod areas;
mod models;
mod text;
mod types;

use std::fmt::Write as _;

use super::Files;
use super::document::{Document, target};
use text::{HEAD, literal};
use types::Types;

/// All of them.
pub fn files(document: &Document) -> Files {
    let types = Types::of(document);
    let file = |name: &str, text: String| (format!("bindings-python/python/crm_core/_generated/{name}").into(), text);
    vec![
        file("__init__.py", format!("{HEAD}\"\"\"What follows from the operation table.\"\"\"\n")),
        file("models.py", models::models(&types)),
        file("inputs.py", models::inputs(&types)),
        file("areas.py", areas::areas(document, &types, areas::Manner::Sync)),
        file("async_areas.py", areas::areas(document, &types, areas::Manner::Async)),
        file("pure.py", areas::pure(document)),
        file("operations.py", operations(document)),
        file("catalogue.py", catalogue(document)),
    ]
}

/// Which model each operation answers with, and which one a kind of record has.
fn operations(document: &Document) -> String {
    let mut out = format!("{HEAD}\"\"\"Every operation: what it does to records, and what it answers.\"\"\"\n\n");
    out.push_str("from __future__ import annotations\n\nfrom typing import NamedTuple\n\nfrom . import models\n\n\n");
    out.push_str("class Operation(NamedTuple):\n    \"\"\"One row of the table.\"\"\"\n\n    effect: str\n    answer: type\n\n\n");
    out.push_str("OPERATIONS: dict[str, Operation] = {\n");
    for operation in &document.operations {
        let answer = target(&operation.answer).unwrap_or("object");
        let _ = writeln!(
            out,
            "    {}: Operation({}, models.{answer}),",
            literal(&operation.name),
            literal(&operation.effect)
        );
    }
    out.push_str("}\n\n# The model of each kind of record.\nKINDS: dict[str, type] = {\n");
    for kind in &document.kinds {
        // A kind is called as its model is, but where another model has that name.
        let name = match kind.name.as_str() {
            "configuration" => "ConfigRecord".to_owned(),
            "history" => "HistoryEntry".to_owned(),
            name => text::camel(name),
        };
        if document.answers.contains_key(&name) {
            let _ = writeln!(out, "    {}: models.{name},", literal(&kind.name));
        }
    }
    out.push_str("}\n");
    out
}

fn catalogue(document: &Document) -> String {
    let mut out =
        format!("{HEAD}\"\"\"Every code with its class of error and its English and Chinese template.\"\"\"\n\n");
    out.push_str("CODES: dict[str, tuple[str | None, str, str]] = {\n");
    for code in &document.codes {
        let kind = code.kind.as_deref().map_or_else(|| "None".to_owned(), literal);
        let _ = writeln!(
            out,
            "    {}: (\n        {kind},\n        {},\n        {},\n    ),",
            literal(&code.name),
            literal(&code.english),
            literal(&code.chinese)
        );
    }
    out.push_str("}\n\n# Chinese words for values, by detail and value.\nWORDS: dict[str, str] = {\n");
    for (name, word) in &document.words {
        let _ = writeln!(out, "    {}: {},", literal(name), literal(word.as_str().unwrap_or_default()));
    }
    out.push_str("}\n");
    out
}
