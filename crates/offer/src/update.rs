//! What an update of a live offer must not change (spec `publishing.md`, *Updating a live offer*), as far as the two
//! documents show it. The digests behind version tags and the order of versions are compared where the image
//! repository is read.

use crate::document::{Offer, Plan, Terms};
use crate::finding::Finding;
use crate::repository;

/// Everything in `next` that may not follow on `live`; empty when the update is allowed.
pub fn check(live: &Offer, next: &Offer) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fixed = |rule: &str, pointer: String, what: &str, was: &str, is: &str| {
        let message = format!("{what} is {is:?}, but {was:?} is live and cannot change");
        let hint = format!("write {was:?} again, or publish a new offer");
        findings.push(Finding::error(rule, pointer, message, hint));
    };
    if live.publisher != next.publisher {
        let (was, is) = (live.publisher.as_str(), next.publisher.as_str());
        fixed("update-publisher-changed", "/publisher".into(), "the publisher ID", was, is);
    }
    if live.id != next.id {
        fixed("update-offer-id-changed", "/id".into(), "the offer ID", live.id.as_str(), next.id.as_str());
    }
    for old in &live.plans {
        let Some((index, new)) = next.plans.iter().enumerate().find(|(_, plan)| plan.id == old.id) else {
            findings.push(Finding::error(
                "update-plan-removed",
                "/plans",
                format!("the plan `{}` is live, but is not in the update", old.id),
                "a plan's ID cannot change: add the plan again, and stop selling it if it is to end",
            ));
            continue;
        };
        plan(index, old, new, &mut findings);
    }
    if live.listing.logos.hero.is_some() && next.listing.logos.hero.is_none() {
        findings.push(Finding::error(
            "update-hero-removed",
            "/listing/logos",
            "the hero picture is live, but is not in the update",
            "add `hero` again; another picture may take its place",
        ));
    }
    if live.listing.terms == Terms::StandardContract && next.listing.terms != Terms::StandardContract {
        findings.push(Finding::error(
            "update-standard-contract-left",
            "/listing/terms",
            "the offer is live under the standard contract, the update has terms of its own",
            "write `terms: standard-contract` again, or publish a new offer",
        ));
    }
    findings
}

fn plan(index: usize, old: &Plan, new: &Plan, findings: &mut Vec<Finding>) {
    let id = &old.id;
    let (was, is) = (&old.repository.name, &new.repository.name);
    if repository::canonical(was) != repository::canonical(is) {
        findings.push(Finding::error(
            "update-repository-changed",
            format!("/plans/{index}/repository/name"),
            format!("the plan `{id}` has the image repository {is:?}, but is live with {was:?}, which cannot change"),
            format!("write {was:?} again, or add a new plan"),
        ));
    }
    if old.licence_model != new.licence_model {
        findings.push(Finding::error(
            "update-licence-model-changed",
            format!("/plans/{index}/licenceModel"),
            format!("the plan `{id}` is live under another licence model, which cannot change"),
            "write the former licence model again, or add a new plan",
        ));
    }
}
