//! Regions that come late: added when offers are live already, or away while newer submissions go live. And what no
//! region gets: private plans.

use crate::docker_registry::Registry;
use crate::support::*;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use market::access::TokenRole;
use market::regions::{NewRegion, REPLICA_PATH, RegionKind, RegionLimits};
use market::{Actor, Market, RegistryOwner};
use offer::submission::SubmissionState;
use registry::owner::{Action, Credentials, ManifestReference, Owner};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const PUBLIC: &str = "contoso/sensor/standard";

pub async fn add(market: &Market, kind: RegionKind, url: String, required: bool, password: Option<String>) {
    let (username, limits) = (None, RegionLimits::default());
    let new = NewRegion { name: "eu".to_owned(), kind, url, required, username, password, limits };
    market.add_region(&Actor::Operator, new).await.unwrap();
}

/// Where a submission stands in the region, and why.
pub async fn standing(market: &Market, submission: &str) -> (String, Option<String>) {
    let found = market.submission(&publisher(), submission).await.unwrap();
    let region = found.regions.into_iter().find(|region| region.name == "eu");
    region.map_or(("none".to_owned(), None), |region| (region.state, region.message))
}

pub async fn to_preview(market: &Market, files: std::collections::BTreeMap<String, Vec<u8>>) -> String {
    publish(market, files).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await.summary.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_added_later_gets_what_is_live_and_only_once() {
    let place = place().await;
    let (market, registry) = (&place.market, Registry::start().await);
    let _working = work(market);
    let image = push(market, "one", &["latest", "1.0.0"]).await;
    let id = to_preview(market, offer(&["latest", "1.0.0"])).await;
    go_live(market).await;
    let url = format!("http://{}", registry.door());
    for round in ["first", "again"] {
        add(market, RegionKind::Registry, url.clone(), true, None).await;
        until("the region is live", async || standing(market, &id).await.0 == "Live").await;
        let latest = registry.repository(PUBLIC).head_manifest("latest").await.unwrap().unwrap();
        assert_eq!(latest.digest, image.digest, "{round}");
        let writes = registry.take_log().into_iter().filter(|line| line.starts_with("PUT ")).count();
        assert_eq!(writes == 0, round == "again", "{round}: {writes} writes");
        let state = market.submission(&publisher(), &id).await.unwrap().summary.state;
        assert_eq!(state, SubmissionState::Succeeded);
        market.remove_region(&Actor::Operator, "eu").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_added_between_sign_off_and_live_gets_it_too() {
    let place = place().await;
    let (market, registry) = (&place.market, Registry::start().await);
    push(market, "one", &["latest", "1.0.0"]).await;
    let working = work(market);
    let id = to_preview(market, offer(&["latest", "1.0.0"])).await;
    drop(working);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    add(market, RegionKind::Registry, format!("http://{}", registry.door()), false, None).await;
    assert_eq!(standing(market, &id).await.0, "none");
    let _working = work(market);
    until("the region is live", async || standing(market, &id).await.0 == "Live").await;
    assert!(registry.tags(PUBLIC).await.contains(&"1.0.0".to_owned()));
}

/// What the door of the other instance lets through.
const NOTHING: u8 = 0;
const CONTENT: u8 = 1;
const ALL: u8 = 2;
/// Everything, but only after the state changed.
const LATER: u8 = 3;
/// As [`LATER`], once somebody came.
const KNOCKED: u8 = 4;

async fn door(State(open): State<Arc<AtomicU8>>, request: Request, next: Next) -> Response {
    let is_tags = request.uri().path().ends_with(REPLICA_PATH);
    let _ = open.compare_exchange(LATER, KNOCKED, Ordering::SeqCst, Ordering::SeqCst);
    while open.load(Ordering::SeqCst) == KNOCKED {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    match open.load(Ordering::SeqCst) {
        NOTHING => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        CONTENT if is_tags => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => next.run(request).await,
    }
}

/// Makes `there` a region of `market`, behind a door that lets nothing through yet.
async fn behind_a_door(market: &Market, there: &Market) -> (Arc<AtomicU8>, tokio::task::JoinHandle<()>) {
    let open = Arc::new(AtomicU8::new(NOTHING));
    let router = market::router(there.clone()).layer(from_fn_with_state(Arc::clone(&open), door));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    let Credentials::Basic { password, .. } = token(there, TokenRole::Region("home".to_owned())).await else {
        unreachable!("tokens of tests are passwords")
    };
    add(market, RegionKind::Instance, url, false, Some(password)).await;
    (open, server)
}

/// What is said of a submission that a region never goes live with.
fn superseded() -> (String, Option<String>) {
    ("Behind".to_owned(), Some("a newer submission went live before this one did here".to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_filled_while_a_newer_submission_goes_live_is_behind_with_the_older() {
    let (here, there) = (place().await, place().await);
    let market = &here.market;
    let (open, server) = behind_a_door(market, &there.market).await;
    let _working = work(market);
    push(market, "one", &["latest", "1.0.0"]).await;
    let older = to_preview(market, offer(&["latest", "1.0.0"])).await;
    go_live(market).await;
    until("the region is behind", async || standing(market, &older).await.0 == "Behind").await;
    open.store(LATER, Ordering::SeqCst);
    until("the region is being filled", async || open.load(Ordering::SeqCst) == KNOCKED).await;
    push(market, "two", &["latest", "1.0.1"]).await;
    let newer = to_preview(market, offer(&["latest", "1.0.0", "1.0.1"])).await;
    go_live(market).await;
    open.store(ALL, Ordering::SeqCst);
    until("the newer is live", async || standing(market, &newer).await.0 == "Live").await;
    until("the older ends", async || standing(market, &older).await == superseded()).await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_was_away_never_goes_back_to_an_older_submission() {
    let (here, there) = (place().await, place().await);
    let market = &here.market;
    let (open, server) = behind_a_door(market, &there.market).await;
    let _working = work(market);

    let (mut ids, mut last) = (Vec::new(), None);
    for (round, tags) in [["latest", "1.0.0"], ["latest", "1.0.1"], ["latest", "1.0.2"]].iter().enumerate() {
        last = Some(push(market, tags[1], tags).await.digest);
        let versions = ["latest", "1.0.0", "1.0.1", "1.0.2"];
        let id = to_preview(market, offer(&versions[..round + 2])).await;
        go_live(market).await;
        if round == 0 {
            until("the region is behind", async || standing(market, &id).await.0 == "Behind").await;
            open.store(CONTENT, Ordering::SeqCst);
        } else {
            until("the region holds it", async || standing(market, &id).await.0 == "Holding").await;
        }
        ids.push(id);
    }
    open.store(ALL, Ordering::SeqCst);
    let newest = ids.pop().unwrap();
    until("the newest is live", async || standing(market, &newest).await.0 == "Live").await;
    for id in &ids {
        until("the older ones end", async || standing(market, id).await == superseded()).await;
    }
    let owner = RegistryOwner::new(there.market.clone());
    let latest = owner.manifest(PUBLIC, &ManifestReference::Tag("latest".to_owned())).await.unwrap();
    assert_eq!(latest.map(|found| found.digest), last);
    assert_eq!(owner.tags(PUBLIC, None, 10).await.unwrap(), ["1.0.0", "1.0.1", "1.0.2", "latest"]);
    server.abort();
}

/// A region that was cut off between content and tags collects what no tag leads to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_collected_what_no_tag_led_to_yet_gets_it_again() {
    let (here, there) = (place().await, place().await);
    let market = &here.market;
    let (open, server) = behind_a_door(market, &there.market).await;
    open.store(CONTENT, Ordering::SeqCst);
    let _working = work(market);
    let image = push(market, "one", &["latest", "1.0.0"]).await.digest;
    let id = to_preview(market, offer(&["latest", "1.0.0"])).await;
    go_live(market).await;
    until("the region holds it", async || standing(market, &id).await.0 == "Holding").await;
    let owner = RegistryOwner::new(there.market.clone());
    owner.delete_manifest(&Credentials::Anonymous, PUBLIC, &image).await.unwrap();
    open.store(ALL, Ordering::SeqCst);
    until("it is live", async || standing(market, &id).await.0 == "Live").await;
    let latest = owner.manifest(PUBLIC, &ManifestReference::Tag("latest".to_owned())).await.unwrap();
    assert_eq!(latest.map(|found| found.digest), Some(image));
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_plan_is_for_its_audience_and_stays_at_home() {
    let place = place().await;
    let (market, registry) = (&place.market, Registry::start().await);
    add(market, RegionKind::Registry, format!("http://{}", registry.door()), true, None).await;
    let _working = work(market);
    let image = push(market, "one", &["latest", "1.0.0"]).await;
    let mut files = offer(&["latest", "1.0.0"]);
    let audience = format!("    privateAudience: [{CUSTOMER}]\n    licenceModel: free\n");
    edit(&mut files, "    licenceModel: free\n", &audience);
    to_preview(market, files).await;
    let live = go_live(market).await;
    let said = "plan standard has a private audience: home alone holds it, and sends it to no region";
    assert!(live.steps[4].messages.iter().any(|message| message.text == said), "{:#?}", live.steps[4]);
    let writes: Vec<String> =
        registry.take_log().into_iter().filter(|l| l.starts_with("PUT ") || l.starts_with("POST ")).collect();
    assert_eq!(writes, Vec::<String>::new());
    assert_eq!(registry.tags(PUBLIC).await, Vec::<String>::new());

    let owner = RegistryOwner::new(market.clone());
    let stranger = market.add_subscription(&Actor::Operator, None, "A stranger").await.unwrap();
    let mut refused = vec![Credentials::Anonymous];
    for role in [
        TokenRole::Customer(stranger.id),
        TokenRole::Publisher("contoso".to_owned()),
        TokenRole::Region("eu".to_owned()),
    ] {
        refused.push(token(market, role).await);
    }
    for who in &refused {
        assert!(owner.authorize(who, Action::Pull, PUBLIC).await.is_err(), "{who:?}");
        assert!(owner.authorize(who, Action::Push, PUBLIC).await.is_err(), "{who:?}");
    }
    let customer = token(market, TokenRole::Customer(CUSTOMER)).await;
    owner.authorize(&customer, Action::Pull, PUBLIC).await.unwrap();
    let latest = owner.manifest(PUBLIC, &ManifestReference::Tag("latest".to_owned())).await.unwrap();
    assert_eq!(latest.map(|found| found.digest), Some(image.digest));
}
