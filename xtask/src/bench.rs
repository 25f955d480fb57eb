//! `cargo xtask bench`: crm-core beside what one would take instead, all in one run on one machine.
//!
//! The scripts in `benches` time blocks of all contenders in turn and give a JSON text a line; the tables in `docs/benchmarks.md`
//! are written from them. `--only quotes` or `--only funnel` measures a part and only prints it; so does `--print`.

mod figures;
mod versions;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Arguments;
use crate::setup::{self, Need};
use crate::{paths, shell, wasm};

use figures::Figure;

/// The rows of the funnel.
const ROWS: &str = "10000000";

/// Sets up, builds, measures, and writes the tables.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let mut options = Arguments::new(arguments);
    let only = options.value("--only")?;
    let print = options.flag("--print") || only.is_some();
    options.finish()?;
    let wanted = |part: &str| only.as_deref().is_none_or(|name| name == part);
    if !(wanted("quotes") || wanted("funnel")) {
        return Err("choose `--only quotes` or `--only funnel`".to_owned());
    }
    setup::these(&[Need::Python, Need::Npm, Need::Bench, Need::Wasm, Need::Browser].into())?;
    let built = Built::new()?;
    if wanted("quotes") {
        wasm::build()?;
    }
    let mut lines = Vec::new();
    let before = load();
    if wanted("quotes") {
        lines.extend(quotes(&built)?);
    }
    if wanted("funnel") {
        let mut command = shell::command(paths::venv("python"), &["benches/funnel/python.py", ROWS]);
        command.arg(&built.python);
        lines.extend(measure("funnel", command)?);
    }
    let figures = lines.iter().map(|line| Figure::read(line)).collect::<Result<Vec<_>, _>>()?;
    figures::check(&figures)?;
    let mut taking_part = versions::all()?;
    taking_part
        .push(format!("load before {before}, after {}: what is above 1 was other work, which the turns share", load()));
    let text = figures::tables(&figures, &taking_part);
    println!("\n{text}");
    if print { Ok(()) } else { figures::write(&text) }
}

/// The optimised libraries, where the scripts find them.
struct Built {
    node: PathBuf,
    python: PathBuf,
}

impl Built {
    /// As the packages are built.
    fn new() -> Result<Self, String> {
        println!("building the libraries");
        shell::run(shell::cargo(&["build", "--quiet", "--release", "-p", "bindings-node", "-p", "bindings-python"]))?;
        let folder = paths::work("bench");
        let node = folder.join("crm.node");
        let python = folder.join("python");
        copy(&library("bindings_node"), &node)?;
        let package = python.join("crm_core");
        shell::empty(&package)?;
        copy_folder(&paths::at("bindings-python/python/crm_core"), &package)?;
        copy(&library("_crm"), &package.join("_crm.abi3.so"))?;
        Ok(Self { node, python })
    }
}

fn library(name: &str) -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    paths::target().join("release").join(format!("{prefix}{name}{suffix}"))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    }
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("cannot copy `{}`: {error}", from.display()))
}

/// The Python files of a package; not its development build.
fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    let entries = from.read_dir().map_err(|error| format!("cannot read `{}`: {error}", from.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else if path.extension().is_some_and(|extension| extension == "py") {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

fn quotes(built: &Built) -> Result<Vec<String>, String> {
    let file = paths::work("bench/quotes.json");
    let mut command = shell::command(paths::venv("python"), &["benches/quotes/generate.py"]);
    command.arg(&file);
    shell::run(command)?;
    let mut node = shell::command("node", &["benches/quotes/node.mjs"]);
    node.arg(&file).arg(&built.node);
    let mut python = shell::command(paths::venv("python"), &["benches/quotes/python.py"]);
    python.arg(&file).arg(&built.python);
    let mut chromium = shell::command("node", &["benches/quotes/chromium.mjs"]);
    chromium.arg(&file);
    if let Some(browser) = setup::browser() {
        chromium.env("CRM_CHROMIUM", browser);
    }
    Ok([
        measure("quotes in Node", node)?,
        measure("quotes in Python", python)?,
        measure("quotes in Chromium", chromium)?,
    ]
    .concat())
}

fn measure(what: &str, command: Command) -> Result<Vec<String>, String> {
    println!("measuring {what}");
    Ok(shell::capture(command)?.lines().map(str::to_owned).collect())
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
