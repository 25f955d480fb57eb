//! The interface of the core as the generators read it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shell;

/// Named schemas.
pub type Definitions = BTreeMap<String, Value>;

/// The interface of the full build.
pub struct Document {
    /// The version of the engine.
    pub version: String,
    /// Every operation in the table's order, the batch last.
    pub operations: Vec<Operation>,
    /// References to the schemas of the envelope: `context`, `config` and `explain` among the requests, `reason` and `error`
    /// among the answers.
    pub envelope: BTreeMap<String, Value>,
    /// The schemas of what is sent.
    pub requests: Definitions,
    /// The schemas of what comes back.
    pub answers: Definitions,
    /// Every code of errors and reasons.
    pub codes: Vec<Code>,
    /// The Chinese words for values, by detail and value: `mode.half_even`.
    pub words: BTreeMap<String, Value>,
    /// Every kind of record.
    pub kinds: Vec<Kind>,
}

/// One operation.
pub struct Operation {
    /// The name, such as `quotes.price`.
    pub name: String,
    /// The area, such as `quotes`; empty for the batch.
    pub area: String,
    /// The method in the area, such as `price`.
    pub method: String,
    /// `pure`, `read` or `write`.
    pub effect: String,
    /// What is left to a host that decides it: `not_needed`, `complete`, `with_obligations` or `refused`.
    pub decides: String,
    /// Whether it is in the smallest build too.
    pub every_build: bool,
    /// What it does, in Markdown.
    pub doc: String,
    /// The schema of its input, a reference into the requests.
    pub request: Value,
    /// The schema of its answer, a reference into the answers.
    pub answer: Value,
}

/// One code.
pub struct Code {
    /// The stable name.
    pub name: String,
    /// The class of error; nothing for a reason.
    pub kind: Option<String>,
    /// The English template.
    pub english: String,
    /// The Chinese template.
    pub chinese: String,
}

/// One kind of record.
pub struct Kind {
    /// The name, such as `opportunity`.
    pub name: String,
    /// The declared indexes.
    pub indexes: Vec<String>,
}

/// One field of an object's schema.
pub struct Field<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether it must be there.
    pub required: bool,
    /// Its schema.
    pub schema: &'a Value,
}

impl Document {
    /// Asks the core.
    pub fn read() -> Result<Self, String> {
        let text = shell::capture(shell::cargo(&["run", "--quiet", "-p", "xtask-document"]))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("the interface is not JSON: {error}"))?;
        Ok(Document {
            version: string(&value, "version")?,
            operations: list(&value, "operations", Operation::parse)?,
            envelope: definitions(value.get("envelope"))?,
            requests: definitions(value.pointer("/requests/$defs"))?,
            answers: definitions(value.pointer("/answers/$defs"))?,
            codes: list(&value, "codes", Code::parse)?,
            words: definitions(value.pointer("/words/zh"))?,
            kinds: list(&value, "kinds", Kind::parse)?,
        })
    }
}

impl Operation {
    fn parse(value: &Value) -> Result<Self, String> {
        Ok(Operation {
            name: string(value, "name")?,
            area: string(value, "area")?,
            method: string(value, "method")?,
            effect: string(value, "effect")?,
            decides: string(value, "decides")?,
            every_build: value
                .get("every_build")
                .and_then(Value::as_bool)
                .ok_or("an operation without `every_build`")?,
            doc: string(value, "doc")?,
            request: value.get("request").cloned().ok_or("an operation without `request`")?,
            answer: value.get("answer").cloned().ok_or("an operation without `answer`")?,
        })
    }
}

impl Code {
    fn parse(value: &Value) -> Result<Self, String> {
        Ok(Code {
            name: string(value, "code")?,
            kind: value.get("kind").and_then(Value::as_str).map(str::to_owned),
            english: string(value, "english")?,
            chinese: string(value, "chinese")?,
        })
    }
}

impl Kind {
    fn parse(value: &Value) -> Result<Self, String> {
        let text =
            |index: &Value| index.as_str().map(str::to_owned).ok_or_else(|| "an index without a name".to_owned());
        Ok(Kind { name: string(value, "name")?, indexes: list(value, "indexes", text)? })
    }
}

fn string(value: &Value, name: &str) -> Result<String, String> {
    let found = value.get(name).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("the interface has no text `{name}`"))
}

fn list<T>(value: &Value, name: &str, item: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items = value.get(name).and_then(Value::as_array);
    items.ok_or_else(|| format!("the interface has no list `{name}`"))?.iter().map(item).collect()
}

fn definitions(value: Option<&Value>) -> Result<Definitions, String> {
    let map = value.and_then(Value::as_object).ok_or("the interface lacks definitions")?;
    Ok(map.iter().map(|(name, schema)| (name.clone(), schema.clone())).collect())
}

/// The name that a reference leads to.
pub fn target(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// What a schema says about itself.
pub fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// The fields of an object: required ones in their declared order, then the others by name.
pub fn fields(schema: &Value) -> Vec<Field<'_>> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let first = required.iter().filter_map(|name| properties.get_key_value(*name));
    let others = properties.iter().filter(|(name, _)| !required.contains(&name.as_str()));
    first
        .map(|(name, schema)| Field { name, required: true, schema })
        .chain(others.map(|(name, schema)| Field { name, required: false, schema }))
        .collect()
}

/// A schema without its null alternative, and whether it had one.
pub fn nullable(schema: &Value) -> (Value, bool) {
    let mut schema = schema.clone();
    let Some(map) = schema.as_object_mut() else { return (schema, false) };
    if let Some(Value::Array(types)) = map.get_mut("type") {
        let before = types.len();
        types.retain(|name| name != "null");
        let dropped = types.len() < before;
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
        return (schema, dropped);
    }
    for name in ["anyOf", "oneOf"] {
        let Some(Value::Array(choices)) = map.get_mut(name) else { continue };
        let before = choices.len();
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        let dropped = choices.len() < before;
        if let [only] = choices.as_slice() {
            return (only.clone(), dropped);
        }
        return (schema, dropped);
    }
    (schema, false)
}

/// The texts of an enumeration of texts, each with its description.
pub fn variants(schema: &Value) -> Option<Vec<(&str, &str)>> {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return names.iter().map(|name| name.as_str().map(|text| (text, ""))).collect();
    }
    if let Some(only) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![(only, description(schema))]);
    }
    let choices = schema.get("oneOf")?.as_array()?;
    let lists: Option<Vec<_>> = choices.iter().map(variants).collect();
    Some(lists?.into_iter().flatten().collect())
}
