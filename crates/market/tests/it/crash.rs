//! The process dies at every instant that the pipeline names, one after the other; the next process continues, ends
//! well, and does no completed step again. The dying is real: a process of its own that aborts.

use crate::support::*;
use market::Faults;
use offer::submission::SubmissionState;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// `DIRECTORY` of the marketplace that the child process works in.
const DIRECTORY: &str = "EDGEMARKET_TEST_CRASH_DIRECTORY";
/// At which point it dies, from 1; 0 for never.
const POINT: &str = "EDGEMARKET_TEST_CRASH_POINT";
/// More points than the pipeline has.
const POINTS_MAX: u32 = 100;

/// Not a test of its own: the process that works, and dies where it is told.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let point: u32 = std::env::var(POINT).unwrap().parse().unwrap();
    let passed = Arc::new(AtomicU32::new(0));
    let faults = Faults::from_fn(move |_| {
        if passed.fetch_add(1, Ordering::Relaxed) + 1 == point {
            std::process::abort();
        }
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let market = open(Path::new(&directory), faults).await;
        let _working = work(&market);
        let status = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
        if status.steps[3].finished.is_none() {
            wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
            market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
        }
        wait_for(&market, SubmissionState::Succeeded).await;
        market.close().await;
    });
}

fn run_child(directory: &Path, point: u32) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child"]).env(DIRECTORY, directory).env(POINT, point.to_string());
    command.output().unwrap().status.success()
}

#[test]
fn every_crash_is_survived_and_no_completed_step_is_done_again() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut points = 0;
    for point in 1..POINTS_MAX {
        let directory = TempDir::new().unwrap();
        runtime.block_on(async {
            let market = open(directory.path(), Faults::default()).await;
            found(&market).await;
            push(&market, "one", &["latest", "1.0.0"]).await;
            publish(&market, offer(&["latest", "1.0.0"])).await;
            market.close().await;
        });
        let survived = run_child(directory.path(), point);
        if !survived {
            points += 1;
            assert!(run_child(directory.path(), 0), "the process after the crash at point {point} ends well");
        }
        runtime.block_on(check(directory.path(), point));
        if survived {
            break;
        }
    }
    assert!((15..POINTS_MAX - 1).contains(&points), "{points} points");
}

async fn check(directory: &Path, point: u32) {
    let market = open(directory, Faults::default()).await;
    let submission = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!(submission.summary.state, SubmissionState::Succeeded, "point {point}");
    for step in &submission.steps {
        let texts: Vec<&str> = step.messages.iter().map(|message| message.text.as_str()).collect();
        let complete = texts.iter().filter(|text| **text == "complete").count();
        let expected = usize::from(step.id != offer::submission::Step::PublisherSignoff);
        assert_eq!(complete, expected, "point {point}: {texts:?}");
        let last = texts.last().copied();
        assert!(last.is_none_or(|last| last == "complete"), "point {point}: {texts:?}");
    }
    let actions = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let names: Vec<&str> = actions.iter().map(|action| action.action.as_str()).collect();
    assert_eq!(names, ["draft-created", "published", "went-live", "live"], "point {point}");
    market.close().await;
}
