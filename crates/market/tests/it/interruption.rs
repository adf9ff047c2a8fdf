//! What comes between while a task runs: somebody cancels, the attempt fails half-way. And what is left over.

use crate::support::*;
use market::access::TokenRole;
use market::{Actor, Faults, RegistryOwner};
use offer::submission::{StepStatus, SubmissionState};
use registry::owner::{Action, ManifestReference, Owner};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const PUBLIC: &str = "contoso/sensor/standard";
const PREVIEW: &str = "preview/contoso/sensor/standard";

/// Stops the pipeline at the first passage of a point until it is told to go on.
fn halt_at(point: &'static str) -> (Faults, Receiver<()>, Sender<()>) {
    let ((reached, is_reached), (go_on, may_go_on)) = (channel(), channel());
    let once = Mutex::new(Some((reached, may_go_on)));
    let faults = Faults::from_fn(move |at| {
        if at == point
            && let Some((reached, may_go_on)) = once.lock().unwrap().take()
        {
            reached.send(()).unwrap();
            // Ends when the test is over, too.
            let _ = may_go_on.recv();
        }
    });
    (faults, is_reached, go_on)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_cancelled_while_a_task_runs_never_becomes_live_and_leaves_nothing() {
    for point in [
        "validate-prerequisites:begun",
        "certification:fetched",
        "certification:judged",
        "packaging:packed",
        "replication:ensured",
    ] {
        let directory = TempDir::new().unwrap();
        let (faults, is_reached, go_on) = halt_at(point);
        let market = open(directory.path(), faults).await;
        found(&market).await;
        let image = push(&market, "one", &["latest", "1.0.0"]).await;
        let _working = work(&market);
        let id = publish(&market, offer(&["latest", "1.0.0"])).await.summary.id;
        if point.starts_with("replication") {
            wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
            market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
        }
        let wait = Duration::from_secs(60);
        tokio::task::block_in_place(|| is_reached.recv_timeout(wait)).expect("the point is reached");
        let canceled = market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
        assert_eq!(canceled.summary.state, SubmissionState::Canceled, "{point}");
        go_on.send(()).unwrap();

        // The next submission passes the same tasks, so that the cancelled ones have had their time.
        let owner = RegistryOwner::new(market.clone());
        let customer = token(&market, TokenRole::Customer(CUSTOMER)).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(25)).await;
            owner.authorize(&customer, Action::Pull, PREVIEW).await.unwrap_err();
            for reference in
                [ManifestReference::Tag("latest".to_owned()), ManifestReference::Digest(image.digest)]
            {
                for repository in [PREVIEW, PUBLIC] {
                    assert_eq!(owner.manifest(repository, &reference).await.unwrap(), None, "{point}");
                }
            }
        }
        let ended = market.submission(&publisher(), &id).await.unwrap();
        assert_eq!(ended.summary.state, SubmissionState::Canceled, "{point}");
        assert!(ended.steps.iter().all(|step| step.status.is_final()), "{point}: {:#?}", ended.steps);
        assert!(market.live_offers(&Actor::Anonymous).await.unwrap().is_empty(), "{point}");
        publish(&market, offer(&["latest", "1.0.0"])).await;
        wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
        let ended = market.submission(&publisher(), &id).await.unwrap();
        assert_eq!(ended.summary.state, SubmissionState::Canceled, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn progress_stays_when_an_attempt_fails() {
    let directory = TempDir::new().unwrap();
    let failed = AtomicBool::new(false);
    let faults = Faults::from_fn(move |at| {
        if at == "certification:judged" && !failed.swap(true, Ordering::SeqCst) {
            // Long enough for the progress to be written.
            std::thread::sleep(Duration::from_millis(900));
            panic!("the attempt fails here, as planned");
        }
    });
    let market = open(directory.path(), faults).await;
    found(&market).await;
    push(&market, "one", &["latest", "1.0.0"]).await;
    let _working = work(&market);
    publish(&market, offer(&["latest", "1.0.0"])).await;
    let (mut most, mut blocked_at) = (0, None);
    until("the preview waits", async || {
        let submission = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
        let step = &submission.steps[1];
        assert!(step.progress >= most, "progress fell from {most} to {}", step.progress);
        most = step.progress;
        if step.status == StepStatus::Blocked {
            blocked_at = Some(step.progress);
        }
        submission.summary.state == SubmissionState::WaitingForPublisherReview
    })
    .await;
    assert_eq!(most, 100);
    assert!(blocked_at.is_some_and(|progress| progress >= 90), "{blocked_at:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abandoned_uploads_are_removed_and_fresh_ones_are_not() {
    let place = place().await;
    let uploads = place.market.config().data.join("uploads");
    let file = |name: &str, hours: u64| {
        let path = uploads.join(name);
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3_600)).unwrap();
        path
    };
    let old = file("0192f0c1-2f6e-7d4e-9f3e-6b1f3b8f6a01", 25);
    let fresh = file("0192f0c1-2f6e-7d4e-9f3e-6b1f3b8f6a02", 23);
    let _working = work(&place.market);
    until("the old one is gone", async || !old.exists()).await;
    assert!(fresh.exists());
}
