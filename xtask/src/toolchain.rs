//! A compiler with the standard library for WebAssembly.
//!
//! First way: the target of the rustup toolchain in use. Second way: Debian's compiler with its sources, from which
//! cargo builds the standard library. `CRM_WASM_TOOLCHAIN=rustup|debian` forces one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{paths, shell};

/// The target of every build.
pub const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// The two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The active toolchain has the target.
    Rustup,
    /// `/usr/bin/rustc` builds the standard library from its sources.
    Debian,
}

impl Toolchain {
    /// The word that `CRM_WASM_TOOLCHAIN` and the records of sizes use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rustup => write!(out, "{TARGET} of the active Rust toolchain"),
            Self::Debian => write!(out, "{TARGET} built from the sources of Debian's compiler"),
        }
    }
}

/// Finds a toolchain or installs one.
pub fn setup() -> Result<Toolchain, String> {
    let forced = std::env::var("CRM_WASM_TOOLCHAIN").ok();
    match forced.as_deref() {
        None | Some("") => rustup().or_else(|first| {
            println!("{first}; taking Debian's compiler");
            debian().map_err(|second| format!("no WebAssembly toolchain: {first}; {second}"))
        }),
        Some("rustup") => rustup(),
        Some("debian") => debian(),
        Some(other) => Err(format!("CRM_WASM_TOOLCHAIN is `{other}`, choose `rustup` or `debian`")),
    }
}

/// A cargo command for the target, without its sub-command's own arguments.
pub fn cargo(toolchain: Toolchain, arguments: &[&str]) -> Result<Command, String> {
    let target = paths::target().join("wasm");
    if toolchain == Toolchain::Rustup {
        let mut command = shell::cargo(arguments);
        command.args(["--target", TARGET]).env("CARGO_TARGET_DIR", target.join("rustup"));
        shell::without_paths(&mut command);
        return Ok(command);
    }
    let mut command = shell::command(DEBIAN_CARGO, arguments);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .args(["--target", TARGET, "-Z", "build-std=std,panic_abort"])
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env_remove("LD_LIBRARY_PATH") // would mix the libraries of two compilers
        .env("PATH", format!("/usr/bin:{path}"))
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?)
        .env("CARGO_TARGET_DIR", target.join("debian")); // objects of two compilers do not mix
    shell::without_paths(&mut command);
    Ok(command)
}

fn rustup() -> Result<Toolchain, String> {
    if has_target() {
        return Ok(Toolchain::Rustup);
    }
    if paths::which("rustup").is_none() {
        return Err("there is no rustup".to_owned());
    }
    println!("rustup target add {TARGET}");
    shell::within(Duration::from_secs(120), shell::command("rustup", &["target", "add", TARGET]))?;
    if has_target() { Ok(Toolchain::Rustup) } else { Err(format!("rustup added no `{TARGET}`")) }
}

/// Whether the active compiler has the standard library; asked of the compiler, so it works without rustup too.
fn has_target() -> bool {
    let asked = shell::capture(shell::command("rustc", &["--print", "target-libdir", "--target", TARGET]));
    asked.is_ok_and(|folder| holds_std(Path::new(&folder)))
}

fn holds_std(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().map(|entry| entry.file_name()).any(|name| {
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

fn debian() -> Result<Toolchain, String> {
    if !has_sources() {
        crate::setup::install(&["rustc-web", "cargo-web", "rust-web-src"])?;
    }
    if linker().is_err() {
        crate::setup::install(&["lld"])?;
    }
    linker()?;
    if has_sources() { Ok(Toolchain::Debian) } else { Err("Debian's compiler came without its sources".to_owned()) }
}

fn has_sources() -> bool {
    Path::new(DEBIAN_CARGO).is_file()
        && sysroot(DEBIAN_RUSTC).is_ok_and(|root| root.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file())
}

fn sysroot(rustc: &str) -> Result<PathBuf, String> {
    shell::capture(shell::command(rustc, &["--print", "sysroot"])).map(PathBuf::from)
}

/// A linker for WebAssembly: the active toolchain's, else Debian's.
fn linker() -> Result<PathBuf, String> {
    let hosts = sysroot("rustc").ok().and_then(|root| root.join("lib/rustlib").read_dir().ok());
    let bundled = hosts.into_iter().flatten().flatten().map(|host| host.path().join("bin/rust-lld"));
    bundled
        .filter(|path| path.is_file())
        .chain(["wasm-ld", "wasm-ld-19", "wasm-ld-16", "wasm-ld-14"].iter().filter_map(|name| paths::which(name)))
        .next()
        .ok_or_else(|| "no linker for WebAssembly; apt-get install lld".to_owned())
}
