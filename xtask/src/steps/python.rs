//! Python steps, all in `.venv`.

use super::{Run, require};
use crate::test::Length;
use crate::{paths, shell};

const FOLDER: &str = "bindings-python";

pub fn build(run: &Run) -> Result<(), String> {
    require("bindings-python/pyproject.toml")?;
    let mut command = shell::command(paths::venv("maturin"), &["develop"]);
    command.current_dir(paths::at(FOLDER)).env("VIRTUAL_ENV", paths::at(".venv")).env_remove("CONDA_PREFIX");
    run.go(command)
}

pub fn tests(run: &Run) -> Result<(), String> {
    require("bindings-python/tests")?;
    pytest(run, &["bindings-python/tests"])
}

/// pytest with what every use of it shares.
pub fn pytest(run: &Run, arguments: &[&str]) -> Result<(), String> {
    let mut words = vec!["-m", "pytest", "--color=no", "-p", "no:cacheprovider"];
    words.push(if run.length == Length::Soak { "-rA" } else { "-ra" }); // the long forms print their figures
    words.extend_from_slice(arguments);
    run.go(shell::command(paths::venv("python"), &words))
}

pub fn mypy(run: &Run) -> Result<(), String> {
    require("bindings-python/python/crm_core/py.typed")?;
    let arguments = ["-m", "mypy", "--strict", "--cache-dir", "../target/xtask/mypy", "python/crm_core"];
    let mut command = shell::command(paths::venv("python"), &arguments);
    command.current_dir(paths::at(FOLDER)); // where its configuration is
    run.go(command)
}

pub fn stubtest(run: &Run) -> Result<(), String> {
    require("bindings-python/python/crm_core/_crm.pyi")?;
    let mut command = shell::command(paths::venv("python"), &["-m", "mypy.stubtest", "crm_core._crm"]);
    command.current_dir(paths::at(FOLDER)).env("MYPYPATH", "python");
    run.go(command)
}
