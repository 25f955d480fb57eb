//! Rust tests: by nextest where it is installed, else by `cargo test`; doc tests always by `cargo test`.

use super::Run;
use crate::test::Length;
use crate::{paths, shell};

const PACKAGES: [&str; 5] = ["--all-features", "-p", "crm-core", "-p", "crm-store-sqlite"];

/// Only failures are listed, at the end, where the report looks.
const NEXTEST: [&str; 7] = [
    "nextest",
    "run",
    "--no-fail-fast",
    "--status-level=fail",
    "--final-status-level=fail",
    "--failure-output=final",
    "--cargo-quiet",
];

pub fn tests(run: &Run) -> Result<(), String> {
    let mut packages = PACKAGES.to_vec();
    if run.length == Length::Short {
        packages.extend(["-p", "xtask"]); // has no long forms
    }
    cargo_test(run, &packages)
}

pub fn price(run: &Run) -> Result<(), String> {
    cargo_test(run, &["-p", "crm-core", "--no-default-features"])
}

/// Features are shared by all crates of a build: these change how JSON and decimals are written, and must not change ours.
pub fn features(run: &Run) -> Result<(), String> {
    let features = "serde_json/preserve_order,serde_json/arbitrary_precision,rust_decimal/serde-float";
    cargo_test(run, &["-p", "crm-core", "--features", features, "--test", "vectors"])
}

pub fn doc(run: &Run) -> Result<(), String> {
    run.go(shell::cargo(&[
        "test",
        "--doc",
        "-p",
        "crm-core",
        "-p",
        "crm-store-sqlite",
        "-p",
        "crm-store-postgres",
        "--all-features",
    ]))
}

fn cargo_test(run: &Run, packages: &[&str]) -> Result<(), String> {
    let nextest = paths::which("cargo-nextest").is_some();
    let mut arguments: Vec<&str> = if nextest { NEXTEST.to_vec() } else { vec!["test", "--no-fail-fast"] };
    arguments.extend_from_slice(packages);
    if !nextest && !packages.contains(&"--test") {
        arguments.extend_from_slice(&["--lib", "--bins", "--tests"]);
    }
    if run.length == Length::Soak {
        // The long forms read `CRM_SOAK` and print their figures.
        arguments.push("--release");
        arguments.extend_from_slice(if nextest { &["--success-output=final"] } else { &["--", "--show-output"] });
    }
    run.go(shell::cargo(&arguments))
}
