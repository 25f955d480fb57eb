//! Set-up of a fresh Debian or Ubuntu machine that has cargo, python3 and node.
//!
//! Each part is quick when nothing has changed: a stamp holds the content of the files it was made from.

mod browser;
mod deny;
mod npm;
mod postgres;
mod python;
pub mod stamp;
mod system;

use std::collections::BTreeSet;
use std::thread;

use crate::toolchain;

pub use crate::postgres::programs as postgres;
pub use browser::find as browser;
pub use deny::program as cargo_deny;
pub use system::install;

/// Something that a test step cannot run without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// `.venv` with the test requirements.
    Python,
    /// `node_modules`.
    Npm,
    /// The libraries that the benchmarks measure against.
    Bench,
    /// A compiler with the standard library for WebAssembly.
    Wasm,
    /// A Chromium to drive headless.
    Browser,
    /// PostgreSQL's server programs.
    Postgres,
    /// cargo-deny.
    Deny,
}

/// Sets up everything.
pub fn all(bench: bool) -> Result<(), String> {
    let mut needs = BTreeSet::from([Need::Python, Need::Npm, Need::Wasm, Need::Browser, Need::Postgres, Need::Deny]);
    if bench {
        needs.insert(Need::Bench);
    }
    these(&needs)
}

/// Sets up what is needed, all parts at once since some wait for the network and others compile, and prints what each
/// found or made.
pub fn these(needs: &BTreeSet<Need>) -> Result<(), String> {
    // The benchmarks' libraries go into what the other parts make.
    let (last, first): (Vec<Need>, Vec<Need>) = needs.iter().partition(|need| **need == Need::Bench);
    at_once(&first)?;
    at_once(&last)
}

fn at_once(needs: &[Need]) -> Result<(), String> {
    let part = |need: Need| -> Result<(), String> {
        let found = quietly(need)?;
        println!("{:<8} {found}", format!("{need:?}").to_lowercase());
        Ok(())
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let parts: Vec<_> = needs.iter().map(|need| (need, scope.spawn(move || part(*need)))).collect();
        let ended = parts
            .into_iter()
            .map(|(need, running)| running.join().unwrap_or_else(|_| Err(format!("setting up `{need:?}` panicked"))));
        ended.filter_map(Result::err).collect()
    });
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// Sets up one need and says what it found or made.
pub fn quietly(need: Need) -> Result<String, String> {
    match need {
        Need::Python => python::setup(),
        Need::Npm => npm::setup(),
        Need::Bench => python::setup_bench().and_then(|found| npm::setup_bench().map(|()| found)),
        Need::Wasm => toolchain::setup().map(|toolchain| toolchain.to_string()),
        Need::Browser => browser::setup(),
        Need::Postgres => postgres::setup(),
        Need::Deny => deny::setup(),
    }
}
