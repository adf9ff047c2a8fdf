//! After the publication: versions beside each other, the history, what is sold and what not any more, a draft that goes.

use crate::http::{Stage, call, get, secret, send, stage};
use crate::progress::{encoded, post};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::comparison::Version;
use market::selling::Part;
use market::{Actor, Kind, Market, RegistryOwner};
use offer::submission::SubmissionState;
use offer::template::{NewOffer, new_offer};
use registry::owner::{ManifestReference, Owner};

const OWN: &str = "/publish/contoso/sensor";
const API: &str = "/api/v1/offers/contoso/sensor";

/// The template's offer with a second plan.
fn two_plans() -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = offer(&["latest", "1.0.0"]);
    let second = "  - {id: second, title: Second, summary: Another plan, description: '<p>Another.</p>', licenceModel: free, \
                  repository: {name: '127.0.0.1:8080/incoming/contoso/second'}, tags: [latest, '1.0.0']}\n\n\
                  # What the storefront shows.";
    edit(&mut files, "# What the storefront shows.", second);
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_stand_beside_each_other() {
    let place = place().await;
    let market = &place.market;
    let _working = work(market);
    let one = push(market, "one", &["latest", "1.0.0"]).await;
    publish(market, offer(&["latest", "1.0.0"])).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let first = go_live(market).await.summary.id;
    let two = push_files(
        market,
        elf(),
        &[("etc/os-release", b"ID=debian\nVERSION_ID=12\n"), ("app/more", &[7; 5_000])],
        &["latest", "1.0.1"],
    )
    .await;
    let mut files = offer(&["latest", "1.0.0", "1.0.1"]);
    edit(
        &mut files,
        "summary: Say in one line what this plan does",
        "summary: \"<script>steal()</script> \\u202E\"",
    );
    // The template draws its logos by the offer's ID.
    let drawn = new_offer(&NewOffer { offer: "other".to_owned(), ..NewOffer::default() });
    files.insert("logos/medium.png".to_owned(), drawn["logos/medium.png"].clone());
    let second = publish(market, files).await.summary.id;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let pair = (&Version::Live, &Version::Submission(second.clone()));
    let found = market.compare(&publisher(), (&contoso(), &sensor()), pair).await.unwrap();
    assert_eq!((found.before.number, found.after.number), (Some(1), Some(2)));
    let pointers: Vec<&str> = found.fields.iter().map(|change| change.pointer.as_str()).collect();
    assert_eq!(pointers, ["/plans/standard/summary"]);
    assert!(
        found.unchanged.contains(&"listing".to_owned())
            && !found.unchanged.contains(&"plans/standard".to_owned())
    );
    let pictures: Vec<&str> = found.pictures.iter().map(|change| change.file.as_str()).collect();
    assert_eq!(pictures, ["logos/medium.png"]);
    let moved = |tag: &str| found.tags.iter().find(|change| change.tag == tag).cloned();
    let latest = moved("latest").unwrap();
    assert_eq!((latest.before, latest.after), (Some(one.digest.to_string()), Some(two.digest.to_string())));
    assert_eq!(moved("1.0.1").unwrap().before, None);
    assert_eq!(moved("1.0.0"), None);
    assert!(matches!(found.sizes[..], [ref size] if size.after > size.before), "{:?}", found.sizes);
    assert!(
        found.findings.iter().any(|of| of.plan == "standard" && of.changes.kept > 0),
        "{:?}",
        found.findings
    );
    let same = (&Version::Live, &Version::Submission(first.clone()));
    let same = market.compare(&publisher(), (&contoso(), &sensor()), same).await.unwrap();
    assert!(
        same.fields.is_empty() && same.tags.is_empty() && same.sizes.is_empty() && same.packages.is_empty()
    );

    comparison_pages(market, &first, &second).await;
}

/// The pages of two submissions, and what is none of their versions.
async fn comparison_pages(market: &Market, first: &str, second: &str) {
    let router = market::router(market.clone());
    let token = secret(market, TokenRole::Publisher("contoso".to_owned())).await;
    // Without a choice a submission stands against what was live before it.
    let page = get(&router, &format!("{OWN}/compare?to={second}"), &token).await;
    for expected in [
        "/plans/standard/summary",
        "&lt;script&gt;steal()",
        "standard:latest",
        "moved",
        "Unchanged:",
        &format!("<img src=\"{OWN}/versions/{second}/logos/medium.png\""),
        first,
    ] {
        assert!(page.text().contains(expected), "{expected}: {}", page.text());
    }
    let french = get(&router, &format!("{OWN}/compare?from=live&to={second}&lang=fr"), &token).await;
    for expected in ["déplacée", "Inchangé", "Étiquettes", "Tailles"] {
        assert!(french.text().contains(expected), "{expected}: {}", french.text());
    }
    let draft = get(&router, &format!("{API}/compare"), &token).await.json();
    assert_eq!(draft["after"]["version"], "draft");
    let picture = get(&router, &format!("{OWN}/versions/{second}/logos/small.png"), &token).await;
    assert_eq!((picture.status, picture.header(header::CONTENT_TYPE)), (StatusCode::OK, "image/png"));
    no_versions(market, (&router, token.as_str()), second).await;
}

async fn no_versions(market: &Market, (router, token): (&Router, &str), second: &str) {
    for path in [
        format!("{OWN}/versions/{second}/offer.yaml"),
        format!("{OWN}/versions/nothing/logos/small.png"),
        format!("{OWN}/versions/draft/..%2F..%2Fsecret.key"),
        format!("{OWN}/compare?from=nothing&to=live"),
        format!("{OWN}/compare?from={}&to=live", encoded("\u{1f6f0}' OR 1=1")),
        "/publish/contoso/unknown/compare".to_owned(),
        "/publish/NO%20ID/sensor/compare".to_owned(),
    ] {
        assert_eq!(get(router, &path, token).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // A submission of another offer of the same publisher is no version of this one.
    another_live(market, "other", &[]).await;
    let other =
        market.status(&publisher(), (&contoso(), &"other".parse().unwrap())).await.unwrap().summary.id;
    let foreign = get(router, &format!("{API}/compare?from=live&to={other}"), token).await;
    foreign.problem(StatusCode::NOT_FOUND);
    // A draft that breaks a rule says which, with the way to its field.
    let mut broken = offer(&["latest", "1.0.0"]);
    edit(&mut broken, "licenceModel: free", "licenceModel: rented");
    let id = (&contoso(), &sensor());
    market.put_draft(&publisher(), id, broken, market::offers::IfMatch::Any).await.unwrap();
    let page = get(router, &format!("{OWN}/compare"), token).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text().contains("href=\"/publish/contoso/sensor/plans/0#/plans/0/licenceModel\""),
        "{}",
        page.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_told_in_pages() {
    let stage = stage().await;
    let market = &stage.place.market;
    for number in 0..60 {
        let mut files = offer(&["latest", "1.0.0"]);
        edit(&mut files, "Say in one line what this plan does", &format!("Draft {number}"));
        market
            .put_draft(&publisher(), (&contoso(), &sensor()), files, market::offers::IfMatch::Any)
            .await
            .unwrap();
    }
    let all = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let first = get(&stage.router, &format!("{OWN}/history"), &stage.own).await;
    assert_eq!(first.text().matches("<tr>").count(), 51);
    assert!(first.text().contains("changed the draft") && first.text().contains("publisher:contoso"));
    let older =
        first.text().split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let second = get(&stage.router, &format!("{older}&lang=fr"), &stage.own).await;
    assert_eq!(second.text().matches("<tr>").count(), 1 + all.len() - 50);
    assert!(second.text().contains("a créé le brouillon") && second.text().contains("est passée en direct"));
    let page = get(&stage.router, &format!("{API}/history?limit=2"), &stage.own).await.json();
    let last = page[1]["id"].as_str().unwrap();
    assert_eq!(page[0]["id"], all.last().unwrap().id);
    let next = get(&stage.router, &format!("{API}/history?limit=1&before={last}"), &stage.own).await.json();
    assert_eq!(next[0]["id"], all[all.len() - 3].id);
    get(&stage.router, &format!("{API}/history?limit=many"), &stage.own)
        .await
        .problem(StatusCode::UNPROCESSABLE_ENTITY);
    let odd =
        get(&stage.router, &format!("{OWN}/history?before={}", encoded("\u{0}\u{202e}x")), &stage.own).await;
    assert_eq!(odd.status, StatusCode::OK);
    assert_eq!(
        get(&stage.router, "/publish/contoso/none/history", &stage.own).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sold_is_hidden_refused_and_still_pulled() {
    let stage = stage().await;
    let market = &stage.place.market;
    let asked = get(&stage.router, &format!("{OWN}/selling/stop"), &stage.own).await;
    assert!(asked.text().contains("Stop selling contoso.sensor?"), "{}", asked.text());
    for _ in 0..2 {
        let stopped = post(&stage.router, &format!("{OWN}/selling/stop"), &stage.own, "plan=").await;
        assert_eq!(
            (stopped.status, stopped.header(header::LOCATION)),
            (StatusCode::SEE_OTHER, "/publish/contoso/sensor/selling")
        );
    }
    let listed = async || market.live_offers(&Actor::Anonymous).await.unwrap().len();
    assert_eq!(listed().await, 0);
    let found = get(&stage.router, "/search?q=sensor", "").await;
    assert!(!found.text().contains("href=\"/offers/contoso/sensor\""), "{}", found.text());
    for path in [
        "/offers/contoso/sensor",
        "/api/v1/catalogue/contoso/sensor",
        "/api/v1/catalogue/contoso/sensor/standard/deployment",
    ] {
        let answer = get(&stage.router, path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().contains("is not sold any more since"), "{}", answer.text());
    }
    // Its publisher still sees the page.
    assert_eq!(get(&stage.router, "/offers/contoso/sensor", &stage.own).await.status, StatusCode::OK);
    let owner = RegistryOwner::new(market.clone());
    let latest = ManifestReference::Tag("latest".to_owned());
    let image = owner.manifest("contoso/sensor/standard", &latest).await.unwrap().unwrap();
    let pulled =
        get(&stage.router, &format!("/v2/contoso/sensor/standard/manifests/{}", image.digest), "").await;
    assert_eq!(pulled.status, StatusCode::OK);
    // What goes live meanwhile changes nothing of it.
    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    wait_for(market, SubmissionState::Succeeded).await;
    assert_eq!(listed().await, 0);
    let offers = get(&stage.router, "/api/v1/offers", &stage.own).await.json();
    assert!(offers[0]["stopped"].is_string() && offers[0]["live"] == true, "{offers}");
    for _ in 0..2 {
        post(&stage.router, &format!("{OWN}/selling/restore"), &stage.own, "plan=").await;
    }
    assert_eq!(listed().await, 1);
    assert_eq!(get(&stage.router, "/offers/contoso/sensor", "").await.status, StatusCode::OK);
    let found = get(&stage.router, "/search?q=sensor", "").await;
    assert!(found.text().contains("href=\"/offers/contoso/sensor\""));
    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    for action in ["selling-stopped", "selling-restored"] {
        assert_eq!(history.iter().filter(|one| one.action == action).count(), 1, "{action}");
    }
    parts_that_cannot_be_stopped(&stage).await;
}

async fn parts_that_cannot_be_stopped(stage: &Stage) {
    let last = call(
        &stage.router,
        Method::POST,
        &format!("{API}/stop-selling"),
        &stage.own,
        r#"{"plan":"standard"}"#,
    )
    .await;
    let (fact, hint) = last.problem(StatusCode::CONFLICT);
    assert!(fact.contains("the last plan") && hint.contains("as a whole"), "{fact} {hint}");
    for (body, status) in
        [(r#"{"plan":"none"}"#, 404), (r#"{"plan":7}"#, 422), (r#"{"extra":1}"#, 422), ("{", 400)]
    {
        let answer =
            call(&stage.router, Method::POST, &format!("{API}/stop-selling"), &stage.own, body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
    }
    let unknown = post(
        &stage.router,
        &format!("{OWN}/selling/stop"),
        &stage.own,
        &format!("plan={}", encoded("\u{1f6f0}")),
    )
    .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_plan_goes_and_the_other_stays() {
    let place = place().await;
    let market = &place.market;
    let _working = work(market);
    push(market, "one", &["latest", "1.0.0"]).await;
    push_layers(market, "second", (&[], elf()), &[("app/note", b"second")], &["latest", "1.0.0"]).await;
    publish(market, two_plans()).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    go_live(market).await;
    let key = (&contoso(), &sensor());
    let plans = async || {
        let page = market.offer_page(&Actor::Anonymous, key).await.unwrap();
        page.plans.into_iter().map(|plan| plan.id).collect::<Vec<_>>()
    };
    assert_eq!(plans().await, ["standard", "second"]);
    let part = |plan: &str| Part { plan: Some(plan.to_owned()) };
    let selling = market.stop_selling(&publisher(), key, &part("second")).await.unwrap();
    assert!(selling.stopped.is_none() && selling.plans[1].stopped.is_some());
    assert_eq!(plans().await, ["standard"]);
    let router = market::router(market.clone());
    let deployment = get(&router, "/api/v1/catalogue/contoso/sensor/second/deployment", "").await;
    assert_eq!(deployment.status, StatusCode::NOT_FOUND);
    let found = get(&router, "/search?q=Second", "").await;
    assert!(
        !found.text().contains("href=\"/offers/contoso/sensor\""),
        "a plan that is not sold is not found"
    );
    let last = market.stop_selling(&publisher(), key, &part("standard")).await;
    assert_eq!(last.unwrap_err().kind, Kind::Conflict);
    let token = secret(market, TokenRole::Publisher("contoso".to_owned())).await;
    let page = get(&router, &format!("{OWN}/selling?lang=fr"), &token).await;
    assert!(
        page.text().contains("plus en vente depuis") && page.text().contains("Reprendre la vente"),
        "{}",
        page.text()
    );
    market.restore(&publisher(), key, &part("second")).await.unwrap();
    assert_eq!(plans().await, ["standard", "second"]);
    let found = get(&router, "/search?q=Second", "").await;
    assert!(found.text().contains("href=\"/offers/contoso/sensor\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_deleted_only_as_it_was_seen() {
    let place = place().await;
    let market = &place.market;
    let (router, token) =
        (market::router(market.clone()), secret(market, TokenRole::Publisher("contoso".to_owned())).await);
    let key = (&contoso(), &sensor());
    let any = market::offers::IfMatch::Any;
    market.put_draft(&publisher(), key, offer(&["latest", "1.0.0"]), any).await.unwrap();
    let path = format!("{OWN}/delete-draft");
    let asked = get(&router, &path, &token).await;
    assert!(asked.text().contains("The offer was never live"), "{}", asked.text());
    let etag =
        asked.text().split("name=\"etag\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    market.put_draft(&publisher(), key, offer(&["latest", "1.0.1"]), any).await.unwrap();
    let stale = post(&router, &path, &token, &format!("etag={etag}")).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    for form in ["", "etag=", "etag=x", "etag=99999999999999999999"] {
        assert_eq!(
            post(&router, &path, &token, form).await.status,
            StatusCode::PRECONDITION_FAILED,
            "{form}"
        );
    }
    assert_eq!(market.offers(&publisher()).await.unwrap().len(), 1);
    let asked = get(&router, &format!("{path}?lang=fr"), &token).await;
    let etag =
        asked.text().split("name=\"etag\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let deleted = post(&router, &path, &token, &format!("etag={etag}")).await;
    assert_eq!((deleted.status, deleted.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/publish"));
    assert!(market.offers(&publisher()).await.unwrap().is_empty());
    assert_eq!(post(&router, &path, &token, &format!("etag={etag}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_publisher_finds_no_offer_and_other_sites_no_form() {
    let stage = stage().await;
    let market = &stage.place.market;
    market.add_publisher(&Actor::Operator, &"fabrikam".parse().unwrap(), "Fabrikam").await.unwrap();
    let other = secret(market, TokenRole::Publisher("fabrikam".to_owned())).await;
    for page in
        ["history", "compare", "selling", "selling/stop", "delete-draft", "versions/draft/logos/small.png"]
    {
        let answer = get(&stage.router, &format!("{OWN}/{page}"), &other).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
        let nobody = get(&stage.router, &format!("{OWN}/{page}"), "").await;
        let next =
            url::form_urlencoded::byte_serialize(format!("{OWN}/{page}").as_bytes()).collect::<String>();
        assert_eq!(nobody.header(header::LOCATION), format!("/sign-in?next={next}"));
    }
    for form in ["selling/stop", "selling/restore", "delete-draft"] {
        let answer = post(&stage.router, &format!("{OWN}/{form}"), &other, "etag=1").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{form}");
        let foreign = crate::http::request(Method::POST, &format!("{OWN}/{form}"), &stage.own)
            .header(header::ORIGIN, "http://evil.example");
        let foreign = send(&stage.router, foreign.body(Body::from("etag=1")).unwrap()).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{form}");
    }
    for call_of in ["stop-selling", "restore"] {
        let answer = call(&stage.router, Method::POST, &format!("{API}/{call_of}"), &other, "{}").await;
        answer.problem(StatusCode::NOT_FOUND);
    }
    assert_eq!(market.live_offers(&Actor::Anonymous).await.unwrap().len(), 1);
}
