//! Two versions of an offer beside each other: what is live, the draft, or any submission. Fields, tags, pictures and
//! sizes, packages and findings; what is equal is only counted. What is compared how is decided by pure functions:
//! [`offer::diff`], [`certify::report::changes`], [`certify::sbom::changes`].

use crate::access::{self, Actor, Operation};
use crate::catalogue::{OfferPage, PlanPage, PlatformImage};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::offers::state_of;
use crate::store::submissions::{self, SubmissionRow};
use certify::report::FindingChanges;
use certify::sbom::PackageChange;
use offer::diff::{self, Change, TagChange};
use offer::document::Offer;
use offer::identity::{OfferId, PublisherId};
use offer::submission::SubmissionState;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which version of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// What is edited.
    Draft,
    /// What is live.
    Live,
    /// A submission, by its id.
    Submission(String),
}

impl Version {
    /// `draft`, `live`, or the id of a submission.
    pub fn of(text: &str) -> Version {
        match text {
            "draft" => Version::Draft,
            "live" => Version::Live,
            id => Version::Submission(id.to_owned()),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Version::Draft => f.write_str("draft"),
            Version::Live => f.write_str("live"),
            Version::Submission(id) => f.write_str(id),
        }
    }
}

/// What differs between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The earlier version.
    pub before: Side,
    /// The later version.
    pub after: Side,
    /// Fields that differ, by pointer; those of tags are below.
    pub fields: Vec<Change>,
    /// Parts of the document in which nothing differs.
    pub unchanged: Vec<String>,
    /// Picture files whose content differs.
    pub pictures: Vec<PictureChange>,
    /// Tags that are new, gone, or moved. A draft has no digests until it is published.
    pub tags: Vec<TagChange>,
    /// What a device without any of it fetches, where it differs.
    pub sizes: Vec<SizeChange>,
    /// Packages that differ, by plan and platform.
    pub packages: Vec<PackagesOf>,
    /// Findings that are new or fixed, by plan.
    pub findings: Vec<FindingsOf>,
}

/// One of the two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Side {
    /// `draft`, or the id of a submission.
    pub version: String,
    /// Of a submission.
    pub number: Option<i64>,
    pub state: Option<SubmissionState>,
    /// When it was published, or last changed.
    pub at: Instant,
}

/// A picture file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PictureChange {
    pub file: String,
    /// It is there in the earlier version.
    pub before: bool,
    /// It is there in the later version.
    pub after: bool,
}

/// The size of an image in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SizeChange {
    pub plan: String,
    pub platform: String,
    pub before: Option<u64>,
    pub after: Option<u64>,
}

/// Packages of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PackagesOf {
    pub plan: String,
    pub platform: String,
    pub changes: Vec<PackageChange>,
}

/// Findings of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FindingsOf {
    pub plan: String,
    #[serde(flatten)]
    pub changes: FindingChanges,
}

/// A version with all that is compared.
struct Loaded {
    side: Side,
    document: Offer,
    files: BTreeMap<String, Vec<u8>>,
    /// Empty for a draft.
    plans: Vec<PlanPage>,
}

impl Market {
    /// Compares two versions of an offer.
    pub async fn compare(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        (before, after): (&Version, &Version),
    ) -> Result<Comparison> {
        access::permit(actor, Operation::ManageOffers(offer.0))?;
        let (before, after) = (self.load(actor, offer, before).await?, self.load(actor, offer, after).await?);
        let (mut old, mut new) = (fields_of(&before.document)?, fields_of(&after.document)?);
        let is_draft = before.plans.is_empty() || after.plans.is_empty();
        let (mut old_tags, mut new_tags) = (tags_of(&before), tags_of(&after));
        if is_draft {
            // What a draft's tags point at is not known before it is published.
            old_tags.values_mut().chain(new_tags.values_mut()).for_each(String::clear);
        }
        old.retain(|pointer, _| !is_tags(pointer));
        new.retain(|pointer, _| !is_tags(pointer));
        let fields = diff::changes(&old, &new);
        let unchanged = unchanged(&old, &new, &fields);
        let mut comparison = Comparison {
            pictures: pictures(&before.files, &after.files),
            tags: diff::tag_changes(&old_tags, &new_tags),
            before: before.side.clone(),
            after: after.side.clone(),
            fields,
            unchanged,
            sizes: Vec::new(),
            packages: Vec::new(),
            findings: Vec::new(),
        };
        if is_draft {
            return Ok(comparison);
        }
        let of = |plans: &[PlanPage], id: &str| plans.iter().find(|plan| plan.id == id).cloned();
        let ids: BTreeSet<&String> = before.plans.iter().chain(&after.plans).map(|plan| &plan.id).collect();
        for id in ids {
            let pair = (of(&before.plans, id), of(&after.plans, id));
            comparison.sizes.extend(self.sizes(id, &pair).await?);
            if let (Some(old), Some(new)) = &pair {
                comparison.packages.extend(self.packages_between(old, new).await?);
                comparison.findings.extend(self.findings_between(old, new).await?);
            }
        }
        Ok(comparison)
    }

    /// A picture of a version of an offer, for those who manage it.
    pub async fn version_picture(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        version: &Version,
        file: &str,
    ) -> Result<Vec<u8>> {
        access::permit(actor, Operation::ManageOffers(offer.0))?;
        let mut files = match version {
            Version::Draft => self.draft(actor, offer).await?.files,
            version => {
                let row = self.version_row(offer, version).await?;
                self.page(row, false).await?.snapshot.files.clone()
            }
        };
        let found = files.remove(file).filter(|bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
        found.ok_or_else(|| Error::not_found("this picture of the offer"))
    }

    /// The live submission of an offer, or one of its others.
    async fn version_row(&self, offer: (&PublisherId, &OfferId), version: &Version) -> Result<SubmissionRow> {
        let missing = || Error::not_found(format!("the version {version:.60} of {}.{}", offer.0, offer.1));
        let id = match version {
            Version::Submission(id) => Some(id.clone()),
            _ => self.offer_row(offer.0, offer.1).await?.live,
        };
        let mut c = self.store.read().await?;
        let row = submissions::get(&mut c, &id.ok_or_else(missing)?).await?.ok_or_else(missing)?;
        let is_of = row.publisher == offer.0.as_str() && row.offer == offer.1.as_str();
        if is_of { Ok(row) } else { Err(missing()) }
    }

    async fn load(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        version: &Version,
    ) -> Result<Loaded> {
        if *version == Version::Draft {
            let draft = self.draft(actor, offer).await?;
            let document = draft.document.ok_or_else(|| Error {
                findings: draft.findings,
                ..Error::new(
                    Kind::Conflict,
                    format!(
                        "the draft of {}.{} breaks a rule, so that it cannot be compared",
                        offer.0, offer.1
                    ),
                    "correct what the findings name first",
                )
            })?;
            let side = Side { version: version.to_string(), number: None, state: None, at: draft.changed };
            return Ok(Loaded { side, document, files: draft.files, plans: Vec::new() });
        }
        let row = self.version_row(offer, version).await?;
        let side = Side {
            version: row.id.clone(),
            number: Some(row.number),
            state: Some(state_of(&row)),
            at: Instant(row.created_ms),
        };
        let OfferPage { document, plans, snapshot, .. } = self.page(row, false).await?;
        Ok(Loaded { side, document, files: snapshot.files.clone(), plans })
    }

    async fn sizes(&self, id: &str, pair: &(Option<PlanPage>, Option<PlanPage>)) -> Result<Vec<SizeChange>> {
        let mut by_platform: BTreeMap<String, [Option<u64>; 2]> = BTreeMap::new();
        for (at, plan) in [&pair.0, &pair.1].into_iter().enumerate() {
            let Some(plan) = plan else { continue };
            let images: Vec<PlatformImage> = self.images(plan).await?;
            for image in images {
                by_platform.entry(image.platform).or_default()[at] = Some(image.bytes);
            }
        }
        let differs = by_platform.into_iter().filter(|(_, [before, after])| before != after);
        let change = |(platform, [before, after]): (String, [Option<u64>; 2])| SizeChange {
            plan: id.to_owned(),
            platform,
            before,
            after,
        };
        Ok(differs.map(change).collect())
    }

    async fn packages_between(&self, old: &PlanPage, new: &PlanPage) -> Result<Vec<PackagesOf>> {
        let platforms: BTreeSet<&str> =
            old.sboms.iter().chain(&new.sboms).filter_map(|sbom| sbom.platform.as_deref()).collect();
        let mut found = Vec::new();
        for platform in platforms {
            let digest = |plan: &PlanPage| {
                let sbom = plan.sboms.iter().find(|sbom| sbom.platform.as_deref() == Some(platform));
                sbom.map(|sbom| sbom.digest.clone())
            };
            let (before, after) = (digest(old), digest(new));
            if before == after {
                continue;
            }
            let mut lists = [None, None];
            for (list, digest) in lists.iter_mut().zip([&before, &after]) {
                if let Some(digest) = digest {
                    *list = Some(self.packages_of(digest).await?);
                }
            }
            let packages = |list: usize| {
                let all = lists[list].iter().flat_map(|components| components.iter());
                all.map(|one| (one.kind.as_str(), one.name.as_str(), one.version.as_str()))
            };
            let changes = certify::sbom::changes(packages(0), packages(1));
            if !changes.is_empty() {
                found.push(PackagesOf { plan: new.id.clone(), platform: platform.to_owned(), changes });
            }
        }
        Ok(found)
    }

    async fn findings_between(&self, old: &PlanPage, new: &PlanPage) -> Result<Option<FindingsOf>> {
        let (Some(before), Some(after)) = (self.page_report(old).await?, self.page_report(new).await?) else {
            return Ok(None);
        };
        let changes = certify::report::changes(&before, &after);
        Ok(Some(FindingsOf { plan: new.id.clone(), changes }))
    }
}

fn fields_of(document: &Offer) -> Result<diff::Fields> {
    Ok(diff::fields(&serde_json::to_value(document).map_err(Error::internal)?))
}

/// `/plans/{plan}/tags`.
fn is_tags(pointer: &str) -> bool {
    let mut parts = pointer.split('/').skip(1);
    parts.next() == Some("plans") && parts.nth(1) == Some("tags")
}

/// The part of the document that a pointer is in: a plan, or `listing`, `leads` and the like.
fn part_of(pointer: &str) -> String {
    let mut parts = pointer.split('/').skip(1);
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("plans", Some(plan)) => format!("plans/{plan}"),
        (part, _) => part.to_owned(),
    }
}

fn unchanged(old: &diff::Fields, new: &diff::Fields, changes: &[Change]) -> Vec<String> {
    let changed: BTreeSet<String> = changes.iter().map(|change| part_of(&change.pointer)).collect();
    let all: BTreeSet<String> = old.keys().chain(new.keys()).map(|pointer| part_of(pointer)).collect();
    all.difference(&changed).filter(|part| *part != "plans").cloned().collect()
}

/// Digests of a submission's tags; of a draft, or of what was not resolved, the tags alone.
fn tags_of(version: &Loaded) -> BTreeMap<(String, String), String> {
    let mut tags = BTreeMap::new();
    for plan in &version.document.plans {
        for tag in &plan.tags {
            tags.insert((plan.id.to_string(), tag.clone()), String::new());
        }
    }
    for plan in &version.plans {
        for image in &plan.tags {
            tags.insert((plan.id.clone(), image.tag.clone()), image.digest.clone());
        }
    }
    tags
}

fn pictures(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<PictureChange> {
    let is_picture = |file: &&String| file.to_ascii_lowercase().ends_with(".png");
    let files: BTreeSet<&String> = before.keys().chain(after.keys()).filter(is_picture).collect();
    let differs = files.into_iter().filter(|file| before.get(*file) != after.get(*file));
    let change = |file: &String| PictureChange {
        file: file.clone(),
        before: before.contains_key(file),
        after: after.contains_key(file),
    };
    differs.map(change).collect()
}
