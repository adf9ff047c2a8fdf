//! One version of an offer after another, published until each is live.

use crate::command::directory;
use crate::images::make_image_with;
use crate::server::{Server, TestOffer, push_as};
use offer::submission::SubmissionState;
use offer::template::{NewOffer, new_offer};
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

/// Text as of an application; `changed` is a line that reads otherwise.
fn ballast(changed: usize) -> Vec<u8> {
    let mut text = String::new();
    for line in 0..60_000_usize {
        let salt = if line == changed { 77 } else { line };
        let _ = writeln!(
            text,
            "export const value{line} = lookup({}, \"{:x}\");",
            salt * 7919 % 65_521,
            salt * 104_729
        );
    }
    text.into_bytes()
}

/// Publishes a version of an offer until it is live; its digest. Versions differ by the line `changed` of a large layer.
pub async fn publish(home: &Server, id: &str, version: &str, tags: &[&str], changed: usize) -> String {
    let scratch = directory();
    let layout = scratch.path().join("image");
    let digest = make_image_with(&layout, &format!("{id} {version}"), ballast(changed));
    let incoming = format!("incoming/{}/{id}", TestOffer::PUBLISHER);
    let role = json!({ "role": "publisher", "subject": TestOffer::PUBLISHER, "label": "test" });
    push_as(&layout, home.address, &incoming, &home.operator_token(role).await, &["latest", version]).await;
    let owner = home.api("POST", "/subscriptions", Some(json!({ "owner": "Fabrikam" }))).await;
    let files = new_offer(&NewOffer {
        publisher: TestOffer::PUBLISHER.to_owned(),
        offer: id.to_owned(),
        plan: "standard".to_owned(),
        name: "Test module".to_owned(),
        repository: format!("{}/{incoming}", home.address),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        preview_subscription: owner["id"].as_str().expect("an ID").to_owned(),
    });
    let offer = TestOffer::of(id, digest, files);
    offer.publish(home).await;
    reach(&offer, home, SubmissionState::WaitingForPublisherReview).await;
    offer.go_live(home).await;
    reach(&offer, home, SubmissionState::Succeeded).await;
    offer.digest
}

async fn reach(offer: &TestOffer, home: &Server, state: SubmissionState) {
    for _ in 0..6_000 {
        let submission = offer.submission(home).await;
        if submission.summary.state == state {
            return;
        }
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:#?}", offer.submission(home).await);
}
