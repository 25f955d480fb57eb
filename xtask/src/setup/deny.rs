//! cargo-deny, which checks the licences of what we depend on.

use std::path::PathBuf;

use crate::{paths, shell};

const VERSION: &str = "0.20.2";

/// Where it is: on PATH, or in the target folder.
pub fn program() -> Option<PathBuf> {
    let own = paths::work("tools/bin/cargo-deny");
    if own.is_file() { Some(own) } else { paths::which("cargo-deny") }
}

/// Its own profile optimises all crates as one, which takes long, for a check that is no quicker.
const PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// Finds it or builds it, which takes minutes the first time. There is no prebuilt one to take from PyPI (its last is of
/// 2023 and cannot read `deny.toml`) or npm (none).
pub fn setup() -> Result<String, String> {
    if program().is_none() {
        println!("building cargo-deny {VERSION} (some minutes, once)");
        let log = paths::work("logs/setup-cargo-deny.log");
        let root = paths::work("tools");
        let root = root.to_str().ok_or("the path of the target folder is not text")?;
        let arguments = ["install", "cargo-deny", "--version", VERSION, "--locked", "--root", root];
        let mut command = shell::cargo(&arguments);
        command.envs(PROFILE);
        shell::logged(command, &log)
            .map_err(|error| format!("{error}; see `{}`, or put a cargo-deny on PATH", log.display()))?;
    }
    let path = program().ok_or("cargo-deny was built but is not where it should be")?;
    shell::capture(shell::command(path, &["--version"]))
}
