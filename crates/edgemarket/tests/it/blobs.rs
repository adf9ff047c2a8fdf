//! The upkeep of the blob store, through the program.

use crate::server::PROGRAM;
use std::path::Path;
use std::process::{Command, Output};

fn scrub(data: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(["blobs", "scrub", "--lang", "en", "--data"]).arg(data).args(more);
    command.output().expect("the program runs")
}

fn said(output: &Output) -> (Option<i32>, String) {
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) || log.is_empty(), "{log}");
    (output.status.code(), String::from_utf8(output.stdout.clone()).expect("UTF-8"))
}

#[test]
fn a_scrub_tells_of_rot_and_sets_it_aside_when_asked_to() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let data = data.path();
    assert_eq!(said(&scrub(data, &[])), (Some(0), "sound: 0 blobs (0 B) were read\n".to_owned()));
    let name = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let file = data.join("blobs/sha256/e3").join(name);
    std::fs::write(&file, "").expect("writable");
    let sound = "sound: 1 blobs (0 B) were read\n1 blobs (0 B) are named by no record\n";
    assert_eq!(said(&scrub(data, &[])), (Some(0), sound.to_owned()));

    std::fs::write(&file, "rotten").expect("writable");
    let (status, text) = said(&scrub(data, &[]));
    insta::assert_snapshot!(text, @r"
    sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  the content has digest sha256:eda565a9067e4049556890611dca70670d0b5a298722ecd6a40bf14b1bb0acf0
    1 rotten; 1 blobs (6 B) were read
    1 blobs (6 B) are named by no record
    ");
    assert_eq!(status, Some(1));
    assert!(file.exists(), "nothing happens to it unless asked for");

    let (status, text) = said(&scrub(data, &["--quarantine", "--json"]));
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(status, Some(1));
    assert_eq!((&told["rotten"], &told["rot"][0]["setAside"]), (&1.into(), &true.into()), "{text}");
    assert_eq!(told["rot"][0]["kind"], "wrong-digest");
    assert!(!file.exists() && data.join("quarantine").join(format!("sha256-{name}")).exists());
    assert_eq!(said(&scrub(data, &[])).0, Some(0));
    let again = scrub(data, &["--status"]);
    assert_eq!(again.status.code(), Some(1), "a scrub is known as long as its process runs");
}

/// Runs `blobs collect` and returns its status and what it printed.
fn collect(data: &Path, grace: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(PROGRAM);
    command.args(["blobs", "collect", "--lang", "en", "--data"]).arg(data).args(more);
    let output = command.env("EDGEMARKET_COLLECT_GRACE", grace).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_collection_tells_what_would_go_and_what_went() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let data = data.path();
    let nothing = "freed 0 B (0 contents); gone: 0 tags, 0 manifests and 0 blobs of repositories\n";
    assert_eq!(collect(data, "1h", &[]), (Some(0), nothing.to_owned(), String::new()));
    let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let orphan = data.join("blobs/sha256/e3").join(hex);
    std::fs::write(&orphan, "").expect("writable");
    let waits = "unneeded, in the grace period: 0 tags, 0 manifests and 0 blobs of repositories, 1 contents that nothing names (0 B)\n";
    assert_eq!(collect(data, "1h", &[]).1, format!("{nothing}{waits}"));
    assert!(orphan.exists());
    let would = "would free 0 B (1 contents); would go: 0 tags, 0 manifests and 0 blobs of repositories\n";
    assert_eq!(collect(data, "0s", &["--dry-run"]).1, would);
    assert!(orphan.exists(), "a dry run removes nothing");
    let told: serde_json::Value = serde_json::from_str(&collect(data, "0s", &["--json"]).1).expect("JSON");
    assert_eq!((&told["state"], &told["freed"]["contents"]), (&"finished".into(), &1.into()), "{told:#}");
    assert!(!orphan.exists());

    let (status, _, log) = collect(data, "0s", &["--status"]);
    assert_eq!(status, Some(1), "a collection is known as long as its process runs: {log}");
    let (status, _, log) = collect(data, "-1h", &[]);
    assert_eq!(status, Some(2), "{log}");
    assert!(log.contains("collect-grace is -1h: less than nothing") && log.contains("hint: "), "{log}");
}
