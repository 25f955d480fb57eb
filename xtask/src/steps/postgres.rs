//! The store on PostgreSQL, on a server of the step's own. Its tests fail without one, so no other step runs them.

use super::{Run, whole};
use crate::postgres::{Durability, Server};
use crate::test::Length;
use crate::{paths, shell};

const PACKAGE: [&str; 4] = ["test", "--no-fail-fast", "-p", "crm-store-postgres"];

/// The tests that kill the server; what they show holds where it waits for its disk.
const DURABLE: &str = "kills";

/// One file of tests after the other, as nextest would not: one of them kills the server.
pub fn tests(run: &Run) -> Result<(), String> {
    let server = run.postgres.as_ref().ok_or("no server was started")?;
    let files = files()?;
    let quick: Vec<&str> = files.iter().map(String::as_str).filter(|file| *file != DURABLE).collect();
    let mut results = vec![run.go(command(run, &["--lib"], &quick))];
    let durable = Run { log: run.log.clone(), length: run.length, postgres: Some(Server::start(Durability::Power)?) };
    results.push(durable.go(command(run, &[], &[DURABLE])));
    results.push(whole::demo_on(run, server.url()));
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// The names of the files of tests.
fn files() -> Result<Vec<String>, String> {
    let folder = paths::at("stores/postgres/tests");
    let entries = folder.read_dir().map_err(|error| format!("`{}`: {error}", folder.display()))?;
    let mut found: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    found.sort();
    Ok(found)
}

fn command(run: &Run, rest: &[&str], files: &[&str]) -> std::process::Command {
    let mut command = shell::cargo(&PACKAGE);
    command.args(rest).args(files.iter().flat_map(|file| ["--test", file]));
    if run.length == Length::Soak {
        // The long forms read `CRM_SOAK` and print their figures.
        command.args(["--release", "--", "--show-output"]);
    }
    command
}
