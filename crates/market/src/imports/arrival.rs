//! An offer out of an export: read and checked as a publisher's would be, then put where the pipeline puts what goes live. Its images
//! were certified and signed where it comes from, and keep those statements.

use crate::bundles::{Files, untar};
use crate::error::{Error, Kind, Result};
use crate::exports::{LISTING_CONFIG_TYPE, Listing, OFFER_TYPE, PlanEntry};
use crate::market::Market;
use crate::offers::{blocking, hinders};
use crate::pipeline::{self, packaging, replication};
use crate::search;
use crate::stage::{self, Tree};
use crate::store::documents::{self, DocumentRow};
use crate::store::exports::{self, ImportRow, ImportedOfferRow};
use crate::store::listings::{self, ListingRow, LiveTagRow};
use crate::store::submissions::{self, SubmissionRow, TagRow};
use crate::store::{Tx, history, offers, people, registry, steps};
use crate::trust::statements::Referrer;
use bytes::Bytes;
use certify::trust::export::{Export, ExportedOffer, LISTING_TYPE};
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, Document, MANIFEST_BYTES_MAX, media_type};
use offer::document::Offer;
use offer::reading::{self, FILES_MAX, TOTAL_BYTES_MAX};
use offer::submission::{Step, StepStatus, SubmissionState};
use offer::tags::Tag;
use serde_json::json;
use std::collections::BTreeMap;

/// Largest config of a listing: 100 plans with 10,000 tags each stay below.
const LISTING_BYTES_MAX: u64 = 64 << 20;
/// Largest tar of an offer's files.
const OFFER_BYTES_MAX: u64 = (TOTAL_BYTES_MAX + FILES_MAX * 1_024 + 10_240) as u64;

/// A plan: what the listing says of it, its images, and what refers to these.
type Plan = (PlanEntry, Tree, Vec<Referrer>);

/// An offer that can be taken in.
pub(super) struct Arrival {
    listing: Listing,
    document: Offer,
    /// Digest of its files' bundle, which is stored.
    bundle: String,
    plans: Vec<Plan>,
}

impl Market {
    /// Reads the offers of an export, all of whose content is here.
    pub(super) async fn read_arrivals(&self, export: &Export, root: &Digest) -> Result<Vec<Arrival>> {
        let content: BTreeMap<Digest, u64> =
            export.content.iter().map(|content| (content.digest, content.size)).collect();
        let reader = Reader { market: self, content: &content };
        // The whole must be what it is called; which offers there are, the statement says.
        let bytes = reader.read(root, MANIFEST_BYTES_MAX).await?;
        let Document::Index(_) = manifest::parse(&bytes, Some(media_type::OCI_INDEX))? else {
            return Err(wrong("its whole is no index"));
        };
        let mut arrivals = Vec::new();
        for one in &export.offers {
            if let Some(listing) = &one.listing {
                arrivals.push(reader.arrival(one, listing).await?);
            }
        }
        Ok(arrivals)
    }

    /// Makes an offer live here: what the pipeline writes in steps 3 to 6, in the caller's transaction.
    pub(super) async fn take_in(&self, tx: &mut Tx, import: &ImportRow, arrival: &Arrival) -> Result<()> {
        let (listing, now) = (&arrival.listing, self.now().0);
        let key = (listing.publisher.as_str(), listing.offer.as_str());
        let taken = listings::by_identifier(tx, &arrival.document.listing.marketing_identifier).await?;
        if taken.is_some_and(|other| (other.publisher.as_str(), other.offer.as_str()) != key) {
            return Err(Error::conflict(
                format!(
                    "the marketing identifier {} of {}.{} belongs to another live offer here",
                    arrival.document.listing.marketing_identifier, key.0, key.1
                ),
                "export the other offers by name, or let one of the two publishers choose another identifier",
            ));
        }
        let publisher = people::PublisherRow {
            id: listing.publisher.clone(),
            name: listing.publisher_name.clone(),
            created_ms: now,
        };
        people::insert_publisher(tx, &publisher).await?;
        let row = self.stand_in(tx, import, arrival).await?;
        for (plan, tree, referrers) in &arrival.plans {
            self.link(tx, &row, plan, tree, referrers).await?;
        }
        let listed = ListingRow {
            publisher: listing.publisher.clone(),
            offer: listing.offer.clone(),
            identifier: arrival.document.listing.marketing_identifier.clone(),
            title: arrival.document.listing.title.clone(),
            summary: arrival.document.listing.summary.clone(),
            categories: serde_json::to_string(&arrival.document.listing.categories)
                .map_err(Error::internal)?,
            submission: row.id.clone(),
            live_ms: now,
            facts: search::facts(tx, self, &row.id, &arrival.document).await?,
        };
        listings::put(tx, &listed).await?;
        offers::set_live(tx, key.0, key.1, &row.id).await?;
        let known = ImportedOfferRow {
            publisher: listing.publisher.clone(),
            offer: listing.offer.clone(),
            import: import.id.clone(),
            submission: row.id.clone(),
            withdrawn_ms: None,
        };
        exports::put_imported(tx, &known).await?;
        pipeline::recertification::went_live(self, tx, &row).await?;
        replication::catch_up_with(self, tx, &row.id).await?;
        let detail = json!({ "export": import.id, "source": import.source, "number": row.number });
        history::insert(tx, &self.history_row(&"import", Some(key), Some(&row.id), "imported", detail)).await
    }

    /// The row that stands for the submission elsewhere: it has succeeded, there and therefore here.
    async fn stand_in(&self, tx: &mut Tx, import: &ImportRow, arrival: &Arrival) -> Result<SubmissionRow> {
        let (listing, now) = (&arrival.listing, self.now().0);
        let before = offers::get(tx, &listing.publisher, &listing.offer).await?;
        let offer = offers::OfferRow {
            publisher: listing.publisher.clone(),
            offer: listing.offer.clone(),
            bundle: arrival.bundle.clone(),
            version: before.as_ref().map_or(1, |before| before.version + 1),
            live: None,
            created_ms: before.map_or(now, |before| before.created_ms),
            changed_ms: now,
        };
        offers::put(tx, &offer).await?;
        let newest = submissions::of_offer(tx, &listing.publisher, &listing.offer).await?.into_iter().next();
        let row = SubmissionRow {
            id: self.ids.next().to_string(),
            publisher: listing.publisher.clone(),
            offer: listing.offer.clone(),
            number: newest.map_or(1, |newest| newest.number + 1),
            bundle: arrival.bundle.clone(),
            state: format!("{:?}", SubmissionState::Running),
            reason: None,
            notify: "[]".to_owned(),
            actor: format!("import:{}", import.source),
            created_ms: now,
            finished_ms: None,
        };
        submissions::insert(tx, &row).await?;
        steps::insert(tx, &row.id, &Step::ALL.map(Step::id)).await?;
        for step in Step::ALL {
            pipeline::set_step(self, tx, &row.id, step, StepStatus::Complete).await?;
        }
        pipeline::set_submission(self, tx, &row.id, SubmissionState::Succeeded, None).await?;
        let tags: Vec<TagRow> = arrival.plans.iter().flat_map(|(plan, ..)| tags_of(plan)).collect();
        submissions::put_tags(tx, &row.id, &tags).await?;
        let documents = arrival.plans.iter().flat_map(|(plan, ..)| documents_of(plan)).collect::<Vec<_>>();
        documents::put(tx, &row.id, &documents).await?;
        Ok(row)
    }

    /// Fills the plan's public repository, and moves its tags.
    async fn link(
        &self,
        tx: &mut Tx,
        row: &SubmissionRow,
        plan: &PlanEntry,
        tree: &Tree,
        referrers: &[Referrer],
    ) -> Result<()> {
        let repository = format!("{}/{}/{}", row.publisher, row.offer, plan.id);
        let key = (row.publisher.as_str(), row.offer.as_str());
        let known = listings::live_tags(tx, key.0, key.1).await?;
        for tag in tags_of(plan) {
            let moved =
                known.iter().find(|k| k.plan == tag.plan && k.tag == tag.tag && k.digest != tag.digest);
            if let (Some(known), Ok(Tag::Version(_))) = (moved, tag.tag.parse()) {
                return Err(Error::conflict(
                    format!(
                        "the version tag {} of {repository} points at {} here and cannot move to {}",
                        tag.tag, known.digest, tag.digest
                    ),
                    "version tags never move; ask the source for a greater version",
                ));
            }
        }
        packaging::put_content(tx, &repository, tree, referrers).await?;
        registry::put_audience(tx, &repository, &[]).await?;
        for tag in tags_of(plan) {
            registry::put_tag(tx, &repository, &tag.tag, &tag.digest, self.now().0).await?;
            let live = LiveTagRow { plan: tag.plan, tag: tag.tag, digest: tag.digest };
            listings::put_live_tag(tx, key, &live, &row.id, self.now().0).await?;
        }
        Ok(())
    }
}

/// Reads content of one export, and nothing else.
struct Reader<'a> {
    market: &'a Market,
    content: &'a BTreeMap<Digest, u64>,
}

impl Reader<'_> {
    async fn read(&self, digest: &Digest, bytes_max: u64) -> Result<Bytes> {
        self.check(digest)?;
        let bytes = self.market.blobs.read(digest, bytes_max).await;
        let bytes = bytes.map_err(|error| wrong(&format!("{digest} is too large: {error}")))?;
        bytes.ok_or_else(|| Error::internal(format!("the content {digest} is missing")))
    }

    fn check(&self, digest: &Digest) -> Result<()> {
        match self.content.contains_key(digest) {
            true => Ok(()),
            false => Err(wrong(&format!("{digest} belongs to it, but is not listed"))),
        }
    }

    async fn arrival(&self, named: &ExportedOffer, listing: &Digest) -> Result<Arrival> {
        let name = format!("{}.{}", named.publisher, named.offer);
        let bytes = self.read(listing, MANIFEST_BYTES_MAX).await?;
        let parsed = manifest::parse(&bytes, Some(media_type::OCI_MANIFEST))?;
        let Document::Manifest(manifest) = parsed else {
            return Err(wrong(&format!("the listing of {name} is an index")));
        };
        let files = manifest.layers.iter().find(|layer| layer.media_type == OFFER_TYPE);
        let is_listing = manifest.artifact_type.as_deref() == Some(LISTING_TYPE)
            && manifest.config.media_type == LISTING_CONFIG_TYPE;
        let (true, Some(files)) = (is_listing, files) else {
            return Err(wrong(&format!("the listing of {name} has another form")));
        };
        let config = self.read(&manifest.config.digest, LISTING_BYTES_MAX).await?;
        let listing: Listing = serde_json::from_slice(&config)
            .map_err(|error| wrong(&format!("the listing of {name} is malformed: {error}")))?;
        let files = untar(&self.read(&files.digest, OFFER_BYTES_MAX).await?)?;
        let (document, bundle) = self.document(files, &name).await?;
        let is_it = |publisher: &str, offer: &str| publisher == named.publisher && offer == named.offer;
        if !is_it(&listing.publisher, &listing.offer)
            || !is_it(document.publisher.as_str(), document.id.as_str())
        {
            return Err(wrong(&format!("the listing of {name} is of another offer")));
        }
        crate::publishers::check_name("publisher's name", &listing.publisher_name)?;
        let mut plans = Vec::new();
        for plan in &listing.plans {
            if !document
                .plans
                .iter()
                .any(|known| known.id.as_str() == plan.id && known.private_audience.is_empty())
            {
                return Err(wrong(&format!("{name} has no public plan {:.60}", plan.id)));
            }
            plans.push(self.plan(plan, &name).await?);
        }
        Ok(Arrival { document, bundle, plans, listing })
    }

    /// The document, by this marketplace's own rules.
    async fn document(&self, files: Files, name: &str) -> Result<(Offer, String)> {
        let (policy, bundles) = (self.market.config.policy.clone(), self.market.bundles.clone());
        let (reading, bundle) = blocking(move || {
            let reading = reading::read(&files, &policy);
            Ok((reading, bundles.put(&files)?.to_string()))
        })
        .await?;
        match reading.offer {
            Some(offer) => Ok((offer, bundle)),
            None => {
                let findings: Vec<_> = reading.findings.into_iter().filter(hinders).collect();
                let message = format!("the offer {name} does not satisfy the policy of this marketplace");
                let hint = "export the other offers by name, or relax the policy";
                Err(Error { findings, ..Error::new(Kind::Invalid, message, hint) })
            }
        }
    }

    async fn plan(&self, plan: &PlanEntry, name: &str) -> Result<Plan> {
        let roots: Vec<Descriptor> = plan.tags.iter().map(|tag| tag.image.clone()).collect();
        if plan.tags.is_empty() || plan.tags.iter().any(|tag| tag.tag.parse::<Tag>().is_err()) {
            return Err(wrong(&format!("the tags of {name}/{} are none", plan.id)));
        }
        for root in roots.iter().chain(&plan.referrers) {
            self.check(&root.digest)?;
        }
        let tree = stage::walk(&self.market.blobs, &roots).await?;
        let around = stage::walk(&self.market.blobs, &plan.referrers).await?;
        for found in [&tree, &around].iter().flat_map(|tree| tree.manifests.iter().chain(&tree.blobs)) {
            self.check(&found.digest)?;
        }
        let mut referrers = Vec::new();
        for found in &plan.referrers {
            let bytes = self.read(&found.digest, MANIFEST_BYTES_MAX).await?;
            match manifest::parse(&bytes, Some(&found.media_type))? {
                Document::Manifest(manifest) if manifest.subject.is_some() => {
                    let plain = Descriptor::new(&found.media_type, found.digest, bytes.len() as u64);
                    referrers.push((plain, manifest));
                }
                _ => return Err(wrong(&format!("{} of {name} refers to nothing", found.digest))),
            }
        }
        for document in &plan.documents {
            self.check(&document.blob.digest)?;
        }
        Ok((plan.clone(), tree, referrers))
    }
}

fn tags_of(plan: &PlanEntry) -> Vec<TagRow> {
    let row = |tag: &crate::exports::TagEntry| TagRow {
        plan: plan.id.clone(),
        tag: tag.tag.clone(),
        digest: tag.image.digest.to_string(),
        media_type: tag.image.media_type.clone(),
        size: i64::try_from(tag.image.size).unwrap_or(i64::MAX),
    };
    plan.tags.iter().map(row).collect()
}

fn documents_of(plan: &PlanEntry) -> Vec<DocumentRow> {
    let row = |found: &crate::exports::DocumentEntry| DocumentRow {
        plan: plan.id.clone(),
        kind: found.kind.clone(),
        subject: found.subject.clone(),
        platform: found.platform.clone(),
        digest: found.blob.digest.to_string(),
        size: i64::try_from(found.blob.size).unwrap_or(i64::MAX),
    };
    plan.documents.iter().map(row).collect()
}

fn wrong(fact: &str) -> Error {
    Error::invalid(
        format!("the export cannot be taken in: {fact}"),
        "export again with a current program; the statement is signed, so the fault is the source's",
    )
}
