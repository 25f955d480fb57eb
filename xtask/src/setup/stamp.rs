//! Stamps: what a part of the set-up was made from, so that it is made again only when that changes.

use std::fs;
use std::path::PathBuf;

use crate::{paths, shell};

/// One stamp, kept under the target folder.
pub struct Stamp {
    file: PathBuf,
    wanted: String,
}

impl Stamp {
    /// A stamp over the contents of files below the root and some further words.
    pub fn new(name: &str, files: &[&str], words: &[&str]) -> Result<Self, String> {
        let mut wanted = words.join("\n");
        for file in files {
            wanted.push_str(&format!("\n== {file}\n"));
            wanted.push_str(&shell::read(&paths::at(file))?);
        }
        Ok(Self { file: paths::work("stamps").join(name), wanted })
    }

    /// Whether the last set-up was made from the same.
    pub fn holds(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|found| found == self.wanted)
    }

    /// Records a set-up that succeeded.
    pub fn set(&self) -> Result<(), String> {
        shell::write(&self.file, &self.wanted)
    }
}
