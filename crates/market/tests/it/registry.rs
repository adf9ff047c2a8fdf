//! The registry as the marketplace owns it, over HTTP: scopes, bearer tokens, and rights that end at once.

use crate::http::{Answer, get, request, secret, send, stage};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::Actor;
use market::access::TokenRole;
use oci::digest::Digest;
use std::time::Duration;

const PREVIEW: &str = "preview/contoso/sensor/standard";
const PUBLIC: &str = "contoso/sensor/standard";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A bearer token for these scopes, asked for with an API token, or with none when that is empty.
async fn bearer(router: &Router, api_token: &str, scopes: &str) -> String {
    let answer = get(router, &format!("/v2/token?scope={scopes}"), api_token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn write(router: &Router, method: Method, path: &str, token: &str, body: &str) -> Answer {
    let request = request(method, path, token).header(header::CONTENT_TYPE, MANIFEST);
    send(router, request.body(Body::from(body.to_owned())).unwrap()).await
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["errors"][0]["code"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_preview_is_unreadable_at_once() {
    let stage = stage().await;
    let (market, router) = (&stage.place.market, &stage.router);
    let customer = secret(market, TokenRole::Customer(CUSTOMER)).await;
    let token = bearer(router, &customer, &format!("repository:{PREVIEW}:pull")).await;
    let by_tag = format!("/v2/{PREVIEW}/manifests/latest");
    let manifest = get(router, &by_tag, &token).await;
    assert_eq!(manifest.status, StatusCode::OK, "{}", manifest.text());
    let digest = manifest.header("docker-content-digest").to_owned();
    let layer = manifest.json()["layers"][0]["digest"].as_str().unwrap().to_owned();
    let paths = [
        by_tag,
        format!("/v2/{PREVIEW}/manifests/{digest}"),
        format!("/v2/{PREVIEW}/blobs/{layer}"),
        format!("/v2/{PREVIEW}/tags/list"),
        format!("/v2/{PREVIEW}/referrers/{digest}"),
    ];
    // Twice, so that what is remembered of the first time answers the second.
    for path in paths.iter().chain(&paths) {
        assert_eq!(get(router, path, &token).await.status, StatusCode::OK, "{path}");
    }
    market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
    for path in &paths {
        assert_eq!(code(&get(router, path, &token).await), (404, "NAME_UNKNOWN".into()), "{path}");
        assert_eq!(code(&get(router, path, &customer).await), (404, "NAME_UNKNOWN".into()), "{path}");
        assert_eq!(code(&get(router, path, "").await), (401, "UNAUTHORIZED".into()), "{path}");
    }
    let live = get(router, &format!("/v2/{PUBLIC}/manifests/latest"), "").await;
    assert_eq!(live.status, StatusCode::OK, "what is live stays for everybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_the_bearer_tokens_that_came_of_it() {
    let place = place().await;
    let router = market::router(place.market.clone());
    push(&place.market, "one", &["1.0.0"]).await;
    let role = TokenRole::Publisher("contoso".to_owned());
    let hour = Duration::from_secs(3_600);
    let new = place.market.create_token(&Actor::Operator, role, "ci", hour).await.unwrap();
    let token = bearer(&router, &new.secret, "repository:incoming/contoso/sensor:pull").await;
    let path = "/v2/incoming/contoso/sensor/manifests/1.0.0";
    for token in [&token, &new.secret, &token] {
        assert_eq!(get(&router, path, token).await.status, StatusCode::OK);
    }
    place.market.revoke_token(&Actor::Operator, &new.token.id).await.unwrap();
    for token in [&token, &new.secret] {
        assert_eq!(code(&get(&router, path, token).await), (401, "UNAUTHORIZED".into()));
        assert_eq!(get(&router, "/v2/token", token).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_does_what_it_was_asked_for_and_no_more() {
    let place = place().await;
    let (market, router) = (&place.market, market::router(place.market.clone()));
    let image = push(market, "one", &["1.0.0"]).await;
    let own = secret(market, TokenRole::Publisher("contoso".to_owned())).await;
    let pull = bearer(&router, &own, "repository:incoming/contoso/sensor:pull").await;
    let uploads = "/v2/incoming/contoso/sensor/blobs/uploads/";
    let refused = write(&router, Method::POST, uploads, &pull, "").await;
    let challenge = refused.header(header::WWW_AUTHENTICATE).to_owned();
    assert!(challenge.contains("scope=\"repository:incoming/contoso/sensor:pull,push\""), "{challenge}");
    assert!(challenge.ends_with("error=\"insufficient_scope\""), "{challenge}");
    let elsewhere = get(&router, "/v2/incoming/contoso/other/tags/list", &pull).await;
    assert_eq!(code(&elsewhere), (401, "UNAUTHORIZED".into()));
    // It is not exchanged for a wider one, nor does asking for more than its holder may give more.
    assert_eq!(get(&router, "/v2/token", &pull).await.status, StatusCode::UNAUTHORIZED);
    let wide = "repository:incoming/contoso/sensor:pull,push,delete+repository:contoso/sensor/standard:push";
    let wide = bearer(&router, &own, wide).await;
    assert_eq!(write(&router, Method::POST, uploads, &wide, "").await.status, StatusCode::ACCEPTED);
    let path = format!("/v2/incoming/contoso/sensor/manifests/{}", image.digest);
    assert_eq!(code(&write(&router, Method::DELETE, &path, &wide, "").await), (403, "DENIED".into()));
    let public = format!("/v2/{PUBLIC}/blobs/uploads/");
    assert_eq!(code(&write(&router, Method::POST, &public, &wide, "").await), (403, "DENIED".into()));
    for forged in ["forged", &wide[1..], &format!("{wide}A")] {
        assert_eq!(get(&router, "/v2/", forged).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(get(&router, "/v2/", &wide).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_tries_out_in_the_incoming_scope_and_clears_up() {
    let place = place().await;
    let (market, router) = (&place.market, market::router(place.market.clone()));
    let token = secret(market, TokenRole::Operator).await;
    let scratch = "/v2/incoming/contoso/scratch";
    let config = Digest::of(b"{}");
    let blob = format!("{scratch}/blobs/uploads/?digest={config}");
    assert_eq!(write(&router, Method::POST, &blob, &token, "{}").await.status, StatusCode::CREATED);
    // A second repository takes it from wherever the operator may read it; a stranger to it does not.
    let mount = format!("/v2/incoming/contoso/second/blobs/uploads/?mount={config}");
    assert_eq!(write(&router, Method::POST, &mount, &token, "").await.status, StatusCode::CREATED);
    market.add_publisher(&Actor::Operator, &"fabrikam".parse().unwrap(), "Fabrikam").await.unwrap();
    let other = secret(market, TokenRole::Publisher("fabrikam".to_owned())).await;
    let mount = format!("/v2/incoming/fabrikam/app/blobs/uploads/?mount={config}");
    assert_eq!(write(&router, Method::POST, &mount, &other, "").await.status, StatusCode::ACCEPTED);

    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":2}},"layers":[]}}"#
    );
    let digest = Digest::of(manifest.as_bytes());
    let by_digest = format!("{scratch}/manifests/{digest}");
    let put = write(&router, Method::PUT, &format!("{by_digest}?tag=a&tag=b"), &token, &manifest).await;
    assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
    let tags = get(&router, &format!("{scratch}/tags/list"), &token).await;
    assert_eq!(tags.json()["tags"], serde_json::json!(["a", "b"]));
    for path in [format!("{scratch}/manifests/a"), by_digest, format!("{scratch}/blobs/{config}")] {
        assert_eq!(get(&router, &path, &token).await.status, StatusCode::OK, "{path}");
        assert_eq!(write(&router, Method::DELETE, &path, &token, "").await.status, StatusCode::ACCEPTED);
        assert_eq!(get(&router, &path, &token).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(code(&get(&router, &format!("{scratch}/tags/list"), &token).await).0, 404);
    for scope in [PUBLIC, PREVIEW, "incoming/NOBODY/app", "incoming/-/app"] {
        let uploads = format!("/v2/{scope}/blobs/uploads/");
        let refused = write(&router, Method::POST, &uploads, &token, "").await;
        assert!(refused.status.is_client_error(), "{scope}");
    }
}
