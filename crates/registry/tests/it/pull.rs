//! What a client reads: manifests, blobs and parts of them, tags, referrers.

use crate::support::{INDEX, MANIFEST, Registry, descriptor, failure, header};
use futures_util::StreamExt;
use oci::digest::Digest;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn a_manifest_reads_back_by_tag_and_digest() {
    let registry = Registry::start().await;
    let (digest, text) = registry.push_image("acme/deep/er/app", "1.0", b"layer").await;
    let encoded = digest.to_string().replace(':', "%3A");
    for reference in ["1.0".to_owned(), digest.to_string(), encoded] {
        let path = format!("/v2/acme/deep/er/app/manifests/{reference}");
        for method in [Method::GET, Method::HEAD] {
            let response = registry.acme(method.clone(), &path).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(header(&response, "content-type"), MANIFEST);
            assert_eq!(header(&response, "content-length"), text.len().to_string());
            assert_eq!(header(&response, "docker-content-digest"), digest.to_string());
            assert_eq!(header(&response, "etag"), format!("\"{digest}\""));
            let body = response.text().await.unwrap();
            assert_eq!(body, if method == Method::GET { text.as_str() } else { "" });
        }
        let again = registry.acme(Method::GET, &path).header("if-none-match", format!("\"{digest}\""));
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    }
    let path = format!("/v2/acme/deep/er/app/manifests/{digest}");
    let part = registry.acme(Method::GET, &path).header("range", "bytes=1-5").send().await.unwrap();
    assert_eq!((part.status(), header(&part, "content-type")), (StatusCode::PARTIAL_CONTENT, MANIFEST));
    assert_eq!(header(&part, "content-range"), format!("bytes 1-5/{}", text.len()));
    assert_eq!(part.text().await.unwrap(), text[1..6]);
    let beyond = registry.acme(Method::GET, &path).header("range", "bytes=99999-").send().await.unwrap();
    assert_eq!(failure(beyond).await, (416, "SIZE_INVALID".into()));
    for unknown in ["2.0", ".INVALID", &Digest::of(b"").to_string()] {
        let path = format!("/v2/acme/deep/er/app/manifests/{unknown}");
        assert_eq!(failure(registry.get(&path).await).await, (404, "MANIFEST_UNKNOWN".into()));
        let head = registry.acme(Method::HEAD, &path).send().await.unwrap();
        assert_eq!((head.status(), head.text().await.unwrap()), (StatusCode::NOT_FOUND, String::new()));
    }
    let bad = registry.get("/v2/acme/deep/er/app/manifests/sha256:short").await;
    assert_eq!(failure(bad).await, (400, "DIGEST_INVALID".into()));
}

#[tokio::test]
async fn a_blob_reads_back_whole_and_in_parts() {
    let registry = Registry::start().await;
    // Longer than several reads from the disk, and not a multiple of them.
    let content: Vec<u8> = (0..700_001u32).map(|n| (n % 251) as u8).collect();
    let digest = registry.push_blob("acme/app", &content).await;
    let path = format!("/v2/acme/app/blobs/{digest}");
    let whole = registry.get(&path).await;
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    assert_eq!(header(&whole, "cache-control"), "private, max-age=31536000, immutable");
    assert_eq!(header(&whole, "docker-content-digest"), digest.to_string());
    assert_eq!(whole.bytes().await.unwrap(), content);
    let head = registry.acme(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(header(&head, "content-length"), "700001");

    let end = content.len();
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=100-300099", 100..300_100),
        ("bytes=699999-", 699_999..end),
        ("bytes=-5", end - 5..end),
    ] {
        let response = registry.acme(Method::GET, &path).header("range", range).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        let expected = format!("bytes {}-{}/{end}", part.start, part.end - 1);
        assert_eq!(header(&response, "content-range"), expected);
        assert_eq!(header(&response, "content-length"), part.len().to_string());
        assert_eq!(response.bytes().await.unwrap(), content[part]);
    }
    let beyond = registry.acme(Method::GET, &path).header("range", "bytes=700001-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&beyond, "content-range"), "bytes */700001");
    let conditional =
        |tag: String| registry.acme(Method::GET, &path).header("range", "bytes=0-0").header("if-range", tag);
    let same = conditional(format!("\"{digest}\"")).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(conditional("\"other\"".into()).send().await.unwrap().status(), StatusCode::OK);
    let known = registry.acme(Method::GET, &path).header("if-none-match", format!("\"{digest}\""));
    assert_eq!(known.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    let unknown = registry.get(&format!("/v2/acme/app/blobs/{}", Digest::of(b"other"))).await;
    assert_eq!(failure(unknown).await, (404, "BLOB_UNKNOWN".into()));
}

#[tokio::test]
async fn tags_come_in_pages() {
    let registry = Registry::start().await;
    for tag in ["latest", "1.10", "1.9", "1.2"] {
        registry.push_image("acme/app", tag, b"layer").await;
    }
    let list = async |query: &str| {
        let response = registry.get(&format!("/v2/acme/app/tags/list{query}")).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["name"], "acme/app");
        (body["tags"].clone(), link)
    };
    assert_eq!(list("").await, (json!(["1.10", "1.2", "1.9", "latest"]), None));
    let next = "</v2/acme/app/tags/list?n=2&last=1.2>; rel=\"next\"";
    assert_eq!(list("?n=2").await, (json!(["1.10", "1.2"]), Some(next.into())));
    assert_eq!(list("?n=2&last=1.2").await, (json!(["1.9", "latest"]), None));
    assert_eq!(list("?last=1.9").await, (json!(["latest"]), None));
    assert_eq!(list("?n=0").await, (json!([]), None));
    let response = registry.get("/v2/acme/app/tags/list?n=-1").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(failure(registry.get("/v2/acme/none/tags/list").await).await, (404, "NAME_UNKNOWN".into()));
}

#[tokio::test]
async fn ten_thousand_tags_come_in_pages_each_once_and_in_order() {
    let registry = Registry::start().await;
    let (_, manifest) = registry.push_image("acme/app", "t00000", b"layer").await;
    let puts = (1..10_000).map(|number| {
        let (registry, manifest) = (&registry, &manifest);
        async move {
            let tag = format!("t{number:05}");
            let put = registry.put_manifest("acme/app", &tag, MANIFEST, manifest).await;
            assert_eq!(put.status(), StatusCode::CREATED, "{tag}");
        }
    });
    futures_util::stream::iter(puts).buffer_unordered(16).collect::<Vec<()>>().await;
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut next = Some("/v2/acme/app/tags/list?n=999".to_owned());
    while let Some(path) = next {
        let response = registry.get(&path).await;
        next = response.headers().get("link").map(|link| {
            let link = link.to_str().unwrap();
            link[1..link.find('>').unwrap()].to_owned()
        });
        let body: Value = response.json().await.unwrap();
        found.extend(body["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()));
        pages += 1;
    }
    let all: Vec<String> = (0..10_000).map(|number| format!("t{number:05}")).collect();
    assert_eq!((found, pages), (all, 11));
}

#[tokio::test]
async fn referrers_are_listed_and_filtered() {
    let registry = Registry::start().await;
    let (subject, text) = registry.push_image("acme/app", "1.0", b"layer").await;
    let of_subject = descriptor(MANIFEST, text.as_bytes());
    let empty = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    let config = descriptor("application/vnd.example.config", b"{}");
    let signature = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"application/vnd.example.signature","config":{empty},"layers":[{empty}],"subject":{of_subject},"annotations":{{"made":"today"}}}}"#
    );
    let old_style = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":null,"subject":{of_subject}}}"#
    );
    let index =
        format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[],"subject":{of_subject}}}"#);
    for (media_type, text) in [(MANIFEST, &signature), (MANIFEST, &old_style), (INDEX, &index)] {
        let digest = Digest::of(text.as_bytes()).to_string();
        let response = registry.put_manifest("acme/app", &digest, media_type, text).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(header(&response, "oci-subject"), subject.to_string());
    }
    let path = format!("/v2/acme/app/referrers/{subject}");
    let response = registry.get(&path).await;
    assert_eq!(header(&response, "content-type"), INDEX);
    assert!(response.headers().get("oci-filters-applied").is_none());
    let body: Value = response.json().await.unwrap();
    let mut types: Vec<String> =
        body["manifests"].as_array().unwrap().iter().map(|one| one["artifactType"].to_string()).collect();
    types.sort();
    assert_eq!(
        types,
        ["\"application/vnd.example.config\"", "\"application/vnd.example.signature\"", "null"]
    );

    let response = registry.get(&format!("{path}?artifactType=application/vnd.example.signature")).await;
    assert_eq!(header(&response, "oci-filters-applied"), "artifactType");
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body,
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{
            "mediaType": MANIFEST,
            "digest": Digest::of(signature.as_bytes()).to_string(),
            "size": signature.len(),
            "artifactType": "application/vnd.example.signature",
            "annotations": {"made": "today"},
        }]})
    );
    let none = registry.get(&format!("/v2/acme/app/referrers/{}", Digest::of(b"none"))).await;
    assert_eq!(none.json::<Value>().await.unwrap()["manifests"], json!([]));
    assert_eq!(
        failure(registry.get("/v2/acme/app/referrers/latest").await).await,
        (400, "DIGEST_INVALID".into())
    );
}

#[tokio::test]
async fn many_referrers_come_in_pages_that_clients_take() {
    let registry = Registry::start().await;
    let (subject, text) = registry.push_image("acme/app", "1.0", b"layer").await;
    let of_subject = descriptor(MANIFEST, text.as_bytes());
    let long = "x".repeat(1_500_000);
    for n in 0..5 {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","artifactType":"a/b","manifests":[],"subject":{of_subject},"annotations":{{"{n}":"{long}"}}}}"#
        );
        let response = registry.put_manifest("acme/app", &format!("referrer-{n}"), INDEX, &text).await;
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    let mut path = format!("/v2/acme/app/referrers/{subject}?artifactType=a/b");
    let mut seen = std::collections::BTreeSet::new();
    for count in [2, 2, 1] {
        let response = registry.get(&path).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let body = response.text().await.unwrap();
        assert!(body.len() as u64 <= oci::manifest::MANIFEST_BYTES_MAX);
        let body: Value = serde_json::from_str(&body).unwrap();
        let manifests = body["manifests"].as_array().unwrap();
        assert_eq!((manifests.len(), link.is_some()), (count, count == 2));
        seen.extend(manifests.iter().map(|one| one["digest"].to_string()));
        path = link.unwrap_or_default().trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen.len(), 5);
}
