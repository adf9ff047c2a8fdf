//! `pull IMAGE DEST`: an image from a registry onto this machine, with as few bytes as possible: what is there is not fetched
//! again, a transfer that broke off goes on where it was, and with `--delta-from` layers are rebuilt from those of an older image.

use super::verify::{Require, demands, keyring, text as chain};
use crate::interrupt;
use crate::output::{Failure, Output};
use crate::registry_access::RegistryAccess;
use crate::transfer::{Content, Follow, beside, choose, target};
use certify::trust::verify;
use clap::Args;
use oci::digest::Digest;
use oci::manifest::Descriptor;
use oci::reference::Locator;
use oci::source::{DeltaSource, OpenOptions, Rebuilding, Source, open};
use offer::platform::Platform;
use serde::Serialize;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What `pull` takes.
#[derive(Debug, Args)]
pub struct Pull {
    /// registry/repository[:tag|@digest]
    image: String,
    /// ./DIRECTORY[:TAG] or ./ARCHIVE.tar[:TAG]; also oci:, oci-archive:, and docker-archive:FILE[:NAME] for `docker load`
    dest: String,
    /// Only the image of this platform, for example linux/arm/v7; a Docker archive has one image, by default this machine's
    #[arg(long)]
    platform: Option<Platform>,
    /// Layout directory or archive with an older version: what it has is taken from there, and layers of which the registry has
    /// a delta are rebuilt
    #[arg(long, value_name = "LAYOUT")]
    delta_from: Option<String>,
    /// Public keys to trust, in PEM: the image is verified as by `edgemarket verify`, before any of it is fetched
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// What must be signed besides the digest itself
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sbom", "certification"], requires = "keys")]
    require: Vec<Require>,
    /// Pull what refers to the image, too: signatures, bills of materials, certifications, deltas
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    registry: RegistryAccess,
}

/// What was done.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pulled {
    digest: Digest,
    to: String,
    /// Whether `--key` was given, and the chain holds.
    verified: bool,
    /// Bytes of manifests and blobs that came from the registry.
    bytes_fetched: u64,
    /// Bytes that would have come without `--delta-from` and `--key`.
    bytes_plain: u64,
    /// Blobs that the target had already.
    blobs_there: usize,
    /// Blobs that the older image had.
    reused: Vec<Digest>,
    rebuilt: Vec<Rebuilt>,
    /// Layers that had a delta, but were fetched as they are.
    fallbacks: Vec<Fallback>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rebuilt {
    layer: Digest,
    bytes: u64,
    from: Digest,
    delta_bytes: u64,
}

#[derive(Serialize)]
struct Fallback {
    layer: Digest,
    cause: String,
}

/// Runs it.
pub fn run(arguments: &Pull, output: &Output) -> Result<(), Failure> {
    let from = Locator::parse(&arguments.image)?;
    let target = target(&arguments.dest)?;
    check_places(arguments, &from, &target)?;
    let keys = if arguments.keys.is_empty() { None } else { Some(keyring(&arguments.keys)?) };
    let old = arguments.delta_from.as_deref().map(old_image).transpose()?;
    let follow = Arc::new(Follow::new(output));
    let last = Arc::clone(&follow);
    let _interruptible = interrupt::watch(None, || true, move || last.finish())?;
    let counted =
        Arc::new(Counted { source: arguments.registry.open(&arguments.image)?, bytes: Arc::default() });
    let root = choose(counted.as_ref(), counted.resolve(None)?, arguments.platform.as_ref(), &target)?;
    if let Some(keys) = &keys {
        let found = verify(counted.as_ref(), &root, keys, demands(&arguments.require, false))?;
        if !found.verified {
            output.value(&found, |found| chain(found, &arguments.image, output))?;
            return Err(Failure::said());
        }
    }
    let delta = match old {
        Some(old) => Some(Arc::new(DeltaSource::new(counted.clone(), old, &root, &beside(&target))?)),
        None => None,
    };
    let source: Arc<dyn Source> = match &delta {
        Some(delta) => delta.clone(),
        None => counted.clone(),
    };
    let content = Content::new(&from, source, root, arguments.referrers)?;
    let done = content.write(&target, &follow);
    follow.finish();
    done?;
    let sums = follow.sums();
    let mut pulled = Pulled {
        digest: content.root.digest,
        to: target.to_string(),
        verified: keys.is_some(),
        bytes_fetched: counted.bytes(),
        bytes_plain: sums.sent + sums.manifest_bytes,
        blobs_there: sums.blobs_there,
        reused: Vec::new(),
        rebuilt: Vec::new(),
        fallbacks: Vec::new(),
    };
    pulled.take(delta.map(|delta| delta.told()).unwrap_or_default());
    tell(&pulled, output)
}

/// What can be pulled from, and to.
fn check_places(arguments: &Pull, from: &Locator, target: &Locator) -> Result<(), Failure> {
    if !matches!(from, Locator::Registry(_)) {
        return Err(Failure::usage(
            format!("{} is no image in a registry", arguments.image),
            "name registry/repository[:tag]; `edgemarket copy` brings images from layouts and archives",
        ));
    }
    if matches!(target, Locator::Registry(_)) {
        return Err(Failure::usage(
            format!("{} is no place on this machine", arguments.dest),
            "name ./DIRECTORY, ./ARCHIVE.tar or docker-archive:FILE.tar; `edgemarket copy` brings images to registries",
        ));
    }
    Ok(())
}

/// An older image, on this machine.
fn old_image(text: &str) -> Result<Box<dyn Source>, Failure> {
    let missing = || {
        Failure::usage(
            format!("--delta-from: there is no layout or archive {text}"),
            "name what an older version was pulled to, for example ./vitals; leave it out for the first pull",
        )
    };
    match Locator::parse(text) {
        Ok(Locator::Registry(_)) | Err(_) => Err(missing()),
        Ok(place) => match open(&place, &OpenOptions::default()) {
            Err(oci::Error::NotFound(_)) => Err(missing()),
            other => Ok(other?),
        },
    }
}

impl Pulled {
    fn take(&mut self, told: Vec<Rebuilding>) {
        for one in told {
            match one {
                Rebuilding::There(blob) => self.reused.push(blob.digest),
                Rebuilding::Rebuilt { layer, from, delta_bytes } => {
                    self.rebuilt.push(Rebuilt { layer: layer.digest, bytes: layer.size, from, delta_bytes });
                }
                Rebuilding::Failed { layer, cause } => self.fallbacks.push(Fallback { layer, cause }),
            }
        }
    }
}

fn tell(pulled: &Pulled, output: &Output) -> Result<(), Failure> {
    for one in &pulled.fallbacks {
        let values = [("layer", one.layer.to_string()), ("cause", one.cause.clone())];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        output.remark(&output.text.with("pull-fallback", &values));
    }
    output.value(pulled, |pulled| {
        let bytes = |bytes| indicatif::BinaryBytes(bytes).to_string();
        let values = [
            ("to", pulled.to.clone()),
            ("digest", pulled.digest.to_string()),
            ("fetched", bytes(pulled.bytes_fetched)),
            ("plain", bytes(pulled.bytes_plain)),
            ("there", pulled.blobs_there.to_string()),
            ("reused", pulled.reused.len().to_string()),
            ("rebuilt", pulled.rebuilt.len().to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("{}\n", output.text.with("pulled", &values))
    })
}

/// Counts what comes of manifests and blobs.
struct Counted {
    source: Box<dyn Source>,
    bytes: Arc<AtomicU64>,
}

impl Counted {
    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Source for Counted {
    fn describe(&self) -> String {
        self.source.describe()
    }

    fn tags(&self) -> Result<Vec<String>, oci::Error> {
        self.source.tags()
    }

    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, oci::Error> {
        let found = self.source.resolve(tag_or_digest)?;
        self.bytes.fetch_add(found.size, Ordering::Relaxed);
        Ok(found)
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, oci::Error> {
        let bytes = self.source.manifest(descriptor)?;
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, oci::Error> {
        self.blob_from(descriptor, 0)
    }

    fn blob_from(&self, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send>, oci::Error> {
        let raw = self.source.blob_from(descriptor, offset)?;
        Ok(Box::new(CountedRead { raw, bytes: Arc::clone(&self.bytes) }))
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, oci::Error> {
        self.source.referrers(subject)
    }
}

struct CountedRead {
    raw: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for CountedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.raw.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
