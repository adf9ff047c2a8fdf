//! `links-reachable`: the links of the listing answer. Judged from what the caller asked; where nobody asked, nothing is
//! said of them. A page that wants a login or no programs is there, and counts as reachable.

use super::{Case, Criterion, Judgement, NO_OFFER, Weight, offer_findings};
use crate::links::Answer;
use crate::report::{Finding, Severity};

/// Refusals by which a server shows that it is there: login, forbidden to programs, wrong method, too many requests.
const STILL_THERE: &[u16] = &[401, 403, 405, 406, 429];

pub(super) struct LinksReachable;

impl Criterion for LinksReachable {
    fn id(&self) -> &'static str {
        "links-reachable"
    }
    fn title(&self) -> &'static str {
        "The listing's links answer"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let Some(context) = &case.offer else { return Judgement::NotApplicable(NO_OFFER.to_owned()) };
        let Some(links) = case.links else {
            return Judgement::NotApplicable(
                "the links were not asked; `certify --check-links` and the setting check-links do that"
                    .to_owned(),
            );
        };
        let finding = |link: &crate::links::LinkFact| {
            let said = match &link.answer {
                Answer::Status(status) if *status < 400 || STILL_THERE.contains(status) => return None,
                Answer::Status(status) => format!("answers with status {status}"),
                Answer::Forbidden(reason) => format!("leads to where nobody outside can go: {reason}"),
                Answer::Failed(cause) => format!("does not answer: {cause}"),
            };
            Some(Finding::advice(
                Severity::Low,
                offer_findings::place(context, &link.pointer, None),
                format!("{} {said}", link.url),
                "correct the link, or bring the page back; if it answers in a browser, certify again later",
            ))
        };
        Judgement::of(links.iter().filter_map(finding).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::{OfferContext, example};
    use crate::links::{self, LinkFact};
    use offer::document::{Link, LinkKind, Reading, Terms};

    #[test]
    fn every_link_is_asked_once_and_those_without_a_page_are_named() {
        let mut offer = example::offer();
        let link = |url: &str| Link { title: "t".into(), url: url.into(), kind: LinkKind::Documentation };
        offer.listing.links =
            vec![link("https://a.test/docs"), link("https://a.test/docs"), link("http://b.test/")];
        offer.listing.terms = Terms::Url("https://c.test/terms".into());
        let asked: Vec<(&str, String)> = links::of(&offer).into_iter().collect();
        assert_eq!(
            asked.iter().map(|(url, pointer)| (*url, pointer.as_str())).collect::<Vec<_>>(),
            [
                ("http://b.test/", "/listing/links/2/url"),
                ("https://a.test/docs", "/listing/links/0/url"),
                ("https://c.test/terms", "/listing/terms/url"),
                ("https://example.com", "/support/url"),
                ("https://example.com/privacy", "/listing/privacyPolicyUrl"),
            ]
        );
        let answers = [
            Answer::Failed("the name is not known".into()),
            Answer::Status(404),
            Answer::Status(403),
            Answer::Forbidden("10.0.0.1 is private".into()),
            Answer::Status(200),
        ];
        let facts: Vec<LinkFact> = asked
            .into_iter()
            .zip(answers)
            .map(|((url, pointer), answer)| LinkFact { pointer, url: url.to_owned(), answer })
            .collect();
        let image = example::image();
        let reading =
            Reading { offer: Some(offer.clone()), findings: Vec::new(), positions: Default::default() };
        let judge = |links| {
            LinksReachable.judge(&Case {
                offer: Some(OfferContext { reading: &reading, plan_id: "standard" }),
                links,
                ..example::case_of(&image)
            })
        };
        let findings = example::findings(judge(Some(&facts)));
        let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "http://b.test/ does not answer: the name is not known",
                "https://a.test/docs answers with status 404",
                "https://example.com leads to where nobody outside can go: 10.0.0.1 is private",
            ]
        );
        assert_eq!(findings[1].place.pointer.as_deref(), Some("/listing/links/0/url"));
        assert!(matches!(judge(None), Judgement::NotApplicable(_)));
    }
}
