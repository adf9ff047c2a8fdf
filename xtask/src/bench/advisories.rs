//! Vulnerability data: the import of 200,000 records by the command, and looking up 500 packages by the example of
//! `certify`, which times it within one process: the start of one would be most of it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::certify::{empty_folder, quoted, remove_folder, write};
use super::measure::{median, output, run_checked, shell};
use super::report::{Row, Target};

/// What issue 3 promises.
const RECORDS: u32 = 200_000;
const IMPORT_WALL_S_MAX: f64 = 60.0;
const IMPORT_PEAK_MB_MAX: f64 = 300.0;
const PACKAGES: u32 = 500;
const MATCH_MS_MAX: f64 = 20.0;

pub fn measure(root: &Path, program: &Path, folder: &Path) -> Result<Vec<Row>, String> {
    let scratch = folder.join(".bench-advisories");
    empty_folder(&scratch)?;
    let example = |arguments: &[&str]| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(root).args(["run", "--quiet", "--release", "--package", "certify"]);
        command.args(["--example", "advisories", "--"]).args(arguments);
        command
    };
    let (records, data) = (scratch.join("records.zip"), scratch.join("advisories.db"));
    run_checked(&mut example(&["synthesise", &RECORDS.to_string(), &records.display().to_string()]))?;
    let import = format!(
        "{} advisories import --quiet --advisories {} {}",
        quoted(program),
        quoted(&data),
        quoted(&records)
    );
    let usage = shell(&import, &scratch, 0)?;
    let mut rows = vec![
        Row::new(format!("import of {RECORDS} OSV records, wall"), usage.wall_s, "s")
            .target(Target::AtMost(IMPORT_WALL_S_MAX)),
        Row::new(format!("import of {RECORDS} OSV records, CPU"), usage.cpu_s, "s"),
        Row::new(format!("import of {RECORDS} OSV records, peak memory"), usage.peak_mb, "MB")
            .target(Target::AtMost(IMPORT_PEAK_MB_MAX)),
    ];
    for (what, list) in
        [("one in ten of them vulnerable", packages(10)), ("all of them vulnerable", packages(1))]
    {
        let file = scratch.join("packages");
        write(&file, &list)?;
        let text =
            output(&mut example(&["match", &data.display().to_string(), &file.display().to_string()]))?;
        let times: Vec<f64> = text.lines().filter_map(milliseconds).collect();
        if times.is_empty() {
            return Err(format!("the example of certify printed no time: {text}"));
        }
        let row =
            Row::new(format!("{PACKAGES} packages looked up in them, {what}, wall"), median(times), "ms");
        rows.push(row.target(Target::AtMost(MATCH_MS_MAX)));
    }
    remove_folder(&scratch)?;
    Ok(rows)
}

/// Half Debian's, half Python's; of every `step` one has a version that the made records call vulnerable.
fn packages(step: u32) -> String {
    let mut text = String::new();
    for number in 0..PACKAGES {
        let vulnerable = (number / 2).is_multiple_of(step);
        // A String takes every write.
        let _ = match (number % 2, vulnerable) {
            (0, true) => writeln!(text, "deb source-{number} 1.0-1"),
            (0, false) => writeln!(text, "deb source-{number} 3.0-1"),
            (_, true) => writeln!(text, "pypi package-{number} 1.30.0"),
            (_, false) => writeln!(text, "pypi package-{number} 2.0.0"),
        };
    }
    text
}

/// The whole time in a line like `500 packages: …, all in 12.34 ms, …`.
fn milliseconds(line: &str) -> Option<f64> {
    line.split_once("all in ")?.1.split_once(" ms")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_times() {
        let list = packages(10);
        assert_eq!(list.lines().count(), 500);
        assert_eq!(
            list.lines().filter(|line| line.ends_with(" 1.0-1") || line.ends_with(" 1.30.0")).count(),
            50
        );
        assert_eq!(milliseconds("5 packages: 1 x; opened in 1.00 ms, all in 2.50 ms, 1 CPU s"), Some(2.5));
        assert_eq!(milliseconds("nothing"), None);
    }
}
