//! A required region that is down: step 5 waits with the region's error, goes on by itself, and can be cancelled.

use super::{command, tell, wait_for};
use crate::command::directory;
use crate::leads::LeadReceiver;
use crate::server::{Server, TestOffer};
use offer::submission::{Step, StepStatus, SubmissionState};
use serde_json::json;
use std::time::Duration;

/// Waits until step 5 is blocked by the region, and returns what `status` says then.
async fn blocked(home: &Server, offer: &TestOffer) -> String {
    for _ in 0..600 {
        let submission = offer.submission(home).await;
        let step = submission.steps.iter().find(|step| step.id == Step::Replication).expect("it is there");
        let behind =
            submission.regions.iter().any(|region| region.name == "east" && region.message.is_some());
        if step.status == StepStatus::Blocked && behind {
            let dir = directory();
            let name = format!("contoso.{}", offer.id);
            let told = tell(dir.path(), command(dir.path(), home, &["status", &name])).await;
            // Between the two questions the next attempt may have begun.
            if told.contains("it is tried again by itself") {
                return told;
            }
        }
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("step 5 does not say that its region is down: {:#?}", offer.submission(home).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_down_is_waited_for_and_named() {
    let leads = LeadReceiver::start().await;
    let mut region = Server::start("region").await;
    let home = Server::start("home").await;
    let token = region.operator_token(json!({ "role": "region", "subject": "home", "label": "test" })).await;
    home.add_region("east", &region, &token).await;
    let stays = TestOffer::make(&home, "stays", &leads).await;
    let goes = TestOffer::make(&home, "goes", &leads).await;
    for offer in [&stays, &goes] {
        offer.publish(&home).await;
    }
    for offer in [&stays, &goes] {
        wait_for(&home, offer, SubmissionState::WaitingForPublisherReview).await;
    }
    region.kill();
    for offer in [&stays, &goes] {
        offer.go_live(&home).await;
    }
    let told = blocked(&home, &stays).await;
    let address = region.address.to_string();
    assert!(told.contains("region east") && told.contains(&address), "{told}");
    assert!(told.contains("hint: "), "{told}");
    assert_eq!(home.manifest_digest(&stays.repository(), "latest").await, None);

    blocked(&home, &goes).await;
    let dir = directory();
    let told = tell(dir.path(), command(dir.path(), &home, &["cancel", "contoso.goes"])).await;
    assert!(told.starts_with("status: 0") && told.to_lowercase().contains("cancel"), "{told}");

    region.restart().await;
    wait_for(&home, &stays, SubmissionState::Succeeded).await;
    for place in [&home, &region] {
        assert_eq!(place.manifest_digest(&stays.repository(), "1.0.0").await.as_ref(), Some(&stays.digest));
        place.pull_every_blob(&stays.repository(), "latest").await;
        assert_eq!(place.manifest_digest(&goes.repository(), "latest").await, None);
    }
    assert_eq!(goes.submission(&home).await.summary.state, SubmissionState::Canceled);
    assert_eq!(home.manifest_digest(&format!("preview/{}", goes.repository()), "latest").await, None);
    // What was cancelled is published again without further ado.
    goes.publish(&home).await;
    wait_for(&home, &goes, SubmissionState::WaitingForPublisherReview).await;
    goes.go_live(&home).await;
    wait_for(&home, &goes, SubmissionState::Succeeded).await;
    home.stop();
    region.stop();
}
