//! `cargo xtask package`: what is shipped, each installed once into an empty environment and used there.
//!
//! The files are in `target/packages`; the programs that use them are in `xtask/smoke`.

mod contents;
mod notices;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contents::Rules;

use crate::setup::Need;
use crate::{paths, setup, shell, toolchain, wasm};

/// Builds and tries all packages.
pub fn run() -> Result<(), String> {
    setup::these(&[Need::Python, Need::Npm, Need::Wasm].into())?;
    let (out, work) = (paths::target().join("packages"), paths::work("package"));
    shell::empty(&out)?;
    let host = host()?;
    let wheel = add(&out, ".whl", |out| wheel(out, &host))?;
    try_wheel(&wheel, &work.join("python"))?;
    let node = tarball("bindings-node", &host, &out, || {
        let mut command = shell::command("npm", &["run", "--silent", "build"]);
        command.current_dir(paths::at("bindings-node"));
        optimised(command)
    })?;
    try_tarball(&node, &work.join("node"), "node")?;
    let browser = tarball("bindings-wasm", toolchain::TARGET, &out, wasm::build)?;
    try_tarball(&browser, &work.join("wasm"), "wasm")?;

    let made = [(wheel, &contents::WHEEL), (node, &contents::NODE), (browser, &contents::WASM)];
    let summaries: Vec<String> =
        made.iter().map(|(file, rules)| summary(file, rules, &work)).collect::<Result<_, _>>()?;
    println!("\nmade, installed into empty environments and used there:");
    summaries.iter().for_each(|line| println!("  {line}"));
    Ok(())
}

/// What is in a package, after a look at whether all of it should be.
fn summary(file: &Path, rules: &Rules, work: &Path) -> Result<String, String> {
    let (count, unpacked) = contents::check(file, rules, &work.join("contents"))?;
    let packed = fs::metadata(file).map_err(|error| error.to_string())?.len();
    let kilobytes = |bytes: u64| bytes.div_ceil(1000);
    let path = file.strip_prefix(paths::root()).unwrap_or(file).display();
    Ok(format!("{path}  {} kB, {count} files of {} kB", kilobytes(packed), kilobytes(unpacked)))
}

/// The platform that the active compiler compiles for.
fn host() -> Result<String, String> {
    let said = shell::capture(shell::command("rustc", &["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it compiles for".to_owned())
}

/// The Python wheel.
fn wheel(out: &Path, host: &str) -> Result<(), String> {
    println!("building the wheel");
    notices::write("bindings-python", host)?;
    // With the target named, as napi does, both share what they compile.
    let mut command = shell::command(paths::venv("maturin"), &["build", "--release", "--target", host, "--out"]);
    command.arg(out).current_dir(paths::at("bindings-python")).env("VIRTUAL_ENV", paths::at(".venv"));
    optimised(command)
}

/// Runs a release build. Across crates nothing is optimised, which would cost minutes for little; within one it is: without that,
/// pricing a quote takes a fifth longer.
fn optimised(mut command: Command) -> Result<(), String> {
    shell::without_paths(&mut command);
    // The tools' own options for stripping would make cargo compile everything twice.
    command.env("CARGO_TARGET_DIR", paths::target().join("package")).env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    shell::run(command)
}

fn try_wheel(wheel: &Path, folder: &Path) -> Result<(), String> {
    println!("installing {} into an empty environment", name(wheel));
    shell::empty(folder)?;
    let mut command = shell::command("python3", &["-m", "venv"]);
    command.arg(folder.join("venv"));
    shell::run(command)?;
    let python = folder.join("venv/bin/python");
    let pip = |arguments: &[&str]| {
        let mut command = shell::command(&python, &["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        command.args(arguments).current_dir(folder);
        command
    };
    // What it depends on is fetched first; the installation itself touches no network and compiles nothing.
    let mut fetch = pip(&["download", "--only-binary", ":all:", "--dest", "wheels"]);
    fetch.arg(wheel);
    shell::run(fetch)?;
    shell::run(pip(&["install", "--no-index", "--find-links", "wheels", "crm-core"]))?;
    use_it(&python, "python.py", folder)
}

/// Builds a package and packs it as npm would publish it.
fn tarball(
    package: &str,
    platform: &str,
    out: &Path,
    build: impl Fn() -> Result<(), String>,
) -> Result<PathBuf, String> {
    println!("building the package of {package}");
    notices::write(package, platform)?;
    build()?;
    add(out, ".tgz", |out| {
        let mut command = shell::command("npm", &["pack", "--silent", "--pack-destination"]);
        command.arg(out).current_dir(paths::at(package));
        shell::capture(command).map(|_| ())
    })
}

fn try_tarball(tarball: &Path, folder: &Path, programs: &str) -> Result<(), String> {
    println!("installing {} into an empty folder", name(tarball));
    shell::empty(folder)?;
    shell::write(&folder.join("package.json"), "{ \"name\": \"try\", \"private\": true }\n")?;
    let mut command = shell::command("npm", &["install", "--silent", "--offline", "--no-audit", "--no-fund"]);
    command.arg(tarball).current_dir(folder);
    shell::run(command)?;
    for ending in ["mjs", "cjs"] {
        use_it(Path::new("node"), &format!("{programs}.{ending}"), folder)?;
    }
    ["mts", "cts"].iter().try_for_each(|ending| check_types(&format!("{programs}.{ending}"), folder))
}

/// Runs a program of `xtask/smoke` where only the installed package can be found.
fn use_it(interpreter: &Path, program: &str, folder: &Path) -> Result<(), String> {
    let copy = folder.join(program);
    shell::write(&copy, shell::read(&paths::at("xtask/smoke").join(program))?)?;
    let mut command = shell::command(interpreter, &[]);
    command.arg(&copy).current_dir(folder).env_remove("PYTHONPATH").env_remove("NODE_PATH");
    println!("{program}: {}", shell::capture(command)?);
    Ok(())
}

/// Compiles a program against the types that the installed package brings.
fn check_types(program: &str, folder: &Path) -> Result<(), String> {
    shell::write(&folder.join(program), shell::read(&paths::at("xtask/smoke").join(program))?)?;
    let options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext"];
    let mut command = shell::command(paths::npm("tsc"), &options);
    command.arg(program).current_dir(folder);
    println!("{program}: {}", shell::capture(command).map(|_| "compiles")?);
    Ok(())
}

/// Runs what adds a file to a folder, and gives that file.
fn add(folder: &Path, ending: &str, make: impl Fn(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let before = files(folder)?;
    make(folder)?;
    let mut new = files(folder)?;
    new.retain(|file| !before.contains(file) && file.to_string_lossy().ends_with(ending));
    match (new.pop(), new.pop()) {
        (Some(file), None) => Ok(file),
        _ => Err(format!("`{}` should have got one `{ending}` file", folder.display())),
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
