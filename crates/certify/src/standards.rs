//! Security standards, clause by clause (spec `certification.md`, *Security standards*): which criteria give evidence for
//! a clause is data with version and source, and whether the clause is met is a pure function of their verdicts. Not a
//! judgement of its own on the image, but for the two clauses of CIS that ask about steps of the build file (`history`).

use crate::criteria::Case;
use crate::report::{CriterionResult, Verdict};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

mod history;

/// One standard as in `data/standards`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Standard {
    /// Stable ID, as policies name it.
    pub id: String,
    /// Name, and which part of it.
    pub title: String,
    /// Version or date of the text.
    pub version: String,
    /// Where the text can be had.
    pub source: String,
    /// In the order of the text.
    pub clauses: Vec<Clause>,
}

/// One clause.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clause {
    /// Number in the standard.
    pub id: String,
    /// What it asks for, in our own words.
    pub title: String,
    /// Criteria that give evidence.
    #[serde(default)]
    pub criteria: Vec<String>,
    /// Those of them whose mere advice does not count against the clause.
    #[serde(default)]
    pub lenient: Vec<String>,
    /// Evidence beside the criteria.
    #[serde(default)]
    evidence: Option<history::Question>,
    /// Why an image scan cannot see it.
    #[serde(default)]
    pub not_covered: Option<String>,
}

/// A standard in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "as Standard")]
pub struct StandardView {
    pub id: String,
    pub title: String,
    pub version: String,
    pub source: String,
    pub clauses: Vec<ClauseView>,
}

/// A clause in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "as Clause")]
pub struct ClauseView {
    pub id: String,
    pub title: String,
    pub result: ClauseResult,
    pub criteria: Vec<String>,
    /// Why it is not met or not covered, or what was waived where it is met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a clause is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClauseResult {
    /// All evidence speaks for it.
    Met,
    /// Some evidence speaks against it.
    NotMet,
    /// There is no evidence, or not all of it could be had.
    NotCovered,
}

impl StandardView {
    /// The clauses with this result.
    pub fn with(&self, result: ClauseResult) -> impl Iterator<Item = &ClauseView> {
        self.clauses.iter().filter(move |clause| clause.result == result)
    }
}

/// The standards that are known.
pub fn all() -> &'static [Standard] {
    static ALL: LazyLock<Vec<Standard>> = LazyLock::new(|| {
        let texts = [
            include_str!("../data/standards/nist-sp-800-190.toml"),
            include_str!("../data/standards/cis-docker-4.toml"),
            include_str!("../data/standards/iec-62443-4-1.toml"),
            include_str!("../data/standards/iec-62443-4-2.toml"),
            include_str!("../data/standards/eu-cra-annex-i.toml"),
        ];
        // Our own files; a test reads them.
        texts.map(|text| toml::from_str(text).expect("a standard's file is well formed")).into()
    });
    &ALL
}

/// Every standard, as the results see it.
pub(crate) fn views(results: &[CriterionResult], case: &Case<'_>) -> Vec<StandardView> {
    let view = |standard: &Standard| StandardView {
        id: standard.id.clone(),
        title: standard.title.clone(),
        version: standard.version.clone(),
        source: standard.source.clone(),
        clauses: standard.clauses.iter().map(|clause| clause_view(clause, results, case)).collect(),
    };
    all().iter().map(view).collect()
}

fn clause_view(clause: &Clause, results: &[CriterionResult], case: &Case<'_>) -> ClauseView {
    let (result, reason) = match (&clause.not_covered, clause.evidence) {
        (Some(reason), _) => (ClauseResult::NotCovered, Some(reason.clone())),
        (None, Some(question)) => history::answer(question, case.images),
        (None, None) => by_criteria(clause, results),
    };
    ClauseView {
        id: clause.id.clone(),
        title: clause.title.clone(),
        result,
        criteria: clause.criteria.clone(),
        reason,
    }
}

/// What speaks against the clause outweighs what is missing, and what is missing outweighs what speaks for it.
fn by_criteria(clause: &Clause, results: &[CriterionResult]) -> (ClauseResult, Option<String>) {
    let (mut against, mut missing, mut waived) = (Vec::new(), Vec::new(), Vec::new());
    for id in &clause.criteria {
        let Some(result) = results.iter().find(|result| result.id == *id) else {
            missing.push(format!("{id} is not judged by this version"));
            continue;
        };
        let reason = result.reason.as_deref().unwrap_or("no reason given");
        match result.verdict {
            Verdict::Failed => against.push(format!("{id} failed")),
            Verdict::Warned if !clause.lenient.contains(id) => against.push(format!("{id} warned")),
            Verdict::Errored => missing.push(format!("{id} could not be checked: {reason}")),
            Verdict::NotApplicable => missing.push(format!("{id} is not applicable: {reason}")),
            Verdict::Waived => waived.push(format!("{id} is waived")),
            Verdict::Passed | Verdict::Warned => {}
        }
    }
    let told = |parts: Vec<String>| Some(parts.join("; ")).filter(|text| !text.is_empty());
    if !against.is_empty() {
        (ClauseResult::NotMet, told(against))
    } else if !missing.is_empty() {
        // Half of the evidence is none: without vulnerability data nobody knows of vulnerabilities.
        (ClauseResult::NotCovered, told(missing))
    } else {
        (ClauseResult::Met, told(waived))
    }
}

#[cfg(test)]
mod tests;
