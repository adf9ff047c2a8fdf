//! What browsers keep: ETags of pages and assets, and what makes another page of it.

use crate::http::{Answer, request, send, stage};
use crate::roles::person;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::accounts::Invited;

/// The address by which a page names an asset.
pub fn asset(page: &Answer, name: &str) -> String {
    let begin = format!("\"/assets/{name}");
    let (_, rest) = page.text().split_once(&begin).unwrap_or_else(|| panic!("{name}: {}", page.text()));
    format!("/assets/{name}{}", rest.split('"').next().unwrap())
}

async fn get(router: &Router, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = request(Method::GET, path, "");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    send(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_has_is_not_sent_again() {
    let stage = stage().await;
    for path in [
        "/",
        "/search?q=sensor",
        "/category/internet-of-things",
        "/offers/contoso/sensor",
        "/offers/contoso/sensor/plans/standard/packages",
        "/offers/contoso/sensor/logos/medium",
        "/releases.atom",
        "/sitemap.xml",
        "/assets/style.css",
    ] {
        let first = get(&stage.router, path, &[]).await;
        let tag = first.header(header::ETAG).to_owned();
        assert_eq!((first.status, tag.is_empty()), (StatusCode::OK, false), "{path}");
        let weak = format!("\"other\", W/{tag}");
        for known in [tag.as_str(), weak.as_str(), "*"] {
            let again = get(&stage.router, path, &[(header::IF_NONE_MATCH, known)]).await;
            assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path} {known}");
            for name in [header::ETAG, header::CACHE_CONTROL, header::VARY, header::CONTENT_SECURITY_POLICY] {
                assert_eq!(again.header(&name), first.header(&name), "{path} {name}");
            }
        }
        let other = get(&stage.router, path, &[(header::IF_NONE_MATCH, "\"other\"")]).await;
        assert_eq!((other.status, other.body.len()), (StatusCode::OK, first.body.len()), "{path}");
    }
    // What says no has no tag that would make a browser think that it has the page.
    let missing = get(&stage.router, "/no/such/page", &[(header::IF_NONE_MATCH, "*")]).await;
    assert_eq!((missing.status, missing.header(header::ETAG)), (StatusCode::NOT_FOUND, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reader_gets_another_tag() {
    let stage = stage().await;
    let market = &stage.place.market;
    let (one, two) =
        (person(market, "one", None).await, person(market, "two", Some(Invited::Operator)).await);
    let [one, two] = [one, two].map(|secret| format!("edgemarket-session={secret}"));
    for path in ["/", "/offers/contoso/sensor", "/search?q=sensor"] {
        let readers: [&[(header::HeaderName, &str)]; 6] = [
            &[],
            &[(header::ACCEPT_LANGUAGE, "fr")],
            &[(header::COOKIE, "edgemarket-theme=dark")],
            &[(header::COOKIE, "edgemarket-theme=light")],
            &[(header::COOKIE, &one)],
            &[(header::COOKIE, &two)],
        ];
        let mut tags = Vec::new();
        for reader in readers {
            let page = get(&stage.router, path, reader).await;
            assert_eq!(page.header(header::VARY), "cookie, accept-language", "{path}");
            assert!(page.header(header::CACHE_CONTROL).starts_with("private"), "{path}");
            let again = get(&stage.router, path, reader).await;
            assert_eq!(
                again.header(header::ETAG),
                page.header(header::ETAG),
                "{path}: the same for the same"
            );
            tags.push(page.header(header::ETAG).to_owned());
        }
        let count = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count, "{path}");
    }
    // Signed out meanwhile: what the browser has is not this any more.
    let signed_in = get(&stage.router, "/", &[(header::COOKIE, &one)]).await;
    let out = get(&stage.router, "/", &[(header::IF_NONE_MATCH, signed_in.header(header::ETAG))]).await;
    assert_eq!(out.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_ever_by_an_address_that_changes_with_them() {
    let stage = stage().await;
    let page = get(&stage.router, "/offers/contoso/sensor", &[]).await;
    let named: Vec<&str> = page.text().split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(named.len() >= 7, "{named:?}");
    for address in named {
        let (path, _) = address.split_once("?v=").unwrap_or_else(|| panic!("{address} has no digest"));
        let sent = get(&stage.router, address, &[]).await;
        assert_eq!(sent.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable", "{address}");
        assert_eq!(sent.header(header::VARY), "", "{address}");
        // By another address it is what it is now, and asked for each time.
        for other in [path.to_owned(), format!("{path}?v=000000000000"), format!("{path}?v=")] {
            let now = get(&stage.router, &other, &[]).await;
            assert_eq!((now.status, now.header(header::CACHE_CONTROL)), (StatusCode::OK, "public, no-cache"));
            assert!(now.body == sent.body, "{other}");
        }
    }
}
