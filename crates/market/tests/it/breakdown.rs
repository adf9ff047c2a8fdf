//! When the program itself fails: a file that is gone, a table that is gone, a panic. The answer has a reference and no
//! detail, the log has both.

use crate::http::{Answer, get, request, send};
use crate::support::*;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::Market;
use market::clock::{Clock, Ids};
use offer::submission::SubmissionState;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tracing_subscriber::fmt::MakeWriter;

/// The log of this thread, which is where these tests run.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn begin() -> (Log, tracing::subscriber::DefaultGuard) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The line that has this.
    fn line(&self, text: &str) -> String {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let found = log.lines().find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("{text} is not in the log: {log}")).to_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

/// A page that says in this language that it failed; its reference.
fn reference(answer: &Answer, title: &str) -> String {
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text());
    assert!(answer.header(header::CONTENT_TYPE).starts_with("text/html"));
    assert_eq!(answer.header(header::CACHE_CONTROL), "private, no-store");
    assert!(answer.header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
    let page = answer.text();
    assert!(page.contains(&format!("<h1>{title}</h1>")) && page.contains("</footer>"), "{page}");
    let (_, rest) = page.split_once("<code>").expect("a reference");
    let reference = rest.split('<').next().unwrap().to_owned();
    assert_eq!(reference.len(), 12, "{reference}");
    reference
}

/// Nothing of these is said to whoever asks.
fn says_nothing_of(answer: &Answer, details: &[&str]) {
    for detail in details {
        assert!(!answer.text().contains(detail), "{detail}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_lost_report_is_a_page_with_a_reference() {
    let (log, _guard) = Log::begin();
    let place = place().await;
    let market = &place.market;
    push(market, "one", &["latest", "1.0.0"]).await;
    {
        let _working = work(market);
        publish(market, offer(&["latest", "1.0.0"])).await;
        wait_for(market, SubmissionState::WaitingForPublisherReview).await;
        go_live(market).await;
    }
    let submission = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let report = submission.documents.iter().find(|document| document.kind == "report").unwrap();
    let digest = report.digest.to_string();
    let hex = digest.split_once(':').unwrap().1;
    remove(&place.directory.path().join("data"), hex);

    let router = market::router(market.clone());
    for (path, title) in [
        ("/offers/contoso/sensor", "Something failed here"),
        ("/offers/contoso/sensor?lang=fr", "Une erreur s’est produite ici"),
    ] {
        let page = get(&router, path, "").await;
        let reference = reference(&page, title);
        let line = log.line(&reference);
        assert!(line.contains("path=\"/offers/contoso/sensor\"") && line.contains(hex), "{line}");
        says_nothing_of(&page, &[hex, "data/", "blobs"]);
    }
    let answer = get(&router, "/api/v1/catalogue/contoso/sensor/standard/report", "").await;
    let (detail, hint) = answer.problem(StatusCode::INTERNAL_SERVER_ERROR);
    let reference = answer.json()["reference"].as_str().unwrap().to_owned();
    assert!(detail.contains(&reference) && hint.contains(&reference), "{detail} {hint}");
    assert!(log.line(&reference).contains(hex));
    says_nothing_of(&answer, &[hex, "data/", "blobs"]);
    // What needs it not is there.
    assert_eq!(get(&router, "/", "").await.status, StatusCode::OK);
}

/// Removes the files of this name.
fn remove(folder: &std::path::Path, name: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            remove(&path, name);
        } else if path.file_name().is_some_and(|found| found == name) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_that_is_broken_is_not_shown() {
    let (log, _guard) = Log::begin();
    let place = place().await;
    let token = secret_of_publisher(&place.market).await;
    let router = market::router(place.market.clone());
    sql(&place.directory.path().join("data"), "ALTER TABLE offers RENAME TO lost").await;
    let page = get(&router, "/publish", &token).await;
    let reference = reference(&page, "Something failed here");
    assert!(log.line(&reference).contains("no such table: offers"), "{}", log.line(&reference));
    says_nothing_of(&page, &["no such table", "SELECT", "SQL", "sql"]);
    let answer = get(&router, "/api/v1/offers", &token).await;
    answer.problem(StatusCode::INTERNAL_SERVER_ERROR);
    says_nothing_of(&answer, &["no such table", "SELECT", "SQL", "sql"]);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_next_one_is_as_ever() {
    let (log, _guard) = Log::begin();
    let directory = TempDir::new().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let hands = Arc::clone(&broken);
    let clock = Clock::from_fn(move || {
        assert!(!hands.load(Ordering::SeqCst), "the clock has no hands");
        1_795_867_200_000
    });
    let market = Market::open(config(&directory), clock, Ids::system()).await.unwrap();
    found(&market).await;
    let token = secret_of_publisher(&market).await;
    let router = market::router(market);
    broken.store(true, Ordering::SeqCst);
    let form = async || {
        let request = request(Method::POST, "/sign-in", "")
            .header(header::ORIGIN, "http://market.example")
            .header(header::ACCEPT_LANGUAGE, "fr");
        send(&router, request.body(Body::from("name=somebody&password=seven+green+bottles")).unwrap()).await
    };
    let page = form().await;
    let reference = reference(&page, "Une erreur s’est produite ici");
    assert!(log.line(&reference).contains("panic: the clock has no hands"), "{}", log.line(&reference));
    says_nothing_of(&page, &["hands", "panic"]);
    let answer = get(&router, "/api/v1/offers", &token).await;
    answer.problem(StatusCode::INTERNAL_SERVER_ERROR);
    says_nothing_of(&answer, &["hands", "panic"]);
    broken.store(false, Ordering::SeqCst);
    assert_eq!(form().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_nowhere_is_said_in_the_readers_language() {
    let place = place().await;
    let router = market::router(place.market.clone());
    for (path, english, french) in [
        ("/no/such/page", "There is no page at /no/such/page.", "Il n’y a pas de page à /no/such/page."),
        ("/offers/no/thing", "What you look for is not here", "Ce que vous cherchez n’est pas ici"),
        ("/listings/none", "What you look for is not here", "Ce que vous cherchez n’est pas ici"),
        ("/publish/no/thing/listing", "What you look for is not here", "Ce que vous cherchez n’est pas ici"),
        ("/category/none", "none", "none"),
    ] {
        let token = secret_of_publisher(&place.market).await;
        for (language, words) in [("en", english), ("fr", french)] {
            let answer = get(&router, &format!("{path}?lang={language}"), &token).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answer.text().contains(words), "{path}: {}", answer.text());
            assert!(!answer.text().contains("was not found"), "{path}: {}", answer.text());
        }
    }
}

async fn secret_of_publisher(market: &Market) -> String {
    crate::http::secret(market, market::access::TokenRole::Publisher("contoso".to_owned())).await
}
