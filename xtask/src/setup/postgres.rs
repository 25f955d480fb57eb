//! A PostgreSQL server for the tests of its store; they get an address in `CRM_POSTGRES_URL`.

use super::system;
use crate::{postgres, shell};

/// Finds one or installs Debian's.
pub fn setup() -> Result<String, String> {
    if postgres::programs().is_none() {
        system::install(&["postgresql"])?;
    }
    let folder = postgres::programs().ok_or(
        "the installed `postgresql` has no server programs where they are looked for; \
         name their folder in CRM_POSTGRES_BIN",
    )?;
    let said = shell::capture(shell::command(folder.join("postgres"), &["--version"]))?;
    Ok(format!("{said} ({})", folder.display()))
}
