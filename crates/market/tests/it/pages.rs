//! The pages, as browsers get them.

use crate::http::{Answer, HOST, get, request, secret, send, stage};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::regions::{RegionChange, RegionKind};
use market::{Actor, portal};
use offer::submission::SubmissionState;
use std::collections::BTreeSet;

async fn page(router: &Router, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = request(Method::GET, path, "");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    send(router, request.body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, path: &str, token: &str, origin: Option<&str>, body: &'static str) -> Answer {
    let mut request = request(Method::POST, path, "");
    if !token.is_empty() {
        request = request.header(header::COOKIE, format!("edgemarket-session={token}"));
    }
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    send(router, request.body(Body::from(body)).unwrap()).await
}

fn here() -> String {
    format!("http://{HOST}")
}

/// What is shown where a sentence is missing: its key.
fn raw_keys(html: &str) -> Vec<String> {
    let keys = keys("en");
    let words = html.split(['<', '>']).map(str::trim);
    words.filter(|word| word.contains('-') && keys.contains(*word)).map(str::to_owned).collect()
}

/// Every key of a language.
fn keys(language: &str) -> BTreeSet<String> {
    let locales = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("locales");
    let mut files = vec![locales.join(format!("{language}.ftl"))];
    files.extend(std::fs::read_dir(locales.join(language)).unwrap().map(|entry| entry.unwrap().path()));
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.split(" = ").next()).map(str::to_owned).collect()
}

/// The sources of the pages.
fn sources(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                found.push(std::fs::read_to_string(path).unwrap());
            }
            false => {}
        }
    }
    found
}

#[tokio::test]
async fn the_catalogue_is_empty_and_says_what_to_do() {
    let place = place().await;
    let router = market::router(place.market.clone());
    let english = page(&router, "/", &[]).await;
    assert_eq!(english.status, StatusCode::OK);
    assert!(english.text().contains("edgemarket publish"));
    assert!(english.text().contains("<html lang=\"en\""));
    let french = page(&router, "/", &[(header::ACCEPT_LANGUAGE, "de;q=0.9, fr-CH;q=0.8, en;q=0.2")]).await;
    assert!(french.text().contains("<html lang=\"fr\""));
    assert!(french.text().contains("Rien n’est encore en direct"));
    let asked = page(&router, "/?lang=en", &[(header::ACCEPT_LANGUAGE, "fr")]).await;
    assert!(asked.text().contains("<html lang=\"en\""));
}

#[tokio::test]
async fn a_chosen_language_stays_and_leads_back() {
    let place = place().await;
    let router = market::router(place.market.clone());
    let from = format!("http://{HOST}/offers/contoso/sensor?preview=true");
    let chosen = page(&router, "/language/fr", &[(header::REFERER, &from)]).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER);
    assert_eq!(chosen.header(header::LOCATION), "/offers/contoso/sensor?preview=true");
    assert!(chosen.header(header::SET_COOKIE).starts_with("edgemarket-language=fr;"));
    let after = page(&router, "/", &[(header::COOKIE, "a=b; edgemarket-language=fr")]).await;
    assert!(after.text().contains("<html lang=\"fr\""));
    for foreign in ["http://evil.example/x", "http://market.example//evil.example/", "nonsense"] {
        let answer = page(&router, "/language/fr", &[(header::REFERER, foreign)]).await;
        assert!(!answer.header(header::LOCATION).starts_with("//"));
        assert!(!answer.header(header::LOCATION).contains("://"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_shown_without_its_hostile_parts() {
    let place = place().await;
    let market = &place.market;
    push(market, "one", &["latest", "1.0.0"]).await;
    let _working = work(market);
    let mut files = offer(&["latest", "1.0.0"]);
    edit(&mut files, "title: \"Sensor\"\n  summary", "title: \"Sensor <script>\"\n  summary");
    let description = files.get_mut("description.html").unwrap();
    let hostile = b"<p onclick=\"steal()\">kind<script>steal()</script><img src=x onerror=steal()>\
        <a href=\"javascript:steal()\">link</a><style>body{display:none}</style><iframe src=//evil></iframe></p>";
    description.splice(0..0, hostile.iter().copied());
    let id = (&contoso(), &sensor());
    let draft = market.put_draft(&publisher(), id, files, market::offers::IfMatch::Any).await.unwrap();
    let publish = market::submissions::Publish::default();
    market.publish(&publisher(), id, &publish, market::offers::IfMatch::Any).await.unwrap();
    let refused = loop {
        let now = market.status(&publisher(), id).await.unwrap();
        if now.summary.state.is_final() || now.summary.state == SubmissionState::WaitingForPublisherReview {
            break now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let router = market::router(market.clone());
    let token = secret(market, TokenRole::Publisher("contoso".to_owned())).await;
    let path = match refused.summary.state {
        SubmissionState::WaitingForPublisherReview => "/offers/contoso/sensor?preview=true".to_owned(),
        _ => format!("/submissions/{}", refused.summary.id),
    };
    assert!(!draft.findings.is_empty());
    let shown = get(&router, &path, &token).await;
    assert_eq!(shown.status, StatusCode::OK);
    for hostile in ["<script>", "onclick=", "onerror=", "href=\"javascript:", "<iframe", "<style"] {
        assert!(!shown.text().contains(hostile), "{hostile} in {}", shown.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_for_those_who_are_named() {
    let stage = stage().await;
    let (router, market) = (&stage.router, &stage.place.market);
    let named = secret(market, TokenRole::Customer(CUSTOMER)).await;
    let stranger = market.add_subscription(&Actor::Operator, None, "A stranger").await.unwrap();
    let stranger = secret(market, TokenRole::Customer(stranger.id)).await;
    let preview = "/offers/contoso/sensor?preview=true";
    let logo = "/offers/contoso/sensor/pictures/logos/large.png?preview=true";
    for (token, status) in [(&named, 200), (&stage.own, 200), (&stranger, 404), (&String::new(), 404)] {
        for path in [preview, logo] {
            let answer = get(router, path, token).await;
            assert_eq!(answer.status.as_u16(), status, "{path}");
            assert!(answer.header(header::CACHE_CONTROL).contains("private"), "{path}");
        }
    }
    let shown = get(router, preview, &named).await;
    assert!(shown.text().contains("preview/contoso/sensor/standard:latest"));
    let live = get(router, "/offers/contoso/sensor", "").await;
    assert!(live.text().contains("docker pull 127.0.0.1:8080/contoso/sensor/standard:latest"));
    assert!(live.text().contains("SBOM linux/amd64"));
    assert!(get(router, "/", "").await.text().contains("href=\"/offers/contoso/sensor\""));
    let picture = get(router, "/offers/contoso/sensor/pictures/offer.yaml", "").await;
    assert_eq!(picture.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_signed_off_in_the_browser() {
    let stage = stage().await;
    let router = &stage.router;
    let path = format!("/submissions/{}", stage.waiting);
    let anonymous = get(router, &path, "").await;
    let door = format!("/sign-in?next=%2Fsubmissions%2F{}", stage.waiting);
    assert_eq!(
        (anonymous.status, anonymous.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, door.as_str())
    );
    let go_live = format!("{path}/go-live");
    for origin in [None, Some("http://evil.example"), Some("null"), Some("http://market.example:81")] {
        let refused = post(router, &go_live, &stage.own, origin, "").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    let unknown = post(router, &go_live, "", Some(&here()), "").await;
    assert_eq!((unknown.status, unknown.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/sign-in"));
    let shown = page(router, &path, &[(header::COOKIE, &format!("edgemarket-session={}", stage.own))]).await;
    assert!(shown.text().contains(&go_live) && shown.text().contains("Waiting for publisher review"));
    let done = post(router, &go_live, &stage.own, Some(&here()), "").await;
    assert_eq!((done.status, done.header(header::LOCATION)), (StatusCode::SEE_OTHER, path.as_str()));
    wait_for(&stage.place.market, SubmissionState::Succeeded).await;
    let again = post(router, &go_live, &stage.own, Some(&here()), "").await;
    // Pressed twice: it went live once, and the second answer is the same.
    assert_eq!((again.status, again.header(header::LOCATION)), (StatusCode::SEE_OTHER, path.as_str()));
    let history = stage.place.market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let signed = history.iter().filter(|action| action.submission.as_deref() == Some(stage.waiting.as_str()));
    assert_eq!(signed.filter(|action| action.action == "went-live").count(), 1);
}

#[tokio::test]
async fn signing_in_keeps_the_token_from_scripts_and_other_sites() {
    let place = place().await;
    let router = market::router(place.market.clone());
    let token = secret(&place.market, TokenRole::Publisher("contoso".to_owned())).await;
    for wrong in ["token=wrong", "token=+", "token=%0d%0aSet-Cookie:x=y"] {
        let answer = post(&router, "/sign-in", "", Some(&here()), wrong).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.text().contains("unknown, expired or revoked"));
        assert!(answer.headers.get(header::SET_COOKIE).is_none());
    }
    let body: &'static str = Box::leak(format!("token=+{token}%0A").into_boxed_str());
    let foreign = post(&router, "/sign-in", "", Some("http://evil.example"), body).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let signed_in = post(&router, "/sign-in", "", Some(&here()), body).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let cookie = signed_in.header(header::SET_COOKIE);
    for part in [token.as_str(), "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let account =
        page(&router, "/sign-in", &[(header::COOKIE, &format!("edgemarket-session={token}"))]).await;
    assert!(account.text().contains("publisher:contoso"));
    assert!(!account.text().contains(&token));
    let out = post(&router, "/sign-out", &token, Some(&here()), "").await;
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_guarded_and_whole_in_both_languages() {
    let stage = stage().await;
    let submission = format!("/submissions/{}", stage.waiting);
    let paths = [
        "/",
        "/search?q=sensor",
        "/search?q=nothing-of-this-name",
        "/category/analytics",
        "/category/none",
        "/offers/contoso/sensor",
        "/offers/contoso/sensor/plans/standard/packages",
        "/sign-in",
        &submission,
        &format!("{submission}/go-live"),
        &format!("{submission}/cancel"),
        &format!("{submission}/tickets"),
        "/tickets",
        "/publish/contoso/sensor/history",
        "/publish/contoso/sensor/compare",
        &format!("/publish/contoso/sensor/compare?from=live&to={}", stage.waiting),
        "/publish/contoso/sensor/selling",
        "/publish/contoso/sensor/selling/stop",
        "/publish/contoso/sensor/delete-draft",
        "/publish/contoso/sensor/insights",
        "/publish/contoso/sensor/insights?by=platform",
        "/insights",
        "/no/such/page",
        "/offers/no/thing",
    ];
    for language in ["en", "fr"] {
        for path in paths {
            let answer = get(
                &stage.router,
                &format!("{path}{}lang={language}", if path.contains('?') { "&" } else { "?" }),
                &stage.own,
            )
            .await;
            let html = answer.text();
            let csp = answer.header(header::CONTENT_SECURITY_POLICY);
            assert!(csp.starts_with("default-src 'none'") && !csp.contains("unsafe"), "{path}: {csp}");
            assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
            assert!(html.contains(&format!("<html lang=\"{language}\"")), "{path}: {html}");
            assert_eq!(raw_keys(html), Vec::<String>::new(), "{path} in {language}");
            assert!(!html.contains(" style=") && !html.contains("<script>"), "{path}");
            assert_eq!(html.matches("<h1").count(), 1, "{path} has one heading");
            if language == "fr" {
                for english in ["Not Found", "Sign in<", "Skip to", "Standard contract"] {
                    assert!(!html.contains(english), "{english} on {path}");
                }
            }
        }
    }
    let missing = get(&stage.router, "/no/such/page?lang=fr", "").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text().contains("Il n’y a pas de page à /no/such/page."), "{}", missing.text());
    let method = send(&stage.router, request(Method::DELETE, "/", "").body(Body::empty()).unwrap()).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(method.text().contains("<h1>"));
    for (_, path) in portal::ROUTES
        .iter()
        .chain(portal::MANAGING_ROUTES)
        .filter(|(method, path)| *method == "GET" && path.starts_with("/assets"))
    {
        let asset = get(&stage.router, path, "").await;
        assert_eq!(asset.status, StatusCode::OK);
        assert_eq!(asset.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_are_shown_to_operators_with_what_they_lack() {
    let stage = stage().await;
    let market = &stage.place.market;
    let operator = secret(market, TokenRole::Operator).await;
    let empty = get(&stage.router, "/regions", &operator).await;
    assert!(empty.text().contains("No region yet"), "{}", empty.text());
    let url = "http://127.0.0.1:9".to_owned();
    crate::catching_up::add(market, RegionKind::Registry, url, false, None).await;
    // The offer of the stage is live; a worker may have tried already to bring it there.
    let paused = RegionChange { paused: Some(true), ..RegionChange::default() };
    market.change_region(&Actor::Operator, "eu", paused).await.unwrap();
    let shown = get(&stage.router, "/regions?lang=fr", &operator).await;
    for expected in ["En pause.", "facultative", "Il y manque : soumissions 1,", "(depuis "] {
        assert!(shown.text().contains(expected), "{expected}: {}", shown.text());
    }
    assert_eq!(raw_keys(shown.text()), Vec::<String>::new());
    assert_eq!(get(&stage.router, "/regions", &stage.own).await.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&stage.router, "/regions", "").await.status, StatusCode::SEE_OTHER);
}

/// Every key that the pages' code names, also those that it makes from the names of states.
#[test]
fn every_sentence_that_the_pages_use_is_there() {
    let sources = sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal"));
    assert!(sources.len() > 10);
    let mut used: BTreeSet<String> = BTreeSet::new();
    for source in &sources {
        for call in
            ["text.get(\"", "text.with(\"", " => \"verdict-", " => \"failure-", " => \"severity-", "(row(\""]
        {
            let named = source.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            let prefix = call.split('"').nth(1).unwrap_or_default();
            used.extend(named.map(|key| format!("{prefix}{key}")));
        }
    }
    used.retain(|key| !key.contains('{'));
    assert!(used.len() > 100, "{used:?}");
    used.extend(SubmissionState::ALL.iter().map(|s| format!("state-{}", format!("{s:?}").to_lowercase())));
    used.extend(market::search::Sort::ALL.iter().map(|sort| format!("sort-{}", sort.name())));
    used.extend(market::search::Facet::ALL.iter().map(|facet| format!("facet-{}", facet.name())));
    used.extend(["auto", "light", "dark"].iter().map(|theme| format!("theme-{theme}")));
    for language in ["en", "fr"] {
        let there = keys(language);
        let missing: Vec<&String> = used.iter().filter(|key| !there.contains(*key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
