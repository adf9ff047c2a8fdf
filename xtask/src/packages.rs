//! `cargo xtask packages`: the packages that edgemarket, syft and trivy find in the test images, compared one by one. It
//! fails when there is a difference that [`explained`] does not explain, and always when both peers find a package that
//! we do not. A copy of each explanation in small is a test of certify (`tests/it/gather_packages.rs`).

mod explained;
mod sets;

use crate::bench::measure::run_checked;
use sets::{Sets, Tool};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The images that are compared when none is named.
const IMAGES: [&str; 2] = ["telemetry", "large"];

#[derive(Debug, PartialEq, Eq)]
struct Options {
    images: PathBuf,
    peers: PathBuf,
    program: PathBuf,
    names: Vec<String>,
}

impl Options {
    fn parse(root: &Path, arguments: &[String]) -> Result<Options, String> {
        let mut options = Options {
            images: root.join("target/bench/images"),
            peers: root.join("target/bench/peers"),
            program: root.join("target/debug/edgemarket"),
            names: Vec::new(),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || {
                rest.next()
                    .ok_or_else(|| format!("{argument} has no value\nhint: see `cargo xtask` for usage"))
            };
            match argument.as_str() {
                "--images" => options.images = PathBuf::from(value()?),
                "--peers" => options.peers = PathBuf::from(value()?),
                "--program" => options.program = PathBuf::from(value()?),
                option if option.starts_with('-') => {
                    return Err(format!("unknown option `{option}`\nhint: see `cargo xtask` for usage"));
                }
                name => options.names.push(name.to_owned()),
            }
        }
        if options.names.is_empty() {
            options.names = IMAGES.map(str::to_owned).into();
        }
        Ok(options)
    }
}

/// Compares, and prints what was found.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(root, arguments)?;
    let tools = [
        (options.program.clone(), "build it with `cargo build`, or name another with --program"),
        (options.peers.join("bin/syft"), "install it with bench/peers of the shared folder"),
        (options.peers.join("bin/trivy"), "install it with bench/peers of the shared folder"),
    ];
    for (tool, hint) in &tools {
        if !tool.is_file() {
            return Err(format!("{} is not there\nhint: {hint}", tool.display()));
        }
    }
    let mut open = 0;
    println!(
        "{:12}{:>12}{:>8}{:>8}{:>12}{:>12}",
        "image", "edgemarket", "syft", "trivy", "explained", "open"
    );
    for name in &options.names {
        open += compare(root, &options, name)?;
    }
    match open {
        0 => Ok(()),
        _ => Err(format!(
            "{open} differences have no explanation\nhint: mend the reader in certify, or explain them in xtask/src/packages/explained.rs"
        )),
    }
}

/// Compares one image; the number of differences without an explanation.
fn compare(root: &Path, options: &Options, name: &str) -> Result<usize, String> {
    let layout = options.images.join(name);
    if !layout.join("index.json").is_file() {
        return Err(format!(
            "{} is no image layout\nhint: make it with bench/make-images of the shared folder",
            layout.display()
        ));
    }
    let work = root.join("target/packages").join(name);
    std::fs::create_dir_all(&work).map_err(|error| format!("cannot make {}: {error}", work.display()))?;
    let sets = scan(options, &layout, &work)?;
    let owned = owned_files(&layout)?;
    let differences = sets.differences();
    let (explained, open): (Vec<_>, Vec<_>) =
        differences.iter().partition(|(package, by)| explained::reason(package, *by, &owned).is_some());
    let count = |tool| sets.of(tool).len();
    println!(
        "{name:12}{:>12}{:>8}{:>8}{:>12}{:>12}",
        count(Tool::Ours),
        count(Tool::Syft),
        count(Tool::Trivy),
        explained.len(),
        open.len()
    );
    let reasons: BTreeSet<&str> =
        explained.iter().filter_map(|(package, by)| explained::reason(package, *by, &owned)).collect();
    for reason in reasons {
        let of =
            explained.iter().filter(|(package, by)| explained::reason(package, *by, &owned) == Some(reason));
        println!("  {} × {reason}", of.count());
    }
    for (package, by) in &open {
        println!("  {package}: found by {by}, in {}", package.paths.join(", "));
    }
    Ok(open.len())
}

/// Runs the three tools.
fn scan(options: &Options, layout: &Path, work: &Path) -> Result<Sets, String> {
    let file = |tool: &str| work.join(format!("{tool}.cdx.json"));
    let view = single_image(layout, work)?;
    let (ours, syft, trivy) = (file("edgemarket"), file("syft"), file("trivy"));
    run_checked(
        Command::new(&options.program)
            .args(["certify", "--sbom-only", "--no-cache", "--quiet", "--sbom"])
            .arg(&ours)
            .arg(format!("oci:{}:latest", layout.display())),
    )?;
    run_checked(
        Command::new(options.peers.join("bin/syft"))
            .args(["scan", "-q", &format!("oci-dir:{}", view.display()), "-o"])
            .arg(format!("cyclonedx-json={}", syft.display()))
            .env("SYFT_CHECK_FOR_APP_UPDATE", "false"),
    )?;
    // trivy refuses Java archives without its Java database, which cannot be had offline.
    run_checked(
        Command::new(options.peers.join("bin/trivy"))
            .args(["image", "--quiet", "--timeout", "60m", "--offline-scan", "--skip-db-update"])
            .args(["--skip-java-db-update", "--skip-files", "**/*.[jwep]ar", "--format", "cyclonedx"])
            .arg("--cache-dir")
            .arg(work.join("trivy-cache"))
            .arg("--input")
            .arg(&view)
            .arg("-o")
            .arg(&trivy),
    )?;
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        sets::packages(&text).map_err(|cause| format!("{} is no CycloneDX: {cause}", path.display()))
    };
    Ok(Sets { ours: read(&ours)?, syft: read(&syft)?, trivy: read(&trivy)? })
}

/// A layout with the first image of another alone: syft accepts no other.
fn single_image(layout: &Path, work: &Path) -> Result<PathBuf, String> {
    let view = work.join("view");
    let failed = |what: &str| format!("cannot make {}: {what}", view.display());
    let _ = std::fs::remove_dir_all(&view);
    std::fs::create_dir_all(&view).map_err(|error| failed(&error.to_string()))?;
    let blobs = layout.join("blobs").canonicalize().map_err(|error| failed(&error.to_string()))?;
    std::os::unix::fs::symlink(blobs, view.join("blobs")).map_err(|error| failed(&error.to_string()))?;
    let mut index = sets::json(&layout.join("index.json"))?;
    let manifests = index["manifests"].as_array_mut().ok_or_else(|| failed("the index names no image"))?;
    manifests.truncate(1);
    std::fs::write(view.join("index.json"), index.to_string())
        .and_then(|()| std::fs::write(view.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#))
        .map_err(|error| failed(&error.to_string()))?;
    Ok(view)
}

/// The files that packages of Debian list in any layer, without `/` at their beginning.
fn owned_files(layout: &Path) -> Result<BTreeSet<String>, String> {
    let blob = |digest: &str| layout.join("blobs").join(digest.replacen(':', "/", 1));
    let digest = |value: &serde_json::Value| {
        let text = value["digest"].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{}: a descriptor has no digest", layout.display()))
    };
    let index = sets::json(&layout.join("index.json"))?;
    let manifest = sets::json(&blob(&digest(&index["manifests"][0])?))?;
    let mut owned = BTreeSet::new();
    for layer in manifest["layers"].as_array().into_iter().flatten() {
        // tar fails where a layer has no list at all, which is no fault here.
        let output = Command::new("tar")
            .args(["--extract", "--gzip", "--to-stdout", "--wildcards", "--file"])
            .arg(blob(&digest(layer)?))
            .arg("*var/lib/dpkg/info/*.list")
            .output()
            .map_err(|error| format!("cannot start tar: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        owned.extend(text.lines().map(|line| line.trim_start_matches('/').to_owned()));
    }
    Ok(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_unknown_ones_are_refused() {
        let root = Path::new("/root-of-workspace");
        let parse = |words: &[&str]| {
            Options::parse(root, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        let options = parse(&["--images", "i", "--peers", "p", "telemetry"]).expect("good options");
        assert_eq!((options.images, options.peers), (PathBuf::from("i"), PathBuf::from("p")));
        assert_eq!(options.names, ["telemetry"]);
        assert_eq!(parse(&[]).expect("defaults").names, ["telemetry", "large"]);
        assert!(parse(&["--images"]).is_err_and(|message| message.contains("hint: ")));
        assert!(parse(&["--verbose"]).is_err_and(|message| message.contains("unknown option")));
    }
}
