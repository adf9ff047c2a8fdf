//! Repositories that are away, refuse, lack a tag, or move one while the submission runs.

use super::{command, tell, wait_for};
use crate::command::{directory, run};
use crate::docker_registry::DockerRegistry;
use crate::images::make_image;
use crate::leads::LeadReceiver;
use crate::server::{Server, TAGS, TestOffer, free_address};
use oci::digest::Digest;
use offer::submission::{Step, SubmissionState};
use offer::template::{NewOffer, new_offer};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;

const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";

/// An offer's directory for the image at this address; `password` is the repository's part about the password.
fn offer_at(dir: &Path, id: &str, address: SocketAddr, password: &str) {
    let repository = format!("{address}/acme/{id}");
    let told = run(
        dir,
        &["offer", "new", id, "--publisher", "contoso", "--offer", id, "--repository", &repository]
            .into_iter()
            .chain(["--preview-subscription", SUBSCRIPTION])
            .collect::<Vec<_>>(),
    );
    assert!(told.starts_with("status: 0"), "{told}");
    let path = dir.join(id).join("offer.yaml");
    let text = std::fs::read_to_string(&path).expect("the new offer");
    let name = format!("      name: \"{repository}\"\n");
    assert!(text.contains(&name), "{text}");
    std::fs::write(&path, text.replace(&name, &format!("{name}{password}"))).expect("writable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_are_away_or_refuse_are_named() {
    let dir = directory();
    let home = Server::start("home").await;
    let added = command(dir.path(), &home, &["publisher", "add", "contoso"]);
    assert!(tell(dir.path(), added).await.starts_with("status: 0"));
    let (open, closed) = (DockerRegistry::start(false).await, DockerRegistry::start(true).await);
    closed.push_new("acme/right", "sensor").await;
    let image = directory();
    make_image(&image.path().join("i"), "sensor");
    open.push(&image.path().join("i"), "acme/tag-missing", &["latest"]).await;
    let nobody = free_address();
    let alice = "      username: alice\n      passwordEnv: SENSOR_PASSWORD\n";

    let cases = [
        ("away", nobody, "", None),
        ("anonymous", closed.address, "", None),
        ("unset", closed.address, alice, None),
        ("wrong", closed.address, alice, Some("public")),
        ("right", closed.address, alice, Some("secret")),
        ("tag-missing", open.address, "", None),
    ];
    let mut running = Vec::new();
    for (id, address, password, value) in cases {
        offer_at(dir.path(), id, address, password);
        let mut publish = command(dir.path(), &home, &["publish", id, "--wait"]);
        publish.envs(value.map(|value| ("SENSOR_PASSWORD", value)));
        let directory = dir.path().to_owned();
        running.push((id, tokio::spawn(async move { tell(&directory, publish).await })));
    }
    let mut all = String::new();
    for (id, told) in running {
        let told = told.await.expect("no panic");
        all += &format!("===== {id}\n{}", without_progress(&told));
    }
    for (name, address) in [("OPEN", open.address), ("CLOSED", closed.address), ("NOBODY", nobody)] {
        all = all.replace(&address.to_string(), &format!("[{name}]"));
    }
    insta::assert_snapshot!(all);
    let status = tell(dir.path(), command(dir.path(), &home, &["status", "contoso.tag-missing"])).await;
    assert!(status.contains("the tag 1.0.0 was not found in") && status.contains("hint: push"), "{status}");
    home.stop();
}

/// Without what differs from run to run: the steps as they moved, advice, digests.
fn without_progress(told: &str) -> String {
    let (mut kept, mut in_progress, mut of_error) = (String::new(), false, false);
    for line in told.lines() {
        in_progress |= line == "----- stderr";
        of_error = line.trim_start().starts_with("error: ") || (of_error && line.contains("hint: "));
        if (!in_progress || of_error) && !line.contains("sha256:") {
            kept += &format!("{line}\n");
        }
    }
    kept
}

/// An offer whose image is at the registry.
pub fn offer(id: &str, registry: &DockerRegistry, digest: Digest, leads: Option<&LeadReceiver>) -> TestOffer {
    let mut files = new_offer(&NewOffer {
        publisher: TestOffer::PUBLISHER.to_owned(),
        offer: id.to_owned(),
        plan: "standard".to_owned(),
        name: "Test module".to_owned(),
        repository: format!("{}/acme/{id}", registry.address),
        tags: TAGS.map(str::to_owned).to_vec(),
        preview_subscription: SUBSCRIPTION.to_owned(),
    });
    if let Some(leads) = leads {
        leads.name_in(&mut files);
    }
    TestOffer::of(id, digest, files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_certified_goes_live_whatever_tags_do() {
    let dir = directory();
    let leads = LeadReceiver::start().await;
    let home = Server::start("home").await;
    home.api("POST", "/publishers", Some(json!({ "id": "contoso", "name": "Contoso" }))).await;
    let registry = DockerRegistry::start(false).await;

    // Between certification and packaging: the lead destination, which is busy, holds step 3 open.
    let first = registry.push_new("acme/early", "one").await;
    let early = offer("early", &registry, first, Some(&leads));
    leads.set_busy(true);
    early.publish(&home).await;
    while leads.by_key().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let second = registry.push_new("acme/early", "two").await;
    assert_ne!(first, second);
    let failed = loop {
        let submission = early.submission(&home).await;
        if submission.summary.state.is_final() {
            break submission;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(failed.summary.state, SubmissionState::Failed);
    let step = failed.steps.iter().find(|step| step.id == Step::Packaging).expect("it is there");
    for tag in TAGS {
        let said = format!(
            "the tag {tag} of plan standard points at {second} now, but it was {first} when it was submitted"
        );
        let message = step.messages.iter().find(|message| message.text == said);
        assert!(message.is_some_and(|message| message.hint.is_some()), "{failed:#?}");
    }
    assert_eq!(home.manifest_digest(&early.repository(), "latest").await, None);
    let status = tell(dir.path(), command(dir.path(), &home, &["status", "contoso.early"])).await;
    assert!(status.contains("the tag latest of plan standard points at"), "{status}");

    // While it waits for sign-off: what was certified and previewed goes live, and nothing else.
    leads.set_busy(false);
    let certified = registry.push_new("acme/late", "three").await;
    let late = offer("late", &registry, certified, Some(&leads));
    late.publish(&home).await;
    wait_for(&home, &late, SubmissionState::WaitingForPublisherReview).await;
    registry.push_new("acme/late", "four").await;
    late.go_live(&home).await;
    wait_for(&home, &late, SubmissionState::Succeeded).await;
    for tag in TAGS {
        let found = home.manifest_digest(&late.repository(), tag).await;
        assert_eq!(found, Some(certified.to_string()));
    }
    home.pull_every_blob(&late.repository(), "latest").await;
    home.stop();
}
