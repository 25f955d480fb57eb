//! Running programs: to the terminal, into a log, or for their output.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::paths;

/// A command that starts in the root of the repository and reads nothing from the terminal.
pub fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(paths::root()).stdin(Stdio::null());
    command
}

/// The cargo that started xtask.
pub fn cargo(arguments: &[&str]) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// Keeps the paths of this machine out of what a command compiles; they would also make its size depend on them.
pub fn without_paths(command: &mut Command) {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let sources = home.map(|home| home.join("registry/src")).unwrap_or_default();
    let folders = sources.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let remapped = folders.map(|folder| format!(" --remap-path-prefix={}=registry", folder.display()));
    command.env("RUSTFLAGS", flags + &remapped.collect::<String>());
}

/// How the command reads in a message.
pub fn line(command: &Command) -> String {
    let root = format!("{}/", paths::root().display());
    let program = Path::new(command.get_program());
    let words = std::iter::once(program.file_name().unwrap_or_default()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().replace(&root, "")).collect::<Vec<_>>().join(" ")
}

/// Runs with the output on the terminal.
pub fn run(mut command: Command) -> Result<(), String> {
    let status = command.status().map_err(|error| cannot_start(&command, &error))?;
    verdict(&command, status)
}

/// Runs and gives what was written to the standard output; the error holds both outputs.
pub fn capture(mut command: Command) -> Result<String, String> {
    let output = command.output().map_err(|error| cannot_start(&command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    verdict(&command, output.status).map(|()| String::new()).map_err(|error| format!("{error}\n{}", said.join("\n")))
}

/// Runs with both outputs appended to a log.
pub fn logged(mut command: Command, log: &Path) -> Result<(), String> {
    let file = append(log, &format!("$ {}\n", line(&command)))?;
    let other = file.try_clone().map_err(|error| format!("`{}`: {error}", log.display()))?;
    let status = command.stdout(file).stderr(other).status().map_err(|error| cannot_start(&command, &error))?;
    verdict(&command, status)
}

/// Runs quietly, and gives up after the time-out.
pub fn within(limit: Duration, mut command: Command) -> Result<(), String> {
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|error| cannot_start(&command, &error))?;
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => return verdict(&command, status),
            None if start.elapsed() < limit => sleep(Duration::from_millis(100)),
            None => {
                child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
                return Err(format!("`{}` took more than {} s", line(&command), limit.as_secs()));
            }
        }
    }
}

/// Appends text to a file, making its folder first.
pub fn append(path: &Path, text: &str) -> Result<File, String> {
    use std::io::Write as _;
    make_parent(path)?;
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    file.write_all(text.as_bytes()).map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    Ok(file)
}

/// Writes a whole file, making its folder first.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), String> {
    make_parent(path)?;
    fs::write(path, content).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

/// Reads a whole text file.
pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

/// Makes a folder anew, so that it is empty.
pub fn empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("cannot remove `{}`: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))
}

fn make_parent(path: &Path) -> Result<(), String> {
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start `{}`: {error}", command.get_program().to_string_lossy())
}

fn verdict(command: &Command, status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", line(command))) }
}
