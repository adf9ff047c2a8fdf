//! The legal transitions of submissions and steps.

use offer::submission::{OnPublish, Step, StepStatus, SubmissionState};

#[test]
fn transitions_of_a_submission() {
    use SubmissionState::*;
    let legal = [
        (NeverPublished, NotStarted),
        (NotStarted, Running),
        (NotStarted, Canceled),
        (Running, WaitingForPublisherReview),
        (Running, Succeeded),
        (Running, Canceled),
        (Running, Failed),
        (WaitingForPublisherReview, Running),
        (WaitingForPublisherReview, Canceled),
    ];
    for from in SubmissionState::ALL {
        for to in SubmissionState::ALL {
            assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from:?} to {to:?}");
        }
        let leaves = SubmissionState::ALL.into_iter().any(|to| from.may_become(to));
        assert_eq!(from.is_final(), !leaves, "{from:?}");
    }
}

#[test]
fn transitions_of_a_step() {
    use StepStatus::*;
    let legal = [
        (NotStarted, InProgress),
        (NotStarted, Canceled),
        (InProgress, WaitingForPublisherReview),
        (InProgress, WaitingForApproval),
        (InProgress, Blocked),
        (InProgress, Rejected),
        (InProgress, Complete),
        (InProgress, Canceled),
        (WaitingForPublisherReview, Complete),
        (WaitingForPublisherReview, Canceled),
        (WaitingForApproval, InProgress),
        (WaitingForApproval, Rejected),
        (WaitingForApproval, Complete),
        (WaitingForApproval, Canceled),
        (Blocked, InProgress),
        (Blocked, Rejected),
        (Blocked, Canceled),
    ];
    for from in StepStatus::ALL {
        for to in StepStatus::ALL {
            assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from:?} to {to:?}");
        }
        assert_eq!(from.is_final(), !StepStatus::ALL.into_iter().any(|to| from.may_become(to)), "{from:?}");
    }
}

#[test]
fn cancelling_is_possible_before_step_6() {
    for step in Step::ALL {
        assert_eq!(SubmissionState::Running.may_cancel(step), step < Step::Live);
        assert!(!SubmissionState::Succeeded.may_cancel(step));
        assert!(!SubmissionState::Canceled.may_cancel(step));
    }
    assert!(SubmissionState::WaitingForPublisherReview.may_cancel(Step::PublisherSignoff));
}

#[test]
fn publishing_again() {
    let all = SubmissionState::ALL.map(SubmissionState::on_publish);
    use OnPublish::*;
    assert_eq!(all, [Begin, Refuse, Refuse, Supersede, Begin, Begin, Begin]);
}
