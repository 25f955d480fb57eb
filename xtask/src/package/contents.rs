//! What may and must be in a package, looked up in the packed file itself.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{paths, shell};

use super::notices;

/// The rules of one kind of package.
pub struct Rules {
    /// How the packed file is called.
    pub name: fn(&str) -> bool,
    /// Ends of paths that must be there.
    pub required: &'static [&'static str],
    /// Ends of paths that may be there.
    pub allowed: &'static [&'static str],
}

/// The wheel; abi3 of Python 3.11 serves every later Python too.
pub const WHEEL: Rules = Rules {
    name: |name| name.starts_with("crm_core-") && name.contains("-cp311-abi3-"),
    required: &[
        "/METADATA",
        "/LICENSE-MIT",
        "/LICENSE-APACHE",
        notices::FILE,
        "crm_core/py.typed",
        "crm_core/_crm.pyi",
        "crm_core/_crm.abi3.so",
        "crm_core/__init__.py",
    ],
    allowed: &[".py", ".pyi", ".so", "py.typed", ".json", "/METADATA", "/RECORD", "/WHEEL"],
};

/// The tarball for Node.
pub const NODE: Rules = Rules {
    name: |name| name.starts_with("crm-core-0") || name.starts_with("crm-core-1"),
    required: &[
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        notices::FILE,
        "index.d.ts",
        "index.d.mts",
        "index.cjs",
        ".node",
    ],
    allowed: &[".cjs", ".mjs", ".d.ts", ".d.mts", ".json", ".node", "README.md"],
};

/// The tarball for browsers.
pub const WASM: Rules = Rules {
    name: |name| name.starts_with("crm-core-wasm-"),
    required: &[
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        notices::FILE,
        "full.d.ts",
        "check.d.ts",
        "price.d.mts",
        "pkg/price/web/bindings_wasm_bg.wasm",
        "pkg/full/bundler/bindings_wasm_bg.wasm",
        "pkg/check/nodejs/bindings_wasm_bg.wasm",
    ],
    allowed: &[".cjs", ".mjs", ".js", ".d.ts", ".d.mts", ".json", ".wasm", "README.md"],
};

/// Unpacks a package into a folder and holds it against the rules; gives the number of files and their size.
pub fn check(package: &Path, rules: &Rules, folder: &Path) -> Result<(usize, u64), String> {
    let title = super::name(package);
    shell::empty(folder)?;
    shell::run(if title.ends_with(".whl") {
        let mut command = shell::command("python3", &["-m", "zipfile", "--extract"]);
        command.arg(package).arg(folder);
        command
    } else {
        let mut command = shell::command("tar", &["-xzf"]);
        command.arg(package).arg("-C").arg(folder);
        command
    })?;
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let relative = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    let names: Vec<String> = files.iter().map(|path| relative(path)).collect();

    let mut complaints = Vec::new();
    if !(rules.name)(&title) {
        complaints.push("it has an unexpected name".to_owned());
    }
    let missing = rules.required.iter().filter(|end| !names.iter().any(|name| name.ends_with(*end)));
    complaints.extend(missing.map(|end| format!("it lacks `{end}`")));
    let licence =
        |name: &str| Path::new(name).file_name().is_some_and(|name| name.to_string_lossy().starts_with("LICENSE-"));
    let stray = names.iter().filter(|name| !licence(name) && !rules.allowed.iter().any(|end| name.ends_with(end)));
    complaints.extend(stray.map(|name| format!("`{name}` does not belong there")));
    let secrets = machine_paths();
    let mut size = 0;
    for (path, name) in files.iter().zip(&names) {
        let bytes = fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let told = secrets.iter().filter(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        complaints.extend(told.map(|secret| format!("`{name}` names `{secret}` of this machine")));
        if bytes.windows(MAP.len()).any(|part| part == MAP) {
            complaints.push(format!("`{name}` points to a source map"));
        }
    }
    if complaints.is_empty() { Ok((files.len(), size)) } else { Err(format!("{title}: {}", complaints.join("; "))) }
}

const MAP: &[u8] = b"//# sourceMappingURL";

/// Folders that nobody else has.
fn machine_paths() -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let all = [Some(paths::root()), Some(paths::target()), home, cargo];
    let mut all: Vec<String> = all.into_iter().flatten().map(|path| format!("{}/", path.display())).collect();
    all.retain(|path| path.len() > 2); // not the root of the file system
    all.sort();
    all.dedup();
    all
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    files.sort();
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::{Rules, check};
    use crate::{paths, shell};

    const RULES: Rules =
        Rules { name: |name| name.starts_with("crm-"), required: &["README.md"], allowed: &[".md", ".js"] };

    fn complaint(name: &str, files: &[(&str, &str)]) -> Option<String> {
        let work = std::env::temp_dir().join(format!("crm-contents-{}-{name}", std::process::id()));
        for (file, text) in files {
            shell::write(&work.join("package").join(file), text).unwrap();
        }
        let archive = work.join(format!("{name}.tgz"));
        let mut command = shell::command("tar", &["-czf"]);
        command.arg(&archive).arg("-C").arg(&work).arg("package");
        shell::run(command).unwrap();
        let result = check(Path::new(&archive), &RULES, &work.join("unpacked"));
        std::fs::remove_dir_all(&work).unwrap();
        result.err()
    }

    #[test]
    fn a_package_with_what_it_must_have_passes() {
        assert_eq!(complaint("crm-good", &[("README.md", "Read."), ("LICENSE-MIT", ""), ("a.js", "f()")]), None);
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let here = format!("built in {}/x", paths::root().display());
        let said = complaint("x", &[("a.js", &here), ("b.js", "//# sourceMappingURL=b.js.map"), ("b.js.map", "{}")]);
        let said = said.unwrap();
        let wanted = [
            "unexpected name",
            "lacks `README.md`",
            "`package/b.js.map` does not belong",
            "`package/a.js` names",
            "source map",
        ];
        wanted.iter().for_each(|part| assert!(said.contains(part), "{part}: {said}"));
    }
}
