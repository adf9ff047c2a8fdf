//! `inspect IMAGE`: what is behind a reference: manifest or index, platforms, sizes, how it is started, and what refers
//! to it. It says which signatures there are, and verifies none: that is `verify`'s.

use crate::interrupt;
use crate::output::{Failure, Output};
use crate::registry_access::RegistryAccess;
use clap::Args;
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, Document, RunConfig, parse_config};
use oci::source::{Source, manifests_below};
use oci::trust::{COSIGN_SIGN, PREDICATE_ANNOTATION};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What `inspect` takes.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Layout directory, archive, or registry/repository[:tag]; also oci:, oci-archive:, docker-archive:, docker://
    image: String,
    /// Print the manifest or index as it is
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    registry: RegistryAccess,
}

/// What is behind a reference.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    image: String,
    digest: Digest,
    media_type: String,
    /// Manifests together with all that they name, each blob once.
    bytes: u64,
    manifests: Vec<Entry>,
}

/// A manifest or index.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    digest: Digest,
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    /// Config and layers; an index has none.
    bytes: u64,
    layers: Vec<Layer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<RunConfig>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    referrers: Vec<Referrer>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    digest: Digest,
    media_type: String,
    size: u64,
}

/// What says that it refers to a manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Referrer {
    digest: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_type: Option<String>,
}

/// Runs it.
pub fn run(arguments: &Inspect, output: &Output) -> Result<(), Failure> {
    let _interruptible = interrupt::watch(None, || true, || {})?;
    let source = arguments.registry.open(&arguments.image)?;
    let root = source.resolve(None)?;
    if arguments.raw {
        return output.print(&String::from_utf8_lossy(&source.manifest(&root)?));
    }
    let found = inspect(source.as_ref(), &arguments.image, &root)?;
    output.value(&found, |found| text(found, output))
}

fn inspect(source: &dyn Source, image: &str, root: &Descriptor) -> Result<Found, Failure> {
    let mut sizes: BTreeMap<Digest, u64> = BTreeMap::new();
    let mut manifests = Vec::new();
    for descriptor in manifests_below(source, root)? {
        sizes.insert(descriptor.digest, descriptor.size);
        manifests.push(entry(source, &descriptor, &mut sizes)?);
    }
    let (digest, media_type) = (root.digest, root.media_type.clone());
    Ok(Found { image: image.to_owned(), digest, media_type, bytes: sizes.values().sum(), manifests })
}

fn entry(
    source: &dyn Source,
    descriptor: &Descriptor,
    sizes: &mut BTreeMap<Digest, u64>,
) -> Result<Entry, Failure> {
    let bytes = source.manifest(descriptor)?;
    let stated = descriptor.platform.as_ref().map(|p| platform(&p.os, &p.architecture, p.variant.as_deref()));
    let mut entry = Entry {
        digest: descriptor.digest,
        media_type: descriptor.media_type.clone(),
        platform: stated,
        created: None,
        bytes: 0,
        layers: Vec::new(),
        config: None,
        annotations: BTreeMap::new(),
        referrers: referrers(source, descriptor.digest)?,
    };
    match manifest::parse(&bytes, Some(&descriptor.media_type))? {
        Document::Index(index) => entry.annotations = index.annotations,
        Document::Manifest(found) => {
            entry.bytes = found.config.size;
            sizes.insert(found.config.digest, found.config.size);
            for layer in found.layers {
                entry.bytes += layer.size;
                sizes.insert(layer.digest, layer.size);
                entry.layers.push(Layer {
                    digest: layer.digest,
                    media_type: layer.media_type,
                    size: layer.size,
                });
            }
            entry.annotations = found.annotations;
            // An artifact has another config, or an empty one.
            if found.config.media_type.contains("image") {
                let config = parse_config(&source.manifest(&found.config)?)?;
                let own = platform(&config.os, &config.architecture, config.variant.as_deref());
                entry.platform.get_or_insert(own);
                entry.created = config.created;
                entry.config = Some(config.config);
            }
        }
    }
    Ok(entry)
}

fn referrers(source: &dyn Source, subject: Digest) -> Result<Vec<Referrer>, Failure> {
    let found = source.referrers(subject)?.into_iter().map(|mut found| Referrer {
        digest: found.digest,
        artifact_type: found.artifact_type,
        predicate_type: found.annotations.remove(PREDICATE_ANNOTATION),
    });
    let mut found: Vec<Referrer> = found.collect();
    // By kind, the signature first, wherever they come from.
    let kind =
        |one: &Referrer| (one.predicate_type.as_deref() != Some(COSIGN_SIGN), one.predicate_type.clone());
    found.sort_by_key(|one| (kind(one), one.artifact_type.clone(), one.digest));
    Ok(found)
}

fn platform(os: &str, architecture: &str, variant: Option<&str>) -> String {
    [os, architecture].into_iter().chain(variant).collect::<Vec<_>>().join("/")
}

fn text(found: &Found, output: &Output) -> String {
    let label = |key: &str| format!("{:14}", output.text.get(key));
    let mut text = format!("{} {}\n", label("inspect-image"), found.image);
    let _ = writeln!(text, "{} {}", label("digest"), found.digest);
    let _ = writeln!(text, "{} {}", label("inspect-kind"), found.media_type);
    let _ = writeln!(text, "{} {}", label("inspect-size"), size(found.bytes));
    for entry in &found.manifests {
        let platform = entry.platform.as_deref().unwrap_or_default();
        let _ = writeln!(text, "\n{}", format!("{}  {platform}", entry.digest).trim_end());
        if let Some(config) = &entry.config {
            let _ = writeln!(text, "  {} {}", label("inspect-size"), size(entry.bytes));
            let command = config.entrypoint.iter().chain(&config.cmd).flatten();
            let command = command.map(String::as_str).collect::<Vec<_>>().join(" ");
            let user = config.user.clone().filter(|user| !user.is_empty());
            let rows = [
                ("inspect-created", entry.created.clone()),
                ("inspect-command", Some(command)),
                ("inspect-user", user),
            ];
            for (key, value) in rows {
                let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
                let _ = writeln!(text, "  {} {value}", label(key));
            }
        }
        for layer in &entry.layers {
            let _ = writeln!(text, "  {} {}  {}", label("inspect-layer"), layer.digest, size(layer.size));
        }
        if entry.referrers.is_empty() {
            let _ = writeln!(text, "  {}", output.text.get("inspect-alone"));
        }
        for referrer in &entry.referrers {
            let kind = match referrer.predicate_type.as_deref() {
                Some(COSIGN_SIGN) => output.text.get("inspect-signature"),
                Some(other) => other.to_owned(),
                None => referrer.artifact_type.clone().unwrap_or_default(),
            };
            let _ = writeln!(text, "  {} {}  {kind}", label("inspect-referrer"), referrer.digest);
        }
    }
    // Words out of an image must not steer the terminal.
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}
