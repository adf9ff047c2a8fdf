//! createOptions: one JSON object under the policy's length that Docker Engine's container-create takes.

use super::RULE;
use super::docker::{CONTAINER, Field, Shape};
use crate::finding::Finding;
use crate::placeholder;
use crate::policy::OfferLimits;
use serde_json::{Map, Value};

/// The rules on default createOptions. `pointer` is their JSON pointer.
pub fn check_create_options(
    options: &Map<String, Value>,
    limits: &OfferLimits,
    pointer: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let count = serialised(options).chars().count();
    if count >= limits.default_chars {
        findings.push(Finding::error(
            RULE,
            pointer,
            format!(
                "createOptions have {count} characters as JSON, they must stay under {}",
                limits.default_chars
            ),
            "leave out what equals Docker's default",
        ));
    }
    findings.extend(check_shape(options, pointer));
    findings
}

/// Whether Docker Engine's container-create takes the options: known fields, with values of the right type.
pub fn check_shape(options: &Map<String, Value>, pointer: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_fields(options, CONTAINER, "createOptions", pointer, &mut findings);
    findings
}

/// The options as the deployment carries them.
pub(crate) fn serialised(options: &Map<String, Value>) -> String {
    // A map of strings to JSON values always serialises.
    serde_json::to_string(options).unwrap_or_default()
}

/// A key as a part of a JSON pointer (RFC 6901).
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn check_fields(
    object: &Map<String, Value>,
    fields: &'static [Field],
    name: &str,
    place: &str,
    findings: &mut Vec<Finding>,
) {
    /// Least similarity (Jaro–Winkler, 0 to 1) at which a field is suggested.
    const SIMILARITY_MIN: f64 = 0.75;
    for (key, value) in object {
        let place = format!("{place}/{}", escape(key));
        if let Some((_, shape)) = fields.iter().find(|(field, _)| field == key) {
            check_value(value, shape, &format!("{name}.{key}"), &place, findings);
            continue;
        }
        let hint = match crate::nearest::nearest(key, fields.iter().map(|(field, _)| *field), SIMILARITY_MIN)
        {
            Some(near) => format!("did you mean {near}?"),
            None => "see the fields of container-create in the Docker Engine API".to_owned(),
        };
        findings.push(Finding::error(RULE, place, format!("{name} has the unknown field {key:?}"), hint));
    }
}

fn check_value(value: &Value, shape: &'static Shape, name: &str, place: &str, findings: &mut Vec<Finding>) {
    match (shape, value) {
        // Docker takes null for a field that is left out.
        (_, Value::Null)
        | (Shape::Flag, Value::Bool(_))
        | (Shape::Text | Shape::Command, Value::String(_)) => {}
        (Shape::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {}
        (Shape::List(item), Value::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                check_value(value, item, &format!("{name}[{index}]"), &format!("{place}/{index}"), findings);
            }
        }
        (Shape::Command, Value::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                let place = format!("{place}/{index}");
                check_value(value, &Shape::Text, &format!("{name}[{index}]"), &place, findings);
            }
        }
        (Shape::Map(item) | Shape::Ports(item), Value::Object(object)) => {
            for (key, value) in object {
                let place = format!("{place}/{}", escape(key));
                if matches!(shape, Shape::Ports(_)) && !is_port(key) {
                    findings.push(Finding::error(
                        RULE,
                        place.clone(),
                        format!("{name} has the key {key:?}, which is no port"),
                        "write port/protocol, for example 8080/tcp",
                    ));
                }
                check_value(value, item, &format!("{name}[{key:?}]"), &place, findings);
            }
        }
        (Shape::Object(fields), Value::Object(object)) => check_fields(object, fields, name, place, findings),
        (wanted, found) => findings.push(Finding::error(
            RULE,
            place,
            format!("{name} is {}, it must be {}", kind(found), wanted.name()),
            format!("write {}", wanted.example()),
        )),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction, or one that is too great",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A port or range of ports with an optional protocol, or a text with a placeholder.
fn is_port(key: &str) -> bool {
    if !placeholder::find(key).is_empty() {
        return true;
    }
    let (ports, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
    let number = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|number| number > 0)
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    number(first) && number(last) && ["tcp", "udp", "sctp"].contains(&protocol.to_ascii_lowercase().as_str())
}
