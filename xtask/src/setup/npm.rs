//! The npm packages of `package.json`.

use super::{stamp::Stamp, system};
use crate::{paths, shell};

const ZEN: &str = "@gorules/zen-engine@0.54.0";

/// Installs them as locked.
pub fn setup() -> Result<String, String> {
    let version = node()?;
    let stamp = Stamp::new("npm", &["package.json", "package-lock.json", ".npmrc"], &[&version])?;
    if !(stamp.holds() && paths::npm("napi").exists() && paths::npm("wasm-opt").exists()) {
        if paths::which("npm").is_none() {
            system::install(&["npm"])?;
        }
        println!("installing npm packages");
        let log = paths::work("logs/setup-npm.log");
        let mut command = shell::command("npm", &install());
        if let Some(headers) = headers() {
            command.env("npm_config_nodedir", headers);
        }
        shell::logged(command, &log).map_err(|error| format!("{error}; see `{}`", log.display()))?;
        stamp.set()?;
    }
    Ok(format!("Node {version} with node_modules"))
}

/// As locked. Not `npm ci`, which refuses a lock file without the optional builds for other platforms; and where those
/// are the ones needed, the versions of `package.json` decide.
fn install() -> Vec<&'static str> {
    let mut arguments = vec!["install", "--no-save"];
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        arguments.push("--no-package-lock");
    }
    arguments
}

/// Where this Node's own headers are: a package without a prebuilt library is compiled against them instead of fetched ones.
fn headers() -> Option<std::path::PathBuf> {
    let node = paths::which("node")?.canonicalize().ok()?;
    let prefix = node.parent()?.parent()?;
    prefix.join("include/node/node.h").is_file().then(|| prefix.to_owned())
}

/// Adds what only the benchmarks compare with.
pub fn setup_bench() -> Result<(), String> {
    let stamp = Stamp::new("npm-bench", &["package.json", "package-lock.json"], &[ZEN])?;
    if !(stamp.holds() && paths::at("node_modules/@gorules/zen-engine").is_dir()) {
        let log = paths::work("logs/setup-npm.log");
        shell::logged(shell::command("npm", &["install", "--no-save", ZEN]), &log)
            .map_err(|error| format!("{error}; see `{}`", log.display()))?;
        stamp.set()?;
    }
    Ok(())
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
