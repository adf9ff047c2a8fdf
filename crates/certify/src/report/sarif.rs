//! The report as SARIF 2.1.0 (OASIS), so that code scanning pages and editors show it: a rule for each criterion, a
//! result for each finding. Passed criteria are rules without results, because those pages would show an alert for each.

use super::{CriterionResult, Finding, Report, Severity, Verdict, Where};
use oci::digest::Digest;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The schema that the document follows.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Criteria of the spec's sections *Malware* and *Security*. Only these get a security severity: a missing label is no
/// vulnerability, and pages would sort it among them.
const SECURITY: &[&str] = &[
    "no-known-malware",
    "no-crypto-miners",
    "no-packed-executables",
    "least-privilege",
    "runs-as-non-root",
    "no-embedded-secrets",
    "no-setuid-outside-known-set",
    "no-world-writable-system-files",
    "no-known-exploited-vulnerabilities",
    "vulnerabilities-within-policy",
    "base-not-end-of-life",
    "sbom-complete",
];

/// The document, with a line break at the end. `offer_directory` is put before the names of the offer's files.
pub fn document(report: &Report, offer_directory: &str) -> String {
    let mut fingerprints = Fingerprints::default();
    let mut results = Vec::new();
    for (index, criterion) in report.criteria.iter().enumerate() {
        if criterion.verdict == Verdict::Errored {
            results.push(unchecked(report, criterion, index, &mut fingerprints));
        }
        for finding in &criterion.findings {
            let physical = locations(report, &finding.place, offer_directory);
            results.push(result(criterion, finding, index, physical, &mut fingerprints));
        }
    }
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "edgemarket",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": report.criteria.iter().map(rule).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": "edgemarket-certify/" },
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(report)],
            "results": results,
            "properties": {
                "verdict": super::name_of(report.verdict),
                "image": { "reference": report.image.reference, "digest": report.image.digest, "platforms": report.image.platforms },
                "data": { "rules": report.data.rules, "advisories": report.data.advisories },
                "packages": report.sbom.packages,
            },
        }],
    });
    let mut text = serde_json::to_string_pretty(&document).expect("a JSON value has string keys only");
    text.push('\n');
    text
}

/// What could not be checked is a notification as well: a run with one is no whole run.
fn invocation(report: &Report) -> Value {
    let errored = |(index, criterion): (usize, &CriterionResult)| {
        (criterion.verdict == Verdict::Errored).then(|| {
            json!({
                "level": if criterion.blocking { "error" } else { "warning" },
                "message": { "text": reason(criterion) },
                "associatedRule": { "id": criterion.id, "index": index },
            })
        })
    };
    let notifications: Vec<Value> = report.criteria.iter().enumerate().filter_map(errored).collect();
    json!({
        "executionSuccessful": report.verdict != Verdict::Errored,
        "toolExecutionNotifications": notifications,
    })
}

fn rule(criterion: &CriterionResult) -> Value {
    let hints: BTreeSet<&str> = criterion.findings.iter().map(|finding| finding.hint.as_str()).collect();
    let mut help = format!("{}.", criterion.title);
    for hint in &hints {
        help += &format!("\n- {hint}");
    }
    let mut properties = Map::new();
    let security = SECURITY.contains(&criterion.id.as_str());
    properties.insert("tags".into(), json!([if security { "security" } else { "certification" }]));
    properties.insert("verdict".into(), super::name_of(criterion.verdict).into());
    let worst = criterion.findings.iter().map(|finding| finding.severity).max();
    if let Some(severity) = worst.filter(|_| security) {
        properties.insert("security-severity".into(), score(severity).into());
    }
    json!({
        "id": criterion.id,
        "shortDescription": { "text": criterion.title },
        "fullDescription": { "text": criterion.title },
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": if criterion.blocking { "error" } else { "warning" } },
        "properties": properties,
    })
}

/// In the middle of the ranges that code scanning pages name critical, high, medium and low (CVSS v3 § 5).
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

fn result(
    criterion: &CriterionResult,
    finding: &Finding,
    index: usize,
    location: Value,
    fingerprints: &mut Fingerprints,
) -> Value {
    let blocks = finding.blocking || finding.waived.as_ref().is_some_and(|waived| waived.blocked);
    let level = match (blocks, finding.severity) {
        (true, _) => "error",
        (false, Severity::Info) => "note",
        (false, _) => "warning",
    };
    let mut text = finding.message.clone();
    if let Some(evidence) = &finding.evidence {
        text += &format!("\nSeen: {evidence}");
    }
    text += &format!("\nHint: {}", finding.hint);
    let mut properties = Map::new();
    properties.insert("severity".into(), super::severity_name(finding.severity).into());
    if let Ok(Value::Object(place)) = serde_json::to_value(&finding.place) {
        properties.insert("where".into(), Value::Object(place));
    }
    let mut result = json!({
        "ruleId": criterion.id,
        "ruleIndex": index,
        "level": level,
        "message": { "text": text },
        "locations": [location],
        "partialFingerprints": fingerprints.of(&criterion.id, &finding.place, &finding.message),
        "properties": properties,
    });
    // It stays visible, as accepted by somebody.
    if let Some(waived) = &finding.waived {
        let justification = waived.in_words();
        let suppression = json!({ "kind": "external", "status": "accepted", "justification": justification });
        result["suppressions"] = json!([suppression]);
    }
    result
}

fn reason(criterion: &CriterionResult) -> String {
    let reason = criterion.reason.as_deref().unwrap_or(&criterion.title);
    format!("could not be checked: {reason}")
}

fn unchecked(
    report: &Report,
    criterion: &CriterionResult,
    index: usize,
    fingerprints: &mut Fingerprints,
) -> Value {
    let text = reason(criterion);
    json!({
        "ruleId": criterion.id,
        "ruleIndex": index,
        "level": if criterion.blocking { "error" } else { "warning" },
        "partialFingerprints": fingerprints.of(&criterion.id, &Where::default(), &text),
        "message": { "text": text },
        "locations": [locations(report, &Where::default(), "")],
    })
}

/// A line of the offer's document, or a file of the image. Pages want a file and a line for everything: what has none is
/// in line 1 of the file, or of something named like the image.
fn locations(report: &Report, place: &Where, offer_directory: &str) -> Value {
    let offer_file = place.position.as_deref().and_then(position);
    let (uri, line, column) = match (&offer_file, &place.path) {
        (Some((file, line, column)), _) => {
            let directory = offer_directory.trim_matches('/');
            let separator = if directory.is_empty() { "" } else { "/" };
            (format!("{directory}{separator}{file}"), *line, *column)
        }
        (None, Some(path)) if place.layer.is_some() && !path.is_empty() => (path.clone(), 1, 1),
        _ => (report.image.reference.clone(), 1, 1),
    };
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": encoded(&uri) },
            "region": { "startLine": line, "startColumn": column },
        },
    });
    let name = match &place.pointer {
        Some(pointer) => pointer.clone(),
        None => {
            let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
            let parts = [
                place.tag.clone(),
                place.platform.clone(),
                digest(place.image),
                digest(place.layer),
                place.path.clone(),
                place.package.clone(),
            ];
            parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
        }
    };
    if !name.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": name, "kind": "resource" }]);
    }
    location
}

/// `offer.yaml:37:12` in its parts.
fn position(text: &str) -> Option<(String, u64, u64)> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    let (line, column) = (line.parse().ok()?, column.parse().ok()?);
    // SARIF counts from 1.
    (line > 0 && column > 0).then(|| (file.to_owned(), line, column))
}

/// A path as a relative URI reference (RFC 3986 § 4.2): it neither begins with `/` nor reads as another scheme or host.
fn encoded(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'!' => {
                uri.push(char::from(byte));
            }
            other => uri += &format!("%{other:02X}"),
        }
    }
    if uri.is_empty() { ".".to_owned() } else { uri }
}

/// What tells findings apart over many runs, also of other versions of the image: everything of a finding but digests.
#[derive(Default)]
struct Fingerprints {
    seen: BTreeMap<String, u64>,
}

impl Fingerprints {
    fn of(&mut self, criterion: &str, place: &Where, message: &str) -> Value {
        let field = |field: &Option<String>| field.clone().unwrap_or_default();
        let parts = [
            criterion.to_owned(),
            field(&place.platform),
            field(&place.path),
            field(&place.package),
            field(&place.tag),
            field(&place.pointer),
            without_digests(message),
        ];
        let digest = Digest::of(parts.join("\0").as_bytes()).hex()[..16].to_owned();
        let count = self.seen.entry(digest.clone()).or_default();
        *count += 1;
        // The first is the name by which GitHub knows an alert again; it reads no other.
        json!({ "primaryLocationLineHash": format!("{digest}:{count}"), "edgemarketFinding/v1": format!("{digest}:{count}") })
    }
}

fn without_digests(message: &str) -> String {
    let mut parts = message.split("sha256:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += "sha256:";
        text += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    text
}
