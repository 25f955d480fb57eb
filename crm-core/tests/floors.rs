//! The floors of the house: a module uses only what lies below it, and no wire type holds a float or a bare decimal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each top-level module may use beside itself. Within the domain the arrows form a graph without circles.
const MAY_USE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("condition", &["base"]),
    ("custom", &["base", "condition"]),
    ("people", &["base", "condition"]),
    ("activities", &["base"]),
    ("customers", &["base", "condition"]),
    ("pipeline", &["base", "condition"]),
    ("pricing", &["base", "condition"]),
    ("money", &["base"]),
    ("quotes", &["base"]),
    ("insight", &["base", "pipeline", "pricing"]),
    ("store", &["base", "condition"]),
    ("config", &["base", "custom", "pipeline"]),
    (
        "crm",
        &[
            "base",
            "condition",
            "custom",
            "people",
            "activities",
            "customers",
            "pipeline",
            "pricing",
            "money",
            "quotes",
            "insight",
            "store",
            "config",
        ],
    ),
    (
        "api",
        &[
            "base",
            "condition",
            "custom",
            "people",
            "activities",
            "customers",
            "pipeline",
            "pricing",
            "money",
            "quotes",
            "insight",
            "store",
            "config",
            "crm",
        ],
    ),
];

/// Names at the crate's root that are macros of the ground floor.
const ROOT_MACROS: &[&str] = &["entity", "entity_basics"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file beneath a folder, with the path of its module such as `api::steps`.
fn files(folder: &Path, module: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut inner = module.to_vec();
        if path.is_dir() {
            inner.push(name);
            files(&path, &inner, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !name.ends_with("tests") {
            if name != "mod" {
                inner.push(name);
            }
            found.push((inner, code(&fs::read_to_string(&path).unwrap())));
        }
    }
}

fn modules() -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    files(&source(), &[], &mut found);
    found.retain(|(module, _)| module != &["lib"]);
    found
}

/// A file's code without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names of what stands after `crate::`, one name or a list in braces.
fn heads(after: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = after.strip_prefix('{') else { return vec![word(after)] };
    let (mut depth, mut names, mut start) = (0, Vec::new(), true);
    for (place, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            _ if start && !letter.is_whitespace() => {
                names.push(word(&list[place..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// The top-level modules that a file's code uses.
fn used(module: &[String], code: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = code.split("crate::").skip(1).flat_map(heads).collect();
    // As many `super` as the module is deep lead to the root as well, except from a module within the file.
    let up = "super::".repeat(module.len());
    let above = code.split(up.as_str()).skip(1).filter(|after| !after.starts_with("super::")).flat_map(heads);
    found.extend(above.filter(|name| MAY_USE.iter().any(|(known, _)| known == name)));
    found.retain(|name| !ROOT_MACROS.contains(&name.as_str()) && Some(name) != module.first());
    found
}

/// What is used against the rules.
fn breaks(modules: &[(Vec<String>, String)]) -> Vec<String> {
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut found = Vec::new();
    for (module, code) in modules {
        let Some(allowed) = rules.get(module[0].as_str()) else {
            found.push(format!("`{}` is on no floor", module[0]));
            continue;
        };
        for name in used(module, code).into_iter().filter(|name| !allowed.contains(&name.as_str())) {
            found.push(format!("`{}` uses `{name}`", module.join("::")));
        }
    }
    found
}

#[test]
fn modules_use_only_what_lies_below() {
    let modules = modules();
    assert!(modules.len() > 50, "the source was found");
    assert_eq!(breaks(&modules), Vec::<String>::new());
}

#[test]
fn the_floors_have_no_circle() {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for (module, uses) in MAY_USE {
        assert!(uses.iter().all(|name| below.contains(name)), "`{module}` stands below something that it uses");
        below.insert(module);
    }
}

#[test]
fn a_break_is_found() {
    let find = |module: &[&str], text: &str| {
        let module: Vec<String> = module.iter().map(|name| (*name).to_owned()).collect();
        breaks(&[(module, code(text))])
    };
    assert_eq!(find(&["base", "id"], "use crate::pipeline::moves;"), ["`base::id` uses `pipeline`"]);
    assert_eq!(find(&["config"], "use crate::{base::id::Id, crm::{run, session}};"), ["`config` uses `crm`"]);
    assert_eq!(find(&["money", "sum"], "use super::super::store::query;"), ["`money::sum` uses `store`"]);
    assert_eq!(find(&["money", "sum"], "// crate::crm\nuse super::round;\nuse crate::entity;"), Vec::<String>::new());
    assert_eq!(find(&["extra"], ""), ["`extra` is on no floor"]);
}

/// The types that cross the boundary: from a derive of serde, or a declared entity, to the end of its braces.
fn wire_types(code: &str) -> Vec<&str> {
    let derives = code.match_indices("derive(").filter(|(at, _)| {
        let list = code[*at..].split(')').next().unwrap();
        list.contains("Serialize") || list.contains("Deserialize")
    });
    derives
        .chain(code.match_indices("entity! {"))
        .map(|(at, _)| {
            let rest = &code[at..];
            let Some(open) = rest.find(['{', ';']).filter(|open| rest[*open..].starts_with('{')) else {
                return rest.split(';').next().unwrap();
            };
            let mut depth = 0;
            let close = rest[open..].char_indices().find(|(_, letter)| {
                depth += i32::from(*letter == '{') - i32::from(*letter == '}');
                depth == 0
            });
            &rest[..open + close.expect("a type's braces are closed").0]
        })
        .collect()
}

fn inexact(code: &str) -> Vec<&str> {
    let words = |text: &'static str| move |word: &&str| *word == text;
    let split = |text| str::split(text, |c: char| !c.is_alphanumeric() && c != '_');
    let bad = |word: &&str| ["f64", "f32", "Decimal"].into_iter().any(|name| words(name)(word));
    wire_types(code).into_iter().flat_map(split).filter(bad).collect()
}

#[test]
fn no_wire_type_holds_a_float_or_a_bare_decimal() {
    let modules = modules();
    let types: usize = modules.iter().map(|(_, code)| wire_types(code).len()).sum();
    assert!(types > 50, "the wire types were found");
    for (module, code) in &modules {
        assert_eq!(inexact(code), Vec::<&str>::new(), "in `{}`", module.join("::"));
    }
    assert_eq!(inexact("#[derive(Debug, Serialize)]\npub struct A {\n    a: Option<f64>,\n}"), ["f64"]);
    assert_eq!(inexact("entity! {\n    A;\n    required { a: Decimal, }\n}\nfn f(x: f64) {}"), ["Decimal"]);
    assert_eq!(inexact("#[derive(Debug)]\nstruct A {\n    a: f64,\n}"), Vec::<&str>::new());
}

#[test]
fn no_schema_knows_a_number_that_is_not_an_integer() {
    fn numbers(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                for (name, inner) in map {
                    let here = name == "type"
                        && (inner == "number" || inner.as_array().is_some_and(|t| t.contains(&"number".into())));
                    if here {
                        found.push(path.to_owned());
                    }
                    numbers(inner, &format!("{path}/{name}"), found);
                }
            }
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(place, inner)| numbers(inner, &format!("{path}/{place}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for name in ["requests", "answers", "openrpc"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../schema/{name}.json"));
        let schema = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        numbers(&schema, name, &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
    numbers(&serde_json::json!({"a": {"type": ["number", "null"]}}), "sample", &mut found);
    assert_eq!(found, ["sample/a"]);
}
