//! How bad a vulnerability is: from CVSS vectors (FIRST, CVSS 2.0, 3.x, 4.0) or, without one, from the words that
//! databases use. The score is computed by the `cvss` crate.

use crate::report::Severity;
use serde::{Deserialize, Serialize};

/// Longest vector in bytes; version 4 with all its metrics has about 200.
const VECTOR_BYTES_MAX: usize = 400;

/// Severity, and the CVSS score where one was given. Ordered by how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rating {
    /// The word.
    pub severity: Severity,
    /// CVSS score in tenths: 98 is 9.8.
    pub score: Option<u8>,
}

impl Rating {
    /// Without a score.
    pub fn word(severity: Severity) -> Rating {
        Rating { severity, score: None }
    }
}

/// From a vector; `None` when it is not one.
pub fn of_vector(vector: &str) -> Option<Rating> {
    if vector.len() > VECTOR_BYTES_MAX {
        return None;
    }
    // Version 2 has no prefix, but is sometimes put into brackets.
    let vector = vector.trim_matches(['(', ')']);
    // Without one of these the crate takes the impact for none, which would make the worst vulnerability harmless.
    let mandatory: &[&str] = match vector.get(..6) {
        Some("CVSS:4") => &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"],
        Some("CVSS:3") => &["AV", "AC", "PR", "UI", "S", "C", "I", "A"],
        _ => &["AV", "AC", "Au", "C", "I", "A"],
    };
    let has = |metric: &&str| vector.split('/').any(|part| part.split(':').next() == Some(*metric));
    if !mandatory.iter().all(has) {
        return None;
    }
    let score = vector.parse::<cvss::Cvss>().ok()?.score();
    let tenths = (score * 10.0).round().clamp(0.0, 100.0) as u8;
    Some(Rating { severity: of_score(tenths), score: Some(tenths) })
}

/// Qualitative severity rating scale (CVSS 3.1 section 5, CVSS 4.0 section 6), in tenths.
fn of_score(tenths: u8) -> Severity {
    match tenths {
        90.. => Severity::Critical,
        70.. => Severity::High,
        40.. => Severity::Medium,
        1.. => Severity::Low,
        0 => Severity::Info,
    }
}

/// From a word: GitHub's, Red Hat's, Ubuntu's and Debian's.
pub fn of_word(word: &str) -> Option<Rating> {
    let severity = match word.trim().to_lowercase().trim_end_matches('*') {
        "critical" => Severity::Critical,
        "high" | "important" => Severity::High,
        "medium" | "moderate" => Severity::Medium,
        "low" => Severity::Low,
        "negligible" | "unimportant" | "none" => Severity::Info,
        _ => return None,
    };
    Some(Rating::word(severity))
}

/// From the start of an advisory's summary, where Red Hat and those who rebuild it put it: `Important: kernel …`.
pub fn of_summary(summary: &str) -> Option<Rating> {
    of_word(summary.split_once(':')?.0)
}

/// A package that is itself malware (OSSF malicious-packages) has no score and needs none.
pub fn of_malicious(id: &str) -> Option<Rating> {
    is_malicious(id).then(|| Rating::word(Severity::Critical))
}

/// Whether the record says that the package itself is malware.
pub fn is_malicious(id: &str) -> bool {
    id.starts_with("MAL-")
}

/// Advisories of distributions cover several vulnerabilities each, and name them as related or upstream.
pub fn is_distribution_advisory(id: &str) -> bool {
    const PREFIXES: [&str; 14] = [
        "ALSA-", "ALBA-", "ALEA-", "RHSA-", "RHBA-", "RHEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-", "DSA-",
        "DLA-", "DTSA-", "USN-",
    ];
    PREFIXES.iter().any(|prefix| id.starts_with(prefix))
        || id.starts_with("SUSE-")
        || id.starts_with("openSUSE-")
        || id.starts_with("MGASA-")
        || id.starts_with("OESA-")
}

/// Advisories about bugs and enhancements (`ALBA`, `RHEA`, …) are published in the same form; without a CVE they have
/// nothing to do with security.
pub fn is_no_security(id: &str, covers: &[String]) -> bool {
    const PREFIXES: [&str; 6] = ["ALBA-", "ALEA-", "RHBA-", "RHEA-", "RLBA-", "RLEA-"];
    PREFIXES.iter().any(|prefix| id.starts_with(prefix))
        && !covers.iter().any(|other| other.starts_with("CVE-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_give_the_published_scores() {
        let score = |vector| of_vector(vector).and_then(|rating| rating.score);
        // CVE-2021-44228, CVE-2014-0160 in versions 3.1 and 2.0, and examples 1 and 3 of the CVSS 4.0 documents.
        assert_eq!(score("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"), Some(100));
        assert_eq!(score("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"), Some(75));
        assert_eq!(score("AV:N/AC:L/Au:N/C:P/I:N/A:N"), Some(50));
        assert_eq!(score("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"), Some(93));
        assert_eq!(score("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"), Some(73));
        for wrong in ["", "9.8", "CVSS:3.1", "CVSS:9.9/AV:N", "AV:N", "AV:N/AV:N", "/", "CVSS:3.1/AV:N/AC:L"]
        {
            assert_eq!(score(wrong), None, "{wrong}");
        }
        assert_eq!(score(&"CVSS:3.1/".repeat(1_000)), None);
    }

    #[test]
    fn words_are_understood() {
        let of = |word| of_word(word).map(|rating| rating.severity);
        assert_eq!(of("MODERATE"), Some(Severity::Medium));
        assert_eq!(of("low**"), Some(Severity::Low));
        assert_eq!(of("not yet assigned"), None);
        assert_eq!(
            of_summary("Important: kernel security update").map(|rating| rating.severity),
            Some(Severity::High)
        );
    }

    #[test]
    fn the_worse_rating_is_the_greater_one() {
        let critical = Rating::word(Severity::Critical);
        assert!(critical > Rating { severity: Severity::High, score: Some(89) });
        assert!(Rating { severity: Severity::Critical, score: Some(98) } > critical);
    }
}
