//! Part of step 3: deltas from the layers of what is live to those of the new version, for devices on metered links. They are
//! referrers of the new images and go where these go; whoever does not know them pulls as before.
//!
//! They are made here, when the layers are certain and nobody waits for the tags yet. Nothing depends on them: a layer that is too
//! large, or that has little in common with the one before, has none.

use super::meter::Meter;
use super::{Note, Work, descriptor_of};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::blocking;
use crate::stage::BlobSource;
use crate::store::offers;
use crate::store::submissions::{self, TagRow};
use crate::trust::statements::Referrer;
use oci::delta::{Bases, DELTA_TYPE, Fault, LayerDelta, Parts, bases, referrer};
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, Document, ImageConfig, Manifest, images, media_type, parse_config};
use oci::source::Source as _;
use offer::document::Plan;
use offer::platform::Platform;
use offer::submission::Step;
use offer::tags::VersionTag;
use std::collections::BTreeSet;
use std::io::Read as _;
use tokio_util::sync::CancellationToken;

/// A delta that has more of the layer than this, in percent, is not worth the blob: the layer is fetched.
const SHARE_MAX: u64 = 70;
/// Layers below this many bytes have no delta: asking for it costs about as much.
const LAYER_BYTES_MIN: u64 = 16 << 10;
/// Most bytes of new layers of one plan that deltas are made for. Making takes a second for some 10 MB, so that the step, which may
/// take an hour, takes two minutes for them at most; the rest of the layers are pulled whole.
const LAYERS_BYTES_MAX: u64 = 1 << 30;
/// Part of the step that this takes, in percent.
const PERCENT: (u8, u8) = (0, 95);

/// The deltas to one new image from the one that is live for the same platform.
struct Job {
    subject: Descriptor,
    base: Digest,
    layers: Vec<Bases>,
}

/// Makes the deltas of one plan, and says what they save. The same images give the same bytes. Stops early when it is told to.
pub(super) async fn make(
    market: &Market,
    stop: &CancellationToken,
    work: &Work,
    plan: &Plan,
    tags: &[&TagRow],
) -> Result<(Vec<Referrer>, Option<Note>)> {
    let pairs = pairs(&live_tags(market, work, plan).await?, tags)?;
    if pairs.is_empty() {
        return Ok(Default::default());
    }
    let name = format!("{}/{}/{}", work.row.publisher, work.row.offer, plan.id);
    let source = BlobSource { name, tags: Default::default(), blobs: market.blobs.clone() };
    let jobs = blocking(move || jobs(&source, &pairs)).await?;
    let all: u64 = jobs.iter().flat_map(|job| &job.layers).map(|bases| bases.layer.size).sum();
    let (meter, mut done) = (Meter::start(market, &work.row.id, Step::Packaging), 0);
    let (mut made, mut sizes) = (Vec::new(), (0_usize, 0, 0));
    for job in jobs {
        let mut deltas = Vec::new();
        for bases in &job.layers {
            if done + bases.layer.size <= LAYERS_BYTES_MAX
                && let Some(delta) = delta(market, stop, bases).await?
            {
                sizes = (sizes.0 + 1, sizes.1 + delta.blob.size, sizes.2 + delta.to_bytes);
                deltas.push(delta);
            }
            if stop.is_cancelled() {
                return Ok(Default::default());
            }
            done += bases.layer.size;
            meter.set(PERCENT, done, all);
        }
        if !deltas.is_empty() {
            made.push(attach(market, &job, &deltas).await?);
        }
    }
    let (count, delta_bytes, layer_bytes) = sizes;
    let text = format!(
        "plan {}: deltas of {count} layers for devices that have the version before: {delta_bytes} bytes in the place of {layer_bytes}",
        plan.id
    );
    Ok((made, (count > 0).then(|| Note::info(text))))
}

async fn live_tags(market: &Market, work: &Work, plan: &Plan) -> Result<Vec<TagRow>> {
    let mut c = market.store.read().await?;
    let live = offers::get(&mut c, &work.row.publisher, &work.row.offer).await?.and_then(|offer| offer.live);
    let Some(live) = live else { return Ok(Vec::new()) };
    let mut tags = submissions::tags(&mut c, &live).await?;
    tags.retain(|tag| tag.plan == plan.id.as_str());
    Ok(tags)
}

/// Which live image devices will come from (first) to which new one: from the greatest version below the new one, else from the greatest.
fn pairs(live: &[TagRow], tags: &[&TagRow]) -> Result<Vec<(Descriptor, Descriptor)>> {
    let version = |tag: &TagRow| tag.tag.parse::<VersionTag>().ok();
    let known: BTreeSet<&str> = live.iter().map(|tag| tag.digest.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for tag in tags {
        let Some(new) = version(tag) else { continue };
        if known.contains(tag.digest.as_str()) || !seen.insert(tag.digest.as_str()) {
            continue;
        }
        let below = live
            .iter()
            .filter(|old| version(old).is_some_and(|old| old < new))
            .max_by_key(|old| version(old));
        let any = live.iter().filter(|old| version(old).is_some()).max_by_key(|old| version(old));
        if let Some(old) = below.or(any) {
            found.push((descriptor_of(old)?, descriptor_of(tag)?));
        }
    }
    Ok(found)
}

/// What to try, platform by platform. An image that is not in the blob store any more has nothing to give.
fn jobs(source: &BlobSource, pairs: &[(Descriptor, Descriptor)]) -> Result<Vec<Job>> {
    let mut jobs: Vec<Job> = Vec::new();
    for (old, new) in pairs {
        let old = match read_images(source, old) {
            Err(oci::Error::NotFound(_)) => continue,
            other => other?,
        };
        for image in read_images(source, new)? {
            let Some(base) = old.iter().find(|base| base.platform == image.platform) else { continue };
            let mut layers = bases((&base.manifest, &base.config), (&image.manifest, &image.config));
            layers.retain(|bases| bases.layer.size >= LAYER_BYTES_MIN);
            if !jobs.iter().any(|job| job.subject.digest == image.descriptor.digest) {
                jobs.push(Job { subject: image.descriptor, base: base.descriptor.digest, layers });
            }
        }
    }
    Ok(jobs)
}

struct Image {
    descriptor: Descriptor,
    platform: Platform,
    manifest: Manifest,
    config: ImageConfig,
}

fn read_images(source: &BlobSource, root: &Descriptor) -> Result<Vec<Image>, oci::Error> {
    let mut found = Vec::new();
    for image in images(source, root)? {
        let bytes = source.manifest(&image.descriptor)?;
        let document = manifest::parse(&bytes, Some(&image.descriptor.media_type))?;
        let Document::Manifest(manifest) = document else { continue };
        let config = parse_config(&source.manifest(&manifest.config)?)?;
        let platform = match &image.index_platform {
            Some(stated) => Platform::new(&stated.os, &stated.architecture, stated.variant.as_deref()),
            None => Platform::new(&config.os, &config.architecture, config.variant.as_deref()),
        };
        found.push(Image { descriptor: image.descriptor, platform, manifest, config });
    }
    Ok(found)
}

/// The delta to one layer, from the first of its bases that is worth it.
async fn delta(market: &Market, stop: &CancellationToken, bases: &Bases) -> Result<Option<LayerDelta>> {
    // One at a time, whoever publishes: what is taken apart is held in memory.
    let _turn = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(None),
        turn = market.delta_turn.lock() => turn,
    };
    let (blobs, stop, wanted) = (market.blobs.clone(), stop.clone(), bases.clone());
    let made = blocking(move || {
        let source = BlobSource { name: "the marketplace".to_owned(), tags: Default::default(), blobs };
        Ok(best(&source, &wanted, &|_| !stop.is_cancelled())?)
    });
    let Some((from, bytes)) = made.await? else { return Ok(None) };
    let blob = Descriptor::of(DELTA_TYPE, &bytes);
    market.blobs.put_bytes(bytes).await?;
    Ok(Some(LayerDelta { from, to: bases.layer.digest, to_bytes: bases.layer.size, blob }))
}

fn best(
    source: &BlobSource,
    bases: &Bases,
    go_on: &dyn Fn(u64) -> bool,
) -> Result<Option<(Descriptor, Vec<u8>)>, oci::Error> {
    let Some(new) = parts(source, &bases.layer)? else { return Ok(None) };
    for base in &bases.old {
        let Some(old) = parts(source, base)? else { continue };
        match oci::delta::make(&old, &new, go_on) {
            Ok(delta) if delta.len() as u64 * 100 <= bases.layer.size * SHARE_MAX => {
                return Ok(Some((base.clone(), delta)));
            }
            Ok(_) => {}
            Err(Fault::Stopped) => return Ok(None),
            Err(fault) => {
                tracing::debug!(layer = %bases.layer.digest, base = %base.digest, %fault, "no delta")
            }
        }
    }
    Ok(None)
}

/// The layer taken apart; `None` when it cannot be, or is not here any more.
fn parts(source: &BlobSource, layer: &Descriptor) -> Result<Option<Parts>, oci::Error> {
    let raw = match source.blob(layer) {
        Err(oci::Error::NotFound(_)) => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::with_capacity(usize::try_from(layer.size).unwrap_or_default());
    raw.take(layer.size)
        .read_to_end(&mut bytes)
        .map_err(oci::Error::io(format!("reading {}", layer.digest)))?;
    match Parts::of(&layer.media_type, &bytes) {
        Ok(parts) => Ok(Some(parts)),
        Err(fault) => {
            tracing::debug!(layer = %layer.digest, %fault, "no delta");
            Ok(None)
        }
    }
}

async fn attach(market: &Market, job: &Job, deltas: &[LayerDelta]) -> Result<Referrer> {
    let (manifest, config) = referrer(deltas, job.base, &job.subject);
    market.blobs.put_bytes(config).await?;
    let bytes = serde_json::to_vec(&manifest).map_err(Error::internal)?;
    let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &bytes);
    market.blobs.put_bytes(bytes).await?;
    Ok((descriptor, manifest))
}
