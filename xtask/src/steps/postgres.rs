//! The store on PostgreSQL, on a server of the step's own. Its tests fail without one, so no other step runs them.

use super::{Run, whole};
use crate::shell;
use crate::test::Length;

const PACKAGE: [&str; 6] = ["test", "--no-fail-fast", "-p", "crm-store-postgres", "--lib", "--tests"];

/// One file of tests after the other, as nextest would not: one of them kills the server.
pub fn tests(run: &Run) -> Result<(), String> {
    let mut arguments = PACKAGE.to_vec();
    if run.length == Length::Soak {
        arguments.push("--release"); // the long forms read `CRM_SOAK`
    }
    run.go(shell::cargo(&arguments))?;
    let server = run.postgres.as_ref().ok_or("no server was started")?;
    whole::demo_on(run, server.url())
}
