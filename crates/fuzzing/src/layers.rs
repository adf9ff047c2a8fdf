//! Layers: the walk over a tar archive, plain or compressed, whiteouts and links between two layers, and the report
//! that is made of what was found.

use crate::image::{self, Layer, gathered, judged, mend_tar};
use crate::input::Input;
use certify::evidence::ImageEvidence;
use certify::sbom;
use certify::tarwalk::{NAME_BYTES_MAX, Walker};
use oci::digest::Digest;
use oci::manifest::media_type;
use offer::policy::Policy;

/// The bytes are one layer, or two that the next two bytes divide; the first byte says how they are stored, and whether
/// the checksums of headers are put right.
pub fn layers(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let (high, low) = (input.byte(), input.byte());
    let mut tar = input.rest().to_vec();
    if mode & 4 != 0 {
        mend_tar(&mut tar);
    }
    walk(&tar);
    let stored = |media_type, stored: Vec<u8>| Layer { media_type, diff_id: Digest::of(&stored), stored };
    let evidence = match mode & 3 {
        0 => {
            // On a block's border, so that both halves are archives.
            let at = (usize::from(u16::from_be_bytes([high, low])) * 512).min(tar.len());
            let upper = tar.split_off(at);
            gathered(&[Layer::plain(tar), Layer::plain(upper)], &image::config())
        }
        1 => gathered(&[stored(media_type::OCI_LAYER_GZIP, tar)], &image::config()),
        2 => gathered(&[stored(media_type::OCI_LAYER_ZSTD, tar)], &image::config()),
        _ => {
            let packed = gathered(&[Layer::gzip(&tar)], &image::config());
            let plain = gathered(&[Layer::plain(tar)], &image::config());
            assert_eq!(facts(&plain), facts(&packed), "compression changes what is found");
            plain
        }
    };
    report(evidence);
}

/// Walks as a reader of names would; the walk never reads beyond the bytes, nor names what is longer than its limit.
fn walk(tar: &[u8]) {
    let mut walker = Walker::new(tar);
    let mut entries = 0;
    let mut last = 0;
    while let Ok(Some(entry)) = walker.next_entry() {
        entries += 1;
        assert!(entry.name.len() <= NAME_BYTES_MAX && entry.link.len() <= NAME_BYTES_MAX);
        assert!(walker.offset() > last && walker.offset() <= tar.len() as u64);
        last = walker.offset();
        let mut start = Vec::new();
        let read = walker.read_data(100, &mut start);
        assert!(start.len() <= 100 && (read.is_err() || start.len() as u64 == entry.size.min(100)));
    }
    assert!(entries <= tar.len() / 512, "{entries} entries in {} bytes", tar.len());
}

/// What must not depend on how a layer is stored.
fn facts(evidence: &ImageEvidence) -> Vec<String> {
    let places = |paths: Vec<&str>| format!("{paths:?}");
    vec![
        places(evidence.setuid.iter().map(|fact| &fact.place.path[..]).collect()),
        places(evidence.leftovers.iter().map(|fact| &fact.place.path[..]).collect()),
        places(evidence.binaries.iter().map(|found| &found.place.path[..]).collect()),
        places(evidence.matches.iter().map(|found| &found.evidence[..]).collect()),
        places(evidence.packages.iter().map(|found| &found.name[..]).collect()),
        places(evidence.faults.iter().map(|fault| &fault.message[..]).collect()),
        format!("{:?}", evidence.start),
    ]
}

/// Report and bills of materials are well-formed.
fn report(evidence: ImageEvidence) {
    for document in [sbom::cyclonedx::document(&evidence, "x"), sbom::spdx_json::document(&evidence, "x")] {
        let read: Result<serde_json::Value, _> = serde_json::from_slice(&document);
        assert!(read.is_ok(), "{read:?}");
    }
    let report = judged(&[evidence], &Policy::default());
    let read: Result<serde_json::Value, _> = serde_json::from_str(&report.to_json());
    assert!(read.is_ok(), "{read:?}");
}
