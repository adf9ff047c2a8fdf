//! Statements about exploitability in the OpenVEX format (0.2.0): whether a product is affected by a vulnerability of one
//! of its packages. What a statement means for a verdict is the criteria's matter.

use super::error::Error;
use oci::digest::Digest;
use packageurl::PackageUrl;
use serde::{Deserialize, Deserializer};
use std::str::FromStr;

/// Largest document in bytes; a distribution's for one image has some hundred kilobytes.
pub const VEX_BYTES_MAX: usize = 16 << 20;

/// Most statements in all documents together.
pub const STATEMENTS_MAX: usize = 100_000;

/// Longest text of a statement that is kept, in characters.
const TEXT_CHARS_MAX: usize = 300;

/// Statements, in the order in which later ones win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vex {
    statements: Vec<Statement>,
}

/// What is known (OpenVEX, *Status Labels*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the format's own names")]
pub enum Status {
    NotAffected,
    Affected,
    Fixed,
    UnderInvestigation,
}

impl Status {
    /// The label, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::NotAffected => "not affected",
            Status::Affected => "affected",
            Status::Fixed => "fixed",
            Status::UnderInvestigation => "under investigation",
        }
    }
    /// Whether the vulnerability does no harm to the product.
    pub fn is_harmless(self) -> bool {
        matches!(self, Status::NotAffected | Status::Fixed)
    }
}

/// What the documents say of one vulnerability in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict {
    /// The status.
    pub status: Status,
    /// Why: the justification's label, or the impact statement.
    pub reason: String,
}

/// What a statement is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Digests of the image, and of the index through which it was found.
    pub images: &'a [Digest],
    /// Package URL.
    pub package: &'a str,
    /// All names of the vulnerability.
    pub names: &'a [String],
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    time: String,
    vulnerability: Vec<String>,
    products: Vec<Product>,
    verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Product {
    identities: Vec<String>,
    subcomponents: Vec<Vec<String>>,
}

impl Vex {
    /// Adds a document; `name` says in errors which.
    ///
    /// # Errors
    /// It is too large, no OpenVEX document, or one of another version.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let error = |cause: &str| {
            Err(Error::new(
                format!("{name} is no OpenVEX document: {cause}"),
                "write it after the OpenVEX specification 0.2.0, for example with vexctl",
            ))
        };
        if bytes.len() > VEX_BYTES_MAX {
            return error(&format!("it has {} bytes, at most {VEX_BYTES_MAX} are read", bytes.len()));
        }
        let document: RawDocument = match serde_json::from_slice(bytes) {
            Ok(document) => document,
            Err(cause) => return error(&cause.to_string()),
        };
        if !document.context.contains("openvex.dev/ns") {
            return error("its @context is not https://openvex.dev/ns/v0.2.0");
        }
        if self.statements.len() + document.statements.len() > STATEMENTS_MAX {
            return error(&format!("with it there are more than {STATEMENTS_MAX} statements"));
        }
        let of_document = document.timestamp;
        for raw in document.statements {
            let time = if raw.timestamp.is_empty() { of_document.clone() } else { raw.timestamp };
            let reason = [raw.justification, raw.impact_statement, raw.status_notes, raw.action_statement];
            let reason = reason.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default();
            let reason = reason.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect();
            self.statements.push(Statement {
                time,
                vulnerability: raw.vulnerability.names(),
                products: raw.products.into_iter().map(RawProduct::product).collect(),
                verdict: Verdict { status: raw.status, reason },
            });
        }
        // Stable: of equal times the one that was given later wins.
        self.statements.sort_by(|a, b| a.time.cmp(&b.time));
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// What the last statement says that is about this vulnerability of this package in this image.
    pub fn verdict(&self, subject: &Subject<'_>) -> Option<&Verdict> {
        let package = PackageUrl::from_str(subject.package).ok()?;
        let about = |statement: &&Statement| {
            statement.vulnerability.iter().any(|name| subject.names.contains(name))
                && statement.products.iter().any(|product| product.is(subject.images, &package))
        };
        self.statements.iter().rev().find(about).map(|statement| &statement.verdict)
    }
}

impl Product {
    /// The product is the package itself, or the image with or without naming its packages.
    fn is(&self, images: &[Digest], package: &PackageUrl<'_>) -> bool {
        if self.identities.iter().any(|identity| is_package(identity, package)) {
            return true;
        }
        let is_image = self
            .identities
            .iter()
            .any(|identity| images.iter().any(|digest| identity.contains(&digest.hex())));
        let names = |component: &Vec<String>| component.iter().any(|identity| is_package(identity, package));
        is_image && (self.subcomponents.is_empty() || self.subcomponents.iter().any(names))
    }
}

/// Whether a package URL names the package: version and qualifiers count where the statement gives them.
fn is_package(identity: &str, package: &PackageUrl<'_>) -> bool {
    let Ok(stated) = PackageUrl::from_str(identity) else { return false };
    let version = stated.version().is_none_or(|version| package.version() == Some(version));
    let qualifier = |(key, value): (&std::borrow::Cow<'_, str>, &std::borrow::Cow<'_, str>)| {
        package.qualifiers().get(key.as_ref()).is_none_or(|own| own == value)
    };
    (stated.ty(), stated.namespace(), stated.name()) == (package.ty(), package.namespace(), package.name())
        && version
        && stated.qualifiers().iter().all(qualifier)
}

#[derive(Deserialize)]
struct RawDocument {
    #[serde(rename = "@context")]
    context: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    statements: Vec<RawStatement>,
}

#[derive(Deserialize)]
struct RawStatement {
    vulnerability: RawVulnerability,
    #[serde(default)]
    products: Vec<RawProduct>,
    status: Status,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    justification: String,
    #[serde(default)]
    impact_statement: String,
    #[serde(default)]
    status_notes: String,
    #[serde(default)]
    action_statement: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawVulnerability {
    /// Before version 0.2.
    Name(String),
    Object {
        #[serde(default)]
        name: String,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

impl RawVulnerability {
    fn names(self) -> Vec<String> {
        match self {
            RawVulnerability::Name(name) => vec![name],
            RawVulnerability::Object { name, aliases } => {
                std::iter::once(name).chain(aliases).filter(|name| !name.is_empty()).collect()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawProduct {
    /// Before version 0.2.
    Id(String),
    Object {
        #[serde(flatten)]
        component: RawComponent,
        #[serde(default)]
        subcomponents: Vec<RawComponent>,
    },
}

#[derive(Deserialize, Default)]
struct RawComponent {
    #[serde(rename = "@id", default)]
    id: String,
    #[serde(default, deserialize_with = "strings")]
    identifiers: Vec<String>,
    #[serde(default, deserialize_with = "strings")]
    hashes: Vec<String>,
}

/// The values of an object of strings.
fn strings<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let map = std::collections::BTreeMap::<String, String>::deserialize(input)?;
    Ok(map.into_values().collect())
}

impl RawComponent {
    fn identities(self) -> Vec<String> {
        let all = std::iter::once(self.id).chain(self.identifiers).chain(self.hashes);
        all.filter(|identity| !identity.is_empty()).collect()
    }
}

impl RawProduct {
    fn product(self) -> Product {
        match self {
            RawProduct::Id(id) => Product { identities: vec![id], subcomponents: Vec::new() },
            RawProduct::Object { component, subcomponents } => Product {
                identities: component.identities(),
                subcomponents: subcomponents.into_iter().map(RawComponent::identities).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12";

    fn document(statements: &str) -> String {
        format!(
            r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z",
            "version":1,"statements":[{statements}]}}"#
        )
    }

    fn told(statements: &str, package: &str) -> Option<String> {
        let mut vex = Vex::default();
        vex.add("a.vex.json", document(statements).as_bytes()).expect("a document");
        let images = [Digest::of(b"image")];
        let names = ["CVE-2023-0001".to_owned(), "GHSA-x".to_owned()];
        let verdict = vex.verdict(&Subject { images: &images, package, names: &names });
        verdict.map(|verdict| format!("{}: {}", verdict.status.as_str(), verdict.reason))
    }

    fn statement(product: &str, rest: &str) -> String {
        format!(r#"{{"vulnerability":{{"name":"CVE-2023-0001"}},"products":[{product}],{rest}}}"#)
    }

    #[test]
    fn packages_images_and_parts_of_images_are_recognised() {
        let harmless = r#""status":"not_affected","justification":"vulnerable_code_not_present""#;
        let said = Some("not affected: vulnerable_code_not_present".to_owned());
        let package = |id: &str| statement(&format!(r#"{{"@id":"{id}"}}"#), harmless);
        assert_eq!(told(&package("pkg:deb/debian/libssl3"), PACKAGE), said);
        assert_eq!(told(&package("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64"), PACKAGE), said);
        assert_eq!(told(&package("pkg:deb/debian/libssl3@3.0.12"), PACKAGE), None);
        assert_eq!(told(&package("pkg:deb/debian/libssl3?arch=arm64"), PACKAGE), None);
        assert_eq!(told(&package("pkg:deb/debian/openssl"), PACKAGE), None);
        let image = format!("pkg:oci/x@{}", Digest::of(b"image"));
        assert_eq!(told(&package(&image), PACKAGE), said);
        assert_eq!(told(&package(&format!("pkg:oci/x@{}", Digest::of(b"other"))), PACKAGE), None);
        let part = |part: &str| {
            let product = format!(r#"{{"@id":"{image}","subcomponents":[{{"@id":"{part}"}}]}}"#);
            statement(&product, harmless)
        };
        assert_eq!(told(&part("pkg:deb/debian/libssl3"), PACKAGE), said);
        assert_eq!(told(&part("pkg:deb/debian/zlib1g"), PACKAGE), None);
    }

    #[test]
    fn the_last_statement_wins() {
        let product = r#"{"@id":"pkg:deb/debian/libssl3"}"#;
        let early = statement(product, r#""status":"not_affected","timestamp":"2025-01-01T00:00:00Z""#);
        let late = statement(product, r#""status":"affected","action_statement":"update""#);
        assert_eq!(told(&format!("{late},{early}"), PACKAGE), Some("affected: update".to_owned()));
        assert_eq!(told("", PACKAGE), None);
    }

    #[test]
    fn bad_documents_are_refused() {
        let error = |text: &[u8]| Vex::default().add("a", text).expect_err("refused").message;
        let deep = "[".repeat(10_000);
        assert!(error(deep.as_bytes()).contains("is no OpenVEX document"));
        assert!(error(br#"{"@context":"https://example.com","statements":[]}"#).contains("@context"));
        let unknown = document(&statement(r#""pkg:a/b""#, r#""status":"perhaps""#));
        assert!(error(unknown.as_bytes()).contains("unknown variant `perhaps`"));
    }
}
