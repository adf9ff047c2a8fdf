//! The same image by the command line, by the server and by recertification: reports are equal byte for byte, and the bills
//! of materials of the first two (spec `certification.md`: one engine, three doors).

use crate::images::make_image;
use crate::leads::LeadReceiver;
use crate::server::{PROGRAM, Server, TestOffer, run};
use market::recertification::{Campaign, CampaignState};
use offer::submission::SubmissionState;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const FORMS: [&str; 4] = ["json", "html", "sarif", "junit"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_line_server_and_recertification_say_the_same() {
    let leads = LeadReceiver::start().await;
    let home = Server::start("same").await;
    let offer = TestOffer::make(&home, "same", &leads).await;
    offer.publish(&home).await;
    reach(&offer, &home, SubmissionState::WaitingForPublisherReview).await;
    let submission = offer.submission(&home).await;

    let dir = tempfile::tempdir().expect("a temporary directory");
    make_image(&dir.path().join("image"), "same");
    offer.write(&dir.path().join("offer"));
    let reports: Vec<String> =
        FORMS.iter().flat_map(|form| ["--report".to_owned(), format!("{form}={form}")]).collect();
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    certify(dir.path(), &[&reports[..], &["--sbom", "cyclonedx=sbom", "--sbom", "spdx=spdx"]].concat());
    let file = |name: &str| read(dir.path(), name);

    let id = &submission.summary.id;
    // The command line signs nothing.
    let written = submission.documents.iter().filter(|document| document.kind != "certification");
    assert_eq!(written.clone().count(), 3, "{:#?}", submission.documents);
    for document in written {
        let at = format!("/submissions/{id}/documents/{}", document.digest);
        if document.kind != "report" {
            assert_eq!(home.document(&at).await, file(&document.kind), "{}", document.kind);
            continue;
        }
        for form in FORMS {
            assert_eq!(home.document(&format!("{at}?format={form}")).await, file(form), "{form}");
        }
    }

    offer.go_live(&home).await;
    reach(&offer, &home, SubmissionState::Succeeded).await;
    let started = at(&home, &["recertify", "start", "--wait"]);
    assert!(started.contains("contoso.same  passed"), "{started}");
    for form in FORMS {
        let again = at(&home, &["recertify", "report", "contoso.same", "--format", form]);
        assert_eq!(again, file(form), "{form}");
    }
    new_data_is_judged_by(&home, dir.path()).await;
    home.stop();
}

/// New data, into the directory of a server that runs: it judges again by itself, and a command line with the same data says
/// the same.
async fn new_data_is_judged_by(home: &Server, dir: &Path) {
    std::fs::write(dir.join("kev.json"), EXPLOITED).expect("writable");
    let mut import = Command::new(PROGRAM);
    import.current_dir(dir).args(["advisories", "import", "kev.json", "--lang", "en", "--data"]);
    let import = import.arg(home.data()).output().expect("the program runs");
    let told = String::from_utf8_lossy(&import.stderr);
    assert!(import.status.success() && told.contains("All live offers are judged again"), "{told}");
    let campaigns = loop {
        let found: Vec<Campaign> =
            serde_json::from_str(&at(home, &["recertify", "list", "--json"])).expect("campaigns");
        if found.len() == 2 && found[0].state == CampaignState::Complete {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let newest = (campaigns[0].reason.as_str(), campaigns[0].counts.passed);
    assert_eq!(newest, ("vulnerability data was imported", 1));
    let data = home.data().join("advisories.db");
    certify(dir, &["--report", "json=after", "--advisories", data.to_str().expect("UTF-8")]);
    let again = at(home, &["recertify", "report", "contoso.same/standard"]);
    assert!(again.contains("KEV of 2026-11-21"), "{again}");
    assert_eq!(again, read(dir, "after"));
}

async fn reach(offer: &TestOffer, home: &Server, state: SubmissionState) {
    loop {
        let submission = offer.submission(home).await;
        if submission.summary.state == state {
            break;
        }
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The image and the offer in the directory, by the command line, which passes.
fn certify(dir: &Path, more: &[&str]) {
    let mut command = Command::new(PROGRAM);
    command.current_dir(dir).args(["certify", "oci:image", "--offer", "offer", "--plan", "standard"]);
    let run = command.args(["--no-cache", "--lang", "en"]).args(more).output().expect("the program runs");
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
}

/// A file that the command line wrote. It knows where the offer lies in the repository, and the server does not.
fn read(dir: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(dir.join(name)).expect(name);
    text.replace("\"uri\": \"offer/offer.yaml\"", "\"uri\": \"offer.yaml\"")
}

/// Runs a command against the server, as the operator.
fn at(home: &Server, arguments: &[&str]) -> String {
    let server = format!("http://{}", home.address);
    run(&[arguments, &["--lang", "en", "--server", &server, "--token", &home.token]].concat())
}

const EXPLOITED: &str = r#"{"catalogVersion":"1","dateReleased":"2026-11-21T00:00:00Z","vulnerabilities":
    [{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}]}"#;
