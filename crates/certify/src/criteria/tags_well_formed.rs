//! `tags-well-formed`: forms of the tags, `latest` and rolling tags at the greatest version, lists for several
//! platforms. The rules are the offer's; here they meet what the tags point at.

use super::{Case, Criterion, Judgement, NO_OFFER, Weight, offer_findings};
use crate::report::Finding;
use offer::tags::check_resolved;
use std::collections::BTreeMap;

pub(super) struct TagsWellFormed;

impl Criterion for TagsWellFormed {
    fn id(&self) -> &'static str {
        "tags-well-formed"
    }
    fn title(&self) -> &'static str {
        "The tags have the permitted forms and point where they should"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let Some(context) = &case.offer else { return Judgement::NotApplicable(NO_OFFER.to_owned()) };
        let mut findings = offer_findings::of_context(self, context);
        findings.extend(resolved(self, case));
        Judgement::of(findings)
    }
}

/// What the rules on resolved tags say under this criterion's name; nothing when the offer cannot be read.
pub(super) fn resolved(criterion: &dyn Criterion, case: &Case<'_>) -> Vec<Finding> {
    let Some(context) = &case.offer else { return Vec::new() };
    let Some((index, plan)) = context.plan() else { return Vec::new() };
    let live: BTreeMap<_, _> =
        case.live_tags.iter().map(|(tag, digest)| (*tag, digest.to_string())).collect();
    let pointer = format!("/plans/{index}/tags");
    let findings = check_resolved(&plan.tags, &pointer, case.tags, &live);
    let own = findings.iter().filter(|finding| finding.rule == criterion.id());
    own.map(|finding| with_tag(context, case, finding)).collect()
}

/// The finding with the tag and the digest that its pointer leads to.
fn with_tag(
    context: &super::OfferContext<'_>,
    case: &Case<'_>,
    finding: &offer::finding::Finding,
) -> Finding {
    let mut told = offer_findings::in_report(context, finding);
    let index: Option<usize> = finding.pointer.rsplit('/').next().and_then(|index| index.parse().ok());
    let tag = index.and_then(|index| context.plan()?.1.tags.get(index));
    told.place.image =
        tag.and_then(|tag| case.tags.0.get(tag)).and_then(|resolved| resolved.digest.parse().ok());
    told.place.tag = tag.cloned();
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use oci::digest::Digest;

    #[test]
    fn latest_at_another_digest_and_a_missing_tag_block() {
        let mut offer = example::offer();
        offer.plans[0].tags = ["latest", "1.0.0", "1.1.0", "1.2.0"].map(str::to_owned).to_vec();
        let mut tags = example::tags(&offer.plans[0].tags[..3]);
        let old = Digest::of(b"old").to_string();
        tags.0.get_mut("latest").expect("listed").digest = old.clone();
        tags.0.get_mut("1.0.0").expect("listed").digest = old;
        let judged = example::judge_tags(&TagsWellFormed, &offer, &[], &tags, &BTreeMap::new());
        let findings = example::findings(judged);
        assert!(findings.iter().all(|finding| finding.blocking));
        let mut tags: Vec<_> = findings.iter().filter_map(|finding| finding.place.tag.as_deref()).collect();
        tags.sort_unstable();
        assert_eq!(tags, ["1.2.0", "latest"]);
    }
}
