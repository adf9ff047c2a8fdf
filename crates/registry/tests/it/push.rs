//! What a client writes: blobs in every way there is, manifests, deletions, and every refusal on the way.

use crate::support::{CONFIG, INDEX, MANIFEST, Registry, descriptor, failure, header, image_manifest};
use oci::digest::Digest;
use reqwest::{Body, Method, StatusCode};
use std::fmt::Write;

#[tokio::test]
async fn a_chunked_upload_keeps_its_order_and_resumes() {
    let registry = Registry::start().await;
    let upload = registry.begin("acme/app").await;
    let patch = |range: &'static str, content: &'static str| {
        registry.acme(Method::PATCH, &upload).header("content-range", range).body(content).send()
    };
    let response = patch("0-3", "abcd").await.unwrap();
    assert_eq!((response.status(), header(&response, "range")), (StatusCode::ACCEPTED, "0-3"));
    assert_eq!(header(&response, "location"), upload);
    let gap = patch("8-9", "ij").await.unwrap();
    assert_eq!((gap.status(), header(&gap, "range")), (StatusCode::RANGE_NOT_SATISFIABLE, "0-3"));
    assert_eq!(header(&gap, "location"), upload);
    assert_eq!(patch("0-3", "abcd").await.unwrap().status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(failure(patch("4-9", "short").await.unwrap()).await, (400, "SIZE_INVALID".into()));
    assert_eq!(failure(patch("four", "efgh").await.unwrap()).await, (400, "BLOB_UPLOAD_INVALID".into()));
    let status = registry.get(&upload).await;
    assert_eq!((status.status(), header(&status, "range")), (StatusCode::NO_CONTENT, "0-3"));
    // A streamed chunk says neither its place nor its length.
    let pieces = futures_util::stream::iter(["ef", "gh"].map(Ok::<_, std::io::Error>));
    let streamed =
        registry.acme(Method::PATCH, &upload).body(Body::wrap_stream(pieces)).send().await.unwrap();
    assert_eq!(header(&streamed, "range"), "0-7");

    let digest = Digest::of(b"abcdefghij");
    let last =
        registry.acme(Method::PUT, &format!("{upload}?digest={digest}")).header("content-range", "8-9");
    let response = last.body("ij").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = header(&response, "location").to_owned();
    assert_eq!(location, format!("/v2/acme/app/blobs/{digest}"));
    assert_eq!(registry.get(&location).await.text().await.unwrap(), "abcdefghij");
    assert_eq!(failure(registry.get(&upload).await).await, (404, "BLOB_UPLOAD_UNKNOWN".into()));
}

#[tokio::test]
async fn a_broken_connection_leaves_an_upload_to_go_on_with() {
    let registry = Registry::start().await;
    let upload = registry.begin("acme/app").await;
    let pieces = futures_util::stream::iter([Ok("abcd"), Err(std::io::Error::other("unplugged"))]);
    assert!(registry.acme(Method::PATCH, &upload).body(Body::wrap_stream(pieces)).send().await.is_err());
    let digest = Digest::of(b"abcdefgh");
    let put = |offset: usize| {
        let rest = &"abcdefgh"[offset..];
        let request = registry.acme(Method::PUT, &format!("{upload}?digest={digest}"));
        request.header("content-range", format!("{offset}-7")).body(rest).send()
    };
    // Whether the four bytes arrived before the break is for the upload's status to say.
    let status = registry.get(&upload).await;
    let size =
        std::fs::metadata(registry.dir.path().join("uploads").join(upload.rsplit('/').next().unwrap()));
    let size = size.unwrap().len() as usize;
    assert!(size == 0 || header(&status, "range") == "0-3");
    let mut response = put(size).await.unwrap();
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        response = put(4).await.unwrap();
    }
    assert_eq!(response.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing_visible() {
    let registry = Registry::start().await;
    let (right, wrong) = (Digest::of(b"right"), Digest::of(b"wrong"));
    let at_once = format!("/v2/acme/app/blobs/uploads/?digest={wrong}");
    let response = registry.acme(Method::POST, &at_once).body("right").send().await.unwrap();
    assert_eq!(failure(response).await, (400, "DIGEST_INVALID".into()));
    let upload = registry.begin("acme/app").await;
    let response = registry.acme(Method::PUT, &format!("{upload}?digest={wrong}")).body("right").send().await;
    assert_eq!(failure(response.unwrap()).await, (400, "DIGEST_INVALID".into()));
    for digest in [right, wrong] {
        let response = registry.get(&format!("/v2/acme/app/blobs/{digest}")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
    for place in ["uploads", "tmp"] {
        assert_eq!(std::fs::read_dir(registry.dir.path().join(place)).unwrap().count(), 0, "{place}");
    }
}

#[tokio::test]
async fn one_blob_pushed_by_many_at_once_is_whole() {
    let registry = Registry::start().await;
    let content = vec![7u8; 2_000_000];
    let pushes = (0..6).map(|_| registry.push_blob("acme/app", &content));
    let digests = futures_util::future::join_all(pushes).await;
    let response = registry.get(&format!("/v2/acme/app/blobs/{}", digests[0])).await;
    assert_eq!(response.bytes().await.unwrap(), content);
}

#[tokio::test]
async fn a_mount_needs_the_right_to_pull_there() {
    let registry = Registry::start().await;
    let digest = registry.push_blob("acme/from", b"shared").await;
    let mount = async |user: &str, to: &str, query: &str| {
        let path = format!("/v2/{to}/blobs/uploads/?mount={digest}{query}");
        let request =
            registry.anonymous(Method::POST, &path).basic_auth(user, Some(format!("{user}-secret")));
        request.send().await.unwrap()
    };
    let foreign = mount("other", "other/app", "&from=acme/from").await;
    assert_eq!(foreign.status(), StatusCode::ACCEPTED, "a client falls back to an upload");
    assert!(header(&foreign, "location").starts_with("/v2/other/app/blobs/uploads/"));
    assert_eq!(mount("other", "other/app", "").await.status(), StatusCode::ACCEPTED, "nor from anywhere");
    assert_eq!(mount("acme", "acme/to", "&from=acme/none").await.status(), StatusCode::ACCEPTED);
    assert_eq!(mount("acme", "acme/to", "&from=../x").await.status(), StatusCode::ACCEPTED);
    let mounted = mount("acme", "acme/to", "&from=acme/from").await;
    assert_eq!(mounted.status(), StatusCode::CREATED);
    let location = header(&mounted, "location").to_owned();
    assert_eq!(registry.get(&location).await.text().await.unwrap(), "shared");
    assert_eq!(mount("acme", "acme/to", "").await.status(), StatusCode::CREATED, "it is already here");
    let found = mount("acme", "acme/else", "").await;
    assert_eq!(found.status(), StatusCode::CREATED, "the server looks where it may be read");
    assert_eq!(registry.get(header(&found, "location")).await.text().await.unwrap(), "shared");
}

#[tokio::test]
async fn an_index_needs_its_manifests() {
    let registry = Registry::start().await;
    let child = image_manifest(b"layer");
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
        descriptor(MANIFEST, child.as_bytes())
    );
    let early = registry.put_manifest("acme/app", "1.0", INDEX, &index).await;
    assert_eq!(failure(early).await, (400, "MANIFEST_BLOB_UNKNOWN".into()));
    registry.push_image("acme/app", "child", b"layer").await;
    let response = registry.put_manifest("acme/app", "1.0", INDEX, &index).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let digest = Digest::of(index.as_bytes());
    assert_eq!(header(&response, "location"), format!("/v2/acme/app/manifests/{digest}"));
    assert_eq!(header(&registry.get("/v2/acme/app/manifests/1.0").await, "content-type"), INDEX);
}

#[tokio::test]
async fn deletions_take_effect_at_once() {
    let registry = Registry::start().await;
    let (digest, _) = registry.push_image("acme/app", "latest", b"layer").await;
    registry.push_image("acme/app", "other", b"layer").await;
    let delete = async |path: String| {
        let first = registry.acme(Method::DELETE, &path).send().await.unwrap().status();
        let again = registry.acme(Method::DELETE, &path).send().await.unwrap();
        (first, failure(again).await)
    };
    let gone = |code: &str| (StatusCode::ACCEPTED, (404, code.to_owned()));
    assert_eq!(delete("/v2/acme/app/manifests/latest".into()).await, gone("MANIFEST_UNKNOWN"));
    assert_eq!(registry.get("/v2/acme/app/manifests/other").await.status(), StatusCode::OK);
    assert_eq!(delete(format!("/v2/acme/app/manifests/{digest}")).await, gone("MANIFEST_UNKNOWN"));
    assert_eq!(registry.get("/v2/acme/app/manifests/other").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(delete(format!("/v2/acme/app/blobs/{}", Digest::of(b"layer"))).await, gone("BLOB_UNKNOWN"));
    let upload = registry.begin("acme/app").await;
    let cancelled = registry.acme(Method::DELETE, &upload).send().await.unwrap();
    assert_eq!(cancelled.status(), StatusCode::NO_CONTENT);
    assert_eq!(failure(registry.get(&upload).await).await, (404, "BLOB_UPLOAD_UNKNOWN".into()));
}

#[tokio::test]
async fn every_refused_manifest_and_request_says_why() {
    let registry = Registry::start().await;
    registry.push_image("acme/app", "1.0", b"layer").await;
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar", b"layer");
    let config = descriptor(CONFIG, b"{}");
    let absent = descriptor("application/vnd.oci.image.layer.v1.tar", b"absent");
    let wrong_size = layer.replace("\"size\":5", "\"size\":6");
    let manifest = |rest: &str| format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}",{rest}}}"#);
    let good = image_manifest(b"layer");
    let many = vec![layer.as_str(); 2049].join(",");
    let huge = "x".repeat(4 << 20) + "x";
    let wrong_digest = Digest::of(b"wrong").to_string();
    let manifests: Vec<(&str, &str, &str, String)> = vec![
        ("no JSON", "a", MANIFEST, "hello".into()),
        ("empty", "a", MANIFEST, String::new()),
        ("schema 1", "a", MANIFEST, r#"{"schemaVersion":1}"#.into()),
        ("types differ", "a", INDEX, good.clone()),
        ("unknown type", "a", "text/plain", r#"{"schemaVersion":2}"#.into()),
        ("no config", "a", MANIFEST, manifest(r#""layers":[]"#)),
        ("both kinds", "a", MANIFEST, manifest(&format!(r#""config":{config},"layers":[],"manifests":[]"#))),
        ("absent layer", "a", MANIFEST, manifest(&format!(r#""config":{config},"layers":[{absent}]"#))),
        ("wrong size", "a", MANIFEST, manifest(&format!(r#""config":{config},"layers":[{wrong_size}]"#))),
        (
            "bad digest",
            "a",
            MANIFEST,
            manifest(&format!(r#""config":{config},"layers":[{}]"#, layer.replace("sha256", "md5"))),
        ),
        ("too many layers", "a", MANIFEST, manifest(&format!(r#""config":{config},"layers":[{many}]"#))),
        ("too large", "a", MANIFEST, huge),
        ("wrong digest", &wrong_digest, MANIFEST, good.clone()),
        ("no tag", "-a", MANIFEST, good.clone()),
        ("fixed tag", "1.0", MANIFEST, manifest(&format!(r#""config":{config},"layers":[]"#))),
    ];
    let mut answers = String::new();
    for (what, reference, media_type, content) in manifests {
        let response = registry.put_manifest("acme/app", reference, media_type, &content).await;
        let status = response.status().as_u16();
        writeln!(answers, "{what}: {status} {}", response.text().await.unwrap()).unwrap();
    }
    for (method, path) in [
        ("GET", "/v2/_catalog"),
        ("GET", "/v2/acme/app/nothing/x"),
        ("GET", "/v2/Acme/app/manifests/x"),
        ("POST", "/v2/acme/app/manifests/x"),
        ("GET", "/v2/acme/app/blobs/uploads/"),
        ("GET", "/v2/acme/app/blobs/md5:00"),
        ("PATCH", "/v2/acme/app/blobs/uploads/none"),
        ("PUT", "/v2/acme/app/blobs/uploads/9f8e0f5c-0000-4000-8000-000000000000"),
        ("PUT", "/v2/acme/app/blobs/uploads/9f8e0f5c-0000-4000-8000-000000000000?digest=sha256:0"),
        ("POST", "/v2/acme/app/blobs/uploads/?digest=sha256:0"),
        ("POST", "/v2/acme/app/blobs/uploads/?mount=latest"),
    ] {
        let method: Method = method.parse().unwrap();
        let response = registry.acme(method.clone(), path).send().await.unwrap();
        let status = response.status().as_u16();
        writeln!(answers, "{method} {path}: {status} {}", response.text().await.unwrap()).unwrap();
    }
    insta::assert_snapshot!(answers);
}

#[tokio::test]
async fn a_blob_announced_too_large_is_refused_before_it_is_sent() {
    let registry = Registry::start().await;
    let upload = registry.begin("acme/app").await;
    let range = format!("{0}-{0}", registry::blobs::BLOB_BYTES_MAX);
    let response =
        registry.acme(Method::PATCH, &upload).header("content-range", range).body("x").send().await;
    assert_eq!(failure(response.unwrap()).await, (413, "SIZE_INVALID".into()));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_the_servers_fault_and_is_said() {
    let registry = Registry::start().await;
    let upload = registry.begin("acme/app").await;
    let path = registry.dir.path().join("uploads").join(upload.rsplit('/').next().unwrap());
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let response = registry.acme(Method::PATCH, &upload).body("abc").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::INSUFFICIENT_STORAGE);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["errors"][0]["message"], "the registry's disk is full; nothing of this upload was kept");
    assert_eq!(body["errors"][0]["detail"]["hint"], "ask the operator to free some space, then push again");
}
