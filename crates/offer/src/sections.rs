//! The parts of an offer that a form shows one at a time: which fields each has, which findings concern it, and how far it is.

use crate::fields::{OFFER, Object};
use crate::finding::{Finding, Severity};
use crate::form::{self, Field};
use crate::policy::OfferLimits;
use serde_json::Value;
use std::collections::BTreeMap;

/// A part of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Section {
    Settings,
    Listing,
    Pictures,
    /// One plan, by its place in the document.
    Plan(usize),
    Preview,
    Leads,
    Support,
}

/// How far a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Nothing was written yet, or only what a new offer begins with.
    NotStarted,
    /// A rule is broken.
    Incomplete,
    /// No rule is broken.
    Complete,
}

impl Completion {
    /// Name in texts and classes.
    pub fn id(self) -> &'static str {
        match self {
            Completion::NotStarted => "not-started",
            Completion::Incomplete => "incomplete",
            Completion::Complete => "complete",
        }
    }
}

/// Fields of the listing that have a section of their own.
const ELSEWHERE: [&str; 3] = ["previewSubscriptions", "logos", "videos"];

impl Section {
    /// The sections of an offer with so many plans.
    pub fn all(plans: usize) -> Vec<Section> {
        let mut all = vec![Section::Settings];
        all.extend((0..plans).map(Section::Plan));
        all.extend([Section::Listing, Section::Pictures, Section::Preview, Section::Leads, Section::Support]);
        all
    }

    /// The fields with their pointers, in the order of the form.
    pub fn fields(self, plans: usize, limits: &OfferLimits) -> Vec<(String, Field)> {
        let named = |pointer: String| form::field(&pointer, limits).map(|field| (pointer, field));
        let below = |parent: String, skip: &[&str]| {
            let fields = form::fields(&parent, limits).into_iter();
            let fields = fields.filter(|field| !skip.contains(&field.name));
            fields.map(|field| (format!("{parent}/{}", field.name), field)).collect::<Vec<_>>()
        };
        match self {
            Section::Settings => named("/name".into()).into_iter().collect(),
            Section::Listing => below("/listing".into(), &ELSEWHERE),
            Section::Pictures => {
                let shots = (0..plans).map(|plan| format!("/plans/{plan}/screenshots"));
                let all = ["/listing/logos", "/listing/videos"].map(str::to_owned).into_iter().chain(shots);
                all.filter_map(named).collect()
            }
            Section::Plan(plan) => below(format!("/plans/{plan}"), &["screenshots"]),
            Section::Preview => named("/listing/previewSubscriptions".into()).into_iter().collect(),
            Section::Leads => below("/leads".into(), &[]),
            Section::Support => below("/support".into(), &[]),
        }
    }

    /// The section in which a pointer is filled; `None` for what none shows.
    pub fn of(pointer: &str) -> Option<Section> {
        let mut parts = pointer.split('/').skip(1);
        match (parts.next()?, parts.next(), parts.next()) {
            ("name", ..) => Some(Section::Settings),
            ("plans", _, Some("screenshots")) => Some(Section::Pictures),
            ("plans", Some(plan), _) => plan.parse().ok().map(Section::Plan),
            ("listing", Some("previewSubscriptions"), _) => Some(Section::Preview),
            ("listing", Some("logos" | "videos"), _) => Some(Section::Pictures),
            ("listing", ..) => Some(Section::Listing),
            ("leads", ..) => Some(Section::Leads),
            ("support", ..) => Some(Section::Support),
            _ => None,
        }
    }

    /// How far the section is. `fresh` is what a new offer begins with, and both come with their files.
    pub fn completion(
        self,
        (document, files): (&Value, &BTreeMap<String, Vec<u8>>),
        (fresh, fresh_files): (&Value, &BTreeMap<String, Vec<u8>>),
        findings: &[Finding],
        limits: &OfferLimits,
    ) -> Completion {
        let plans = document.pointer("/plans").and_then(Value::as_array).map_or(0, Vec::len);
        let mut fields = self.fields(plans, limits);
        // The plan's ID and repository are given when it is added.
        fields.retain(|(_, field)| !(field.object == "plan" && matches!(field.name, "id" | "licenceModel")));
        let is_fresh = |pointer: &str| match (document.pointer(pointer), fresh.pointer(pointer)) {
            // A text may stand in a file of its own instead; what no rule misses was not there to be written.
            (None, new) => new.is_none() || !findings.iter().any(|finding| concerned(finding) == pointer),
            (found, new) => found == new && same_files(found, files, fresh_files),
        };
        let has_default = matches!(self, Section::Settings | Section::Leads);
        let broken = findings.iter().any(|finding| {
            finding.severity == Severity::Error && Section::of(&concerned(finding)) == Some(self)
        });
        if !has_default && fields.iter().all(|(pointer, _)| is_fresh(pointer)) {
            return Completion::NotStarted;
        }
        if broken { Completion::Incomplete } else { Completion::Complete }
    }
}

/// Whether the files that a value names are the same.
fn same_files(
    value: Option<&Value>,
    files: &BTreeMap<String, Vec<u8>>,
    fresh: &BTreeMap<String, Vec<u8>>,
) -> bool {
    match value {
        Some(Value::Object(map)) => map.values().all(|value| same_files(Some(value), files, fresh)),
        Some(Value::String(text)) => files.get(text) == fresh.get(text),
        _ => true,
    }
}

/// The field that a finding is about: that of its pointer, or the missing one below it.
pub fn concerned(finding: &Finding) -> String {
    let name = finding.rule.strip_suffix("-missing").or(finding.rule.strip_suffix("-ambiguous"));
    let object = object(&finding.pointer);
    let missing = object.zip(name).and_then(|(object, name)| {
        object.fields.iter().find(|field| format!("{}-{}", object.name, kebab(field.name)) == name)
    });
    match missing {
        Some(field) => format!("{}/{}", finding.pointer, field.name),
        None => finding.pointer.clone(),
    }
}

fn object(pointer: &str) -> Option<&'static Object> {
    let mut object = &OFFER;
    for part in pointer.split('/').skip(1).filter(|part| !part.bytes().all(|b| b.is_ascii_digit())) {
        object = form::inner(&object.fields.iter().find(|field| field.name == part)?.shape)?;
    }
    Some(object)
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
