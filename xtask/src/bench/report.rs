//! The rows of BENCHMARKS.md. It formats; it measures nothing.

use std::fmt::Write as _;

/// What was promised of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtMost(f64),
    Under(f64),
}

/// One figure.
#[derive(Debug)]
pub struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

impl Row {
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Row {
        Row { what: what.into(), value, unit, target: None }
    }

    pub fn target(self, target: Target) -> Row {
        Row { target: Some(target), ..self }
    }

    fn promise(&self) -> String {
        let (words, met, bound) = match self.target {
            None => return "".to_owned(),
            Some(Target::AtMost(bound)) => ("at most", self.value <= bound, bound),
            Some(Target::Under(bound)) => ("under", self.value < bound, bound),
        };
        format!("{words} {} {}: {}", bound_figure(bound), self.unit, if met { "met" } else { "**missed**" })
    }
}

/// Everything that one run of the bench found.
#[derive(Debug)]
pub struct Report {
    date: String,
    machine: String,
    rounds: usize,
    pub rows: Vec<Row>,
    /// The table of the peers' comparison, as it was printed.
    pub peers: Option<String>,
}

impl Report {
    pub fn new(date: &str, machine: String, rounds: usize) -> Report {
        Report { date: date.to_owned(), machine, rounds, rows: Vec::new(), peers: None }
    }

    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Measurements\n\n\
             Made by `cargo xtask bench` on {}, release build.\n\n\
             Machine: {}.\n\n\
             Figures are medians of {} interleaved rounds, memory the largest. CPU is user and system time with all children.\n\
             The *limit* is what any scanner must do at least: for each layer `igzip -dc LAYER | openssl dgst -sha256`.\n\
             *Cold* is `edgemarket certify oci:LAYOUT --format json --sbom FILE` with an empty evidence cache, *a second time* the same again.\n\
             On a shared machine compare ratios and CPU seconds; wall time means something only on a quiet one.\n\n\
             | what | figure | promised |\n| --- | ---: | --- |\n",
            self.date, self.machine, self.rounds
        );
        for row in &self.rows {
            // A String takes every write.
            let _ =
                writeln!(text, "| {} | {} {} | {} |", row.what, figure(row.value), row.unit, row.promise());
        }
        if let Some(peers) = &self.peers {
            let _ = write!(
                text,
                "\n## Peers\n\nBy the shared folder's `bench/compare` on `telemetry`.\n\n```text\n{}\n```\n",
                peers.trim_end()
            );
        }
        text
    }
}

/// A bound as it was written down, without the digits of a computed one that say nothing.
fn bound_figure(bound: f64) -> String {
    let text = format!("{bound:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three significant digits, more for large numbers.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_judged() {
        let mut report = Report::new("2026-01-02", "a machine".to_owned(), 3);
        report.rows.push(Row::new("ratio", 2.5, "×").target(Target::AtMost(2.5)));
        report.rows.push(Row::new("wall", 0.2, "s").target(Target::Under(0.2)));
        report.rows.push(Row::new("plain", 123.4, "MB"));
        let text = report.to_markdown();
        assert!(text.contains("| ratio | 2.50 × | at most 2.5 ×: met |"), "{text}");
        assert!(text.contains("| wall | 0.200 s | under 0.2 s: **missed** |"), "{text}");
        assert!(text.contains("| plain | 123 MB |  |"), "{text}");
    }
}
