//! The bill of materials of one image as CycloneDX 1.6 JSON (ECMA-424). Equal images give equal bytes: there is no
//! timestamp, and the serial number is made from the content.

use super::purl;
use crate::evidence::{Distribution, ImageEvidence, Package, PackageKind};
use crate::licences;
use oci::digest::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Prefix of this program's property names (CycloneDX property taxonomy: a name that nobody else uses).
const PROPERTY: &str = "edgemarket";

/// Longest licence text that is a name; some packages put the whole licence into the field.
const LICENCE_CHARS_MAX: usize = 200;

/// The document, with a line break at the end. `name` is what the image is called: `publisher/offer/plan`, or its
/// reference.
pub fn document(image: &ImageEvidence, name: &str) -> Vec<u8> {
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": { "components": [
                { "type": "application", "name": "edgemarket", "version": env!("CARGO_PKG_VERSION") }
            ] },
            "component": subject(image, name),
        },
        "components": components(image),
        "dependencies": dependencies(image),
    });
    document["serialNumber"] = serial_number(&document).into();
    let mut bytes = serde_json::to_vec_pretty(&document).expect("a JSON value has string keys only");
    bytes.push(b'\n');
    bytes
}

/// A UUID of version 8 (RFC 9562), made of the SHA-256 of the document without it.
fn serial_number(document: &Value) -> String {
    let digest = Digest::of(document.to_string().as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    format!("urn:uuid:{}", uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn subject(image: &ImageEvidence, name: &str) -> Value {
    let mut properties = Vec::new();
    if let Some(platform) = image.platform.as_ref().or(image.index_platform.as_ref()) {
        properties.push(property("image:platform", &platform.to_string()));
    }
    properties.extend(image.layers.iter().map(|layer| property("image:layer", &layer.digest.to_string())));
    json!({
        "type": "container",
        "bom-ref": image.digest.to_string(),
        "name": name,
        "version": image.digest.to_string(),
        "hashes": [{ "alg": "SHA-256", "content": image.digest.hex() }],
        "properties": properties,
    })
}

fn components(image: &ImageEvidence) -> Vec<Value> {
    let system = image.distribution.as_ref().map(operating_system);
    let packages = by_url(image).into_iter().map(|(url, packages)| component(&url, &packages));
    system.into_iter().chain(packages).collect()
}

/// One entry for each package URL, however often the package lies in the image.
fn by_url(image: &ImageEvidence) -> BTreeMap<String, Vec<&Package>> {
    let mut all: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    for package in &image.packages {
        all.entry(purl::of(package, image.distribution.as_ref())).or_default().push(package);
    }
    all
}

fn operating_system(distribution: &Distribution) -> Value {
    let mut component = json!({
        "type": "operating-system",
        "bom-ref": format!("os:{}-{}", distribution.id, distribution.version_id),
        "name": distribution.id,
    });
    if !distribution.version_id.is_empty() {
        component["version"] = distribution.version_id.as_str().into();
    }
    if !distribution.pretty_name.is_empty() {
        component["description"] = distribution.pretty_name.as_str().into();
    }
    component
}

fn component(url: &str, packages: &[&Package]) -> Value {
    let first = packages[0];
    let mut component = json!({
        // A runtime is run, not linked.
        "type": if first.kind == PackageKind::Generic { "application" } else { "library" },
        "bom-ref": url,
        "name": first.name,
        "version": first.version,
        "purl": url,
        "evidence": { "occurrences": occurrences(packages) },
    });
    let licence = packages.iter().find_map(|package| package.licence.as_deref());
    if let Some(licence) =
        licence.and_then(|text| text.lines().next()).map(str::trim).filter(|l| !l.is_empty())
    {
        component["licenses"] = json!([licence_choice(licence)]);
    }
    let mut properties = Vec::new();
    if let Some((name, version)) = &first.source {
        properties.push(property("package:source-name", name));
        properties.push(property("package:source-version", version));
    }
    if let Some(layer) = first.place.layer {
        properties.push(property("package:layer", &layer.to_string()));
    }
    component["properties"] = properties.into();
    component
}

/// An identifier of SPDX's list, an expression of several, or a name.
fn licence_choice(licence: &str) -> Value {
    match licences::expression(licence) {
        Some(id) if licences::is_identifier(&id) => json!({ "license": { "id": id } }),
        Some(expression) => json!({ "expression": expression }),
        None => {
            let name: String = licence.chars().take(LICENCE_CHARS_MAX).collect();
            json!({ "license": { "name": name } })
        }
    }
}

fn occurrences(packages: &[&Package]) -> Vec<Value> {
    let mut paths: Vec<&str> = packages.iter().map(|package| package.place.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().map(|path| json!({ "location": format!("/{path}") })).collect()
}

fn dependencies(image: &ImageEvidence) -> Vec<Value> {
    let all: Vec<String> = by_url(image).into_keys().collect();
    vec![json!({ "ref": image.digest.to_string(), "dependsOn": all })]
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": format!("{PROPERTY}:{name}"), "value": value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn a_package_in_two_places_is_one_component() {
        let mut image = example::image();
        image.distribution = Some(Distribution {
            id: "debian".into(),
            version_id: "12".into(),
            pretty_name: "Debian 12".into(),
        });
        let package = |path: &str| Package {
            kind: PackageKind::Npm,
            name: "@acme/a".into(),
            version: "1.0.0".into(),
            architecture: None,
            source: None,
            licence: Some("MIT\nand the whole text".into()),
            place: example::place(path),
        };
        image.packages = vec![package("a/package.json"), package("b/package.json")];
        let text = String::from_utf8(document(&image, "acme/telemetry/standard")).expect("JSON is UTF-8");
        insta::assert_snapshot!(text);
        assert_eq!(text.as_bytes(), document(&image, "acme/telemetry/standard"));
    }
}
