//! Installed npm packages: each `package.json` that states name and version. What a `package-lock.json` says should be
//! installed is read elsewhere (`npm_lock`).

use super::{Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    licenses: Value,
}

/// Reads one package; a manifest that is no JSON object, or lacks name or version (private applications, fixtures of
/// tests), is no installed package and no fault.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let Ok(manifest) = serde_json::from_slice::<Manifest>(data) else { return Ok(Vec::new()) };
    let (Some(name), Some(version)) = (manifest.name.as_str(), manifest.version.as_str()) else {
        return Ok(Vec::new());
    };
    if !sane(name) || !sane(version) {
        return Ok(Vec::new());
    }
    let mut found = package(PackageKind::Npm, place, name, version);
    found.licence = licence(&manifest.license).or_else(|| licence(&manifest.licenses));
    Ok(vec![found])
}

/// `"MIT"`, `{"type": "MIT"}`, or a list of these, of which any may be chosen.
pub(super) fn licence(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if sane(text) => Some(text.clone()),
        Value::Object(object) => object.get("type").and_then(licence),
        Value::Array(list) => {
            let names: Vec<String> = list.iter().take(20).filter_map(licence).collect();
            (!names.is_empty()).then(|| names.join(" OR "))
        }
        _ => None,
    }
}
