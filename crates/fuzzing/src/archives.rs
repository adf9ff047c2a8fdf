//! Archives inside files: each format's reader, nested ones, and that a broken archive ends neither the pass nor the
//! search in the other files.

use crate::image::{self, Layer, Tar, gathered, gzip, mend_tar};
use crate::input::Input;
use std::io::Read as _;

/// Names of files: that of a Java archive makes its members count as packages.
const NAMES: &[&str] =
    &["opt/a.zip", "app/a.jar", "b.tar.gz", "boot/initrd.img", "c.deb", "d.rpm", "noending"];

/// Most bytes that an input is unpacked to by its own compression here, so that an execution stays short.
const WRAPPED_BYTES_MAX: usize = 1 << 20;

/// The bytes are one file, as they are or compressed here, so that a changed byte does not fail at a checksum.
pub fn archives(data: &[u8]) {
    let mut input = Input::new(data);
    let name = *input.choose(NAMES);
    let wrapping = input.byte();
    let mut content = input.rest().to_vec();
    if content.len() > WRAPPED_BYTES_MAX {
        return;
    }
    if wrapping & 8 != 0 {
        mend_tar(&mut content);
    }
    let content = match wrapping & 7 {
        1 => gzip(&content),
        2 => zstd::stream::encode_all(&content[..], 1).expect("memory does not fail"),
        3 => bzip2(&content),
        4 => gzip(&gzip(&gzip(&gzip(&gzip(&content))))),
        5 => Tar::default().file("inner", 0o644, &content).end(),
        _ => content,
    };
    let tar = Tar::default().file(name, 0o644, &content).file("after", 0o4755, b"x").end();
    let evidence = gathered(&[Layer::plain(tar)], &image::config());
    assert_eq!(evidence.setuid.len(), 1, "the pass goes on behind the archive");
    let places = evidence.faults.iter().map(|fault| &fault.place);
    for place in places.chain(evidence.matches.iter().map(|found| &found.place)) {
        assert!(place.path == name || place.path.starts_with(&format!("{name}!")), "{place:?}");
    }
}

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = bzip2::read::BzEncoder::new(data, bzip2::Compression::fast());
    encoder.read_to_end(&mut packed).expect("memory does not fail");
    packed
}
