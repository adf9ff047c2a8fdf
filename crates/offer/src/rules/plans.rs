//! Rules over plans: unique IDs, how many are private, repositories and their credentials, defaults.

use super::Check;
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
    check.unique(&format!("{plan}/privateAudience"), "", str::to_lowercase, |check, pointer, first, _| {
        let message = format!("is the same subscription as {}", super::spoken(first));
        check.error("plan-private-audience-duplicate", pointer, &message, "remove it");
    });
    for list in ["routes", "twin", "environment"] {
        check.unique(&format!("{plan}/{list}"), "/name", str::to_owned, |check, pointer, first, name| {
            let message = format!("is {name:?}, as {}", super::spoken(first));
            check.error("default-name-duplicate", pointer, &message, "give each a name of its own");
        });
    }
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
