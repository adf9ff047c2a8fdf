//! The rules of IoT Hub and the runtime on the twins that a manifest becomes. The manifest's schema does not know them.

use super::RULE;
use crate::defaults::is_bad_in_key;
use crate::finding::Finding;
use serde_json::Value;

/// Largest desired properties of a twin in bytes of JSON (IoT Hub).
const TWIN_BYTES_MAX: usize = 32 * 1_024;
/// Longest string in a twin in bytes (IoT Hub).
const STRING_BYTES_MAX: usize = 4 * 1_024;
/// Longest key in a twin in bytes (IoT Hub).
const KEY_BYTES_MAX: usize = 1_024;
/// Deepest nesting of desired properties (IoT Hub).
const LEVELS_MAX: usize = 10;
/// Where desired properties begin in a key.
const DESIRED: &str = "properties.desired";

/// Every rule on every twin of the manifest.
pub(super) fn check(manifest: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let modules = manifest["modulesContent"].as_object();
    for (module, content) in modules.into_iter().flatten() {
        let mut bytes = 0;
        for (key, value) in content.as_object().into_iter().flatten() {
            // In a layer the key itself goes on below the desired properties: `properties.desired.modules.X`.
            let below: Vec<&str> = key.strip_prefix(DESIRED).unwrap_or(key).split('.').skip(1).collect();
            bytes += value.to_string().len() + below.iter().map(|name| name.len() + 5).sum::<usize>();
            check_value(module, value, below.len(), &mut findings);
        }
        if bytes > TWIN_BYTES_MAX {
            findings.push(refused(
                format!("the desired properties of {module} have {bytes} bytes, a twin has at most {TWIN_BYTES_MAX}"),
                "give shorter values, or leave settings out",
            ));
        }
    }
    findings
}

fn check_value(module: &str, value: &Value, level: usize, findings: &mut Vec<Finding>) {
    match value {
        Value::Array(_) => findings.push(refused(
            format!("the desired properties of {module} hold an array"),
            "use an object with keys such as \"0\" and \"1\" instead",
        )),
        Value::String(text) if text.len() > STRING_BYTES_MAX => findings.push(refused(
            format!(
                "the desired properties of {module} hold a text of {} bytes, at most {STRING_BYTES_MAX} are allowed",
                text.len()
            ),
            "give a shorter value",
        )),
        // One finding for the place where it becomes too deep, and no further descent.
        Value::Object(_) if level >= LEVELS_MAX => findings.push(refused(
            format!("the desired properties of {module} are nested deeper than {LEVELS_MAX} levels"),
            "flatten the value",
        )),
        Value::Object(object) => {
            for (key, value) in object {
                if key.is_empty() || key.len() > KEY_BYTES_MAX || key.chars().any(is_bad_in_key) {
                    findings.push(refused(
                        format!("the desired properties of {module} have the key {key:?}"),
                        "a key has 1 to 1024 bytes, and no dot, space, $, # or control character",
                    ));
                }
                check_value(module, value, level + 1, findings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn refused(message: String, hint: &str) -> Finding {
    Finding::error(RULE, "", message, hint)
}
