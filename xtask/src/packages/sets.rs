//! Package sets from CycloneDX documents: what makes two packages of different tools the same, and how sets differ.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// A tool that finds packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Ours,
    Syft,
    Trivy,
}

/// A package by its URL: type, name and version, as all tools write them after [`Package::of`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    pub kind: String,
    pub name: String,
    pub version: String,
    /// Where the tools that found it say it is, without `/` at the beginning; no part of what it is.
    pub paths: Vec<String>,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.name, self.version)
    }
}

/// Packages by type, name and version, with where they are.
pub type Packages = BTreeMap<(String, String, String), BTreeSet<String>>;

/// What the three tools found.
#[derive(Debug)]
pub struct Sets {
    pub ours: Packages,
    pub syft: Packages,
    pub trivy: Packages,
}

/// Which tools found a package that not all of them found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundBy {
    pub ours: bool,
    pub syft: bool,
    pub trivy: bool,
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(self.ours, "edgemarket"), (self.syft, "syft"), (self.trivy, "trivy")];
        let names: Vec<&str> = names.into_iter().filter(|(by, _)| *by).map(|(_, name)| name).collect();
        f.write_str(&names.join(" and "))
    }
}

impl Sets {
    /// What a tool found.
    pub fn of(&self, tool: Tool) -> &Packages {
        match tool {
            Tool::Ours => &self.ours,
            Tool::Syft => &self.syft,
            Tool::Trivy => &self.trivy,
        }
    }

    /// The packages that not all tools found, with who did.
    pub fn differences(&self) -> Vec<(Package, FoundBy)> {
        let all: BTreeSet<_> = self.ours.keys().chain(self.syft.keys()).chain(self.trivy.keys()).collect();
        let difference = |key: &(String, String, String)| {
            let sets = [&self.ours, &self.syft, &self.trivy];
            let [ours, syft, trivy] = sets.map(|set| set.contains_key(key));
            let paths: BTreeSet<&String> = sets.iter().filter_map(|set| set.get(key)).flatten().collect();
            let (kind, name, version) = key.clone();
            let package = Package { kind, name, version, paths: paths.into_iter().cloned().collect() };
            (!(ours && syft && trivy)).then_some((package, FoundBy { ours, syft, trivy }))
        };
        all.into_iter().filter_map(difference).collect()
    }
}

/// The packages of a CycloneDX document.
pub fn packages(text: &str) -> Result<Packages, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let components = document["components"].as_array().ok_or("it has no components")?;
    let mut packages = Packages::new();
    for component in components {
        let Some(purl) = component["purl"].as_str() else { continue };
        let key = identity(purl).ok_or_else(|| format!("the package URL {purl:?} has no type"))?;
        packages.entry(key).or_default().extend(paths(component));
    }
    Ok(packages)
}

/// Type, name and version of a package URL, in which the tools differ only in form: an epoch stands in the version or
/// in a qualifier, the names of Python packages are normalised (PEP 503) or not, and the vendor of a distribution is a
/// namespace.
fn identity(purl: &str) -> Option<(String, String, String)> {
    let purl = purl.strip_prefix("pkg:")?.split('#').next()?;
    let (path, qualifiers) = purl.split_once('?').unwrap_or((purl, ""));
    let (kind, path) = path.split_once('/')?;
    let (name, version) = path.rsplit_once('@').unwrap_or((path, ""));
    let (mut name, mut version) = (decoded(name), decoded(version));
    match kind {
        "deb" | "rpm" | "apk" => {
            name = name.rsplit('/').next().unwrap_or(&name).to_owned();
            let epoch = qualifiers.split('&').find_map(|pair| pair.strip_prefix("epoch="));
            if let Some(epoch) = epoch.filter(|_| !version.contains(':')) {
                version = format!("{epoch}:{version}");
            }
        }
        "pypi" => name = name.to_lowercase().replace(['_', '.'], "-"),
        _ => {}
    }
    Some((kind.to_owned(), name, version))
}

/// Resolves `%xx`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where a component is, in the words of any of the tools.
fn paths(component: &Value) -> Vec<String> {
    let properties = component["properties"].as_array().into_iter().flatten();
    let properties = properties.filter(|property| {
        let name = property["name"].as_str().unwrap_or_default();
        (name.starts_with("syft:location:") && name.ends_with(":path"))
            || name == "aquasecurity:trivy:FilePath"
    });
    let occurrences = component["evidence"]["occurrences"].as_array().into_iter().flatten();
    properties
        .map(|property| &property["value"])
        .chain(occurrences.map(|occurrence| &occurrence["location"]))
        .filter_map(Value::as_str)
        .map(|path| path.trim_start_matches('/').to_owned())
        .collect()
}

/// A file of JSON.
pub fn json(path: &Path) -> Result<Value, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is no JSON: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_that_write_a_package_differently_mean_the_same() {
        let same = |a: &str, b: &str| assert_eq!(identity(a), identity(b));
        same("pkg:deb/debian/passwd@1%3A4.13?arch=amd64", "pkg:deb/debian/passwd@4.13?arch=amd64&epoch=1");
        same("pkg:pypi/typing-extensions@4.8", "pkg:pypi/Typing_extensions@4.8");
        same("pkg:npm/%40babel/core@7.0.0", "pkg:npm/@babel/core@7.0.0");
        assert_ne!(identity("pkg:npm/a@1"), identity("pkg:npm/a@2"));
        assert_ne!(identity("pkg:npm/a@1"), identity("pkg:pypi/a@1"));
        assert_eq!(identity("no package"), None);
    }

    #[test]
    fn sets_differ_in_what_not_all_have() {
        let set = |names: &[&str]| {
            let components: Vec<Value> = names
                .iter()
                .map(|name| {
                    let path =
                        serde_json::json!({"name": "syft:location:0:path", "value": format!("/x/{name}")});
                    serde_json::json!({"purl": format!("pkg:npm/{name}@1"), "properties": [path]})
                })
                .collect();
            packages(&serde_json::json!({ "components": components }).to_string()).expect("CycloneDX")
        };
        let sets =
            Sets { ours: set(&["all", "ours"]), syft: set(&["all", "both"]), trivy: set(&["all", "both"]) };
        let said: Vec<String> = sets
            .differences()
            .iter()
            .map(|(package, by)| format!("{package} by {by} in {}", package.paths.join(",")))
            .collect();
        assert_eq!(said, ["npm both 1 by syft and trivy in x/both", "npm ours 1 by edgemarket in x/ours"]);
        assert!(packages("{}").is_err());
    }
}
