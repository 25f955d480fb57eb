//! Runs the examples of the README files and the guides, each block as a program of its own.
//!
//! Python and JavaScript blocks run here; Rust blocks are doc tests of the core, which includes the files. A `text` block
//! right after a program is what it prints.

use std::path::{Path, PathBuf};

use crate::steps::{Run, require};
use crate::{paths, shell};

/// The files, each with the languages in which it must have an example.
const FILES: [(&str, &[&str]); 12] = [
    ("README.md", &["python", "js", "rust"]),
    ("README.zh-CN.md", &["python", "js", "rust"]),
    ("docs/frames.md", &["python"]),
    ("docs/guides/conditions.md", &["python"]),
    ("docs/guides/configuration.md", &["python"]),
    ("docs/guides/decide.md", &["python", "js"]),
    ("docs/guides/history.md", &["python", "js"]),
    ("docs/guides/own-store.md", &["python", "rust"]),
    ("docs/guides/taxes.md", &["python"]),
    ("docs/guides/timers.md", &["python"]),
    ("docs/guides/your-tables.md", &["python"]),
    ("docs/operate.md", &["python", "js", "rust"]),
];

/// One fenced block.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    language: String,
    line: usize,
    text: String,
}

/// Runs all of them; writes a summary in cargo's form.
pub fn run(run: &Run) -> Result<(), String> {
    let folder = paths::work("readme");
    shell::empty(&folder)?;
    link_packages(&folder)?;
    let (mut passed, mut failures) = (0, Vec::new());
    for (file, languages) in FILES {
        require(file)?;
        let blocks = blocks(&shell::read(&paths::at(file))?);
        for language in languages {
            if blocks.iter().all(|block| block.language != *language) {
                failures.push(format!("`{file}` has no `{language}` example"));
            }
        }
        for (at, block) in blocks.iter().enumerate() {
            let Some(program) = program(&folder, file, block)? else { continue };
            let expected = blocks.get(at + 1).filter(|next| next.language == "text").map(|next| next.text.as_str());
            match check(run, program, expected) {
                Ok(()) => passed += 1,
                Err(error) => failures.push(format!("{file}:{}: {error}", block.line)),
            }
        }
    }
    run.say(&format!("test result: done. {passed} passed; {} failed;", failures.len()))?;
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n    ")) }
}

/// The command that runs a block, or none when it is not a program of ours.
fn program(folder: &Path, file: &str, block: &Block) -> Result<Option<std::process::Command>, String> {
    let (interpreter, ending) = match block.language.as_str() {
        "python" => (paths::venv("python"), "py"),
        "js" => (PathBuf::from("node"), "mjs"),
        _ => return Ok(None),
    };
    let path = folder.join(format!("{}-{}.{ending}", file.replace(['.', '/'], "-"), block.line));
    shell::write(&path, &block.text)?;
    let mut command = shell::command(interpreter, &[]);
    command.arg(path).current_dir(folder);
    Ok(Some(command))
}

fn check(run: &Run, command: std::process::Command, expected: Option<&str>) -> Result<(), String> {
    run.say(&format!("$ {}", shell::line(&command)))?;
    let said = shell::capture(command)?;
    run.say(&said)?;
    match expected {
        Some(expected) if expected.trim() != said.trim() => {
            Err(format!("printed\n{said}\n    but the text after it is\n{}", expected.trim()))
        }
        _ => Ok(()),
    }
}

/// Lets `import "NAME"` find the packages of this repository.
fn link_packages(folder: &Path) -> Result<(), String> {
    for package in ["bindings-node", "bindings-wasm"] {
        let manifest = paths::at(package).join("package.json");
        let parsed: serde_json::Value =
            serde_json::from_str(&shell::read(&manifest)?).map_err(|error| error.to_string())?;
        let name = parsed.get("name").and_then(|name| name.as_str()).ok_or(format!("`{package}` has no name"))?;
        let link = folder.join("node_modules").join(name);
        let parent = link.parent().ok_or("no folder")?;
        std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        std::os::unix::fs::symlink(paths::at(package), &link).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn blocks(markdown: &str) -> Vec<Block> {
    let (mut found, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (number, line) in markdown.lines().enumerate() {
        let fence = line.strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let language = language.split([',', ' ']).next().unwrap_or_default().to_owned();
                open = Some(Block { language, line: number + 1, text: String::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_keep_their_language_and_line() {
        let found = blocks("# Title\n```python\nprint(1)\n```\n\n```text\n1\n```\n");
        let seen: Vec<_> =
            found.iter().map(|block| (block.language.as_str(), block.line, block.text.as_str())).collect();
        assert_eq!(seen, [("python", 2, "print(1)\n"), ("text", 6, "1\n")]);
    }
}
