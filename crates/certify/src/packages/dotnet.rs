//! .NET's dependency lists: `*.deps.json` beside a program or in a shared framework. They name the NuGet packages that
//! were published with it, and the runtime of a self-contained program.

use super::{PACKAGES_MAX, Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Dependencies {
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(default, rename = "type")]
    kind: Value,
}

/// Reads one list. Projects are the vendor's own, `reference`s are files without a package.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let list: Dependencies = serde_json::from_slice(data).map_err(|error| error.to_string())?;
    if list.libraries.len() > PACKAGES_MAX {
        return Err(format!("more than {PACKAGES_MAX} packages"));
    }
    let packages = list.libraries.iter().filter_map(|(key, library)| {
        let (name, version) = key.split_once('/')?;
        let name = match library.kind.as_str()? {
            "package" => name,
            // NuGet has the runtime under the name without this prefix, and advisories too.
            "runtimepack" => name.strip_prefix("runtimepack.").unwrap_or(name),
            _ => return None,
        };
        (sane(name) && sane(version)).then(|| package(PackageKind::Nuget, place, name, version))
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_the_runtime_count_and_projects_do_not() {
        let list = br#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64"}, "libraries": {
            "Acme.App/1.0.0": {"type": "project", "serviceable": false, "sha512": ""},
            "Newtonsoft.Json/13.0.3": {"type": "package", "serviceable": true, "sha512": "x"},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.4": {"type": "runtimepack"},
            "System.Odd/4.0.0.0": {"type": "reference"}, "broken": {}}}"#;
        let place = Place { layer: None, path: "app/Acme.App.deps.json".to_owned() };
        let found = read(&place, list).expect("it can be read");
        let names: Vec<String> = found.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        assert_eq!(names, ["Newtonsoft.Json 13.0.3", "Microsoft.NETCore.App.Runtime.linux-x64 8.0.4"]);
        assert!(read(&place, b"{").is_err());
    }
}
