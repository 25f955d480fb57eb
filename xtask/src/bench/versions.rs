//! What was measured with: the machine's class and the versions of everything that takes part.

use serde_json::Value;

use crate::{paths, setup, shell};

/// One line each, without the machine's name.
pub fn all() -> Result<Vec<String>, String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (system, kind) = (std::env::consts::OS, std::env::consts::ARCH);
    let node = shell::capture(shell::command("node", &["--version"]))?;
    let rust = shell::capture(shell::command("rustc", &["--version"]))?;
    let python = "import sys; from importlib.metadata import version as v; \
        print('Python', '.'.join(map(str, sys.version_info[:3])), *(f', {n} {v(n)}' for n in sys.argv[1:]), sep=' ')";
    let peers = ["-c", python, "polars", "duckdb", "zen-engine", "pydantic"];
    let python = shell::capture(shell::command(paths::venv("python"), &peers))?.replace(" ,", ",");
    let npm =
        ["dinero.js", "decimal.js", "@gorules/zen-engine"].map(package).into_iter().collect::<Result<Vec<_>, _>>()?;
    let browser = setup::browser().ok_or("no browser")?;
    let browser = shell::capture(shell::command(browser, &["--version"]))?;
    let browser: Vec<&str> = browser.split_whitespace().take(2).collect();
    let rust: Vec<&str> = rust.split_whitespace().take(2).collect();
    Ok(vec![
        format!("{cores} cores of {kind}, {system}"),
        format!("{}; release profile without link-time optimisation, baseline instructions", rust.join(" ")),
        format!("Node {}, {}", node.trim_start_matches('v'), npm.join(", ")),
        python,
        browser.join(" "),
    ])
}

fn package(name: &str) -> Result<String, String> {
    let text = shell::read(&paths::at("node_modules").join(name).join("package.json"))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(format!("{name} {}", value.get("version").and_then(Value::as_str).unwrap_or("unknown")))
}
