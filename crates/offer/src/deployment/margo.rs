//! Margo: an application description (`margo.yaml`, `margo.org/v1-alpha1`) and the Compose file of the package that it
//! leads to. Placeholders are the application's parameters, as Margo has them: the description carries the customer's values
//! as defaults, and the package, which is fetched by devices, has variables in their places and so no values.

use super::container::Filling;
use super::values::{Asked, Kind, asked};
use super::{Deployment, File, Request, Wanted, azure_only, compose, heading, yaml, yaml_file};
use crate::finding::Finding;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Version of Margo's interface.
const API_VERSION: &str = "margo.org/v1-alpha1";
/// Longest id of an application.
const ID_CHARS_MAX: usize = 200;

pub(super) fn deployment(wanted: &Wanted<'_>) -> Deployment {
    let mut warnings = azure_only(wanted, "Margo");
    let several = wanted.modules.len() > 1;
    let component = id(wanted);
    let package = package(wanted, several, &mut warnings);
    let mut parameters = Map::new();
    let mut settings = Vec::new();
    for (index, request) in wanted.modules.iter().enumerate() {
        for one in asked(request.plan) {
            let name = variable(index, &one.name, several);
            // What stands in routes and twins alone is nobody's variable.
            if !package.content.contains(&format!("${{{name}}}")) {
                continue;
            }
            let value = request.values.get(&one.name).cloned().unwrap_or_default();
            parameters.insert(
                name.clone(),
                json!({
                    "value": value,
                    "targets": [{ "pointer": name, "components": [component.as_str()] }],
                }),
            );
            settings.push(json!({
                "parameter": name,
                "name": one.name,
                "description": format!("{}: {}", request.module_name, one.kind.rule()),
                "schema": schema_name(&one),
            }));
        }
    }
    let mut description = description(wanted, &component);
    if !parameters.is_empty() {
        description["parameters"] = Value::Object(parameters);
        description["configuration"] = json!({
            "sections": [{ "name": "General", "settings": settings }],
            "schema": [
                { "name": "text", "dataType": "string", "allowEmpty": false },
                { "name": "port", "dataType": "string", "allowEmpty": false, "regexMatch": "^[0-9]{1,5}$" },
                { "name": "number", "dataType": "string", "allowEmpty": false, "regexMatch": "^-?[0-9]+$" },
            ],
        });
    }
    let margo = heading(wanted.modules) + &yaml::document(&description);
    Deployment { files: vec![yaml_file("margo.yaml", margo), package], warnings }
}

/// Compose's own variable in the place of each placeholder.
fn package(wanted: &Wanted<'_>, several: bool, warnings: &mut Vec<Finding>) -> File {
    let names: Vec<BTreeMap<String, String>> = wanted
        .modules
        .iter()
        .enumerate()
        .map(|(index, request)| {
            request.values.keys().map(|name| (name.clone(), variable(index, name, several))).collect()
        })
        .collect();
    let fillings: Vec<Filling<'_>> =
        names.iter().map(|values| Filling { values, escape: compose::double, references: true }).collect();
    let document = compose::document(wanted, &fillings, warnings);
    yaml_file("compose.yaml", heading(wanted.modules) + &yaml::document(&document))
}

/// Environment variable of a placeholder; modules of one package share one environment.
fn variable(module: usize, name: &str, several: bool) -> String {
    if several { format!("M{}_{name}", module + 1) } else { name.to_owned() }
}

fn schema_name(asked: &Asked) -> &'static str {
    match asked.kind {
        Kind::Port => "port",
        Kind::Number => "number",
        _ => "text",
    }
}

/// Small letters, digits and dashes.
fn id(wanted: &Wanted<'_>) -> String {
    let name = |request: &Request<'_>| format!("{}-{}-{}", request.publisher, request.offer, request.plan.id);
    let all: Vec<String> = wanted.modules.iter().map(name).collect();
    all.join("-").chars().take(ID_CHARS_MAX).collect::<String>().trim_end_matches('-').to_owned()
}

fn description(wanted: &Wanted<'_>, component: &str) -> Value {
    let titles: Vec<&str> = wanted.modules.iter().map(|request| request.plan.title.as_str()).collect();
    let summaries: Vec<&str> = wanted.modules.iter().map(|request| request.plan.summary.as_str()).collect();
    let mut publishers: Vec<&str> = wanted.modules.iter().map(|request| request.publisher.as_str()).collect();
    publishers.dedup();
    let organisations: Vec<Value> = publishers.into_iter().map(|name| json!({ "name": name })).collect();
    let version = wanted.modules.first().map_or("", |request| request.tag);
    json!({
        "apiVersion": API_VERSION,
        "kind": "ApplicationDescription",
        "metadata": {
            "id": component,
            "name": titles.join(" + "),
            "description": summaries.join(" "),
            "version": version,
            "catalog": { "organization": organisations },
        },
        "deploymentProfiles": [{
            "type": "compose",
            "id": format!("{component}-compose"),
            "components": [{ "name": component, "properties": { "packageLocation": wanted.package_url } }],
        }],
    })
}
