//! Gathers the evidence of one image: reads manifest and config, scans the layers in parallel (or takes their evidence
//! from the cache), merges them. Errors are only what kept the image from being looked at; whatever is wrong with the
//! image itself is a fault in the evidence.

use crate::cache::Cache;
use crate::content::Scanner;
use crate::evidence::{Fault, FaultKind, ImageEvidence, Place};
use crate::layer::LayerEvidence;
use crate::merge::Merged;
use crate::rules::Rules;
use crate::{files, pass, start};
use oci::layer::{LayerLimits, LayerReader};
use oci::manifest::{Descriptor, Document, ImageConfig, ImageRef, Manifest};
use oci::source::Source;
use offer::platform::Platform;
use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most layers that are looked at. Runtimes mount at most 127 (spec `certification.md`, `layers-within-limit`); an
/// image with more is looked at in full up to this number, so that the finding is not the only one.
const LAYERS_MAX: usize = 512;

/// Most uncompressed bytes of one layer. The policy's limit (8 GiB by default) is judged on the evidence.
const UNCOMPRESSED_BYTES_MAX: u64 = 16 << 30;

/// Uncompressed bytes that a layer may have whatever it was compressed to: a bomb costs about a second up to here.
const UNCOMPRESSED_BYTES_ANY_RATIO: u64 = 1 << 30;

/// Beyond that, most uncompressed bytes for each stored one. Layers of programs and models have 1 to 10, of text up to
/// 30; a bomb has 1,000 (gzip) to 30,000 (zstd).
const RATIO_MAX: u64 = 200;

/// Most layers that are scanned at once, so that memory stays bounded on large machines: each takes up to 40 MB.
const THREADS_MAX: usize = 4;

/// How often progress is told, in bytes of a layer.
const PROGRESS_BYTES: u64 = 1 << 20;

/// How far a pass has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Layers that are done.
    pub layers_done: usize,
    /// All layers.
    pub layers: usize,
    /// Compressed bytes that are read (layers from the cache count as read).
    pub bytes_done: u64,
    /// Compressed bytes of all layers.
    pub bytes: u64,
    /// The path that is looked at, in one of the layers.
    pub path: Option<String>,
}

/// Gathers all facts of one platform's image. `progress` is called from several threads.
///
/// # Errors
/// What the source could not give, and a manifest or config that is no image's.
pub fn gather(
    source: &dyn Source,
    image: &ImageRef,
    rules: &Rules,
    cache: Option<&Cache>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<ImageEvidence, oci::Error> {
    let bytes = source.manifest(&image.descriptor)?;
    let manifest = match oci::manifest::parse(&bytes, Some(&image.descriptor.media_type))? {
        Document::Manifest(manifest) => manifest,
        Document::Index(_) => {
            let what = format!("image manifest {}", image.descriptor.digest);
            return Err(oci::Error::Malformed { what, cause: "it is an index".to_owned() });
        }
    };
    let config = oci::manifest::parse_config(&source.manifest(&manifest.config)?)?;
    if manifest.layers.len() > LAYERS_MAX {
        let what = format!("image {} with {} layers", image.descriptor.digest, manifest.layers.len());
        return Err(oci::Error::Limit { what, limit: format!("{LAYERS_MAX} layers") });
    }
    let layers = Layers { source, rules, cache, progress, manifest: &manifest }.scan()?;
    Ok(assemble(image, config, &manifest, &layers, rules))
}

struct Layers<'a> {
    source: &'a dyn Source,
    rules: &'a Rules,
    cache: Option<&'a Cache>,
    progress: &'a (dyn Fn(Progress) + Sync),
    manifest: &'a Manifest,
}

/// What the threads count together.
#[derive(Default)]
struct Done {
    layers: AtomicUsize,
    bytes: AtomicU64,
}

impl Layers<'_> {
    /// Evidence of each layer, in the manifest's order. A layer that occurs twice is scanned once.
    fn scan(&self) -> Result<Vec<LayerEvidence>, oci::Error> {
        let mut distinct: Vec<&Descriptor> = Vec::new();
        for layer in &self.manifest.layers {
            if !distinct.iter().any(|known| known.digest == layer.digest) {
                distinct.push(layer);
            }
        }
        // The largest first: it decides when the last one is done.
        distinct.sort_by_key(|layer| std::cmp::Reverse(layer.size));
        let next = AtomicUsize::new(0);
        let done = Done::default();
        self.tell(&done, None);
        let results: Mutex<HashMap<_, _>> = Mutex::new(HashMap::new());
        let work = || {
            while let Some(layer) = distinct.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = self.layer(layer, &done);
                if result.is_err() {
                    // The others would be scanned for nothing.
                    next.store(distinct.len(), Ordering::Relaxed);
                }
                lock(&results).insert(layer.digest, result);
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 1..cores.min(THREADS_MAX).min(distinct.len()) {
                scope.spawn(work);
            }
            work();
        });
        let mut evidence = HashMap::new();
        for (digest, result) in std::mem::take(&mut *lock(&results)) {
            evidence.insert(digest, result?);
        }
        Ok(self.manifest.layers.iter().filter_map(|layer| evidence.get(&layer.digest).cloned()).collect())
    }

    fn layer(&self, layer: &Descriptor, done: &Done) -> Result<LayerEvidence, oci::Error> {
        let version = self.rules.version();
        let cache = self.cache.filter(|_| self.rules.are_versioned());
        let cached = cache.and_then(|cache| cache.get(&layer.digest, &version));
        let evidence = match cached {
            // The same bytes under another media type or stated size are another claim, which must be checked.
            Some(evidence)
                if evidence.facts.media_type == layer.media_type
                    && evidence.facts.compressed_bytes == layer.size =>
            {
                done.bytes.fetch_add(layer.size, Ordering::Relaxed);
                evidence
            }
            _ => {
                let evidence = self.read(layer, done)?;
                // What could not be verified may be readable the next time.
                let unavailable = |fault: &Fault| fault.kind == FaultKind::ScannerUnavailable;
                if let Some(cache) = cache
                    && evidence.diff_id.is_some()
                    && !evidence.faults.iter().any(unavailable)
                {
                    cache.put(&version, &evidence);
                }
                evidence
            }
        };
        done.layers.fetch_add(1, Ordering::Relaxed);
        self.tell(done, None);
        Ok(evidence)
    }

    fn read(&self, layer: &Descriptor, done: &Done) -> Result<LayerEvidence, oci::Error> {
        let place = Place { layer: Some(layer.digest), path: String::new() };
        // Before anything is fetched: a foreign layer or one of an unknown type is not fetched at all.
        if let Err(error) = oci::layer::Compression::of(layer) {
            return Ok(pass::unseen(layer, pass::content_fault(error, place)?));
        }
        let counter = Arc::new(AtomicU64::new(0));
        let raw = Box::new(Counted { inner: self.source.blob(layer)?, count: counter.clone() });
        let ratio_bytes = layer.size.saturating_mul(RATIO_MAX).max(UNCOMPRESSED_BYTES_ANY_RATIO);
        let limits = LayerLimits { uncompressed_bytes_max: ratio_bytes.min(UNCOMPRESSED_BYTES_MAX) };
        let reader = LayerReader::open(raw, layer, None, limits)?;
        let told = Cell::new(0);
        let evidence = pass::scan(reader, layer, self.rules, &|name| {
            let count = counter.load(Ordering::Relaxed);
            if count - told.get() >= PROGRESS_BYTES {
                done.bytes.fetch_add(count - told.replace(count), Ordering::Relaxed);
                self.tell(done, Some(files::name(name).path));
            }
        })?;
        done.bytes.fetch_add(layer.size.saturating_sub(told.get()), Ordering::Relaxed);
        Ok(evidence)
    }

    fn tell(&self, done: &Done, path: Option<String>) {
        (self.progress)(Progress {
            layers_done: done.layers.load(Ordering::Relaxed),
            layers: self.manifest.layers.len(),
            bytes_done: done.bytes.load(Ordering::Relaxed),
            bytes: self.manifest.layers.iter().map(|layer| layer.size).sum(),
            path,
        });
    }
}

/// Counts the raw bytes of a blob.
struct Counted {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A map that another thread was putting a finished value into is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn assemble(
    image: &ImageRef,
    config: ImageConfig,
    manifest: &Manifest,
    layers: &[LayerEvidence],
    rules: &Rules,
) -> ImageEvidence {
    let merged = Merged::new(layers);
    let mut scanner = Scanner::new(rules, None);
    scan_config(&config, &mut scanner);
    scanner.close();
    let mut matches = merged.matches();
    matches.append(&mut scanner.matches);
    matches.sort();
    let mut faults = merged.faults();
    faults.append(&mut scanner.faults);
    faults.extend(diff_ids(&config, manifest, layers));
    faults.sort();
    faults.dedup();
    let stated = Platform::new(&config.os, &config.architecture, config.variant.as_deref());
    let index_platform = image.index_platform.as_ref();
    ImageEvidence {
        digest: image.descriptor.digest,
        platform: (!config.os.is_empty() && !config.architecture.is_empty()).then_some(stated),
        index_platform: index_platform
            .map(|stated| Platform::new(&stated.os, &stated.architecture, stated.variant.as_deref())),
        layers: layers.iter().map(|layer| layer.facts.clone()).collect(),
        packages: merged.packages(),
        distribution: merged.distribution(),
        binaries: merged.binaries(),
        setuid: merged.setuid(),
        world_writable: merged.world_writable(),
        leftovers: merged.leftovers(),
        matches,
        product_infos: merged.product_infos(),
        start: start::command(&config, &merged),
        faults,
        config,
    }
}

/// ENV, labels and history are texts that everybody who pulls the image can read.
fn scan_config(config: &ImageConfig, scanner: &mut Scanner<'_>) {
    for variable in config.config.env.iter().flatten() {
        scanner.text("config.Env", variable);
    }
    for (name, value) in config.config.labels.iter().flatten() {
        scanner.text("config.Labels", &format!("{name}={value}"));
    }
    for word in [&config.config.entrypoint, &config.config.cmd].into_iter().flatten().flatten() {
        scanner.text("config.Cmd", word);
    }
    for step in &config.history {
        for text in [&step.created_by, &step.comment].into_iter().flatten() {
            scanner.text("history", text);
        }
    }
}

/// The config's diff IDs against the digests of what the layers unpacked to.
fn diff_ids(config: &ImageConfig, manifest: &Manifest, layers: &[LayerEvidence]) -> Vec<Fault> {
    let hint = "the image was assembled wrongly; build and push it again";
    let fault = |layer: Option<&LayerEvidence>, message: String| Fault {
        kind: FaultKind::Verification,
        place: Place { layer: layer.map(|layer| layer.facts.digest), path: String::new() },
        message,
        hint: hint.to_owned(),
    };
    let stated = &config.rootfs.diff_ids;
    if stated.len() != manifest.layers.len() {
        let message = format!(
            "the image has {} layers, but its config states {} diff IDs",
            manifest.layers.len(),
            stated.len()
        );
        return vec![fault(None, message)];
    }
    let differs = |(layer, stated): (&LayerEvidence, _)| {
        let found = layer.diff_id.filter(|found| found != stated)?;
        let digest = layer.facts.digest;
        Some(fault(
            Some(layer),
            format!("layer {digest} unpacks to {found}, but the image config states diff ID {stated}"),
        ))
    };
    layers.iter().zip(stated).filter_map(differs).collect()
}
