//! `security-standards`: no clause of a standard that the policy demands is unmet. Judged after the others, on what they
//! say; a clause that an image scan does not cover is no fault of the image.

use super::{Case, Criterion, Judgement, Weight};
use crate::report::{ClauseResult, Finding, Severity, StandardView, Where};
use offer::policy::Policy;

pub(crate) struct SecurityStandards;

impl Criterion for SecurityStandards {
    fn id(&self) -> &'static str {
        "security-standards"
    }
    fn title(&self) -> &'static str {
        "The security standards that the policy demands are met"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    /// Without the others' results nothing is known; see [`judge`].
    fn judge(&self, _: &Case<'_>) -> Judgement {
        Judgement::Errored("it is judged after all other criteria".to_owned())
    }
}

/// What the standards' views say.
pub(crate) fn judge(views: &[StandardView], policy: &Policy) -> Judgement {
    let demand = &policy.standards.demand;
    if demand.is_empty() {
        return Judgement::NotApplicable("the policy demands no security standard".to_owned());
    }
    let mut findings = Vec::new();
    for id in demand {
        let Some(view) = views.iter().find(|view| view.id == *id) else {
            return Judgement::Errored(format!("the policy demands {id:.100?}, which is no known standard"));
        };
        findings.extend(view.with(ClauseResult::NotMet).map(|clause| {
            let reason = clause.reason.as_deref().unwrap_or("no reason given");
            Finding::blocking(
                Severity::High,
                Where::default(),
                format!("{id} {} is not met: {reason}", clause.id),
                format!("{}: mend the findings of the criteria that are named", clause.title),
            )
        }));
    }
    Judgement::of(findings)
}
