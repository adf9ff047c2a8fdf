//! PHP's Composer: `vendor/composer/installed.json` says what is installed, `composer.lock` what should be. Where both
//! are, the first counts; that is the merge's business.

use super::{PACKAGES_MAX, Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use serde::Deserialize;
use serde_json::Value;

/// Composer 2 and the lock file have an object, Composer 1 a bare list. Development packages stand apart in the lock
/// file, and are left out: images are built without them, and `installed.json` has those that are there.
#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Object { packages: Vec<Entry> },
    Bare(Vec<Entry>),
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Value,
}

/// Whether this is the path of a list.
pub fn is_list(path: &str) -> bool {
    path == "composer.lock"
        || path.ends_with("/composer.lock")
        || path == "vendor/composer/installed.json"
        || path.ends_with("/vendor/composer/installed.json")
}

/// Reads all packages.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let list: List = serde_json::from_slice(data).map_err(|error| error.to_string())?;
    let (List::Object { packages } | List::Bare(packages)) = list;
    if packages.len() > PACKAGES_MAX {
        return Err(format!("more than {PACKAGES_MAX} packages"));
    }
    let sound = packages.into_iter().filter(|entry| sane(&entry.name) && sane(&entry.version));
    Ok(sound
        .map(|entry| {
            let mut found = package(PackageKind::Composer, place, &entry.name, &entry.version);
            found.licence = licence(&entry.license);
            found
        })
        .collect())
}

/// One, or a list from which the user may choose (composer.json schema, `license`).
fn licence(value: &Value) -> Option<String> {
    let licence = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().take(20).filter_map(Value::as_str).collect::<Vec<_>>().join(" OR "),
        _ => return None,
    };
    sane(&licence).then_some(licence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let place = Place { layer: None, path: "app/composer.lock".to_owned() };
        let entry = r#"{"name": "monolog/monolog", "version": "3.5.0", "license": ["MIT"]}"#;
        for list in [
            format!("[{entry}]"),
            format!(
                r#"{{"packages": [{entry}], "packages-dev": [{{"name": "phpunit/phpunit", "version": "10"}}]}}"#
            ),
        ] {
            let found = read(&place, list.as_bytes()).expect("it can be read");
            assert_eq!(found.len(), 1);
            assert_eq!(
                (found[0].name.as_str(), found[0].licence.as_deref()),
                ("monolog/monolog", Some("MIT"))
            );
        }
        assert!(read(&place, b"{}").is_err());
    }
}
