//! What an import says while it runs, and when it is done.

use crate::advisories::store::{Source, SourceKind};
use serde::Serialize;
use std::path::Path;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file or directory that is read.
    pub file: &'a Path,
    /// Its records so far.
    pub done: u64,
    /// Its records, where that is known.
    pub total: Option<u64>,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Each source that is new or was replaced, by kind and name.
    pub sources: Vec<SourceSummary>,
    /// The first broken records: where, and why.
    pub broken: Vec<String>,
}

/// What was imported of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSummary {
    /// Kind.
    pub kind: SourceKind,
    /// Name.
    pub name: String,
    /// Day of the data; empty when it does not say.
    pub day: String,
    /// Records that are kept.
    pub records: u64,
    /// The rest.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What was passed over, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Records that were taken back.
    pub withdrawn: u64,
    /// Records that cannot be used.
    pub broken: u64,
    /// Records of an id that was there already; the one that was changed last is kept.
    pub duplicates: u64,
    /// Advisories about bugs and enhancements.
    pub no_security: u64,
    /// Ranges over commits: they say nothing about a package's version.
    pub git_ranges: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Counts) {
        self.withdrawn += other.withdrawn;
        self.broken += other.broken;
        self.duplicates += other.duplicates;
        self.no_security += other.no_security;
        self.git_ranges += other.git_ranges;
    }
}

impl SourceSummary {
    pub(super) fn of(source: Source, counts: Counts) -> SourceSummary {
        let Source { kind, name, day, records, .. } = source;
        SourceSummary { kind, name, day, records, counts }
    }
}
