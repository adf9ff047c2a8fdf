//! npm's lock files, versions 1 to 3: `package-lock.json`, `npm-shrinkwrap.json` and `node_modules/.package-lock.json`. They
//! say what should be installed, so they count only where nothing is installed beside them (an application that was
//! bundled into one file); that is the merge's business.

use super::npm::licence;
use super::{PACKAGES_MAX, Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Lock {
    /// Versions 2 and 3: by place, the root as an empty one.
    packages: Option<BTreeMap<String, Entry>>,
    /// Version 1, and a copy of it in version 2: by name, nested.
    dependencies: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    link: bool,
    dependencies: Option<Value>,
}

/// Directories of packages: what lies in them was brought along, sources and tools of its makers included.
const PACKAGES: &[&str] = &["node_modules", "gems", "site-packages", "dist-packages", "vendor"];

/// The directory whose `node_modules` a lock file at this path describes, or `None` when it is no lock file. Those that
/// packages brought along describe nothing that is installed.
pub fn directory(path: &str) -> Option<&str> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = match name {
        "package-lock.json" | "npm-shrinkwrap.json" => directory,
        ".package-lock.json" if directory == "node_modules" => "",
        ".package-lock.json" => directory.strip_suffix("/node_modules")?,
        _ => return None,
    };
    let brought = directory.split('/').any(|part| PACKAGES.contains(&part));
    (!brought).then_some(directory)
}

/// Reads all packages that are not for development alone.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let lock: Lock = serde_json::from_slice(data).map_err(|error| error.to_string())?;
    let mut packages = Vec::new();
    match (&lock.packages, &lock.dependencies) {
        (Some(entries), _) => {
            for (at, entry) in entries {
                let Some((_, name)) = at.rsplit_once("node_modules/") else { continue };
                // Under an alias the true name stands in the entry.
                add(&mut packages, place, entry.name.as_str().unwrap_or(name), entry)?;
            }
        }
        (None, Some(entries)) => nested(&mut packages, place, entries)?,
        (None, None) => {}
    }
    Ok(packages)
}

fn nested(
    packages: &mut Vec<Package>,
    place: &Place,
    entries: &BTreeMap<String, Entry>,
) -> Result<(), Refused> {
    for (name, entry) in entries {
        add(packages, place, name, entry)?;
        // The parser's own limit on nesting bounds this one.
        if let Some(inner) = &entry.dependencies
            && let Ok(inner) = BTreeMap::<String, Entry>::deserialize(inner)
        {
            nested(packages, place, &inner)?;
        }
    }
    Ok(())
}

fn add(packages: &mut Vec<Package>, place: &Place, name: &str, entry: &Entry) -> Result<(), Refused> {
    let Some(version) = entry.version.as_str() else { return Ok(()) };
    // Version 1 writes an alias as `npm:name@version`; a folder or an address is no version.
    let (name, version) = match version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
        Some((name, version)) => (name, version),
        None => (name, version),
    };
    if entry.dev || entry.link || !sane(name) || !sane(version) || version.contains([':', '/']) {
        return Ok(());
    }
    if packages.len() == PACKAGES_MAX {
        return Err(format!("more than {PACKAGES_MAX} packages"));
    }
    let mut found = package(PackageKind::Npm, place, name, version);
    found.licence = licence(&entry.license);
    packages.push(found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_versions_are_read() {
        let place = Place { layer: None, path: "app/package-lock.json".to_owned() };
        let names = |lock: &str| -> Vec<String> {
            let found = read(&place, lock.as_bytes()).expect("it can be read");
            found.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
        };
        let new = r#"{"lockfileVersion": 3, "packages": {"": {"name": "app", "version": "1.0.0"},
            "node_modules/@s/a": {"version": "1.0.0", "license": "MIT"}, "lib": {"version": "0.1.0"},
            "node_modules/lib": {"resolved": "lib", "link": true},
            "node_modules/@s/a/node_modules/b": {"version": "2.0.0"}, "node_modules/jest": {"version": "9.0.0", "dev": true},
            "node_modules/alias": {"name": "c", "version": "3.0.0"}}}"#;
        assert_eq!(names(new), ["@s/a 1.0.0", "b 2.0.0", "c 3.0.0"]);
        let old = r#"{"lockfileVersion": 1, "dependencies": {"@s/a": {"version": "1.0.0", "requires": {"b": "2"},
            "dependencies": {"b": {"version": "2.0.0"}}}, "alias": {"version": "npm:c@3.0.0"},
            "jest": {"version": "9.0.0", "dev": true}, "lib": {"version": "file:lib"}}}"#;
        assert_eq!(names(old), ["@s/a 1.0.0", "b 2.0.0", "c 3.0.0"]);
        assert_eq!(
            names(&new.replacen(
                "\"packages\"",
                "\"dependencies\": {\"z\": {\"version\": \"1\"}}, \"packages\"",
                1
            ))
            .len(),
            3
        );
    }

    #[test]
    fn a_lock_file_describes_the_node_modules_beside_it() {
        assert_eq!(directory("app/package-lock.json"), Some("app"));
        assert_eq!(directory("package-lock.json"), Some(""));
        assert_eq!(directory("app/node_modules/.package-lock.json"), Some("app"));
        assert_eq!(directory("app/node_modules/x/package-lock.json"), None);
        assert_eq!(directory("usr/lib/ruby/gems/3.1.0/gems/typeprof-0.21.2/vscode/package-lock.json"), None);
        assert_eq!(directory("app/package.json"), None);
    }
}
