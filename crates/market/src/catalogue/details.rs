//! What an offer's page shows beside the document: who publishes it, when it was certified, what is known of it today, how
//! large its images are, and when each version came.

use super::{OfferPage, PlanPage};
use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::{campaigns, listings, people, steps};
use certify::report::Report;
use oci::digest::Digest;
use oci::manifest::{self, CONFIG_BYTES_MAX, Document, MANIFEST_BYTES_MAX};
use offer::platform::Platform;
use offer::submission::Step;
use offer::tags::VersionTag;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Releases that are told of, newest first.
pub const RELEASES_MAX: usize = 50;

/// What is known of an offer beside its document.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Details {
    pub publisher_name: String,
    /// When step 2 ended; absent for what was certified elsewhere.
    pub certified: Option<Instant>,
    pub plans: BTreeMap<String, PlanDetails>,
    /// Newest first.
    pub releases: Vec<Release>,
}

impl Details {
    /// Nothing is known.
    pub fn none() -> Details {
        Details {
            publisher_name: String::new(),
            certified: None,
            plans: BTreeMap::new(),
            releases: Vec::new(),
        }
    }
}

/// What is known of a plan.
#[derive(Debug, Clone, Default)]
pub struct PlanDetails {
    /// Images behind `latest`.
    pub images: Vec<PlatformImage>,
    /// What certification said.
    pub report: Option<Arc<Report>>,
    /// The last thing that was said of it: a recertification's, else certification's own.
    pub latest: Option<Latest>,
    /// It supports all tier 1 platforms.
    pub showcased: bool,
}

/// The last judgement of a plan.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Latest {
    pub report: Arc<Report>,
    pub at: Option<Instant>,
}

/// The image of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PlatformImage {
    /// `linux/amd64`; empty where the index does not say.
    pub platform: String,
    pub digest: String,
    /// What a device without any of it fetches.
    pub bytes: u64,
    pub layers: usize,
}

/// A version of a plan that went live.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Release {
    pub plan: String,
    pub version: VersionTag,
    pub digest: String,
    pub since: Instant,
}

impl Market {
    /// The details of a page that the actor was given; of its plans alone.
    pub async fn details(&self, page: &OfferPage) -> Result<Details> {
        let (publisher, offer) = (page.document.publisher.as_str(), page.document.id.as_str());
        let mut c = self.store.read().await?;
        let named = people::publisher(&mut c, publisher).await?;
        let step = steps::of_submission(&mut c, &page.submission).await?;
        let step = step.into_iter().find(|row| row.step == Step::Certification.id());
        let judged = campaigns::of_submission(&mut c, &page.submission).await?;
        let judged = judged.into_iter().rev().find(|row| matches!(row.state.as_str(), "Passed" | "Failed"));
        let later = match &judged {
            Some(row) => campaigns::reports(&mut c, (&row.campaign, publisher, offer)).await?,
            None => Vec::new(),
        };
        let rows = listings::releases(&mut c, (publisher, offer), &page.submission).await?;
        drop(c);
        let certified = step.and_then(|step| step.finished_ms).map(Instant);
        let mut plans = BTreeMap::new();
        for plan in &page.plans {
            let report = self.page_report(plan).await?;
            let again = later.iter().find(|row| row.plan == plan.id);
            let latest = match (again, &judged) {
                (Some(row), Some(judged)) => Some(Latest {
                    report: self.report(&row.digest).await?,
                    at: Some(Instant(judged.changed_ms)),
                }),
                _ => report.clone().map(|report| Latest { report, at: certified }),
            };
            let images = self.images(plan).await?;
            let showcased = self.is_showcased(&images, report.as_deref());
            plans.insert(plan.id.clone(), PlanDetails { images, report, latest, showcased });
        }
        let shown: BTreeSet<&str> = page.plans.iter().map(|plan| plan.id.as_str()).collect();
        let release = |row: listings::ReleaseRow| {
            let version = row.tag.parse().ok().filter(|_| shown.contains(row.plan.as_str()))?;
            Some(Release { plan: row.plan, version, digest: row.digest, since: Instant(row.since_ms) })
        };
        let mut releases: Vec<Release> = rows.into_iter().filter_map(release).collect();
        releases.sort_by(|a, b| (b.since, b.version, &a.plan).cmp(&(a.since, a.version, &b.plan)));
        releases.truncate(RELEASES_MAX);
        let publisher_name = named.map_or_else(|| publisher.to_owned(), |row| row.name);
        Ok(Details { publisher_name, certified, plans, releases })
    }

    /// Publisher and offer of the live listing with this marketing identifier.
    pub async fn offer_of_identifier(&self, actor: &Actor, identifier: &str) -> Result<(String, String)> {
        access::permit(actor, Operation::Browse)?;
        let mut c = self.store.read().await?;
        let row = listings::by_identifier(&mut c, identifier).await?;
        drop(c);
        let shown = match row {
            Some(row) => self.listed(actor, &row.publisher, &row.offer).await?,
            None => None,
        };
        let missing = || Error::not_found(format!("the live offer with the identifier {identifier:.60}"));
        shown.map(|entry| (entry.publisher, entry.offer)).ok_or_else(missing)
    }

    fn is_showcased(&self, images: &[PlatformImage], report: Option<&Report>) -> bool {
        let stated = images.iter().map(|image| image.platform.as_str());
        let found = report.iter().flat_map(|report| report.image.platforms.iter().map(String::as_str));
        let all: BTreeSet<&str> = stated.chain(found).collect();
        self.config.policy.platforms.tier1.iter().all(|platform| all.contains(platform.to_string().as_str()))
    }

    /// The images behind `latest`, from the manifests that are served.
    pub(crate) async fn images(&self, plan: &PlanPage) -> Result<Vec<PlatformImage>> {
        let Some(latest) = plan.tags.iter().find(|tag| tag.tag == "latest") else { return Ok(Vec::new()) };
        let digest: Digest = latest.digest.parse().map_err(Error::internal)?;
        Ok(self.images_behind(&digest).await?.to_vec())
    }

    /// The images that a manifest or index leads to: itself, or each of its platforms'. None where it is no image, such as a
    /// signature, and none where it is not here.
    pub(crate) async fn images_behind(&self, digest: &Digest) -> Result<Arc<Vec<PlatformImage>>> {
        let key = digest.to_string();
        if let Some(known) = self.kept.images.get(&key) {
            return Ok(known);
        }
        let Some(root) = self.manifest(digest).await? else { return Ok(Arc::default()) };
        let mut images = Vec::new();
        match root {
            Document::Manifest(manifest) => {
                let is_image = matches!(
                    &*manifest.config.media_type,
                    manifest::media_type::OCI_CONFIG | manifest::media_type::DOCKER_CONFIG
                );
                if is_image && manifest.subject.is_none() {
                    let platform = self.configured_platform(&manifest).await?;
                    images.push(measured(platform, digest, &manifest));
                }
            }
            Document::Index(index) => {
                for child in &index.manifests {
                    let platform = child.platform.as_ref().map(in_words).unwrap_or_default();
                    // What is attached to an image (a build's provenance) has no platform to run on.
                    if platform.starts_with("unknown") {
                        continue;
                    }
                    if let Some(Document::Manifest(manifest)) = self.manifest(&child.digest).await? {
                        images.push(measured(platform, &child.digest, &manifest));
                    }
                }
            }
        }
        let bytes = images.len() * 200;
        Ok(self.kept.images.put(&key, images, bytes))
    }

    /// The platform that an image's configuration states; empty where it states none.
    async fn configured_platform(&self, manifest: &manifest::Manifest) -> Result<String> {
        let Some(bytes) = self.blobs.read(&manifest.config.digest, CONFIG_BYTES_MAX).await? else {
            return Ok(String::new());
        };
        let stated: Option<manifest::Platform> = serde_json::from_slice(&bytes).ok();
        Ok(stated.filter(|stated| !stated.os.is_empty()).as_ref().map(in_words).unwrap_or_default())
    }

    async fn manifest(&self, digest: &Digest) -> Result<Option<Document>> {
        let Some(bytes) = self.blobs.read(digest, MANIFEST_BYTES_MAX).await? else { return Ok(None) };
        Ok(manifest::parse(&bytes, None).ok())
    }
}

fn in_words(stated: &manifest::Platform) -> String {
    Platform::new(&stated.os, &stated.architecture, stated.variant.as_deref()).to_string()
}

fn measured(platform: String, digest: &Digest, manifest: &manifest::Manifest) -> PlatformImage {
    PlatformImage {
        platform,
        digest: digest.to_string(),
        bytes: manifest.config.size + manifest.layers.iter().map(|layer| layer.size).sum::<u64>(),
        layers: manifest.layers.len(),
    }
}
