//! `certify` followed by programs, written to files, and interrupted.

use crate::certify::pack;
use crate::command::{command, directory, run};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn one_run_writes_every_form() {
    let dir = directory();
    pack(dir.path(), &["--health", "health"]);
    let told = run(
        dir.path(),
        &[
            "certify",
            "image",
            "--format",
            "junit",
            "--report",
            "html=r.html",
            "--report",
            "sarif=r.sarif",
            "--report",
            "json=r.json",
            "--report",
            "text=r.txt",
            "--sbom",
            "cdx.json",
            "--sbom",
            "spdx=spdx.json",
        ],
    );
    assert!(told.starts_with("status: 0\n----- stdout\n<?xml version=\"1.0\""), "{told}");
    for (file, begins) in [
        ("r.html", "<!DOCTYPE html>"),
        ("r.sarif", "{\n  \"$schema\": \"https://docs.oasis-open.org/sarif/"),
        ("r.json", "{\n  \"schemaVersion\": 1"),
        ("r.txt", "image: "),
        ("cdx.json", "{\n  \"$schema\": \"http://cyclonedx.org/schema/bom-1.6.schema.json\""),
        ("spdx.json", "{\n  \"SPDXID\": \"SPDXRef-DOCUMENT\""),
    ] {
        let text = fs::read_to_string(dir.path().join(file)).expect(file);
        assert!(text.starts_with(begins), "{file}: {text}");
        assert!(!text.contains('\u{1b}'), "{file} has no colours");
    }
    let alone = run(
        dir.path(),
        &["certify", "image", "--sbom-only", "--sbom", "alone.json", "--sbom-format", "spdx"],
    );
    assert!(alone.starts_with("status: 0\n----- stderr\n"), "{alone}");
    assert_eq!(fs::read(dir.path().join("alone.json")).ok(), fs::read(dir.path().join("spdx.json")).ok());
    let wrong = run(dir.path(), &["certify", "image", "--report", "pdf=x"]);
    assert!(
        wrong.starts_with("status: 2\n") && wrong.contains("there are text, json, html, sarif, junit"),
        "{wrong}"
    );
    assert!(left_over(dir.path()).is_empty());
}

#[test]
fn events_are_one_json_object_a_line() {
    let dir = directory();
    pack(dir.path(), &[]);
    let events = |arguments: &[&str]| -> Vec<Value> {
        let output =
            command(dir.path()).args(arguments).arg("--json-lines").output().expect("the binary runs");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    };
    let names = |events: &[Value]| -> Vec<String> {
        let mut names: Vec<String> =
            events.iter().map(|event| event["event"].as_str().expect("a name").to_owned()).collect();
        names.dedup();
        names
    };
    let all = events(&["certify", "image", "--report", "sarif=r.sarif", "--sbom", "s.json"]);
    assert_eq!(names(&all), ["started", "progress", "written", "criterion", "finished"]);
    let last = all.last().expect("events");
    assert_eq!((&last["status"], &last["verdict"]), (&0.into(), &"passed".into()), "{last}");
    let failed = events(&["certify", "./missing"]);
    assert_eq!(names(&failed), ["started", "failed"]);
    assert_eq!(failed[1]["status"], 2);
    assert!(failed[1]["hint"].is_string());
}

#[test]
fn the_schema_of_the_report_is_printed() {
    let dir = directory();
    let told = run(dir.path(), &["schema", "report"]);
    assert!(
        told.starts_with(
            "status: 0\n----- stdout\n{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\""
        ),
        "{told}"
    );
}

#[test]
fn an_interrupt_ends_it_soon_and_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        let dir = directory();
        // To look at this takes longer than the signal.
        let data = dir.path().join("data");
        fs::File::create(&data).and_then(|file| file.set_len(256 << 20)).expect("a sparse file");
        pack(dir.path(), &["--file", "data=/opt/data"]);
        let tmp = dir.path().join("tmp");
        fs::create_dir(&tmp).expect("writable");
        let mut child = command(dir.path())
            .args(["certify", "image", "--report", "json=r.json", "--json-lines"])
            .env("TMPDIR", &tmp)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let begun =
            lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("\"event\":\"progress\"")));
        assert!(begun.is_some(), "it told of progress");
        let killed =
            std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        let since = Instant::now();
        let status = child.wait().expect("it ends");
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        assert_eq!(status.code(), Some(130), "{signal}");
        let last = lines.map_while(Result::ok).last().unwrap_or_default();
        assert!(last.contains("\"event\":\"interrupted\""), "{last}");
        assert_eq!(fs::read_dir(&tmp).expect("readable").count(), 0);
        assert!(left_over(dir.path()).is_empty(), "{:?}", left_over(dir.path()));
        assert!(!dir.path().join("r.json").exists());
    }
}

/// Temporary files below a directory.
fn left_over(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("readable").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(left_over(&entry.path()));
        } else if name.starts_with(".tmp") || name.ends_with(".tmp") {
            found.push(name);
        }
    }
    found
}
