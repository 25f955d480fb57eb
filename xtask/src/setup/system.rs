//! Debian and Ubuntu packages.

use std::sync::Mutex;

use crate::{paths, shell};

/// apt-get refuses to run twice at once.
static APT: Mutex<()> = Mutex::new(());

/// Installs packages with apt-get, as root or through sudo.
pub fn install(packages: &[&str]) -> Result<(), String> {
    let wanted = packages.join(" ");
    if paths::which("apt-get").is_none() {
        return Err(format!("`{wanted}` is missing and there is no apt-get here; install it by hand"));
    }
    let _alone = APT.lock();
    println!("apt-get install {wanted}");
    let log = paths::work("logs/setup-apt.log");
    let explain =
        |error: String| format!("cannot install `{wanted}`: {error}; see `{}`, or install it by hand", log.display());
    shell::logged(apt(&["update", "-q"])?, &log).map_err(explain)?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend_from_slice(packages);
    shell::logged(apt(&arguments)?, &log).map_err(explain)
}

fn apt(arguments: &[&str]) -> Result<std::process::Command, String> {
    let root = shell::capture(shell::command("id", &["-u"]))? == "0";
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    words.extend_from_slice(arguments);
    if root {
        let (program, rest) = words.split_first().ok_or("no command")?;
        return Ok(shell::command(program, rest));
    }
    if paths::which("sudo").is_none() {
        return Err("neither root nor sudo".to_owned());
    }
    if std::env::var_os("CI").is_some() {
        words.insert(0, "-n"); // nobody is there to type a password
    }
    Ok(shell::command("sudo", &words))
}
