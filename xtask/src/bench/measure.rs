//! Runs one command and says what it took, children included, by GNU time: CPU seconds, wall seconds, peak memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// User and system time, with all children.
    pub cpu_s: f64,
    pub wall_s: f64,
    /// Largest resident set of any one process, in megabytes of 10^6 bytes.
    pub peak_mb: f64,
}

/// Runs `script` by bash, which stops at the first failure, with `XDG_CACHE_HOME` and `HOME` in `scratch`; any exit
/// status up to `highest_status` is fine.
pub fn shell(script: &str, scratch: &Path, highest_status: i32) -> Result<Usage, String> {
    let figures = scratch.join("time");
    let start = Instant::now();
    let output = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%U %S %M", "-o"])
        .arg(&figures)
        .args(["bash", "-c", &format!("set -eo pipefail; {script}")])
        .env("XDG_CACHE_HOME", scratch.join("cache"))
        .env("HOME", scratch)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start /usr/bin/time: {error}\nhint: apt-get install time"))?;
    let wall_s = start.elapsed().as_secs_f64();
    if output.status.code().is_none_or(|code| code > highest_status) {
        return Err(format!("`{script}` ended with {}\n{}", output.status, tail(&output.stderr)));
    }
    let text = std::fs::read_to_string(&figures)
        .map_err(|error| format!("cannot read {}: {error}", figures.display()))?;
    parse(&text, wall_s).ok_or_else(|| format!("/usr/bin/time said `{text}` of `{script}`"))
}

fn parse(text: &str, wall_s: f64) -> Option<Usage> {
    let mut words = text.split_whitespace();
    let user: f64 = words.next()?.parse().ok()?;
    let system: f64 = words.next()?.parse().ok()?;
    let peak_kib: f64 = words.next()?.parse().ok()?;
    Some(Usage { cpu_s: user + system, wall_s, peak_mb: peak_kib * 1024.0 / 1e6 })
}

/// The middle of the values; of an even number, the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Runs a command that prints for the person, and fails when it does.
pub fn run_checked(command: &mut Command) -> Result<(), String> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}

/// What a command printed; a failure carries the end of its error output.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}\n{}", output.status, tail(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_time() {
        let usage = parse("1.50 0.25 1000\n", 2.0).unwrap();
        assert_eq!(usage, Usage { cpu_s: 1.75, wall_s: 2.0, peak_mb: 1.024 });
        assert_eq!(parse("Command terminated by signal 9", 2.0), None);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
