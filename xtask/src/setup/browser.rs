//! A Chromium for the browser tests; they get its path in `CRM_CHROMIUM`.

use std::path::PathBuf;

use super::system;
use crate::{paths, shell};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The browser to drive: `CRM_CHROMIUM`, or the first one on PATH that starts.
pub fn find() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("CRM_CHROMIUM") {
        return Some(PathBuf::from(chosen));
    }
    NAMES.iter().filter_map(|name| paths::which(name)).find(|path| version(path).is_ok())
}

/// Finds one or installs Debian's.
pub fn setup() -> Result<String, String> {
    if find().is_none() {
        system::install(&["chromium"])?;
    }
    let path = find().ok_or(
        "the installed `chromium` does not start (on Ubuntu it may be a snap); \
         install a Chromium or Chrome and name it in CRM_CHROMIUM",
    )?;
    Ok(format!("{} ({})", version(&path)?, path.display()))
}

fn version(path: &PathBuf) -> Result<String, String> {
    let said = shell::capture(shell::command(path, &["--version"]))?;
    Ok(said.lines().last().unwrap_or_default().trim().to_owned())
}
