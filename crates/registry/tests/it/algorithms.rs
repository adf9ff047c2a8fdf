//! Content that was pushed by a SHA-512 digest, and tags that a push by digest names beside it.

use crate::support::{CONFIG, MANIFEST, Registry, descriptor, failure, header};
use oci::digest::{Digest, Hasher};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

fn sha512(content: &[u8]) -> Digest {
    Hasher::Sha512(Sha512::new_with_prefix(content)).finish()
}

#[tokio::test]
async fn a_blob_by_sha512_is_pushed_in_every_way_and_read_back() {
    let registry = Registry::start().await;
    let at_once = sha512(b"at once");
    let path = format!("/v2/acme/app/blobs/uploads/?digest={at_once}");
    let response = registry.acme(Method::POST, &path).body("at once").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(header(&response, "docker-content-digest"), at_once.to_string());
    let pieces = sha512(b"in pieces");
    let upload = registry.begin("acme/app").await;
    registry.acme(Method::PATCH, &upload).body("in ").send().await.unwrap();
    let last = registry.acme(Method::PUT, &format!("{upload}?digest={pieces}")).body("pieces");
    assert_eq!(last.send().await.unwrap().status(), StatusCode::CREATED);
    for (digest, content) in [(at_once, "at once"), (pieces, "in pieces")] {
        let path = format!("/v2/acme/app/blobs/{digest}");
        assert_eq!(registry.get(&path).await.text().await.unwrap(), content);
        let part = registry.acme(Method::GET, &path).header("range", "bytes=3-").send().await.unwrap();
        assert_eq!(part.text().await.unwrap(), content[3..]);
        let ordinary = registry.get(&format!("/v2/acme/app/blobs/{}", Digest::of(content.as_bytes()))).await;
        assert_eq!(failure(ordinary).await, (404, "BLOB_UNKNOWN".into()), "only as it was pushed");
    }
    let wrong = format!("/v2/acme/app/blobs/uploads/?digest={}", sha512(b"other"));
    let response = registry.acme(Method::POST, &wrong).body("content").send().await.unwrap();
    assert_eq!(failure(response).await, (400, "DIGEST_INVALID".into()));
    let upload = registry.begin("acme/app").await;
    let wrong = registry.acme(Method::PUT, &format!("{upload}?digest={at_once}")).body("content");
    assert_eq!(failure(wrong.send().await.unwrap()).await, (400, "DIGEST_INVALID".into()));
    for place in ["uploads", "tmp"] {
        assert_eq!(std::fs::read_dir(registry.dir.path().join(place)).unwrap().count(), 0, "{place}");
    }
}

#[tokio::test]
async fn a_manifest_by_sha512_has_tags_and_referrers() {
    let registry = Registry::start().await;
    registry.push_blob("acme/app", b"{}").await;
    let config = descriptor(CONFIG, b"{}");
    let manifest = |rest: &str| {
        format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[]{rest}}}"#)
    };
    let text = manifest("");
    let digest = sha512(text.as_bytes());
    let reference = format!("{digest}?tag=1.0&tag=1&tag=1.0");
    let put = registry.put_manifest("acme/app", &reference, MANIFEST, &text).await;
    assert_eq!(put.status(), StatusCode::CREATED);
    let named: Vec<_> = put.headers().get_all("oci-tag").iter().collect();
    assert_eq!(named, ["1.0", "1"]);
    for reference in ["1.0", "1", &digest.to_string()] {
        let response = registry.get(&format!("/v2/acme/app/manifests/{reference}")).await;
        assert_eq!(header(&response, "docker-content-digest"), digest.to_string());
        assert_eq!(response.text().await.unwrap(), text);
    }
    let list: Value = registry.get("/v2/acme/app/tags/list").await.json().await.unwrap();
    assert_eq!(list["tags"], json!(["1", "1.0"]));

    let of_it = format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{}}}"#, text.len());
    let referrer = manifest(&format!(r#","artifactType":"a/b","subject":{of_it}"#));
    let put = registry.put_manifest("acme/app", "sbom", MANIFEST, &referrer).await;
    assert_eq!(header(&put, "oci-subject"), digest.to_string());
    let found: Value = registry.get(&format!("/v2/acme/app/referrers/{digest}")).await.json().await.unwrap();
    assert_eq!(found["manifests"][0]["digest"], Digest::of(referrer.as_bytes()).to_string());

    let wrong = registry.put_manifest("acme/app", &sha512(b"x").to_string(), MANIFEST, &text).await;
    assert_eq!(failure(wrong).await, (400, "DIGEST_INVALID".into()));
    let many = (0..33).map(|n| format!("tag={n}&")).collect();
    for (query, refusal) in [("tag=-no".to_owned(), 400), (many, 414)] {
        let put = registry.put_manifest("acme/app", &format!("{digest}?{query}"), MANIFEST, &text).await;
        assert_eq!(failure(put).await, (refusal, "MANIFEST_INVALID".into()));
    }
}
