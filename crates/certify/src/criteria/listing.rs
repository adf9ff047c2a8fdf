//! The criteria of the *Listing* group: `listing-complete`, `pictures-valid`, `html-safe`, `contacts-valid` and
//! `legal-present`. The offer's own rules find what is wrong; here it is weighed. In one file, because the five differ
//! in nothing but their names.

use super::{Case, Criterion, Judgement, Weight, offer_findings};

macro_rules! listing_criterion {
    ($name:ident, $id:literal, $title:literal) => {
        pub(super) struct $name;

        impl Criterion for $name {
            fn id(&self) -> &'static str {
                $id
            }
            fn title(&self) -> &'static str {
                $title
            }
            fn default_weight(&self) -> Weight {
                Weight::Blocking
            }
            fn judge(&self, case: &Case<'_>) -> Judgement {
                offer_findings::of(self, case)
            }
        }
    };
}

listing_criterion!(
    ListingComplete,
    "listing-complete",
    "The offer's texts are complete and within their limits"
);
listing_criterion!(PicturesValid, "pictures-valid", "The pictures are PNG files of the right sizes");
listing_criterion!(HtmlSafe, "html-safe", "The descriptions are simple HTML");
listing_criterion!(ContactsValid, "contacts-valid", "The contacts can be reached");
listing_criterion!(LegalPresent, "legal-present", "Privacy policy and terms of use are there");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use offer::finding::Finding;

    #[test]
    fn errors_block_and_warnings_are_advice() {
        let offer = example::offer();
        let findings = [
            Finding::error("html-removed", "/listing/description", "script", "remove it"),
            Finding::warning("html-removed", "/listing/description", "font", "remove it"),
        ];
        let judged = example::findings(example::judge_offer(&HtmlSafe, &offer, &findings));
        assert_eq!(judged.iter().map(|finding| finding.blocking).collect::<Vec<_>>(), [true, false]);
        assert_eq!(example::judge_offer(&ContactsValid, &offer, &findings), Judgement::of(Vec::new()));
        assert!(matches!(
            example::judge_image(&ContactsValid, &example::image()),
            Judgement::NotApplicable(_)
        ));
    }
}
