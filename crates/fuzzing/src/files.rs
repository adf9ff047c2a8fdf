//! Files that are read whole: pictures, programs' headers, names, and archives of images on the disk.

use crate::image::mend_tar;
use crate::input::Input;
use certify::{binary, files as names};
use oci::Error;
use oci::client::CopyProgress;
use oci::source::docker_archive::DockerArchiveSource;
use oci::source::layout::LayoutSource;
use oci::source::{Source, manifests_below};
use oci::writer::GrowingLayout;
use offer::pictures;
use std::path::Path;
use std::sync::Arc;

/// The first byte says who reads the rest.
pub fn files(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 5 {
        0 => picture(input.rest()),
        1 => program(input.rest()),
        2 => name(input.rest()),
        3 => archive(input.rest(), |path| Ok(Box::new(LayoutSource::open_archive(path, None)?))),
        _ => archive(input.rest(), |path| Ok(Box::new(DockerArchiveSource::open(path, None)?))),
    }
}

fn picture(bytes: &[u8]) {
    if let Err(error) = pictures::check(bytes, (40, 40)) {
        assert!(error.rule().starts_with("picture-") && !error.to_string().is_empty());
    }
}

fn program(bytes: &[u8]) {
    for bytes in [bytes, &[b"\x7fELF\x02\x01\x01", bytes].concat(), &[b"MZ", bytes].concat()] {
        if let Some(header) = binary::header(bytes) {
            assert!(!header.machine.os.is_empty() && !header.machine.architecture.is_empty());
        }
    }
}

fn name(raw: &[u8]) {
    let name = names::name(raw);
    assert!(name.path.split('/').all(|part| part != ".." && part != "."), "{name:?}");
    assert!(
        !name.path.starts_with('/') && !name.path.ends_with('/') && !name.path.contains("//"),
        "{name:?}"
    );
    assert!(!name.path.chars().any(char::is_control), "{name:?}");
    assert_eq!(names::name(name.path.as_bytes()).path, name.path, "a path is the path of itself");
    let mut parts = raw.splitn(2, |&byte| byte == 0);
    let (path, target) = (parts.next().unwrap_or(b""), parts.next().unwrap_or(b""));
    let (path, target) = (names::name(path).path, names::printable(target));
    if !target.split('/').any(|part| part == "..") {
        assert!(!names::leaves_root(&path, &target), "{path:?} {target:?}");
    }
    let _ = (names::leftover_root(&path), names::is_test_or_example(&path), names::holds_programs(&path));
}

/// An image in an archive is read and copied as if it lay in a directory.
fn archive(bytes: &[u8], open: impl Fn(&Path) -> Result<Box<dyn Source>, Error>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("image.tar");
    let mut bytes = bytes.to_vec();
    mend_tar(&mut bytes);
    std::fs::write(&path, bytes).expect("writable");
    let told = |error: Error| assert!(!error.to_string().is_empty() && !error.hint().is_empty());
    let source = match open(&path) {
        Ok(source) => source,
        Err(error) => return told(error),
    };
    if let Ok(tags) = source.tags() {
        assert!(tags.is_sorted(), "{tags:?}");
    }
    let root = match source.resolve(None) {
        Ok(root) => root,
        Err(error) => return told(error),
    };
    let target = directory.path().join("copy");
    let mut layout = GrowingLayout::open(&target).expect("an empty directory");
    let quiet: CopyProgress = Arc::new(|_| ());
    if let Err(error) = layout.put_from(&*source, &root, &quiet) {
        return told(error);
    }
    layout.add(&root, Some("latest"));
    layout.finish_directory().expect("writable");
    let copy = LayoutSource::open(&target, None).expect("a layout that was just written");
    let below = |source: &dyn Source| manifests_below(source, &root).expect("it was copied").len();
    assert_eq!(below(&copy), below(&*source));
}
