//! Images that tests publish.

use crate::server::TAGS;
use oci::digest::Digest;
use oci::manifest::{Platform, RunConfig};
use oci::pack::{PackContent, PackFile, PackLayer, PackSpec, pack};
use oci::writer::LayoutWriter;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A real image of this machine's platform: the program `true` of the machine, and a marker that makes it differ.
pub fn make_image(layout: &Path, marker: &str) -> Digest {
    make_image_with(layout, marker, Vec::new())
}

/// As [`make_image`], with these bytes in it.
pub fn make_image_with(layout: &Path, marker: &str, ballast: Vec<u8>) -> Digest {
    let file = |path: &str, content, mode| PackFile { path: path.to_owned(), content, mode, uid: 0, gid: 0 };
    let program = PathBuf::from("/bin/true");
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let spec = PackSpec {
        platform: Platform {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            variant: None,
            os_version: None,
        },
        layers: vec![PackLayer {
            from_root: None,
            files: vec![
                file("bin/module", PackContent::File(program), 0o755),
                file("etc/marker", PackContent::Bytes(marker.as_bytes().to_vec()), 0o644),
                file("var/ballast", PackContent::Bytes(ballast), 0o644),
            ],
        }],
        config: RunConfig {
            user: Some("1000".to_owned()),
            entrypoint: Some(vec!["/bin/module".to_owned()]),
            ..RunConfig::default()
        },
        annotations: BTreeMap::new(),
        created_epoch_seconds: 0,
        created_by: "test".to_owned(),
    };
    let mut writer = LayoutWriter::new(layout).expect("a new layout");
    let descriptor = pack(&spec, &mut writer).expect("an image");
    for tag in TAGS {
        writer.add(&descriptor, Some(tag));
    }
    writer.finish_directory().expect("a layout");
    descriptor.digest
}
