//! Regions: content that arrives whole, heals, and is believed only when the region answers for it; tags that move in
//! order. The registry is Debian's docker-registry behind a door that keeps a log of what is asked of it.

use crate::docker_registry::Registry;
use crate::support::{Place, place};
use market::access::TokenRole;
use market::regions::{
    Content, NewRegion, REPLICA_PATH, Region, RegionKind, RegionLimits, ReplicaTags, put_tags,
};
use market::{Actor, Kind};
use oci::manifest::{Descriptor, Index, Manifest, media_type};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// An image with a report that refers to it, behind five tags; the bytes are in the marketplace's blob store.
pub async fn content(place: &Place, repository: &str) -> Content {
    let config = put(place, media_type::OCI_CONFIG, b"{\"os\":\"linux\"}").await;
    let layer = put(place, media_type::OCI_LAYER, &vec![7; 3 << 20]).await;
    let empty = put(place, media_type::OCI_EMPTY, b"{}").await;
    let report = put(place, "application/json", b"{\"verdict\":\"passed\"}").await;
    let manifest = |artifact_type: Option<&str>, config: &Descriptor, layer: &Descriptor, subject| Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: artifact_type.map(str::to_owned),
        config: config.clone(),
        layers: vec![layer.clone()],
        subject,
        annotations: BTreeMap::new(),
    };
    let image = put_json(place, media_type::OCI_MANIFEST, &manifest(None, &config, &layer, None)).await;
    let index = Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: vec![image.clone()],
        subject: None,
        annotations: BTreeMap::new(),
    };
    let index = put_json(place, media_type::OCI_INDEX, &index).await;
    let about = manifest(Some("application/vnd.test.report"), &empty, &report, Some(image.clone()));
    let about = put_json(place, media_type::OCI_MANIFEST, &about).await;
    let tags = ["latest", "1", "1.0", "1.0.0", "1.0.0-linux-amd64"];
    Content {
        repository: repository.to_owned(),
        blobs: vec![config, layer, empty, report],
        tags: tags.map(|tag| (tag.to_owned(), index.digest)).to_vec(),
        manifests: vec![image, index, about],
    }
}

async fn put(place: &Place, media_type: &str, bytes: &[u8]) -> Descriptor {
    place.market.blobs().put_bytes(bytes.to_vec()).await.unwrap();
    Descriptor::of(media_type, bytes)
}

async fn put_json(place: &Place, media_type: &str, value: &impl serde::Serialize) -> Descriptor {
    put(place, media_type, &serde_json::to_vec(value).unwrap()).await
}

pub async fn region(
    place: &Place,
    name: &str,
    kind: RegionKind,
    url: String,
    password: Option<String>,
) -> Box<dyn Region> {
    let (required, username) = (true, None);
    let limits = RegionLimits::default();
    let new = NewRegion { name: name.to_owned(), kind, url, required, username, password, limits };
    place.market.add_region(&Actor::Operator, new).await.unwrap();
    place.market.open_region(&Actor::Operator, name).await.unwrap()
}

pub async fn ensure(region: &dyn Region, content: &[Content]) -> market::Result<u64> {
    let last = Mutex::new(0);
    let progress = |bytes| *last.lock().unwrap() = bytes;
    region.ensure(content, &progress, &CancellationToken::new()).await?;
    Ok(last.into_inner().unwrap())
}

fn size(content: &[Content]) -> u64 {
    content.iter().flat_map(|part| part.blobs.iter().chain(&part.manifests)).map(|found| found.size).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_gets_what_it_lacks_and_nothing_else() {
    let place = place().await;
    let registry = Registry::start().await;
    let content =
        [content(&place, "contoso/sensor/standard").await, content(&place, "contoso/sensor/premium").await];
    let url = format!("http://{}/edge/mirror", registry.door());
    let region = region(&place, "eu", RegionKind::Registry, url, None).await;

    assert_eq!(ensure(&*region, &content).await.unwrap(), size(&content));
    assert_eq!(registry.uploads(), 4, "blobs of the second plan are mounted: {:#?}", registry.take_log());
    let mut tags = registry.tags("edge/mirror/contoso/sensor/standard").await;
    tags.retain(|tag| !tag.starts_with("sha256-"));
    assert_eq!(tags, Vec::<String>::new(), "no tag of the offer is there before step 6");
    let referrers = registry.repository("edge/mirror/contoso/sensor/standard");
    let referrers = referrers.referrers(content[0].manifests[0].digest, None).await.unwrap();
    assert_eq!(referrers.len(), 1);
    assert_eq!(referrers[0].digest, content[0].manifests[2].digest);
    assert_eq!(referrers[0].artifact_type.as_deref(), Some("application/vnd.test.report"));

    registry.take_log();
    assert_eq!(ensure(&*region, &content).await.unwrap(), size(&content));
    let log = registry.take_log();
    assert!(log.iter().all(|line| line.starts_with("HEAD ") || line.starts_with("GET ")), "{log:#?}");

    registry.remove_bytes(&content[0].blobs[1].digest);
    registry.remove_bytes(&content[0].manifests[0].digest);
    ensure(&*region, &content).await.unwrap();
    assert_eq!(registry.uploads(), 1);
    registry.take_log();
    ensure(&*region, &content).await.unwrap();
    assert_eq!(registry.uploads(), 0);

    registry.truncate(&content[0].blobs[1].digest);
    let error = ensure(&*region, &content).await.unwrap_err();
    assert!(error.message.contains("with 5 bytes, but it has 3145728"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_move_in_order_and_only_once() {
    let place = place().await;
    let registry = Registry::start().await;
    let content =
        [content(&place, "contoso/sensor/standard").await, content(&place, "contoso/sensor/a").await];
    let region =
        region(&place, "eu", RegionKind::Registry, format!("http://{}", registry.door()), None).await;
    ensure(&*region, &content).await.unwrap();
    registry.take_log();
    region.move_tags(&content).await.unwrap();
    let puts = registry.take_log().into_iter().filter(|line| line.starts_with("PUT "));
    let moved: Vec<String> = puts.map(|line| line.replace("PUT /v2/contoso/sensor/", "")).collect();
    let expected = [
        "a/manifests/1.0.0",
        "standard/manifests/1.0.0",
        "a/manifests/1.0.0-linux-amd64",
        "standard/manifests/1.0.0-linux-amd64",
        "a/manifests/1",
        "a/manifests/1.0",
        "standard/manifests/1",
        "standard/manifests/1.0",
        "a/manifests/latest",
        "standard/manifests/latest",
    ];
    assert_eq!(moved, expected);
    let latest = registry.repository("contoso/sensor/a").head_manifest("latest").await.unwrap().unwrap();
    assert_eq!(latest.digest, content[1].manifests[1].digest);
    registry.take_log();
    region.move_tags(&content).await.unwrap();
    assert!(registry.take_log().iter().all(|line| line.starts_with("HEAD ")));
}

/// Whoever moves the tags sends the content again then, and moves them once more (`pipeline::live`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_collected_what_no_tag_led_to_yet_says_so() {
    let place = place().await;
    let registry = Registry::start().await;
    let content = [content(&place, "contoso/sensor/standard").await];
    let url = format!("http://{}", registry.door());
    let region = region(&place, "eu", RegionKind::Registry, url, None).await;
    ensure(&*region, &content).await.unwrap();
    registry.remove_bytes(&content[0].manifests[0].digest);
    let error = region.move_tags(&content).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict, "{error}");
    ensure(&*region, &content).await.unwrap();
    region.move_tags(&content).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_forgets_or_is_away_is_named() {
    let place = place().await;
    let registry = Registry::start().await;
    let content = [content(&place, "contoso/sensor/standard").await];
    let url = format!("http://{}", registry.door());
    let region_eu = region(&place, "eu", RegionKind::Registry, url, None).await;
    let lost = content[0].blobs[0].digest;
    registry.forget(&lost);
    let error = ensure(&*region_eu, &content).await.unwrap_err();
    let expected = format!(
        "the region eu took the blob {lost} of {}/contoso/sensor/standard, but does not hold it",
        registry.door()
    );
    assert_eq!(error.message, expected);

    let stop = CancellationToken::new();
    stop.cancel();
    registry.remove_bytes(&content[0].blobs[1].digest);
    let stopped = region_eu.ensure(&content, &|_| {}, &stop).await.unwrap_err();
    assert_eq!(stopped.message, "the region eu is not complete: the transfer was stopped");

    // Nobody listens at the port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = region(&place, "asia", RegionKind::Registry, format!("http://{free}"), None).await;
    let error = ensure(&*away, &content).await.unwrap_err();
    assert!(error.message.starts_with(&format!("the region asia: {free} cannot be reached: ")), "{error}");
    assert!(error.hint.contains("check that the region runs"), "{}", error.hint);
    let url = format!("http://{free}");
    let away = region(&place, "home-2", RegionKind::Instance, url, Some("token".to_owned())).await;
    let error = away.move_tags(&content).await.unwrap_err();
    assert_eq!(error.message, format!("the region home-2 cannot be reached at {free}: no connection"));
}

#[tokio::test]
async fn addresses_and_credentials_of_regions_are_checked() {
    let place = place().await;
    for (kind, url, username, password, expected) in [
        (RegionKind::Registry, "ftp://eu.example.com", None, None, "is no region's URL"),
        (RegionKind::Registry, "https://u:p@eu.example.com", None, None, "is no region's URL"),
        (
            RegionKind::Registry,
            "https://eu.example.com/Upper",
            None,
            None,
            "cannot begin a repository's name",
        ),
        (RegionKind::Registry, "https://eu.example.com", Some("u"), None, "but no password"),
        (RegionKind::Instance, "https://eu.example.com", None, None, "has no token"),
        (RegionKind::Instance, "https://eu.example.com/x", None, Some("t"), "has the path /x"),
    ] {
        let (name, url, required) = ("eu".to_owned(), url.to_owned(), false);
        let (username, password) = (username.map(str::to_owned), password.map(str::to_owned));
        let limits = RegionLimits::default();
        let new = NewRegion { name, kind, url, required, username, password, limits };
        let error = place.market.add_region(&Actor::Operator, new).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message.contains(expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_says_why_it_moves_no_tags() {
    let (home, there) = (place().await, place().await);
    let content = [content(&home, "contoso/sensor/standard").await];
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let route = axum::routing::put(put_tags);
    let router =
        axum::Router::new().route(&format!("/{REPLICA_PATH}"), route).with_state(there.market.clone());
    let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    let role_region = TokenRole::Region("eu".to_owned());
    let digest = content[0].tags[0].1;
    let denied =
        "answered 403 Forbidden when its tags were to move: operator may not move the tags of a region";
    let early = format!(
        "answered 409 Conflict when its tags were to move: contoso/sensor/standard does not hold {digest} in this \
         region, at which the tag 1 shall point"
    );
    for (name, role, expected) in [("eu", role_region, early.as_str()), ("us", TokenRole::Operator, denied)] {
        let age = Duration::from_secs(60);
        let token = there.market.create_token(&Actor::Operator, role, "home", age).await.unwrap();
        let region = region(&home, name, RegionKind::Instance, url.clone(), Some(token.secret)).await;
        let error = region.move_tags(&content).await.unwrap_err();
        assert_eq!(error.message, format!("the region {name} {expected}"));
    }
    server.abort();
}

#[tokio::test]
async fn only_a_region_replicates_and_only_what_is_there() {
    let place = place().await;
    let tags = |repository: &str, tag: &str, digest: &str| {
        vec![ReplicaTags {
            repository: repository.to_owned(),
            tags: BTreeMap::from([(tag.to_owned(), digest.to_owned())]),
        }]
    };
    let digest = oci::digest::Digest::of(b"x").to_string();
    let right = || tags("contoso/sensor/standard", "1.0.0", &digest);
    for actor in [Actor::Anonymous, Actor::Operator, Actor::Publisher("contoso".parse().unwrap())] {
        let error = place.market.replicate_tags(&actor, right()).await.unwrap_err();
        let kind = if actor == Actor::Anonymous { Kind::Unauthenticated } else { Kind::Denied };
        assert_eq!(error.kind, kind, "{actor}");
    }
    let region = Actor::Region("home".to_owned());
    let error = place.market.replicate_tags(&region, right()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.starts_with("contoso/sensor/standard does not hold sha256:"), "{error}");
    for (wrong, expected) in [
        (tags("incoming/contoso/x", "1.0.0", &digest), "is no repository of a plan"),
        (tags("contoso/sensor", "1.0.0", &digest), "is no repository of a plan"),
        (tags("contoso/sensor/standard", "v1", &digest), "has none of the permitted forms"),
        (tags("contoso/sensor/standard", "1.0.0", "sha256:0"), "is no digest"),
    ] {
        let error = place.market.replicate_tags(&region, wrong).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message.contains(expected), "{error}");
    }
    let many = vec![right().remove(0); 1_001];
    let error = place.market.replicate_tags(&region, many).await.unwrap_err();
    assert_eq!(error.message, "the request names 1001 repositories; at most 1000 are allowed");
}
