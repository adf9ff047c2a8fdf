//! Default twin desired properties: JSON without arrays, of bounded depth, with keys that a device twin takes.

use super::{RULE, check_key, check_length, check_names, is_bad_in_key};
use crate::document::TwinProperty;
use crate::finding::Finding;
use crate::policy::OfferLimits;
use serde_json::Value;

/// The rules on default twin desired properties. `pointer` is their list's JSON pointer.
pub fn check_twin(properties: &[TwinProperty], limits: &OfferLimits, pointer: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let names = properties.iter().map(|property| property.name.as_str());
    check_names("twin property", names, limits, pointer, &mut findings);
    for (index, TwinProperty { name, value }) in properties.iter().enumerate() {
        let place = format!("{pointer}/{index}");
        check_key("twin property", name, &place, &mut findings);
        check_length("twin property", name, &value.to_string(), limits, &place, &mut findings);
        let depth = depth(value);
        if depth > limits.twin_depth {
            findings.push(Finding::error(
                RULE,
                format!("{place}/value"),
                format!(
                    "the twin property {name:?} is nested {depth} levels deep, at most {} are allowed",
                    limits.twin_depth
                ),
                "flatten the value",
            ));
        }
        check_value(name, value, &format!("{place}/value"), &mut findings);
    }
    findings
}

/// Levels of objects; 0 for a value that is none.
fn depth(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn check_value(name: &str, value: &Value, place: &str, findings: &mut Vec<Finding>) {
    match value {
        Value::Array(_) => findings.push(Finding::error(
            RULE,
            place,
            format!("the twin property {name:?} holds an array"),
            "use an object with keys such as \"0\" and \"1\" instead",
        )),
        Value::Object(object) => {
            for (key, value) in object {
                let place = format!("{place}/{}", super::create_options::escape(key));
                if let Some(bad) = key.chars().find(|c| is_bad_in_key(*c)) {
                    findings.push(Finding::error(
                        RULE,
                        place.clone(),
                        format!("the twin property {name:?} has the key {key:?} with the character {bad:?}"),
                        "leave out dots, spaces, $, # and control characters",
                    ));
                }
                if key.is_empty() {
                    findings.push(Finding::error(
                        RULE,
                        place.clone(),
                        format!("the twin property {name:?} has an empty key"),
                        "give the key a name",
                    ));
                }
                check_value(name, value, &place, findings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
