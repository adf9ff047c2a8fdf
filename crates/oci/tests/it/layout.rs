//! Layout directories and OCI archives, whole and faulty; manifests and indexes on the way.

use crate::build::{Layout, descriptor, gzip, tar, tar_with_raw_name};
use oci::Error;
use oci::digest::Digest;
use oci::layer::{LayerLimits, LayerReader};
use oci::manifest::{self, Document, media_type};
use oci::source::{Source, layout::LayoutSource};
use serde_json::{Value, json};

const LIMITS: LayerLimits = LayerLimits { uncompressed_bytes_max: 1 << 20 };

fn open(layout: &Layout, reference: Option<&str>) -> Result<LayoutSource, Error> {
    let directory = tempfile::tempdir().unwrap().keep();
    layout.write(&directory);
    LayoutSource::open(&directory, reference)
}

/// Reads every image behind a tag wholly; gives architecture and diff ID of each.
fn read_all(source: &dyn Source, tag: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let root = source.resolve(tag)?;
    let mut seen = Vec::new();
    for image in manifest::images(source, &root)? {
        let bytes = source.manifest(&image.descriptor)?;
        let Document::Manifest(manifest) = manifest::parse(&bytes, Some(&image.descriptor.media_type))?
        else {
            panic!("images lists manifests only");
        };
        let config = manifest::parse_config(&source.manifest(&manifest.config)?)?;
        for (layer, diff_id) in manifest.layers.iter().zip(&config.rootfs.diff_ids) {
            LayerReader::open(source.blob(layer)?, layer, Some(*diff_id), LIMITS)?.finish()?;
        }
        seen.push((config.architecture, config.rootfs.diff_ids[0].to_string()));
    }
    Ok(seen)
}

fn two_platforms() -> Layout {
    let mut layout = Layout::default();
    let mut amd64 = layout.image("amd64", "one");
    amd64["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let mut arm64 = layout.image("arm64", "two");
    arm64["platform"] = json!({ "os": "linux", "architecture": "arm64", "variant": "v8" });
    let mut attestation = layout.image("amd64", "three");
    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    let chart = layout.json("application/vnd.cncf.helm.config.v1+json", &json!({}));
    let artifact = layout.json(
        media_type::OCI_MANIFEST,
        &json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": chart, "layers": [] }),
    );
    let inner = layout.index(&[arm64.clone(), attestation, artifact.clone()]);
    let outer = layout.index(&[amd64.clone(), inner]);
    layout.tag(outer, "1.0.0");
    layout.tag(amd64, "1.0.0-amd64");
    layout.tag(artifact, "chart");
    layout
}

#[test]
fn directory_archive_and_gzipped_archive_are_the_same() {
    let layout = two_platforms();
    let directory = tempfile::tempdir().unwrap();
    layout.write(&directory.path().join("layout"));
    let (plain, packed) = (directory.path().join("a.tar"), directory.path().join("a.tgz"));
    std::fs::write(&plain, layout.archive()).unwrap();
    std::fs::write(&packed, gzip(&layout.archive())).unwrap();
    for source in [
        LayoutSource::open(&directory.path().join("layout"), Some("1.0.0")).unwrap(),
        LayoutSource::open_archive(&plain, Some("1.0.0")).unwrap(),
        LayoutSource::open_archive(&packed, Some("1.0.0")).unwrap(),
    ] {
        assert_eq!(source.tags().unwrap(), ["1.0.0", "1.0.0-amd64", "chart"]);
        let seen = read_all(&source, None).unwrap();
        assert_eq!(
            seen.iter().map(|(architecture, _)| &architecture[..]).collect::<Vec<_>>(),
            ["amd64", "arm64"]
        );
        let root = source.resolve(None).unwrap();
        assert_eq!(source.resolve(Some(&root.digest.to_string())).unwrap().digest, root.digest);
        let images = manifest::images(&source, &root).unwrap();
        assert_eq!(images[1].index_platform.as_ref().unwrap().variant.as_deref(), Some("v8"));
        let child = images[1].descriptor.digest.to_string();
        assert_eq!(
            source.resolve(Some(&child)).unwrap().size,
            images[1].descriptor.size,
            "not in index.json"
        );
        let error = read_all(&source, Some("chart")).unwrap_err().to_string();
        assert!(error.contains("an artifact of type application/vnd.cncf.helm.config.v1+json"), "{error}");
        assert!(matches!(source.resolve(Some("2.0.0")), Err(Error::NotFound(_))));
    }
}

#[test]
fn without_a_tag_latest_or_the_only_image_is_meant() {
    let mut layout = Layout::default();
    let one = layout.image("amd64", "one");
    layout.manifests.push(one.clone());
    assert_eq!(open(&layout, None).unwrap().resolve(None).unwrap().digest.to_string(), one["digest"]);
    let two = layout.image("amd64", "two");
    layout.tag(two.clone(), "2");
    let error = open(&layout, None).unwrap().resolve(None).unwrap_err().to_string();
    assert!(error.ends_with("which holds 2 images, was not found"), "{error}");
    layout.tag(two.clone(), "latest");
    assert_eq!(open(&layout, None).unwrap().resolve(None).unwrap().digest.to_string(), two["digest"]);
}

#[test]
fn wrong_blobs_are_found() {
    let damaged = |part: &str, change: fn(&mut Vec<u8>)| {
        let mut layout = Layout::default();
        let image = layout.image("amd64", "one");
        layout.tag(image, "latest");
        let position = match part {
            "layer" => 0,
            "config" => 1,
            _ => 2,
        };
        change(&mut layout.files[position].1);
        read_all(&open(&layout, None).unwrap(), None).unwrap_err()
    };
    for part in ["layer", "config", "manifest"] {
        let error = damaged(part, |bytes| *bytes.last_mut().unwrap() ^= 1);
        assert!(matches!(error, Error::DigestMismatch { .. }), "{part}: {error}");
        let error = damaged(part, |bytes| bytes.push(b'\n'));
        assert!(matches!(error, Error::SizeMismatch { .. }), "{part}: {error}");
        let error = damaged(part, |bytes| bytes.truncate(bytes.len() - 1));
        assert!(matches!(error, Error::SizeMismatch { .. }), "{part}: {error}");
    }
}

#[test]
fn nested_cyclic_and_crowded_indexes_end() {
    let mut layout = Layout::default();
    let mut index = layout.image("amd64", "one");
    for _ in 0..manifest::INDEX_DEPTH_MAX {
        index = layout.index(&[index]);
    }
    layout.tag(index.clone(), "deep");
    let index = layout.index(&[index]);
    layout.tag(index, "deeper");
    let mut images = Vec::new();
    for number in 0..=manifest::IMAGES_MAX {
        images.push(layout.image("amd64", &number.to_string()));
    }
    let crowd = layout.index(&images);
    layout.tag(crowd, "crowd");
    // 2^20 paths to the same image: nesting alone does not bound the work, the number of entries does.
    let mut doubled = layout.index(&vec![images[0].clone(); 32]);
    doubled = layout.index(&vec![doubled; 32]);
    doubled = layout.index(&vec![doubled; 32]);
    layout.tag(doubled, "doubled");
    let empty = layout.index(&[]);
    layout.tag(empty, "empty");
    let source = open(&layout, None).unwrap();
    assert_eq!(read_all(&source, Some("deep")).unwrap().len(), 1);
    let fault = |tag| read_all(&source, Some(tag)).unwrap_err().to_string();
    assert!(fault("deeper").ends_with("passes the limit of 4 levels"));
    assert_eq!(fault("crowd"), "number of images behind one reference passes the limit of 64");
    assert_eq!(fault("doubled"), "number of index entries passes the limit of 1024");
    assert!(fault("empty").ends_with("is malformed: it lists no image"));
}

/// A digest cannot contain itself, so only a source that does not verify can show a cycle.
#[test]
fn a_cycle_is_named_even_if_the_source_lies() {
    struct Liar;
    impl Source for Liar {
        fn describe(&self) -> String {
            "liar".to_owned()
        }
        fn tags(&self) -> Result<Vec<String>, Error> {
            Ok(Vec::new())
        }
        fn resolve(&self, _: Option<&str>) -> Result<manifest::Descriptor, Error> {
            Ok(descriptor(media_type::OCI_INDEX, b"a"))
        }
        fn manifest(&self, _: &manifest::Descriptor) -> Result<Vec<u8>, Error> {
            Ok(serde_json::to_vec(&json!({ "schemaVersion": 2, "manifests": [self.resolve(None)?] }))
                .unwrap())
        }
        fn blob(&self, _: &manifest::Descriptor) -> Result<Box<dyn std::io::Read + Send>, Error> {
            Ok(Box::new(std::io::empty()))
        }
    }
    let error = manifest::images(&Liar, &Liar.resolve(None).unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("is malformed: it contains itself"), "{error}");
}

#[test]
fn manifests_that_contradict_themselves_are_refused() {
    let config = descriptor(media_type::OCI_CONFIG, b"{}");
    let text = |value: Value, hint: Option<&str>| match manifest::parse(value.to_string().as_bytes(), hint) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    };
    let both = json!({ "schemaVersion": 2, "config": config, "layers": [], "manifests": [] });
    assert!(text(both, None).contains("both manifests and config or layers"));
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [] });
    assert!(text(index.clone(), Some(media_type::OCI_MANIFEST)).contains("but calls itself"));
    assert_eq!(text(index.clone(), Some("application/json; charset=utf-8")), "accepted");
    assert_eq!(text(index, None), "accepted");
    assert!(text(json!({ "schemaVersion": 1, "fsLayers": [] }), None).contains("schema 1"));
    assert!(
        text(json!({ "schemaVersion": 2 }), Some(media_type::DOCKER_SCHEMA1_SIGNED)).contains("schema 1")
    );
    assert!(text(json!({ "manifests": [] }), None).contains("schemaVersion must be 2, found none"));
    assert!(text(json!({ "schemaVersion": 2 }), Some("image/png")).contains("media type \"image/png\""));
    assert!(text(json!([]), None).contains("is malformed"));
    assert!(
        text(json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST }), None).contains("config")
    );
    let deep =
        format!(r#"{{"schemaVersion":2,"manifests":[],"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let error = manifest::parse(deep.as_bytes(), None).unwrap_err();
    assert_eq!(error.to_string(), "manifest is malformed: its JSON is nested more than 64 deep");
    assert!(manifest::parse_config(deep.as_bytes()).is_err());
    let big = [&br#"{"schemaVersion":2,"manifests":[]"#[..], &vec![b' '; 4 << 20], b"}"].concat();
    let error = manifest::parse(&big, None).unwrap_err().to_string();
    assert_eq!(error, "manifest of 4194338 bytes passes the limit of 4194304 bytes");
    let mut layout = Layout::default();
    let huge = layout.blob(media_type::OCI_INDEX, &big);
    layout.tag(huge, "latest");
    let error = read_all(&open(&layout, None).unwrap(), None).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
}

#[test]
fn archives_with_path_tricks_are_refused() {
    use tar::EntryType;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    let fault = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        LayoutSource::open_archive(&path, None).unwrap_err().to_string()
    };
    for name in [&b"../index.json"[..], b"/index.json", b"a/../../b", b"\xff\xfe"] {
        let text = fault(&tar_with_raw_name(name, EntryType::Regular, b""));
        assert!(text.contains("names must be relative UTF-8"), "{text}");
    }
    for (kind, link) in [(EntryType::Symlink, &b"../../etc/passwd"[..]), (EntryType::Link, b"/etc/passwd")] {
        let text = fault(&tar_with_raw_name(b"a/index.json", kind, link));
        assert!(text.contains("is a link that leaves the archive"), "{text}");
    }
    let text = fault(&tar_with_raw_name(b"index.json", EntryType::Char, b""));
    assert!(text.contains("is no file, directory or link"), "{text}");
    let text = fault(&tar_with_raw_name(b"oci-layout", EntryType::Symlink, b"oci-layout"));
    assert!(text.contains("passes the limit of 8 links"), "{text}");
    let text = fault(&tar(&[("oci-layout", b"{}"), ("./oci-layout", b"{}")]));
    assert!(text.contains("two entries named \"oci-layout\""), "{text}");
    let whole = tar(&[("oci-layout", &[b'x'; 4000])]);
    assert!(fault(&whole[..1500]).contains("is malformed: it ends inside of entry \"oci-layout\""));
    assert!(fault(b"no archive at all").contains("is malformed"));
    assert!(fault(b"").contains("oci-layout in"));
    assert!(fault(&gzip(&whole)[..30]).contains("is malformed"));
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_a_directory_are_refused() {
    let mut layout = Layout::default();
    let image = layout.image("amd64", "one");
    layout.tag(image.clone(), "latest");
    let directory = tempfile::tempdir().unwrap();
    layout.write(directory.path());
    let blob = directory.path().join("blobs/sha256").join(&image["digest"].as_str().unwrap()[7..]);
    std::fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &blob).unwrap();
    let source = LayoutSource::open(directory.path(), None).unwrap();
    let error = read_all(&source, None).unwrap_err().to_string();
    assert!(error.contains("it is a link that leaves the layout"), "{error}");
    std::fs::remove_file(&blob).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&blob).status().unwrap().success());
    let error = read_all(&source, None).unwrap_err().to_string();
    assert!(error.contains("it is no regular file"), "{error}");
    std::fs::remove_file(&blob).unwrap();
    assert!(matches!(read_all(&source, None), Err(Error::NotFound(_))));
    let missing = LayoutSource::open(&directory.path().join("nowhere"), None).unwrap_err();
    assert!(matches!(missing, Error::NotFound(_)), "{missing}");
}

/// `docker save` of old: layers in directories, one of them a link to the other's file.
#[test]
fn old_docker_archives_with_linked_layers_are_read() {
    use oci::source::docker_archive::DockerArchiveSource;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    let layer = tar(&[("hello", b"hello")]);
    let save = |ids: &[Digest], second: &str, tags: Value| {
        let config = json!({
            "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": ids }, "config": null
        });
        let list =
            json!([{ "Config": "c.json", "RepoTags": tags, "Layers": ["1/layer.tar", "2/layer.tar"] }]);
        let (config, list) = (config.to_string(), list.to_string());
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in
            [("c.json", config.as_bytes()), ("manifest.json", list.as_bytes()), ("1/layer.tar", &layer)]
        {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, bytes).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "2/layer.tar", second).unwrap();
        std::fs::write(&path, builder.into_inner().unwrap()).unwrap();
        DockerArchiveSource::open(&path, None)
    };
    let id = Digest::of(&layer);
    let source =
        save(&[id, id], "../1/layer.tar", json!(["acme/telemetry:1.0", "acme/telemetry:latest"])).unwrap();
    assert_eq!(source.tags().unwrap(), ["1.0", "latest"]);
    assert_eq!(read_all(&source, Some("1.0")).unwrap(), [("amd64".to_owned(), id.to_string())]);
    let again = save(&[id, id], "../1/layer.tar", Value::Null).unwrap();
    assert_eq!(again.resolve(None).unwrap(), source.resolve(Some("docker.io/acme/telemetry:1.0")).unwrap());
    let other = Digest::of(b"other");
    let error = read_all(&save(&[id, other], "../1/layer.tar", Value::Null).unwrap(), None).unwrap_err();
    assert!(matches!(error, Error::NotFound(_) | Error::DigestMismatch { .. }), "{error}");
    let error = save(&[id], "../1/layer.tar", Value::Null).unwrap_err().to_string();
    assert!(error.contains("2 layers are listed, but the config states 1 diff IDs"), "{error}");
    assert!(save(&[id, id], "../3/layer.tar", Value::Null).is_err());
}
