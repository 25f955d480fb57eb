//! Sizes of the WebAssembly builds, which only grow on purpose.
//!
//! `docs/sizes.json` holds the recorded figures; a build more than 2 % above its record fails. The goals are what the next
//! changes work towards. `cargo xtask wasm --sizes --write` records, and `docs/sizes.md` says why a build grew.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::{paths, shell, toolchain, wasm};

const RECORD: &str = "docs/sizes.json";

/// One build's size in bytes, as downloaded and as unpacked.
struct Size {
    build: &'static str,
    raw: u64,
    gzip: u64,
}

/// Prints the sizes of what is built.
pub fn print() -> Result<(), String> {
    for size in measure()? {
        let goal = goal(size.build).map_or_else(String::new, |goal| format!(" (goal {goal})"));
        println!("{:<6} {:>9} bytes, {:>8} gzip{goal}", size.build, size.raw, size.gzip);
    }
    Ok(())
}

/// The size that a build should have, compressed; none for the one that pages do not load.
fn goal(build: &str) -> Option<u64> {
    match build {
        "price" => Some(80_000),
        "full" => Some(300_000),
        _ => None,
    }
}

/// Compares with the record, or writes it. Two compilers bring two standard libraries, so each has a record of its own.
pub fn check(write: bool) -> Result<(), String> {
    print()?;
    let toolchain = toolchain::setup()?.name();
    let path = paths::at(RECORD);
    let mut record: Value = if path.is_file() { parse(&shell::read(&path)?)? } else { json!({}) };
    let sizes = measure()?;
    if !write {
        let failures: Vec<String> =
            sizes.iter().filter_map(|size| failure(size, toolchain, record.get(size.build))).collect();
        return if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) };
    }
    let builds = record.as_object_mut().ok_or("the record is no object")?;
    for size in &sizes {
        let entry = builds.entry(size.build).or_insert_with(|| json!({}));
        let entry = entry.as_object_mut().ok_or("the record of a build is no object")?;
        entry.insert(toolchain.to_owned(), json!({ "raw": size.raw, "gzip": size.gzip }));
    }
    let text = serde_json::to_string_pretty(&record).map_err(|error| error.to_string())?;
    shell::write(&path, text + "\n")
}

/// What is wrong with a size, compared with its record.
fn failure(size: &Size, toolchain: &str, record: Option<&Value>) -> Option<String> {
    let recorded = record.and_then(|record| record.get(toolchain)?.get("gzip")).and_then(Value::as_u64);
    let Some(recorded) = recorded else {
        return Some(format!("`{}` has no record for `{toolchain}` in `{RECORD}`", size.build));
    };
    if size.gzip * 100 > recorded * 102 {
        return Some(format!(
            "`{}` grew from {recorded} to {} bytes gzip; if on purpose, run `cargo xtask wasm --sizes --write` and \
             say why in `docs/sizes.md`",
            size.build, size.gzip
        ));
    }
    None
}

fn measure() -> Result<Vec<Size>, String> {
    wasm::BUILDS
        .into_iter()
        .map(|build| {
            let path = wasm::shipped(build)?;
            let bytes = std::fs::read(&path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
            let mut packer = GzEncoder::new(Vec::new(), Compression::best());
            packer.write_all(&bytes).map_err(|error| error.to_string())?;
            let packed = packer.finish().map_err(|error| error.to_string())?;
            Ok(Size { build, raw: bytes.len() as u64, gzip: packed.len() as u64 })
        })
        .collect()
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("`{RECORD}` is not valid: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Size, failure};
    use serde_json::json;

    #[test]
    fn growth_beyond_two_percent_fails() {
        let record = json!({ "rustup": { "gzip": 50_000 } });
        let size = |gzip| Size { build: "price", raw: 0, gzip };
        assert!(failure(&size(51_000), "rustup", Some(&record)).is_none());
        assert!(
            failure(&size(51_001), "rustup", Some(&record)).is_some_and(|message| message.contains("grew from 50000"))
        );
        assert!(failure(&size(10_000), "rustup", None).is_some_and(|message| message.contains("no record")));
        assert!(failure(&size(10_000), "debian", Some(&record)).is_some_and(|message| message.contains("`debian`")));
    }
}
