//! The pages in Chromium, as a person opens them: the demo's offer page, signing in, a submission that moves by itself.
//! Chromium and its driver are Debian's; without them these tests fail and say so.

use crate::leads::LeadReceiver;
use crate::server::{self, Server, TestOffer};
use crate::storefront::violations;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The driver's process, ended with the test.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A headless browser behind its driver.
pub struct Browser {
    pub client: Client,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub async fn start(language: &str) -> Browser {
        let preferences = json!({ "intl.accept_languages": language });
        Self::start_with(language, preferences).await
    }

    /// One that runs no script of a page, as people have it who turned them off.
    pub async fn without_scripts(language: &str) -> Browser {
        let blocked = 2;
        let preferences = json!({
            "intl.accept_languages": language,
            "profile.managed_default_content_settings.javascript": blocked,
        });
        Self::start_with(language, preferences).await
    }

    async fn start_with(language: &str, preferences: serde_json::Value) -> Browser {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a free port")
            .port();
        let driver = Driver(
            Command::new("chromedriver")
                .arg(format!("--port={port}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("chromedriver is installed (Debian: chromium, chromium-driver)"),
        );
        let profile = tempfile::tempdir().expect("a temporary directory");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1100,1400",
        ];
        let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
        arguments.push(format!("--lang={language}"));
        arguments.push(format!("--accept-lang={language}"));
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({ "args": arguments, "prefs": preferences });
        let capabilities = json!({ "goog:chromeOptions": options }).as_object().cloned().expect("an object");
        for _ in 0..100 {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities.clone());
            if let Ok(client) = builder.connect(&format!("http://127.0.0.1:{port}")).await {
                return Browser { client, _driver: driver, _profile: profile };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("Chromium does not start");
    }

    /// The text of an element, found and read at one instant: a page that moves by itself replaces elements in between.
    pub async fn text(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0]).innerText";
        let text = self.client.execute(script, vec![json!(css)]).await.expect(css);
        text.as_str().expect("text").to_owned()
    }

    /// Presses what this leads to.
    pub async fn press(&self, css: &str) {
        let found = self.client.find(Locator::Css(css)).await.expect(css);
        found.click().await.expect(css);
    }

    /// Types into a field, instead of what is there.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.client.find(Locator::Css(css)).await.expect(css);
        field.clear().await.expect(css);
        field.send_keys(text).await.expect(css);
    }

    /// Signs in with a token, on the page for it.
    pub async fn sign_in_with(&self, token: &str) {
        self.press("details.token summary").await;
        self.fill("#token", token).await;
        self.press("details.token button").await;
    }

    /// Waits until the page's text has this.
    pub async fn wait_for(&self, text: &str) {
        for _ in 0..1_200 {
            if self.text("body").await.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{text:?} never came: {}", self.text("body").await);
    }

    pub async fn end(self) {
        self.client.close().await.expect("the browser ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demos_page_opens() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let demo = Demo::start(data.path());
    let browser = Browser::start("en").await;
    browser.client.goto(&demo.page).await.expect("the page");
    assert_eq!(browser.text("h1").await, "Machine Telemetry");
    let page = browser.text("main").await;
    for expected in
        ["docker pull", "1.0.0", "sha256:", "Certification", "passed", "SBOM", "Layered deployment"]
    {
        assert!(page.contains(expected), "{expected:?} is not on the page: {page}");
    }
    let style = "return getComputedStyle(document.querySelector('.plan')).borderTopStyle";
    assert_eq!(browser.client.execute(style, Vec::new()).await.expect("a style"), json!("solid"));
    screenshot(&browser, "offer.png").await;

    browser.client.goto(&format!("{}?lang=fr", demo.page)).await.expect("the page in French");
    assert!(browser.text("main").await.contains("Déploiement en couches"));
    browser.client.goto(demo.page.split("/offers").next().expect("a base")).await.expect("the catalogue");
    assert!(browser.text("main").await.contains("Machine Telemetry"));
    screenshot(&browser, "catalogue.png").await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_moves_by_itself() {
    let mut home = Server::start("home").await;
    let leads = LeadReceiver::start().await;
    let offer = TestOffer::make(&home, "seen", &leads).await;
    offer.publish(&home).await;
    let id = offer.submission(&home).await.summary.id;
    let base = format!("http://{}", home.address);

    let browser = Browser::start("en").await;
    browser.client.goto(&format!("{base}/submissions/{id}")).await.expect("a page");
    assert_eq!(browser.text("h1").await, "Sign in", "a stranger sees no submission");
    browser.sign_in_with(&home.token).await;
    // Back where the way to the door began.
    browser.wait_for("Waiting for publisher review").await;
    screenshot(&browser, "submission.png").await;
    // Nothing is pressed here: what follows comes by server-sent events.
    offer.go_live(&home).await;
    browser.wait_for("Succeeded").await;
    browser.wait_for("See the offer").await;
    browser.end().await;
    home.kill();
}

/// A running `edgemarket demo`.
pub struct Demo {
    child: Child,
    pub page: String,
}

impl Demo {
    pub fn start(data: &std::path::Path) -> Demo {
        let mut child = Command::new(server::PROGRAM)
            .args(["demo", "--lang", "en", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the demo starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let page = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("page ").map(|url| url.trim().to_owned()));
        Demo { child, page: page.expect("the demo names its page") }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks at the page that is open in a wide window and a phone's: nothing sticks out, axe-core finds nothing, and a picture of
/// the whole page is kept.
pub async fn in_both_sizes(browser: &Browser, name: &str, theme: &str) {
    for (size, width, height) in [("wide", 1_400, 1_000), ("phone", 400, 900)] {
        browser.client.set_window_size(width, height).await.expect("a size");
        let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let overflow = browser.client.execute(overflow, Vec::new()).await.expect("a number");
        assert_eq!(overflow, json!(0), "{name} is wider than a {size} window");
        assert_eq!(violations(browser).await, Vec::<String>::new(), "{name}, {theme}, {size}");
        let whole = "return Math.min(document.documentElement.scrollHeight + 150, 4000)";
        let whole = browser.client.execute(whole, Vec::new()).await.expect("a number");
        let whole = u32::try_from(whole.as_u64().expect("a height")).expect("a height");
        browser.client.set_window_size(width, whole).await.expect("a size");
        screenshot(browser, &format!("{name}-{theme}-{size}.png")).await;
    }
}

/// Keeps a picture for people beside the build's other results.
pub async fn screenshot(browser: &Browser, name: &str) {
    let picture = browser.client.screenshot().await.expect("a picture");
    assert!(picture.starts_with(b"\x89PNG"), "a PNG");
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join(name), picture).expect("written");
}
