//! Steps that count as one test each.

use super::{Run, require};
use crate::{generate, setup, shell};

pub fn fmt(run: &Run) -> Result<(), String> {
    run.go(shell::cargo(&["fmt", "--all", "--check", "--", "--color", "never"]))
}

pub fn lock(run: &Run) -> Result<(), String> {
    run.go(shell::cargo(&["tree", "--locked", "--workspace", "--depth", "0"]))
}

pub fn licences(run: &Run) -> Result<(), String> {
    let program = setup::cargo_deny().ok_or("cargo-deny is not there; run `cargo xtask setup`")?;
    run.go(shell::command(
        program,
        &["--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"],
    ))
}

pub fn generated(_run: &Run) -> Result<(), String> {
    generate::run(true)
}

pub fn clippy(run: &Run) -> Result<(), String> {
    run.go(shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    run.go(shell::cargo(&["clippy", "-p", "crm-core", "--all-features", "--all-targets", "--", "-D", "warnings"]))
}

pub fn clippy_price(run: &Run) -> Result<(), String> {
    run.go(shell::cargo(&["clippy", "-p", "crm-core", "--no-default-features", "--", "-D", "warnings"]))
}

pub fn rustdoc(run: &Run) -> Result<(), String> {
    require("crm-core/src/lib.rs")?;
    let packages =
        ["doc", "--no-deps", "-p", "crm-core", "-p", "crm-store-sqlite", "-p", "crm-store-postgres", "--all-features"];
    let mut command = shell::cargo(&packages);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run.go(command)
}
