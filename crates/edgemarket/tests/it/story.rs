//! The whole story in Chromium, from an empty form to an update that a customer is told of: a vendor fills the form with
//! pictures, publishes an image that has a private key in it, reads the report, mends it, publishes again; a customer of the
//! preview looks at it and another is refused; it goes live; the customer searches, acquires, downloads a deployment, and the
//! lead arrives; a new version follows. In English, in French, and without any script of the pages.

use crate::browser::{Browser, screenshot};
use crate::images::make_image_with;
use crate::portal::{Desk, choose, pictures, press, save, type_into};
use crate::server::push_as;
use fantoccini::Locator;
use market::text::Text;
use serde_json::json;
use std::time::Duration;

const OFFER: &str = "/publish/contoso/vitals";
const IMAGE: &str = "incoming/contoso/vitals";
const SUMMARY: &str = "Counts what happens.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_english() {
    Story::tell("en", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_french() {
    Story::tell("fr", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts() {
    Story::tell("en", false).await;
}

struct Story {
    desk: Desk,
    text: Text,
    language: &'static str,
    scripts: bool,
}

impl Story {
    async fn tell(language: &'static str, scripts: bool) {
        let desk = Desk::new().await;
        let story = Story { desk, text: Text::of_locale(language), language, scripts };
        let vendor = story.desk.signed_in(story.browser().await).await;
        let customer = story.customer_of(&story.desk.subscription).await;
        let key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";
        story.push("first", key, &["latest", "1.0.0"]).await;
        story.fill_the_form(&vendor).await;
        story.publish(&vendor).await;
        story.read_the_report(&vendor).await;
        story.push("mended", "", &["latest", "1.0.0"]).await;
        press(&vendor, "#actions form button.primary").await;
        story.comes(&vendor, "state-waitingforpublisherreview").await;
        story.look_at_the_preview(&customer).await;
        story.go_live(&vendor).await;
        story.acquire_and_deploy(&customer).await;
        story.update(&vendor).await;
        story.desk.go(&customer, "/modules").await;
        customer.wait_for("1.0.0 → 1.1.0").await;
        vendor.end().await;
        customer.end().await;
        story.desk.home.stop();
    }

    async fn browser(&self) -> Browser {
        match self.scripts {
            true => Browser::start(self.language).await,
            false => Browser::without_scripts(self.language).await,
        }
    }

    /// A browser in which a customer of this subscription has signed in.
    async fn customer_of(&self, subscription: &str) -> Browser {
        let token = json!({ "role": "customer", "subject": subscription, "label": "story" });
        let token = self.desk.home.operator_token(token).await;
        let browser = self.browser().await;
        self.desk.go(&browser, "/sign-in").await;
        browser.sign_in_with(&token).await;
        browser.wait_for(subscription).await;
        browser
    }

    /// Builds an image with these bytes in a file, and pushes it under the tags.
    async fn push(&self, marker: &str, ballast: &str, tags: &[&str]) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let layout = folder.path().join("image");
        make_image_with(&layout, marker, ballast.as_bytes().to_vec());
        push_as(&layout, self.desk.home.address, IMAGE, &self.desk.token, tags).await;
    }

    /// Waits for a message; where no script moves the page, by opening it again.
    async fn comes(&self, browser: &Browser, key: &str) {
        if self.scripts {
            return browser.wait_for(&self.text.get(key)).await;
        }
        for _ in 0..240 {
            if browser.text("body").await.contains(&self.text.get(key)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            browser.client.refresh().await.expect("the page again");
        }
        panic!("{key} never came: {}", browser.text("body").await);
    }

    /// Every tab of the form.
    async fn fill_the_form(&self, vendor: &Browser) {
        assert_eq!(self.desk.new_offer(vendor, "vitals").await, OFFER);
        let url = self.desk.leads.url();
        let plan: &[(&str, &str)] = &[
            ("/plans/0/summary", SUMMARY),
            ("/plans/0/repository/name", &self.desk.repository),
            ("/plans/0/environment/0/name", "SERVER"),
            ("/plans/0/environment/0/value", "<MY_SERVER_IP_ADDRESS>"),
        ];
        let listing: &[(&str, &str)] = &[
            ("/listing/title", "Vitals"),
            ("/listing/summary", SUMMARY),
            ("/listing/longSummary", "For those who want to know. It counts."),
            ("/listing/privacyPolicyUrl", "https://contoso.com/privacy"),
            ("/listing/links/0/url", "https://contoso.com/docs"),
            ("/listing/links/1/url", "https://contoso.com/device"),
        ];
        let preview: &[(&str, &str)] = &[("/listing/previewSubscriptions/0/id", &self.desk.subscription)];
        let support: &[(&str, &str)] = &[
            ("/support/engineering/email", "dev@contoso.com"),
            ("/support/customer/email", "help@contoso.com"),
            ("/support/url", "https://contoso.com/help"),
        ];
        for (tab, fields) in
            [("plans/0", plan), ("listing", listing), ("preview", preview), ("support", support)]
        {
            self.desk.go(vendor, &format!("{OFFER}/{tab}")).await;
            for (field, value) in fields {
                type_into(vendor, field, value).await;
            }
            save(vendor).await;
        }
        self.desk.go(vendor, &format!("{OFFER}/leads")).await;
        choose(vendor, "/leads/kind", "https-endpoint").await;
        type_into(vendor, "/leads/url", &url).await;
        save(vendor).await;
        self.desk.go(vendor, &format!("{OFFER}/pictures")).await;
        let (_kept, pictures) = pictures();
        for (size, path) in &pictures {
            let id = format!("/listing/logos/{size}");
            let input = vendor.client.find(Locator::Id(&id)).await.expect("a field");
            input.send_keys(&path.display().to_string()).await.expect("chosen");
        }
        save(vendor).await;
    }

    /// From the overview of the sections, which are all complete.
    async fn publish(&self, vendor: &Browser) {
        self.desk.go(vendor, &format!("{OFFER}/review")).await;
        let states = vendor.client.find_all(Locator::Css(".sections .state:not(.complete)")).await;
        assert!(states.expect("states").is_empty(), "{}", vendor.text("main").await);
        press(vendor, "form[data-once] button").await;
        vendor.client.wait().for_element(Locator::Id("live")).await.expect("the submission");
    }

    async fn read_the_report(&self, vendor: &Browser) {
        self.comes(vendor, "state-failed").await;
        let report = vendor.text("#report").await;
        assert!(report.contains(&self.text.get("criterion-no-embedded-secrets")), "{report}");
        assert!(report.contains("var/ballast"), "the place: {report}");
        self.keep(vendor, "report").await;
    }

    /// Whoever was chosen sees it, before it is live; nobody else does.
    async fn look_at_the_preview(&self, customer: &Browser) {
        let page = "/offers/contoso/vitals";
        self.desk.go(customer, &format!("{page}?preview=true")).await;
        assert_eq!(customer.text("h1").await, "Vitals");
        self.keep(customer, "preview").await;
        self.desk.go(customer, page).await;
        assert!(!customer.text("body").await.contains(SUMMARY), "it is not live yet");
        let other = self.desk.home.api("POST", "/subscriptions", Some(json!({ "owner": "Northwind" }))).await;
        let other = self.customer_of(other["id"].as_str().expect("an ID")).await;
        self.desk.go(&other, &format!("{page}?preview=true")).await;
        assert!(!other.text("body").await.contains(SUMMARY), "{}", other.text("body").await);
        other.end().await;
    }

    async fn go_live(&self, vendor: &Browser) {
        press(vendor, "#actions a.primary").await;
        vendor.client.wait().for_element(Locator::Css("main form button.primary")).await.expect("asked");
        press(vendor, "main form button.primary").await;
        vendor.client.wait().for_element(Locator::Id("live")).await.expect("the submission");
        self.comes(vendor, "next-live").await;
    }

    async fn acquire_and_deploy(&self, customer: &Browser) {
        self.desk.go(customer, "/").await;
        let field = customer.client.find(Locator::Id("q")).await.expect("the field");
        field.send_keys("vitlas\u{e007}").await.expect("mistyped");
        customer.wait_for(SUMMARY).await;
        press(customer, "#results h3 a").await;
        customer
            .client
            .wait()
            .for_element(Locator::Css(".title .actions a.primary"))
            .await
            .expect("the offer");
        press(customer, ".title .actions a.primary").await;
        customer.client.wait().for_element(Locator::Css("input[name=accept]")).await.expect("the terms");
        press(customer, "input[name=accept]").await;
        press(customer, "form.entry button.primary").await;
        let value = Locator::Id("value.0.MY_SERVER_IP_ADDRESS");
        customer.client.wait().for_element(value).await.expect("the value that is asked for");
        type_into(customer, "value.0.MY_SERVER_IP_ADDRESS", "10.0.0.7").await;
        press(customer, "input[name=form][value=compose]").await;
        press(customer, "form.entry button.primary").await;
        customer.client.wait().for_element(Locator::Css("pre.file")).await.expect("the deployment");
        assert!(customer.text("pre.file").await.contains("SERVER=10.0.0.7"));
        self.download(customer).await;
        let arrived = || self.desk.leads.bodies().into_iter().find(|lead| lead["ActionCode"] == "INS");
        for _ in 0..300 {
            if let Some(lead) = arrived() {
                assert_eq!(lead["UserDetails"]["Company"], "Fabrikam");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no lead arrived: {:#?}", self.desk.leads.bodies());
    }

    /// What the link of the deployment gives to the browser's own user.
    async fn download(&self, customer: &Browser) {
        let link = customer.client.find(Locator::Css("a[download]")).await.expect("a link");
        let link = link.prop("href").await.expect("an address").expect("an address");
        let cookies = customer.client.get_all_cookies().await.expect("cookies");
        let cookies: Vec<String> = cookies.iter().map(|c| format!("{}={}", c.name(), c.value())).collect();
        let http = oci::client::http_client(oci::client::HttpOptions::default()).expect("an HTTP client");
        let file = http.get(link).header("cookie", cookies.join("; ")).send().await.expect("an answer");
        assert!(file.headers()["content-disposition"].to_str().expect("text").starts_with("attachment"));
        let file = file.text().await.expect("the file");
        assert!(file.contains("SERVER=10.0.0.7") && file.contains("@sha256:"), "{file}");
    }

    /// A new version, compared with what is live before it is.
    async fn update(&self, vendor: &Browser) {
        self.desk.home.pull_every_blob("contoso/vitals/standard", "1.0.0").await;
        self.push("second", "", &["latest", "1.1.0"]).await;
        self.desk.go(vendor, &format!("{OFFER}/plans/0")).await;
        type_into(vendor, "/plans/0/tags", "latest\n1.0.0\n1.1.0").await;
        save(vendor).await;
        self.publish(vendor).await;
        self.comes(vendor, "state-waitingforpublisherreview").await;
        let submission = vendor.client.current_url().await.expect("an address");
        press(vendor, "#actions a[href*='/compare']").await;
        vendor.client.wait().for_element(Locator::Css("main table")).await.expect("the comparison");
        let differences = vendor.text("main").await;
        for expected in ["standard:1.1.0", "standard:latest", "sha256:"] {
            assert!(differences.contains(expected), "{expected}: {differences}");
        }
        // The faults of the new version are those of the old one.
        assert!(!differences.contains("healthcheck-defined"), "{differences}");
        self.keep(vendor, "compare").await;
        self.desk.go(vendor, submission.path()).await;
        self.go_live(vendor).await;
        self.desk.go(vendor, &format!("{OFFER}/insights")).await;
        let insights = vendor.text("main").await;
        let bars = "return document.querySelectorAll('svg rect').length";
        let bars = vendor.client.execute(bars, Vec::new()).await.expect("a number");
        assert!(bars.as_u64() >= Some(3), "a day of downloads, acquisitions and leads: {bars} {insights}");
        self.keep(vendor, "insights").await;
    }

    /// A picture for people.
    async fn keep(&self, browser: &Browser, name: &str) {
        let without = if self.scripts { "" } else { "-without-scripts" };
        screenshot(browser, &format!("story-{name}-{}{without}.png", self.language)).await;
    }
}
