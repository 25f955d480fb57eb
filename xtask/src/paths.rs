//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    // `cargo run` says where the package is now; the compiler only knows where it was built.
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or(here.clone(), Path::to_path_buf)
}

/// A path below the root.
pub fn at(relative: &str) -> PathBuf {
    root().join(relative)
}

/// A program of the Python environment.
pub fn venv(program: &str) -> PathBuf {
    at(".venv/bin").join(program)
}

/// A program of the npm packages.
pub fn npm(program: &str) -> PathBuf {
    at("node_modules/.bin").join(program)
}

/// Where xtask keeps logs, stamps and caches; outside git.
pub fn work(relative: &str) -> PathBuf {
    target().join("xtask").join(relative)
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| at("target"), PathBuf::from)
}

/// A program on PATH.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
