//! A plan's default settings: routes, twin desired properties, environment variables and createOptions (spec
//! `offer.md`, *Plans*). Values of placeholders are not known here; `deployment` judges them when they are.

mod create_options;
mod docker;
mod privileges;
mod twin;

use crate::document::{NameValue, Plan};
use crate::finding::Finding;
use crate::module_name::default_module_name;
use crate::policy::OfferLimits;
use crate::route::{Route, check_modules};
use std::collections::BTreeSet;

pub(crate) use create_options::serialised as create_options_text;
pub use create_options::{check_create_options, check_shape};
pub use privileges::{Privilege, least_privilege};
pub use twin::check_twin;

/// The rule that every finding of this module names; the criterion of the same name in spec `certification.md`.
pub const RULE: &str = "default-settings-valid";

/// All rules on the default settings of `plan`. `pointer` is the plan's JSON pointer.
pub fn check_plan(plan: &Plan, limits: &OfferLimits, pointer: &str) -> Vec<Finding> {
    // A title that gives no name is reported by the rule on titles; no route can name the module then.
    let own = default_module_name(&plan.title).unwrap_or_default();
    let mut findings = check_routes(&plan.routes, &own, limits, &format!("{pointer}/routes"));
    findings.extend(check_twin(&plan.twin, limits, &format!("{pointer}/twin")));
    findings.extend(check_environment(&plan.environment, limits, &format!("{pointer}/environment")));
    findings.extend(check_create_options(&plan.create_options, limits, &format!("{pointer}/createOptions")));
    findings
}

/// The rules on default routes. `own` is the plan's default module name.
pub fn check_routes(routes: &[NameValue], own: &str, limits: &OfferLimits, pointer: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_names("route", routes.iter().map(|route| route.name.as_str()), limits, pointer, &mut findings);
    for (index, NameValue { name, value }) in routes.iter().enumerate() {
        let place = format!("{pointer}/{index}");
        check_key("route", name, &place, &mut findings);
        check_length("route", name, value, limits, &place, &mut findings);
        let place = format!("{place}/value");
        let route = match Route::parse(value) {
            Ok(route) => route,
            Err(error) => {
                let message =
                    format!("the route {name:?} is refused at column {}: {}", error.column, error.message);
                findings.push(Finding::error(RULE, place, message, error.hint));
                continue;
            }
        };
        for warning in &route.warnings {
            let message = format!("the route {name:?}, column {}: {}", warning.column, warning.message);
            findings.push(Finding::warning(RULE, place.clone(), message, warning.hint.clone()));
        }
        for error in check_modules(&route, own) {
            let message = format!("the route {name:?}, column {}: {}", error.column, error.message);
            findings.push(Finding::error(RULE, place.clone(), message, error.hint));
        }
    }
    findings
}

/// The rules on default environment variables.
pub fn check_environment(variables: &[NameValue], limits: &OfferLimits, pointer: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let names = variables.iter().map(|variable| variable.name.as_str());
    check_names("environment variable", names, limits, pointer, &mut findings);
    for (index, NameValue { name, value }) in variables.iter().enumerate() {
        let place = format!("{pointer}/{index}");
        check_length("environment variable", name, value, limits, &place, &mut findings);
        // Device twins take no dot, space, $ or # in a key; the manifest's schema adds + and other white space; the
        // container's environment adds = and control characters.
        let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '+' | '#' | '$' | '.' | '=');
        if let Some(bad) = name.chars().find(|c| bad(*c)) {
            findings.push(Finding::error(
                RULE,
                format!("{place}/name"),
                format!("the environment variable {name:?} has the character {bad:?} in its name"),
                "use letters, digits and underscores",
            ));
        }
        if value.contains('\0') {
            findings.push(Finding::error(
                RULE,
                format!("{place}/value"),
                format!("the value of the environment variable {name:?} has a NUL character"),
                "remove it",
            ));
        }
    }
    findings
}

/// The number of settings of one kind, and that no name is empty or there twice.
fn check_names<'a>(
    kind: &str,
    names: impl ExactSizeIterator<Item = &'a str>,
    limits: &OfferLimits,
    pointer: &str,
    findings: &mut Vec<Finding>,
) {
    if names.len() > limits.defaults {
        findings.push(Finding::error(
            RULE,
            pointer,
            format!(
                "there are {} default {kind} entries, at most {} are allowed",
                names.len(),
                limits.defaults
            ),
            "keep those that most customers need",
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        let place = format!("{pointer}/{index}/name");
        if name.is_empty() {
            findings.push(Finding::error(RULE, place, format!("a {kind} has no name"), "give it a name"));
        } else if !seen.insert(name) {
            findings.push(Finding::error(
                RULE,
                place,
                format!("there are two {kind} entries with the name {name:?}"),
                "give each its own name, or remove one",
            ));
        }
    }
}

/// That name and value stay under the policy's limit.
fn check_length(
    kind: &str,
    name: &str,
    value: &str,
    limits: &OfferLimits,
    place: &str,
    findings: &mut Vec<Finding>,
) {
    for (part, text) in [("name", name), ("value", value)] {
        let count = text.chars().count();
        if count >= limits.default_chars {
            findings.push(Finding::error(
                RULE,
                format!("{place}/{part}"),
                format!(
                    "the {part} of a default {kind} has {count} characters, it must stay under {}",
                    limits.default_chars
                ),
                format!("shorten the {part}"),
            ));
        }
    }
}

/// That a name can be a key of a device twin.
fn check_key(kind: &str, name: &str, place: &str, findings: &mut Vec<Finding>) {
    if let Some(bad) = name.chars().find(|c| is_bad_in_key(*c)) {
        findings.push(Finding::error(
            RULE,
            format!("{place}/name"),
            format!("the name of the {kind} {name:?} has the character {bad:?}, which a key of a twin may not have"),
            "leave out dots, spaces, $, # and control characters",
        ));
    }
}

/// Whether a key of a device twin may not have this character.
pub(crate) fn is_bad_in_key(c: char) -> bool {
    matches!(c, '.' | ' ' | '$' | '#') || c.is_control()
}
