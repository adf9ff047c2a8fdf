//! A customer in Chromium: acquires a module, fills in its values, downloads the deployment, and is told of an update; in
//! English and in French, with axe-core on every page, light and dark, wide and on a phone.

use crate::browser::{Browser, in_both_sizes};
use crate::images::make_image;
use crate::leads::LeadReceiver;
use crate::server::{PROGRAM, Server, TestOffer, push_as};
use fantoccini::Locator;
use oci::client::{HttpOptions, http_client};
use offer::template::{NewOffer, new_offer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
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
    let send = "const field = document.getElementById('token'); field.value = arguments[0]; field.form.requestSubmit();";
    browser.client.execute(send, vec![json!(token)]).await.expect("the form");
    for _ in 0..300 {
        let gone = browser.client.execute("return !document.getElementById('token')", Vec::new()).await;
        if gone.is_ok_and(|gone| gone == json!(true)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not signed in: {}", browser.text("body").await);
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
        in_both_sizes(browser, name, theme).await;
    }
    browser.client.set_window_size(1_400, 1_000).await.expect("a size");
}

/// A server with the offer live in its first version.
struct Stage {
    home: Server,
    leads: LeadReceiver,
    subscription: String,
    publisher: String,
    customer: String,
    base: String,
}

impl Stage {
    async fn set() -> Stage {
        let home = Server::start("home").await;
        let leads = LeadReceiver::start().await;
        home.api("POST", "/publishers", Some(json!({ "id": TestOffer::PUBLISHER, "name": "Contoso" }))).await;
        let subscription = home.api("POST", "/subscriptions", Some(json!({ "owner": "Fabrikam" }))).await;
        let subscription = subscription["id"].as_str().expect("an ID").to_owned();
        let role = |role: &str, subject: &str| json!({ "role": role, "subject": subject, "label": "test" });
        let publisher = home.operator_token(role("publisher", TestOffer::PUBLISHER)).await;
        let customer = home.operator_token(role("customer", &subscription)).await;
        live(&home, "one", &["latest", "1.0.0"], "", &publisher, &leads).await;
        let base = format!("http://{}", home.address);
        Stage { home, leads, subscription, publisher, customer, base }
    }

    fn offer(&self) -> String {
        format!("{}/offers/{}/{ID}", self.base, TestOffer::PUBLISHER)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_acquires_deploys_and_updates() {
    let mut stage = Stage::set().await;
    let browser = Browser::start("en").await;
    sign_in(&browser, &stage.base, &stage.customer).await;
    acquire_and_deploy(&browser, &stage).await;
    see_the_update(&browser, &stage).await;
    // Once, though the button may be pressed often.
    let all =
        stage.home.api("GET", &format!("/acquisitions?subscription={}", stage.subscription), None).await;
    assert_eq!(all["modules"].as_array().map(Vec::len), Some(1), "{all}");
    // The publisher's endpoint has the lead, beside the test leads of two submissions.
    let received = stage.leads.bodies();
    let of_customers: Vec<&Value> = received.iter().filter(|lead| lead["ActionCode"] == "INS").collect();
    assert_eq!(of_customers.len(), 1, "{received:#?}");
    assert_eq!(of_customers[0]["UserDetails"]["Company"], "Fabrikam");
    browser.end().await;
    stage.home.kill();
}

async fn acquire_and_deploy(browser: &Browser, stage: &Stage) {
    browser.client.goto(&stage.offer()).await.expect("the offer");
    click(browser, ".title .actions a.primary").await;
    browser.wait_for("Acquire Watcher").await;
    look(browser, "acquire").await;
    click(browser, "input[name=accept]").await;
    click(browser, "form.entry button.primary").await;
    browser.wait_for("What is it for?").await;
    look(browser, "deploy").await;

    fill(browser, "value.0.PLC_HOST", "plc.plant").await;
    fill(browser, "value.0.API_KEY", "a$b").await;
    fill(browser, "value.0.WEB_PORT", "70000").await;
    click(browser, "input[name=form][value=kubernetes]").await;
    click(browser, "form.entry button.primary").await;
    browser.wait_for("This value does not fit.").await;
    look(browser, "deploy-refused").await;
    fill(browser, "value.0.WEB_PORT", "8081").await;
    click(browser, "form.entry button.primary").await;
    browser.wait_for("kubectl apply").await;
    assert!(browser.text("pre.file").await.contains("a$$b"));
    assert!(browser.text("main").await.contains("HostConfig.Ulimits"), "what is left out is told");
    look(browser, "deployment").await;
    // What is downloaded is what is shown.
    let script = "const done = arguments[arguments.length - 1];
        fetch(document.querySelector('a[download]').href).then(a => a.text()).then(done)";
    let saved = browser.client.execute_async(script, Vec::new()).await.expect("the file");
    assert!(saved.as_str().expect("text").contains("hostPort: 8081"), "{saved}");
}

async fn see_the_update(browser: &Browser, stage: &Stage) {
    live(
        &stage.home,
        "two",
        &["latest", "1.0.0", "1.1.0"],
        "      - { name: SITE, value: \"<SITE>\" }\n",
        &stage.publisher,
        &stage.leads,
    )
    .await;
    browser.client.goto(&format!("{}/modules", stage.base)).await.expect("the modules");
    browser.wait_for("Update available: 1.0.0 → 1.1.0").await;
    look(browser, "modules").await;
    click(browser, ".update a[href^='/modules/']").await;
    browser.wait_for("New values to fill in").await;
    look(browser, "changes").await;
    click(browser, ".update a.primary").await;
    browser.wait_for("What is it for?").await;
    let known =
        browser.client.execute("return document.getElementById('value.0.PLC_HOST').value", Vec::new()).await;
    assert_eq!(known.expect("a value"), json!("plc.plant"));

    browser.client.goto(&format!("{}/modules?lang=fr", stage.base)).await.expect("in French");
    browser.wait_for("Mise à jour disponible : 1.0.0 → 1.1.0").await;
    browser
        .client
        .goto(&format!("{}/plans/standard/acquire?lang=fr", stage.offer()))
        .await
        .expect("in French");
    browser.wait_for("dispose déjà de ce plan").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_acquires_and_deploys() {
    let mut stage = Stage::set().await;
    let (base, subscription) = (stage.base.as_str(), stage.subscription.as_str());
    let plan = "contoso.watcher/standard";
    let place = ["--server", base, "--token", stage.customer.as_str()];
    let command = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).args(place).output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let values = ["--set", "PLC_HOST=plc", "--set", "API_KEY=a$b", "--set", "WEB_PORT=8081"];
    let deploy = |more: &[&str]| command(&[&["deployment", plan][..], &values, more].concat());

    let (status, _, said) = deploy(&["--subscription", subscription]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("the subscription has not acquired contoso.watcher/standard"), "{said}");
    let acquire = ["acquire", plan, "--subscription", subscription];
    let (status, terms, said) = command(&acquire);
    assert_eq!(status, Some(1), "{said}");
    assert!(terms.contains("standard contract"), "{terms}");
    let version = said.split("--accept-terms ").nth(1).expect("the version").trim().to_owned();
    let accepted = [&acquire[..], &["--accept-terms", &version]].concat();
    let (status, acquired, said) = command(&accepted);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(command(&accepted).1, acquired, "once only");

    let (status, compose, said) = deploy(&["--form", "compose"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(compose.contains("API_KEY=a$$b") && compose.contains("8081:8080"), "{compose}");
    let (_, kubernetes, said) = deploy(&["--form", "kubernetes"]);
    assert!(kubernetes.contains("hostPort: 8081"), "{kubernetes}");
    assert!(said.contains("HostConfig.Ulimits") && said.contains("hint"), "{said}");
    assert_eq!(deploy(&["--form", "margo"]).0, Some(2), "several files need a directory");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let to = directory.path().join("app");
    let (status, written, said) =
        deploy(&["--form", "margo", "--output", to.to_str().expect("UTF-8"), "--subscription", subscription]);
    assert_eq!((status, written.lines().count()), (Some(0), 2), "{said}");
    assert!(said.contains("kept as the deployment"), "{said}");
    let margo = std::fs::read_to_string(to.join("margo.yaml")).expect("the description");
    let package = margo.split("packageLocation: \"").nth(1).and_then(|rest| rest.split('"').next());
    let package = package.expect("a package").split("/api/v1").nth(1).expect("of this server").to_owned();
    let http = http_client(HttpOptions::default()).expect("an HTTP client");
    let package = http.get(format!("{base}/api/v1{package}")).send().await.expect("an answer");
    assert!(package.bytes().await.expect("the package").starts_with(&[0x1f, 0x8b]), "a gzip file");

    let two = ["deployment", plan, "contoso.watcher/standard=Second", "--form", "compose"];
    let (status, _, said) = command(&[&two[..], &values[..2]].concat());
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("does not say for which of the 2 plans"), "{said}");
    let numbered: Vec<String> = (1..=2)
        .flat_map(|n| {
            ["PLC_HOST=plc".to_owned(), "API_KEY=k".to_owned(), format!("WEB_PORT=808{n}")]
                .map(|v| format!("{n}:{v}"))
        })
        .collect();
    let numbered: Vec<&str> = numbered.iter().flat_map(|value| ["--set", value.as_str()]).collect();
    let (status, both, said) = command(&[&two[..], &numbered].concat());
    assert_eq!(status, Some(0), "{said}");
    assert!(both.contains("  Watcher:") && both.contains("  Second:"), "{both}");
    let (status, _, said) = deploy(&["--route", "up = FROM /messages/* TO $upstream"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("--route number 1, column 23"), "{said}");
    let (status, _, said) = command(&["deployment", plan, "--form", "compose"]);
    assert_eq!(status, Some(1), "{said}");
    for name in ["PLC_HOST", "API_KEY", "WEB_PORT"] {
        assert!(said.contains(&format!("the placeholder <{name}> has no value")), "{said}");
    }
    stage.home.kill();
}
