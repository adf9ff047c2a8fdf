//! Step 2: everything that the tags point at is brought into the blob store, verified, and certified from there. Report
//! and SBOMs are stored, whatever the verdict.

use super::meter::Meter;
use super::starting::{self, Stop};
use super::validate_prerequisites::{key, moved_tags, origin};
use super::{NOTES_MAX, Note, Work, commit, complete_step, descriptor_of, fail, load, review};
use crate::error::{Error, Result};
use crate::links;
use crate::market::Market;
use crate::offers::blocking;
use crate::stage::{self, BlobSource, may_pass};
use crate::store::documents::{self, DocumentRow};
use crate::store::submissions::{self, SubmissionRow, TagRow};
use crate::submissions::Level;
use crate::tasks::{Claim, Kind, Outcome};
use crate::trust::statements::CERTIFICATION_KIND;
use crate::waivers;
use certify::advisories::vex::{VEX_BYTES_MAX, Vex};
use certify::advisories::{self, Advisories};
use certify::clamd::Clamd;
use certify::criteria::OfferContext;
use certify::report::Verdict;
use certify::rules::Rules;
use certify::sbom::SbomFormat;
use certify::trust::statement;
use certify::{Certification, Progress, Request, certify};
use oci::digest::Digest;
use offer::document::Plan;
use offer::policy::Policy;
use offer::reading::Reading;
use offer::submission::Step;
use offer::tags::{Tag, VersionTag};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// Part of the step that fetching takes, in percent.
const FETCHING: (u8, u8) = (0, 40);
/// Part that certifying takes.
const CERTIFYING: (u8, u8) = (40, 98);
/// Most bytes of the operator's rule files together.
const RULES_BYTES_MAX: u64 = 64 << 20;

/// Runs the step.
pub(super) async fn run(market: &Market, claim: &Claim, row: SubmissionRow) -> Result<Outcome> {
    let step = Step::Certification;
    let work = load(market, row).await?;
    let meter = Arc::new(Meter::start(market, &work.row.id, step));
    let tags = submissions::tags(&mut *market.store.read().await?, &work.row.id).await?;
    let moved = moved_tags(market, &work, &tags).await?;
    if !moved.is_empty() {
        return fail(market, claim, &work.row, step, &moved, market.store.write().await?).await;
    }
    if let Some(notes) = fetch(market, claim, &work, &tags, &meter).await? {
        return fail(market, claim, &work.row, step, &notes, market.store.write().await?).await;
    }
    market.faults.at("certification:fetched");
    let policy = waivers::policy_in_force(market, &mut *market.store.read().await?).await?;
    let (mut rows, mut notes, mut failed) = (Vec::new(), Vec::new(), false);
    for (index, plan) in work.offer.plans.iter().enumerate() {
        if claim.is_stopped() {
            return Ok(Outcome::Stopped);
        }
        let subject = Subject {
            row: &work.row,
            reading: &work.reading,
            plan: plan.id.as_str(),
            repository: &plan.repository.name,
            tags: &tags,
            policy: &policy,
        };
        let (told, plans) = (Arc::clone(&meter), work.offer.plans.len() as u64);
        let progress = move |done, all| told.set(CERTIFYING, index as u64 * all + done, plans * all);
        let found = judge(market, claim, &subject, progress).await?;
        // A start that was broken off is no result.
        if claim.is_stopped() {
            return Ok(Outcome::Stopped);
        }
        if found.report.verdict == Verdict::Errored {
            return Ok(Outcome::Retry(unchecked(plan.id.as_str(), &found)));
        }
        failed |= found.report.verdict == Verdict::Failed;
        notes.extend(notes_of(plan, &found));
        rows.extend(keep(market, plan.id.as_str(), &found, &policy).await?);
    }
    market.faults.at("certification:judged");
    let mut tx = market.store.write().await?;
    documents::put(&mut tx, &work.row.id, &rows).await?;
    if failed && !policy.certification.review {
        return fail(market, claim, &work.row, step, &notes, tx).await;
    }
    if failed && waivers::policy_in_force(market, &mut tx).await? != policy {
        // Whoever waived something meanwhile saw no submission that waits.
        return Ok(Outcome::Retry(Error::conflict(
            "a waiver changed meanwhile",
            "it is judged by the new ones",
        )));
    }
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    for note in notes.iter().take(NOTES_MAX) {
        super::say(market, &mut tx, &work.row.id, step, note).await?;
    }
    if failed {
        review::wait(market, &mut tx, &work.row).await?;
        return commit(market, tx, &work.row, step).await;
    }
    complete_step(market, &mut tx, &work.row.id, step, Some(Kind::Packaging)).await?;
    commit(market, tx, &work.row, step).await
}

/// Brings the images in. `Some` with what the publisher has to correct.
async fn fetch(
    market: &Market,
    claim: &Claim,
    work: &Work,
    tags: &[TagRow],
    meter: &Arc<Meter>,
) -> Result<Option<Vec<Note>>> {
    let mut notes = Vec::new();
    let plans = work.offer.plans.len() as u64;
    for (index, plan) in work.offer.plans.iter().enumerate() {
        let origin = match origin(market, key(&work.offer), &plan.repository).await? {
            Ok(origin) => origin,
            Err((message, hint)) => {
                notes.push(Note::error(message, hint));
                continue;
            }
        };
        let of_plan = tags.iter().filter(|tag| tag.plan == plan.id.as_str());
        let roots = of_plan.map(descriptor_of).collect::<Result<Vec<_>>>()?;
        let progress = |done: u64, all: u64| {
            let all = all.max(1);
            meter.set(FETCHING, index as u64 * all + done, plans * all);
        };
        match stage::fetch(&market.blobs, &origin, &roots, &claim.stop, &progress).await {
            Ok(_) => {}
            Err(error) if may_pass(&error) => return Err(error.into()),
            Err(error) => {
                let text = format!("plan {}: {error}", plan.id);
                notes.push(Note::error(text, error.hint()));
            }
        }
    }
    Ok(Some(notes).filter(|notes| !notes.is_empty()))
}

/// A plan of a submission, and what it is judged by.
pub(super) struct Subject<'a> {
    pub row: &'a SubmissionRow,
    pub reading: &'a Reading,
    pub plan: &'a str,
    /// The repository's name as the offer states it.
    pub repository: &'a str,
    /// Tags of all plans.
    pub tags: &'a [TagRow],
    pub policy: &'a Policy,
}

/// Judges the images of one plan, which are in the blob store. `progress` gets the work that is done, and all of it.
pub(super) async fn judge(
    market: &Market,
    claim: &Claim,
    subject: &Subject<'_>,
    progress: impl Fn(u64, u64) + Send + Sync + 'static,
) -> Result<Certification> {
    let rules = rules(market).await?;
    let sandbox = starting::sandbox(market).await;
    let stop = Stop::of(claim);
    let live = live_tags(market, subject).await?;
    let mut source = BlobSource {
        name: subject.repository.to_owned(),
        tags: BTreeMap::new(),
        blobs: market.blobs.clone(),
    };
    for tag in subject.tags.iter().filter(|tag| tag.plan == subject.plan) {
        source.tags.insert(tag.tag.clone(), descriptor_of(tag)?);
    }
    let known = advisories(market).await?;
    let today = market.clock.now().date();
    let links = match &subject.reading.offer {
        Some(offer) if market.config.settings.check_links => {
            Some(links::ask_through(&market.egress, &market.http, offer).await)
        }
        _ => None,
    };
    let (market, reading, plan) = (market.clone(), subject.reading.clone(), subject.plan.to_owned());
    let policy = subject.policy.clone();
    blocking(move || {
        let progress = |told: Progress| {
            let (part, parts) = (told.image.saturating_sub(1) as u64, told.images.max(1) as u64);
            let share = told.layers.bytes_done * 1_000 / told.layers.bytes.max(1);
            let done = part * 1_000 + share.min(1_000);
            // Starts come after all images were read.
            let done = if told.start.is_some() { parts * 1_000 } else { done };
            progress(done, parts * 1_000);
        };
        Ok(certify(&Request {
            source: &source,
            reference: None,
            offer: Some(OfferContext { reading: &reading, plan_id: &plan }),
            live_tags: &live,
            policy: &policy,
            rules: &rules,
            cache: Some(&market.cache),
            advisories: known.as_ref().map(|(advisories, vex)| (advisories, vex)),
            links: links.as_deref(),
            today,
            starter: starting::starter(&sandbox, stop.flag()),
            progress: &progress,
        })?)
    })
    .await
}

/// Version tags of the plan that were live before the submission: its own count as new whenever it is judged.
async fn live_tags(market: &Market, subject: &Subject<'_>) -> Result<BTreeMap<VersionTag, Digest>> {
    let mut c = market.store.read().await?;
    let mut live = BTreeMap::new();
    for row in submissions::tags_before(&mut c, subject.row).await? {
        if row.plan == subject.plan
            && let Ok(Tag::Version(version)) = row.tag.parse::<Tag>()
        {
            live.insert(version, row.digest.parse().map_err(Error::internal)?);
        }
    }
    Ok(live)
}

/// Stores report and SBOMs. Blobs first; the rows that make them visible come with the step's result.
async fn keep(
    market: &Market,
    plan: &str,
    found: &Certification,
    policy: &Policy,
) -> Result<Vec<DocumentRow>> {
    let subject = found.report.image.digest.to_string();
    let certification = statement::certification(&found.report, policy, market.now().timestamp());
    let mut rows = vec![
        keep_report(market, plan, found).await?,
        store(market, plan, (CERTIFICATION_KIND, subject, String::new()), certification).await?,
    ];
    for sbom in &found.sboms {
        let platform = sbom.platform.as_ref().map(ToString::to_string).unwrap_or_default();
        for (kind, format) in [("sbom", SbomFormat::CycloneDx), ("spdx", SbomFormat::Spdx)] {
            let what = (kind, sbom.image.to_string(), platform.clone());
            rows.push(store(market, plan, what, sbom.document(format).to_vec()).await?);
        }
    }
    Ok(rows)
}

/// Stores the report.
pub(super) async fn keep_report(market: &Market, plan: &str, found: &Certification) -> Result<DocumentRow> {
    let subject = found.report.image.digest.to_string();
    store(market, plan, ("report", subject, String::new()), found.report.to_json().into_bytes()).await
}

async fn store(
    market: &Market,
    plan: &str,
    (kind, subject, platform): (&str, String, String),
    bytes: Vec<u8>,
) -> Result<DocumentRow> {
    let (digest, size) = market.blobs.put_bytes(bytes).await?;
    Ok(DocumentRow {
        plan: plan.to_owned(),
        kind: kind.to_owned(),
        subject,
        platform,
        digest: digest.to_string(),
        size: i64::try_from(size).map_err(Error::internal)?,
    })
}

/// Every finding of every criterion that failed or warned; the report has the waived ones too.
fn notes_of(plan: &Plan, found: &Certification) -> Vec<Note> {
    let mut notes = Vec::new();
    for criterion in &found.report.criteria {
        let level = match criterion.verdict {
            Verdict::Failed => Level::Error,
            Verdict::Warned => Level::Warning,
            _ => continue,
        };
        for finding in criterion.findings.iter().filter(|finding| finding.waived.is_none()) {
            notes.push(Note {
                level,
                text: format!("plan {}: {} [{}]", plan.id, finding.message, criterion.id),
                hint: Some(finding.hint.clone()),
                place: Some(json!(finding.place)),
                rule: Some(criterion.id.clone()),
            });
        }
    }
    notes
}

/// What could not be checked, and why.
pub(super) fn unchecked(plan: &str, found: &Certification) -> Error {
    let errored = found.report.criteria.iter().filter(|criterion| criterion.verdict == Verdict::Errored);
    let reasons: Vec<String> = errored
        .map(|criterion| {
            format!("{}: {}", criterion.id, criterion.reason.as_deref().unwrap_or("no reason given"))
        })
        .collect();
    Error::conflict(
        format!("plan {plan} could not be checked: {}", reasons.join("; ")),
        "what could not be checked does not pass",
    )
}

/// The vulnerability data in the data directory, and the operator's OpenVEX documents beside it (`vex/*.json`). Opened
/// anew each time, which takes a millisecond: an import may have replaced it.
async fn advisories(market: &Market) -> Result<Option<(Advisories, Vex)>> {
    let data = market.config.data.clone();
    blocking(move || {
        let path = data.join(advisories::FILE_NAME);
        if !path.exists() {
            return Ok(None);
        }
        let setup = |error: advisories::Error| Error::setup(error.message, error.hint);
        let known = Advisories::open(&path).map_err(setup)?;
        let (directory, mut vex) = (data.join("vex"), Vex::default());
        if directory.is_dir() {
            let what = || format!("reading the VEX documents in {}", directory.display());
            let mut paths = Vec::new();
            for entry in std::fs::read_dir(&directory).map_err(Error::io(what()))? {
                paths.push(entry.map_err(Error::io(what()))?.path());
            }
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
            paths.sort();
            for path in paths {
                let mut bytes = Vec::new();
                let file = File::open(&path).map_err(Error::io(what()))?;
                file.take(VEX_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(what()))?;
                vex.add(&path.display().to_string(), &bytes).map_err(setup)?;
            }
        }
        Ok(Some((known, vex)))
    })
    .await
}

/// The rules, compiled at their first use.
async fn rules(market: &Market) -> Result<Arc<Rules>> {
    let load = async || {
        let directory = market.config.settings.rules.as_ref().map(|path| market.config.data.join(path));
        let rules = blocking(move || read_rules(directory.as_deref())).await?;
        let clamd = market.config.settings.clamd.as_deref().map(Clamd::at).transpose();
        let clamd =
            clamd.map_err(|error| Error::setup(error.to_string(), "correct `clamd` in the configuration"))?;
        Ok(Arc::new(match (clamd, &market.config.settings.clamd_key) {
            (Some(clamd), Some(key)) => rules.with_clamd(clamd.with_key(key)),
            (Some(clamd), None) => rules.with_clamd(clamd),
            (None, _) => rules,
        }))
    };
    market.rules.get_or_try_init(load).await.cloned()
}

/// The operator's directory: `*.yar` and `*.yara` files, and `sha256.txt`, a list of digests.
fn read_rules(directory: Option<&Path>) -> Result<Rules> {
    let Some(directory) = directory else { return Ok(Rules::built_in()) };
    let what = || format!("reading the rules in {}", directory.display());
    let (mut yara, mut list, mut bytes) = (Vec::new(), String::new(), 0);
    for entry in std::fs::read_dir(directory).map_err(Error::io(what()))? {
        let path = entry.map_err(Error::io(what()))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_yara = name.ends_with(".yar") || name.ends_with(".yara");
        if !is_yara && name != "sha256.txt" {
            continue;
        }
        bytes += path.metadata().map_err(Error::io(what()))?.len();
        if bytes > RULES_BYTES_MAX {
            return Err(Error::setup(
                format!("the rules in {} have more than {RULES_BYTES_MAX} bytes", directory.display()),
                "remove rules that are not needed",
            ));
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io(what()))?;
        if is_yara { yara.push((name, text)) } else { list = text }
    }
    yara.sort();
    Rules::with(yara, &list).map_err(|error| Error::setup(error.to_string(), "correct the rule file"))
}
