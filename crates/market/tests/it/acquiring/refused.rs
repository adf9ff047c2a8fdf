//! Who is refused, and what: other subscriptions, private plans, terms that were not read, hostile fields.

use super::{ACQUIRE, API, Shop, asking, wanted};
use crate::http::{call, get, request, secret, send};
use crate::support::*;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::Actor;
use market::access::TokenRole;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_nothing_of_it() {
    let shop = Shop::open().await;
    let id = shop.acquire().await;
    let kept =
        call(&shop.router, Method::POST, "/api/v1/deployments", &shop.customer, &wanted("margo").to_string())
            .await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
    let deployment = kept.json()["id"].as_str().unwrap().to_owned();
    let other = shop.market().add_subscription(&Actor::Operator, None, "Other").await.unwrap();
    let strangers = [
        secret(shop.market(), TokenRole::Customer(other.id)).await,
        secret(shop.market(), TokenRole::Publisher("contoso".to_owned())).await,
    ];
    for token in &strangers {
        for path in [
            format!("/api/v1/deployments/{deployment}"),
            format!("/deployments/{deployment}"),
            format!("/deployments/{deployment}/files/margo.yaml"),
            format!("/deploy?from={deployment}"),
            format!("/deploy?module={id}"),
            format!("/modules/{id}"),
            format!("/api/v1/acquisitions?subscription={CUSTOMER}"),
        ] {
            assert_eq!(get(&shop.router, &path, token).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        for path in [format!("/modules/{id}/remove"), format!("/modules/{id}/restore")] {
            assert_eq!(shop.post_as(token, &path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let forged =
            call(&shop.router, Method::POST, "/api/v1/deployments", token, &wanted("azure").to_string())
                .await;
        forged.problem(StatusCode::NOT_FOUND);
        let terms = shop.terms().await;
        let body = json!({"subscription": CUSTOMER, "acceptedTerms": terms}).to_string();
        let forged = call(&shop.router, Method::POST, &format!("{API}/acquire"), token, &body).await;
        forged.problem(StatusCode::NOT_FOUND);
        assert!(!get(&shop.router, "/modules", token).await.text().contains(&id));
    }
    let operator = secret(shop.market(), TokenRole::Operator).await;
    assert_eq!(
        get(&shop.router, &format!("/api/v1/deployments/{deployment}"), &operator).await.status,
        StatusCode::OK
    );
    // Another site's form changes nothing.
    let foreign = request(Method::POST, &format!("/modules/{id}/remove"), &shop.customer)
        .header(header::ORIGIN, "https://elsewhere.example");
    let foreign = send(&shop.router, foreign.body(Body::empty()).unwrap()).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    // What devices fetch is there for whoever has the link, and holds no value.
    let package = get(&shop.router, &format!("/api/v1/deployments/{deployment}/package"), "").await;
    assert_eq!((package.status, package.header(header::CONTENT_TYPE)), (StatusCode::OK, "application/gzip"));
    let margo = kept.json()["files"][0]["content"].as_str().unwrap().to_owned();
    assert!(margo.contains(&format!("/api/v1/deployments/{deployment}/package")), "{margo}");
    let package = unpacked(&package.body);
    assert!(package.contains("${API_KEY}") && !package.contains("cret"), "{package}");
}

/// The one file of a package.
fn unpacked(bytes: &[u8]) -> String {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(entry.path().unwrap().to_str(), Some("compose.yaml"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_offered_to_a_subscription_can_be_acquired() {
    let other = Uuid::from_u128(7);
    let mut files = asking(&["latest", "1.0.0"]);
    edit(&mut files, "    # twin:", &format!("    privateAudience: [\"{other}\"]\n    # twin:"));
    let shop = Shop::open_with(files).await;
    shop.market().add_subscription(&Actor::Operator, Some(other), "Other").await.unwrap();
    let own = secret(shop.market(), TokenRole::Customer(other)).await;
    let terms = get(&shop.router, &format!("{API}/terms"), &own).await.json()["digest"].clone();
    let operator = secret(shop.market(), TokenRole::Operator).await;
    let acquire = async |token: &str, subscription: Uuid, terms: &Value| {
        let body = json!({"subscription": subscription, "acceptedTerms": terms}).to_string();
        call(&shop.router, Method::POST, &format!("{API}/acquire"), token, &body).await
    };
    acquire(&shop.customer, CUSTOMER, &terms).await.problem(StatusCode::NOT_FOUND);
    // Not even an operator acquires a private plan for somebody who is not of its audience.
    acquire(&operator, CUSTOMER, &terms).await.problem(StatusCode::NOT_FOUND);
    acquire(&own, other, &json!("")).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    acquire(&own, other, &json!("sha256:0")).await.problem(StatusCode::PRECONDITION_FAILED);
    assert_eq!(acquire(&own, other, &terms).await.status, StatusCode::OK);
    let mut body = wanted("compose");
    body["subscription"] = json!(other);
    let made = call(&shop.router, Method::POST, "/api/v1/deployments", &own, &body.to_string()).await;
    let warnings = made.json()["warnings"].to_string();
    assert!(warnings.contains("only for the plan's audience"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_takes_anything_without_harm() {
    let shop = Shop::open().await;
    let terms = shop.terms().await;
    let long = "x".repeat(100_000);
    let nasty = [
        "",
        "<script>alert(1)</script>",
        "\u{202e}abc",
        "😀",
        "a\0b",
        "a\r\nb",
        &long,
        "javascript:alert(1)",
    ];
    let subscription = CUSTOMER.to_string();
    for value in nasty {
        for name in
            ["subscription", "terms", "accept", "contact-email", "contact-first-name", "contact-phone"]
        {
            let mut fields = vec![
                ("subscription", subscription.as_str()),
                ("terms", terms.as_str()),
                ("accept", "no"),
                ("contact-email", ""),
            ];
            fields.retain(|(known, _)| *known != name);
            fields.extend([(name, value), (name, "second")]);
            let answer = shop.post(ACQUIRE, &fields).await;
            assert!(answer.status.is_client_error(), "{name} {value:.20?}: {}", answer.status);
            assert!(!answer.text().contains("<script>alert"), "{name}");
        }
    }
    assert!(shop.leads().await.is_empty());
    let id = shop.acquire().await;
    for value in nasty {
        for name in ["module", "name.0", "value.0.PLC_HOST", "form", "images", "routes"] {
            let mut fields = vec![
                ("module", id.as_str()),
                ("value.0.PLC_HOST", "plc"),
                ("value.0.API_KEY", "k"),
                ("form", "azure"),
            ];
            fields.retain(|(known, _)| *known != name);
            fields.extend([(name, value), (name, "second")]);
            let answer = shop.post("/deploy", &fields).await;
            let fine = answer.status.is_client_error() || answer.status == StatusCode::SEE_OTHER;
            assert!(fine, "{name} {value:.20?}: {}", answer.status);
            assert!(!answer.text().contains("<script>alert"), "{name}");
        }
    }
    for body in ["", "{", "[]", r#"{"form":"x","modules":[]}"#, r#"{"form":"azure","modules":[]}"#] {
        let answer = call(&shop.router, Method::POST, "/api/v1/deployments", &shop.customer, body).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.status);
        answer.problem(answer.status);
    }
}
