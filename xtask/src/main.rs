//! Checks and measurements of this workspace: `cargo xtask tidy`, `bench`, `offers`, `packages`, `screenshots`. It is not part of the product
//! and knows the sources only as text.

mod bench;
mod offers;
mod packages;
mod screenshots;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask tidy                 check edges, sizes, module docs, absences and documents
       cargo xtask bench [OPTIONS]      measure certification, and write it into BENCHMARKS.md
       cargo xtask bench registry [OPTIONS]  measure the registry, and write its section of BENCHMARKS.md
       cargo xtask bench storefront [OPTIONS]  measure the storefront with 100,000 live offers, and write its section
       cargo xtask offers DIR [--count N] [--program FILE]
                                        make a data directory with N live offers (default 100000)
       cargo xtask packages [OPTIONS] [IMAGE]...
                                        compare the packages that edgemarket, syft and trivy find
       cargo xtask screenshots          run the browser tests, and keep their pictures in docs/screenshots

options of bench:
  --program FILE   an edgemarket that is built already (default: builds it with --release)
  --images DIR     where the test images are or are made (default target/bench/images)
  --rounds N       rounds of each row (default 3)
  --large          measure the 904 MB image too (registry: push it)
  --peers          run the peers' comparison of the shared folder as well
  --date DATE      the date to record (default: today's, from `date`)

options of packages (images: default telemetry and large):
  --program FILE   an edgemarket that is built already (default target/debug/edgemarket)
  --images DIR     where the test images are (default target/bench/images)
  --peers DIR      where the shared folder's bench/peers installed (default target/bench/peers)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("tidy") if arguments.len() == 1 => tidy(),
        Some("bench") => ended(bench::run(&workspace(), &arguments[1..])),
        Some("offers") => ended(offers::run(&workspace(), &arguments[1..])),
        Some("screenshots") if arguments.len() == 1 => ended(screenshots::run(&workspace())),
        Some("packages") => ended(packages::run(&workspace(), &arguments[1..])),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn ended(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
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
