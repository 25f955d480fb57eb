//! The Python environment: `.venv` in the root, with pinned packages.

use std::path::PathBuf;

use super::{stamp::Stamp, system};
use crate::{paths, shell};

const TEST: &str = "xtask/requirements/test.txt";
const BENCH: &str = "xtask/requirements/bench.txt";

/// Makes `.venv` with what the tests need.
pub fn setup() -> Result<String, String> {
    let python = interpreter()?;
    let version = version(&python)?;
    let stamp = Stamp::new("python", &[TEST], &[&version])?;
    if !(stamp.holds() && paths::venv("maturin").is_file()) {
        if !is_there(&version) {
            make(&python)?;
        }
        install(TEST)?;
        stamp.set()?;
    }
    Ok(format!("{version} in .venv"))
}

/// Adds what the benchmarks compare with.
pub fn setup_bench() -> Result<String, String> {
    let stamp = Stamp::new("python-bench", &[TEST, BENCH], &[])?;
    if !stamp.holds() {
        install(BENCH)?;
        stamp.set()?;
    }
    Ok("peers in .venv and node_modules".to_owned())
}

/// Whether `.venv` works and is of that version; then packages are only brought up to date.
fn is_there(wanted: &str) -> bool {
    version(&paths::venv("python")).is_ok_and(|found| found == wanted)
}

fn interpreter() -> Result<PathBuf, String> {
    paths::which("python3").ok_or_else(|| "no `python3` on PATH; apt-get install python3".to_owned())
}

fn version(python: &PathBuf) -> Result<String, String> {
    let said = shell::capture(shell::command(python, &["-c", "import sys; print(*sys.version_info[:3], sep='.')"]))?;
    let mut numbers = said.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    if (numbers.next(), numbers.next()) < (Some(3), Some(11)) {
        return Err(format!("python3 is {said}; 3.11 or newer is needed"));
    }
    Ok(format!("Python {said}"))
}

fn make(python: &PathBuf) -> Result<(), String> {
    println!("making .venv (about a minute)");
    let log = paths::work("logs/setup-python.log");
    let create = || shell::logged(shell::command(python, &["-m", "venv", "--clear", ".venv"]), &log);
    if create().is_ok() {
        return Ok(());
    }
    // Debian keeps `ensurepip` in a package of its own.
    system::install(&["python3-venv"])?;
    create().map_err(|error| format!("{error}; see `{}`", log.display()))
}

fn install(requirements: &str) -> Result<(), String> {
    let log = paths::work("logs/setup-python.log");
    let arguments = ["-m", "pip", "install", "--disable-pip-version-check", "-r", requirements];
    shell::logged(shell::command(paths::venv("python"), &arguments), &log)
        .map_err(|error| format!("{error}; see `{}`", log.display()))
}
