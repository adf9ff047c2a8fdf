//! A customer acquires a plan and deploys it, over the pages and over the API; the publisher receives the lead.

mod refused;

use crate::http::{Answer, HOST, call, get, request, secret, send};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::{Actor, Market};
use offer::submission::SubmissionState;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ACQUIRE: &str = "/offers/contoso/sensor/plans/standard/acquire";
const API: &str = "/api/v1/catalogue/contoso/sensor/standard";

/// The offer with a module that asks for values.
fn asking(tags: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let mut files = offer(tags);
    edit(
        &mut files,
        "    # twin:",
        "    environment:\n      - { name: PLC, value: \"<PLC_HOST>\" }\n      - { name: API_KEY, value: \"<API_KEY>\" }\n    # twin:",
    );
    files
}

struct Shop {
    place: Place,
    router: Router,
    customer: String,
    _working: Working,
}

impl Shop {
    async fn open() -> Shop {
        Shop::open_with(asking(&["latest", "1.0.0"])).await
    }

    async fn open_with(files: BTreeMap<String, Vec<u8>>) -> Shop {
        let place = place().await;
        let market = place.market.clone();
        push(&market, "one", &["latest", "1.0.0"]).await;
        let working = work(&market);
        publish(&market, files).await;
        wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
        go_live(&market).await;
        let customer = secret(&market, TokenRole::Customer(CUSTOMER)).await;
        let router = market::router(market);
        Shop { place, router, customer, _working: working }
    }

    fn market(&self) -> &Market {
        &self.place.market
    }

    async fn get(&self, path: &str) -> Answer {
        get(&self.router, path, &self.customer).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_as(&self.customer, path, fields).await
    }

    async fn post_as(&self, token: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request(Method::POST, path, token)
            .header(header::ORIGIN, format!("http://{HOST}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        send(&self.router, request.body(Body::from(body)).unwrap()).await
    }

    async fn terms(&self) -> String {
        self.get(&format!("{API}/terms")).await.json()["digest"].as_str().unwrap().to_owned()
    }

    /// Acquires over the API; the acquisition's id.
    async fn acquire(&self) -> String {
        let body = json!({"subscription": CUSTOMER, "acceptedTerms": self.terms().await}).to_string();
        let answer = call(&self.router, Method::POST, &format!("{API}/acquire"), &self.customer, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn leads(&self) -> Vec<market::leads::LeadView> {
        self.market().leads(&publisher(), (&contoso(), &sensor())).await.unwrap()
    }
}

fn wanted(form: &str) -> Value {
    json!({
        "subscription": CUSTOMER,
        "form": form,
        "modules": [{
            "publisher": "contoso", "offer": "sensor", "plan": "standard",
            "values": {"PLC_HOST": "plc.plant", "API_KEY": "se\"cret"},
        }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_acquires_deploys_and_downloads_without_a_script() {
    let shop = Shop::open().await;
    let offer = shop.get("/offers/contoso/sensor").await;
    assert!(offer.text().contains(&format!("href=\"{ACQUIRE}\"")), "{}", offer.text());
    let stranger = get(&shop.router, ACQUIRE, "").await;
    assert_eq!(
        stranger.header(header::LOCATION),
        "/sign-in?next=%2Foffers%2Fcontoso%2Fsensor%2Fplans%2Fstandard%2Facquire"
    );
    let page = shop.get(ACQUIRE).await;
    let terms = shop.terms().await;
    assert!(page.text().contains(&format!("name=\"terms\" value=\"{terms}\"")), "{}", page.text());
    assert!(page.text().contains(&terms[7..19]), "the version is shown");
    let contract = "The publisher grants the customer the right to run the module";
    for path in [ACQUIRE, "/contract"] {
        assert!(shop.get(path).await.text().contains(contract), "{path} has the text that is accepted");
    }

    let subscription = CUSTOMER.to_string();
    let mut fields = vec![
        ("subscription", subscription.as_str()),
        ("terms", terms.as_str()),
        ("contact-email", "a@b.example"),
        ("contact-company", "Plant <1>"),
    ];
    let unaccepted = shop.post(ACQUIRE, &fields).await;
    assert_eq!(unaccepted.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["Accept the terms to acquire the module.", "Plant &lt;1&gt;", "a@b.example"] {
        assert!(unaccepted.text().contains(kept), "{kept}: {}", unaccepted.text());
    }
    fields.push(("accept", "yes"));
    // Pressed twice at once: one acquisition, one lead.
    let (first, second) = tokio::join!(shop.post(ACQUIRE, &fields), shop.post(ACQUIRE, &fields));
    let place = first.header(header::LOCATION).to_owned();
    assert!(place.starts_with("/deploy?module="), "{} {}", first.status, first.text());
    assert_eq!(second.header(header::LOCATION), place);
    let leads = shop.leads().await;
    assert_eq!(leads.len(), 1);
    assert_eq!((leads[0].test, leads[0].state.as_str()), (false, "Delivered"));
    assert_eq!(leads[0].lead["ActionCode"], "INS");
    assert_eq!(leads[0].lead["UserDetails"]["Company"], "Plant <1>");
    assert!(leads[0].lead["Description"].as_str().unwrap().contains("contoso.sensor, version 1.0.0"));
    assert!(shop.get(ACQUIRE).await.text().contains("has this plan"));

    let module = place.rsplit('=').next().unwrap();
    fills_the_form_in(&shop, module).await;
    downloads(&shop, module).await;
}

/// The form keeps what was sent, with the error beside it.
async fn fills_the_form_in(shop: &Shop, module: &str) {
    let form = shop.get(&format!("/deploy?module={module}")).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.text());
    for expected in [
        "name=\"value.0.PLC_HOST\"",
        "name=\"value.0.API_KEY\" type=\"password\"",
        "A host name such as plc.plant.example, or an IP address.",
        "value=\"kubernetes\"",
    ] {
        assert!(form.text().contains(expected), "{expected}: {}", form.text());
    }
    let bad = [
        ("module", module),
        ("value.0.PLC_HOST", "not a host"),
        ("form", "compose"),
        ("images", "pin"),
        ("routes", "ok = FROM /messages/* INTO $upstream\nbad = FROM /messages/* TO $upstream"),
    ];
    let refused = shop.post("/deploy", &bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("Line 2, column 24:"), "{}", refused.text());
    assert!(refused.text().contains("not a host") && refused.text().contains("value=\"compose\" checked"));
    let refused = shop.post("/deploy", &bad[..4]).await;
    assert!(refused.text().contains("Fill this in.") && refused.text().contains("This value does not fit."));
}

async fn downloads(shop: &Shop, module: &str) {
    let good = [
        ("module", module),
        ("value.0.PLC_HOST", "plc.plant"),
        ("value.0.API_KEY", "$ecret"),
        ("form", "compose"),
        ("images", "pin"),
        ("routes", ""),
    ];
    let made = shop.post("/deploy", &good).await;
    let link = made.header(header::LOCATION).to_owned();
    assert!(link.starts_with("/deployments/"), "{}", made.text());
    let kept = shop.get(&link).await;
    assert!(kept.text().contains("docker compose --file compose.yaml up --detach"), "{}", kept.text());
    assert!(kept.text().contains("download=\"compose.yaml\""));
    let file = shop.get(&format!("{link}/files/compose.yaml")).await;
    assert_eq!(file.header(header::CONTENT_TYPE), "application/yaml");
    assert_eq!(file.header(header::CONTENT_DISPOSITION), "attachment; filename=\"compose.yaml\"");
    assert!(file.text().contains("API_KEY=$$ecret") && file.text().contains("@sha256:"), "{}", file.text());
    // The values are nowhere in the database but sealed.
    for name in ["market.db", "market.db-wal"] {
        let bytes = std::fs::read(shop.place.directory.path().join("data").join(name)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == b"$ecret"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_told_with_what_changed() {
    let shop = Shop::open().await;
    let id = shop.acquire().await;
    let kept =
        call(&shop.router, Method::POST, "/api/v1/deployments", &shop.customer, &wanted("azure").to_string())
            .await;
    let deployment = kept.json()["id"].as_str().unwrap().to_owned();
    let before = shop.get("/modules").await;
    assert!(before.text().contains("Up to date: 1.0.0"), "{}", before.text());
    push_files(
        shop.market(),
        elf(),
        &[(
            "usr/lib/node_modules/left/package.json",
            br#"{"name":"left","version":"2.0.0","license":"MIT"}"#,
        )],
        &["latest", "1.1.0"],
    )
    .await;
    let mut newer = asking(&["latest", "1.0.0", "1.1.0"]);
    edit(&mut newer, "{ name: API_KEY", "{ name: SITE, value: \"<SITE>\" }\n      - { name: API_KEY");
    publish(shop.market(), newer).await;
    wait_for(shop.market(), SubmissionState::WaitingForPublisherReview).await;
    assert!(shop.get("/modules").await.text().contains("Up to date: 1.0.0"));
    go_live(shop.market()).await;

    let modules = shop.get("/modules").await;
    assert!(modules.text().contains("Update available: 1.0.0 → 1.1.0"), "{}", modules.text());
    let french = get(&shop.router, "/modules?lang=fr", &shop.customer).await;
    assert!(french.text().contains("Mise à jour disponible : 1.0.0 → 1.1.0"), "{}", french.text());
    let changes = shop.get(&format!("/modules/{id}")).await;
    for expected in
        ["latest", "1.1.0", "<code>SITE</code>", "left", "2.0.0", "The publisher changed default settings"]
    {
        assert!(changes.text().contains(expected), "{expected}: {}", changes.text());
    }
    let listed = shop.get(&format!("/api/v1/acquisitions?subscription={CUSTOMER}")).await.json();
    let update = &listed["modules"][0]["update"];
    assert_eq!((&update["from"], &update["to"]), (&json!("1.0.0"), &json!("1.1.0")));
    assert_eq!(update["newPlaceholders"], json!(["SITE"]));

    // The earlier values are there already; the new one is missing.
    let again = shop.get(&format!("/deploy?module={id}&from={deployment}")).await;
    assert!(again.text().contains("plc.plant"), "{}", again.text());
    let fields = [
        ("module", id.as_str()),
        ("value.0.PLC_HOST", "plc.plant"),
        ("value.0.API_KEY", "x"),
        ("value.0.SITE", "north"),
        ("form", "azure"),
    ];
    assert_eq!(shop.post("/deploy", &fields).await.status, StatusCode::SEE_OTHER);
    assert!(shop.get("/modules").await.text().contains("Up to date: 1.1.0"));
    // What was made before is as it was.
    let old = shop.get(&format!("/api/v1/deployments/{deployment}")).await.json();
    assert_eq!(old["files"], kept.json()["files"]);
    assert_eq!(old["modules"][0]["version"], "1.0.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_module_comes_back() {
    let shop = Shop::open().await;
    let id = shop.acquire().await;
    assert_eq!(shop.acquire().await, id, "acquired once");
    for _ in 0..2 {
        assert_eq!(
            shop.post(&format!("/modules/{id}/remove"), &[]).await.header(header::LOCATION),
            "/modules"
        );
    }
    let page = shop.get("/modules").await;
    assert!(page.text().contains(&format!("/modules/{id}/restore")), "{}", page.text());
    let refused =
        call(&shop.router, Method::POST, "/api/v1/deployments", &shop.customer, &wanted("azure").to_string())
            .await;
    let (fact, _) = refused.problem(StatusCode::CONFLICT);
    assert_eq!(fact, "the subscription has not acquired contoso.sensor/standard");
    shop.post(&format!("/modules/{id}/restore"), &[]).await;
    assert!(shop.get("/modules").await.text().contains(&format!("/modules/{id}/remove")));
    shop.post(&format!("/modules/{id}/remove"), &[]).await;
    let second = shop.acquire().await;
    assert_ne!(second, id);
    let refused =
        call(&shop.router, Method::POST, &format!("/api/v1/acquisitions/{id}/restore"), &shop.customer, "")
            .await;
    refused.problem(StatusCode::CONFLICT);
    assert_eq!(shop.leads().await.len(), 2);
    let own = secret(shop.market(), TokenRole::Publisher("contoso".to_owned())).await;
    let table = get(&shop.router, "/publish/contoso/sensor/insights/acquisitions.csv", &own).await;
    assert!(
        table.text().starts_with("day,acquisitions\r\n") && table.text().ends_with(",2\r\n"),
        "{}",
        table.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_deleted_by_whoever_may_see_it() {
    let shop = Shop::open().await;
    shop.acquire().await;
    let make = async |form: &str| {
        let body = wanted(form).to_string();
        let kept = call(&shop.router, Method::POST, "/api/v1/deployments", &shop.customer, &body).await;
        kept.json()["id"].as_str().unwrap().to_owned()
    };
    let stranger = shop.market().add_subscription(&Actor::Operator, None, "A stranger").await.unwrap();
    let stranger = secret(shop.market(), TokenRole::Customer(stranger.id)).await;
    let own = secret(shop.market(), TokenRole::Publisher("contoso".to_owned())).await;
    let operator = secret(shop.market(), TokenRole::Operator).await;

    let first = make("margo").await;
    let page = shop.get(&format!("/deployments/{first}")).await;
    let action = format!("/deployments/{first}/delete");
    for expected in [&format!("action=\"{action}\""), "Delete for good", "<details class=\"confirm\">"] {
        assert!(page.text().contains(expected), "{expected}: {}", page.text());
    }
    let french = get(&shop.router, &format!("/deployments/{first}?lang=fr"), &shop.customer).await;
    assert!(french.text().contains("Supprimer définitivement"), "{}", french.text());
    for token in [&stranger, &own] {
        assert_eq!(shop.post_as(token, &action, &[]).await.status, StatusCode::NOT_FOUND);
        let path = format!("/api/v1/deployments/{first}");
        let (fact, _) =
            call(&shop.router, Method::DELETE, &path, token, "").await.problem(StatusCode::NOT_FOUND);
        assert!(fact.contains(&first), "{fact}");
    }
    let nobody = shop.post_as("", &action, &[]).await;
    assert!(nobody.header(header::LOCATION).starts_with("/sign-in?next="), "{}", nobody.status);
    let package = format!("/api/v1/deployments/{first}/package");
    assert_eq!(get(&shop.router, &package, "").await.status, StatusCode::OK, "nobody has deleted it");

    assert_eq!(shop.post(&action, &[]).await.header(header::LOCATION), "/modules");
    for gone in [format!("/deployments/{first}"), format!("/deployments/{first}/files/margo.yaml"), package] {
        assert_eq!(shop.get(&gone).await.status, StatusCode::NOT_FOUND, "{gone}");
    }
    assert!(!shop.get("/modules").await.text().contains(&first));
    assert_eq!(shop.post(&action, &[]).await.status, StatusCode::NOT_FOUND, "deleted once");
    for token in [&shop.customer, &operator] {
        let path = format!("/api/v1/deployments/{}", make("compose").await);
        let deleted = call(&shop.router, Method::DELETE, &path, token, "").await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text());
        assert_eq!(shop.get(&path).await.status, StatusCode::NOT_FOUND);
    }
    let key = (&contoso(), &sensor());
    let history = shop.market().history(&Actor::Operator, key).await.unwrap();
    assert_eq!(history.iter().filter(|entry| entry.action == "deployment-deleted").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_is_there_over_the_api() {
    let shop = Shop::open().await;
    shop.acquire().await;
    for form in ["azure", "azure-layered", "compose", "kubernetes", "greengrass", "margo"] {
        let mut body = wanted(form);
        let kept =
            call(&shop.router, Method::POST, "/api/v1/deployments", &shop.customer, &body.to_string()).await;
        assert_eq!(kept.status, StatusCode::CREATED, "{form}: {}", kept.text());
        let page = shop.get(&format!("/deployments/{}", kept.json()["id"].as_str().unwrap())).await;
        assert_eq!(page.status, StatusCode::OK);
        for key in [format!("form-{form}"), "deploy-link".to_owned()] {
            assert!(!page.text().contains(&key), "{key} has no sentence");
        }
        // Anybody may generate; nothing is kept then.
        body["subscription"] = Value::Null;
        let made = call(&shop.router, Method::POST, "/api/v1/deployments", "", &body.to_string()).await;
        assert_eq!((made.status, &made.json()["id"]), (StatusCode::OK, &Value::Null), "{form}");
        body["modules"][0]["values"].as_object_mut().unwrap().remove("API_KEY");
        let refused = call(&shop.router, Method::POST, "/api/v1/deployments", "", &body.to_string()).await;
        let (fact, _) = refused.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(fact, "the placeholder <API_KEY> has no value", "{form}");
    }
    let one =
        get(&shop.router, &format!("{API}/deployment?form=compose&set.PLC_HOST=a&set.API_KEY=b"), "").await;
    assert_eq!(one.json()["files"][0]["name"], "compose.yaml");
}
