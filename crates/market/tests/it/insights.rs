//! Insights: downloads that the registry counted, once a pull, over restarts and from regions; vulnerabilities; charts, tables
//! and CSV.

use crate::http::{get, request, secret, send, stage};
use crate::regions::{content, ensure, region};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::clock::{Clock, Ids};
use market::insights::Insights;
use market::regions::RegionKind;
use market::{Actor, Market};
use oci::manifest::media_type;
use tempfile::TempDir;

const OWN: &str = "/publish/contoso/sensor/insights";
const API: &str = "/api/v1/offers/contoso/sensor/insights";

async fn insights(market: &Market) -> Insights {
    let days = market.days(None, None).unwrap();
    market.insights(&Actor::Operator, (&contoso(), &sensor()), days).await.unwrap()
}

/// Plan, tag, platform, region and how often.
async fn counted(market: &Market) -> Vec<(String, u64)> {
    let found = insights(market).await.downloads;
    let line = |d: market::insights::Downloads| {
        (format!("{} {} {} {}", d.plan, d.tag, d.platform, d.region), d.downloads)
    };
    found.into_iter().map(line).collect()
}

async fn pull(router: &Router, repository: &str, reference: &str, token: &str) -> StatusCode {
    get(router, &format!("/v2/{repository}/manifests/{reference}"), token).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_counts_once_and_a_look_does_not() {
    let stage = stage().await;
    let (router, market) = (&stage.router, &stage.place.market);
    let repository = "contoso/sensor/standard";
    assert_eq!(counted(market).await, []);
    for reference in ["latest", "1.0.0", "latest"] {
        assert_eq!(pull(router, repository, reference, "").await, StatusCode::OK);
    }
    let path = format!("/v2/{repository}/manifests/latest");
    let looked = send(router, request(Method::HEAD, &path, "").body(Body::empty()).unwrap()).await;
    assert_eq!(looked.status, StatusCode::OK);
    let etag = looked.header(header::ETAG).to_owned();
    let known =
        request(Method::GET, &path, "").header(header::IF_NONE_MATCH, &etag).body(Body::empty()).unwrap();
    assert_eq!(send(router, known).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(pull(router, repository, "9.9.9", "").await, StatusCode::NOT_FOUND);
    // Signatures and bills of materials are fetched like images, and are none.
    let digest = looked.header("docker-content-digest").to_owned();
    let referrers = get(router, &format!("/v2/{repository}/referrers/{digest}"), "").await.json();
    let attached = referrers["manifests"].as_array().unwrap();
    assert!(!attached.is_empty());
    for one in attached {
        assert_eq!(pull(router, repository, one["digest"].as_str().unwrap(), "").await, StatusCode::OK);
    }
    // A preview is no download.
    let named = secret(market, TokenRole::Customer(CUSTOMER)).await;
    assert_eq!(pull(router, "preview/contoso/sensor/standard", "latest", &named).await, StatusCode::OK);
    let here = market.config().settings.region.clone();
    assert_eq!(counted(market).await, [(format!("standard 1.0.0 linux/amd64 {here}"), 3)]);
    // Asked again it is the same, and what comes later is added.
    pull(router, repository, &digest, "").await;
    assert_eq!(counted(market).await[0].1, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_outlive_the_process_that_ends_in_order() {
    let directory = TempDir::new().unwrap();
    let market = open(directory.path(), market::Faults::default()).await;
    found(&market).await;
    push(&market, "one", &["latest", "1.0.0"]).await;
    let working = work(&market);
    publish(&market, offer(&["latest", "1.0.0"])).await;
    wait_for(&market, offer::submission::SubmissionState::WaitingForPublisherReview).await;
    go_live(&market).await;
    let router = market::router(market.clone());
    for _ in 0..5 {
        pull(&router, "contoso/sensor/standard", "latest", "").await;
    }
    drop(working);
    // Nobody has asked for them and no period has passed: closing writes them.
    market.close().await;
    drop((router, market));
    let market = loop {
        match Market::open(config_at(directory.path()), Clock::system(), Ids::system()).await {
            Ok(market) => break market,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(25)).await,
        }
    };
    assert_eq!(counted(&market).await[0].1, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_is_asked_for_its_downloads_and_believed_once() {
    let (home, there) = (place().await, place().await);
    let any = market::offers::IfMatch::Any;
    let files = offer(&["latest", "1.0.0"]);
    home.market.put_draft(&publisher(), (&contoso(), &sensor()), files, any).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = market::router(there.market.clone());
    let served = router.clone();
    let server = tokio::spawn(async { axum::serve(listener, served).await.unwrap() });
    let token = secret(&there.market, TokenRole::Region("home".to_owned())).await;
    let region = region(&home, "east", RegionKind::Instance, url, Some(token.clone())).await;
    let content = [content(&home, "contoso/sensor/standard").await];
    ensure(&*region, &content).await.unwrap();
    region.move_tags(&content).await.unwrap();
    // As a client does it: the index first, then the image that it chose.
    let image =
        content[0].manifests.iter().find(|found| found.media_type == media_type::OCI_MANIFEST).unwrap();
    for _ in 0..3 {
        assert_eq!(pull(&router, "contoso/sensor/standard", "latest", "").await, StatusCode::OK);
        let digest = image.digest.to_string();
        assert_eq!(pull(&router, "contoso/sensor/standard", &digest, "").await, StatusCode::OK);
    }
    there.market.write_downloads().await.unwrap();
    let told = get(&router, "/api/v1/replica/downloads", &token).await.json();
    assert_eq!((told.as_array().unwrap().len(), &told[0]["downloads"]), (1, &3.into()), "{told}");
    for bad in ["since=x", "offset=-1", "since=99999999999999999999"] {
        let answer = get(&router, &format!("/api/v1/replica/downloads?{bad}"), &token).await;
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let _working = work(&home.market);
    let arrived = async || {
        counted(&home.market)
            .await
            .iter()
            .any(|(what, count)| what == "standard 1.0.0 linux/ east" && *count == 3)
    };
    until("the counts of the region", arrived).await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_have_their_tables_and_their_csv() {
    let stage = stage().await;
    let (router, market) = (&stage.router, &stage.place.market);
    let none = get(router, OWN, &stage.own).await;
    assert!(none.text().contains("Nothing was downloaded in these days."), "{}", none.text());
    for _ in 0..7 {
        pull(router, "contoso/sensor/standard", "latest", "").await;
    }
    for by in ["plan", "version", "platform", "region", "nonsense"] {
        let page = get(router, &format!("{OWN}?by={by}"), &stage.own).await;
        assert!(
            page.text().contains("<svg viewBox") && page.text().contains("7 downloads from"),
            "{}",
            page.text()
        );
        assert!(page.text().contains("aria-labelledby=\"downloads-title\""));
    }
    let french = get(router, &format!("{OWN}?lang=fr"), &stage.own).await;
    assert!(french.text().contains("7 téléchargements du"), "{}", french.text());
    let today = insights(market).await.to;
    let csv = get(router, &format!("{OWN}/downloads.csv"), &stage.own).await;
    assert_eq!(csv.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    let expected = format!("{today},contoso,sensor,standard,1.0.0,linux/amd64,");
    assert!(csv.text().starts_with("day,publisher,offer,plan,version,platform,region,downloads\r\n"));
    assert!(csv.text().contains(&expected) && csv.text().ends_with(",7\r\n"), "{}", csv.text());
    let vulnerabilities = get(router, &format!("{OWN}/vulnerabilities.csv"), &stage.own).await;
    assert!(vulnerabilities.text().contains(",1,false,false,0,0,0,0\r\n"), "{}", vulnerabilities.text());
    assert_eq!(get(router, &format!("{OWN}/leads.csv"), &stage.own).await.text(), "day,leads\r\n");
    let json = get(router, &format!("{API}?from={today}&to={today}"), &stage.own).await.json();
    assert_eq!(json["downloads"][0]["downloads"], 7);
    for bad in [
        "from=x",
        "to=2026-13-01",
        "from=2020-01-01&to=2026-01-01",
        "from=2026-02-02&to=2026-02-01",
        "from=%F0%9F%92%A5",
    ] {
        assert_eq!(
            get(router, &format!("{OWN}?{bad}"), &stage.own).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{bad}"
        );
        get(router, &format!("{API}?{bad}"), &stage.own).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(get(router, &format!("{OWN}/secrets.csv"), &stage.own).await.status, StatusCode::NOT_FOUND);

    market.add_publisher(&Actor::Operator, &"fabrikam".parse().unwrap(), "Fabrikam").await.unwrap();
    let other = secret(market, TokenRole::Publisher("fabrikam".to_owned())).await;
    for path in [OWN.to_owned(), format!("{OWN}/downloads.csv")] {
        assert_eq!(get(router, &path, &other).await.status, StatusCode::NOT_FOUND);
    }
    get(router, API, &other).await.problem(StatusCode::NOT_FOUND);
    assert_eq!(get(router, "/api/v1/insights", &other).await.json(), serde_json::json!([]));
    let operator = secret(market, TokenRole::Operator).await;
    for token in [&operator, &stage.own] {
        let all = get(router, "/api/v1/insights", token).await.json();
        assert_eq!((&all[0]["offer"], &all[0]["downloads"]), (&"sensor".into(), &7.into()), "{all}");
        assert!(get(router, "/insights", token).await.text().contains("contoso.sensor"));
        assert!(get(router, "/insights/downloads.csv", token).await.text().contains("contoso,sensor,,,,"));
    }
    let counts_of_regions = get(router, "/api/v1/replica/downloads", &operator).await;
    counts_of_regions.problem(StatusCode::FORBIDDEN);
}
