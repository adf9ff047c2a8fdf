//! The catalogue: what customers and anonymous visitors see of live offers, and customers of a preview subscription of
//! an offer that waits for sign-off.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::imports::Imported;
use crate::market::Market;
use crate::offers::{blocking, state_of};
use crate::store::submissions::SubmissionRow;
use crate::store::{campaigns, documents, listings, submissions, withdrawals};
use crate::submissions::{Document, Image};
use certify::report::Report;
use certify::sbom::SbomFormat;
use offer::document::{Offer, Plan};
use offer::identity::{OfferId, PlanId, PublisherId};
use offer::reading;
use offer::submission::SubmissionState;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

mod details;
mod kept;
mod packages;

pub use details::{Details, Latest, PlanDetails, PlatformImage, RELEASES_MAX, Release};
pub(crate) use kept::{Kept, Snapshot};
pub use packages::Component;

/// Largest report or SBOM in bytes; the SBOM of an image of 5,000 packages has about 5 MB.
pub const DOCUMENT_BYTES_MAX: u64 = 64 << 20;

/// A live offer in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct ListedOffer {
    pub publisher: String,
    pub offer: String,
    pub marketing_identifier: String,
    pub title: String,
    pub summary: String,
    pub categories: Vec<String>,
    pub live_since: Instant,
}

/// Everything that an offer's page shows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct OfferPage {
    pub document: Offer,
    /// The submission that this is.
    pub submission: String,
    /// It waits for sign-off and is only shown to its preview subscriptions.
    pub preview: bool,
    /// Where it came from; absent for an offer of this marketplace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    pub plans: Vec<PlanPage>,
    /// The offer's files: pictures.
    #[serde(skip)]
    pub(crate) snapshot: Arc<Snapshot>,
}

impl OfferPage {
    /// A file of the offer: a picture.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.snapshot.files.get(path).map(Vec::as_slice)
    }
}

/// What a page shows of a plan beside its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct PlanPage {
    pub id: String,
    /// `host/[preview/]publisher/offer/plan`, to be pulled with any of the tags.
    pub image: String,
    pub tags: Vec<Image>,
    pub report: Option<Document>,
    /// CycloneDX, one per image.
    pub sboms: Vec<Document>,
    /// SPDX, one per image; none of what was certified before there were any.
    pub spdx_sboms: Vec<Document>,
}

impl Market {
    /// Live offers by title.
    pub async fn live_offers(&self, actor: &Actor) -> Result<Vec<ListedOffer>> {
        access::permit(actor, Operation::Browse)?;
        let mut c = self.store.read().await?;
        let rows = listings::list(&mut c, self.now().0).await?;
        rows.into_iter()
            .map(|row| {
                Ok(ListedOffer {
                    categories: serde_json::from_str(&row.categories).map_err(Error::internal)?,
                    publisher: row.publisher,
                    offer: row.offer,
                    marketing_identifier: row.identifier,
                    title: row.title,
                    summary: row.summary,
                    live_since: Instant(row.live_ms),
                })
            })
            .collect()
    }

    /// The live page of an offer. Hidden plans are left out, and private ones that are not for the actor.
    pub async fn offer_page(&self, actor: &Actor, offer: (&PublisherId, &OfferId)) -> Result<OfferPage> {
        let mut page = self.live_page(actor, offer).await?;
        page.document.plans.retain(|plan| !plan.hidden);
        retain_plans(&mut page);
        Ok(page)
    }

    /// The page of the submission that waits for sign-off, for its preview subscriptions, its publisher and operators.
    pub async fn preview_page(&self, actor: &Actor, offer: (&PublisherId, &OfferId)) -> Result<OfferPage> {
        let missing = || Error::not_found(format!("a preview of {}.{}", offer.0, offer.1));
        let mut c = self.store.read().await?;
        let newest =
            submissions::of_offer(&mut c, offer.0.as_str(), offer.1.as_str()).await?.into_iter().next();
        drop(c);
        let row = newest
            .filter(|row| state_of(row) == SubmissionState::WaitingForPublisherReview)
            .ok_or_else(missing)?;
        let page = self.page(row, true).await?;
        let named: Vec<Uuid> =
            page.document.listing.preview_subscriptions.iter().map(|subscription| subscription.id).collect();
        let see = Operation::SeePreview { publisher: offer.0, subscriptions: &named };
        // Who may not see a preview may not know that there is one.
        access::permit(actor, see).map_err(|_| missing())?;
        Ok(page)
    }

    /// The bytes of a live plan's report, or of the SBOM of one of its platforms in one of the forms.
    pub async fn live_document(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        plan: &PlanId,
        sbom_of: Option<(&str, SbomFormat)>,
    ) -> Result<Vec<u8>> {
        let page = self.live_page(actor, offer).await?;
        let plan = page.plans.iter().find(|candidate| candidate.id == plan.as_str());
        let found = plan.and_then(|plan| match sbom_of {
            None => plan.report.as_ref(),
            Some((platform, format)) => {
                let sboms = match format {
                    SbomFormat::CycloneDx => &plan.sboms,
                    SbomFormat::Spdx => &plan.spdx_sboms,
                };
                sboms.iter().find(|sbom| sbom.platform.as_deref() == Some(platform))
            }
        });
        let found = found.ok_or_else(|| Error::not_found("this document of the plan"))?;
        self.document_bytes(&found.digest).await
    }

    /// The bytes of a submission's report or SBOM, for its publisher and operators.
    pub async fn submission_document(
        &self,
        actor: &Actor,
        submission: &str,
        digest: &str,
    ) -> Result<Vec<u8>> {
        let submission = self.submission(actor, submission).await?;
        let later = submission.recertifications.iter().flat_map(|recertification| &recertification.reports);
        if !submission.documents.iter().chain(later).any(|document| document.digest == digest) {
            return Err(Error::not_found("this document of the submission"));
        }
        self.document_bytes(digest).await
    }

    /// The certification report of a plan of a page that the actor was given; `None` before there is one.
    pub async fn page_report(&self, plan: &PlanPage) -> Result<Option<Arc<Report>>> {
        match &plan.report {
            Some(document) => Ok(Some(self.report(&document.digest).await?)),
            None => Ok(None),
        }
    }

    pub(crate) async fn report(&self, digest: &str) -> Result<Arc<Report>> {
        if let Some(known) = self.kept.reports.get(digest) {
            return Ok(known);
        }
        let bytes = self.document_bytes(digest).await?;
        let report = serde_json::from_slice(&bytes).map_err(Error::internal)?;
        Ok(self.kept.reports.put(digest, report, bytes.len()))
    }

    pub(crate) async fn document_bytes(&self, digest: &str) -> Result<Vec<u8>> {
        let digest = digest.parse().map_err(Error::internal)?;
        let bytes = self.blobs.read(&digest, DOCUMENT_BYTES_MAX).await?;
        bytes.map(Vec::from).ok_or_else(|| Error::internal(format!("the document {digest} is missing")))
    }

    /// The live page with hidden plans, without private ones that are not for the actor.
    pub(crate) async fn live_page(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
    ) -> Result<OfferPage> {
        access::permit(actor, Operation::Browse)?;
        let missing = || Error::not_found(format!("the live offer {}.{}", offer.0, offer.1));
        let row = self.offer_row(offer.0, offer.1).await.map_err(|_| missing())?;
        let live = row.live.ok_or_else(missing)?;
        let mut c = self.store.read().await?;
        let row = submissions::get(&mut c, &live).await?.ok_or_else(missing)?;
        let deadline = campaigns::deadline(&mut c, &row.publisher, &row.offer).await?;
        let came = self.provenance(&mut c, (&row.publisher, &row.offer), &row.id).await?;
        let stopped = withdrawals::of_offer(&mut c, &row.publisher, &row.offer).await?;
        drop(c);
        // Its publisher sees what it has to mend.
        let manages = access::permit(actor, Operation::ManageOffers(offer.0)).is_ok();
        if let Some(deadline) = deadline.filter(|deadline| deadline.hide_ms <= self.now().0 && !manages) {
            let since = Instant(deadline.hide_ms).date();
            return Err(Error::new(
                Kind::NotFound,
                format!(
                    "{}.{} is hidden from the catalogue since {since}: it no longer passes certification",
                    offer.0, offer.1
                ),
                "devices that run it can still pull it by digest; ask its publisher for an update",
            ));
        }
        if let Some((imported, known)) = &came
            && known.withdrawn_ms.is_some()
            && !manages
        {
            return Err(Error::new(
                Kind::NotFound,
                format!("{}.{} is not offered any more by {}", offer.0, offer.1, imported.source),
                "devices that run it can still pull it by digest",
            ));
        }
        if let Some(stopped) = stopped.iter().find(|row| row.plan.is_empty())
            && !manages
        {
            let since = Instant(stopped.since_ms).date();
            return Err(Error::new(
                Kind::NotFound,
                format!("{}.{} is not sold any more since {since}", offer.0, offer.1),
                "devices that run it can still pull it by digest",
            ));
        }
        let is_sold = |plan: &Plan| manages || !stopped.iter().any(|row| row.plan == plan.id.as_str());
        let mut page = self.page(row, false).await?;
        page.imported = came.map(|(imported, _)| imported);
        page.document.plans.retain(|plan| is_for(plan, actor, offer.0) && is_sold(plan));
        retain_plans(&mut page);
        Ok(page)
    }

    /// What a submission shows: of what is live, waits, or was live once.
    pub(crate) async fn page(&self, row: SubmissionRow, preview: bool) -> Result<OfferPage> {
        let mut c = self.store.read().await?;
        let tags = submissions::tags(&mut c, &row.id).await?;
        let documents = documents::of_submission(&mut c, &row.id).await?;
        drop(c);
        let snapshot = self.snapshot(&row).await?;
        let document = snapshot.document.clone();
        let scope = if preview { "preview/" } else { "" };
        let plan_page = |plan: &Plan| {
            let of_plan: Vec<Document> = documents
                .iter()
                .filter(|document| document.plan == plan.id.as_str())
                .map(|row| Document::from(row.clone()))
                .collect();
            PlanPage {
                id: plan.id.to_string(),
                image: format!(
                    "{}/{scope}{}/{}/{}",
                    self.config.registry_host(),
                    row.publisher,
                    row.offer,
                    plan.id
                ),
                tags: tags.iter().filter(|t| t.plan == plan.id.as_str()).cloned().map(Image::from).collect(),
                report: of_plan.iter().find(|document| document.kind == "report").cloned(),
                sboms: of_plan.iter().filter(|document| document.kind == "sbom").cloned().collect(),
                spdx_sboms: of_plan.into_iter().filter(|document| document.kind == "spdx").collect(),
            }
        };
        let plans = document.plans.iter().map(plan_page).collect();
        Ok(OfferPage { document, submission: row.id, preview, imported: None, plans, snapshot })
    }

    /// The document and files of a submission. They never change, and neither does the policy while the program runs.
    pub(crate) async fn snapshot(&self, row: &SubmissionRow) -> Result<Arc<Snapshot>> {
        if let Some(known) = self.kept.snapshots.get(&row.bundle) {
            return Ok(known);
        }
        let (policy, bundles, bundle) =
            (self.config.policy.clone(), self.bundles.clone(), row.bundle.clone());
        let (files, reading) = blocking(move || {
            let files = bundles.get(&bundle)?;
            let reading = reading::read(&files, &policy);
            Ok((files, reading))
        })
        .await?;
        let document = reading.offer.ok_or_else(|| {
            // It passed step 1 under the policy of its day.
            Error::conflict(
                format!("the offer {}.{} does not satisfy the policy in force now", row.publisher, row.offer),
                "ask its publisher for an update, or the operator to relax the policy",
            )
        })?;
        let bytes = files.values().map(Vec::len).sum();
        Ok(self.kept.snapshots.put(&row.bundle, Snapshot { document, files }, bytes))
    }
}

/// Whether the actor may know of a plan: everybody of a public one; its audience, publisher and operators of a private.
fn is_for(plan: &Plan, actor: &Actor, publisher: &PublisherId) -> bool {
    plan.private_audience.is_empty()
        || access::permit(actor, Operation::SeePreview { publisher, subscriptions: &plan.private_audience })
            .is_ok()
}

fn retain_plans(page: &mut OfferPage) {
    let left: Vec<String> = page.document.plans.iter().map(|plan| plan.id.to_string()).collect();
    page.plans.retain(|plan| left.contains(&plan.id));
}
