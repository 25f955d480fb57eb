//! The three WebAssembly builds, each for web, bundler and Node, in `bindings-wasm/pkg/BUILD/MODE`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::setup::Need;
use crate::toolchain::{self, Toolchain};
use crate::{paths, setup, shell};

/// The builds, which are cargo features of `bindings-wasm`.
pub const BUILDS: [&str; 3] = ["price", "full", "check"];
/// What the JavaScript around a module is written for.
pub const MODES: [&str; 3] = ["web", "bundler", "nodejs"];

/// The crate.
pub const MANIFEST: &str = "bindings-wasm/Cargo.toml";

/// Builds, binds and optimises all of them.
pub fn build() -> Result<(), String> {
    if !paths::at(MANIFEST).is_file() {
        return Err(format!("`{MANIFEST}` is not there yet, so there is nothing to build"));
    }
    setup::these(&[Need::Npm, Need::Wasm].into())?;
    let toolchain = toolchain::setup()?;
    for build in BUILDS {
        println!("building `{build}`");
        let module = link(toolchain, build)?;
        let out = paths::at("bindings-wasm/pkg").join(build);
        bind(&module, &out)?;
        for mode in MODES {
            optimise(build, mode, &module_of(&out.join(mode))?)?;
        }
    }
    Ok(())
}

/// The module that a browser loads of a build.
pub fn shipped(build: &str) -> Result<PathBuf, String> {
    module_of(&paths::at("bindings-wasm/pkg").join(build).join("web"))
}

/// Compiles and links; all builds have the same file name, so the linked module is copied aside.
fn link(toolchain: Toolchain, build: &str) -> Result<PathBuf, String> {
    let arguments = [
        "build",
        "--lib",
        "--profile=wasm-release",
        "--no-default-features",
        "--message-format=json-render-diagnostics",
        "--manifest-path",
        MANIFEST,
        "--features",
        build,
    ];
    let mut command = toolchain::cargo(toolchain, &arguments)?;
    command.stderr(Stdio::inherit());
    let messages = shell::capture(command)?;
    let linked = messages.lines().rev().find_map(linked_module).ok_or("cargo linked no `.wasm` file")?;
    let copy = paths::target().join("wasm/linked").join(build).join(linked.file_name().ok_or("no file name")?);
    let bytes = fs::read(&linked).map_err(|error| format!("cannot read `{}`: {error}", linked.display()))?;
    shell::write(&copy, bytes)?;
    Ok(copy)
}

/// The `.wasm` file that one of cargo's messages speaks of.
fn linked_module(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let files = message.get("filenames")?.as_array()?;
    files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
}

fn bind(module: &Path, out: &Path) -> Result<(), String> {
    shell::empty(out)?;
    let mut command = shell::cargo(&["run", "--quiet", "--package", "xtask-bindgen", "--"]);
    // A folder of its own, so that it never waits for another build.
    command.arg(module).arg(out).args(MODES).env("CARGO_TARGET_DIR", paths::target().join("wasm/tools"));
    shell::run(command)
}

fn module_of(folder: &Path) -> Result<PathBuf, String> {
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .ok_or_else(|| format!("no module in `{}`; run `cargo xtask wasm`", folder.display()))
}

/// Shrinks a module in place; a module that was seen before is taken from the cache.
fn optimise(build: &str, mode: &str, module: &Path) -> Result<(), String> {
    let bytes = fs::read(module).map_err(|error| format!("cannot read `{}`: {error}", module.display()))?;
    let cache = paths::target().join("wasm/optimised").join(build);
    for seen in MODES {
        let known = fs::read(cache.join(format!("{seen}.in.wasm"))).is_ok_and(|known| known == bytes);
        if let (true, Ok(small)) = (known, fs::read(cache.join(format!("{seen}.out.wasm")))) {
            return shell::write(module, small);
        }
    }
    let optimiser = optimiser()?;
    let small = cache.join(format!("{mode}.out.wasm"));
    shell::write(&cache.join(format!("{mode}.in.wasm")), [])?; // not valid until the output is there
    // In the order of their names functions stand beside those that are made like them, which packs 7 % smaller.
    let mut command = shell::command(optimiser, &["-Oz", "--reorder-functions-by-name"]);
    command.arg(module).arg("-o").arg(&small);
    shell::run(command)?;
    shell::write(&cache.join(format!("{mode}.in.wasm")), bytes)?;
    fs::copy(&small, module).map(|_| ()).map_err(|error| format!("cannot write `{}`: {error}", module.display()))
}

/// wasm-opt of the npm packages; old ones read today's modules and miscompile them without a word.
fn optimiser() -> Result<PathBuf, String> {
    let path = paths::npm("wasm-opt");
    let said = shell::capture(shell::command(&path, &["--version"]))?;
    let version: u32 = said.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(0);
    if version < 120 {
        return Err(format!("`{said}` is too old, 120 or newer is needed; run `cargo xtask setup`"));
    }
    Ok(path)
}
