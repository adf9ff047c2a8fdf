//! Step 1: the offer satisfies every rule, an update changes nothing that must not change, and the image repository
//! answers and holds every listed tag. What the tags point at now is what the submission is about from here on.

use super::{Note, Work, commit, complete_step, fail};
use crate::access::{self, Actor, Operation};
use crate::bundles::Files;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::{blocking, hinders, managed_by};
use crate::stage::{BlobSource, Origin, may_pass};
use crate::store::submissions::{SubmissionRow, TagRow};
use crate::store::{listings, offers, registry, submissions};
use crate::submissions::{Level, credential_owner};
use crate::tasks::{Claim, Kind, Outcome};
use futures_util::{StreamExt, stream};
use oci::client::{Client, ClientOptions, Credentials};
use oci::manifest::Descriptor;
use oci::reference::Reference;
use offer::document::{Offer, Plan, Repository};
use offer::finding::{Finding, Severity};
use offer::reading::{self, Reading};
use offer::submission::Step;
use offer::tags::Tag;
use offer::update;
use serde_json::json;
use std::collections::BTreeMap;

/// Attempts to reach a repository before its silence is a finding.
const REPOSITORY_ATTEMPTS: i64 = 3;
/// Tags that are asked for at the same time.
const REQUESTS: usize = 8;

/// What step 1 found.
pub(crate) struct Examination {
    pub findings: Vec<Finding>,
    pub tags: Vec<TagRow>,
}

/// Runs the step.
pub(super) async fn run(market: &Market, claim: &Claim, row: SubmissionRow) -> Result<Outcome> {
    let step = Step::ValidatePrerequisites;
    let (policy, bundles, bundle) =
        (market.config.policy.clone(), market.bundles.clone(), row.bundle.clone());
    let reading = blocking(move || Ok(reading::read(&bundles.get(&bundle)?, &policy))).await?;
    let patient = claim.attempt < REPOSITORY_ATTEMPTS;
    let examination = examine(market, (&row.publisher, &row.offer), &reading, patient).await?;
    if claim.is_stopped() {
        return Ok(Outcome::Stopped);
    }
    let notes: Vec<Note> = examination.findings.iter().map(note).collect();
    let mut tx = market.store.write().await?;
    if examination.findings.iter().any(hinders) {
        return fail(market, claim, &row, step, &notes, tx).await;
    }
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    submissions::put_tags(&mut tx, &row.id, &examination.tags).await?;
    for note in &notes {
        super::say(market, &mut tx, &row.id, step, note).await?;
    }
    complete_step(market, &mut tx, &row.id, step, Some(Kind::Certification)).await?;
    commit(market, tx, &row, step).await
}

/// Everything that step 1 checks, without recording anything. With `patient`, a repository that does not answer is an
/// error, to be tried again, and not a finding.
pub(crate) async fn examine(
    market: &Market,
    (publisher, id): (&str, &str),
    reading: &Reading,
    patient: bool,
) -> Result<Examination> {
    let mut findings = reading.findings.clone();
    let mut tags = Vec::new();
    if let Some(offer) = &reading.offer {
        let mut more = identity(offer, publisher, id);
        more.extend(updates(market, offer).await?);
        more.extend(market.uniqueness(offer).await?);
        for (index, plan) in offer.plans.iter().enumerate() {
            tags.extend(resolve(market, offer, (index, plan), patient, &mut more).await?);
        }
        more.extend(live_versions(market, offer, &tags).await?);
        findings.extend(more.into_iter().map(|finding| reading.positions.locate(finding)));
    }
    Ok(Examination { findings, tags })
}

fn identity(offer: &Offer, publisher: &str, id: &str) -> Vec<Finding> {
    if offer.publisher.as_str() == publisher && offer.id.as_str() == id {
        return Vec::new();
    }
    let message = format!(
        "the document is of {}.{}, but it was submitted for {publisher}.{id}",
        offer.publisher, offer.id
    );
    vec![Finding::error("offer-identity", "/id", message, "correct the publisher and the id")]
}

/// What an update must not change, seen from the documents.
async fn updates(market: &Market, offer: &Offer) -> Result<Vec<Finding>> {
    let mut c = market.store.read().await?;
    let row = offers::get(&mut c, offer.publisher.as_str(), offer.id.as_str()).await?;
    let Some(live) = row.and_then(|row| row.live) else { return Ok(Vec::new()) };
    let live = submissions::get(&mut c, &live).await?;
    let bundle = live.ok_or_else(|| Error::internal("the live submission is missing"))?.bundle;
    drop(c);
    let (policy, bundles) = (market.config.policy.clone(), market.bundles.clone());
    let live = blocking(move || Ok(reading::read(&bundles.get(&bundle)?, &policy))).await?;
    Ok(live.offer.map(|live| update::check(&live, offer)).unwrap_or_default())
}

/// What an update must not change, seen from the images: a version tag keeps its digest, and a new one is the greatest.
async fn live_versions(market: &Market, offer: &Offer, tags: &[TagRow]) -> Result<Vec<Finding>> {
    let mut c = market.store.read().await?;
    let live = listings::live_tags(&mut c, offer.publisher.as_str(), offer.id.as_str()).await?;
    let version = |text: &str| match text.parse::<Tag>() {
        Ok(Tag::Version(version)) => Some(version),
        _ => None,
    };
    let mut findings = Vec::new();
    for tag in tags {
        let Some(own) = version(&tag.tag) else { continue };
        let plan = offer.plans.iter().position(|plan| plan.id.as_str() == tag.plan).unwrap_or(0);
        let pointer = format!("/plans/{plan}/tags");
        let of_plan = || live.iter().filter(|row| row.plan == tag.plan);
        match of_plan().find(|row| row.tag == tag.tag) {
            Some(row) if row.digest != tag.digest => findings.push(Finding::error(
                "version-tag-moved",
                pointer,
                format!(
                    "the version tag {} points at {}, but it went live as {}",
                    tag.tag, tag.digest, row.digest
                ),
                "give the new image a new, greater version",
            )),
            Some(_) => {}
            None => {
                let greater = of_plan().filter_map(|row| version(&row.tag)).filter(|live| *live >= own).max();
                if let Some(greatest) = greater {
                    findings.push(Finding::error(
                        "version-not-greater",
                        pointer,
                        format!("the new version {} is not greater than {greatest}, which was live", tag.tag),
                        "give the new image a version greater than all earlier ones",
                    ));
                }
            }
        }
    }
    Ok(findings)
}

/// What the plan's tags point at; a repository that refuses and tags that are missing are findings.
async fn resolve(
    market: &Market,
    offer: &Offer,
    (index, plan): (usize, &Plan),
    patient: bool,
    findings: &mut Vec<Finding>,
) -> Result<Vec<TagRow>> {
    let origin = match origin(market, key(offer), &plan.repository).await? {
        Ok(origin) => origin,
        Err((message, hint)) => {
            let pointer = format!("/plans/{index}/repository");
            findings.push(Finding::error("repository-credentials", pointer, message, hint));
            return Ok(Vec::new());
        }
    };
    let ask = async |tag: &String| (tag.clone(), origin.resolve(tag).await);
    let mut answers: Vec<(String, Result<Descriptor, oci::Error>)> =
        stream::iter(&plan.tags).map(ask).buffer_unordered(REQUESTS).collect().await;
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    let mut rows = Vec::new();
    for (tag, answer) in answers {
        match answer {
            Ok(found) => rows.push(TagRow {
                plan: plan.id.to_string(),
                tag,
                digest: found.digest.to_string(),
                media_type: found.media_type,
                size: i64::try_from(found.size).map_err(Error::internal)?,
            }),
            Err(oci::Error::NotFound(_)) => findings.push(Finding::error(
                "tag-missing",
                format!("/plans/{index}/tags"),
                format!("the tag {tag} was not found in {}", origin.describe()),
                "push the image under this tag, or remove the tag from the plan",
            )),
            Err(error) if may_pass(&error) && patient => return Err(error.into()),
            // One finding says it: every other tag would fail for the same reason.
            Err(error) => {
                let rule = if may_pass(&error) { "repository-unreachable" } else { "repository-refused" };
                let pointer = format!("/plans/{index}/repository");
                findings.push(Finding::error(rule, pointer, error.to_string(), error.hint()));
                return Ok(Vec::new());
            }
        }
    }
    Ok(rows)
}

/// Publisher and offer ID.
pub(crate) fn key(offer: &Offer) -> (&str, &str) {
    (offer.publisher.as_str(), offer.id.as_str())
}

/// Where a plan's images are: this marketplace's own incoming scope, or a registry. The inner error is the publisher's.
pub(crate) async fn origin(
    market: &Market,
    offer: (&str, &str),
    place: &Repository,
) -> Result<Result<Origin, (String, String)>> {
    let name = &place.name;
    let reference: Reference = match name.parse() {
        Ok(reference) => reference,
        Err(error) => {
            return Ok(Err((format!("the repository {name}: {error}"), "write host/path".to_owned())));
        }
    };
    if reference.registry() == market.config.registry_host()
        || reference.registry() == market.config.settings.listen.to_string()
    {
        return own(market, offer.0, &reference).await;
    }
    let credentials = match credentials(market, offer, place).await? {
        Ok(credentials) => credentials,
        Err(problem) => return Ok(Err(problem)),
    };
    let options = ClientOptions {
        credentials,
        allow_http: false,
        guard: Some(market.egress.guard()),
        ..ClientOptions::default()
    };
    let repository = Client::new(market.http.clone(), reference.registry(), options)
        .and_then(|client| client.repository(reference.repository()));
    Ok(repository.map(Origin::Registry).map_err(|error| (error.to_string(), error.hint())))
}

/// The incoming scope: the content is here already, and only the publisher's own part of it counts.
async fn own(
    market: &Market,
    publisher: &str,
    reference: &Reference,
) -> Result<Result<Origin, (String, String)>> {
    let repository = reference.repository();
    let prefix = format!("incoming/{publisher}/");
    if !repository.starts_with(&prefix) {
        let message = format!("{repository} is not in the incoming scope of {publisher}");
        return Ok(Err((message, format!("push the image to {}/{prefix}…", reference.registry()))));
    }
    let mut c = market.store.read().await?;
    let mut tags = BTreeMap::new();
    for tag in registry::tags(&mut c, repository, None, oci::source::TAGS_MAX as i64).await? {
        if let Some(row) = registry::tagged(&mut c, repository, &tag).await? {
            let digest = row.digest.parse().map_err(Error::internal)?;
            let size = u64::try_from(row.size).map_err(Error::internal)?;
            tags.insert(tag, Descriptor::new(&row.media_type, digest, size));
        }
    }
    let name = format!("{}/{repository}", reference.registry());
    Ok(Ok(Origin::Own(BlobSource { name, tags, blobs: market.blobs.clone() })))
}

async fn credentials(
    market: &Market,
    (publisher, id): (&str, &str),
    place: &Repository,
) -> Result<Result<Option<Credentials>, (String, String)>> {
    let Some(variable) = &place.password_env else { return Ok(Ok(None)) };
    let mut c = market.store.read().await?;
    let Some(sealed) = offers::credential(&mut c, publisher, id, variable).await? else {
        let message =
            format!("the value of {variable}, which the repository's password is in, was not given");
        let hint = format!("set the environment variable {variable} where `edgemarket publish` runs");
        return Ok(Err((message, hint)));
    };
    let password = market.vault.open_sealed(&credential_owner(publisher, id, variable), &sealed)?;
    Ok(Ok(Some(match &place.username {
        Some(username) => Credentials::Basic { username: username.clone(), password },
        None => Credentials::Token(password),
    })))
}

/// A finding as a message of the step.
pub(super) fn note(finding: &Finding) -> Note {
    let position = finding.position.as_ref().map(ToString::to_string);
    Note {
        level: if finding.severity == Severity::Error { Level::Error } else { Level::Warning },
        text: format!("{} [{}]", finding.message, finding.rule),
        hint: Some(finding.hint.clone()),
        place: Some(json!({ "pointer": finding.pointer, "position": position })),
        rule: Some(finding.rule.to_string()),
    }
}

impl Market {
    /// What step 1 would find in these files, without storing or submitting them. For whoever may publish.
    pub async fn validate(&self, actor: &Actor, files: Files) -> Result<Vec<Finding>> {
        managed_by(actor)?;
        let policy = self.config.policy.clone();
        let reading = blocking(move || Ok(reading::read(&files, &policy))).await?;
        let Some(offer) = &reading.offer else { return Ok(reading.findings) };
        access::permit(actor, Operation::ManageOffers(&offer.publisher)).map_err(|_| {
            Error::new(
                crate::Kind::Denied,
                format!("the document is of the publisher {}, and {actor} is another one", offer.publisher),
                "correct the document's publisher, or use a token of this publisher",
            )
        })?;
        let own = (offer.publisher.as_str(), offer.id.as_str());
        Ok(examine(self, own, &reading, false).await?.findings)
    }
}

/// Messages for tags that point elsewhere than in step 1.
pub(super) async fn moved_tags(market: &Market, work: &Work, tags: &[TagRow]) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for plan in &work.offer.plans {
        let Ok(origin) = origin(market, key(&work.offer), &plan.repository).await? else { continue };
        let listed: Vec<&TagRow> = tags.iter().filter(|tag| tag.plan == plan.id.as_str()).collect();
        let ask = async |row: &&TagRow| ((*row).clone(), origin.resolve(&row.tag).await);
        let answers: Vec<(TagRow, Result<Descriptor, oci::Error>)> =
            stream::iter(&listed).map(ask).buffer_unordered(REQUESTS).collect().await;
        for (row, answer) in answers {
            let found = match answer {
                Ok(found) if found.digest.to_string() == row.digest => continue,
                Ok(found) => format!("points at {} now", found.digest),
                Err(oci::Error::NotFound(_)) => "is gone".to_owned(),
                Err(error) => return Err(error.into()),
            };
            notes.push(Note::error(
                format!("the tag {} of plan {} {found}, but it was {} when it was submitted", row.tag, row.plan, row.digest),
                "leave the tags alone while a submission runs; publish again to submit what they point at now",
            ));
        }
    }
    Ok(notes)
}
