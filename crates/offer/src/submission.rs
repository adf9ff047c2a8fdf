//! The six steps of a publication and the states of a submission (spec `publishing.md`): names, limits and the legal
//! transitions. Who moves a submission, and what each step does, is the pipeline's business in `market`.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The six steps, in order. Stored by [`Step::id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "described in spec publishing.md")]
pub enum Step {
    ValidatePrerequisites,
    Certification,
    Packaging,
    PublisherSignoff,
    Replication,
    Live,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Step; 6] = [
        Step::ValidatePrerequisites,
        Step::Certification,
        Step::Packaging,
        Step::PublisherSignoff,
        Step::Replication,
        Step::Live,
    ];

    /// Stable id, as stored and as in the API.
    pub fn id(self) -> &'static str {
        match self {
            Step::ValidatePrerequisites => "validate-prerequisites",
            Step::Certification => "certification",
            Step::Packaging => "packaging",
            Step::PublisherSignoff => "publisher-signoff",
            Step::Replication => "replication",
            Step::Live => "live",
        }
    }

    /// The step with this [`id`](Step::id).
    pub fn from_id(id: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.id() == id)
    }

    /// English and French name.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Step::ValidatePrerequisites => ("Validate prerequisites", "Valider les prérequis"),
            Step::Certification => ("Certification", "Certification"),
            Step::Packaging => ("Packaging", "Packaging"),
            Step::PublisherSignoff => ("Publisher sign-off", "Validation de l’éditeur"),
            Step::Replication => ("Replication", "Réplication"),
            Step::Live => ("Live", "En direct"),
        }
    }

    /// Longest time that the step may take before it is overdue; none for sign-off.
    pub fn duration_max(self) -> Option<Duration> {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3_600));
        match self {
            Step::ValidatePrerequisites => Some(Duration::from_secs(15 * 60)),
            Step::Certification => hours(14 * 24),
            Step::Packaging | Step::Replication => hours(1),
            Step::PublisherSignoff => None,
            Step::Live => hours(4 * 24),
        }
    }

    /// The step after this one.
    pub fn next(self) -> Option<Step> {
        Step::ALL.get(self as usize + 1).copied()
    }
}

/// State of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named in spec publishing.md")]
pub enum SubmissionState {
    NeverPublished,
    NotStarted,
    Running,
    WaitingForPublisherReview,
    Succeeded,
    Canceled,
    Failed,
}

/// State of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named in spec publishing.md")]
pub enum StepStatus {
    NotStarted,
    InProgress,
    WaitingForPublisherReview,
    WaitingForApproval,
    Blocked,
    Rejected,
    Complete,
    Canceled,
}

impl SubmissionState {
    /// All states.
    pub const ALL: [SubmissionState; 7] = [
        SubmissionState::NeverPublished,
        SubmissionState::NotStarted,
        SubmissionState::Running,
        SubmissionState::WaitingForPublisherReview,
        SubmissionState::Succeeded,
        SubmissionState::Canceled,
        SubmissionState::Failed,
    ];

    /// Whether a submission in this state may go to `next`. `NeverPublished` is the state of an offer without a
    /// submission. Cancelling and superseding both lead to `Canceled`; a submission that is canceled, failed or
    /// succeeded stays so: publishing again makes a new one.
    pub fn may_become(self, next: SubmissionState) -> bool {
        use SubmissionState::*;
        matches!(
            (self, next),
            (NeverPublished, NotStarted)
                | (NotStarted, Running | Canceled)
                | (Running, WaitingForPublisherReview | Succeeded | Canceled | Failed)
                | (WaitingForPublisherReview, Running | Canceled)
        )
    }

    /// Whether nothing can happen to the submission any more.
    pub fn is_final(self) -> bool {
        matches!(self, SubmissionState::Succeeded | SubmissionState::Canceled | SubmissionState::Failed)
    }

    /// Whether the submission may be cancelled while it is at `step`: at every step before 6 (spec `publishing.md`,
    /// *States*).
    pub fn may_cancel(self, step: Step) -> bool {
        self.may_become(SubmissionState::Canceled) && step != Step::Live
    }

    /// Whether a new submission of the same offer may begin, and whether this one is superseded by it (canceled, with
    /// that reason). One submission is in flight at a time; one that waits for sign-off gives way.
    pub fn on_publish(self) -> OnPublish {
        match self {
            SubmissionState::NeverPublished
            | SubmissionState::Succeeded
            | SubmissionState::Canceled
            | SubmissionState::Failed => OnPublish::Begin,
            SubmissionState::WaitingForPublisherReview => OnPublish::Supersede,
            SubmissionState::NotStarted | SubmissionState::Running => OnPublish::Refuse,
        }
    }
}

/// What publishing does to the offer's previous submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPublish {
    /// Nothing: it has ended, or there was none.
    Begin,
    /// It waits for sign-off and is canceled in favour of the new one.
    Supersede,
    /// It is in flight: publishing is refused until it ends or is cancelled.
    Refuse,
}

impl StepStatus {
    /// All statuses.
    pub const ALL: [StepStatus; 8] = [
        StepStatus::NotStarted,
        StepStatus::InProgress,
        StepStatus::WaitingForPublisherReview,
        StepStatus::WaitingForApproval,
        StepStatus::Blocked,
        StepStatus::Rejected,
        StepStatus::Complete,
        StepStatus::Canceled,
    ];

    /// Whether a step with this status may go to `next`. A step may be tried again (`InProgress` after `Blocked`); a
    /// completed one is never done again.
    pub fn may_become(self, next: StepStatus) -> bool {
        use StepStatus::*;
        matches!(
            (self, next),
            (NotStarted, InProgress | Canceled)
                | (
                    InProgress,
                    WaitingForPublisherReview | WaitingForApproval | Blocked | Rejected | Complete | Canceled
                )
                | (WaitingForPublisherReview, Complete | Canceled)
                | (WaitingForApproval, InProgress | Rejected | Complete | Canceled)
                | (Blocked, InProgress | Rejected | Canceled)
        )
    }

    /// Whether nothing can happen to the step any more.
    pub fn is_final(self) -> bool {
        matches!(self, StepStatus::Rejected | StepStatus::Complete | StepStatus::Canceled)
    }
}
