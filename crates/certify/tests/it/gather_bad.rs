//! Each line of the list that ends the specification of certification and concerns layers: it ends in a fault or a
//! clear error, quickly, in bounded memory.

use crate::fixture::{Image, Layer, Tar, checksum, gzip, header};
use certify::evidence::{Fault, FaultKind, ImageEvidence};
use oci::digest::Digest;
use oci::manifest::media_type;
use std::time::{Duration, Instant};

fn kinds(evidence: &ImageEvidence) -> Vec<(FaultKind, &str)> {
    evidence.faults.iter().map(|fault| (fault.kind, fault.place.path.as_str())).collect()
}

fn of(tar: Tar) -> ImageEvidence {
    Image::new().layer(tar).gather()
}

#[test]
fn entries_that_no_good_tool_writes_are_faults() {
    let evidence = of(Tar::default().file("../../etc/passwd", 0o644, b"x"));
    assert_eq!(kinds(&evidence), [(FaultKind::Structure, "etc/passwd")]);
    let evidence = of(Tar::default().symlink("a/b", "../../etc/passwd").symlink("a/c", "../etc/passwd"));
    assert_eq!(kinds(&evidence), [(FaultKind::Structure, "a/b")]);
    let evidence = of(Tar::default().hard_link("a", "../x", 0o644));
    assert_eq!(kinds(&evidence), [(FaultKind::Structure, "a")]);
    let evidence =
        of(Tar::default().entry(b"dev/sda", b'4', 0o660, b"", b"").entry(b"dev/tty", b'3', 0o660, b"", b""));
    assert_eq!(kinds(&evidence), [(FaultKind::Structure, "dev/sda"), (FaultKind::Structure, "dev/tty")]);
}

#[test]
fn unusual_names_are_advice() {
    let evidence = of(Tar::default().file("/etc/x", 0o644, b"x"));
    assert_eq!(kinds(&evidence), [(FaultKind::Names, "etc/x")]);
    let evidence = of(Tar::default().entry(b"caf\xe9", b'0', 0o644, b"", b"x"));
    assert_eq!(kinds(&evidence), [(FaultKind::Names, "caf\\xe9")]);
    // Terminals take U+009B, and ESC [, for the beginning of a command.
    let evidence = of(Tar::default().entry(b"\x1b[2J\xc2\x9b2J", b'0', 0o4755, b"", b"x"));
    assert_eq!(evidence.setuid[0].place.path, "\\x1b[2J\\xc2\\x9b2J");
    let evidence = of(Tar::default().file("a/Read", 0o644, b"x").file("a/read", 0o644, b"x"));
    assert_eq!(kinds(&evidence), [(FaultKind::Names, "a/read")]);
    let evidence = of(Tar::default().file("a", 0o4755, b"x").file("a", 0o644, b"x"));
    assert_eq!(kinds(&evidence), [(FaultKind::Names, "a")]);
    assert_eq!(evidence.setuid, []);
}

#[test]
fn long_names_of_gnu_and_pax_are_whole() {
    let name = format!("{}/run", "d".repeat(300));
    let pax = |key: &str, value: &str| {
        let rest = format!(" {key}={value}\n");
        let length = rest.len() + 3;
        format!("{length}{rest}")
    };
    let gnu = Tar::default().entry(b"././@LongLink", b'L', 0o644, b"", format!("{name}\0").as_bytes());
    let other = format!("{}/other", "e".repeat(300));
    let tar = gnu
        .file("short", 0o4755, b"x")
        .entry(b"pax", b'x', 0o644, b"", pax("path", &other).as_bytes())
        .file("s", 0o4755, b"x");
    let evidence = of(tar);
    let names: Vec<&str> = evidence.setuid.iter().map(|fact| fact.place.path.as_str()).collect();
    assert_eq!((names, kinds(&evidence)), (vec![name.as_str(), other.as_str()], vec![]));
}

#[test]
fn sparse_files_are_not_expanded() {
    let mut sparse = header(b"sparse", b'S', 0o644, b"", 512);
    sparse[483..494].copy_from_slice(b"77777777777");
    checksum(&mut sparse);
    let evidence = of(Tar([&sparse[..], &[b'x'; 512]].concat()).file("after", 0o4755, b"x"));
    assert_eq!(kinds(&evidence), [(FaultKind::Unscanned, "sparse")]);
    assert_eq!(evidence.setuid.len(), 1, "the walk goes on behind it");
}

#[test]
fn streams_that_are_cut_short_or_followed_by_garbage_are_faults() {
    let whole = Tar::default().file("a", 0o644, &[1; 5000]).end();
    let evidence = Image::new().raw_layer(whole[..3000].to_vec()).gather();
    assert_eq!(kinds(&evidence), [(FaultKind::Verification, "")]);
    let mut image = Image::new().layer(Tar::default().file("a", 0o644, b"x"));
    let stored = &mut image.layers[0].stored;
    stored.truncate(stored.len() - 4);
    assert_eq!(kinds(&image.gather()), [(FaultKind::Verification, "")]);
    let evidence = Image::new().raw_layer([whole.clone(), b"garbage".to_vec()].concat()).gather();
    assert_eq!(kinds(&evidence), [(FaultKind::Bulk, "")]);
    let evidence = Image::new().raw_layer(b"this is no tar archive".repeat(100)).gather();
    assert!(kinds(&evidence).contains(&(FaultKind::Structure, "")));
    assert_eq!(kinds(&of(Tar::default())), [(FaultKind::Bulk, "")]);
}

#[test]
fn wrong_digests_sizes_and_diff_ids_are_faults() {
    let image = Image::new().layer(Tar::default().file("a", 0o644, b"x"));
    let (memory, reference) = image.store();
    let rules = certify::rules::Rules::built_in();
    let layer = Digest::of(&image.layers[0].stored);
    for change in [
        |bytes: &mut Vec<u8>| bytes[4] ^= 1,
        |bytes: &mut Vec<u8>| bytes.push(0),
        |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1),
    ] {
        let mut blobs = memory.blobs.clone();
        change(blobs.get_mut(&layer).expect("the layer"));
        let evidence =
            certify::gather::gather(&crate::fixture::Memory { blobs }, &reference, &rules, None, &|_| ());
        assert_eq!(kinds(&evidence.expect("a fault, no error")), [(FaultKind::Verification, "")]);
    }
    let mut image = image;
    image.layers[0].unpacked.push(0);
    let evidence = image.gather();
    assert_eq!(kinds(&evidence), [(FaultKind::Verification, "")]);
    assert!(evidence.faults[0].message.contains("diff ID"), "{}", evidence.faults[0].message);
}

#[test]
fn foreign_and_unknown_layers_are_faults() {
    for media_type in ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "application/x-unknown"] {
        let unpacked = Tar::default().file("a", 0o644, b"x").end();
        let mut image = Image::new();
        image.layers.push(Layer { media_type, stored: gzip(&unpacked), unpacked });
        assert_eq!(kinds(&image.gather()), [(FaultKind::Verification, "")], "{media_type}");
    }
}

#[test]
fn bombs_inside_files_end_at_their_ratio() {
    let start = Instant::now();
    let mut bomb = gzip(&vec![0; 200 << 20]);
    bomb = gzip(&bomb);
    let evidence = of(Tar::default().file("bomb.gz", 0o644, &bomb).file("app/next", 0o4755, b"x"));
    assert_eq!(kinds(&evidence), [(FaultKind::Size, "bomb.gz")]);
    assert_eq!(evidence.setuid.len(), 1, "the pass goes on");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn layers_that_are_bombs_end_at_their_ratio() {
    // 16 GiB each, in members of 64 MiB: one file that fills a disk, and nothing but zeros.
    let zeros = vec![0; 64 << 20];
    let mut start = header(b"zeros", b'0', 0o644, b"", 0);
    start[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    checksum(&mut start);
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 1).expect("memory does not fail");
    let densest = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, bytes).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    };
    for (media_type, start, member) in [
        (media_type::OCI_LAYER_GZIP, gzip(&start), densest(&zeros)),
        (media_type::OCI_LAYER_GZIP, Vec::new(), densest(&zeros)),
        (media_type::OCI_LAYER_ZSTD, zstd(&start), zstd(&zeros)),
    ] {
        let mut image = Image::new();
        let stored = [start, member.repeat(256)].concat();
        image.layers.push(Layer { media_type, stored, unpacked: Vec::new() });
        let begin = Instant::now();
        let evidence = image.gather();
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
        let stopped = |fault: &Fault| fault.message.contains("passes the limit of");
        assert!(evidence.faults.iter().any(stopped), "{:?}", evidence.faults);
    }
}

#[test]
fn a_million_tiny_files_end_quickly() {
    let mut bytes = Vec::with_capacity(1_000_000 * 512 + 1024);
    for index in 0..1_000_000 {
        bytes.extend_from_slice(&header(
            format!("d{}/{index}", index % 1000).as_bytes(),
            b'0',
            0o644,
            b"",
            0,
        ));
    }
    bytes.resize(bytes.len() + 1024, 0);
    let image = Image::new().raw_layer(bytes);
    let start = Instant::now();
    let evidence = image.gather();
    assert_eq!((evidence.layers[0].entries, evidence.faults.len()), (1_000_000, 0));
    // Some seconds; the rest is for machines that do other work too.
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}

#[test]
fn json_nested_ten_thousand_deep_is_no_package() {
    let deep = ["[".repeat(10_000), "]".repeat(10_000)].concat();
    let manifest = format!("{{\"name\":\"x\",\"version\":\"1\",\"license\":{deep}}}");
    assert!(of(Tar::default().file("package.json", 0o644, manifest.as_bytes())).packages.is_empty());
}
