//! The storefront in Chromium: search while typing, themes, screenshots of each page wide and on a phone, and axe-core on
//! each of them.

use crate::browser::{Browser, Demo, in_both_sizes};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Pages of the demo below its address, with a name for the picture.
const PAGES: [(&str, &str); 8] = [
    ("home", "/"),
    ("results", "/search?q=telemetry"),
    ("nothing-found", "/search?q=zzzzqqq"),
    ("sign-in", "/sign-in"),
    ("category", "/category/internet-of-things?subcategories=iot-edge-modules"),
    ("offer", "/offers/contoso/telemetry"),
    ("packages", "/offers/contoso/telemetry/plans/standard/packages"),
    ("missing", "/no/such/page"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_see_whole_pages_that_anybody_can_use() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let demo = Demo::start(data.path());
    let base = demo.page.split("/offers").next().expect("a base").to_owned();
    let browser = Browser::start("en").await;
    for theme in ["light", "dark"] {
        browser.client.goto(&format!("{base}/theme/{theme}")).await.expect("a theme");
        for (name, path) in PAGES {
            browser.client.goto(&format!("{base}{path}")).await.expect("a page");
            in_both_sizes(&browser, name, theme).await;
        }
    }
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_follow_the_typing() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let demo = Demo::start(data.path());
    let base = demo.page.split("/offers").next().expect("a base").to_owned();
    let browser = Browser::start("en").await;
    browser.client.goto(&base).await.expect("home");
    let field = browser.client.find(fantoccini::Locator::Id("q")).await.expect("the field");
    field.send_keys("telemtry").await.expect("typed");
    browser.wait_for("Results for “telemtry”").await;
    assert!(browser.text("#results").await.contains("Machine Telemetry"));
    let address = browser.client.current_url().await.expect("an address");
    assert_eq!((address.path(), address.query()), ("/search", Some("q=telemtry")));
    field.send_keys("zzzzz").await.expect("typed");
    browser.wait_for("No module matches.").await;
    // Enter sends the form, as it does without a script.
    let field = browser.client.find(fantoccini::Locator::Id("q")).await.expect("the field");
    field.clear().await.expect("cleared");
    field.send_keys("contoso\u{e007}").await.expect("typed");
    browser.wait_for("Results for “contoso”").await;
    let third_parties = "return performance.getEntriesByType('resource').filter(r => !r.name.startsWith(location.origin)).length";
    assert_eq!(browser.client.execute(third_parties, Vec::new()).await.expect("a number"), json!(0));
    browser.end().await;
}

/// What axe-core finds on the page that is open: rule and place.
pub async fn violations(browser: &Browser) -> Vec<String> {
    let has = browser.client.execute("return typeof axe", Vec::new()).await.expect("a type");
    if has == json!("undefined") {
        browser.client.execute(axe(), Vec::new()).await.expect("axe-core");
    }
    let run = "const done = arguments[arguments.length - 1];
        axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
            .then(found => done(found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' '))));";
    let found = browser.client.execute_async(run, Vec::new()).await.expect("axe-core's findings");
    let list = found.as_array().expect("a list");
    list.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
}

/// The source of axe-core, installed by npm as the lock file says.
fn axe() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let place = tempfile::tempdir().expect("a temporary directory");
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axe");
        for name in [".npmrc", "package.json", "package-lock.json"] {
            std::fs::copy(sources.join(name), place.path().join(name)).expect("a file of the tests");
        }
        let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        let installed = Command::new("npm").args(npm).current_dir(place.path()).output();
        let installed = installed.expect("npm is needed by this test (Debian packages nodejs and npm)");
        assert!(installed.status.success(), "npm ci: {}", String::from_utf8_lossy(&installed.stderr));
        let file = place.path().join("node_modules/axe-core/axe.min.js");
        // As a script of its own would be: what it defines is the window's.
        let source = std::fs::read_to_string(file).expect("axe-core");
        format!("{source}; window.axe = axe || window.axe;")
    })
}
