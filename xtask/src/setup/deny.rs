//! cargo-deny, which checks the licences of what we depend on.

use std::path::PathBuf;

use crate::{paths, shell};

const VERSION: &str = "0.20.2";

/// Where it is: on PATH, or in the target folder.
pub fn program() -> Option<PathBuf> {
    let own = paths::work("tools/bin/cargo-deny");
    if own.is_file() { Some(own) } else { paths::which("cargo-deny") }
}

/// Finds it or builds it, which takes minutes the first time.
pub fn setup() -> Result<String, String> {
    if program().is_none() {
        println!("building cargo-deny {VERSION} (some minutes, once)");
        let log = paths::work("logs/setup-cargo-deny.log");
        let root = paths::work("tools");
        let root = root.to_str().ok_or("the path of the target folder is not text")?;
        let arguments = ["install", "cargo-deny", "--version", VERSION, "--locked", "--root", root];
        shell::logged(shell::cargo(&arguments), &log)
            .map_err(|error| format!("{error}; see `{}`, or put a cargo-deny on PATH", log.display()))?;
    }
    let path = program().ok_or("cargo-deny was built but is not where it should be")?;
    shell::capture(shell::command(path, &["--version"]))
}
