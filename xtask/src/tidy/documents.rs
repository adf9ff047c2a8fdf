//! What the documents must say, and that their links lead somewhere.

use std::path::Path;

use super::{Fault, Source, Tree};

const MAP: &str = "ARCHITECTURE.md";

pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = check_map(tree);
    for source in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        faults.extend(check_links(tree, source));
    }
    faults
}

/// Every crate is named in the code map.
fn check_map(tree: &Tree) -> Vec<Fault> {
    let Some(map) = tree.file(MAP) else {
        return vec![Fault::new(MAP, 1, "the file is missing", "it holds the code map and the invariants")];
    };
    tree.files
        .iter()
        .filter_map(|file| file.path.strip_suffix("/Cargo.toml"))
        .filter(|folder| !map.text.contains(&format!("`{folder}`")))
        .map(|folder| {
            Fault::new(
                MAP,
                1,
                format!("`{folder}` is not in the code map"),
                "say in a line what the crate is, and what it is not",
            )
        })
        .collect()
}

/// Links to files of this repository exist.
fn check_links(tree: &Tree, source: &Source) -> Vec<Fault> {
    let folder = Path::new(&source.path).parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or(target);
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !Path::new(&tree.root).join(folder).join(path).exists() {
                faults.push(Fault::new(
                    &source.path,
                    index + 1,
                    format!("the link to `{path}` leads nowhere"),
                    "correct it, relative to this file",
                ));
            }
        }
    }
    faults
}
