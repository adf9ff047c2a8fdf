//! Python's core metadata: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO` and `*.egg-info` files (header lines up to
//! the first empty one).

use super::{Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};

/// Header lines that are read at most; long classifier lists have some hundreds.
const LINES_MAX: usize = 10_000;

/// Reads one package.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let text = String::from_utf8_lossy(data);
    let (mut name, mut version, mut licence, mut expression, mut classifier) = ("", "", "", "", "");
    for line in text.lines().take(LINES_MAX).take_while(|line| !line.trim().is_empty()) {
        match line.split_once(':').map(|(key, value)| (key, value.trim())) {
            Some(("Name", value)) => name = value,
            Some(("Version", value)) => version = value,
            Some(("License", value)) => licence = value,
            Some(("License-Expression", value)) => expression = value,
            Some(("Classifier", value)) => {
                classifier = value.strip_prefix("License :: ").map_or(classifier, last_part);
            }
            _ => {}
        }
    }
    if !sane(name) || !sane(version) {
        return Err("it states no name and version".to_owned());
    }
    let mut found = package(PackageKind::Pypi, place, &normalised(name), version);
    let stated = [expression, licence, classifier].into_iter();
    found.licence = stated.filter(|text| sane(text) && *text != "UNKNOWN").map(str::to_owned).next();
    Ok(vec![found])
}

fn last_part(classifier: &str) -> &str {
    classifier.rsplit(" :: ").next().unwrap_or(classifier)
}

/// PEP 503: runs of `-`, `_` and `.` are one `-`, lower case.
fn normalised(name: &str) -> String {
    let mut normalised = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '-' | '_' | '.' if normalised.ends_with('-') => {}
            '-' | '_' | '.' => normalised.push('-'),
            letter => normalised.extend(letter.to_lowercase()),
        }
    }
    normalised
}
