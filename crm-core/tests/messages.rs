//! Laws of messages: one line, no names of Rust types, and Chinese throughout where Chinese is asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(all(feature = "store", feature = "catalogue"))]

use std::path::{Path, PathBuf};

use crm_core::base::canonical::Fields;
use crm_core::base::codes::{Code, Language, render};
use crm_core::base::words;
use serde_json::Value;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Every error and reason inside the answers of the vectors: its code, its details and its own message, if any.
fn each_sentence(mut with: impl FnMut(&str, Code, &Fields, Option<&str>)) {
    fn walk(value: &Value, with: &mut impl FnMut(Code, &Fields, Option<&str>)) {
        match value {
            Value::Object(map) => {
                let details = map.get("details").or_else(|| map.get("params")).and_then(Value::as_object);
                let code = map.get("code").and_then(Value::as_str).and_then(Code::find);
                if let (Some(code), Some(details)) = (code, details) {
                    let details: Fields = details.clone().into_iter().collect();
                    with(code, &details, map.get("message").and_then(Value::as_str));
                }
                map.values().for_each(|inner| walk(inner, with));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, with)),
            _ => {}
        }
    }
    let mut count = 0;
    for area in std::fs::read_dir(root("tests/vectors")).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(area).unwrap().map(|e| e.unwrap().path()) {
            let text: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            for step in text["steps"].as_array().unwrap() {
                walk(&step["expect"], &mut |code, details, message| {
                    count += 1;
                    with(&file.display().to_string(), code, details, message);
                });
            }
        }
    }
    assert!(count > 400, "only {count} sentences");
}

/// What is left of a sentence without the pieces of input, code and quotation in it.
fn prose(text: &str) -> String {
    let outside = |text: &str, mark: char| text.split(mark).step_by(2).collect::<Vec<_>>().join(" ");
    outside(&outside(text, '`'), '"')
}

#[test]
fn no_message_names_a_rust_type() {
    const TYPES: [&str; 30] = [
        "struct",
        "enum",
        "u8",
        "u16",
        "u32",
        "u64",
        "usize",
        "i32",
        "i64",
        "i128",
        "f64",
        "bool",
        "String",
        "Vec",
        "Option",
        "Some",
        "None",
        "Box",
        "BTreeMap",
        "RawValue",
        "Fact",
        "Given",
        "GivenError",
        "Record",
        "Dec",
        "newtype",
        "tuple",
        "untagged",
        "variant",
        "serde",
    ];
    let clean = |place: &str, text: &str| {
        let text = prose(text);
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            assert!(!TYPES.contains(&word) || text.contains("that names the variant"), "{place}: `{word}` in {text}");
        }
        assert!(!text.contains("::") && !text.contains('\n'), "{place}: {text}");
    };
    each_sentence(|place, code, details, message| {
        clean(place, &render(code, details, Language::English));
        clean(place, message.unwrap_or_default());
        for value in details.values().filter_map(Value::as_str) {
            assert!(!value.starts_with("struct ") && !value.contains("expected struct"), "{place}: {value}");
        }
    });
    for code in Code::ALL {
        clean(code.name(), code.english());
    }
}

#[test]
fn chinese_sentences_are_chinese_throughout() {
    // Names that are the same in both languages, and what a host itself says.
    const SAME: [&str; 16] = [
        "JSON", "ISO", "IANA", "UTC", "SQLite", "UTF", "USD", "EUR", "CNY", "JPY", "KWD", "GBP", "TND", "CHF", "XAU",
        "XXX",
    ];
    let mut english = Vec::new();
    each_sentence(|place, code, details, _| {
        // A store's own words, and ids and names that stand without quotes in a table of figures, are the host's.
        let hosts = matches!(code, Code::StorageFailed | Code::StorageUnavailable | Code::DatabaseSaid);
        let mut details = details.clone();
        for name in ["price_book", "reason", "currency", "against", "found"] {
            // Values that a condition compares stand as they are; words for values such as "a string" must be known.
            let is_value = matches!(code, Code::TestHolds | Code::TestFails);
            if let Some(Value::String(own)) = details.get_mut(name)
                && (hosts || is_value || !own.contains(' '))
            {
                own.clear();
            }
        }
        let text = render(code, &details, Language::Chinese);
        for word in prose(&text).split(|c: char| !c.is_ascii_alphabetic()).filter(|w| w.len() > 1) {
            if !SAME.contains(&word) {
                english.push(format!("{place}: `{word}` in {}: {text}", code.name()));
            }
        }
    });
    assert!(english.is_empty(), "{}", english.join("\n"));
}

#[test]
fn every_word_that_the_engine_shows_is_known() {
    let known =
        |name: &str, value: &str| assert!(words::chinese(name, value).is_some(), "no word for {name} `{value}`");
    for kind in crm_core::crm::kinds::KINDS {
        known("kind", kind.name);
    }
    for (_, mode) in crm_core::base::rounding::Mode::ALL {
        known("mode", mode);
    }
    let mut seen = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (start, name) in
                [("overflow(\"", "what"), (".with(\"what\", \"", "what"), ("self.wrong(path, \"", "expected")]
            {
                for (place, _) in text.match_indices(start) {
                    // To the closing quote that is not escaped.
                    let rest = text[place + start.len()..].replace("\\\"", "\u{1}");
                    known(name, &rest.split('"').next().unwrap().replace('\u{1}', "\""));
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 40, "only {seen} places");
}
