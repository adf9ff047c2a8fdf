//! `configuration-documented`: each default route, twin property, environment variable and port binding is mentioned in
//! a description, or a link to documentation exists.

use super::{Case, Criterion, Judgement, Weight, offer_findings, the_plan};
use crate::report::{Finding, Severity};
use offer::document::{LinkKind, Plan};
use serde_json::Value;

pub(super) struct ConfigurationDocumented;

impl Criterion for ConfigurationDocumented {
    fn id(&self) -> &'static str {
        "configuration-documented"
    }
    fn title(&self) -> &'static str {
        "The default settings are documented"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        the_plan(case, |context, offer, plan, pointer| {
            if offer.listing.links.iter().any(|link| link.kind == LinkKind::Documentation) {
                return Vec::new();
            }
            let text = format!("{}\n{}", plan.description, offer.listing.description);
            let unmentioned = settings(plan).into_iter().filter(|setting| !mentions(&text, &setting.name));
            let finding = |setting: Setting| {
                Finding::advice(
                    Severity::Low,
                    offer_findings::place(context, &format!("{pointer}{}", setting.pointer), None),
                    format!(
                        "the {} {:?} is not mentioned in a description, and no link leads to documentation",
                        setting.what, setting.name
                    ),
                    "mention it in the plan's description, or add a useful link of the kind documentation",
                )
            };
            unmentioned.map(finding).collect()
        })
    }
}

struct Setting {
    what: &'static str,
    name: String,
    pointer: String,
}

fn settings(plan: &Plan) -> Vec<Setting> {
    let named = |what, field: &str, names: Vec<&String>| -> Vec<Setting> {
        let setting = |(index, name): (usize, &String)| Setting {
            what,
            name: name.clone(),
            pointer: format!("/{field}/{index}"),
        };
        names.into_iter().enumerate().map(setting).collect()
    };
    let mut all = named("default route", "routes", plan.routes.iter().map(|route| &route.name).collect());
    all.extend(named("twin property", "twin", plan.twin.iter().map(|property| &property.name).collect()));
    all.extend(named(
        "environment variable",
        "environment",
        plan.environment.iter().map(|variable| &variable.name).collect(),
    ));
    let bindings = plan.create_options.get("HostConfig").and_then(|host| host.get("PortBindings"));
    for port in bindings.and_then(Value::as_object).into_iter().flatten().map(|(port, _)| port) {
        all.push(Setting {
            what: "port binding",
            name: port.split('/').next().unwrap_or_default().to_owned(),
            pointer: format!(
                "/createOptions/HostConfig/PortBindings/{}",
                port.replace('~', "~0").replace('/', "~1")
            ),
        });
    }
    all
}

/// Whether the name stands in the text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + name.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use offer::document::{Link, NameValue};

    #[test]
    fn what_is_neither_mentioned_nor_linked_is_advice() {
        let mut offer = example::offer();
        let variable = |name: &str| NameValue { name: name.to_owned(), value: String::new() };
        offer.plans[0].environment = vec![variable("LEVEL"), variable("LEVELS")];
        offer.plans[0].create_options =
            serde_json::from_str(r#"{"HostConfig":{"PortBindings":{"80/tcp":[]}}}"#).expect("valid JSON");
        offer.plans[0].description = "<p>LEVELS is the depth; it listens on 8080.</p>".to_owned();
        let judged = |offer: &offer::document::Offer| {
            example::findings(example::judge_offer(&ConfigurationDocumented, offer, &[]))
        };
        let pointers: Vec<_> = judged(&offer).into_iter().filter_map(|f| f.place.pointer).collect();
        assert_eq!(
            pointers,
            ["/plans/0/environment/0", "/plans/0/createOptions/HostConfig/PortBindings/80~1tcp"]
        );
        offer.listing.links = vec![Link {
            title: "Manual".to_owned(),
            url: "https://example.com".to_owned(),
            kind: LinkKind::Documentation,
        }];
        assert_eq!(judged(&offer), Vec::new());
    }
}
