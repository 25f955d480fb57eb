//! Steps that use the whole project as its users do.

use super::{Run, javascript, python, require};
use crate::{paths, readme, shell};

/// What the demo must print of the 8,800 deals.
const FIGURES: [&str; 6] = ["8,800", "4,238", "2,473", "1,589", "500", "10,005,534"];

pub fn readme(run: &Run) -> Result<(), String> {
    readme::run(run)
}

pub fn notebook(run: &Run) -> Result<(), String> {
    require("examples/notebooks")?;
    python::pytest(run, &["--nbmake", "examples/notebooks"])
}

pub fn examples(run: &Run) -> Result<(), String> {
    require("examples/rust/Cargo.toml")?;
    require("examples/python")?;
    require("examples/node")?;
    require("examples/browser-quote")?;
    let rust = shell::cargo(&["test", "--manifest-path", "examples/rust/Cargo.toml"]);
    let results = [
        run.go(rust),
        python::pytest(run, &["examples/python"]),
        javascript::node_tests(run, "examples/node", |_| true),
        javascript::node_tests(run, "examples/browser-quote", |_| true),
    ];
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

pub fn demo(run: &Run) -> Result<(), String> {
    for arguments in [["demo"].as_slice(), &["demo", "--lang", "zh"]] {
        known_figures(run, arguments, None)?;
    }
    let report = shell::read(&paths::target().join("demo/report.html"))?;
    if report.contains("10,005,534") { Ok(()) } else { Err("the report does not give the won value".to_owned()) }
}

/// The same figures from a PostgreSQL server.
pub fn demo_on(run: &Run, url: &str) -> Result<(), String> {
    known_figures(run, &["demo", "--out", "target/demo-postgres"], Some(url))
}

fn known_figures(run: &Run, arguments: &[&str], store: Option<&str>) -> Result<(), String> {
    // Through cargo, as README prints it: an earlier step may have replaced the program that runs here.
    let mut command = shell::cargo(&["xtask"]);
    command.args(arguments).args(store.map(|url| format!("--store={url}")));
    let said = shell::capture(command)?;
    run.say(&said)?;
    let missing: Vec<&str> = FIGURES.into_iter().filter(|figure| !said.contains(figure)).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("`{}` printed no {}", arguments.join(" "), missing.join(", ")))
    }
}
