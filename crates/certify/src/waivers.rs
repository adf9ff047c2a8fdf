//! Waivers on findings: which finding a waiver covers, what becomes of it, and what is told of waivers that no longer
//! hold or that nothing needs. Pure; the day comes with the case. What a waiver says is `offer::policy`.

use crate::criteria::Case;
use crate::report::{Finding, Waived, WaiverState, WaiverUse};
use globset::GlobMatcher;
use offer::policy::Waiver;

/// The waivers that are meant for a case, and what they did so far.
pub(crate) struct Waivers<'a> {
    case: &'a Case<'a>,
    all: Vec<Held<'a>>,
}

struct Held<'a> {
    waiver: &'a Waiver,
    /// `None` for every place; a pattern that is none, which the policy's check tells, covers nothing.
    places: Option<Result<GlobMatcher, String>>,
    covered: usize,
}

impl<'a> Waivers<'a> {
    /// Those of the policy whose publisher, offer, plan and image are the case's.
    pub fn of(case: &'a Case<'a>) -> Waivers<'a> {
        let context = case.offer.as_ref();
        let offer = context.and_then(|context| context.reading.offer.as_ref());
        let plan = context.and_then(|context| context.plan().map(|(_, plan)| plan));
        let subject = offer.zip(plan).map(|(offer, plan)| (&offer.publisher, &offer.id, &plan.id));
        let has_image = |waiver: &&Waiver| waiver.image.as_ref().is_none_or(|digest| is_in(case, digest));
        let meant = case.policy.waivers.iter().filter(|waiver| waiver.is_for(subject)).filter(has_image);
        let held = |waiver: &'a Waiver| Held { waiver, places: waiver.matcher().transpose(), covered: 0 };
        Waivers { case, all: meant.map(held).collect() }
    }

    /// Marks the findings of a criterion that a waiver covers, which then do not block. Every waiver that covers a
    /// finding counts it, the first one in force is named.
    pub fn apply(&mut self, criterion: &str, findings: &mut [Finding]) {
        for held in self.all.iter_mut().filter(|held| held.waiver.criterion == criterion) {
            for finding in
                findings.iter_mut().filter(|finding| covers(self.case, held.waiver, &held.places, finding))
            {
                held.covered += 1;
                if held.waiver.holds_on(self.case.today) && finding.waived.is_none() {
                    finding.waived = Some(Waived {
                        reason: held.waiver.reason.clone(),
                        until: held.waiver.until,
                        by: held.waiver.by.clone(),
                        blocked: finding.blocking,
                    });
                    finding.blocking = false;
                }
            }
        }
    }

    /// What is told of each.
    pub fn told(self) -> Vec<WaiverUse> {
        let today = self.case.today;
        let told = |held: Held<'_>| WaiverUse {
            criterion: held.waiver.criterion.clone(),
            place: held.waiver.place.clone(),
            reason: held.waiver.reason.clone(),
            until: held.waiver.until,
            by: held.waiver.by.clone(),
            state: match (held.waiver.holds_on(today), held.covered) {
                (false, _) => WaiverState::Expired,
                (true, 0) => WaiverState::Unused,
                (true, _) => WaiverState::Applied,
            },
            findings: held.covered,
        };
        self.all.into_iter().map(told).collect()
    }
}

fn is_in(case: &Case<'_>, digest: &str) -> bool {
    case.digest.to_string() == digest || case.images.iter().any(|image| image.digest.to_string() == digest)
}

fn covers(
    case: &Case<'_>,
    waiver: &Waiver,
    places: &Option<Result<GlobMatcher, String>>,
    finding: &Finding,
) -> bool {
    let place = &finding.place;
    let of_image = match &waiver.image {
        None => true,
        // Of the index, or of what was asked for: of everything in it.
        Some(digest) if case.digest.to_string() == *digest => true,
        Some(digest) => place.image.is_some_and(|image| image.to_string() == *digest),
    };
    let at_place = match places {
        None => true,
        Some(Err(_)) => false,
        Some(Ok(matcher)) => {
            let parts = [&place.path, &place.package, &place.tag, &place.pointer];
            parts.into_iter().flatten().any(|part| matcher.is_match(part))
        }
    };
    of_image && at_place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use crate::judge::judge;
    use crate::report::{Report, Verdict};
    use offer::policy::Policy;

    /// The report on the example image with two setuid files, under this policy.
    fn report(policy: &str) -> Report {
        let mut image = example::image();
        image.setuid = vec![example::file("opt/a/tool", 0o4755), example::file("opt/b/tool", 0o4755)];
        let policy = Policy::from_toml(policy).expect("a policy");
        judge(&Case { policy: &policy, ..example::case_of(&image) })
    }

    fn waiver(rest: &str) -> String {
        format!(
            "[criteria.no-setuid-outside-known-set]\nblocking = true\n[[waivers]]\n\
             criterion = 'no-setuid-outside-known-set'\nreason = 'audited'\nby = 'Jo'\n{rest}"
        )
    }

    #[test]
    fn a_waiver_covers_its_place_until_its_day() {
        let image = example::image();
        let table = [
            // Scope, verdict of the criterion, blocking findings, state of the waiver, findings that it covers.
            ("until = '2026-11-24'", Some((Verdict::Waived, 0, WaiverState::Applied, 2))),
            ("until = 2026-11-24", Some((Verdict::Waived, 0, WaiverState::Applied, 2))),
            ("until = '2026-11-23'", Some((Verdict::Failed, 2, WaiverState::Expired, 2))),
            ("until = '2027-01-01'\nplace = 'opt/a/*'", Some((Verdict::Failed, 1, WaiverState::Applied, 1))),
            ("until = '2027-01-01'\nplace = 'opt/*'", Some((Verdict::Failed, 2, WaiverState::Unused, 0))),
            ("until = '2027-01-01'\nplace = 'opt/**'", Some((Verdict::Waived, 0, WaiverState::Applied, 2))),
            (
                "until = '2027-01-01'\nplace = 'opt/{a,b}/tool'",
                Some((Verdict::Waived, 0, WaiverState::Applied, 2)),
            ),
            (
                &format!("until = '2027-01-01'\nimage = '{}'", image.digest),
                Some((Verdict::Waived, 0, WaiverState::Applied, 2)),
            ),
            // Meant for another image or for an offer: nothing is told of them here.
            (&format!("until = '2027-01-01'\nimage = 'sha256:{}'", "0".repeat(64)), None),
            ("until = '2027-01-01'\npublisher = 'acme'", None),
        ];
        for (scope, expected) in table {
            let report = report(&waiver(scope));
            let result = report.criterion("no-setuid-outside-known-set").expect("judged");
            let blocking = result.findings.iter().filter(|finding| finding.blocking).count();
            assert_eq!(result.findings.len(), 2, "{scope}: what is waived stays visible");
            let Some((verdict, blocked, state, covered)) = expected else {
                assert_eq!((result.verdict, report.waivers.len()), (Verdict::Failed, 0), "{scope}");
                continue;
            };
            let told = &report.waivers[0];
            assert_eq!(
                (result.verdict, blocking, told.state, told.findings),
                (verdict, blocked, state, covered),
                "{scope}"
            );
            assert_eq!(report.passed(), blocked == 0, "{scope}");
        }
    }

    #[test]
    fn a_waived_finding_says_who_why_and_until_when() {
        let report = report(&waiver("until = '2027-01-01'\nplace = 'opt/b/tool'"));
        let result = report.criterion("no-setuid-outside-known-set").expect("judged");
        let waived: Vec<&Waived> =
            result.findings.iter().filter_map(|finding| finding.waived.as_ref()).collect();
        assert_eq!(waived.len(), 1);
        let said = (
            waived[0].by.as_str(),
            waived[0].reason.as_str(),
            waived[0].until.to_string(),
            waived[0].blocked,
        );
        assert_eq!(said, ("Jo", "audited", "2027-01-01".to_owned(), true));
        assert!(result.findings[0].blocking, "what still blocks comes first");
    }

    #[test]
    fn advice_can_be_waived_too() {
        let text = waiver("until = '2027-01-01'").replace("blocking = true", "blocking = false");
        let report = report(&text);
        let result = report.criterion("no-setuid-outside-known-set").expect("judged");
        assert_eq!(result.verdict, Verdict::Waived);
        let one = report_of_one_waived_advice();
        assert_eq!(one.criterion("no-setuid-outside-known-set").expect("judged").verdict, Verdict::Warned);
    }

    fn report_of_one_waived_advice() -> Report {
        report(
            &waiver("until = '2027-01-01'\nplace = 'opt/a/*'").replace("blocking = true", "blocking = false"),
        )
    }
}
