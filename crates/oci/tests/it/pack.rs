//! Images made from files: the same every time, and what other tools make of them.

use crate::skopeo;
use oci::client::CopyProgress;
use oci::layer::{LayerLimits, LayerReader};
use oci::manifest::{self, Document, Platform, RunConfig};
use oci::pack::{PackContent, PackFile, PackLayer, PackSpec, pack, pack_index};
use oci::reference::Locator;
use oci::source::{OpenOptions, Source, layout::LayoutSource, open};
use oci::writer::{GrowingLayout, LayoutWriter};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn spec(architecture: &str, root: &Path) -> PackSpec {
    let file =
        |path: &str, content, mode| PackFile { path: path.to_owned(), content, mode, uid: 1000, gid: 1000 };
    PackSpec {
        platform: Platform {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            variant: None,
            os_version: None,
        },
        layers: vec![
            PackLayer { from_root: Some(root.to_owned()), files: Vec::new() },
            PackLayer {
                from_root: None,
                files: vec![
                    file("/app/module", PackContent::Bytes(b"#!/bin/sh\n".to_vec()), 0o755),
                    file("app/current", PackContent::Link("module".to_owned()), 0o777),
                    file(
                        &format!("app/{}/{}", "x".repeat(120), "y".repeat(110)),
                        PackContent::Directory,
                        0o700,
                    ),
                ],
            },
        ],
        config: RunConfig {
            entrypoint: Some(vec!["/app/module".to_owned()]),
            user: Some("1000:1000".to_owned()),
            labels: Some(BTreeMap::from([("org.opencontainers.image.title".to_owned(), "T".to_owned())])),
            ..RunConfig::default()
        },
        annotations: BTreeMap::new(),
        created_epoch_seconds: 1_709_210_096,
        created_by: "edgemarket image pack".to_owned(),
    }
}

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("etc/b")).unwrap();
    std::fs::write(root.path().join("etc/b/two"), "2").unwrap();
    std::fs::write(root.path().join("etc/one"), "1").unwrap();
    root
}

fn write(writer: &mut LayoutWriter, root: &Path) -> String {
    let images = [pack(&spec("amd64", root), writer).unwrap(), pack(&spec("arm64", root), writer).unwrap()];
    let index = pack_index(&images, &BTreeMap::new(), writer).unwrap();
    writer.add(&index, Some("1.0.0"));
    index.digest.to_string()
}

/// Mode, owner, time and path of every entry; long runs of letters shortened.
fn entries(layer: &mut LayerReader) -> Vec<String> {
    let line = |entry: std::io::Result<tar::Entry<'_, &mut LayerReader>>| {
        let entry = entry.unwrap();
        let (header, path) = (entry.header(), entry.path().unwrap().display().to_string());
        let path = path.replace(&"x".repeat(119), "").replace(&"y".repeat(109), "");
        format!("{:o} {} {} {path}", header.mode().unwrap(), header.uid().unwrap(), header.mtime().unwrap())
    };
    tar::Archive::new(layer).entries().unwrap().map(line).collect()
}

#[test]
fn equal_input_gives_equal_images_that_skopeo_reads() {
    let (root, target) = (root(), tempfile::tempdir().unwrap());
    let mut writer = LayoutWriter::new(&target.path().join("a")).unwrap();
    let digest = write(&mut writer, root.path());
    writer.finish_directory().unwrap();
    let again = self::root();
    let mut writer = LayoutWriter::new(&target.path().join("b.tar")).unwrap();
    assert_eq!(write(&mut writer, again.path()), digest);
    writer.finish_archive().unwrap();

    let mut names = Vec::new();
    for text in
        [format!("oci:{}/a:1.0.0", target.path().display()), format!("{}/b.tar", target.path().display())]
    {
        let source = open(&Locator::parse(&text).unwrap(), &OpenOptions::default()).unwrap();
        let index = source.resolve(None).unwrap();
        assert_eq!(index.digest.to_string(), digest);
        let images = manifest::images(&*source, &index).unwrap();
        let Document::Manifest(image) =
            manifest::parse(&source.manifest(&images[1].descriptor).unwrap(), None).unwrap()
        else {
            panic!("an image")
        };
        let config = manifest::parse_config(&source.manifest(&image.config).unwrap()).unwrap();
        assert_eq!(config.created.as_deref(), Some("2024-02-29T12:34:56Z"));
        assert_eq!(config.architecture, "arm64");
        names.clear();
        for (layer, diff_id) in image.layers.iter().zip(config.rootfs.diff_ids) {
            let limits = LayerLimits { uncompressed_bytes_max: 1 << 20 };
            let mut reader =
                LayerReader::open(source.blob(layer).unwrap(), layer, Some(diff_id), limits).unwrap();
            names.extend(entries(&mut reader));
            reader.finish().unwrap();
        }
    }
    insta::assert_snapshot!(names.join("\n"), @"
755 0 1709210096 etc/
755 0 1709210096 etc/b/
644 0 1709210096 etc/b/two
644 0 1709210096 etc/one
755 0 1709210096 app/
777 1000 1709210096 app/current
755 1000 1709210096 app/module
755 0 1709210096 app/x/
700 1000 1709210096 app/x/y/
");
    let source = format!("oci:{}/a:1.0.0", target.path().display());
    skopeo(&["copy", "-q", "--all", &source, &format!("oci:{}/c:1.0.0", target.path().display())]);
    let copied = LayoutSource::open(&target.path().join("c"), None).unwrap();
    assert_eq!(copied.resolve(Some("1.0.0")).unwrap().digest.to_string(), digest);
    let docker = format!("docker-archive:{}/d.tar:acme/telemetry:1.0", target.path().display());
    skopeo(&["copy", "-q", "--override-arch", "amd64", &source, &docker]);
    let source = open(&Locator::parse(&docker).unwrap(), &OpenOptions::default()).unwrap();
    assert_eq!(source.tags().unwrap(), ["1.0"]);
    let image = source.resolve(None).unwrap();
    let mut layout = GrowingLayout::open(&target.path().join("e")).unwrap();
    layout.put_from(&*source, &image, &(Arc::new(|_| ()) as CopyProgress)).unwrap();
    layout.add(&image, None);
    layout.finish_directory().unwrap();
    skopeo(&["inspect", &format!("oci:{}/e", target.path().display())]);
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_behind() {
    let (root, target) = (root(), tempfile::tempdir().unwrap());
    drop(LayoutWriter::new(&target.path().join("a")).unwrap());
    let mut writer = LayoutWriter::new(&target.path().join("a")).unwrap();
    let mut bad = spec("amd64", root.path());
    bad.layers[1].files[0].path = "../escape".to_owned();
    assert!(pack(&bad, &mut writer).unwrap_err().to_string().contains("\"../escape\""));
    bad.layers[1].files[0].path = "x".to_owned();
    bad.layers[1].files[0].content = PackContent::File(target.path().join("nowhere"));
    assert!(pack(&bad, &mut writer).unwrap_err().to_string().starts_with("reading "));
    std::fs::create_dir(target.path().join("a")).unwrap();
    assert!(
        writer
            .finish_directory()
            .unwrap_err()
            .to_string()
            .contains("there is something of that name already")
    );
    assert!(LayoutWriter::new(&target.path().join("a")).is_err());
    assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 1);
}
