//! Interfaces of every type, and of every area's methods.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::super::document::{Definitions, Document, Operation, description, fields, target, variants};
use super::{MARK, by_area, camel, comment, pascal};

/// Names that would hide the language's own.
const RENAMED: [(&str, &str); 4] =
    [("Date", "CalendarDate"), ("Error", "ErrorData"), ("Kind", "ErrorKind"), ("Mode", "RoundingMode")];

/// The types of one direction.
struct Side<'a> {
    definitions: &'a Definitions,
    /// The names that mean something else when they are sent than when they come back.
    differ: &'a BTreeSet<String>,
    sent: bool,
}

/// All interfaces.
pub fn types(document: &Document) -> String {
    let differ = differing(document);
    let sent = Side { definitions: &document.requests, differ: &differ, sent: true };
    let back = Side { definitions: &document.answers, differ: &differ, sent: false };
    let mut out = MARK.to_owned();
    out.push_str(
        "\n/** An exact decimal as it comes back: a string, such as `\"12.50\"`. */\nexport type Decimal = string;\n\
         \n/**\n * An exact decimal as it is given: a string, an integer, a bigint, or an object with an exact\n \
         * `toFixed()` (decimal.js, big.js). A number with a fraction is refused.\n */\nexport type DecimalInput = string | number | bigint | { toFixed(): string };\n\
         \n/** An instant as it comes back: RFC 3339 in UTC. */\nexport type Instant = string;\n\
         \n/** An instant as it is given: RFC 3339, or a `Date`. */\nexport type InstantInput = string | Date;\n",
    );
    for (name, schema) in &document.answers {
        if !matches!(name.as_str(), "Decimal" | "Instant") {
            back.definition(&mut out, name, schema);
        }
    }
    for (name, schema) in &document.requests {
        let known = document.answers.contains_key(name) && !differ.contains(name);
        if !known && !matches!(name.as_str(), "Decimal" | "Instant") {
            sent.definition(&mut out, name, schema);
        }
    }
    out.push_str("\n/** Every operation's input and value. */\nexport interface Operations {\n");
    for operation in &document.operations {
        let (input, value) = (sent.written(&operation.request), back.written(&operation.answer));
        let _ = writeln!(out, "  '{}': {{ input: {input}; value: {value} }};", operation.name);
    }
    out.push_str("}\n");
    out
}

/// The interfaces of areas: with Promises on an engine, and at once for what needs none.
pub fn areas(document: &Document) -> String {
    let differ = differing(document);
    let sent = Side { definitions: &document.requests, differ: &differ, sent: true };
    let back = Side { definitions: &document.answers, differ: &differ, sent: false };
    let mut used = BTreeSet::new();
    let mut out = String::new();
    let mut method = |out: &mut String, operation: &Operation, options: &str, promise: &str| {
        let (input, value) = (sent.written(&operation.request), back.written(&operation.answer));
        let mark = optional(document, operation);
        let answer =
            if promise.is_empty() { format!("Answer<{value}, O>") } else { format!("{promise}<Answer<{value}, O>>") };
        out.push_str(&comment(&operation.doc, "  "));
        let name = camel(&operation.method);
        // A text stands for the one field that must be given.
        let text = match super::required(document, operation).as_slice() {
            [only] if sent.is_text(only.schema) => " | string",
            _ => "",
        };
        let _ =
            writeln!(out, "  {name}<O extends {options} = {{}}>(input{mark}: {input}{text}, options?: O): {answer};");
        used.extend([input, value]);
    };
    let areas = by_area(document);
    for (area, operations) in &areas {
        let name = pascal(area);
        let _ = writeln!(out, "\n/** The area `{area}` of an engine. */\nexport interface {name}Area {{");
        operations.iter().for_each(|operation| method(&mut out, operation, "Options", "Promise"));
        out.push_str("}\n");
        let pure: Vec<_> = operations.iter().filter(|operation| operation.effect == "pure").collect();
        if !pure.is_empty() {
            let _ = writeln!(
                out,
                "\n/** What `{area}` computes at once, without an engine. */\nexport interface Pure{name} {{"
            );
            pure.iter().for_each(|operation| method(&mut out, operation, "PureOptions", ""));
            out.push_str("}\n");
        }
    }
    out.push_str("\n/** The areas of an engine. */\nexport interface Areas {\n");
    for (area, _) in &areas {
        let _ = writeln!(out, "  readonly {area}: {}Area;", pascal(area));
    }
    out.push_str("}\n");
    let used: Vec<String> = used.into_iter().collect();
    format!(
        "{MARK}\nimport type {{ Answer, Options, PureOptions }} from './crm';\nimport type {{\n  {},\n}} from './types';\n{out}",
        used.join(",\n  ")
    )
}

/// `?` where no field of the input is required.
fn optional(document: &Document, operation: &Operation) -> &'static str {
    let has_fields = target(&operation.request).is_some_and(|name| document.requests.contains_key(name));
    if has_fields && super::required(document, operation).is_empty() { "?" } else { "" }
}

/// The names in both directions whose meaning differs, because of a decimal, an instant or a default anywhere below.
fn differing(document: &Document) -> BTreeSet<String> {
    let mut differ: BTreeSet<String> = ["Decimal", "Instant"].into_iter().map(str::to_owned).collect();
    let shared: Vec<&String> = document.requests.keys().filter(|name| document.answers.contains_key(*name)).collect();
    loop {
        let before = differ.len();
        for name in &shared {
            let (sent, back) = (document.requests.get(*name), document.answers.get(*name));
            let below = |schema: Option<&Value>| schema.is_some_and(|schema| mentions(schema, &differ));
            if sent != back || below(sent) {
                differ.insert((*name).clone());
            }
        }
        if differ.len() == before {
            return differ;
        }
    }
}

fn mentions(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(map) => {
            target(schema).is_some_and(|name| names.contains(name)) || map.values().any(|inner| mentions(inner, names))
        }
        Value::Array(list) => list.iter().any(|inner| mentions(inner, names)),
        _ => false,
    }
}

impl Side<'_> {
    fn name(&self, name: &str) -> String {
        let plain = RENAMED.iter().find(|(from, _)| *from == name).map_or(name, |(_, to)| to);
        let suffix = if self.sent && self.differ.contains(name) { "Input" } else { "" };
        format!("{plain}{suffix}")
    }

    fn definition(&self, out: &mut String, name: &str, schema: &Value) {
        let name = self.name(name);
        let _ = write!(out, "\n{}", comment(description(schema), ""));
        let is_object =
            schema.get("properties").is_some() && schema.get("oneOf").is_none() && schema.get("anyOf").is_none();
        if !is_object {
            let _ = writeln!(out, "export type {name} = {};", self.written(schema));
            return;
        }
        let _ = writeln!(out, "export interface {name} {{");
        for field in fields(schema) {
            out.push_str(&comment(description(field.schema), "  "));
            let mark = if field.required { "" } else { "?" };
            let _ = writeln!(out, "  {}{mark}: {};", field.name, self.written(field.schema));
        }
        out.push_str("}\n");
    }

    /// A schema as a type.
    fn written(&self, schema: &Value) -> String {
        if let Some(name) = target(schema) {
            debug_assert!(self.definitions.contains_key(name));
            return self.name(name);
        }
        if let Some(texts) = variants(schema) {
            return union(texts.iter().map(|(text, _)| format!("'{text}'")));
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(word).and_then(Value::as_array) {
                let own = schema.get("properties").map(|_| self.inline(schema));
                let any = union(choices.iter().map(|choice| self.written(choice)));
                return own.map_or(any.clone(), |own| format!("{own} & ({any})"));
            }
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return all.iter().map(|part| self.written(part)).collect::<Vec<_>>().join(" & ");
        }
        if let Some(value) = schema.get("const") {
            return value.to_string();
        }
        match schema.get("type") {
            Some(Value::Array(kinds)) => {
                union(kinds.iter().filter_map(Value::as_str).map(|kind| self.of_kind(kind, schema)))
            }
            Some(Value::String(kind)) => self.of_kind(kind, schema),
            _ => "unknown".to_owned(),
        }
    }

    /// Says whether any text may be given, also under a name such as `Id`.
    fn is_text(&self, schema: &Value) -> bool {
        let named = target(schema).and_then(|name| self.definitions.get(name));
        self.written(named.unwrap_or(schema)) == "string"
    }

    fn of_kind(&self, kind: &str, schema: &Value) -> String {
        match kind {
            "string" => "string".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "boolean" => "boolean".to_owned(),
            "null" => "null".to_owned(),
            "array" => {
                let item = schema.get("items").map_or_else(|| "unknown".to_owned(), |items| self.written(items));
                if item.contains([' ', '|']) { format!("({item})[]") } else { format!("{item}[]") }
            }
            "object" if schema.get("properties").is_some() => self.inline(schema),
            "object" => match schema.get("additionalProperties") {
                Some(inner @ Value::Object(_)) => format!("{{ [name: string]: {} }}", self.written(inner)),
                _ => "{ [name: string]: unknown }".to_owned(),
            },
            _ => "unknown".to_owned(),
        }
    }

    fn inline(&self, schema: &Value) -> String {
        let parts: Vec<String> = fields(schema)
            .iter()
            .map(|field| {
                format!("{}{}: {}", field.name, if field.required { "" } else { "?" }, self.written(field.schema))
            })
            .collect();
        if parts.is_empty() { "Record<string, never>".to_owned() } else { format!("{{ {} }}", parts.join("; ")) }
    }
}

fn union(parts: impl Iterator<Item = String>) -> String {
    let mut kept: Vec<String> = Vec::new();
    for part in parts {
        if !kept.contains(&part) {
            kept.push(part);
        }
    }
    kept.join(" | ")
}
