//! The bill of materials of one image as SPDX 2.3 JSON (ISO/IEC 5962). Equal images give equal bytes: the namespace is
//! made of the image's digest and of the content, and the instant of creation is the image's own.

use super::purl;
use crate::evidence::{Distribution, ImageEvidence, Package};
use crate::licences;
use jiff::Timestamp;
use oci::digest::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Beginning of all namespaces: a URI that is unique and need not lead anywhere (SPDX 2.3 § 6.5).
const NAMESPACE: &str = "https://edgemarket.invalid/spdx";

/// Instant of an image that states none, or none that can be read.
const UNKNOWN_INSTANT: &str = "1970-01-01T00:00:00Z";

/// Longest licence text that is a name; some packages put the whole licence into the field.
const LICENCE_CHARS_MAX: usize = 200;

/// The document, with a line break at the end. `name` is what the image is called: `publisher/offer/plan`, or its
/// reference.
pub fn document(image: &ImageEvidence, name: &str) -> Vec<u8> {
    let mut licences = Licences::default();
    let mut packages = vec![subject(image, name)];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")];
    if let Some(distribution) = &image.distribution {
        packages.push(operating_system(distribution));
        relationships.push(relationship("SPDXRef-Image", "CONTAINS", "SPDXRef-OperatingSystem"));
    }
    for (url, found) in by_url(image) {
        let id = format!("SPDXRef-Package-{}", &Digest::of(url.as_bytes()).hex()[..16]);
        relationships.push(relationship("SPDXRef-Image", "CONTAINS", &id));
        packages.push(package(&id, &url, &found, &mut licences));
    }
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "creationInfo": {
            "created": created(image),
            "creators": [concat!("Tool: edgemarket-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    });
    if !licences.named.is_empty() {
        document["hasExtractedLicensingInfos"] = licences.infos();
    }
    let content = Digest::of(document.to_string().as_bytes()).hex()[..16].to_owned();
    document["documentNamespace"] = format!("{NAMESPACE}/{}/{content}", image.digest.hex()).into();
    let mut bytes = serde_json::to_vec_pretty(&document).expect("a JSON value has string keys only");
    bytes.push(b'\n');
    bytes
}

/// When the image says that it was made, in the form that SPDX wants: UTC, whole seconds (§ 6.9).
fn created(image: &ImageEvidence) -> String {
    let stated = image.config.created.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let whole = stated.and_then(|instant| Timestamp::from_second(instant.as_second()).ok());
    // A year of more than four digits or before Christ is no SPDX instant.
    let text = whole.map(|instant| instant.to_string()).filter(|text| text.len() == UNKNOWN_INSTANT.len());
    text.unwrap_or_else(|| UNKNOWN_INSTANT.to_owned())
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn subject(image: &ImageEvidence, name: &str) -> Value {
    let mut subject = json!({
        "SPDXID": "SPDXRef-Image",
        "name": name,
        "versionInfo": image.digest.to_string(),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "copyrightText": "NOASSERTION",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": image.digest.hex() }],
    });
    if let Some(platform) = image.platform.as_ref().or(image.index_platform.as_ref()) {
        subject["comment"] = format!("platform {platform}").into();
    }
    subject
}

fn operating_system(distribution: &Distribution) -> Value {
    let mut system = json!({
        "SPDXID": "SPDXRef-OperatingSystem",
        "name": if distribution.id.is_empty() { "unknown" } else { distribution.id.as_str() },
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "copyrightText": "NOASSERTION",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "primaryPackagePurpose": "OPERATING-SYSTEM",
    });
    if !distribution.version_id.is_empty() {
        system["versionInfo"] = distribution.version_id.as_str().into();
    }
    if !distribution.pretty_name.is_empty() {
        system["description"] = distribution.pretty_name.as_str().into();
    }
    system
}

/// One entry for each package URL, however often the package lies in the image.
fn by_url(image: &ImageEvidence) -> BTreeMap<String, Vec<&Package>> {
    let mut all: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    for package in &image.packages {
        all.entry(purl::of(package, image.distribution.as_ref())).or_default().push(package);
    }
    all
}

fn package(id: &str, url: &str, found: &[&Package], licences: &mut Licences) -> Value {
    let first = found[0];
    let stated = found.iter().find_map(|package| package.licence.as_deref());
    let declared = stated.map_or_else(|| "NOASSERTION".to_owned(), |stated| licences.declared(stated));
    let mut paths: Vec<String> = found.iter().map(|package| format!("/{}", package.place.path)).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut package = json!({
        "SPDXID": id,
        "name": first.name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "copyrightText": "NOASSERTION",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": declared,
        "sourceInfo": format!("read from {}", paths.join(", ")),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": url,
        }],
    });
    if !first.version.is_empty() {
        package["versionInfo"] = first.version.as_str().into();
    }
    if let Some((name, version)) = &first.source {
        package["comment"] = format!("built from source package {name} {version}").into();
    }
    package
}

/// Licences that are not on SPDX's list, which a document has to bring along (§ 10).
#[derive(Default)]
struct Licences {
    named: BTreeMap<String, String>,
}

impl Licences {
    /// An SPDX licence expression: the stated one, or a reference to the stated name.
    fn declared(&mut self, stated: &str) -> String {
        let line = stated.lines().next().unwrap_or_default().trim();
        if line.is_empty() {
            return "NOASSERTION".to_owned();
        }
        if let Some(expression) = expression(stated) {
            return expression;
        }
        let id = format!("LicenseRef-{}", &Digest::of(line.as_bytes()).hex()[..16]);
        self.named.insert(id.clone(), line.chars().take(LICENCE_CHARS_MAX).collect());
        id
    }

    fn infos(&self) -> Value {
        let info =
            |(id, name): (&String, &String)| json!({ "licenseId": id, "name": name, "extractedText": name });
        self.named.iter().map(info).collect()
    }
}

/// The statement, when it means licences on SPDX's list. References need texts, which nobody has here.
fn expression(stated: &str) -> Option<String> {
    licences::expression(stated).filter(|expression| !expression.contains("LicenseRef-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use crate::evidence::PackageKind;

    #[test]
    fn a_package_in_two_places_is_one_package() {
        let mut image = example::image();
        image.config.created = Some("2024-05-06T09:08:09.123456789+02:00".into());
        image.distribution = Some(Distribution {
            id: "debian".into(),
            version_id: "12".into(),
            pretty_name: "Debian 12".into(),
        });
        let package = |name: &str, path: &str, licence: &str| Package {
            kind: PackageKind::Npm,
            name: name.into(),
            version: "1.0.0".into(),
            architecture: None,
            source: None,
            licence: Some(licence.into()),
            place: example::place(path),
        };
        image.packages = vec![
            package("@acme/a", "a/package.json", "MIT OR Apache-2.0"),
            package("@acme/a", "b/package.json", "MIT OR Apache-2.0"),
            package("b", "c/package.json", "Our own\nand the whole text"),
        ];
        let text = String::from_utf8(document(&image, "acme/telemetry/standard")).expect("JSON is UTF-8");
        insta::assert_snapshot!(text);
        assert_eq!(text.as_bytes(), document(&image, "acme/telemetry/standard"));
    }

    #[test]
    fn an_instant_that_cannot_be_one_is_the_beginning_of_time() {
        let mut image = example::image();
        for (stated, told) in [
            (None, UNKNOWN_INSTANT),
            (Some("yesterday"), UNKNOWN_INSTANT),
            (Some("-000300-01-01T00:00:00Z"), UNKNOWN_INSTANT),
            (Some("2024-01-02T03:04:05Z"), "2024-01-02T03:04:05Z"),
        ] {
            image.config.created = stated.map(str::to_owned);
            assert_eq!(created(&image), told, "{stated:?}");
        }
    }
}
