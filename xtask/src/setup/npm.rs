//! The npm packages of `package.json`.

use super::{stamp::Stamp, system};
use crate::{paths, shell};

/// Installs them as locked.
pub fn setup() -> Result<String, String> {
    let version = node()?;
    let stamp = Stamp::new("npm", &["package.json", "package-lock.json", ".npmrc"], &[&version])?;
    if !(stamp.holds() && paths::npm("napi").exists() && paths::npm("wasm-opt").exists()) {
        if paths::which("npm").is_none() {
            system::install(&["npm"])?;
        }
        println!("installing npm packages");
        let log = paths::work("logs/npm.log");
        shell::logged(shell::command("npm", &["ci"]), &log)
            .map_err(|error| format!("{error}; see `{}`", log.display()))?;
        stamp.set()?;
    }
    Ok(format!("Node {version} with node_modules"))
}

fn node() -> Result<String, String> {
    let said = shell::capture(shell::command("node", &["--version"]))
        .map_err(|_| "no `node` on PATH; Node 20 or newer is needed".to_owned())?;
    let version = said.trim_start_matches('v').to_owned();
    let major = version.split('.').next().and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    if major < 20 {
        return Err(format!("node is {version}; 20 or newer is needed"));
    }
    Ok(version)
}
