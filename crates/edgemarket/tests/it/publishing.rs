//! What a vendor does in Chromium after it has published: a failed submission, its report, the repair, publishing again,
//! going live, comparing, insights, a ticket. Each page with axe-core, in both themes, wide and on a phone.

use crate::browser::{Browser, in_both_sizes};
use crate::leads::LeadReceiver;
use crate::server::{self, Server, TestOffer};
use fantoccini::Locator;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const NAME: &str = "valve";

/// The files of a directory, by path.
fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_str().expect("UTF-8").to_owned();
                found.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

/// The offer with this put in the place of that in its document.
fn edited(offer: &TestOffer, from: &str, to: &str) -> TestOffer {
    let folder = tempfile::tempdir().expect("a temporary directory");
    offer.write(folder.path());
    let mut files = files_in(folder.path());
    let document = String::from_utf8(files["offer.yaml"].clone()).expect("UTF-8");
    assert!(document.contains(from), "{document}");
    files.insert("offer.yaml".to_owned(), document.replacen(from, to, 1).into_bytes());
    TestOffer::of(NAME, offer.digest.parse().expect("a digest"), files)
}

async fn click(browser: &Browser, css: &str) {
    let found = browser.client.find(Locator::Css(css)).await.expect(css);
    found.click().await.expect(css);
}

async fn sign_in(browser: &Browser, base: &str, token: &str) {
    browser.client.goto(&format!("{base}/sign-in")).await.expect("a page");
    browser.sign_in_with(token).await;
    browser.wait_for("Signed in as publisher:contoso").await;
}

/// Looks at a page in both themes and two widths: nothing sticks out, axe-core finds nothing, and a picture is kept.
async fn look(browser: &Browser, base: &str, path: &str, name: &str) {
    for theme in ["light", "dark"] {
        browser.client.goto(&format!("{base}/theme/{theme}")).await.expect("a theme");
        browser.client.goto(&format!("{base}{path}")).await.expect("a page");
        in_both_sizes(browser, name, theme).await;
    }
    browser.client.set_window_size(1_400, 1_000).await.expect("a size");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_mends_what_failed_and_goes_live() {
    let mut home = Server::start("home").await;
    let leads = LeadReceiver::start().await;
    let offer = TestOffer::make(&home, NAME, &leads).await;
    let tags = r#"tags: ["latest", "1.0.0"]"#;
    let wanted = edited(&offer, tags, r#"tags: ["latest", "1.0.0", "1.0.1"]"#);
    wanted.publish(&home).await;
    let first = wanted.submission(&home).await.summary.id;
    let base = format!("http://{}", home.address);
    let vendor = home
        .operator_token(json!({ "role": "publisher", "subject": TestOffer::PUBLISHER, "label": "browser" }))
        .await;
    let browser = Browser::start("en").await;
    sign_in(&browser, &base, &vendor).await;

    let page = format!("/submissions/{first}");
    browser.client.goto(&format!("{base}{page}")).await.expect("the submission");
    browser.wait_for("What hinders the publication").await;
    let report = browser.text("#report").await;
    for expected in ["the tag 1.0.1 was not found", "To mend it:", "offer.yaml:", "Edit the field"] {
        assert!(report.contains(expected), "{expected}: {report}");
    }
    look(&browser, &base, &page, "submission-failed").await;

    // The repair: the tag is pushed, and the draft goes again.
    let folder = tempfile::tempdir().expect("a temporary directory");
    let layout = folder.path().join("image");
    crate::images::make_image_with(&layout, NAME, Vec::new());
    let incoming = format!("incoming/{}/{NAME}", TestOffer::PUBLISHER);
    server::push_as(&layout, home.address, &incoming, &vendor, &["1.0.1"]).await;
    browser.client.goto(&format!("{base}{page}")).await.expect("the submission");
    click(&browser, "#actions button.primary").await;
    browser.wait_for("Waiting for publisher review").await;
    let second = wanted.submission(&home).await.summary.id;
    look(&browser, &base, &format!("/submissions/{second}"), "submission-waiting").await;

    look(&browser, &base, &format!("/submissions/{second}/cancel"), "cancel").await;
    browser.client.goto(&format!("{base}/submissions/{second}")).await.expect("the submission");
    click(&browser, "#actions a.primary").await;
    browser.wait_for("Let submission 2 of contoso.valve go live?").await;
    look(&browser, &base, &format!("/submissions/{second}/go-live"), "go-live").await;
    click(&browser, "main form button.primary").await;
    // Nothing is pressed here: what follows comes by server-sent events.
    browser.wait_for("It is live.").await;
    look(&browser, &base, &format!("/submissions/{second}"), "submission-live").await;

    home.pull_every_blob(&wanted.repository(), "latest").await;
    compare_and_look_back(&home, &browser, &base, &wanted).await;
    ask_for_help(&browser, &base, &second).await;

    browser.client.goto(&format!("{base}{page}?lang=fr")).await.expect("the page in French");
    let french = browser.text("main").await;
    for expected in ["Ce qui empêche la publication", "Pour corriger", "Valider les prérequis"] {
        assert!(french.contains(expected), "{expected}: {french}");
    }
    browser.end().await;
    home.kill();
}

/// An update beside what is live, then history, insights and what is sold.
async fn compare_and_look_back(home: &Server, browser: &Browser, base: &str, offer: &TestOffer) {
    let own = format!("/publish/{}/{NAME}", TestOffer::PUBLISHER);
    let update = edited(offer, "Say in one line what this plan does", "Opens and closes a valve");
    update.publish(home).await;
    browser.client.goto(&format!("{base}{own}/compare?from=live")).await.expect("the comparison");
    let differences = browser.text("main").await;
    for expected in ["/plans/standard/summary", "Opens and closes a valve", "Unchanged:"] {
        assert!(differences.contains(expected), "{expected}: {differences}");
    }
    look(browser, base, &format!("{own}/compare?from=live"), "compare").await;
    browser.client.goto(&format!("{base}{own}/insights")).await.expect("insights");
    let insights = browser.text("main").await;
    assert!(insights.contains("One download from"), "{insights}");
    let bars =
        browser.client.execute("return document.querySelectorAll('svg rect').length", Vec::new()).await;
    assert_eq!(bars.expect("a number"), json!(1), "one day has one bar");
    for (path, name) in [
        ("/insights", "insights"),
        ("/history", "history"),
        ("/selling", "selling"),
        ("/selling/stop", "stop-selling"),
        ("/delete-draft", "delete-draft"),
    ] {
        look(browser, base, &format!("{own}{path}"), name).await;
    }
    look(browser, base, "/insights", "insights-all").await;
}

async fn ask_for_help(browser: &Browser, base: &str, submission: &str) {
    let form = format!("/submissions/{submission}/tickets?step=certification");
    look(browser, base, &form, "ticket-new").await;
    browser.client.goto(&format!("{base}{form}")).await.expect("the form");
    let field = browser.client.find(Locator::Id("text")).await.expect("the field");
    field.send_keys("Which criterion took so long?").await.expect("typed");
    click(browser, "main form button.primary").await;
    browser.wait_for("Help with Certification of contoso.valve").await;
    assert!(browser.text(".talk").await.contains("Which criterion took so long?"));
    let ticket = browser.client.current_url().await.expect("an address");
    look(browser, base, ticket.path(), "ticket").await;
    look(browser, base, "/tickets", "tickets").await;
}

/// `compare`, `stop-selling`, `restore`, `delete-draft`, as somebody types them.
async fn commands_say_what_was_done(home: &Server, offer: &TestOffer) {
    let (url, token) = (format!("http://{}", home.address), home.token.clone());
    let typed = async |words: &'static [&'static str]| {
        let (url, token) = (url.clone(), token.clone());
        let work = move || server::run(&[words, &["--server", &url, "--token", &token]].concat());
        tokio::task::spawn_blocking(work).await.expect("it runs")
    };
    assert_eq!(typed(&["compare", "contoso.valve"]).await, "nothing differs\n");
    edited(offer, "Say in one line what this plan does", "Opens and closes a valve").publish(home).await;
    assert_eq!(
        typed(&["compare", "contoso.valve"]).await,
        "/plans/standard/summary: \"Say in one line what this plan does\" -> \"Opens and closes a valve\"\n"
    );
    let stopped = typed(&["stop-selling", "contoso.valve"]).await;
    assert!(
        stopped.starts_with("contoso.valve: not sold since 20") && stopped.ends_with("\n  standard: sold\n"),
        "{stopped}"
    );
    assert_eq!(home.api("GET", "/catalogue", None).await, json!([]));
    assert_eq!(typed(&["restore", "contoso.valve"]).await, "contoso.valve: sold\n  standard: sold\n");
    typed(&["cancel", "contoso.valve"]).await;
    typed(&["delete-draft", "contoso.valve", "--yes", "--quiet"]).await;
    assert_eq!(
        typed(&["compare", "contoso.valve"]).await,
        "nothing differs\n",
        "the draft is again what is live"
    );
}

/// What is killed loses the downloads of the last seconds at most; what ends in order loses none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downloads_survive_a_kill_but_for_the_last_seconds() {
    let mut home = Server::start("home").await;
    let leads = LeadReceiver::start().await;
    let offer = TestOffer::make(&home, NAME, &leads).await;
    offer.publish(&home).await;
    let reached = async |home: &Server, wanted: &str| {
        for _ in 0..3_000 {
            let state = format!("{:?}", offer.submission(home).await.summary.state);
            if state == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it is never {wanted}");
    };
    reached(&home, "WaitingForPublisherReview").await;
    offer.go_live(&home).await;
    reached(&home, "Succeeded").await;
    let path = format!("/offers/{}/{NAME}/insights", TestOffer::PUBLISHER);
    let downloads = async |home: &Server| {
        let found = home.api("GET", &path, None).await;
        found["downloads"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|one| one["downloads"].as_u64())
            .sum::<u64>()
    };
    for _ in 0..3 {
        home.pull_every_blob(&offer.repository(), "latest").await;
    }
    // Whoever asks sees, and thereby stores, all that was counted.
    assert_eq!(downloads(&home).await, 3);
    home.pull_every_blob(&offer.repository(), "1.0.0").await;
    home.kill();
    home.restart().await;
    let after = downloads(&home).await;
    assert!((3..=4).contains(&after), "{after}");
    home.pull_every_blob(&offer.repository(), "latest").await;
    let mut child = home.child.take().expect("it runs");
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    tokio::task::spawn_blocking(move || child.wait()).await.expect("waited").expect("it ended");
    home.restart().await;
    assert_eq!(downloads(&home).await, after + 1);
    commands_say_what_was_done(&home, &offer).await;
    home.kill();
}
