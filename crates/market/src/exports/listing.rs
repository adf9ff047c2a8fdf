//! An offer in an export: its document and pictures as they were submitted, its reports, and what its tags point at, in one artifact
//! beside the images.

use super::{Whole, referrers_of};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::blocking;
use crate::pipeline::descriptor_of;
use crate::stage;
use crate::store::listings::ListingRow;
use crate::store::{documents, people, submissions};
use certify::trust::export::{ExportedOffer, LISTING_TYPE};
use oci::delta::DELTA_TYPE;
use oci::manifest::{Descriptor, Manifest, media_type};
use oci::source::layout::REF_NAME;
use offer::reading;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Media type of a listing's config, which is a [`Listing`].
pub(crate) const LISTING_CONFIG_TYPE: &str = "application/vnd.edgemarket.listing.config.v1+json";
/// Media type of the offer's files, a tar.
pub(crate) const OFFER_TYPE: &str = "application/vnd.edgemarket.offer.v1.tar";
/// Media type of reports and bills of materials, all of which are JSON.
const DOCUMENT_TYPE: &str = "application/json";

/// What the document does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    pub publisher: String,
    pub publisher_name: String,
    pub offer: String,
    /// Since when this is live where it comes from, in milliseconds of the epoch.
    pub live_ms: i64,
    pub plans: Vec<PlanEntry>,
}

/// A plan for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanEntry {
    pub id: String,
    pub tags: Vec<TagEntry>,
    /// Signatures and statements.
    pub referrers: Vec<Descriptor>,
    pub documents: Vec<DocumentEntry>,
}

/// Where a tag points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TagEntry {
    pub tag: String,
    pub image: Descriptor,
}

/// A report or bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocumentEntry {
    pub kind: String,
    pub subject: String,
    pub platform: String,
    pub blob: Descriptor,
}

impl Market {
    /// Adds an offer with everything that belongs to it.
    pub(super) async fn add_listing(&self, row: &ListingRow, deltas: bool, whole: &mut Whole) -> Result<()> {
        let mut c = self.store.read().await?;
        let missing =
            || Error::internal(format!("the live submission of {}.{} is missing", row.publisher, row.offer));
        let submission = submissions::get(&mut c, &row.submission).await?.ok_or_else(missing)?;
        let tags = submissions::tags(&mut c, &row.submission).await?;
        let documents = documents::of_submission(&mut c, &row.submission).await?;
        let publisher = people::publisher(&mut c, &row.publisher).await?.ok_or_else(missing)?;
        drop(c);
        let (policy, bundles) = (self.config.policy.clone(), self.bundles.clone());
        let (files, open) = blocking(move || {
            let files = bundles.get(&submission.bundle)?;
            let document = reading::read(&files, &policy).offer;
            let plans = document.into_iter().flat_map(|offer| offer.plans);
            let open: Vec<String> = plans
                .filter(|plan| plan.private_audience.is_empty())
                .map(|plan| plan.id.to_string())
                .collect();
            Ok((crate::bundles::archive(&files)?, open))
        })
        .await?;
        if open.is_empty() {
            return Ok(());
        }
        let mut layers = vec![self.keep(whole, OFFER_TYPE, files).await?];
        let mut plans = Vec::new();
        for id in open {
            let of_plan = tags.iter().filter(|tag| tag.plan == id);
            let tags: Vec<TagEntry> = of_plan
                .map(|tag| Ok(TagEntry { tag: tag.tag.clone(), image: descriptor_of(tag)? }))
                .collect::<Result<_>>()?;
            let referrers = self.add_images(row, &id, &tags, deltas, whole).await?;
            let of_plan = documents.iter().filter(|document| document.plan == id);
            let documents: Vec<DocumentEntry> = of_plan
                .map(|found| {
                    let size = u64::try_from(found.size).map_err(Error::internal)?;
                    let blob =
                        Descriptor::new(DOCUMENT_TYPE, found.digest.parse().map_err(Error::internal)?, size);
                    let (kind, subject) = (found.kind.clone(), found.subject.clone());
                    Ok(DocumentEntry { kind, subject, platform: found.platform.clone(), blob })
                })
                .collect::<Result<_>>()?;
            for document in &documents {
                whole.content.insert(document.blob.digest, document.blob.size);
                if layers.iter().all(|known| known.digest != document.blob.digest) {
                    layers.push(document.blob.clone());
                }
            }
            plans.push(PlanEntry { id, tags, referrers, documents });
        }
        let listing = Listing {
            publisher: row.publisher.clone(),
            publisher_name: publisher.name,
            offer: row.offer.clone(),
            live_ms: row.live_ms,
            plans,
        };
        self.add_artifact(&listing, layers, whole).await
    }

    async fn add_artifact(
        &self,
        listing: &Listing,
        layers: Vec<Descriptor>,
        whole: &mut Whole,
    ) -> Result<()> {
        let config = serde_json::to_vec(listing).map_err(Error::internal)?;
        let config = self.keep(whole, LISTING_CONFIG_TYPE, config).await?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            artifact_type: Some(LISTING_TYPE.to_owned()),
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        };
        let bytes = serde_json::to_vec(&manifest).map_err(Error::internal)?;
        let mut entry = self.keep(whole, media_type::OCI_MANIFEST, bytes).await?;
        whole.offers.push(ExportedOffer {
            publisher: listing.publisher.clone(),
            offer: listing.offer.clone(),
            listing: Some(entry.digest),
        });
        entry.artifact_type = Some(LISTING_TYPE.to_owned());
        whole.entries.push(entry);
        Ok(())
    }

    /// The images of a plan, and what refers to them.
    async fn add_images(
        &self,
        row: &ListingRow,
        plan: &str,
        tags: &[TagEntry],
        deltas: bool,
        whole: &mut Whole,
    ) -> Result<Vec<Descriptor>> {
        let repository = format!("{}/{}/{plan}", row.publisher, row.offer);
        let roots: Vec<Descriptor> = tags.iter().map(|tag| tag.image.clone()).collect();
        let tree = stage::walk(&self.blobs, &roots).await?;
        let mut referrers = Vec::new();
        let mut c = self.store.read().await?;
        for manifest in &tree.manifests {
            referrers.extend(referrers_of(&mut c, &repository, &manifest.digest).await?);
        }
        drop(c);
        referrers.retain(|found| deltas || found.artifact_type.as_deref() != Some(DELTA_TYPE));
        let around = stage::walk(&self.blobs, &referrers).await?;
        for found in [tree, around].iter().flat_map(|tree| tree.manifests.iter().chain(&tree.blobs)) {
            whole.content.insert(found.digest, found.size);
        }
        for tag in tags {
            let mut entry = tag.image.clone();
            entry.annotations.insert(REF_NAME.to_owned(), format!("{repository}:{}", tag.tag));
            whole.entries.push(entry);
        }
        for found in &referrers {
            if !whole.entries.iter().any(|known| known.digest == found.digest) {
                whole.entries.push(found.clone());
            }
        }
        Ok(referrers)
    }
}
