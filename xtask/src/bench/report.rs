//! The rows of BENCHMARKS.md. It formats; it measures nothing.

use std::fmt::Write as _;

/// What was promised of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtMost(f64),
    Under(f64),
    AtLeast(f64),
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
            Some(Target::AtLeast(bound)) => ("at least", self.value >= bound, bound),
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

    /// What `bench` found: the beginning of BENCHMARKS.md, and the peers' section where they were measured.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Measurements\n\n\
             Made by `cargo xtask bench` on {}, release build.\n\n\
             Machine: {}.\n\n\
             Figures are medians of {} interleaved rounds, memory the largest. CPU is user and system time with all children.\n\
             The *limit* is what any scanner must do at least: for each layer `igzip -dc LAYER | openssl dgst -sha256`.\n\
             *Cold* is `edgemarket certify oci:LAYOUT --format json --sbom FILE` with an empty evidence cache, *a second time* the same again.\n\
             On a shared machine compare ratios and CPU seconds; wall time means something only on a quiet one.\n\n",
            self.date, self.machine, self.rounds
        );
        self.table(&mut text);
        if let Some(peers) = &self.peers {
            let _ = write!(
                text,
                "\n## Peers\n\nBy the shared folder's `bench/compare` on `telemetry`.\n\n```text\n{}\n```\n",
                peers.trim_end()
            );
        }
        text
    }

    /// What `bench registry` found: one section.
    pub fn registry_markdown(&self) -> String {
        let mut text = format!(
            "## Registry\n\n\
             Made by `cargo xtask bench registry --large` on {}, release build. Machine: {}.\n\n\
             Medians of {} interleaved rounds of wrk (one thread, on the same machine) and skopeo. The image is `telemetry`, live, and\n\
             pulled anonymously; docker-registry is Debian's with its file system back end; nginx sends the same bytes as files.\n\n",
            self.date, self.machine, self.rounds
        );
        self.table(&mut text);
        text
    }

    /// What `bench storefront` found: one section.
    pub fn storefront_markdown(&self) -> String {
        let mut text = format!(
            "## Storefront\n\n\
             Made by `cargo xtask bench storefront` on {}, release build, the server on one core. Machine: {}.\n\n\
             Medians of {} rounds of wrk (one thread, on the same machine). The offers are made by `cargo xtask offers`; each has rows and files\n\
             of its own and shares its image with the others. Times are over one connection, so that nothing queues.\n\n",
            self.date, self.machine, self.rounds
        );
        self.table(&mut text);
        text
    }

    fn table(&self, text: &mut String) {
        text.push_str("| what | figure | promised |\n| --- | ---: | --- |\n");
        for row in &self.rows {
            // A String takes every write.
            let _ =
                writeln!(text, "| {} | {} {} | {} |", row.what, figure(row.value), row.unit, row.promise());
        }
    }
}

/// The old document with those sections that were measured now in place of the old ones. Sections begin with `## `; what
/// stands before the first is one too. What is written by hand stays.
pub fn merge(old: &str, new: &str) -> String {
    let mut sections = split(old);
    for (heading, text) in split(new) {
        match sections.iter_mut().find(|(old, _)| *old == heading) {
            Some(section) => section.1 = text,
            None => sections.push((heading, text)),
        }
    }
    let texts = sections.iter().map(|(_, text)| text.trim()).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("\n\n") + "\n"
}

fn split(text: &str) -> Vec<(String, String)> {
    let mut sections = vec![(String::new(), String::new())];
    for line in text.lines() {
        if line.starts_with("## ") {
            sections.push((line.to_owned(), String::new()));
        }
        if let Some((_, text)) = sections.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    if sections[0].1.trim().is_empty() {
        sections.remove(0);
    }
    sections
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
        report.rows.push(Row::new("rate", 9.5, "×").target(Target::AtLeast(10.0)));
        let text = report.to_markdown();
        assert!(text.contains("| ratio | 2.50 × | at most 2.5 ×: met |"), "{text}");
        assert!(text.contains("| wall | 0.200 s | under 0.2 s: **missed** |"), "{text}");
        assert!(text.contains("| plain | 123 MB |  |"), "{text}");
        assert!(text.contains("| rate | 9.50 × | at least 10 ×: **missed** |"), "{text}");
    }

    #[test]
    fn sections_that_were_not_measured_stay() {
        let old = "# M\n\nold\n\n## Peers\n\nold\n\n## By hand\n\nkept\n";
        assert_eq!(merge(old, "# M\n\nnew\n"), old.replacen("old", "new", 1));
        assert_eq!(merge(old, "## Peers\n\nnew\n"), old.replace("Peers\n\nold", "Peers\n\nnew"));
        assert_eq!(merge("", "# M\n\n## Registry\nx\n"), "# M\n\n## Registry\nx\n");
        assert_eq!(merge("# M\n", "## Registry\nx\n"), "# M\n\n## Registry\nx\n");
    }
}
