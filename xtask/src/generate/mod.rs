//! `cargo xtask generate`: writes every committed file that follows from the operation table.
//!
//! [`document`] reads the interface from the core; each other module is one generator, a function from the interface to files.

mod document;
mod examples;
mod python;
mod reference;
mod schema;
mod shapes;
mod typescript;

use std::path::PathBuf;

use crate::{paths, shell};
pub use document::Document;

/// What a generator makes: paths from the top of the repository, with their content.
type Files = Vec<(PathBuf, String)>;

const GENERATORS: [fn(&Document) -> Files; 5] =
    [schema::files, shapes::files, reference::files, python::files, typescript::files];

/// Writes all files, or, to check them, says which are stale.
pub fn run(check: bool) -> Result<(), String> {
    let document = Document::read()?;
    let mut stale = Vec::new();
    for (path, text) in GENERATORS.into_iter().flat_map(|generator| generator(&document)) {
        let target = paths::root().join(&path);
        if shell::read(&target).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            stale.push(path.display().to_string());
        } else {
            shell::write(&target, text)?;
            println!("wrote {}", path.display());
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(format!("stale: {}; run `cargo xtask generate`", stale.join(", "))) }
}
