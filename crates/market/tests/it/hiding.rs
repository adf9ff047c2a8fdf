//! Offers that are shown no more, over HTTP: hidden on their day, or not sold any more. Nobody finds or acquires them, and those
//! who have them go on. And listings from before there was more of them than a title.

use crate::http::{Answer, HOST, call, get, request, secret, send};
use crate::recertification::{STRICT, days, live, open_at, run};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::recertification::NewCampaign;
use market::{Actor, Faults, Market};
use serde_json::json;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

const OFFER: &str = "/offers/contoso/sensor";
const API: &str = "/api/v1/catalogue/contoso/sensor/standard";
/// Where strangers find an offer.
const PLACES: [&str; 6] = [
    "/",
    "/search?q=sensr",
    "/category/internet-of-things?subcategories=iot-edge-modules",
    "/sitemaps/1",
    "/releases.atom",
    "/api/v1/catalogue",
];

/// Somebody who acquired and deployed the module before.
struct Fleet<'a> {
    market: &'a Market,
    router: Router,
    deployment: String,
}

impl Fleet<'_> {
    async fn of(market: &Market) -> Fleet<'_> {
        let router = market::router(market.clone());
        let token = secret(market, TokenRole::Customer(CUSTOMER)).await;
        assert_eq!(acquire(&router, &token, CUSTOMER).await.status, StatusCode::OK);
        let module = json!({ "publisher": "contoso", "offer": "sensor", "plan": "standard" });
        let wanted = json!({ "subscription": CUSTOMER, "form": "compose", "modules": [module] }).to_string();
        let made = call(&router, Method::POST, "/api/v1/deployments", &token, &wanted).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let deployment = made.json()["id"].as_str().unwrap().to_owned();
        Fleet { market, router, deployment }
    }

    async fn places(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        for place in PLACES {
            let answer = get(&self.router, place, "").await;
            let name = if place.starts_with("/api/") { "\"sensor\"" } else { OFFER };
            if answer.text().contains(name) {
                found.push(place);
            }
        }
        found
    }

    /// It is nowhere, for this reason; and whoever has it keeps it.
    async fn is_gone(&self, why: &str) {
        assert_eq!(self.places().await, Vec::<&str>::new());
        for path in [OFFER.to_owned(), format!("{API}/deployment"), format!("{API}/report")] {
            let answer = get(&self.router, &path, "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answer.text().contains(why), "{path}: {}", answer.text());
        }
        let late = self.market.add_subscription(&Actor::Operator, None, "Too late").await.unwrap().id;
        let token = secret(self.market, TokenRole::Customer(late)).await;
        let (fact, _) = acquire(&self.router, &token, late).await.problem(StatusCode::NOT_FOUND);
        assert!(fact.contains(why), "{fact}");

        let manifest = "/v2/contoso/sensor/standard/manifests/";
        let image = get(&self.router, &format!("{manifest}latest"), "").await;
        assert_eq!(image.status, StatusCode::OK);
        let digest = image.header("docker-content-digest");
        let layer = image.json()["layers"][0]["digest"].as_str().unwrap().to_owned();
        for path in [format!("{manifest}{digest}"), format!("/v2/contoso/sensor/standard/blobs/{layer}")] {
            assert_eq!(get(&self.router, &path, "").await.status, StatusCode::OK, "{path}");
        }
        // The token that was used before has expired.
        let own = secret(self.market, TokenRole::Customer(CUSTOMER)).await;
        for path in ["/deployments/", "/api/v1/deployments/"] {
            let kept = get(&self.router, &format!("{path}{}", self.deployment), &own).await;
            assert_eq!(kept.status, StatusCode::OK, "{path}: {}", kept.text());
        }
        let modules = get(&self.router, "/modules", &own).await;
        assert!(modules.text().contains("Sensor"), "{}", modules.text());
    }
}

/// Accepts the terms as they are, if they can be seen.
async fn acquire(router: &Router, token: &str, subscription: uuid::Uuid) -> Answer {
    let terms = get(router, &format!("{API}/terms"), token).await.json()["digest"].clone();
    let body = json!({ "subscription": subscription, "acceptedTerms": terms.as_str().unwrap_or("none") });
    call(router, Method::POST, &format!("{API}/acquire"), token, &body.to_string()).await
}

async fn press(fleet: &Fleet<'_>, path: &str, token: &str) {
    let request = request(Method::POST, path, token).header(header::ORIGIN, format!("http://{HOST}"));
    let answer = send(&fleet.router, request.body(Body::from("plan=")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_its_day_an_offer_goes_for_all_but_those_who_have_it() {
    let (directory, today) = (TempDir::new().unwrap(), days(0));
    live(directory.path(), &today).await;
    let market = open_at(directory.path(), STRICT, &today, Faults::default()).await;
    let _working = work(&market);
    let fleet = Fleet::of(&market).await;
    assert_eq!(fleet.places().await, PLACES);
    let by = NewCampaign { by: Some("2026-11-27".to_owned()), ..NewCampaign::default() };
    run(&market, by).await;
    today.store(2, Ordering::Relaxed);
    assert_eq!(fleet.places().await, PLACES, "the day before");
    today.store(3, Ordering::Relaxed);
    fleet.is_gone("is hidden from the catalogue since 2026-11-27").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sold_goes_for_all_but_those_who_have_it_and_comes_back() {
    let (directory, today) = (TempDir::new().unwrap(), days(0));
    live(directory.path(), &today).await;
    let market = open_at(directory.path(), "", &today, Faults::default()).await;
    let _working = work(&market);
    let fleet = Fleet::of(&market).await;
    let own = secret(&market, TokenRole::Publisher("contoso".to_owned())).await;
    press(&fleet, "/publish/contoso/sensor/selling/stop", &own).await;
    fleet.is_gone("is not sold any more since 2026-11-24").await;
    press(&fleet, "/publish/contoso/sensor/selling/restore", &own).await;
    assert_eq!(fleet.places().await, PLACES);
    assert_eq!(get(&fleet.router, OFFER, "").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_of_an_earlier_program_are_found_by_all_that_is_in_them() {
    let (directory, today) = (TempDir::new().unwrap(), days(0));
    live(directory.path(), &today).await;
    let data = directory.path().join("data");
    // As migration 0010 leaves what was there before it.
    sql(&data, "UPDATE listings SET facts = '', changed = 0").await;
    let market = open_at(directory.path(), "", &today, Faults::default()).await;
    let router = market::router(market.clone());
    for query in ["q=sensor", "q=special", "platform=linux%2Famd64", "licence=byol", "licence=free"] {
        let found = get(&router, &format!("/search?{query}"), "").await;
        let is_there = found.text().contains(&format!("href=\"{OFFER}\""));
        assert_eq!(is_there, query != "licence=byol", "{query}: {}", found.text());
    }
    market.close().await;
    // They were gathered once, and are kept.
    assert_eq!(count(&data, "SELECT COUNT(*) FROM listings WHERE facts = ''").await, 0);
}
