//! Rules over plans: unique IDs, how many are private, repositories and their credentials, defaults.

use super::Check;
use crate::build;
use crate::defaults;
use crate::finding::Finding;
use crate::module_name::default_module_name;
use crate::repository;
use crate::tags;
use serde_json::Value;
use std::collections::HashSet;

pub(super) fn check(check: &mut Check<'_>) {
    check.unique("/plans", "/id", str::to_owned, |check, pointer, first, id| {
        let message = format!("is {id:?}, which is the ID of {} already", super::spoken(first));
        check.error("plan-id-duplicate", pointer, &message, "give each plan an ID of its own");
    });
    check.unique("/plans", "/repository/name", repository::canonical, |check, pointer, first, name| {
        let message = format!("is {name:?}, as in {}", super::spoken(first));
        check.warning(
            "repository-shared",
            pointer,
            &message,
            "plans with the same repository share its tags; keep one repository for each module",
        );
    });
    private(check);
    for index in 0..check.length("/plans") {
        plan(check, &format!("/plans/{index}"));
    }
}

fn private(check: &mut Check<'_>) {
    let max = check.policy.offer.private_plans;
    let plans = check.value.pointer("/plans").and_then(Value::as_array);
    let private = plans.into_iter().flatten().filter(|plan| {
        plan.get("privateAudience").and_then(Value::as_array).is_some_and(|audience| !audience.is_empty())
    });
    let count = private.count();
    if count > max {
        let message = format!("has {count} plans with a private audience, at most {max} are allowed");
        check.error("plans-private-too-many", "/plans", &message, "make some of them public or remove them");
    }
}

fn plan(check: &mut Check<'_>, plan: &str) {
    let title = format!("{plan}/title");
    if let Some(Err(error)) = check.text(&title).map(default_module_name) {
        let finding = Finding::error("plan-title-module-name", title, error.to_string(), error.hint());
        check.findings.push(finding);
    }
    tags(check, &format!("{plan}/tags"));
    default_settings(check, plan);
    check.unique(&format!("{plan}/privateAudience"), "", str::to_lowercase, |check, pointer, first, _| {
        let message = format!("is the same subscription as {}", super::spoken(first));
        check.error("plan-private-audience-duplicate", pointer, &message, "remove it");
    });
    credentials(check, &format!("{plan}/repository"));
}

fn tags(check: &mut Check<'_>, pointer: &str) {
    let list = check.value.pointer(pointer).and_then(Value::as_array);
    let texts: Option<Vec<String>> =
        list.and_then(|list| list.iter().map(|tag| tag.as_str().map(str::to_owned)).collect());
    // A broken item is told already, and what it was meant to be is not known.
    if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
        check.findings.extend(tags::check_form(&texts, pointer));
    }
}

/// The rules of [`defaults`] on the well-formed items of each list.
fn default_settings(check: &mut Check<'_>, plan: &str) {
    let limits = &check.policy.offer;
    let mut findings = Vec::new();
    let list = |name: &str| {
        let pointer = format!("{plan}/{name}");
        check.value.pointer(&pointer).map(|list| (list, pointer))
    };
    let own = check.text(&format!("{plan}/title")).and_then(|title| default_module_name(title).ok());
    // Without a title that gives a name, which is told already, no route can be judged rightly.
    if let (Some((list, pointer)), Some(own)) = (list("routes"), own) {
        let (places, routes) = well_formed(list, build::name_value);
        findings.extend(placed(defaults::check_routes(&routes, &own, limits, &pointer), &pointer, &places));
    }
    if let Some((list, pointer)) = list("twin") {
        let (places, twin) = well_formed(list, build::twin_property);
        findings.extend(placed(defaults::check_twin(&twin, limits, &pointer), &pointer, &places));
    }
    if let Some((list, pointer)) = list("environment") {
        let (places, variables) = well_formed(list, build::name_value);
        findings.extend(placed(defaults::check_environment(&variables, limits, &pointer), &pointer, &places));
    }
    if let Some((Value::Object(options), pointer)) = list("createOptions") {
        findings.extend(defaults::check_create_options(options, limits, &pointer));
    }
    check.findings.extend(findings);
}

/// Findings on well-formed items, moved to the places that the items have in the document. The number of items is
/// judged with every other list's.
fn placed(findings: Vec<Finding>, list: &str, places: &[usize]) -> Vec<Finding> {
    let mut findings = findings;
    findings.retain(|finding| finding.pointer != list);
    for finding in &mut findings {
        let rest =
            finding.pointer.strip_prefix(list).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        let (index, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if let Some(place) = index.parse::<usize>().ok().and_then(|index| places.get(index)) {
            finding.pointer = format!("{list}/{place}{rest}");
        }
    }
    findings
}

/// The items that are well-formed, and their places in the list.
fn well_formed<T>(list: &Value, item: fn(&Value) -> Option<T>) -> (Vec<usize>, Vec<T>) {
    let items = list.as_array().into_iter().flatten().enumerate();
    items.filter_map(|(place, value)| Some((place, item(value)?))).unzip()
}

fn credentials(check: &mut Check<'_>, repository: &str) {
    let there: HashSet<&str> = match check.value.pointer(repository).and_then(Value::as_object) {
        Some(repository) => repository.keys().map(String::as_str).collect(),
        None => return,
    };
    if there.contains("username") && !there.contains("passwordEnv") {
        check.error(
            "repository-password-env-missing",
            repository,
            "has a `username` but no `passwordEnv`",
            "name the environment variable that holds the password in passwordEnv",
        );
    }
}
