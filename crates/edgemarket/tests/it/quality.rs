//! What holds for every page, in Chromium: everything can be reached and used by keyboard alone, reports are good on paper,
//! screenshots open large, and nothing comes from elsewhere unasked.

mod keyboard;

use crate::browser::{Browser, screenshot};
use crate::leads::LeadReceiver;
use crate::server::{Server, TestOffer};
use crate::storefront::violations;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::{PrintConfiguration, WebDriverCompatibleCommand};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const NAME: &str = "gauge";
const PAGE: &str = "/offers/contoso/gauge";
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const ESCAPE: char = '\u{e00c}';
const LEFT: char = '\u{e012}';
const RIGHT: char = '\u{e014}';

/// A server with one live offer that has screenshots, a video and terms of its own.
struct Shop {
    home: Server,
    base: String,
    submission: String,
    _leads: LeadReceiver,
}

impl Shop {
    async fn open(browser: &Browser) -> Shop {
        let home = Server::start("home").await;
        let leads = LeadReceiver::start().await;
        let offer = with_pictures(&TestOffer::make(&home, NAME, &leads).await, browser).await;
        offer.publish(&home).await;
        state(&home, &offer, "WaitingForPublisherReview").await;
        offer.go_live(&home).await;
        let submission = state(&home, &offer, "Succeeded").await;
        let base = format!("http://{}", home.address);
        Shop { home, base, submission, _leads: leads }
    }

    async fn go(&self, browser: &Browser, path: &str) {
        browser.client.goto(&format!("{}{path}", self.base)).await.expect("a page");
    }

    /// Signs in with a token of this role.
    async fn sign_in(&self, browser: &Browser, role: &str, subject: &str) {
        let token = json!({ "role": role, "subject": subject, "label": "browser" });
        let token = self.home.operator_token(token).await;
        self.go(browser, "/sign-in").await;
        browser.sign_in_with(&token).await;
        browser.wait_for("Signed in as").await;
    }
}

/// Waits until the newest submission has this state; its ID.
async fn state(home: &Server, offer: &TestOffer, wanted: &str) -> String {
    for _ in 0..1_200 {
        let submission = offer.submission(home).await;
        let state = format!("{:?}", submission.summary.state);
        assert!(state == wanted || !submission.summary.state.is_final(), "{submission:#?}");
        if state == wanted {
            return submission.summary.id;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{wanted} never came");
}

/// The offer with pictures that Chromium draws, as a vendor's dashboards are.
async fn with_pictures(offer: &TestOffer, browser: &Browser) -> TestOffer {
    let folder = tempfile::tempdir().expect("a temporary directory");
    offer.write(folder.path());
    let mut files = BTreeMap::new();
    read(folder.path(), folder.path(), &mut files);
    let mut text = String::from_utf8(files["offer.yaml"].clone()).expect("UTF-8");
    let mut put = |place: &str, content: &str| {
        let at = text.find(place).unwrap_or_else(|| panic!("the template has changed: {place}"));
        text.insert_str(at, content);
    };
    put(
        "    # screenshots:",
        "    screenshots:\n      - { name: Pressure over a day, file: screenshots/pressure.png }\n      \
         - { name: Alarms, file: screenshots/alarms.png }\n      - { name: Settings, file: screenshots/settings.png }\n",
    );
    put(
        "  # videos:",
        "  videos:\n    - { name: Two minutes, link: \"https://www.youtube.com/watch?v=abcdefghijk\", thumbnail: screenshots/video.png }\n",
    );
    text = text.replacen(
        "terms: standard-contract",
        "terms: { html: \"<p>Use it with care, and read the manual.</p>\" }",
        1,
    );
    files.insert("offer.yaml".to_owned(), text.into_bytes());
    for (name, hue) in [("pressure", 210), ("alarms", 0), ("settings", 140), ("video", 280)] {
        files.insert(format!("screenshots/{name}.png"), drawn(browser, name, hue).await);
    }
    TestOffer::of(NAME, offer.digest.parse().expect("a digest"), files)
}

fn read(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned();
            files.insert(name, std::fs::read(&path).expect("a file"));
        }
    }
}

/// A picture of 533×324 pixels.
async fn drawn(browser: &Browser, name: &str, hue: u16) -> Vec<u8> {
    let script = "const [name, hue, done] = arguments;
        const canvas = Object.assign(document.createElement('canvas'), { width: 533, height: 324 });
        const pen = canvas.getContext('2d');
        pen.fillStyle = `hsl(${hue} 40% 16%)`;
        pen.fillRect(0, 0, 533, 324);
        pen.fillStyle = 'white';
        pen.font = '26px sans-serif';
        pen.fillText(name, 24, 46);
        pen.strokeStyle = `hsl(${hue} 80% 70%)`;
        pen.lineWidth = 3;
        for (let x = 24; x < 510; x++) pen.lineTo(x, 190 + 70 * Math.sin(x / (18 + hue / 9)) * Math.cos(x / 61));
        pen.stroke();
        canvas.toBlob(async (blob) => done([...new Uint8Array(await blob.arrayBuffer())]), 'image/png');";
    let bytes = browser.client.execute_async(script, vec![json!(name), json!(hue)]).await.expect("a picture");
    serde_json::from_value(bytes).expect("bytes")
}

async fn ask(browser: &Browser, script: &str) -> Value {
    browser.client.execute(script, Vec::new()).await.expect(script)
}

async fn key(browser: &Browser, value: char) {
    let press =
        KeyActions::new("keyboard".to_owned()).then(KeyAction::Down { value }).then(KeyAction::Up { value });
    browser.client.perform_actions(press).await.expect("a key");
}

async fn type_text(browser: &Browser, text: &str) {
    for letter in text.chars() {
        key(browser, letter).await;
    }
}

/// Presses the tab key until the focus is on this.
async fn tab_to(browser: &Browser, css: &str) {
    for _ in 0..150 {
        key(browser, TAB).await;
        let is_there = "return document.activeElement.matches(arguments[0])";
        if browser.client.execute(is_there, vec![json!(css)]).await.expect(css) == json!(true) {
            return;
        }
    }
    panic!("the tab key never leads to {css}");
}

/// Something that only Chromium's own protocol can do.
#[derive(Debug)]
struct Chromium(&'static str, Value);

impl WebDriverCompatibleCommand for Chromium {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (hyper::Method, Option<String>) {
        (hyper::Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

/// Which screenshots are open, and what has the focus.
const LIGHTBOX: &str = "return [[...document.querySelectorAll('.lightbox:popover-open')].map(box => box.id),
    document.activeElement.closest('.lightbox')?.id ?? document.activeElement.getAttribute('popovertarget')]";

/// Waits until this is open and has the focus: a browser tells a page of it a moment later.
async fn shows(browser: &Browser, wanted: Value) {
    let mut found = Value::Null;
    for _ in 0..100 {
        found = ask(browser, LIGHTBOX).await;
        if found == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(found, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn screenshots_open_large_by_keyboard_and_without_a_script() {
    let browser = Browser::start("en").await;
    let shop = Shop::open(&browser).await;
    let from_elsewhere = "return performance.getEntriesByType('resource').map(r => r.name).filter(name => !name.startsWith(location.origin))";
    for theme in ["light", "dark"] {
        shop.go(&browser, &format!("/theme/{theme}")).await;
        shop.go(&browser, PAGE).await;
        tab_to(&browser, ".shot[popovertarget=shot-0]").await;
        key(&browser, ENTER).await;
        shows(&browser, json!([["shot-0"], "shot-0"])).await;
        assert_eq!(violations(&browser).await, Vec::<String>::new(), "{theme}");
        screenshot(&browser, &format!("lightbox-{theme}.png")).await;
        for (pressed, open) in [(RIGHT, 1), (RIGHT, 2), (RIGHT, 2), (LEFT, 1)] {
            key(&browser, pressed).await;
            let open = format!("shot-{open}");
            shows(&browser, json!([[open], open])).await;
        }
        key(&browser, ESCAPE).await;
        shows(&browser, json!([[], "shot-1"])).await;
    }
    browser.press(".shot[popovertarget=shot-0]").await;
    for (button, open) in
        [("[popovertarget=shot-1]", 1), ("[popovertarget=shot-2]", 2), ("[popovertarget=shot-1]", 1)]
    {
        browser.press(&format!(".lightbox:popover-open {button}:not([popovertargetaction])")).await;
        let open = format!("shot-{open}");
        shows(&browser, json!([[open], open])).await;
    }
    browser.press(".lightbox:popover-open [popovertargetaction=hide]").await;
    shows(&browser, json!([[], "shot-1"])).await;
    browser.client.set_window_size(400, 900).await.expect("a size");
    browser.press(".shot[popovertarget=shot-1]").await;
    assert_eq!(violations(&browser).await, Vec::<String>::new(), "phone");
    screenshot(&browser, "lightbox-phone.png").await;

    // The video is a picture of ours and a link.
    assert_eq!(
        ask(&browser, "return document.querySelectorAll('a.shot img, a.shot').length").await,
        json!(2)
    );
    assert_eq!(ask(&browser, from_elsewhere).await, json!([]));
    assert_eq!(
        ask(&browser, "return document.querySelectorAll('iframe, video, object').length").await,
        json!(0)
    );

    let off = Chromium("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.client.issue_cmd(off).await.expect("scripts are off");
    shop.go(&browser, PAGE).await;
    browser.press(".shot[popovertarget=shot-2]").await;
    shows(&browser, json!([["shot-2"], "shot-2"])).await;
    let turns = "return [...document.querySelectorAll('#shot-2 .turn')].filter(turn => turn.checkVisibility()).length";
    assert_eq!(ask(&browser, turns).await, json!(0));
    browser.press("#shot-2 figcaption a").await;
    let picture = "return [document.contentType, document.images[0].naturalWidth]";
    assert_eq!(ask(&browser, picture).await, json!(["image/png", 533]));
    browser.end().await;
    shop.home.stop();
}

/// What is wrong with the page on paper.
const ON_PAPER: &str = "
    const wrong = [];
    const seen = (css) => [...document.querySelectorAll(css)].filter(found => found.checkVisibility()).length;
    for (const css of ['.brand', 'footer nav', '.skip', '.crumbs', 'main button:not(.shot)', 'main input'])
        if (seen(css)) wrong.push('there is ' + css);
    const style = getComputedStyle(document.body);
    if (style.color !== 'rgb(0, 0, 0)' || !['rgb(255, 255, 255)', 'rgba(0, 0, 0, 0)'].includes(style.backgroundColor))
        wrong.push('colours: ' + style.color + ' on ' + style.backgroundColor);
    for (const closed of document.querySelectorAll('details:not([open]) > :not(summary)'))
        if (!closed.checkVisibility({ contentVisibilityAuto: true }) || !closed.getClientRects().length)
            wrong.push('folded: ' + closed.textContent.slice(0, 80));
    for (const link of document.querySelectorAll('main a[href^=http]'))
        if (link.checkVisibility() && !link.querySelector('img') && !getComputedStyle(link, '::after').content.includes('http'))
            wrong.push('no address: ' + link.href);
    return wrong;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_whole_on_paper() {
    let browser = Browser::start("en").await;
    let shop = Shop::open(&browser).await;
    shop.sign_in(&browser, "publisher", TestOffer::PUBLISHER).await;
    // Paper is white, whatever the screen is.
    shop.go(&browser, "/theme/dark").await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("paper");
    std::fs::create_dir_all(&folder).expect("a directory");
    let report = "/api/v1/catalogue/contoso/gauge/standard/report?format=html";
    for (name, path) in [
        ("offer", PAGE.to_owned()),
        ("packages", format!("{PAGE}/plans/standard/packages")),
        ("submission", format!("/submissions/{}", shop.submission)),
        ("history", "/publish/contoso/gauge/history".to_owned()),
        ("report", report.to_owned()),
    ] {
        shop.go(&browser, &path).await;
        // What loads when it is scrolled to is asked for now, so that the PDF that is looked at has it.
        ask(&browser, "for (const picture of document.images) picture.loading = 'eager'").await;
        let loaded = "const done = arguments[0]; Promise.all([...document.images].map(picture => picture.decode().catch(() => 0))).then(() => done(1))";
        browser.client.execute_async(loaded, Vec::new()).await.expect("pictures");
        let pdf = browser.client.print(PrintConfiguration::default()).await.expect("a PDF");
        assert!(pdf.starts_with(b"%PDF-"), "{name}");
        std::fs::write(folder.join(format!("{name}.pdf")), &pdf).expect("written");
        let on_paper = Chromium("Emulation.setEmulatedMedia", json!({ "media": "print" }));
        browser.client.issue_cmd(on_paper).await.expect("as on paper");
        assert_eq!(ask(&browser, ON_PAPER).await, json!([]), "{name}");
        let on_screen = Chromium("Emulation.setEmulatedMedia", json!({ "media": "" }));
        browser.client.issue_cmd(on_screen).await.expect("as on a screen");
    }
    browser.end().await;
    shop.home.stop();
}

impl Shop {
    /// As the vendor, after somebody else.
    async fn sign_in_again(&self, browser: &Browser) {
        browser.client.delete_all_cookies().await.expect("signed out");
        self.sign_in(browser, "publisher", TestOffer::PUBLISHER).await;
    }
}
