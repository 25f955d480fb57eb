//! The steps of `cargo xtask test`, cheap ones first.

mod checks;
mod javascript;
mod postgres;
mod python;
mod quotes;
mod rust;
mod whole;

use std::path::PathBuf;
use std::process::Command;

use crate::count::Runner;
use crate::postgres::{Server, URL};
use crate::setup::Need;
use crate::test::Length;
use crate::{paths, shell};

/// One named step.
pub struct Step {
    /// The name for `--only`.
    pub name: &'static str,
    /// What it shows, for `--list`.
    pub about: &'static str,
    /// What must be set up before.
    pub needs: &'static [Need],
    /// Whose output is counted.
    pub runner: Runner,
    /// Whether it has a long form, or a long form needs what it builds.
    pub soak: bool,
    /// The commands.
    pub run: fn(&Run) -> Result<(), String>,
}

/// One run of a step.
pub struct Run {
    /// Where all output goes.
    pub log: PathBuf,
    /// Short or long form.
    pub length: Length,
    /// Runs while the step does, when it needs one.
    pub postgres: Option<Server>,
}

impl Run {
    /// Runs a command into the log.
    pub fn go(&self, mut command: Command) -> Result<(), String> {
        command.env("CI", "true").env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1").env_remove("FORCE_COLOR");
        if self.length == Length::Soak {
            command.env("CRM_SOAK", "1");
        }
        if let Some(browser) = crate::setup::browser() {
            command.env("CRM_CHROMIUM", browser);
        }
        if let Some(server) = &self.postgres {
            command.env(URL, server.url());
        }
        shell::logged(command, &self.log)
    }

    /// Adds a line to the log.
    pub fn say(&self, text: &str) -> Result<(), String> {
        shell::append(&self.log, &format!("{text}\n")).map(|_| ())
    }
}

/// Refuses to go on without a file or folder.
pub fn require(relative: &str) -> Result<(), String> {
    if paths::at(relative).exists() { Ok(()) } else { Err(format!("`{relative}` is not there")) }
}

/// All of them, in the order in which they run.
pub const ALL: &[Step] = &[
    check("fmt", "rustfmt", &[], checks::fmt),
    check("lock", "Cargo.lock is complete", &[], checks::lock),
    check("licences", "cargo-deny: permissive licences only", &[Need::Deny], checks::licences),
    check("generated", "schema, types and facades are not stale", &[], checks::generated),
    check("clippy", "clippy on the workspace, warnings denied", &[], checks::clippy),
    check("clippy-price", "clippy on the core without default features", &[], checks::clippy_price),
    check("rustdoc", "reference documentation without broken links", &[], checks::rustdoc),
    tests("rust", "unit, vector and property tests", &[], Runner::Cargo, rust::tests),
    tests("postgres", "the store on a throwaway PostgreSQL server", &[Need::Postgres], Runner::Cargo, postgres::tests),
    quick("rust-price", "the same for the core without default features", &[], Runner::Cargo, rust::price),
    quick(
        "rust-features",
        "vectors under the features that an embedder may turn on",
        &[],
        Runner::Cargo,
        rust::features,
    ),
    quick("doc", "doc tests", &[], Runner::Cargo, rust::doc),
    build("python-build", "maturin develop", &[Need::Python], python::build),
    tests("python", "pytest", &[Need::Python, Need::Postgres], Runner::Pytest, python::tests),
    check("mypy", "mypy --strict on the package", &[Need::Python], python::mypy),
    check("stubtest", "the stubs of the extension module agree with it", &[Need::Python], python::stubtest),
    build("node-build", "napi build", &[Need::Npm], javascript::node_build),
    quick("node", "node:test", &[Need::Npm, Need::Postgres], Runner::Node, javascript::node),
    check("tsc", "tsc --strict on an example", &[Need::Npm], javascript::tsc),
    build("wasm-build", "the WebAssembly builds", &[Need::Npm, Need::Wasm], javascript::wasm_build),
    check("sizes", "WebAssembly sizes against docs/sizes.json", &[Need::Npm, Need::Wasm], javascript::sizes),
    quick("wasm-node", "WebAssembly under Node", &[Need::Npm, Need::Wasm], Runner::Node, javascript::wasm_node),
    quick(
        "wasm-browser",
        "WebAssembly in headless Chromium",
        &[Need::Npm, Need::Wasm, Need::Browser],
        Runner::Node,
        javascript::wasm_browser,
    ),
    tests(
        "quotes",
        "random quotes: the same bytes everywhere, and as an independent model has them",
        &[Need::Python, Need::Npm, Need::Wasm, Need::Browser],
        Runner::Cargo,
        quotes::same_everywhere,
    ),
    quick("readme", "the examples of the README files", &[Need::Python, Need::Npm], Runner::Cargo, whole::readme),
    quick("notebook", "nbmake on the notebooks", &[Need::Python], Runner::Pytest, whole::notebook),
    quick(
        "examples",
        "the examples in every language",
        &[Need::Python, Need::Npm, Need::Wasm, Need::Browser],
        Runner::Mixed,
        whole::examples,
    ),
    check("demo", "cargo xtask demo gives the known figures", &[], whole::demo),
];

const fn check(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Run) -> Result<(), String>,
) -> Step {
    Step { name, about, needs, runner: Runner::Check, soak: false, run }
}

const fn build(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Run) -> Result<(), String>,
) -> Step {
    Step { name, about, needs, runner: Runner::Check, soak: true, run }
}

const fn quick(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    runner: Runner,
    run: fn(&Run) -> Result<(), String>,
) -> Step {
    Step { name, about, needs, runner, soak: false, run }
}

const fn tests(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    runner: Runner,
    run: fn(&Run) -> Result<(), String>,
) -> Step {
    Step { name, about, needs, runner, soak: true, run }
}
