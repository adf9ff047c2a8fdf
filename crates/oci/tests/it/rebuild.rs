//! A newer image beside an older one: what the older one has is not asked for, what a delta gives is compared with its digest, and
//! what does not fit is fetched. A transfer that broke off goes on where it was.

use crate::build::{Layout, gzip};
use oci::Error;
use oci::client::CopyProgress;
use oci::delta::{DELTA_TYPE, LayerDelta, Parts, make, referrer};
use oci::digest::Digest;
use oci::manifest::{Descriptor, media_type};
use oci::source::layout::LayoutSource;
use oci::source::{DeltaSource, Rebuilding, Source};
use oci::writer::GrowingLayout;
use serde_json::json;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A layer of some 100 kB; `changed` is a line that reads otherwise.
fn layer(changed: usize) -> Vec<u8> {
    let mut text = String::new();
    for line in 0..20_000_usize {
        let salt = if line == changed { 7 } else { line };
        let _ = writeln!(text, "{line} {:x}", salt * 2_654_435_761);
    }
    gzip(text.as_bytes())
}

/// Two versions in layouts of their own; the newer one offers a delta from `base`, which gives `result`.
struct Versions {
    scratch: TempDir,
    new: Descriptor,
    new_layer: Descriptor,
}

impl Versions {
    fn new(base: &[u8], result: &[u8]) -> Versions {
        let scratch = tempfile::tempdir().unwrap();
        write(&scratch.path().join("old"), &layer(10), None);
        let parts = |bytes: &[u8]| Parts::of(media_type::OCI_LAYER_GZIP, bytes).unwrap();
        let delta = make(&parts(base), &parts(result), &|_| true).unwrap();
        let from = Descriptor::of(media_type::OCI_LAYER_GZIP, base);
        let (new, new_layer) = write(&scratch.path().join("new"), &layer(9_000), Some((from, delta)));
        Versions { scratch, new, new_layer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn blob(&self, layout: &str, digest: Digest) -> PathBuf {
        self.path(layout).join("blobs/sha256").join(digest.hex())
    }

    /// Copies the newer one beside the older one; what was told.
    fn pull(&self) -> Result<Vec<Rebuilding>, Error> {
        let open = |name: &str| LayoutSource::open(&self.path(name), None).unwrap();
        let source =
            DeltaSource::new(Arc::new(open("new")), Box::new(open("old")), &self.new, self.scratch.path())?;
        let mut layout = GrowingLayout::open(&self.path("pulled"))?;
        layout.put_from(&source, &self.new, &quiet())?;
        let came = fs::read(self.blob("pulled", self.new_layer.digest)).unwrap();
        assert!(came == layer(9_000), "the very bytes");
        Ok(source.told())
    }
}

fn quiet() -> CopyProgress {
    Arc::new(|_| ())
}

/// An image of one layer, and a delta to it.
fn write(path: &Path, layer: &[u8], delta: Option<(Descriptor, Vec<u8>)>) -> (Descriptor, Descriptor) {
    let mut layout = Layout::default();
    let config = layout.json(media_type::OCI_CONFIG, &json!({ "architecture": "amd64", "os": "linux" }));
    let layer = layout.blob(media_type::OCI_LAYER_GZIP, layer);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]
    });
    let image = layout.json(media_type::OCI_MANIFEST, &manifest);
    layout.tag(image.clone(), "latest");
    let image: Descriptor = serde_json::from_value(image).unwrap();
    let layer: Descriptor = serde_json::from_value(layer).unwrap();
    if let Some((from, delta)) = delta {
        let base = from.digest;
        let blob = serde_json::from_value(layout.blob(DELTA_TYPE, &delta)).unwrap();
        let delta = LayerDelta { from, to: layer.digest, to_bytes: layer.size, blob };
        let (manifest, config) = referrer(&[delta], base, &image);
        layout.blob(media_type::OCI_EMPTY, config);
        let found = layout.json(media_type::OCI_MANIFEST, &serde_json::to_value(&manifest).unwrap());
        layout.manifests.push(found);
    }
    layout.write(path);
    (image, layer)
}

#[test]
fn a_layer_is_rebuilt_without_being_fetched() {
    let versions = Versions::new(&layer(10), &layer(9_000));
    fs::remove_file(versions.blob("new", versions.new_layer.digest)).unwrap();
    let told = versions.pull().unwrap();
    let [Rebuilding::Rebuilt { layer, delta_bytes, .. }, Rebuilding::There(_)] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(delta_bytes * 20 < layer.size, "{delta_bytes} of {}", layer.size);
}

#[test]
fn what_does_not_fit_is_fetched() {
    let failed = |versions: &Versions| {
        let told = versions.pull().unwrap();
        let cause = told.iter().find_map(|one| match one {
            Rebuilding::Failed { cause, .. } => Some(cause.clone()),
            _ => None,
        });
        cause.unwrap_or_default()
    };
    // It gives another layer than it says.
    assert!(failed(&Versions::new(&layer(10), &layer(11))).contains("has digest"));
    // It is of a layer that is not there: no delta for this device.
    assert_eq!(failed(&Versions::new(&layer(12), &layer(9_000))), "");
    // The delta was changed; the old layer was; neither is believed.
    let versions = Versions::new(&layer(10), &layer(9_000));
    let parts = |bytes: &[u8]| Parts::of(media_type::OCI_LAYER_GZIP, bytes).unwrap();
    let delta = Digest::of(&make(&parts(&layer(10)), &parts(&layer(9_000)), &|_| true).unwrap());
    damage(&versions.blob("new", delta));
    assert!(failed(&versions).contains("has digest"));
    let versions = Versions::new(&layer(10), &layer(9_000));
    damage(&versions.blob("old", Digest::of(&layer(10))));
    assert_ne!(failed(&versions), "");
    // Nothing of it is anywhere.
    let versions = Versions::new(&layer(10), &layer(9_000));
    fs::remove_file(versions.blob("new", versions.new_layer.digest)).unwrap();
    fs::remove_file(versions.blob("new", delta)).unwrap();
    assert!(versions.pull().unwrap_err().to_string().contains("was not found"));
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(path, bytes).unwrap();
}

/// A source whose line breaks after so many bytes of each blob.
struct Breaking {
    source: LayoutSource,
    after: u64,
    asked: Mutex<Vec<u64>>,
}

impl Source for Breaking {
    fn describe(&self) -> String {
        self.source.describe()
    }
    fn tags(&self) -> Result<Vec<String>, Error> {
        self.source.tags()
    }
    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, Error> {
        self.source.resolve(tag_or_digest)
    }
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        self.source.manifest(descriptor)
    }
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        self.blob_from(descriptor, 0)
    }
    fn blob_from(&self, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send>, Error> {
        if descriptor.size > self.after {
            self.asked.lock().unwrap().push(offset);
        }
        let raw = self.source.blob_from(descriptor, offset)?;
        Ok(Box::new(raw.take(self.after).chain(Broken { bytes: descriptor.size > self.after + offset })))
    }
}

struct Broken {
    bytes: bool,
}

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        if self.bytes { Err(io::Error::other("the line broke")) } else { Ok(0) }
    }
}

#[test]
fn a_transfer_that_broke_off_goes_on_where_it_was() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    let (root, layer) = write(&from, &layer(1), None);
    let after = layer.size / 3 + 1;
    let source =
        Breaking { source: LayoutSource::open(&from, None).unwrap(), after, asked: Mutex::default() };
    let copy = || GrowingLayout::open(&to).unwrap().put_from(&source, &root, &quiet());
    for _ in 0..2 {
        assert!(copy().unwrap_err().to_string().contains("the line broke"));
    }
    copy().unwrap();
    assert_eq!(*source.asked.lock().unwrap(), [0, after, 2 * after]);
    let blob = to.join("blobs/sha256").join(layer.digest.hex());
    assert_eq!(Digest::of(&fs::read(&blob).unwrap()), layer.digest);

    // What came before is damaged: it is noticed at the end, and fetched anew at once.
    let part = blob.with_file_name(format!(".{}.part", layer.digest.hex()));
    let whole = LayoutSource::open(&from, None).unwrap();
    for before in [vec![b'x'; 500], vec![b'x'; layer.size as usize], vec![b'x'; layer.size as usize + 9]] {
        fs::rename(&blob, &part).unwrap();
        fs::write(&part, before).unwrap();
        GrowingLayout::open(&to).unwrap().put_from(&whole, &root, &quiet()).unwrap();
        assert_eq!(Digest::of(&fs::read(&blob).unwrap()), layer.digest);
        assert!(!part.exists());
    }
    // The same of a manifest, which comes at once.
    let manifest = to.join("blobs/sha256").join(root.digest.hex());
    let bytes = fs::read(&manifest).unwrap();
    fs::write(manifest.with_file_name(format!(".{}.part", root.digest.hex())), &bytes[..20]).unwrap();
    fs::remove_file(&manifest).unwrap();
    GrowingLayout::open(&to).unwrap().put_from(&whole, &root, &quiet()).unwrap();
    assert!(fs::read(&manifest).unwrap() == bytes);
}
