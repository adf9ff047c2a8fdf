//! What one report has that another has not: findings that are new and findings that were fixed. Pure.

use super::{CriterionResult, Finding, Report, Verdict, Where};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A finding with the criterion that it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FindingOf {
    pub criterion: String,
    pub finding: Finding,
}

/// Findings of two reports beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingChanges {
    /// Only in the later report.
    pub new: Vec<FindingOf>,
    /// Only in the earlier report.
    pub fixed: Vec<FindingOf>,
    /// In both.
    pub kept: usize,
}

/// Compares two reports of a plan. A finding is the same one when criterion, sentence and place are the same, digests of
/// image and layer and the line in the document aside: those differ with every build. In how many images a finding is does
/// not count: one more version with an old fault has nothing new, and a fault is fixed when no image has it any more.
pub fn changes(before: &Report, after: &Report) -> FindingChanges {
    let (old, new) = (by_key(before), by_key(after));
    let only = |these: &BTreeMap<Key, Vec<&Finding>>, others: &BTreeMap<Key, Vec<&Finding>>| {
        let only = these.iter().filter(|(key, _)| !others.contains_key(*key));
        only.flat_map(|(key, findings)| findings.iter().map(|finding| of(key, finding))).collect()
    };
    FindingChanges {
        fixed: only(&old, &new),
        new: only(&new, &old),
        kept: new.keys().filter(|key| old.contains_key(*key)).count(),
    }
}

type Key = (String, String, Where);

fn of(key: &Key, finding: &Finding) -> FindingOf {
    FindingOf { criterion: key.0.clone(), finding: finding.clone() }
}

fn by_key(report: &Report) -> BTreeMap<Key, Vec<&Finding>> {
    let counts =
        |result: &&CriterionResult| !matches!(result.verdict, Verdict::NotApplicable | Verdict::Errored);
    let mut findings: BTreeMap<Key, Vec<&Finding>> = BTreeMap::new();
    for result in report.criteria.iter().filter(counts) {
        for finding in &result.findings {
            let place = Where { image: None, layer: None, position: None, ..finding.place.clone() };
            findings.entry((result.id.clone(), finding.message.clone(), place)).or_default().push(finding);
        }
    }
    findings
}
