//! A data directory on a disk that is too small: a tmpfs in a mount namespace of the server's own, which ends with it.

use super::{command, tell, wait_for};
use crate::command::directory;
use crate::docker_registry::DockerRegistry;
use crate::images::make_image_with;
use crate::server::{PROGRAM, Server, TAGS, free_address, try_push};
use offer::submission::{Step, StepStatus, SubmissionState};
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Size of the disk; an empty marketplace takes about 1 MiB of it.
const SMALL: &str = "12m";
/// Size of the image, which cannot be compressed.
const IMAGE_BYTES: usize = 24 << 20;

/// A server whose data directory is a disk of its own.
fn start(dir: &std::path::Path, address: &str) -> Child {
    let script = r#"mount -t tmpfs -o size="$1" edgemarket-test "$2" || exit 9
        "$3" token create operator --data "$2" > "$4" || exit 8
        exec "$3" serve --data "$2" --listen "$5" --allow-private-egress 127.0.0.1"#;
    let (data, token) = (dir.join("data"), dir.join("token"));
    std::fs::create_dir(&data).expect("writable");
    Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh", SMALL])
        .args([data.as_os_str(), PROGRAM.as_ref(), token.as_os_str(), address.as_ref()])
        .stdout(Stdio::null())
        .spawn()
        .expect("unshare (Debian package util-linux) is needed by this test")
}

/// Bytes that no compression makes smaller (xorshift64).
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes / 8).flat_map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_survived_and_gone_on_from() {
    let dir = directory();
    let address = free_address();
    let child = start(dir.path(), &address.to_string());
    let pid = child.id().to_string();
    let home = Server::adopt(address, child, &dir.path().join("token")).await.expect(
        "this test mounts a tmpfs in a mount namespace: it needs root (CAP_SYS_ADMIN), as in a CI container",
    );
    home.api("POST", "/publishers", Some(json!({ "id": "contoso", "name": "Contoso" }))).await;
    let registry = DockerRegistry::start(false).await;
    let layout = dir.path().join("image");
    let digest = make_image_with(&layout, "large", noise(IMAGE_BYTES));
    registry.push(&layout, "acme/large", &TAGS).await;
    let offer = super::repositories::offer("large", &registry, digest, None);
    offer.publish(&home).await;

    let mut said = String::new();
    for _ in 0..300 {
        let submission = offer.submission(&home).await;
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        let step = submission.steps.iter().find(|step| step.id == Step::Certification).expect("it is there");
        if step.status == StepStatus::Blocked {
            said = tell(dir.path(), command(dir.path(), &home, &["status", "contoso.large"])).await;
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("hint: free some space on the disk of the data directory"), "{said}");

    // A push is refused in words too, and what it brought is not kept.
    let token = home.operator_token(json!({ "role": "publisher", "subject": "contoso", "label": "t" })).await;
    let pushed = try_push(&layout, address, "incoming/contoso/large", &token).await;
    let refusal = pushed.expect_err("the disk is full").to_string();
    assert!(refusal.contains("the registry's disk is full"), "{refusal}");

    // Nothing half done: once there is room the same submission goes on by itself.
    let grown = Command::new("nsenter")
        .args(["--target", &pid, "--mount", "mount", "-o", "remount,size=256m"])
        .arg(dir.path().join("data"))
        .status()
        .expect("nsenter (Debian package util-linux) is needed by this test");
    assert!(grown.success());
    wait_for(&home, &offer, SubmissionState::WaitingForPublisherReview).await;
    offer.go_live(&home).await;
    wait_for(&home, &offer, SubmissionState::Succeeded).await;
    assert_eq!(home.manifest_digest(&offer.repository(), "latest").await, Some(digest.to_string()));
    home.pull_every_blob(&offer.repository(), "latest").await;
    let left = Command::new("nsenter")
        .args([
            "--target",
            &pid,
            "--mount",
            "sh",
            "-c",
            "find \"$1\"/tmp \"$1\"/uploads -type f | wc -l",
            "sh",
        ])
        .arg(dir.path().join("data"))
        .output()
        .expect("nsenter ran before");
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0", "half-written files are left");
    home.stop();
}
