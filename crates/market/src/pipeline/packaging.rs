//! Step 3: images with their signatures, SBOMs, certifications and deltas are linked into the preview repositories, deployment
//! manifests prove to be generated, and the lead destination is verified with one test lead. Then the preview waits for sign-off.

use super::validate_prerequisites::{moved_tags, note};
use super::{Note, Work, commit, complete_step, deltas, descriptor_of, fail, load, publisher_signoff};
use crate::deployments;
use crate::error::{Error, Result};
use crate::leads::{self, Delivery};
use crate::market::Market;
use crate::stage::{self, Tree};
use crate::store::documents::{self, DocumentRow};
use crate::store::registry::{self, ManifestRow};
use crate::store::submissions::{self, SubmissionRow, TagRow};
use crate::store::{Tx, people};
use crate::submissions::Level;
use crate::tasks::{Claim, Outcome};
use crate::trust::Signer;
use crate::trust::statements::{self, Referrer};
use oci::manifest::{Descriptor, Manifest};
use offer::deployment::Form;
use offer::deployment::values::{Kind as ValueKind, asked};
use offer::document::{Offer, Plan};
use offer::submission::Step;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Attempts to hand over the test lead before its failure is a finding.
const LEAD_ATTEMPTS: i64 = 6;

/// What is linked into one preview repository.
struct Package {
    repository: String,
    tree: Tree,
    referrers: Vec<Referrer>,
    /// Tag and digest.
    tags: Vec<(String, String)>,
}

/// Runs the step.
pub(super) async fn run(market: &Market, claim: &Claim, row: SubmissionRow) -> Result<Outcome> {
    let step = Step::Packaging;
    let work = load(market, row).await?;
    let mut c = market.store.read().await?;
    let tags = submissions::tags(&mut c, &work.row.id).await?;
    let documents = documents::of_submission(&mut c, &work.row.id).await?;
    drop(c);
    let mut notes = moved_tags(market, &work, &tags).await?;
    notes.extend(deployments_generate(market, &work, &tags)?);
    let mut packages = Vec::new();
    let signer = Arc::clone(&*market.signer.read().await);
    for plan in &work.offer.plans {
        let Some(mut package) = package(market, &signer, &work, plan, &tags, &documents).await? else {
            notes.push(unstated(plan));
            continue;
        };
        let of_plan: Vec<&TagRow> = tags.iter().filter(|tag| tag.plan == plan.id.as_str()).collect();
        let (deltas, note) = deltas::make(market, &claim.stop, &work, plan, &of_plan).await?;
        package.referrers.extend(deltas);
        notes.extend(note);
        packages.push(package);
    }
    market.faults.at("packaging:packed");
    if claim.is_stopped() {
        return Ok(Outcome::Stopped);
    }
    notes.extend(test_lead(market, claim, &work).await?);
    let mut tx = market.store.write().await?;
    if notes.iter().any(|note| note.level == Level::Error) {
        return fail(market, claim, &work.row, step, &notes, tx).await;
    }
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    for package in &packages {
        link(market, &mut tx, &work, package).await?;
    }
    notes.extend(unknown_subscriptions(&mut tx, &work.offer).await?);
    for note in &notes {
        super::say(market, &mut tx, &work.row.id, step, note).await?;
    }
    complete_step(market, &mut tx, &work.row.id, step, None).await?;
    publisher_signoff::wait(market, &mut tx, &work.row.id).await?;
    commit(market, tx, &work.row, step).await
}

/// `preview/{publisher}/{offer}/{plan}`.
fn preview_repository(row: &SubmissionRow, plan: &Plan) -> String {
    format!("preview/{}/{}/{}", row.publisher, row.offer, plan.id)
}

/// `None` when there is no certification to state.
async fn package(
    market: &Market,
    signer: &Signer,
    work: &Work,
    plan: &Plan,
    tags: &[TagRow],
    documents: &[DocumentRow],
) -> Result<Option<Package>> {
    let of_plan: Vec<&TagRow> = tags.iter().filter(|tag| tag.plan == plan.id.as_str()).collect();
    let mut roots: Vec<Descriptor> = Vec::new();
    for tag in &of_plan {
        let root = descriptor_of(tag)?;
        if !roots.iter().any(|known| known.digest == root.digest) {
            roots.push(root);
        }
    }
    let tree = stage::walk(&market.blobs, &roots).await?;
    let documents: Vec<&DocumentRow> =
        documents.iter().filter(|document| document.plan == plan.id.as_str()).collect();
    let Some(referrers) = statements::attach(market, signer, &tree, &documents).await? else {
        return Ok(None);
    };
    Ok(Some(Package {
        repository: preview_repository(&work.row, plan),
        tree,
        referrers,
        tags: of_plan.into_iter().map(|tag| (tag.tag.clone(), tag.digest.clone())).collect(),
    }))
}

/// The program was replaced by a newer one between this submission's certification and now.
fn unstated(plan: &Plan) -> Note {
    Note::error(
        format!(
            "plan {} was certified by an earlier version of this program, which stated too little",
            plan.id
        ),
        "publish again; what was read of the images is kept, so that it takes a moment",
    )
}

/// Fills the preview repository, which holds nothing else, and opens it to the named subscriptions.
async fn link(market: &Market, tx: &mut Tx, work: &Work, package: &Package) -> Result<()> {
    let repository = &package.repository;
    registry::clear(tx, repository).await?;
    put_content(tx, repository, &package.tree, &package.referrers).await?;
    let now = market.now().0;
    for (tag, digest) in &package.tags {
        registry::put_tag(tx, repository, tag, digest, now).await?;
    }
    for subscription in &work.offer.listing.preview_subscriptions {
        let subscription = subscription.id.to_string();
        registry::grant_preview(tx, &work.row.id, repository, &subscription).await?;
    }
    Ok(())
}

/// Puts images and what refers to them into a repository.
pub(crate) async fn put_content(
    tx: &mut Tx,
    repository: &str,
    tree: &Tree,
    referrers: &[Referrer],
) -> Result<()> {
    for blob in &tree.blobs {
        put_blob(tx, repository, blob).await?;
    }
    for manifest in &tree.manifests {
        registry::put_manifest(tx, repository, &manifest_row(manifest, None)?).await?;
    }
    for (descriptor, manifest) in referrers {
        for blob in [&manifest.config].into_iter().chain(&manifest.layers) {
            put_blob(tx, repository, blob).await?;
        }
        registry::put_manifest(tx, repository, &manifest_row(descriptor, Some(manifest))?).await?;
    }
    Ok(())
}

async fn put_blob(tx: &mut Tx, repository: &str, blob: &Descriptor) -> Result<()> {
    let size = i64::try_from(blob.size).map_err(Error::internal)?;
    registry::put_blob(tx, repository, &blob.digest.to_string(), size).await
}

fn manifest_row(descriptor: &Descriptor, manifest: Option<&Manifest>) -> Result<ManifestRow> {
    Ok(ManifestRow {
        digest: descriptor.digest.to_string(),
        media_type: descriptor.media_type.clone(),
        size: i64::try_from(descriptor.size).map_err(Error::internal)?,
        subject: manifest.and_then(|m| m.subject.as_ref()).map(|subject| subject.digest.to_string()),
        artifact_type: manifest.and_then(|m| m.artifact_type.clone()),
        annotations: match manifest {
            Some(manifest) => serde_json::to_string(&manifest.annotations).map_err(Error::internal)?,
            None => "{}".to_owned(),
        },
    })
}

/// Deployments are generated when a customer asks; here it is proved that they can be. Placeholders get a sample value,
/// which need not suit the plan, so that what then goes wrong is advice.
fn deployments_generate(market: &Market, work: &Work, tags: &[TagRow]) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for plan in &work.offer.plans {
        let asked = asked(plan);
        let sample = |kind| match kind {
            ValueKind::Port | ValueKind::Number => "1",
            ValueKind::IpAddress => "192.0.2.1",
            ValueKind::Volume | ValueKind::Path => "/example",
            ValueKind::Url => "https://example.com/",
            ValueKind::Email => "somebody@example.com",
            ValueKind::Module | ValueKind::HostName | ValueKind::Secret | ValueKind::Text => "example",
        };
        let values: BTreeMap<String, String> =
            asked.iter().map(|one| (one.name.clone(), sample(one.kind).to_owned())).collect();
        let image = deployments::public_image(market, &work.row, plan, tags);
        let image = image.ok_or_else(|| Error::internal("the tag to deploy was not resolved"))?;
        // The other forms refuse nothing that this one takes but names, which a customer can choose.
        for form in [Form::Azure, Form::AzureLayered] {
            if let Err(findings) = deployments::prove(&work.row, plan, &image, &values, form) {
                let soften = |finding| match asked.is_empty() {
                    true => note(finding),
                    false => Note { level: Level::Warning, ..note(finding) },
                };
                notes.extend(findings.iter().map(soften));
            }
        }
    }
    Ok(notes)
}

async fn test_lead(market: &Market, claim: &Claim, work: &Work) -> Result<Option<Note>> {
    let hint = "check that the endpoint takes POST requests with JSON and answers 2xx";
    let failed = |text: String| {
        let place = Some(serde_json::json!({ "pointer": "/leads" }));
        let rule = Some("lead-destination".to_owned());
        Some(Note { place, rule, ..Note::error(format!("{text} [lead-destination]"), hint) })
    };
    let delivery = tokio::select! {
        biased;
        // An endpoint that never answers keeps neither a cancellation nor a shutdown waiting.
        () = claim.stop.cancelled() => return Err(Error::conflict("the test lead was stopped", hint)),
        delivery = leads::test(market, &work.row, &work.offer) => delivery?,
    };
    Ok(match delivery {
        Delivery::Delivered => None,
        Delivery::Refused(text) => failed(text),
        Delivery::Later(text) if claim.attempt >= LEAD_ATTEMPTS => failed(text),
        Delivery::Later(text) => return Err(Error::conflict(text, hint)),
    })
}

/// A preview subscription that the marketplace does not know cannot sign in to see the preview.
async fn unknown_subscriptions(tx: &mut Tx, offer: &Offer) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for subscription in &offer.listing.preview_subscriptions {
        let id = subscription.id.to_string();
        if people::subscription(tx, &id).await?.is_none() {
            notes.push(Note {
                level: Level::Warning,
                text: format!("the preview subscription {id} is not known to this marketplace"),
                hint: Some("ask the operator to add it, or correct the ID and publish again".to_owned()),
                place: Some(serde_json::json!({ "pointer": "/listing/previewSubscriptions" })),
                rule: Some("preview-subscription-known".to_owned()),
            });
        }
    }
    Ok(notes)
}
