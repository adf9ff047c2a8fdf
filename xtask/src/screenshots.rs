//! `cargo xtask screenshots`: every page as people see it, light and dark, wide and on a phone, in `docs/screenshots/`. The
//! pictures are those that the browser tests take of the pages that they look at, so that none is shown which was not
//! tested; here they are made small, and listed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::measure::{output, run_checked};
use crate::bench::setup::install_tools;

/// Modules of the browser tests that take pictures.
const TESTS: [&str; 8] = [
    "accounts::",
    "browser::",
    "deploying::",
    "portal::",
    "publishing::",
    "quality::",
    "storefront::",
    "story::",
];
/// A picture that is taken in all four ways ends so.
const WAYS: [&str; 4] = ["light-wide", "dark-wide", "light-phone", "dark-phone"];

const INTRODUCTION: &str = "\
# Every page

Made by `cargo xtask screenshots`, which runs the browser tests; each page that is here in four ways was also checked by axe-core
in each of them. What the pages show are the tests' own offers.
";

/// Runs the browser tests, and keeps what they took.
pub fn run(root: &Path) -> Result<(), String> {
    install_tools(&[("/usr/bin/pngquant", "pngquant")])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let taken = target.join("tmp/screenshots");
    let _ = fs::remove_dir_all(&taken);
    let tests = build(root)?;
    run_checked(Command::new(tests).args(TESTS).current_dir(root.join("crates/edgemarket")))?;
    let kept = root.join("docs/screenshots");
    let _ = fs::remove_dir_all(&kept);
    fs::create_dir_all(&kept).map_err(|error| format!("cannot make {}: {error}", kept.display()))?;
    let mut names = Vec::new();
    let entries =
        fs::read_dir(&taken).map_err(|error| format!("cannot read {}: {error}", taken.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("cannot read {}: {error}", taken.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A third of the size, and to the eye the same: pages have few colours.
        let mut command = Command::new("pngquant");
        command.args(["--quality", "60-90", "--speed", "3", "--strip", "--output"]);
        run_checked(command.arg(kept.join(&name)).arg(&path))?;
        names.push(name);
    }
    names.sort();
    let list = kept.join("README.md");
    fs::write(&list, listed(&names)).map_err(|error| format!("cannot write {}: {error}", list.display()))?;
    println!("{}: {} pictures", kept.display(), names.len());
    Ok(())
}

/// The program of the tests, built.
fn build(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["test", "--workspace", "--no-run", "--message-format", "json"];
    let messages = output(Command::new(cargo).args(arguments).current_dir(root))?;
    let sources = root.join("crates/edgemarket/tests/it/main.rs");
    let mut built = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    let found = built.find_map(|message: serde_json::Value| {
        let is_it = message["target"]["src_path"].as_str().is_some_and(|path| Path::new(path) == sources);
        is_it.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    found.ok_or_else(|| "cargo names no program of the browser tests".to_owned())
}

/// A row for each page in four ways, then the others.
fn listed(names: &[String]) -> String {
    let mut pages: BTreeSet<&str> = BTreeSet::new();
    let mut others = Vec::new();
    for name in names {
        let stem = name.trim_end_matches(".png");
        match WAYS.iter().find_map(|way| stem.strip_suffix(way)?.strip_suffix('-')) {
            Some(page) => drop(pages.insert(page)),
            None => others.push(stem),
        }
    }
    let mut text = format!("{INTRODUCTION}\n| page | wide | | phone | |\n| --- | --- | --- | --- | --- |\n");
    for page in pages {
        // A String takes every write.
        let _ = write!(text, "| {page} |");
        for way in WAYS {
            let _ = write!(text, " [{}]({page}-{way}.png) |", way.split('-').next().unwrap_or_default());
        }
        text.push('\n');
    }
    text.push_str("\nOthers, on the way through the tests:\n\n");
    for other in others {
        let _ = writeln!(text, "- [{other}]({other}.png)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn pages_in_four_ways_have_a_row_and_others_a_line() {
        let ways = super::WAYS.map(|way| format!("home-{way}.png"));
        let names: Vec<String> = ways.into_iter().chain(["story-report-fr.png".to_owned()]).collect();
        let text = listed(&names);
        let row = "| home | [light](home-light-wide.png) | [dark](home-dark-wide.png) | [light](home-light-phone.png) | [dark](home-dark-phone.png) |\n";
        assert!(text.contains(row), "{text}");
        assert!(text.ends_with("\n- [story-report-fr](story-report-fr.png)\n"), "{text}");
    }
}
