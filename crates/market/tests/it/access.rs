//! Roles, tokens, ETags and the lock of the data directory.

use crate::support::{config, contoso, place, sensor, token};
use market::access::TokenRole;
use market::clock::{Clock, Ids};
use market::offers::IfMatch;
use market::{Actor, Kind, Market, RegistryOwner};
use oci::manifest::{Descriptor, media_type};
use registry::owner::{Action, Credentials, ManifestPut, ManifestReference, Owner, Refusal};
use std::collections::BTreeMap;
use std::time::Duration;

fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([("offer.yaml".to_owned(), text.as_bytes().to_vec())])
}

#[tokio::test]
async fn a_second_process_is_refused_and_the_next_one_is_not() {
    let place = place().await;
    let second = Market::open(config(&place.directory), Clock::system(), Ids::system()).await;
    let error = second.err().expect("the directory is in use");
    assert_eq!(error.kind, Kind::Setup);
    assert!(error.message.contains("another edgemarket process"), "{}", error.message);
    place.market.close().await;
    drop(place.market);
    Market::open(config(&place.directory), Clock::system(), Ids::system()).await.unwrap();
}

#[tokio::test]
async fn tokens_say_who_holds_them_until_they_are_revoked() {
    let place = place().await;
    let role = TokenRole::Publisher("contoso".to_owned());
    let age = Duration::from_secs(60);
    let new = place.market.create_token(&Actor::Operator, role.clone(), "ci", age).await.unwrap();
    assert_eq!(place.market.authenticate(&new.secret).await.unwrap(), Actor::Publisher(contoso()));
    place.market.revoke_token(&Actor::Operator, &new.token.id).await.unwrap();
    let error = place.market.authenticate(&new.secret).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unauthenticated);
    let refused = place.market.create_token(&Actor::Publisher(contoso()), role, "more", age).await;
    assert_eq!(refused.err().unwrap().kind, Kind::Denied);
    let unknown = TokenRole::Publisher("nobody".to_owned());
    let missing = place.market.create_token(&Actor::Operator, unknown, "x", age).await;
    assert_eq!(missing.err().unwrap().kind, Kind::NotFound);
}

#[tokio::test]
async fn a_stale_write_loses_nothing() {
    let place = place().await;
    let (market, actor) = (&place.market, Actor::Publisher(contoso()));
    let (publisher, id) = (contoso(), sensor());
    let key = (&publisher, &id);
    let first = market.put_draft(&actor, key, files("name: one"), IfMatch::New).await.unwrap();
    assert_eq!(first.etag, 1);
    assert!(!first.findings.is_empty());
    let again = market.put_draft(&actor, key, files("name: one"), IfMatch::New).await;
    assert_eq!(again.unwrap_err().kind, Kind::Stale);
    let second = market.put_draft(&actor, key, files("name: two"), IfMatch::Etag(1)).await.unwrap();
    assert_eq!(second.etag, 2);
    let stale = market.put_draft(&actor, key, files("name: three"), IfMatch::Etag(1)).await;
    assert_eq!(stale.unwrap_err().kind, Kind::Stale);
    assert_eq!(market.draft(&actor, key).await.unwrap().files, files("name: two"));
    let fabrikam = Actor::Publisher("fabrikam".parse().unwrap());
    assert_eq!(market.draft(&fabrikam, key).await.unwrap_err().kind, Kind::NotFound);
    let actions: Vec<String> =
        market.history(&actor, key).await.unwrap().into_iter().map(|action| action.action).collect();
    assert_eq!(actions, ["draft-created", "draft-changed"]);
}

#[tokio::test]
async fn a_region_pushes_by_digest_only_and_nobody_else_pushes_at_all() {
    let place = place().await;
    let market = &place.market;
    let owner = RegistryOwner::new(market.clone());
    let (public, preview) = ("contoso/sensor/standard", "preview/contoso/sensor/standard");
    let region = token(market, TokenRole::Region("eu".to_owned())).await;
    let roles = [
        TokenRole::Operator,
        TokenRole::Publisher("contoso".to_owned()),
        TokenRole::Customer(crate::support::CUSTOMER),
    ];
    let mut others = vec![Credentials::Anonymous];
    for role in roles {
        others.push(token(market, role).await);
    }
    for who in &others {
        for repository in [public, preview] {
            let refused = owner.authorize(who, Action::Push, repository).await;
            assert!(refused.is_err(), "{who:?} may not push to {repository}");
        }
    }
    owner.authorize(&region, Action::Push, preview).await.unwrap_err();
    owner.authorize(&region, Action::Push, "incoming/contoso/sensor").await.unwrap_err();
    owner.authorize(&region, Action::Push, public).await.unwrap();

    let bytes = b"{}";
    market.blobs().put_bytes(bytes.to_vec()).await.unwrap();
    let put = |tag: Option<&str>| ManifestPut {
        tags: tag.map(str::to_owned).into_iter().collect(),
        descriptor: Descriptor::of(media_type::OCI_MANIFEST, bytes),
        subject: None,
        artifact_type: None,
        annotations: BTreeMap::new(),
        references: Vec::new(),
    };
    for tag in ["latest", "1.0.0", "1", "anything"] {
        let refused = owner.put_manifest(&region, public, put(Some(tag))).await;
        assert!(matches!(refused, Err(Refusal::Denied(_))), "{tag}: {refused:?}");
        let found = owner.manifest(public, &ManifestReference::Tag(tag.to_owned())).await.unwrap();
        assert_eq!(found, None);
    }
    owner.put_manifest(&region, public, put(None)).await.unwrap();
    let digest = ManifestReference::Digest(put(None).descriptor.digest);
    assert!(owner.manifest(public, &digest).await.unwrap().is_some());
}
