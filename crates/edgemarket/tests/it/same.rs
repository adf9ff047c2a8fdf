//! The same image by the command line and by the server: reports and bills of materials are equal byte for byte
//! (spec `certification.md`: one engine, three doors).

use crate::leads::LeadReceiver;
use crate::server::{PROGRAM, Server, TestOffer, make_image};
use offer::submission::SubmissionState;
use std::process::Command;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_line_and_server_say_the_same() {
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
    home.stop();
}
