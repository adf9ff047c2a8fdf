//! Vulnerability records in the OSV format (OSV schema 1.x): the parts that matching needs. Fields that are not known
//! are passed over; a value of the wrong form makes the record broken, except in the free `*_specific` objects, of which
//! only the severity is looked at. What a record means for a version is not here: see [`super::ranges`].

use super::severity::{self, Rating};
use loose::Specific;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

mod loose;
#[cfg(test)]
mod tests;

/// Largest record in bytes. The largest of osv.dev (kernels, npm packages with every version enumerated) have about 5 MB.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Longest identifier, ecosystem and package name in bytes; the longest of real ones are Go modules below 200.
pub const NAME_BYTES_MAX: usize = 512;

/// Most aliases of each sort that are kept. A kernel advisory of a distribution names some hundred.
const ALIASES_MAX: usize = 2_000;

/// One record, reduced to what is matched and said.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// For example `GHSA-…`, `PYSEC-…`, `DSA-…`.
    pub id: String,
    /// The later of `modified` and `published` as written, `YYYY-MM-DDThh:mm:ssZ`; empty when neither is there.
    pub modified: String,
    /// It was taken back.
    pub withdrawn: bool,
    /// Other names of the same vulnerability.
    pub aliases: Vec<String>,
    /// Vulnerabilities that an advisory of a distribution is about: `upstream`, and with advisories of distributions that
    /// do not use it `related`.
    pub covers: Vec<String>,
    /// One line.
    pub summary: String,
    /// The worst severity that it states for all that it affects.
    pub rating: Option<Rating>,
    /// What it affects.
    pub affected: Vec<Affected>,
    /// Ranges over commits, which say nothing about a package's version.
    pub git_ranges: usize,
}

/// One package that a record affects; several entries for one package are joined.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// As the record writes it, for example `Debian:12`.
    pub ecosystem: String,
    /// As the record writes it.
    pub name: String,
    /// Ranges of versions.
    pub ranges: Vec<Range>,
    /// Versions by name.
    pub versions: Vec<String>,
    /// Severity for this package, where the record states it.
    pub rating: Option<Rating>,
    /// Not a vulnerability but a notice, for example `unmaintained` (RustSec).
    pub informational: Option<String>,
}

/// A range: its events, in the record's order.
pub type Range = Vec<Event>;

/// An event of a range (OSV schema, `affected[].ranges[].events`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, Deserialize)]
#[allow(missing_docs, reason = "the schema's own names")]
pub enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
    Limit(String),
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// Reads one record.
///
/// # Errors
/// It is too large, no JSON, nested too deep (128), or lacks what the schema requires. The message says where.
pub fn parse(bytes: &[u8]) -> Result<Record, Broken> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(Broken(format!("it has {} bytes, at most {RECORD_BYTES_MAX} are read", bytes.len())));
    }
    let raw: RawRecord = serde_json::from_slice(bytes).map_err(|cause| Broken(cause.to_string()))?;
    raw.record()
}

#[derive(Deserialize)]
struct RawRecord {
    id: String,
    #[serde(default, deserialize_with = "or_empty")]
    modified: String,
    #[serde(default, deserialize_with = "or_empty")]
    published: String,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    aliases: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    related: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    upstream: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    summary: String,
    #[serde(default, deserialize_with = "or_empty")]
    severity: Vec<RawSeverity>,
    #[serde(default, deserialize_with = "or_empty")]
    affected: Vec<RawAffected>,
    #[serde(default, deserialize_with = "or_empty")]
    database_specific: Specific,
}

#[derive(Deserialize)]
struct RawSeverity {
    #[serde(default, deserialize_with = "or_empty")]
    score: String,
}

#[derive(Deserialize)]
struct RawAffected {
    package: Option<RawPackage>,
    #[serde(default, deserialize_with = "or_empty")]
    ranges: Vec<RawRange>,
    #[serde(default, deserialize_with = "or_empty")]
    versions: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    severity: Vec<RawSeverity>,
    #[serde(default, deserialize_with = "or_empty")]
    ecosystem_specific: Specific,
    #[serde(default, deserialize_with = "or_empty")]
    database_specific: Specific,
}

#[derive(Deserialize)]
struct RawPackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RawRange {
    r#type: String,
    #[serde(default, deserialize_with = "or_empty")]
    events: Vec<BTreeMap<String, String>>,
}

/// Some databases write `null` for a list that is empty.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

impl RawRecord {
    fn record(self) -> Result<Record, Broken> {
        let id = named("id", self.id)?;
        let mut git_ranges = 0;
        let mut affected: BTreeMap<(String, String), Affected> = BTreeMap::new();
        for entry in self.affected {
            let Some(package) = &entry.package else {
                git_ranges += entry.ranges.len();
                continue;
            };
            let key = (
                named("affected.package.ecosystem", package.ecosystem.clone())?,
                named("affected.package.name", package.name.clone())?,
            );
            git_ranges += entry.add_to(affected.entry(key.clone()).or_insert_with(|| Affected {
                ecosystem: key.0,
                name: key.1,
                ranges: Vec::new(),
                versions: Vec::new(),
                rating: None,
                informational: None,
            }))?;
        }
        let of_distribution = severity::is_distribution_advisory(&id);
        let mut covers = self.upstream;
        if of_distribution && covers.is_empty() {
            covers = self.related;
        }
        covers.retain(|other| *other != id && is_name(other));
        covers.truncate(ALIASES_MAX);
        let mut aliases = self.aliases;
        aliases.retain(|other| *other != id && is_name(other));
        aliases.truncate(ALIASES_MAX);
        let rating = rating_of(&self.severity)
            .or_else(|| self.database_specific.rating())
            .or_else(|| severity::of_malicious(&id))
            .or_else(|| severity::of_summary(&self.summary).filter(|_| of_distribution));
        Ok(Record {
            modified: self.modified.max(self.published),
            withdrawn: self.withdrawn.is_some(),
            aliases,
            covers,
            summary: first_line(&self.summary),
            rating,
            affected: affected.into_values().collect(),
            git_ranges,
            id,
        })
    }
}

impl RawAffected {
    /// Adds ranges and versions; returns how many ranges over commits were passed over.
    fn add_to(self, affected: &mut Affected) -> Result<usize, Broken> {
        let mut git = 0;
        for range in self.ranges {
            match range.r#type.as_str() {
                "SEMVER" | "ECOSYSTEM" => {
                    let events: Result<Range, Broken> = range.events.into_iter().map(event).collect();
                    affected.ranges.push(events?);
                }
                "GIT" => git += 1,
                other => return Err(Broken(format!("the range type {other:.40?} is not known"))),
            }
        }
        affected.versions.extend(self.versions);
        let rating = rating_of(&self.severity)
            .or_else(|| self.ecosystem_specific.rating())
            .or_else(|| self.database_specific.rating());
        affected.rating = affected.rating.max(rating);
        let informational = self.database_specific.informational.or(self.ecosystem_specific.informational);
        affected.informational = affected.informational.take().or(informational);
        Ok(git)
    }
}

fn event(event: BTreeMap<String, String>) -> Result<Event, Broken> {
    let mut events = event.into_iter();
    let (Some((kind, version)), None) = (events.next(), events.next()) else {
        return Err(Broken("an event of a range does not have one key".to_owned()));
    };
    let version = named("affected.ranges.events", version)?;
    match kind.as_str() {
        "introduced" => Ok(Event::Introduced(version)),
        "fixed" => Ok(Event::Fixed(version)),
        "last_affected" => Ok(Event::LastAffected(version)),
        "limit" => Ok(Event::Limit(version)),
        other => Err(Broken(format!("the event {other:.40?} of a range is not known"))),
    }
}

fn rating_of(severities: &[RawSeverity]) -> Option<Rating> {
    severities.iter().filter_map(|severity| severity::of_vector(&severity.score)).max()
}

fn named(what: &str, name: String) -> Result<String, Broken> {
    if !is_name(&name) {
        return Err(Broken(format!(
            "`{what}` is empty, longer than {NAME_BYTES_MAX} bytes, or has control characters"
        )));
    }
    Ok(name)
}

/// Whether it may stand in a report: a terminal must not obey what a database says.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains(char::is_control)
}

/// The first line, shortened to what a report can show.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}
