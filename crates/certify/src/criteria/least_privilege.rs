//! `least-privilege`: the plan's createOptions ask for no more of the host than the module needs; each need is named.
//! `Privileged` and the container runtime's socket block, the rest is advice.

use super::{Case, Criterion, Judgement, Weight, offer_findings, the_plan};
use crate::report::{Finding, Severity};
use offer::defaults::{Privilege, least_privilege};

pub(super) struct LeastPrivilege;

impl Criterion for LeastPrivilege {
    fn id(&self) -> &'static str {
        "least-privilege"
    }
    fn title(&self) -> &'static str {
        "The module asks for no more of the host than it needs"
    }
    fn default_weight(&self) -> Weight {
        Weight::Mixed
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        the_plan(case, |context, _, plan, pointer| {
            let finding = |need: Privilege| {
                let pointer = format!("{pointer}/createOptions{}", need.pointer);
                let place = offer_findings::place(context, &pointer, None);
                let told = match need.blocking {
                    true => Finding::blocking(Severity::Critical, place, need.message, need.hint),
                    false => Finding::advice(Severity::Medium, place, need.message, need.hint),
                };
                told.with_evidence(need.name)
            };
            least_privilege(&plan.create_options).into_iter().map(finding).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn privileged_and_the_socket_block_and_the_rest_is_advice() {
        let mut offer = example::offer();
        offer.plans[0].create_options = serde_json::from_str(
            r#"{"HostConfig":{"Privileged":true,"NetworkMode":"host","Binds":["/var/run/docker.sock:/s"]}}"#,
        )
        .expect("valid JSON");
        let findings = example::findings(example::judge_offer(&LeastPrivilege, &offer, &[]));
        let blocking: Vec<_> = findings
            .iter()
            .filter(|finding| finding.blocking)
            .filter_map(|finding| finding.place.pointer.as_deref())
            .collect();
        assert_eq!(
            blocking,
            ["/plans/0/createOptions/HostConfig/Binds/0", "/plans/0/createOptions/HostConfig/Privileged"]
        );
        assert_eq!(findings.len(), 3);
        assert!(matches!(
            example::judge_image(&LeastPrivilege, &example::image()),
            Judgement::NotApplicable(_)
        ));
    }
}
