//! The licences of the libraries that a shipped binary holds: most of them ask to be passed on with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{paths, shell};

/// Beside a package's own licences, so that one pattern ships them all; outside git.
pub const FILE: &str = "LICENSE-THIRD-PARTY";

const HEAD: &str = "This package holds compiled code of the libraries below, whose licences follow.\n\
    Where a library may be had under several licences of which MIT is one, it is taken under that.\n";

/// Writes the file of a package.
pub fn write(package: &str, platform: &str) -> Result<(), String> {
    let mut by_text: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for library in libraries(package, platform)? {
        let text = |name: &str| library.get(name).and_then(Value::as_str).unwrap_or_default();
        let title = format!("{} {} ({})", text("name"), text("version"), text("license"));
        let folder = Path::new(text("manifest_path")).parent().ok_or("a manifest without a folder")?;
        let mut texts = texts(folder, text("license"))?;
        if texts.is_empty() {
            texts.push(format!("Its authors ship no text of the licence; see {}", text("repository")));
        }
        for text in texts {
            by_text.entry(text).or_default().insert(title.clone());
        }
    }
    let mut parts: Vec<String> = by_text
        .into_iter()
        .map(|(text, titles)| format!("{}\n\n{text}\n", titles.into_iter().collect::<Vec<_>>().join("\n")))
        .collect();
    parts.sort();
    parts.insert(0, HEAD.to_owned());
    shell::write(&paths::at(package).join(FILE), parts.join(&format!("\n{}\n\n", "-".repeat(80))))
}

/// What is compiled into a package, from elsewhere.
fn libraries(package: &str, platform: &str) -> Result<Vec<Value>, String> {
    let manifest = paths::at(package).join("Cargo.toml");
    let mut command =
        shell::cargo(&["metadata", "--format-version=1", "--locked", "--all-features", "--filter-platform", platform]);
    command.arg("--manifest-path").arg(&manifest);
    let metadata: Value = serde_json::from_str(&shell::capture(command)?).map_err(|error| error.to_string())?;
    let list = |at: &str| metadata.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let by_id = |items: Vec<Value>| -> BTreeMap<String, Value> {
        items.into_iter().filter_map(|item| Some((item.get("id")?.as_str()?.to_owned(), item))).collect()
    };
    let (packages, nodes) = (by_id(list("/packages")), by_id(list("/resolve/nodes")));
    let root = packages.iter().find(|(_, found)| {
        found.get("manifest_path").and_then(Value::as_str).map(Path::new) == Some(manifest.as_path())
    });
    let mut open: Vec<String> = root.map(|(id, _)| id.clone()).into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if packages.get(&id).is_some_and(is_macro) || !seen.insert(id.clone()) {
            continue;
        }
        let uses = nodes.get(&id).and_then(|node| node.get("deps")?.as_array().cloned()).unwrap_or_default();
        let compiled_in = uses.iter().filter(|used| {
            let kinds = used.get("dep_kinds").and_then(Value::as_array);
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.get("kind").is_some_and(Value::is_null)))
        });
        open.extend(compiled_in.filter_map(|used| Some(used.get("pkg")?.as_str()?.to_owned())));
    }
    let found: Vec<Value> =
        seen.iter().filter_map(|id| packages.get(id)).filter(|found| is_foreign(found)).cloned().collect();
    if found.is_empty() { Err(format!("cargo names no library in `{package}`")) } else { Ok(found) }
}

/// It runs in the compiler and leaves nothing of itself behind.
fn is_macro(package: &Value) -> bool {
    let targets = package.get("targets").and_then(Value::as_array);
    targets.is_some_and(|targets| {
        targets.iter().any(|target| target.pointer("/kind/0").and_then(Value::as_str) == Some("proc-macro"))
    })
}

fn is_foreign(package: &Value) -> bool {
    package.get("source").is_some_and(Value::is_string)
}

/// The texts that apply.
fn texts(folder: &Path, expression: &str) -> Result<Vec<String>, String> {
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.retain(|path| {
        let name = name(path);
        ["LICEN", "COPYING", "NOTICE", "UNLICEN"].iter().any(|start| name.starts_with(start)) && !name.ends_with(".RS")
    });
    let alternatives = expression.replace(" OR ", "/");
    let may_be_mit = !expression.contains(" AND ") && alternatives.split('/').any(|part| part.trim() == "MIT");
    if may_be_mit && files.iter().any(|path| name(path).contains("MIT")) {
        files.retain(|path| name(path).contains("MIT") || name(path).starts_with("NOTICE"));
    }
    files.sort();
    let read = |path: &std::path::PathBuf| {
        fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
    };
    files.iter().map(|path| Ok(String::from_utf8_lossy(&read(path)?).trim().replace("\r\n", "\n"))).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_uppercase()
}
