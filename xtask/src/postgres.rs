//! A throwaway PostgreSQL server for tests: an own cluster on a free port, gone without a trace afterwards.
//!
//! The server belongs to a small process, `postgres/keeper.sh`, that lives as long as a pipe to it is open. So it is stopped and
//! removed also when a test fails, panics, is interrupted or killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{paths, setup, shell};

/// The variable in which tests get the address of the server, with user and password.
pub const URL: &str = "CRM_POSTGRES_URL";

const KEEPER: &str = include_str!("postgres/keeper.sh");

/// Whether a commit is on the disk when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Only as long as the machine runs; quick.
    Process,
    /// Also after the power fails.
    Power,
}

/// A running server; dropping it stops it and removes its files.
pub struct Server {
    keeper: Child,
    url: String,
}

impl Server {
    /// Makes a cluster and starts it, which takes about two seconds.
    pub fn start(durability: Durability) -> Result<Self, String> {
        let programs = setup::postgres().ok_or("PostgreSQL is not there; run `cargo xtask setup`")?;
        let log = paths::work("logs/postgres.log");
        let explain = |error: &str| format!("PostgreSQL does not start: {error}; see `{}`", log.display());

        let mut command = as_server(&shell::capture(shell::command("id", &["-u"]))?);
        command.args(["sh", "-c", KEEPER, "keeper"]).arg(&programs);
        command.arg(if durability == Durability::Power { "on" } else { "off" }).args(free_ports()?);
        // An own group: an interrupt from the terminal ends the tests first, then the keeper hears of it by the pipe.
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(shell::append(&log, "\n")?);

        let mut keeper = command.spawn().map_err(|error| explain(&error.to_string()))?;
        let password = password()?;
        let told = keeper.stdin.as_mut().map(|input| writeln!(input, "{password}"));
        let mut port = String::new();
        let heard = keeper.stdout.take().map(|output| BufReader::new(output).read_line(&mut port));
        let server = Self { keeper, url: format!("postgres://crm:{password}@127.0.0.1:{}/postgres", port.trim()) };
        match (told, heard, port.trim().parse::<u16>()) {
            (Some(Ok(())), Some(Ok(_)), Ok(_)) => Ok(server),
            _ => Err(explain("its log says why")),
        }
    }

    /// Where it listens: `postgres://crm:PASSWORD@127.0.0.1:PORT/postgres`. The user may do everything.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("PostgreSQL may still run: {error}");
        }
    }
}

/// `cargo xtask with-postgres [--durable] -- PROGRAM ARGUMENTS`: runs a program that finds the address in `CRM_POSTGRES_URL`.
pub fn run(arguments: &[String]) -> Result<(), String> {
    const USAGE: &str = "usage: cargo xtask with-postgres [--durable] -- PROGRAM ARGUMENTS";
    let (options, words) = arguments.iter().position(|word| word == "--").map_or((arguments, &[][..]), |at| {
        (arguments.get(..at).unwrap_or_default(), arguments.get(at + 1..).unwrap_or_default())
    });
    let durability = match options {
        [] => Durability::Process,
        [option] if option == "--durable" => Durability::Power,
        _ => return Err(USAGE.to_owned()),
    };
    let (program, rest) = words.split_first().ok_or(USAGE)?;
    setup::quietly(setup::Need::Postgres)?;
    let server = Server::start(durability)?;
    let mut command = Command::new(program);
    command.args(rest).env(URL, server.url());
    shell::run(command)
}

/// The folder of the server's programs: `CRM_POSTGRES_BIN`, the newest of Debian's, or where `initdb` is on PATH.
pub fn programs() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("CRM_POSTGRES_BIN") {
        return Some(PathBuf::from(chosen));
    }
    let debian = Path::new("/usr/lib/postgresql").read_dir().into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| is_whole(folder))
        .collect();
    found.sort();
    let on_path = || paths::which("initdb")?.canonicalize().ok()?.parent().map(Path::to_path_buf);
    found.pop().map(|(_, folder)| folder).or_else(on_path).filter(|folder| is_whole(folder))
}

/// Debian's client package has the same folder without a server.
fn is_whole(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// PostgreSQL refuses to run as root; then it runs as the user that Debian's package made for it.
fn as_server(user: &str) -> Command {
    if user != "0" {
        return Command::new("env");
    }
    let made = shell::capture(shell::command("id", &["-u", "postgres"])).is_ok();
    let mut command = Command::new("runuser");
    command.args(["-u", if made { "postgres" } else { "nobody" }, "--"]);
    command
}

/// Several, because another process may take one before the server does.
fn free_ports() -> Result<Vec<String>, String> {
    let bound: Result<Vec<TcpListener>, _> = (0..4).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect();
    let bound = bound.map_err(|error| format!("no free port: {error}"))?;
    Ok(bound.iter().filter_map(|listener| Some(listener.local_addr().ok()?.port().to_string())).collect())
}

fn password() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(|error| error.to_string())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
