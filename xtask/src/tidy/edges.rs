//! Which crate may depend on which: read from each manifest's `[dependencies]`. Tests may use more.

use super::{Fault, Source, Tree};

/// Crate, and the crates of ours that it may use. What is not here may use none.
const ALLOWED: &[(&str, &[&str])] = &[
    ("offer", &[]),
    ("oci", &[]),
    ("certify", &["offer", "oci"]),
    ("registry", &["oci"]),
    ("market", &["offer", "oci", "certify", "registry"]),
    ("edgemarket", &["offer", "oci", "certify", "registry", "market"]),
    ("fuzzing", &["offer", "oci", "certify", "registry"]),
];

/// Crates of others that only one of ours may use: the boundary that each stands for would leak otherwise.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["market"]),
    ("maud", &["certify", "market"]),
    ("boreal", &["certify"]),
    ("ammonia", &["offer"]),
];

pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let manifests =
        tree.files.iter().filter_map(|file| Some((crate_name(&file.path)?, file))).collect::<Vec<_>>();
    for &(name, manifest) in &manifests {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            faults.push(Fault::new(
                &manifest.path,
                1,
                format!("crate `{name}` is not in the list of allowed edges"),
                "add it to ALLOWED in xtask/src/tidy/edges.rs and to ARCHITECTURE.md, with its one reason",
            ));
            continue;
        };
        for (line, dependency) in dependencies(manifest) {
            let ours = manifests.iter().any(|(known, _)| *known == dependency);
            if ours && !allowed.contains(&dependency) {
                faults.push(Fault::new(
                    &manifest.path,
                    line,
                    format!("`{name}` must not depend on `{dependency}`"),
                    "move the code to the crate that may know both (ARCHITECTURE.md, edges)",
                ));
            }
            if let Some((_, homes)) = KEPT_IN.iter().find(|(kept, _)| *kept == dependency)
                && !homes.contains(&name)
            {
                faults.push(Fault::new(
                    &manifest.path,
                    line,
                    format!("`{dependency}` is for {} alone", homes.join(", ")),
                    "call that crate's own function instead",
                ));
            }
        }
    }
    faults
}

/// `offer` for `crates/offer/Cargo.toml`.
fn crate_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

/// Line and name of each entry of `[dependencies]` and of the per-target ones.
fn dependencies(manifest: &Source) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            let table = header == "dependencies"
                || (header.starts_with("target.") && header.ends_with(".dependencies"));
            inside = table;
            if let Some(name) = header.strip_prefix("dependencies.") {
                found.push((index + 1, name));
            }
        } else if inside && !line.starts_with('#') && line.contains('=') {
            let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
            found.push((index + 1, line[..end].trim_matches('"')));
        }
    }
    found
}
