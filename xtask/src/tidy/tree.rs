//! The files that are checked, read into memory: sources, manifests, documents and scripts. Build output, version
//! control and lock files are left out.

use std::io;
use std::path::Path;

use super::text;

/// Anything larger is data, not something written by hand.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// A text file.
#[derive(Debug)]
pub struct Source {
    /// Path from the workspace's root, with `/`.
    pub path: String,
    pub text: String,
    /// For Rust: the text with comments and literals blanked out, line by line as long as the original.
    pub code: String,
}

/// Everything that is checked.
#[derive(Debug)]
pub struct Tree {
    /// The absolute path of the root, as text.
    pub root: String,
    /// Sorted by path.
    pub files: Vec<Source>,
}

impl Tree {
    /// Reads all text files below `root`.
    pub fn read(root: &Path) -> io::Result<Tree> {
        let mut files = Vec::new();
        read_folder(root, root, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tree { root: root.to_string_lossy().into_owned(), files })
    }

    /// Rust sources that are compiled into a crate (not tests or build scripts in folders of their own).
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| {
            let in_source = file.path.starts_with("xtask/src/")
                || (file.path.starts_with("crates/") && file.path.split('/').nth(2) == Some("src"));
            in_source && file.path.ends_with(".rs")
        })
    }

    /// All Rust files, tests and build scripts among them.
    pub fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    pub fn file(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path)
    }
}

fn read_folder(root: &Path, folder: &Path, files: &mut Vec<Source>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".git" {
            continue;
        }
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            let left_out = name == "target" || name.starts_with("target-");
            if !left_out {
                read_folder(root, &path, files)?;
            }
        } else if kind.is_file() && name != "Cargo.lock" && entry.metadata()?.len() <= FILE_BYTES_MAX {
            let Ok(text) = String::from_utf8(std::fs::read(&path)?) else { continue };
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let code = if name.ends_with(".rs") { text::code_only(&text) } else { String::new() };
            files.push(Source { path: relative, text, code });
        }
    }
    Ok(())
}
