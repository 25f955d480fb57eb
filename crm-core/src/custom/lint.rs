//! What is wrong in the declarations of custom fields.

use std::collections::BTreeSet;

use super::definition::{CustomField, CustomType};
use crate::base::codes::Code;
use crate::base::error::Error;
use crate::base::hint::hint;
use crate::base::limits::{self, NAME};
use crate::base::text::clip;

/// The kinds that take custom fields.
pub const KINDS: [&str; 5] = ["account", "opportunity", "price_book", "product", "user"];
/// The most custom fields of a configuration.
pub const FIELDS: usize = 1_000;
/// The most options of a picklist.
const OPTIONS: usize = 1_000;
/// The longest id.
const ID: usize = 40;

/// Everything that is wrong, with paths into the list.
pub fn errors(fields: &[CustomField]) -> Vec<Error> {
    let mut found: Vec<Error> = limits::items(fields.len(), FIELDS, "").err().into_iter().collect();
    let mut seen = BTreeSet::new();
    for (place, field) in fields.iter().enumerate() {
        let at = |error: Error| error.at(&format!("[{place}]"));
        found.extend(one(field).into_iter().map(at));
        if !seen.insert((&field.kind, &field.id)) {
            found.push(at(Error::new(Code::DuplicateId).with("id", clip(&field.id)).at("id")));
        }
    }
    found
}

fn one(field: &CustomField) -> Vec<Error> {
    let mut found = Vec::new();
    let kind = |kind: &str, path: &str| {
        let error = Error::new(Code::UnknownKind).with("kind", clip(kind));
        error.with("hint", hint(kind, KINDS.into_iter())).at(path)
    };
    if !KINDS.contains(&field.kind.as_str()) {
        found.push(kind(&field.kind, "kind"));
    }
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !field.id.starts_with(|c: char| c.is_ascii_lowercase()) || !field.id.chars().all(letters) || field.id.len() > ID
    {
        found.push(Error::new(Code::InvalidFieldId).with("id", clip(&field.id)).with("limit", ID).at("id"));
    }
    if let Some(name) = &field.name {
        found.extend(limits::text(name, NAME, "name").err());
    }
    let picks = matches!(field.r#type, CustomType::Picklist | CustomType::MultiPicklist);
    let wants = |part: &str, given: bool, wanted: bool| match (given, wanted) {
        (false, true) => Some(Error::new(Code::MissingField).with("field", part).at(part)),
        (true, false) => {
            Some(Error::new(Code::PartNotUsed).with("part", part).with("op", field.r#type.name()).at(part))
        }
        _ => None,
    };
    found.extend(wants("options", !field.options.is_empty(), picks));
    found.extend(wants("refers_to", field.refers_to.is_some(), field.r#type == CustomType::Reference));
    if field.unique && matches!(field.r#type, CustomType::MultiPicklist | CustomType::Flag) {
        found.push(Error::new(Code::PartNotUsed).with("part", "unique").with("op", field.r#type.name()).at("unique"));
    }
    if let Some(target) = field.refers_to.as_deref().filter(|target| !KINDS.contains(target)) {
        found.push(kind(target, "refers_to"));
    }
    found.extend(limits::items(field.options.len(), OPTIONS, "options").err());
    let mut seen = BTreeSet::new();
    for (place, option) in field.options.iter().enumerate() {
        let path = format!("options[{place}]");
        found.extend(limits::text(option, NAME, &path).err());
        if !seen.insert(option) {
            found.push(Error::new(Code::DuplicateId).with("id", clip(option)).at(&path));
        }
    }
    found
}
