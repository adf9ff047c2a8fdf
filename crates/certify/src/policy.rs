//! What can be said of a policy before anything is certified by it: expressions compile, criteria and standards that it
//! names exist. The policy's form and limits are checked where it is read, in `offer::policy`.

use crate::criteria::security_standards::SecurityStandards;
use crate::criteria::{ALL, Criterion};
use crate::{custom, standards};
use jiff::civil::Date;
use offer::finding::Finding;
use offer::policy::{Policy, Waiver};

/// Everything that is wrong with a policy, in its order; `text` is the file that it was read from, for positions.
/// Warnings are told by `policy check`, and hinder nothing.
pub fn check(policy: &Policy, text: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for id in policy.criteria.keys().filter(|id| !ids().any(|known| known == id.as_str())) {
        let hint = near(id, ids().collect());
        findings.push(Finding::warning(
            "policy-criterion",
            format!("/criteria/{id}"),
            format!("there is no criterion {id:?}, so that this table has no effect"),
            hint,
        ));
    }
    for (index, id) in policy.standards.demand.iter().enumerate() {
        let known: Vec<&str> = standards::all().iter().map(|standard| standard.id.as_str()).collect();
        if !known.contains(&id.as_str()) {
            findings.push(Finding::error(
                "policy-standard",
                format!("/standards/demand/{index}"),
                format!("there is no standard {id:?}"),
                near(id, known),
            ));
        }
    }
    let own = |id: &str| policy.custom_criteria.iter().any(|criterion| criterion.id == id);
    for (index, waiver) in policy.waivers.iter().enumerate() {
        let id = waiver.criterion.as_str();
        if !own(id) && !ids().any(|known| known == id) {
            findings.push(Finding::warning(
                "policy-waiver",
                format!("/waivers/{index}/criterion"),
                format!("waivers[{index}] is for the criterion {id:?}, which there is not"),
                near(id, ids().collect()),
            ));
        }
    }
    for (index, criterion) in policy.custom_criteria.iter().enumerate() {
        if let Err(error) = custom::compile(&criterion.expression.text) {
            let mut finding = Finding::error(
                "policy-expression",
                format!("/custom-criteria/{index}/expression"),
                format!("the expression of {} cannot be compiled: {error}", criterion.id),
                "see the operator's guide, section Criteria of your own, for what an expression may use",
            );
            finding.position =
                text.map(|text| offer::policy::position(text, criterion.expression.span.start));
            findings.push(finding);
        }
    }
    findings
}

/// Waivers whose last day is past: they hinder nothing, and do nothing.
pub fn expired(policy: &Policy, today: Date) -> Vec<Finding> {
    let past = policy.waivers.iter().enumerate().filter(|(_, waiver)| !waiver.holds_on(today));
    let told = |(index, waiver): (usize, &Waiver)| {
        Finding::warning(
            "policy-waiver",
            format!("/waivers/{index}/until"),
            format!("waivers[{index}], for {}, has no effect since {}", waiver.criterion, waiver.until),
            "remove it, or give it a later day",
        )
    };
    past.map(told).collect()
}

/// IDs of all criteria of the program.
pub fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|criterion| criterion.id()).chain([SecurityStandards.id()])
}

fn near(id: &str, known: Vec<&str>) -> String {
    // Similarity from which two names look like a slip of the pen.
    const SIMILARITY_MIN: f64 = 0.75;
    let id: String = id.chars().take(100).collect();
    match offer::nearest::nearest(&id, known.iter().copied(), SIMILARITY_MIN) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_names_wrongly_is_told_at_its_place() {
        let text = "[criteria.run-as-non-root]\nblocking = true\n\
            [standards]\ndemand = ['nist-sp-800-109', 'cis-docker-4']\n\
            [[waivers]]\ncriterion = 'no-known-malwares'\nreason = 'r'\nuntil = '2027-01-01'\n\
            [[waivers]]\ncriterion = 'x-own'\nreason = 'r'\nuntil = '2027-01-01'\n\
            [[custom-criteria]]\nid = 'x-own'\ntitle = 't'\nhint = 'h'\nexpression = '''\nimage.user != 'root' &&\n  \
            imag.healthcheck\n'''\n";
        let policy = Policy::from_toml(text).expect("well formed");
        let told = |finding: Finding| {
            let place = finding.position.map_or(finding.pointer, |position| position.to_string());
            format!("{place} {}\n  → {}", finding.message, finding.hint)
        };
        let told: Vec<String> = check(&policy, Some(text)).into_iter().map(told).collect();
        insta::assert_snapshot!(told.join("\n"));
        assert_eq!(check(&Policy::default(), None), []);
    }

    #[test]
    fn the_operators_guide_shows_policies_that_can_be_used() {
        let guide = include_str!("../../../docs/operator.md");
        // Blocks of other files say whose they are behind `toml`.
        let blocks = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let text: String = blocks.collect();
        let policy = Policy::from_toml(&text).expect("well formed");
        assert_eq!(check(&policy, Some(&text)), []);
        assert_eq!((policy.waivers.len(), policy.custom_criteria.len()), (1, 2));
    }
}
