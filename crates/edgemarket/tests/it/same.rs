//! The same image by the command line, by the server and by recertification: reports are equal byte for byte, and the bills
//! of materials of the first two (spec `certification.md`: one engine, three doors).

use crate::leads::LeadReceiver;
use crate::server::{PROGRAM, Server, TestOffer, make_image, run};
use market::recertification::{Campaign, CampaignState};
use offer::submission::SubmissionState;
use std::process::Command;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_line_server_and_recertification_say_the_same() {
    let leads = LeadReceiver::start().await;
    let home = Server::start("same").await;
    let offer = TestOffer::make(&home, "same", &leads).await;
    offer.publish(&home).await;
    let submission = loop {
        let submission = offer.submission(&home).await;
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        if submission.summary.state == SubmissionState::WaitingForPublisherReview {
            break submission;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };

    let dir = tempfile::tempdir().expect("a temporary directory");
    make_image(&dir.path().join("image"), "same");
    offer.write(&dir.path().join("offer"));
    let forms = ["json", "html", "sarif", "junit"];
    let mut command = Command::new(PROGRAM);
    command.current_dir(dir.path()).args(["certify", "oci:image", "--offer", "offer", "--plan", "standard"]);
    for form in forms {
        command.arg("--report").arg(format!("{form}={form}"));
    }
    command.args(["--no-cache", "--lang", "en", "--sbom", "cyclonedx=sbom", "--sbom", "spdx=spdx"]);
    let run = command.output().expect("the program runs");
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let file = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect(name);

    let id = &submission.summary.id;
    for document in &submission.documents {
        let at = format!("/submissions/{id}/documents/{}", document.digest);
        if document.kind != "report" {
            assert_eq!(home.document(&at).await, file(&document.kind), "{}", document.kind);
            continue;
        }
        for form in forms {
            let of_server = home.document(&format!("{at}?format={form}")).await;
            // The command line knows where the offer lies in the repository, the server does not.
            let of_command = file(form).replace("\"uri\": \"offer/offer.yaml\"", "\"uri\": \"offer.yaml\"");
            assert_eq!(of_server, of_command, "{form}");
        }
    }
    assert_eq!(submission.documents.len(), 3, "{:#?}", submission.documents);

    offer.go_live(&home).await;
    while offer.submission(&home).await.summary.state != SubmissionState::Succeeded {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let started = at(&home, &["recertify", "start", "--wait"]);
    assert!(started.contains("contoso.same  passed"), "{started}");
    for form in forms {
        let again = at(&home, &["recertify", "report", "contoso.same", "--format", form]);
        let of_command = file(form).replace("\"uri\": \"offer/offer.yaml\"", "\"uri\": \"offer.yaml\"");
        assert_eq!(again, of_command, "{form}");
    }

    // New data, into the directory of a server that runs: it judges again by itself, and a command line with the same data
    // says the same.
    std::fs::write(dir.path().join("record.json"), RECORD).expect("writable");
    let data = home.data().to_str().expect("UTF-8");
    let mut import = Command::new(PROGRAM);
    import.current_dir(dir.path()).args([
        "advisories",
        "import",
        "record.json",
        "--lang",
        "en",
        "--data",
        data,
    ]);
    let import = import.output().expect("the program runs");
    let told = String::from_utf8_lossy(&import.stderr);
    assert!(import.status.success() && told.contains("All live offers are judged again"), "{told}");
    let campaigns = loop {
        let found: Vec<Campaign> =
            serde_json::from_str(&at(&home, &["recertify", "list", "--json"])).expect("campaigns");
        if found.len() == 2 && found[0].state == CampaignState::Complete {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(
        (campaigns[0].reason.as_str(), campaigns[0].counts.passed),
        ("vulnerability data was imported", 1)
    );
    let mut command = Command::new(PROGRAM);
    command.current_dir(dir.path()).args(["certify", "oci:image", "--offer", "offer", "--plan", "standard"]);
    command
        .args(["--no-cache", "--report", "json=after", "--advisories"])
        .arg(home.data().join("advisories.db"));
    assert_eq!(command.output().expect("the program runs").status.code(), Some(0));
    let again = at(&home, &["recertify", "report", "contoso.same/standard"]);
    assert!(again.contains("PyPI of 2026-11-20"), "{again}");
    assert_eq!(again, file("after"));
    home.stop();
}

/// Runs a command against the server, as the operator.
fn at(home: &Server, arguments: &[&str]) -> String {
    let server = format!("http://{}", home.address);
    run(&[arguments, &["--lang", "en", "--server", &server, "--token", &home.token]].concat())
}

const RECORD: &str = r#"{"id":"PYSEC-2018-28","modified":"2026-11-20T00:00:00Z","summary":"Of no package of the image",
    "affected":[{"package":{"ecosystem":"PyPI","name":"requests"},
    "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.20.0"}]}]}]}"#;
