//! The publisher's pages in Chromium: a vendor fills the whole form and publishes, two people edit the same field, a session
//! ends while somebody types, pictures are cut; axe-core on each tab, light and dark, wide and on a phone, in both languages.

use crate::browser::{Browser, in_both_sizes, screenshot};
use crate::leads::LeadReceiver;
use crate::server::{Server, TestOffer};
use crate::storefront::violations;
use fantoccini::Locator;
use offer::template::{NewOffer, new_offer};
use serde_json::json;
use std::path::PathBuf;

/// A server on which Contoso has pushed an image, with a token of Contoso.
pub struct Desk {
    pub home: Server,
    base: String,
    pub token: String,
    /// An image that is there: tag `latest` and a version.
    pub repository: String,
    pub subscription: String,
    pub leads: LeadReceiver,
}

impl Desk {
    pub async fn new() -> Desk {
        let home = Server::start("home").await;
        let leads = LeadReceiver::start().await;
        TestOffer::make(&home, "vitals", &leads).await;
        let subscriptions = home.api("GET", "/subscriptions", None).await;
        let subscription = subscriptions[0]["id"].as_str().expect("an ID").to_owned();
        let token = home
            .operator_token(
                json!({ "role": "publisher", "subject": TestOffer::PUBLISHER, "label": "portal" }),
            )
            .await;
        let base = format!("http://{}", home.address);
        let repository = format!("{}/incoming/contoso/vitals", home.address);
        Desk { home, base, token, repository, subscription, leads }
    }

    async fn browser(&self, language: &str) -> Browser {
        self.signed_in(Browser::start(language).await).await
    }

    /// The browser in which somebody of Contoso has signed in.
    pub async fn signed_in(&self, browser: Browser) -> Browser {
        self.go(&browser, "/sign-in").await;
        browser.sign_in_with(&self.token).await;
        browser.wait_for("contoso").await;
        browser
    }

    pub async fn go(&self, browser: &Browser, path: &str) {
        browser.client.goto(&format!("{}{path}", self.base)).await.expect("a page");
    }

    /// A new offer, made with the form.
    pub async fn new_offer(&self, browser: &Browser, id: &str) -> String {
        self.go(browser, "/publish").await;
        type_into(browser, "new-offer", id).await;
        type_into(browser, "new-name", "Vitals").await;
        press(browser, "form[data-check] button").await;
        browser.client.wait().for_element(Locator::Css(".tabs")).await.expect("the form");
        format!("/publish/contoso/{id}")
    }
}

pub async fn type_into(browser: &Browser, id: &str, text: &str) {
    let field = browser.client.find(Locator::Id(id)).await.expect(id);
    field.clear().await.expect(id);
    field.send_keys(text).await.expect(id);
}

pub async fn choose(browser: &Browser, id: &str, value: &str) {
    let field = browser.client.find(Locator::Id(id)).await.expect(id);
    field.select_by_value(value).await.expect(id);
}

/// Presses what the selector finds first, wherever it is on the page.
pub async fn press(browser: &Browser, css: &str) {
    browser
        .client
        .execute("document.querySelector(arguments[0]).click()", vec![json!(css)])
        .await
        .expect(css);
}

/// Presses the Save button and waits until the server has said so.
pub async fn save(browser: &Browser) {
    press(browser, ".bar button.primary").await;
    browser.client.wait().for_element(Locator::Css(".notice")).await.expect("saved");
}

async fn saved_by_itself(browser: &Browser) {
    browser.wait_for("Saved as a draft.").await;
}

/// The pictures of the template as files, as a vendor has them.
pub fn pictures() -> (tempfile::TempDir, Vec<(String, PathBuf)>) {
    let directory = tempfile::tempdir().expect("a directory");
    let files = new_offer(&NewOffer { offer: "another".to_owned(), ..NewOffer::default() });
    let sizes = ["small", "medium", "large", "wide"].map(|size| {
        let path = directory.path().join(format!("{size}.png"));
        std::fs::write(&path, &files[&format!("logos/{size}.png")]).expect("written");
        (size.to_owned(), path)
    });
    (directory, sizes.to_vec())
}

/// The plan, with a wrong route on the way.
async fn fill_the_plan(desk: &Desk, browser: &Browser, offer: &str) {
    desk.go(browser, &format!("{offer}/plans/0")).await;
    for (field, value) in [
        ("summary", "Counts what happens."),
        ("repository/name", desk.repository.as_str()),
        ("environment/0/name", "SERVER"),
        ("environment/0/value", "<MY_SERVER_IP_ADDRESS>"),
        ("createOptions", "{\"HostConfig\": {\"Memory\": 100000000}}"),
    ] {
        type_into(browser, &format!("/plans/0/{field}"), value).await;
    }
    saved_by_itself(browser).await;
    browser.wait_for("The customer will be asked for:").await;
    // A wrong route is told to the column, before anything is pressed.
    type_into(browser, "/plans/0/routes/0/value", "FROM /messages/* INTO upstream").await;
    browser.wait_for("refused at column 23").await;
    screenshot(browser, "publish-route.png").await;
    type_into(browser, "/plans/0/routes/0/value", "FROM /messages/* INTO $upstream").await;
    save(browser).await;
    press(browser, "[data-look]").await;
    browser.wait_for("linux/amd64").await;
    screenshot(browser, "publish-tags.png").await;
}

/// The listing, with a title that is too long on the way.
async fn fill_the_listing(desk: &Desk, browser: &Browser, offer: &str) {
    desk.go(browser, &format!("{offer}/listing")).await;
    type_into(browser, "/listing/title", &"T".repeat(51)).await;
    browser.wait_for("51 / 50").await;
    browser.wait_for("listing.title has 51 characters").await;
    for (field, value) in [
        ("title", "Vitals"),
        ("summary", "Counts what happens."),
        ("longSummary", "For those who want to know. It counts."),
        ("privacyPolicyUrl", "https://contoso.com/privacy"),
        ("links/0/url", "https://contoso.com/docs"),
        ("links/1/url", "https://contoso.com/device"),
    ] {
        type_into(browser, &format!("/listing/{field}"), value).await;
    }
    // Another row by the button, and a category.
    press(browser, ".rows .add").await;
    type_into(browser, "/listing/links/3/title", "Source").await;
    type_into(browser, "/listing/links/3/url", "https://contoso.com/source").await;
    choose(browser, "/listing/links/3/kind", "other").await;
    press(browser, "[id='/listing/categories=analytics']").await;
    save(browser).await;
    assert_eq!(browser.client.find_all(Locator::Css(".row:not(.blank)")).await.expect("rows").len(), 3);
}

/// All logos, and a screenshot that is cut.
async fn choose_pictures(desk: &Desk, browser: &Browser, offer: &str) {
    desk.go(browser, &format!("{offer}/pictures")).await;
    let (_kept, pictures) = pictures();
    for (size, path) in &pictures {
        let input =
            browser.client.find(Locator::Id(&format!("/listing/logos/{size}"))).await.expect("a field");
        input.send_keys(&path.display().to_string()).await.expect("chosen");
    }
    save(browser).await;
    // A picture of another size is cut.
    type_into(browser, "/plans/0/screenshots/0/name", "The dashboard").await;
    let input = browser.client.find(Locator::Id("/plans/0/screenshots/0/file")).await.expect("a field");
    input.send_keys(&pictures[3].1.display().to_string()).await.expect("chosen");
    browser.wait_for("Choose the part (533×324)").await;
    screenshot(browser, "publish-crop.png").await;
    press(browser, ".crop .primary").await;
    browser
        .client
        .wait()
        .for_element(Locator::Css("img[src$='screenshots/screenshot.png']"))
        .await
        .expect("stored");
}

/// Who sees the preview, and who answers.
async fn fill_the_rest(desk: &Desk, browser: &Browser, offer: &str) {
    desk.go(browser, &format!("{offer}/preview")).await;
    type_into(browser, "/listing/previewSubscriptions/0/id", &desk.subscription).await;
    save(browser).await;
    desk.go(browser, &format!("{offer}/support")).await;
    for (field, value) in [
        ("engineering/email", "dev@contoso.com"),
        ("customer/email", "help@contoso.com"),
        ("url", "https://contoso.com/help"),
    ] {
        type_into(browser, &format!("/support/{field}"), value).await;
    }
    save(browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_fills_the_whole_form_and_publishes() {
    let desk = Desk::new().await;
    let browser = desk.browser("en").await;
    desk.go(&browser, "/publish").await;
    assert!(browser.text("main").await.contains("You have no offer yet."));
    screenshot(&browser, "publish-empty.png").await;
    // The ID is looked up while it is typed.
    type_into(&browser, "new-offer", "Vitals").await;
    browser.wait_for("only lower-case letters").await;
    let offer = desk.new_offer(&browser, "vitals").await;

    fill_the_plan(&desk, &browser, &offer).await;
    fill_the_listing(&desk, &browser, &offer).await;
    choose_pictures(&desk, &browser, &offer).await;
    fill_the_rest(&desk, &browser, &offer).await;
    desk.go(&browser, &format!("{offer}/review")).await;
    let states =
        browser.client.find_all(Locator::Css(".sections .state:not(.complete)")).await.expect("states");
    assert!(states.is_empty(), "{}", browser.text("main").await);
    screenshot(&browser, "publish-review.png").await;
    press(&browser, "form[data-once] button").await;
    browser.wait_for("Waiting for publisher review").await;
    browser.end().await;
    desk.home.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_browsers_lose_nothing() {
    let desk = Desk::new().await;
    let (one, two) = (desk.browser("en").await, desk.browser("en").await);
    let offer = desk.new_offer(&one, "shared").await;
    for browser in [&one, &two] {
        desk.go(browser, &format!("{offer}/listing")).await;
    }
    type_into(&one, "/listing/title", "Of the first").await;
    saved_by_itself(&one).await;
    // Another field: put together, and what the first one wrote comes over.
    type_into(&two, "/listing/summary", "Of the second").await;
    saved_by_itself(&two).await;
    let title = two.client.find(Locator::Id("/listing/title")).await.expect("the title");
    assert_eq!(title.prop("value").await.expect("a value").as_deref(), Some("Of the first"));
    // The same field.
    type_into(&one, "/listing/longSummary", "The first one wrote this.").await;
    save(&one).await;
    type_into(&two, "/listing/longSummary", "The second one wrote that.").await;
    two.wait_for("Somebody else changed the same fields.").await;
    press(&two, ".bar .saving + button").await;
    two.wait_for("The other person wrote:").await;
    assert!(two.text(".conflict").await.contains("The first one wrote this."));
    let mine = two.client.find(Locator::Id("/listing/longSummary")).await.expect("the field");
    assert_eq!(mine.prop("value").await.expect("a value").as_deref(), Some("The second one wrote that."));
    assert_eq!(violations(&two).await, Vec::<String>::new());
    screenshot(&two, "publish-conflict.png").await;
    press(&two, "[id='/listing/longSummary=theirs']").await;
    save(&two).await;
    let mine = two.client.find(Locator::Id("/listing/longSummary")).await.expect("the field");
    assert_eq!(mine.prop("value").await.expect("a value").as_deref(), Some("The first one wrote this."));

    // The session of the second one ends while something is typed.
    two.client.delete_all_cookies().await.expect("signed out");
    type_into(&two, "/listing/summary", "Typed after the end").await;
    two.wait_for("You were signed out.").await;
    press(&two, ".bar button.primary").await;
    two.wait_for("Save what I typed").await;
    let kept = two.client.find(Locator::Id("/listing/summary")).await.expect("the field");
    assert_eq!(kept.prop("value").await.expect("a value").as_deref(), Some("Typed after the end"));
    assert_eq!(violations(&two).await, Vec::<String>::new());
    one.end().await;
    two.end().await;
    desk.home.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tab_can_be_used_by_anybody() {
    let desk = Desk::new().await;
    let browser = desk.browser("en").await;
    let offer = desk.new_offer(&browser, "shown").await;
    let tabs = [
        "settings",
        "plans",
        "plans/0",
        "plans/0/remove",
        "listing",
        "pictures",
        "preview",
        "leads",
        "support",
        "review",
    ];
    let pages: Vec<(String, String)> = std::iter::once(("offers".to_owned(), "/publish".to_owned()))
        .chain(tabs.map(|tab| (tab.replace('/', "-"), format!("{offer}/{tab}"))))
        .collect();
    for theme in ["light", "dark"] {
        desk.go(&browser, &format!("/theme/{theme}")).await;
        for (name, path) in &pages {
            desk.go(&browser, path).await;
            in_both_sizes(&browser, &format!("publish-{name}"), theme).await;
        }
    }
    browser.client.set_window_size(1_400, 1_000).await.expect("a size");
    desk.go(&browser, "/language/fr").await;
    for (name, path) in &pages {
        desk.go(&browser, path).await;
        assert_eq!(violations(&browser).await, Vec::<String>::new(), "{name}, French");
        screenshot(&browser, &format!("publish-{name}-fr.png")).await;
    }
    assert!(browser.text("h1 ~ .tabs").await.contains("Vérifier et publier"));
    browser.end().await;
    desk.home.stop();
}
