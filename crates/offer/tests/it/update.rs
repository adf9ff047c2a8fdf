//! What an update of a live offer must not change.

use crate::document::{changed, read, sound, yaml};
use offer::document::Offer;
use offer::update::check;

fn live() -> Offer {
    read(&sound()).offer.expect("a sound offer")
}

fn rules(next: &Offer) -> Vec<String> {
    let mut live = live();
    live.listing.logos.hero = Some("hero.png".into());
    check(&live, next).into_iter().map(|finding| finding.rule).collect()
}

fn next() -> Offer {
    let mut next = live();
    next.listing.logos.hero = Some("another.png".into());
    next
}

#[test]
fn what_may_change_may_change() {
    let mut next = next();
    next.name = "Another name".into();
    next.plans[0].tags.push("1.1.0".into());
    next.plans[0].title = "Another".into();
    next.plans[0].repository.name = next.plans[0].repository.name.replace("localhost", "LOCALHOST");
    let mut second = next.plans[0].clone();
    second.id = "second".parse().expect("an ID");
    next.plans.insert(0, second);
    next.listing.title = "Another".into();
    assert_eq!(rules(&next), Vec::<String>::new());
}

#[test]
fn what_is_fixed_is_told() {
    let text = yaml(&sound())
        .replace("publisher: \"contoso\"", "publisher: fabrikam")
        .replace("id: \"telemetry\"", "id: other")
        .replace("licenceModel: free", "licenceModel: byol")
        .replace("localhost:5000/contoso/telemetry", "localhost:5000/contoso/other")
        .replace("terms: standard-contract", "terms: { url: \"https://contoso.com/terms\" }");
    let mut files = sound();
    files.insert("offer.yaml".into(), text.into_bytes());
    let mut next = read(&files).offer.expect("a sound offer");
    next.listing.logos.hero = None;
    assert_eq!(
        rules(&next),
        [
            "update-publisher-changed",
            "update-offer-id-changed",
            "update-repository-changed",
            "update-licence-model-changed",
            "update-hero-removed",
            "update-standard-contract-left",
        ]
    );
}

#[test]
fn a_plan_that_is_gone_is_told() {
    let mut next = read(&changed("id: \"standard\"", "id: premium")).offer.expect("a sound offer");
    next.listing.logos.hero = Some("hero.png".into());
    let findings = check(&live(), &next);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].message, "the plan `standard` is live, but is not in the update");
}

#[test]
fn a_hero_may_be_added_and_a_contract_taken() {
    let mut before = live();
    before.listing.terms = offer::document::Terms::Url("https://contoso.com/terms".into());
    assert_eq!(check(&before, &next()), []);
}
