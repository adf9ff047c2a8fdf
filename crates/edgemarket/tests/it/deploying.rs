//! A customer in Chromium: acquires a module, fills in its values, downloads the deployment, and is told of an update; in
//! English and in French, with axe-core on every page, light and dark, wide and on a phone.

use crate::browser::{Browser, screenshot};
use crate::leads::LeadReceiver;
use crate::server::{Server, TestOffer, make_image, push_as};
use crate::storefront::violations;
use fantoccini::Locator;
use offer::template::{NewOffer, new_offer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const ID: &str = "watcher";

/// The offer with these tags, and placeholders of three kinds.
fn files(home: &Server, tags: &[&str], more: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = new_offer(&NewOffer {
        publisher: TestOffer::PUBLISHER.to_owned(),
        offer: ID.to_owned(),
        plan: "standard".to_owned(),
        name: "Watcher".to_owned(),
        repository: format!("{}/incoming/{}/{ID}", home.address, TestOffer::PUBLISHER),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        preview_subscription: "1c2f8f3a-6c0e-4a5e-9d3b-8f4e2a7b6c5d".to_owned(),
    });
    let text = String::from_utf8(files["offer.yaml"].clone()).expect("UTF-8");
    let settings = format!(
        "    environment:\n      - {{ name: PLC, value: \"<PLC_HOST>\" }}\n      - {{ name: API_KEY, value: \"<API_KEY>\" }}\n{more}    \
         createOptions: {{ HostConfig: {{ PortBindings: {{ 8080/tcp: [{{ HostPort: \"<WEB_PORT>\" }}] }}, Ulimits: [{{ Name: nofile, Soft: 1024, Hard: 2048 }}] }} }}\n    # twin:"
    );
    assert!(text.contains("    # twin:"), "the template has changed");
    files.insert("offer.yaml".to_owned(), text.replacen("    # twin:", &settings, 1).into_bytes());
    files
}

async fn live(home: &Server, marker: &str, tags: &[&str], more: &str, token: &str, leads: &LeadReceiver) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layout = dir.path().join("image");
    let digest = make_image(&layout, marker);
    let incoming = format!("incoming/{}/{ID}", TestOffer::PUBLISHER);
    let newest: Vec<&str> = ["latest"].into_iter().chain(tags.last().copied()).collect();
    push_as(&layout, home.address, &incoming, token, &newest).await;
    let mut files = files(home, tags, more);
    leads.name_in(&mut files);
    let offer = TestOffer::of(ID, digest, files);
    offer.publish(home).await;
    for (wanted, sign_off) in [("WaitingForPublisherReview", true), ("Succeeded", false)] {
        let mut state = String::new();
        for _ in 0..1_200 {
            let submission = offer.submission(home).await;
            state = format!("{:?}", submission.summary.state);
            assert!(state == wanted || state != "Failed", "{submission:#?}");
            if state == wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(state, wanted);
        if sign_off {
            offer.go_live(home).await;
        }
    }
}

async fn sign_in(browser: &Browser, base: &str, token: &str) {
    browser.client.goto(&format!("{base}/sign-in")).await.expect("the page");
    fill(browser, "token", token).await;
    click(browser, "main button.primary").await;
    browser.wait_for("Signed in as").await;
}

async fn fill(browser: &Browser, id: &str, text: &str) {
    let field = browser.client.find(Locator::Id(id)).await.expect(id);
    field.clear().await.expect("cleared");
    field.send_keys(text).await.expect("typed");
}

async fn click(browser: &Browser, css: &str) {
    let element = browser.client.find(Locator::Css(css)).await.expect(css);
    element.click().await.expect("pressed");
}

/// Looks at the page that is open, in every size and theme.
async fn look(browser: &Browser, name: &str) {
    for theme in ["light", "dark"] {
        let script = "document.documentElement.dataset.theme = arguments[0]";
        browser.client.execute(script, vec![json!(theme)]).await.expect("a theme");
        for (size, width, height) in [("wide", 1_400, 1_000), ("phone", 400, 900)] {
            browser.client.set_window_size(width, height).await.expect("a size");
            let overflow =
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let overflow = browser.client.execute(overflow, Vec::new()).await.expect("a number");
            assert_eq!(overflow, json!(0), "{name} is wider than a {size} window");
            assert_eq!(violations(browser).await, Vec::<String>::new(), "{name}, {theme}, {size}");
            screenshot(browser, &format!("{name}-{theme}-{size}.png")).await;
        }
    }
    browser.client.set_window_size(1_400, 1_000).await.expect("a size");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_acquires_deploys_and_updates() {
    let mut home = Server::start("home").await;
    let leads = LeadReceiver::start().await;
    home.api("POST", "/publishers", Some(json!({ "id": TestOffer::PUBLISHER, "name": "Contoso" }))).await;
    let subscription = home.api("POST", "/subscriptions", Some(json!({ "owner": "Fabrikam" }))).await;
    let subscription = subscription["id"].as_str().expect("an ID").to_owned();
    let role = |role: &str, subject: &str| json!({ "role": role, "subject": subject, "label": "test" });
    let publisher = home.operator_token(role("publisher", TestOffer::PUBLISHER)).await;
    let customer = home.operator_token(role("customer", &subscription)).await;
    live(&home, "one", &["latest", "1.0.0"], "", &publisher, &leads).await;

    let base = format!("http://{}", home.address);
    let browser = Browser::start("en").await;
    sign_in(&browser, &base, &customer).await;
    browser.client.goto(&format!("{base}/offers/{}/{ID}", TestOffer::PUBLISHER)).await.expect("the offer");
    click(&browser, ".title .actions a.primary").await;
    browser.wait_for("Acquire Watcher").await;
    look(&browser, "acquire").await;
    click(&browser, "input[name=accept]").await;
    click(&browser, "form.entry button.primary").await;
    browser.wait_for("What is it for?").await;
    look(&browser, "deploy").await;

    fill(&browser, "value.0.PLC_HOST", "plc.plant").await;
    fill(&browser, "value.0.API_KEY", "a$b").await;
    fill(&browser, "value.0.WEB_PORT", "70000").await;
    click(&browser, "input[name=form][value=kubernetes]").await;
    click(&browser, "form.entry button.primary").await;
    browser.wait_for("This value does not fit.").await;
    look(&browser, "deploy-refused").await;
    fill(&browser, "value.0.WEB_PORT", "8081").await;
    click(&browser, "form.entry button.primary").await;
    browser.wait_for("kubectl apply").await;
    assert!(browser.text("pre.file").await.contains("a$$b"));
    assert!(browser.text("main").await.contains("HostConfig.Ulimits"), "what is left out is told");
    look(&browser, "deployment").await;
    // What is downloaded is what is shown.
    let script = "const done = arguments[arguments.length - 1];
        fetch(document.querySelector('a[download]').href).then(a => a.text()).then(done)";
    let saved = browser.client.execute_async(script, Vec::new()).await.expect("the file");
    assert!(saved.as_str().expect("text").contains("hostPort: 8081"), "{saved}");

    live(
        &home,
        "two",
        &["latest", "1.0.0", "1.1.0"],
        "      - { name: SITE, value: \"<SITE>\" }\n",
        &publisher,
        &leads,
    )
    .await;
    browser.client.goto(&format!("{base}/modules")).await.expect("the modules");
    browser.wait_for("Update available: 1.0.0 → 1.1.0").await;
    look(&browser, "modules").await;
    click(&browser, ".update a[href^='/modules/']").await;
    browser.wait_for("New values to fill in").await;
    look(&browser, "changes").await;
    click(&browser, ".update a.primary").await;
    browser.wait_for("What is it for?").await;
    let known =
        browser.client.execute("return document.getElementById('value.0.PLC_HOST').value", Vec::new()).await;
    assert_eq!(known.expect("a value"), json!("plc.plant"));

    browser.client.goto(&format!("{base}/modules?lang=fr")).await.expect("in French");
    browser.wait_for("Mise à jour disponible : 1.0.0 → 1.1.0").await;
    browser
        .client
        .goto(&format!("{base}/offers/{}/{ID}/plans/standard/acquire?lang=fr", TestOffer::PUBLISHER))
        .await
        .expect("in French");
    browser.wait_for("dispose déjà de ce plan").await;
    let all = home.api("GET", &format!("/acquisitions?subscription={subscription}"), None).await;
    assert_eq!(all["modules"].as_array().map(Vec::len), Some(1), "{all}");
    // The publisher's endpoint has the lead, beside the test leads of two submissions.
    let received = leads.bodies();
    let of_customers: Vec<&Value> = received.iter().filter(|lead| lead["ActionCode"] == "INS").collect();
    assert_eq!(of_customers.len(), 1, "{received:#?}");
    assert_eq!(of_customers[0]["UserDetails"]["Company"], "Fabrikam");
    browser.end().await;
    home.kill();
}
