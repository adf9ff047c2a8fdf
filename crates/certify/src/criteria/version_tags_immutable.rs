//! `version-tags-immutable`: a version tag that was live still has its digest, and a new version is greater than all
//! that were live before.

use super::{Case, Criterion, Judgement, NO_OFFER, Weight, tags_well_formed};

pub(super) struct VersionTagsImmutable;

impl Criterion for VersionTagsImmutable {
    fn id(&self) -> &'static str {
        "version-tags-immutable"
    }
    fn title(&self) -> &'static str {
        "Versions that were live stay as they are, and a new one is the greatest"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        if case.offer.is_none() {
            return Judgement::NotApplicable(NO_OFFER.to_owned());
        }
        if case.live_tags.is_empty() {
            return Judgement::NotApplicable("no version of the plan is known to have been live".to_owned());
        }
        Judgement::of(tags_well_formed::resolved(self, case))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use oci::digest::Digest;

    fn judged(listed: &[&str], live: &[(&str, &[u8])]) -> Judgement {
        let mut offer = example::offer();
        offer.plans[0].tags = listed.iter().map(|tag| tag.to_string()).collect();
        let live = live.iter().map(|(tag, bytes)| (tag.parse().expect("a version"), Digest::of(bytes)));
        let tags = example::tags(&offer.plans[0].tags);
        example::judge_tags(&VersionTagsImmutable, &offer, &[], &tags, &live.collect())
    }

    #[test]
    fn a_moved_version_and_a_late_small_one_block() {
        let live: &[(&str, &[u8])] = &[("1.0.0", b"image"), ("1.2.0", b"other")];
        assert_eq!(judged(&["latest", "1.0.0", "1.3.0"], live), Judgement::of(Vec::new()));
        assert_eq!(example::findings(judged(&["1.2.0", "1.1.9"], live)).len(), 2);
        assert!(matches!(judged(&["1.0.0"], &[]), Judgement::NotApplicable(_)));
    }
}
