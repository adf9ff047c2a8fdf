//! Kubernetes objects (k3s among what runs them): for each module a Deployment of one pod, a Service where it has ports, and
//! a claim for each volume with a name.

mod pod;

use super::container::{Container, Content, Filling, NOT_CARRIED};
use super::{Deployment, Request, Wanted, azure_only, heading, yaml, yaml_file};
use crate::finding::Finding;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// What the warnings call it.
const TARGET: &str = "Kubernetes";
/// Size of a claim: Docker's volumes have none, and Kubernetes' must have one.
const CLAIM_SIZE: &str = "1Gi";
/// Longest name of a Service (RFC 1035 label).
const NAME_CHARS_MAX: usize = 63;
/// Most ports that a range is written out to: Kubernetes has no ranges.
const RANGE_MAX: usize = 50;

pub(super) fn deployment(wanted: &Wanted<'_>) -> Result<Deployment, Vec<Finding>> {
    let mut warnings = azure_only(wanted, TARGET);
    let mut objects = Vec::new();
    let mut claims = BTreeSet::new();
    let mut findings = Vec::new();
    let mut taken = BTreeSet::new();
    for (index, request) in wanted.modules.iter().enumerate() {
        let pointer = format!("/modules/{index}");
        let Some(name) = object_name(request.module_name).filter(|name| taken.insert(name.clone())) else {
            findings.push(Finding::error(
                "module-name",
                format!("{pointer}/name"),
                format!("{:?} gives no name for Kubernetes that no other module here has", request.module_name),
                format!("choose one of letters, digits and dashes that begins with a letter, at most {NAME_CHARS_MAX}"),
            ));
            continue;
        };
        let mut container = Container::new(request, Filling::plain(request.values));
        for mount in &container.mounts {
            if let Content::Volume(volume) = &mount.content
                && claims.insert(claim_name(volume))
            {
                objects.push(claim(volume));
                warnings.push(Finding::warning(
                    NOT_CARRIED,
                    format!("{pointer}/createOptions/HostConfig/Binds"),
                    format!("the volume {volume:?} has no size in Docker; the claim asks for {CLAIM_SIZE}"),
                    "change the claim's size before you apply it, where the module keeps more",
                ));
            }
        }
        let service = service(&name, &container);
        objects.push(workload(request, &name, &mut container, &pointer, &mut warnings));
        objects.extend(service);
        warnings.extend(container.left_over(TARGET, &pointer));
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let documents: Vec<String> = objects.iter().map(yaml::document).collect();
    let content = heading(wanted.modules) + &documents.join("---\n");
    Ok(Deployment { files: vec![yaml_file("kubernetes.yaml", content)], warnings })
}

/// The module's name as a label of RFC 1035.
fn object_name(module: &str) -> Option<String> {
    let name = module.to_ascii_lowercase().replace('_', "-");
    let name = name.trim_matches('-');
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    (begins && name.len() <= NAME_CHARS_MAX).then(|| name.to_owned())
}

/// A volume's name as an object's.
fn claim_name(volume: &str) -> String {
    let small: String = volume
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(NAME_CHARS_MAX - 4)
        .collect();
    format!("vol-{}", small.trim_matches('-'))
}

fn claim(volume: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": claim_name(volume) },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": CLAIM_SIZE } },
        },
    })
}

/// A new pod starts when the old one is gone: two cannot have the same port of the node, or the same volume.
fn workload(
    request: &Request<'_>,
    name: &str,
    container: &mut Container,
    pointer: &str,
    warnings: &mut Vec<Finding>,
) -> Value {
    let selector = json!({ "app.kubernetes.io/name": name });
    let mut labels = selector.clone();
    if is_label(request.tag) {
        labels["app.kubernetes.io/version"] = json!(request.tag);
    }
    let mut metadata = json!({ "labels": labels });
    if let Some(Value::Object(annotations)) = container.take("Labels") {
        metadata["annotations"] = annotations
            .into_iter()
            .filter(|(key, value)| {
                let is_key = is_label(key);
                if !is_key {
                    container.give_back(&format!("Labels.{key}"), value.clone());
                }
                is_key
            })
            .collect::<Map<String, Value>>()
            .into();
    }
    let spec = pod::spec(request, name, container, pointer, warnings);
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "labels": labels },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": selector },
            "strategy": { "type": "Recreate" },
            "template": { "metadata": metadata, "spec": spec },
        },
    })
}

/// Whether a text can be a label's value or the name part of a key.
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Other modules reach this one at its name, as they do in Docker.
fn service(name: &str, container: &Container) -> Option<Value> {
    let mut ports = Vec::new();
    let mut seen = BTreeSet::new();
    for port in &container.ports {
        for number in numbers(&port.container).into_iter().flatten().take(RANGE_MAX) {
            if seen.insert((number, port.protocol.clone())) {
                ports.push(json!({
                    "name": format!("{}-{number}", port.protocol),
                    "port": number,
                    "protocol": port.protocol.to_uppercase(),
                    "targetPort": number,
                }));
            }
        }
    }
    (!ports.is_empty()).then(|| {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": name },
            "spec": { "selector": { "app.kubernetes.io/name": name }, "ports": ports },
        })
    })
}

/// A port, or the first and last of a range.
fn numbers(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}
