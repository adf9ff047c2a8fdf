//! What step 2 asks besides the engine's own rules, in a marketplace: vulnerability data with VEX, a ClamAV daemon, starts on
//! trial. What each of them finds is tested in `certify`; here, that its setting is heard and its word counts.

use crate::support::*;
use certify::advisories::import::Importer;
use market::clock::{Clock, Ids};
use market::recertification::{CampaignState, NewCampaign, OfferState};
use market::submissions::{Level, Submission};
use market::{Actor, Config, Market};
use offer::policy::Policy;
use offer::submission::{StepStatus, SubmissionState};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const TAGS: [&str; 2] = ["latest", "1.0.0"];

async fn open_with(config: Config) -> Market {
    let market = Market::open(config, Clock::system(), Ids::system()).await.unwrap();
    found(&market).await;
    market
}

/// Publishes what was pushed, and waits until step 2 has ended either way.
async fn certified(market: &Market) -> Submission {
    publish(market, offer(&TAGS)).await;
    let status = async || market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let over = |state| matches!(state, SubmissionState::Failed | SubmissionState::WaitingForPublisherReview);
    until("step 2 ends", async || over(status().await.summary.state)).await;
    status().await
}

/// What step 2 says in errors.
fn errors(submission: &Submission) -> Vec<&str> {
    let messages = submission.steps[1].messages.iter().filter(|message| message.level == Level::Error);
    messages.map(|message| message.text.as_str()).collect()
}

async fn report(market: &Market, submission: &Submission) -> String {
    let report = submission.documents.iter().find(|document| document.kind == "report").unwrap();
    let bytes = market.submission_document(&publisher(), &submission.summary.id, &report.digest).await;
    String::from_utf8(bytes.unwrap()).unwrap()
}

const RECORD: &str = r#"{"id":"PYSEC-2018-28","modified":"2026-11-20T00:00:00Z","aliases":["CVE-2018-18074"],
    "summary":"Credentials are sent over http after a redirect","affected":[{"package":{"ecosystem":"PyPI","name":"requests"},
    "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.20.0"}]}]}],
    "severity":[{"type":"CVSS_V3","score":"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}"#;

const VEX: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/1","author":"acme",
    "timestamp":"2026-11-22T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2018-18074"},
    "products":[{"@id":"pkg:pypi/requests@2.19.0"}],"status":"not_affected",
    "justification":"vulnerable_code_not_in_execute_path"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_vulnerable_package_fails_unless_vex_says_that_it_is_not_affected() {
    let directory = TempDir::new().unwrap();
    let mut config = config(&directory);
    // The record grows old while this test does not.
    config.policy = Policy::from_toml("[vulnerabilities]\ndata-max-age-days = 100000\n").unwrap();
    let (data, vex) = (config.data.clone(), config.data.join("vex/requests.json"));
    let market = open_with(config).await;
    let _working = work(&market);
    std::fs::write(directory.path().join("record.json"), RECORD).unwrap();
    let mut silent = |_: certify::advisories::import::Progress<'_>| ();
    let day = "2026-11-24".parse().unwrap();
    let target = data.join(certify::advisories::FILE_NAME);
    let mut import = Importer::new(&target, day, None, &mut silent).unwrap();
    import.add(&directory.path().join("record.json")).unwrap();
    import.finish().unwrap();

    let metadata = (
        "usr/lib/python3/dist-packages/requests-2.19.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n".as_bytes(),
    );
    push_files(&market, elf_that_exits(0), &[metadata], &TAGS).await;
    let failed = certified(&market).await;
    let told = errors(&failed);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("CVE-2018-18074") && told[0].ends_with("[vulnerabilities-within-policy]"),
        "{told:?}"
    );

    std::fs::create_dir(data.join("vex")).unwrap();
    std::fs::write(&vex, VEX).unwrap();
    let passed = certified(&market).await;
    assert_eq!(passed.summary.state, SubmissionState::WaitingForPublisherReview, "{:#?}", errors(&passed));
    let text = report(&market, &passed).await;
    assert!(text.contains("VEX: not affected, vulnerable_code_not_in_execute_path"), "{text}");

    // What is live rests on that document, too.
    go_live(&market).await;
    for (document, state) in [(None, OfferState::Failed), (Some(VEX), OfferState::Passed)] {
        match document {
            Some(text) => std::fs::write(&vex, text).unwrap(),
            None => std::fs::remove_file(&vex).unwrap(),
        }
        let begun = market.start_recertification(&Actor::Operator, NewCampaign::default()).await.unwrap();
        let now = async || market.recertification(&Actor::Operator, &begun.id).await.unwrap();
        until("the campaign ends", async || now().await.state == CampaignState::Complete).await;
        assert_eq!(now().await.offers[0].state, state);
    }
}

/// Debian's clamd with one signature.
struct Daemon {
    child: Child,
    directory: TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    async fn start() -> Daemon {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name).display().to_string();
        std::fs::create_dir(at("db")).unwrap();
        let signature = format!("Own.Text:0:*:{}\n", hex::encode("a signature of our own"));
        std::fs::write(at("db/own.ndb"), signature).unwrap();
        let (socket, db, scratch) = (at("socket"), at("db"), directory.path().display());
        let config = format!(
            "LocalSocket {socket}\nDatabaseDirectory {db}\nForeground yes\nTemporaryDirectory {scratch}\n"
        );
        std::fs::write(at("clamd.conf"), config).unwrap();
        let child = Command::new("clamd")
            .arg(format!("--config-file={}", at("clamd.conf")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("clamd could not be run; hint: install Debian's package clamav-daemon");
        until("clamd opens its socket", async || UnixStream::connect(&socket).is_ok()).await;
        Daemon { child, directory }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_word_of_a_clamav_daemon_counts_and_without_it_nothing_passes() {
    let directory = TempDir::new().unwrap();
    let daemon = Daemon::start().await;
    let mut config = config(&directory);
    config.settings.clamd = Some(format!("unix:{}", daemon.directory.path().join("socket").display()));
    let market = open_with(config).await;
    let _working = work(&market);
    push(&market, "this is a signature of our own, no doubt", &TAGS).await;
    let failed = certified(&market).await;
    let told = errors(&failed);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("Own.Text.UNOFFICIAL") && told[0].ends_with("[no-known-malware]"), "{told:?}");
    assert!(report(&market, &failed).await.contains("+ClamAV 1."));

    push(&market, "clean", &TAGS).await;
    let passed = certified(&market).await;
    assert_eq!(passed.summary.state, SubmissionState::WaitingForPublisherReview, "{:#?}", errors(&passed));

    // Without a version of its signatures no evidence is kept, so that the layer has to be looked at again.
    drop(daemon);
    publish(&market, offer(&TAGS)).await;
    let step = async || market.status(&publisher(), (&contoso(), &sensor())).await.unwrap().steps.remove(1);
    until("step 2 waits", async || step().await.status == StepStatus::Blocked).await;
    let last = step().await.messages.pop().unwrap();
    assert!(last.text.contains("no-known-malware: the ClamAV daemon at unix:"), "{last:?}");
    market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_does_not_start_fails_where_the_policy_wants_it_to() {
    let directory = TempDir::new().unwrap();
    let mut config = config(&directory);
    config.settings.sandbox = "auto".to_owned();
    let policy = "[criteria.module-starts-with-defaults]\nblocking = true\n";
    config.policy = Policy::from_toml(policy).unwrap();
    let sandbox = config.data.join("sandbox");
    let market = open_with(config).await;
    let _working = work(&market);
    push_files(&market, elf_that_exits(3), &[], &TAGS).await;
    let failed = certified(&market).await;
    let told = errors(&failed);
    assert_eq!(told.len(), 1, "runc is needed; hint: install Debian's package runc: {failed:#?}");
    assert!(told[0].ends_with("[module-starts-with-defaults]") && told[0].contains('3'), "{told:?}");

    push_files(&market, elf_that_exits(0), &[], &TAGS).await;
    let passed = certified(&market).await;
    assert_eq!(passed.summary.state, SubmissionState::WaitingForPublisherReview, "{:#?}", errors(&passed));
    let report: serde_json::Value = serde_json::from_str(&report(&market, &passed).await).unwrap();
    let criteria = report["criteria"].as_array().unwrap();
    let start = criteria.iter().find(|found| found["id"] == "module-starts-with-defaults").unwrap();
    assert_eq!(start["verdict"], "passed", "{start}");
    let left =
        || std::fs::read_dir(&sandbox).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(left().count(), 0, "nothing is left of a start");
}
