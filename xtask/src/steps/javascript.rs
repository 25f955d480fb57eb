//! Node, TypeScript and WebAssembly steps.

use std::path::Path;

use super::{Run, require};
use crate::toolchain::{self, Toolchain};
use crate::{paths, shell, sizes, wasm};

pub fn node_build(run: &Run) -> Result<(), String> {
    require("bindings-node/package.json")?;
    let mut command = shell::command("npm", &["run", "build:debug"]);
    command.current_dir(paths::at("bindings-node"));
    run.go(command)
}

pub fn node(run: &Run) -> Result<(), String> {
    node_tests(run, "bindings-node/test", |_| true)
}

pub fn tsc(run: &Run) -> Result<(), String> {
    require("bindings-node/tsconfig.json")?;
    run.go(shell::command(paths::npm("tsc"), &["--strict", "--noEmit", "-p", "bindings-node/tsconfig.json"]))
}

pub fn wasm_build(run: &Run) -> Result<(), String> {
    wasm::build()?;
    let toolchain = toolchain::setup()?;
    if toolchain == Toolchain::Debian {
        return run.say("Debian's compiler comes without clippy, so this crate was not linted");
    }
    let lint =
        ["clippy", "--no-deps", "--profile=wasm-release", "--manifest-path", wasm::MANIFEST, "--features", "check"];
    let mut command = toolchain::cargo(toolchain, &lint)?;
    command.args(["--", "-D", "warnings"]);
    run.go(command)
}

pub fn sizes(_run: &Run) -> Result<(), String> {
    sizes::check(false)
}

pub fn wasm_node(run: &Run) -> Result<(), String> {
    node_tests(run, "bindings-wasm/test", |file| !is_for_browser(file))
}

pub fn wasm_browser(run: &Run) -> Result<(), String> {
    node_tests(run, "bindings-wasm/test", is_for_browser)
}

/// A test that drives a browser has `browser` in its name or its folder's.
pub fn is_for_browser(file: &str) -> bool {
    file.contains("browser") || file.contains("chromium")
}

/// Runs the `*.test.{js,mjs,cjs,ts}` files below a folder that are wanted.
pub fn node_tests(run: &Run, folder: &str, wanted: fn(&str) -> bool) -> Result<(), String> {
    require(folder)?;
    let mut files = Vec::new();
    collect(&paths::at(folder), &mut files);
    files.retain(|file| wanted(file));
    files.sort();
    if files.is_empty() {
        return Err(format!("no test files in `{folder}`"));
    }
    let mut command = shell::command("node", &["--test", "--test-reporter=tap"]);
    command.args(files);
    run.go(command)
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            if !path.ends_with("node_modules") {
                collect(&path, files);
            }
        } else if let Ok(file) = path.strip_prefix(paths::root()) {
            let file = file.to_string_lossy().into_owned();
            if [".test.mjs", ".test.js", ".test.cjs", ".test.ts"].iter().any(|ending| file.ends_with(ending)) {
                files.push(file);
            }
        }
    }
}
