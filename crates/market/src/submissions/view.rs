//! What a submission looks like from outside: the shape that the API, the pages and the command line show.

use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::state_of;
use crate::recertification::{self, Recertification};
use crate::store::history::HistoryRow;
use crate::store::steps::{MessageRow, StepRow};
use crate::store::submissions::SubmissionRow;
use crate::store::tickets as store;
use crate::store::{campaigns, documents, regions, steps, submissions};
use crate::tickets::TicketSummary;
use offer::submission::{Step, StepStatus, SubmissionState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A submission with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Submission {
    #[serde(flatten)]
    pub summary: SubmissionSummary,
    pub notify: Vec<String>,
    /// Digest of the immutable snapshot.
    pub snapshot: String,
    /// The six steps in order.
    pub steps: Vec<StepView>,
    /// What the tags pointed at in step 1.
    pub images: Vec<Image>,
    /// Certification reports and SBOMs.
    pub documents: Vec<Document>,
    /// From step 5 on.
    pub regions: Vec<RegionStanding>,
    /// What campaigns said of it while it was live, oldest first.
    #[serde(default)]
    pub recertifications: Vec<Recertification>,
    /// Requests for help, oldest first.
    #[serde(default)]
    pub tickets: Vec<TicketSummary>,
}

/// A submission in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct SubmissionSummary {
    pub id: String,
    pub publisher: String,
    pub offer: String,
    /// From 1, per offer.
    pub number: i64,
    pub state: SubmissionState,
    /// Why it was cancelled or failed.
    pub reason: Option<String>,
    pub submitted_by: String,
    pub created: Instant,
    pub finished: Option<Instant>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct StepView {
    pub id: Step,
    /// English name.
    pub name: String,
    /// French name.
    pub name_fr: String,
    pub description: String,
    /// Longest time before it is overdue; none for sign-off.
    pub maximum_seconds: Option<u64>,
    pub status: StepStatus,
    /// 0 to 100.
    pub progress: u8,
    pub started: Option<Instant>,
    pub finished: Option<Instant>,
    /// It runs longer than its maximum.
    pub overdue: bool,
    pub messages: Vec<Message>,
}

/// How much a message weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Level {
    Info,
    Warning,
    Error,
}

impl Level {
    /// As stored.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// A message of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Message {
    pub level: Level,
    pub at: Instant,
    pub text: String,
    pub hint: Option<String>,
    /// Where it applies: `pointer` into the offer with `position` in the files, or `image`, `layer` and `path`.
    #[serde(rename = "where")]
    pub place: Option<Value>,
    /// The rule of the offer, or the criterion of certification, that it is of.
    #[serde(default)]
    pub rule: Option<String>,
}

impl Message {
    /// The text without the name of its rule behind it.
    pub fn fact(&self) -> &str {
        let rule = self.rule.as_deref().unwrap_or_default();
        let named = self.text.strip_suffix(']').and_then(|text| text.strip_suffix(rule));
        named.and_then(|text| text.strip_suffix(" [")).unwrap_or(&self.text)
    }
}

/// A tag of a plan and what it points at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Image {
    pub plan: String,
    pub tag: String,
    pub digest: String,
}

/// A certification report (one per plan) or an SBOM (one per image of a plan).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Document {
    pub plan: String,
    /// `report`, `sbom` (CycloneDX) or `spdx`.
    pub kind: String,
    /// The image or index that it is about.
    pub subject: String,
    /// Of an SBOM.
    pub platform: Option<String>,
    /// Where its bytes are in the blob store.
    pub digest: String,
    pub size: i64,
}

/// Where the submission stands in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct RegionStanding {
    pub name: String,
    pub required: bool,
    /// `Waiting`, `Behind` (with a message), `Holding` (every digest, verified), `Live` (tags moved) or
    /// `Removed` (it is no region any more).
    pub state: String,
    pub message: Option<String>,
    pub changed: Instant,
}

/// An entry of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Action {
    /// Where a page of the history ends and the next one begins.
    #[serde(default)]
    pub id: String,
    pub at: Instant,
    pub actor: String,
    pub action: String,
    pub submission: Option<String>,
    pub detail: Value,
}

impl Market {
    /// Everything about a submission, read in one go.
    pub(crate) async fn view(&self, row: SubmissionRow) -> Result<Submission> {
        let mut c = self.store.read().await?;
        let step_rows = steps::of_submission(&mut c, &row.id).await?;
        let messages = steps::messages(&mut c, &row.id).await?;
        let now = self.now();
        let steps: Result<Vec<StepView>> =
            Step::ALL.into_iter().map(|step| step_view(step, &step_rows, &messages, now)).collect();
        let images = submissions::tags(&mut c, &row.id).await?.into_iter().map(Image::from).collect();
        let documents =
            documents::of_submission(&mut c, &row.id).await?.into_iter().map(Document::from).collect();
        let mut recertifications = Vec::new();
        for told in campaigns::of_submission(&mut c, &row.id).await? {
            recertifications.push(recertification::view(&mut c, self, told).await?);
        }
        let tickets = store::of_submission(&mut c, &row.id).await?;
        let standings = regions::states(&mut c, &row.id).await?.into_iter().map(standing).collect();
        Ok(Submission {
            notify: serde_json::from_str(&row.notify).map_err(Error::internal)?,
            snapshot: row.bundle.clone(),
            summary: summary(row)?,
            steps: steps?,
            images,
            documents,
            regions: standings,
            recertifications,
            tickets: tickets.into_iter().map(TicketSummary::try_from).collect::<Result<_>>()?,
        })
    }
}

pub(super) fn summary(row: SubmissionRow) -> Result<SubmissionSummary> {
    Ok(SubmissionSummary {
        state: state_of(&row),
        id: row.id,
        publisher: row.publisher,
        offer: row.offer,
        number: row.number,
        reason: row.reason,
        submitted_by: row.actor,
        created: Instant(row.created_ms),
        finished: row.finished_ms.map(Instant),
    })
}

pub(super) fn action(row: HistoryRow) -> Action {
    Action {
        id: row.id,
        at: Instant(row.at_ms),
        actor: row.actor,
        action: row.action,
        submission: row.submission,
        detail: serde_json::from_str(&row.detail).unwrap_or(Value::Null),
    }
}

impl From<documents::DocumentRow> for Document {
    fn from(row: documents::DocumentRow) -> Document {
        Document {
            plan: row.plan,
            kind: row.kind,
            subject: row.subject,
            platform: Some(row.platform).filter(|platform| !platform.is_empty()),
            digest: row.digest,
            size: row.size,
        }
    }
}

impl From<submissions::TagRow> for Image {
    fn from(row: submissions::TagRow) -> Image {
        Image { plan: row.plan, tag: row.tag, digest: row.digest }
    }
}

fn standing(row: regions::SubmissionRegionRow) -> RegionStanding {
    RegionStanding {
        name: row.region,
        required: row.required == 1,
        state: row.state,
        message: row.message,
        changed: Instant(row.changed_ms),
    }
}

fn step_view(step: Step, rows: &[StepRow], messages: &[MessageRow], now: Instant) -> Result<StepView> {
    let row = rows.iter().find(|row| row.step == step.id());
    let row = row.ok_or_else(|| Error::internal(format!("a submission lacks its step {}", step.id())))?;
    let status = status_of(row)?;
    let (name, name_fr) = step.names();
    let maximum = step.duration_max();
    let deadline = match (row.started_ms, maximum) {
        (Some(started), Some(maximum)) => started.saturating_add_unsigned(maximum.as_millis() as u64),
        _ => i64::MAX,
    };
    Ok(StepView {
        id: step,
        name: name.to_owned(),
        name_fr: name_fr.to_owned(),
        description: describe(step).to_owned(),
        maximum_seconds: maximum.map(|maximum| maximum.as_secs()),
        status,
        progress: u8::try_from(row.progress.clamp(0, 100)).unwrap_or(100),
        started: row.started_ms.map(Instant),
        finished: row.finished_ms.map(Instant),
        overdue: !status.is_final() && now.0 > deadline,
        messages: messages.iter().filter(|message| message.step == step.id()).map(message).collect(),
    })
}

pub(crate) fn status_of(row: &StepRow) -> Result<StepStatus> {
    StepStatus::ALL
        .into_iter()
        .find(|status| format!("{status:?}") == row.status)
        .ok_or_else(|| Error::internal(format!("a step has the unknown status {}", row.status)))
}

fn message(row: &MessageRow) -> Message {
    Message {
        level: match row.level.as_str() {
            "info" => Level::Info,
            "warning" => Level::Warning,
            _ => Level::Error,
        },
        at: Instant(row.at_ms),
        text: row.message.clone(),
        hint: row.hint.clone(),
        place: row.place.as_deref().and_then(|place| serde_json::from_str(place).ok()),
        rule: row.rule.clone(),
    }
}

fn describe(step: Step) -> &'static str {
    match step {
        Step::ValidatePrerequisites => {
            "The offer's fields and settings are checked, and the image repository is asked for every tag."
        }
        Step::Certification => "Every image of every plan is checked against the certification criteria.",
        Step::Packaging => {
            "Images, SBOMs and reports are staged for the preview, and the lead destination is verified."
        }
        Step::PublisherSignoff => "The preview waits for the publisher to go live.",
        Step::Replication => "The offer is brought to every required region and verified by digest.",
        Step::Live => "The listing and the tags move to the new version.",
    }
}
