//! The routes of one Edge Hub: those of every plan, with the names that the modules have here, and those that the customer
//! adds between them.

use super::azure_iot_edge::RULE;
use super::{ROUTES_MAX, Request, Wanted, own_name};
use crate::defaults::is_bad_in_key;
use crate::document::NameValue;
use crate::finding::Finding;
use crate::placeholder;
use crate::route::{Endpoint, Route};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Why a line of added routes is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The fact.
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// Routes as people write them: one a line, `NAME = FROM … INTO …`, or without a name. Empty lines and those that begin
/// with `#` are passed over.
///
/// # Errors
/// The first fault of each line, with its place.
pub fn parse_lines(text: &str) -> Result<Vec<NameValue>, Vec<LineError>> {
    let (mut routes, mut errors) = (Vec::new(), Vec::new());
    for (line, written) in (1..).zip(text.lines()) {
        let trimmed = written.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (name, value) = match written.split_once('=') {
            Some((name, value)) if !begins_route(trimmed) => (name.trim().to_owned(), value),
            _ => (format!("route{line}"), written),
        };
        let value_at = written.len() - value.len() + (value.len() - value.trim_start().len());
        let before = written[..value_at].chars().count();
        match Route::parse_final(value.trim()) {
            Ok(_) => routes.push(NameValue { name, value: value.trim().to_owned() }),
            Err(error) => errors.push(LineError {
                line,
                column: before + error.column,
                message: error.message,
                hint: error.hint,
            }),
        }
    }
    if errors.is_empty() { Ok(routes) } else { Err(errors) }
}

fn begins_route(line: &str) -> bool {
    let word: String = line.chars().take_while(char::is_ascii_alphabetic).collect();
    word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("select") || line.starts_with("/*")
}

/// The rules on the customer's routes, for every target: they are read whether a target has routes or not.
pub(super) fn check(wanted: &Wanted<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if wanted.routes.len() > ROUTES_MAX {
        findings.push(Finding::error(
            RULE,
            "/routes",
            format!("{} routes are added, at most {ROUTES_MAX} are allowed", wanted.routes.len()),
            "use * in sources, so that one route carries what several modules send",
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, NameValue { name, value }) in wanted.routes.iter().enumerate().take(ROUTES_MAX) {
        let pointer = format!("/routes/{index}");
        if name.is_empty() || name.len() > 512 || name.chars().any(is_bad_in_key) {
            findings.push(Finding::error(
                RULE,
                format!("{pointer}/name"),
                format!("{name:.80?} cannot be a route's name"),
                "use 1 to 512 characters without dots, spaces, $, # and control characters",
            ));
        } else if !seen.insert(name) {
            findings.push(Finding::error(
                RULE,
                format!("{pointer}/name"),
                format!("two added routes are called {name:?}"),
                "give each its own name",
            ));
        }
        if let Err(error) = Route::parse_final(value) {
            findings.push(Finding::error(
                RULE,
                format!("{pointer}/value"),
                format!("the route {name:?} is refused at column {}: {}", error.column, error.message),
                error.hint,
            ));
        }
    }
    findings
}

/// All routes by their names. Of two plans' routes with one name and different texts the later one gets its module's name
/// behind its own, which is told.
pub(super) fn combined(
    wanted: &Wanted<'_>,
    findings: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) -> Map<String, Value> {
    let mut routes = Map::new();
    // The customer's own come first: they keep the names that the customer gave.
    for NameValue { name, value } in wanted.routes {
        routes.insert(name.clone(), Value::from(value.as_str()));
    }
    for (module, request) in wanted.modules.iter().enumerate() {
        for (index, NameValue { name, value }) in request.plan.routes.iter().enumerate() {
            let pointer = format!("/modules/{module}/routes/{index}/value");
            let Some(text) = text_of(request, name, value, &pointer, findings) else { continue };
            match routes.get(name) {
                None => {
                    routes.insert(name.clone(), Value::from(text));
                }
                Some(known) if known == text.as_str() => {}
                Some(_) => {
                    let own = format!("{name}-{}", request.module_name);
                    warnings.push(Finding::warning(
                        "route-renamed",
                        pointer,
                        format!(
                            "there is another route {name:?}, so that of {} is called {own:?}",
                            request.module_name
                        ),
                        "add a route of your own with the name that you want, if this one matters",
                    ));
                    if routes.insert(own.clone(), Value::from(text)).is_some() {
                        findings.push(Finding::error(
                            RULE,
                            format!("/modules/{module}/name"),
                            format!("two routes would be called {own:?}"),
                            "give this module another name",
                        ));
                    }
                }
            }
        }
    }
    warnings.extend(strangers(wanted));
    routes
}

/// A plan's route as the device reads it. Modules are renamed before values are put in: a value names a module as it is
/// called here already.
fn text_of(
    request: &Request<'_>,
    name: &str,
    written: &str,
    pointer: &str,
    findings: &mut Vec<Finding>,
) -> Option<String> {
    let own = own_name(request.plan);
    let renamed = match Route::parse(written) {
        // Only a renamed module changes the publisher's text.
        Ok(route) if own != request.module_name && route.names_module(&own) => {
            route.with_module_renamed(&own, request.module_name).to_string()
        }
        _ => written.to_owned(),
    };
    let text = placeholder::substitute(&renamed, request.values);
    match Route::parse_final(&text) {
        Ok(_) => Some(text),
        // A missing value has its own finding already.
        Err(_) if placeholder::names(written).iter().any(|n| !request.values.contains_key(n)) => None,
        Err(error) => {
            findings.push(Finding::error(
                RULE,
                pointer,
                format!(
                    "with the given values the route {name:?} is refused at column {}: {}",
                    error.column, error.message
                ),
                error.hint,
            ));
            None
        }
    }
}

/// Modules that the customer's routes name and that are not deployed here: another deployment may have them.
fn strangers(wanted: &Wanted<'_>) -> Vec<Finding> {
    let mut warnings = Vec::new();
    for (index, NameValue { name, value }) in wanted.routes.iter().enumerate() {
        let Ok(route) = Route::parse_final(value) else { continue };
        let source = route.source.module().map(|item| item.text.clone());
        let sink = match &route.sink {
            Endpoint::Upstream => None,
            Endpoint::Module { module, .. } => Some(module.clone()),
        };
        for module in source.into_iter().chain(sink) {
            if !wanted.modules.iter().any(|request| request.module_name == module) {
                warnings.push(Finding::warning(
                    "route-module-unknown",
                    format!("/routes/{index}/value"),
                    format!(
                        "the route {name:?} names the module {module:?}, which is not in this deployment"
                    ),
                    "correct the name, or deploy that module by another layer",
                ));
            }
        }
    }
    warnings
}
