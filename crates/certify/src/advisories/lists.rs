//! Lists beside the advisories: CISA's catalogue of known exploited vulnerabilities (JSON) and FIRST's exploit prediction
//! scores (CSV). Only their forms; where they are kept is the store's matter.

use super::error::Error;
use super::store::Epss;
use serde::Deserialize;
use std::io::{BufRead, Read};

/// Most bytes of the KEV catalogue; it has about 1.5 MB.
pub const KEV_BYTES_MAX: usize = 64 << 20;

/// Most lines of the EPSS file; it has about 300,000.
const EPSS_LINES_MAX: usize = 5_000_000;

/// Longest line of the EPSS file in bytes; they have about 30.
const LINE_BYTES_MAX: u64 = 500;

/// KEV catalogue (schema 1.x).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kev {
    /// When it was published.
    #[serde(default)]
    pub date_released: String,
    /// Its entries.
    pub vulnerabilities: Vec<KevEntry>,
}

/// An entry of the catalogue.
#[derive(Debug, Deserialize)]
pub struct KevEntry {
    /// For example `CVE-2021-44228`.
    #[serde(rename = "cveID")]
    pub cve: String,
    /// `YYYY-MM-DD`.
    #[serde(rename = "dateAdded", default)]
    pub added: String,
}

/// Reads the EPSS file: a comment with `score_date`, a header, then `CVE,score,percentile`. Calls `each` for every line,
/// and returns the day (empty when not stated), and how many lines are broken.
///
/// # Errors
/// It cannot be read, or has too many lines.
pub fn read_epss(
    mut input: impl BufRead,
    name: &str,
    mut each: impl FnMut(&str, Epss) -> Result<(), Error>,
) -> Result<(String, u64), Error> {
    let (mut day, mut broken, mut line) = (String::new(), 0, String::new());
    for number in 0.. {
        line.clear();
        let mut bounded = (&mut input).take(LINE_BYTES_MAX);
        let length = bounded.read_line(&mut line).map_err(Error::io(format!("reading {name}")))?;
        if length == 0 {
            break;
        }
        if number >= EPSS_LINES_MAX || length as u64 >= LINE_BYTES_MAX {
            return Err(Error::new(
                format!("{name} has more than {EPSS_LINES_MAX} lines, or one of {LINE_BYTES_MAX} bytes"),
                "check that it is the EPSS file that FIRST publishes each day",
            ));
        }
        let text = line.trim();
        if let Some(comment) = text.strip_prefix('#') {
            let date = comment.split(',').find_map(|part| part.trim().strip_prefix("score_date:"));
            day = date.map(|date| date.chars().take(10).collect()).unwrap_or_default();
        } else if let Some((cve, epss)) = epss_line(text) {
            each(cve, epss)?;
        } else if !text.is_empty() && !text.starts_with("cve,") {
            broken += 1;
        }
    }
    Ok((day, broken))
}

fn epss_line(line: &str) -> Option<(&str, Epss)> {
    let mut fields = line.split(',');
    let cve = fields.next().filter(|cve| cve.starts_with("CVE-"))?;
    let mut millionths = || {
        let part: f64 = fields.next()?.parse().ok()?;
        (0.0..=1.0).contains(&part).then(|| (part * 1e6).round() as u32)
    };
    Some((cve, Epss { score: millionths()?, percentile: millionths()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epss_lines_are_read_and_broken_ones_counted() {
        let text = "#model_version:v2025.03.14,score_date:2025-08-25T12:55:00Z\ncve,epss,percentile\n\
                    CVE-2021-44228,0.94358,0.99957\nCVE-1,2.0,0.1\nnonsense\n\n";
        let mut found = Vec::new();
        let read = read_epss(text.as_bytes(), "epss.csv", |cve, epss| {
            found.push((cve.to_owned(), epss));
            Ok(())
        });
        assert_eq!(read.expect("it is read"), ("2025-08-25".to_owned(), 2));
        assert_eq!(found, [("CVE-2021-44228".to_owned(), Epss { score: 943_580, percentile: 999_570 })]);
        let long = "x".repeat(1_000);
        assert!(read_epss(long.as_bytes(), "epss.csv", |_, _| Ok(())).is_err());
    }
}
