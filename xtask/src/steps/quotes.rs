//! The same quotes in every language: all answers are the same bytes, and an independent model, or the cases' sources, agree with them.

use std::fs;
use std::path::{Path, PathBuf};

use crm_core::api::host::Host;

use super::Run;
use crate::test::Length;
use crate::{paths, shell};

const IN_NODE: &str = "tests/model/answer.cjs";
const IN_CHROMIUM: &str = "tests/model/answer_in_browser.mjs";

/// The packages of JavaScript, by the name of their answers, with the program that asks them.
const PACKAGES: [(&str, &str, &str); 5] = [
    ("node", IN_NODE, "bindings-node/index.cjs"),
    ("wasm-price", IN_NODE, "bindings-wasm/node/price.cjs"),
    ("wasm-full", IN_NODE, "bindings-wasm/node/full.cjs"),
    ("chromium-price", IN_CHROMIUM, "bindings-wasm/web/price.mjs"),
    ("chromium-full", IN_CHROMIUM, "bindings-wasm/web/full.mjs"),
];

pub fn same_everywhere(run: &Run) -> Result<(), String> {
    let count = if run.length == Length::Soak { "200000" } else { "20000" };
    let folder = paths::work("quotes");
    shell::empty(&folder)?;
    let (requests, rust) = (folder.join("requests"), folder.join("rust"));
    go(run, paths::venv("python"), &[Path::new("tests/model/generate_quotes.py"), Path::new(count), &requests])?;
    answer(&requests, &rust)?;

    let judge = go(run, paths::venv("python"), &[Path::new("tests/model/check_quotes.py"), &requests, &rust]);
    let results = everywhere(run, &folder, "model", judge);
    let passed = results.iter().filter(|(_, result)| result.is_ok()).count();
    run.say(&format!("figure: {count} random quotes, each answered and judged in {passed} further ways"))?;
    finish(run, &results, &format!("{count} quotes"))
}

/// Worked cases of other systems: answered the same everywhere, and as their sources have it.
pub fn worked_cases(run: &Run) -> Result<(), String> {
    let folder = paths::work("cases");
    shell::empty(&folder)?;
    let (requests, rust) = (folder.join("requests"), folder.join("rust"));
    let (program, cases) = (Path::new("tests/model/cases.py"), Path::new("tests/cases"));
    let asked = go(run, paths::venv("python"), &[program, Path::new("requests"), cases, &requests]);
    answer(&requests, &rust)?;
    let checked = go(run, paths::venv("python"), &[program, Path::new("check"), cases, &rust]);
    let results = everywhere(run, &folder, "sources", asked.and(checked));
    finish(run, &results, "worked cases")
}

/// The answers of every language to the requests in a folder, compared with those of Rust; a first judgement stands before them.
fn everywhere(
    run: &Run,
    folder: &Path,
    first: &'static str,
    judged: Result<(), String>,
) -> Vec<(&'static str, Result<(), String>)> {
    let (requests, rust) = (folder.join("requests"), folder.join("rust"));
    let mut results = vec![(first, judged)];
    let python = folder.join("python");
    let asked = go(run, paths::venv("python"), &[Path::new("tests/model/answer.py"), &requests, &python]);
    results.push(("python", asked.and_then(|()| same(&rust, &python))));
    for (name, program, package) in PACKAGES {
        let answers = folder.join(name);
        let program = [Path::new(program), Path::new(package), &requests, &answers];
        let asked = go(run, PathBuf::from("node"), &program);
        results.push((name, asked.and_then(|()| same(&rust, &answers))));
    }
    results
}

/// Says how many ways agreed, and names those that did not.
fn finish(run: &Run, results: &[(&str, Result<(), String>)], what: &str) -> Result<(), String> {
    let failures: Vec<String> =
        results.iter().filter_map(|(name, result)| Some(format!("{name}: {}", result.as_ref().err()?))).collect();
    let passed = results.len() - failures.len();
    run.say(&format!("test result: {what}. {passed} passed; {} failed;", failures.len()))?;
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n    ")) }
}

/// Answers in Rust.
fn answer(requests: &Path, answers: &Path) -> Result<(), String> {
    let host = Host::new();
    let text: String = shell::read(requests)?.lines().map(|request| host.call(request) + "\n").collect();
    shell::write(answers, text)
}

fn go(run: &Run, program: PathBuf, arguments: &[&Path]) -> Result<(), String> {
    let mut command = shell::command(program, &[]);
    command.args(arguments);
    run.go(command)
}

/// Whether two files hold the same bytes; else the first line that differs.
fn same(expected: &Path, found: &Path) -> Result<(), String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()));
    let (expected, found) = (read(expected)?, read(found)?);
    if expected == found {
        return Ok(());
    }
    let lines = expected.split(|byte| *byte == b'\n').zip(found.split(|byte| *byte == b'\n'));
    let differing = lines.enumerate().find(|(_, (left, right))| left != right);
    let (number, left, right) = differing.map_or((0, "".into(), "".into()), |(at, (left, right))| {
        (at + 1, String::from_utf8_lossy(left), String::from_utf8_lossy(right))
    });
    Err(format!("line {number} differs\n    rust  {left}\n    other {right}"))
}
