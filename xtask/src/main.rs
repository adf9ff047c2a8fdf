//! Checks and measurements of this workspace: `cargo xtask tidy`. It is not part of the product
//! and knows the sources only as text.

mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask tidy                 check edges, sizes, module docs, absences and documents";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("tidy") if arguments.len() == 1 => tidy(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    let root = workspace();
    let faults = match tidy::Tree::read(&root) {
        Ok(tree) => tidy::check(&tree, tidy::allowed::LONG),
        Err(error) => {
            eprintln!("cannot read the sources under {}: {error}", root.display());
            return ExitCode::FAILURE;
        }
    };
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() {
        println!("tidy: nothing to say");
        ExitCode::SUCCESS
    } else {
        eprintln!("tidy: {} faults", faults.len());
        ExitCode::FAILURE
    }
}

/// The workspace's root: the folder above this crate's.
fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
