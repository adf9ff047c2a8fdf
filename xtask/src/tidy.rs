//! `cargo xtask tidy`: what the compiler does not check about this house. Sources are read as lines of text; nothing
//! is compiled or resolved, so the checks are quick and can be read in a minute. Each has a test that shows it fail.

mod absences;
pub mod allowed;
mod documents;
mod edges;
mod modules;
mod sizes;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use tree::{Source, Tree};

use std::fmt;

/// One thing that is not as it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Path from the workspace's root.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    pub fact: String,
    pub hint: String,
}

impl Fault {
    fn new(path: &str, line: usize, fact: impl Into<String>, hint: impl Into<String>) -> Self {
        Fault { path: path.to_owned(), line, fact: fact.into(), hint: hint.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n  hint: {}", self.path, self.line, self.fact, self.hint)
    }
}

/// All faults of the tree, in order of path and line.
pub fn check(tree: &Tree, long: &[allowed::Long]) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(edges::check(tree));
    faults.extend(modules::check(tree));
    faults.extend(sizes::check(tree, long));
    faults.extend(absences::check(tree));
    faults.extend(documents::check(tree));
    faults.sort();
    faults
}
