//! Report and bill of materials in every form, over HTTP.

use crate::http::{get, request, send, stage};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};

const LIVE: &str = "/api/v1/catalogue/contoso/sensor/standard";
const PLATFORM: &str = "platform=linux/amd64";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_live_comes_in_the_form_that_is_asked_for() {
    let stage = stage().await;
    for (path, accept, media_type, begins) in [
        ("/report", "", "application/json", "{\n  \"schemaVersion\": 1"),
        ("/report", "text/html,*/*;q=0.8", "text/html; charset=utf-8", "<!DOCTYPE html><html lang=\"en\">"),
        ("/report?format=html&lang=fr", "", "text/html; charset=utf-8", "<!DOCTYPE html><html lang=\"fr\">"),
        (
            "/report",
            "application/sarif+json",
            "application/sarif+json",
            "{\n  \"$schema\": \"https://docs.oasis",
        ),
        ("/report?format=junit", "text/html", "application/xml", "<?xml version=\"1.0\""),
        ("/sbom", "", "application/vnd.cyclonedx+json", "{\n  \"$schema\": \"http://cyclonedx.org"),
        ("/sbom", "application/spdx+json", "application/spdx+json", "{\n  \"SPDXID\": \"SPDXRef-DOCUMENT\""),
        ("/sbom?format=spdx", "", "application/spdx+json", "{\n  \"SPDXID\": \"SPDXRef-DOCUMENT\""),
    ] {
        let sign = if path.contains('?') { '&' } else { '?' };
        let asked = request(Method::GET, &format!("{LIVE}{path}{sign}{PLATFORM}"), "");
        let asked = if accept.is_empty() { asked } else { asked.header(header::ACCEPT, accept) };
        let answer = send(&stage.router, asked.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(answer.header(header::CONTENT_TYPE), media_type, "{path} {accept}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(answer.text().starts_with(begins), "{path}: {:.200}", answer.text());
    }
    for path in ["/report?format=pdf", "/sbom?format=html&platform=linux/amd64"] {
        let answer = get(&stage.router, &format!("{LIVE}{path}"), "").await;
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_has_its_report_in_every_form_for_its_publisher_alone() {
    let stage = stage().await;
    let path = format!("/api/v1/submissions/{}", stage.waiting);
    let submission = get(&stage.router, &path, &stage.own).await.json();
    let documents = submission["documents"].as_array().unwrap();
    let at = |kind: &str| {
        let document = documents.iter().find(|document| document["kind"] == kind).unwrap();
        format!("{path}/documents/{}", document["digest"].as_str().unwrap())
    };
    let page = get(&stage.router, &format!("{}?format=html", at("report")), &stage.own).await;
    assert!(page.text().starts_with("<!DOCTYPE html>"), "{}", page.text());
    assert!(page.header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
    let refused = get(&stage.router, &format!("{}?format=html", at("report")), "").await;
    assert_ne!(refused.status, StatusCode::OK);
    let bill = get(&stage.router, &format!("{}?format=html", at("spdx")), &stage.own).await;
    bill.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(get(&stage.router, &at("spdx"), &stage.own).await.text().contains("SPDX-2.3"));
}
