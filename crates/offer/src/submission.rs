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
