//! Sizes of the WebAssembly builds, which only grow on purpose.
//!
//! `docs/sizes.json` holds the recorded figures and each build's budget; a build more than 2 % above its record, or above
//! its budget, fails. `cargo xtask wasm --sizes --write` records, and `docs/sizes.md` says why a build grew.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::{paths, shell, wasm};

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
        println!("{:<6} {:>9} bytes, {:>8} gzip", size.build, size.raw, size.gzip);
    }
    Ok(())
}

/// Compares with the record, or writes it.
pub fn check(write: bool) -> Result<(), String> {
    print()?;
    let path = paths::at(RECORD);
    let mut record: Value = if path.is_file() { parse(&shell::read(&path)?)? } else { json!({}) };
    let sizes = measure()?;
    if !write {
        let failures: Vec<String> = sizes.iter().filter_map(|size| failure(size, record.get(size.build))).collect();
        return if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) };
    }
    for size in &sizes {
        let known = record.get(size.build).and_then(|known| known.get("budget")).cloned();
        let budget = known.unwrap_or_else(|| json!(if size.build == "price" { 80_000 } else { 300_000 }));
        let entry = json!({ "raw": size.raw, "gzip": size.gzip, "budget": budget });
        record.as_object_mut().ok_or("the record is no object")?.insert(size.build.to_owned(), entry);
    }
    let text = serde_json::to_string_pretty(&record).map_err(|error| error.to_string())?;
    shell::write(&path, text + "\n")
}

/// What is wrong with a size, compared with its record.
fn failure(size: &Size, record: Option<&Value>) -> Option<String> {
    let number = |field: &str| record.and_then(|record| record.get(field)).and_then(Value::as_u64);
    let (Some(recorded), Some(budget)) = (number("gzip"), number("budget")) else {
        return Some(format!("`{}` has no record in `{RECORD}`", size.build));
    };
    if size.gzip > budget {
        return Some(format!("`{}` is {} bytes gzip, its budget is {budget}", size.build, size.gzip));
    }
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
        let record = json!({ "gzip": 50_000, "budget": 80_000 });
        let size = |gzip| Size { build: "price", raw: 0, gzip };
        assert!(failure(&size(51_000), Some(&record)).is_none());
        assert!(failure(&size(51_001), Some(&record)).is_some_and(|message| message.contains("grew from 50000")));
        assert!(failure(&size(10_000), None).is_some_and(|message| message.contains("no record")));
    }

    #[test]
    fn a_budget_holds_whatever_is_recorded() {
        let record = json!({ "gzip": 90_000, "budget": 80_000 });
        let size = Size { build: "price", raw: 0, gzip: 80_001 };
        assert!(failure(&size, Some(&record)).is_some_and(|message| message.contains("budget")));
    }
}
