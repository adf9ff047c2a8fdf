//! The storefront through HTTP: home, search, categories, an offer's parts, feeds, and what caches are told.

use crate::http::{Answer, HOST, get, request, send};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::Actor;
use std::collections::BTreeSet;

/// Three live offers.
struct Shop {
    router: Router,
    place: Place,
    _working: Working,
}

async fn shop() -> Shop {
    let place = place().await;
    let market = place.market.clone();
    let working = work(&market);
    let storage: [(&str, &str); 3] = [
        (
            "title: \"store\"\n  summary: Say in one line what the module does",
            "title: Time Series Store\n  summary: Keeps years of readings",
        ),
        ("categories: [internet-of-things]", "categories: [storage, databases]"),
        ("licenceModel: free", "licenceModel: byol"),
    ];
    another_live(&market, "store", &storage).await;
    let gateway: [(&str, &str); 1] = [(
        "title: \"gateway\"\n  summary: Say in one line what the module does",
        "title: \"Modbus Gateway <b>\"\n  summary: Reads old machines & sends",
    )];
    another_live(&market, "gateway", &gateway).await;
    let hidden =
        [("    # hidden: true            # reachable by link", "    hidden: true # reachable by link")];
    another_live(&market, "secret", &hidden).await;
    let router = market::router(market);
    Shop { router, place, _working: working }
}

/// Titles of the cards, in order.
fn cards(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let cards = answer.text().split("<article class=\"card\">").skip(1);
    let title =
        |card: &str| card.split("<h3>").nth(1)?.split('>').nth(1)?.split('<').next().map(str::to_owned);
    cards.filter_map(title).collect()
}

async fn with(router: &Router, path: &str, name: header::HeaderName, value: &str) -> Answer {
    send(router, request(Method::GET, path, "").header(name, value).body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_find_what_is_live() {
    let shop = shop().await;
    let router = &shop.router;
    let home = get(router, "/", "").await;
    assert_eq!(cards(&home).len(), 3);
    assert!(home.text().contains("/category/internet-of-things?subcategories=iot-edge-modules"));
    assert!(home.text().contains("3 modules"));
    for (path, titles) in [
        ("/search?q=time+series", vec!["Time Series Store"]),
        ("/search?q=modbsu", vec!["Modbus Gateway &lt;b&gt;"]),
        ("/search?q=readings&licence=byol", vec!["Time Series Store"]),
        ("/search?q=readings&licence=free", vec![]),
        (
            "/search?sort=name&publisher=contoso",
            vec!["Modbus Gateway &lt;b&gt;", "secret", "Time Series Store"],
        ),
        ("/category/storage", vec!["Time Series Store"]),
        (
            "/category/internet-of-things?subcategories=iot-edge-modules&page=1&sort=name",
            vec!["Modbus Gateway &lt;b&gt;", "secret", "Time Series Store"],
        ),
        ("/category/analytics", vec![]),
    ] {
        assert_eq!(cards(&get(router, path, "").await), titles, "{path}");
    }
    for missing in [
        "/category/none",
        "/category/storage?subcategories=iot-edge-modules",
        "/category/internet-of-things?subcategories=x",
    ] {
        assert_eq!(get(router, missing, "").await.status, StatusCode::NOT_FOUND, "{missing}");
    }
    let french = get(router, "/category/storage?lang=fr", "").await;
    assert!(
        french.text().contains("<h1>Stockage</h1>") && french.text().contains("1 module<"),
        "{}",
        french.text()
    );
    let hostile = get(
        router,
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22%E2%80%AE%F0%9F%92%A9&publisher=%27--",
        "",
    )
    .await;
    assert!(!hostile.text().contains("<script>alert"));
    assert_eq!(cards(&hostile).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_follows_what_goes_live() {
    let shop = shop().await;
    let market = &shop.place.market;
    assert_eq!(cards(&get(&shop.router, "/search?q=latecom", "").await).len(), 0);
    another_live(market, "latecomer", &[]).await;
    assert_eq!(cards(&get(&shop.router, "/search?q=latecom", "").await), ["latecomer"]);
    // A hidden plan is in no list of what there is.
    let found = market.search(&Actor::Anonymous, &market::search::Query::parse("q=secret")).await.unwrap();
    assert_eq!((found.offers[0].platforms.len(), found.offers[0].version.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_says_what_programs_and_people_ask() {
    let shop = shop().await;
    let router = &shop.router;
    let page = get(router, "/offers/contoso/gateway", "").await;
    for expected in [
        "<h1 itemprop=\"name\">Modbus Gateway &lt;b&gt;</h1>",
        "itemtype=\"https://schema.org/SoftwareApplication\"",
        "<meta property=\"og:title\" content=\"Modbus Gateway &lt;b&gt;\">",
        "<meta property=\"og:image\" content=\"http://127.0.0.1:8080/offers/contoso/gateway/pictures/logos/large.png?v=",
        "<link rel=\"canonical\" href=\"http://127.0.0.1:8080/offers/contoso/gateway\">",
        "docker pull 127.0.0.1:8080/contoso/gateway/standard:latest",
        "docker pull 127.0.0.1:8080/contoso/gateway/standard@sha256:",
        "edgemarket verify 127.0.0.1:8080/contoso/gateway/standard:latest --key keys.pem",
        "cosign verify --key keys.pem",
        "The module does not run as root",
        "Vulnerabilities today",
        "/offers/contoso/gateway/plans/standard/packages?platform=linux/amd64",
        "/api/v1/catalogue/contoso/gateway/standard/sbom?format=spdx&amp;platform=linux/amd64",
    ] {
        assert!(page.text().contains(expected), "{expected} is not in {}", page.text());
    }
    let french = get(router, "/offers/contoso/gateway?lang=fr", "").await;
    for expected in
        ["Le module ne s’exécute pas en tant que root", "Vulnérabilités aujourd’hui", "Gratuit", "1 couche"]
    {
        assert!(french.text().contains(expected), "{expected} is not in {}", french.text());
    }
    let packages = get(router, "/offers/contoso/gateway/plans/standard/packages?q=nothing", "").await;
    assert!(packages.text().contains("0 of"), "{}", packages.text());
    for missing in [
        "/offers/contoso/gateway/plans/none/packages",
        "/offers/contoso/gateway/plans/standard/packages?platform=plan9/mips",
        "/offers/contoso/gateway/logos/huge",
        "/listings/none",
        "/sitemaps/2",
        "/sitemaps/x",
    ] {
        assert_eq!(get(router, missing, "").await.status, StatusCode::NOT_FOUND, "{missing}");
    }
    let short = get(router, "/listings/contoso-gateway", "").await;
    assert_eq!(short.header(header::LOCATION), "/offers/contoso/gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_and_maps_are_well_formed() {
    let shop = shop().await;
    let router = &shop.router;
    for (path, element, count) in [
        ("/releases.atom", "<entry>", 3),
        ("/offers/contoso/gateway/releases.atom", "<entry>", 1),
        ("/sitemap.xml", "<sitemap>", 1),
        ("/sitemaps/1", "<url>", 3 + 1 + offer::categories::ALL.len()),
    ] {
        let answer = get(router, path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.header(header::CONTENT_TYPE).contains("xml"), "{path}");
        assert!(answer.text().starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<"), "{path}");
        assert_eq!(answer.text().matches(element).count(), count, "{path}: {}", answer.text());
        balanced(answer.text());
    }
    let feed = get(router, "/offers/contoso/gateway/releases.atom", "").await;
    assert!(
        feed.text().contains("<title>Modbus Gateway &lt;b&gt; standard 1.0.0</title>"),
        "{}",
        feed.text()
    );
    let robots = get(router, "/robots.txt", "").await;
    assert!(robots.text().contains("Sitemap: http://127.0.0.1:8080/sitemap.xml"));
}

/// Every element that begins ends, in order.
fn balanced(xml: &str) {
    let mut open = Vec::new();
    for tag in xml.split('<').skip(2).filter_map(|rest| rest.split('>').next()) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_are_told_the_truth() {
    let shop = shop().await;
    let router = &shop.router;
    let paths = ["/", "/offers/contoso/gateway", "/search?q=store", "/assets/style.css", "/releases.atom"];
    for path in paths {
        let first = get(router, path, "").await;
        let tag = first.header(header::ETAG).to_owned();
        assert!(tag.starts_with('"'), "{path}");
        let again = with(router, path, header::IF_NONE_MATCH, &format!("\"x\", W/{tag}")).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        assert_eq!(again.header(header::ETAG), tag);
        assert!(!again.header(header::CONTENT_SECURITY_POLICY).is_empty());
        let other = with(router, path, header::IF_NONE_MATCH, "\"x\"").await;
        assert_eq!(other.status, StatusCode::OK, "{path}");
    }
    let french = with(router, "/", header::ACCEPT_LANGUAGE, "fr").await;
    assert_ne!(french.header(header::ETAG), get(router, "/", "").await.header(header::ETAG));
    // A picture whose address names the submission is kept for good.
    let home = get(router, "/", "").await;
    let logo = home.text().split("src=\"/offers/").nth(1).unwrap().split('"').next().unwrap();
    let logo = get(router, &format!("/offers/{logo}"), "").await;
    assert!(logo.body.starts_with(b"\x89PNG") && logo.header(header::CACHE_CONTROL).contains("immutable"));
    let plain = get(router, "/offers/contoso/store/logos/small", "").await;
    assert!(!plain.header(header::CACHE_CONTROL).contains("immutable"));
}

#[tokio::test]
async fn a_theme_is_remembered_and_leads_back() {
    let place = place().await;
    let router = market::router(place.market.clone());
    let from = format!("http://{HOST}/search?q=x");
    let chosen = with(&router, "/theme/dark", header::REFERER, &from).await;
    assert_eq!(chosen.header(header::LOCATION), "/search?q=x");
    let cookie = chosen.header(header::SET_COOKIE).split(';').next().unwrap().to_owned();
    let dark = with(&router, "/", header::COOKIE, &cookie).await;
    assert!(dark.text().contains("<html data-theme=\"dark\" lang=\"en\""), "{}", dark.text());
    let missing = with(&router, "/no/such/page", header::COOKIE, &cookie).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text().contains("data-theme=\"dark\""));
    for other in ["edgemarket-theme=auto", "edgemarket-theme=\"><script>", "x=y"] {
        assert!(!with(&router, "/", header::COOKIE, other).await.text().contains("data-theme"));
    }
}

/// Every criterion has its name and its reason in both languages.
#[test]
fn criteria_are_translated() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../certify/src/criteria");
    let mut ids = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let source = std::fs::read_to_string(&entry).unwrap_or_default();
        if let Some(rest) = source.split("fn id(&self) -> &'static str {").nth(1) {
            ids.extend(rest.split('"').nth(1).map(str::to_owned));
        }
        // Those of the offer's findings are made by a macro.
        let made = source.split("listing_criterion!(").skip(1);
        ids.extend(made.filter_map(|rest| rest.split('"').nth(1)).map(str::to_owned));
    }
    assert!(ids.len() > 25, "{ids:?}");
    for language in ["en", "fr"] {
        let text = market::text::Text::of_locale(language);
        for id in &ids {
            for key in [format!("criterion-{id}"), format!("criterion-{id}-why")] {
                assert!(text.find(&key).is_some(), "{key} in {language}");
            }
        }
    }
}
