//! Layouts that grow: what is there is not fetched again, what is damaged on the way does not come in, and what refers to
//! an image is found again.

use crate::build::descriptor;
use oci::client::{BlobPush, CopyEvent, CopyProgress};
use oci::manifest::{Descriptor, Platform, RunConfig, media_type};
use oci::pack::{PackContent, PackFile, PackLayer, PackSpec, pack, pack_index};
use oci::source::layout::LayoutSource;
use oci::source::{Source, referrers_below};
use oci::trust::{BUNDLE_TYPE, referrer};
use oci::writer::{GrowingLayout, LayoutWriter};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// An index of two images with one referrer for each image, in a layout.
fn make(layout: &Path) -> Descriptor {
    let mut writer = LayoutWriter::new(layout).unwrap();
    let mut images = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let content = PackContent::Bytes(architecture.repeat(1_000).into_bytes());
        let file = PackFile { path: "app/module".to_owned(), content, mode: 0o755, uid: 0, gid: 0 };
        let (os, architecture) = ("linux".to_owned(), architecture.to_owned());
        let spec = PackSpec {
            platform: Platform { architecture, os, variant: None, os_version: None },
            layers: vec![PackLayer { from_root: None, files: vec![file] }],
            config: RunConfig::default(),
            annotations: BTreeMap::new(),
            created_epoch_seconds: 0,
            created_by: "test".to_owned(),
        };
        images.push(pack(&spec, &mut writer).unwrap());
    }
    let root = pack_index(&images, &BTreeMap::new(), &mut writer).unwrap();
    writer.add(&root, Some("1.0"));
    for image in &images {
        let bundle = writer.put_blob(BUNDLE_TYPE, image.digest.to_string().as_bytes()).unwrap();
        let (manifest, config) = referrer(&bundle, "urn:test", image);
        writer.put_blob(media_type::OCI_EMPTY, config).unwrap();
        let found = writer.put_manifest(&manifest).unwrap();
        writer.add(&Descriptor { artifact_type: manifest.artifact_type, ..found }, None);
    }
    writer.finish_directory().unwrap();
    root
}

fn counted() -> (CopyProgress, Arc<Mutex<(usize, usize)>>) {
    let counts = Arc::new(Mutex::new((0, 0)));
    let inner = Arc::clone(&counts);
    let progress: CopyProgress = Arc::new(move |event| {
        let mut counts = inner.lock().unwrap();
        match event {
            CopyEvent::Blob(_, BlobPush::Uploaded) => counts.0 += 1,
            CopyEvent::Blob(..) => counts.1 += 1,
            _ => {}
        }
    });
    (progress, counts)
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    let root = make(&from);
    let source = LayoutSource::open(&from, None).unwrap();
    let (progress, counts) = counted();
    let mut layout = GrowingLayout::open(&to).unwrap();
    layout.put_from(&source, &root, &progress).unwrap();
    assert_eq!(*counts.lock().unwrap(), (4, 0), "two configs and two layers");
    // Broken off before its end: nobody finds an image there.
    drop(layout);
    assert!(LayoutSource::open(&to, None).is_err());

    let (progress, counts) = counted();
    let mut layout = GrowingLayout::open(&to).unwrap();
    layout.put_from(&source, &root, &progress).unwrap();
    assert_eq!(*counts.lock().unwrap(), (0, 4));
    let referring = referrers_below(&source, &root).unwrap();
    assert_eq!(referring.len(), 2);
    layout.add(&root, Some("1.0"));
    for one in &referring {
        layout.put_from(&source, &one.descriptor, &progress).unwrap();
        layout.add(&one.descriptor, None);
        layout.add(&one.descriptor, None);
    }
    layout.finish_directory().unwrap();
    // What was damaged since is mended.
    let image = oci::manifest::images(&source, &root).unwrap()[0].descriptor.digest;
    let path = to.join("blobs/sha256").join(image.hex());
    let whole = fs::read(&path).unwrap();
    fs::write(&path, vec![b' '; whole.len()]).unwrap();
    layout.put_from(&source, &root, &progress).unwrap();
    assert!(fs::read(&path).unwrap() == whole);
    let copied = LayoutSource::open(&to, None).unwrap();
    assert_eq!(copied.tags().unwrap(), ["1.0"]);
    // The only image is meant when no tag is said, although more stands in the index.
    assert_eq!(copied.resolve(None).unwrap().digest, root.digest);
    assert_eq!(referrers_below(&copied, &root).unwrap(), referring);

    // The same as an archive, the same bytes each time; there is no place for a second one.
    let mut archives = Vec::new();
    for name in ["one", "two"] {
        let file = scratch.path().join(format!("{name}.tar"));
        let mut layout = GrowingLayout::open(&scratch.path().join(name)).unwrap();
        layout.put_from(&copied, &root, &progress).unwrap();
        layout.add(&root, Some("1.0"));
        layout.finish_archive(&file).unwrap();
        assert!(!scratch.path().join(name).exists());
        assert_eq!(
            LayoutSource::open_archive(&file, None).unwrap().resolve(Some("1.0")).unwrap().digest,
            root.digest
        );
        archives.push(fs::read(&file).unwrap());
        let layout = GrowingLayout::open(&scratch.path().join("three")).unwrap();
        layout.finish_archive(&file).unwrap_err();
    }
    assert!(archives[0] == archives[1]);
}

#[test]
fn what_is_damaged_does_not_come_in() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    let root = make(&from);
    let source = LayoutSource::open(&from, None).unwrap();
    let manifest = oci::manifest::images(&source, &root).unwrap()[0].descriptor.clone();
    let bytes = source.manifest(&manifest).unwrap();
    let manifest: oci::manifest::Manifest = serde_json::from_slice(&bytes).unwrap();
    let layer = from.join("blobs/sha256").join(manifest.layers[0].digest.hex());
    let mut bytes = fs::read(&layer).unwrap();
    for damage in ["longer", "changed"] {
        match damage {
            "longer" => bytes.push(0),
            _ => {
                bytes.pop();
                bytes[0] ^= 1;
            }
        }
        fs::remove_file(&layer).unwrap();
        fs::write(&layer, &bytes).unwrap();
        let mut layout = GrowingLayout::open(&to).unwrap();
        let refused = layout.put_from(&source, &root, &counted().0).unwrap_err();
        assert!(refused.to_string().contains(&manifest.layers[0].digest.to_string()), "{refused}");
        assert!(!to.join("blobs/sha256").join(manifest.layers[0].digest.hex()).exists());
        assert!(LayoutSource::open(&to, None).is_err());
    }
}

#[test]
fn what_is_neither_image_nor_index_is_not_copied_as_one() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    let root =
        Descriptor { media_type: "application/vnd.oci.image.manifest.v1+eson".to_owned(), ..make(&from) };
    let source = LayoutSource::open(&from, None).unwrap();
    let refused = GrowingLayout::open(&to).unwrap().put_from(&source, &root, &counted().0).unwrap_err();
    assert!(refused.to_string().contains("neither image nor index"), "{refused}");
}

#[test]
fn a_tag_moves_and_an_index_that_is_no_index_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    let root = make(&from);
    let source = LayoutSource::open(&from, None).unwrap();
    let image = oci::manifest::images(&source, &root).unwrap()[0].descriptor.clone();
    for target in [&root, &image] {
        let mut layout = GrowingLayout::open(&to).unwrap();
        layout.put_from(&source, target, &counted().0).unwrap();
        layout.add(target, Some("1.0"));
        layout.finish_directory().unwrap();
        assert_eq!(
            LayoutSource::open(&to, None).unwrap().resolve(Some("1.0")).unwrap().digest,
            target.digest
        );
    }
    fs::write(to.join("index.json"), "[").unwrap();
    GrowingLayout::open(&to).unwrap_err();
    let foreign = descriptor(media_type::OCI_LAYER, b"x");
    assert!(source.referrers(foreign.digest).unwrap().is_empty());
}
