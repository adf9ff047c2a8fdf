//! Archives of each format, layers for deltas, and files that are read whole.

use super::{Seed, chosen};
use crate::image::{Tar, gzip};
use std::io::Read as _;

/// `hello hello hello`, by xz.
const XZ: &[u8] = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\xe0\x00\x10\x00\x0b\x5d\x00\x34\x19\x49\xee\x8d\xe9\x4f\x7e\x15\xe0\x00\x00\x00\x4b\x88\xe6\xda\x44\x80\x07\x76\x00\x01\x27\x11\xbc\x27\xf3\x90\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";

/// A zip archive of stored members.
pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let size = (data.len() as u32).to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        let offset = (body.len() as u32).to_le_bytes();
        let mut sum = flate2::Crc::new();
        sum.update(data);
        let common =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &sum.sum().to_le_bytes(), &size, &size, &length, &[0, 0]]
                .concat();
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset, name.as_bytes()].concat());
        body.extend([b"PK\x03\x04", &common[..], name.as_bytes(), data].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let (size, offset) = ((directory.len() as u32).to_le_bytes(), (body.len() as u32).to_le_bytes());
    [&body[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &size, &offset, &[0, 0]].concat()
}

/// A cpio archive of the `newc` form.
fn cpio(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, data) in members.iter().chain(&[("TRAILER!!!", &b""[..])]) {
        let mode = if *name == "TRAILER!!!" { 0 } else { 0o100_644 };
        archive.extend_from_slice(b"070701");
        for field in [1, mode, 0, 0, 1, 0, data.len(), 0, 0, 0, 0, name.len() + 1, 0] {
            archive.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        archive.extend([name.as_bytes(), &[0]].concat());
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend_from_slice(data);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}

/// Lead, empty signature and header, payload.
fn rpm(payload: &[u8]) -> Vec<u8> {
    let mut lead = [0_u8; 96];
    lead[..5].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb, 3]);
    let header = [&[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0][..], &[0, 0, 0, 1], &[0, 0, 0, 4], &[0; 20]].concat();
    [&lead[..], &header, &[0; 4], &header, payload].concat()
}

fn deb(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, data) in members {
        archive
            .extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, data.len()).bytes());
        archive.extend_from_slice(data);
        archive.resize(archive.len().next_multiple_of(2), b'\n');
    }
    archive
}

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let read = bzip2::read::BzEncoder::new(data, bzip2::Compression::fast()).read_to_end(&mut packed);
    read.map_or_else(|_| Vec::new(), |_| packed)
}

pub(super) fn archives() -> Vec<Seed> {
    let tar = Tar::default().file("x/y", 0o644, b"content").file("package.json", 0o644, b"{}").end();
    let inner = zip(&[("META-INF/maven/g/a/pom.properties", b"groupId=g\nartifactId=a\nversion=1\n")]);
    let jar = zip(&[("META-INF/MANIFEST.MF", b"Implementation-Version: 1\r\n"), ("lib/a-1.jar", &inner)]);
    let nested = zip(&[("b.tar.gz", &gzip(&tar)), ("c.bz2", &bzip2(b"c")), ("d.xz", XZ)]);
    let cpio = cpio(&[("./usr/bin/a", b"nothing"), ("b", b"more")]);
    let deb = deb(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &gzip(&tar)), ("data.tar", &tar)]);
    let zst = zstd::stream::encode_all(&tar[..], 1).unwrap_or_default();
    // Name, wrapping, content.
    let seed = |name: u8, wrapping: u8, content: &[u8]| [&[name, wrapping], content].concat();
    vec![
        ("seed-zip", seed(0, 0, &nested)),
        ("seed-jar", seed(1, 0, &jar)),
        ("seed-tar", seed(2, 8, &tar)),
        ("seed-tar-gzip", seed(2, 9, &tar)),
        ("seed-gzip", seed(2, 0, &gzip(&tar))),
        ("seed-xz", seed(6, 0, XZ)),
        ("seed-zstd", seed(6, 0, &zst)),
        ("seed-bzip2", seed(6, 0, &bzip2(&tar))),
        ("seed-cpio", seed(3, 0, &cpio)),
        ("seed-cpio-gzip", seed(3, 1, &cpio)),
        ("seed-deb", seed(4, 0, &deb)),
        ("seed-rpm", seed(5, 0, &rpm(&gzip(&cpio)))),
        ("seed-rpm-bzip2", seed(5, 0, &rpm(&bzip2(&cpio)))),
        ("seed-five-deep", seed(6, 4, b"x")),
        ("seed-bomb", seed(6, 0, &gzip(&vec![0; 8 << 20]))),
        ("seed-7z", seed(6, 0, b"7z\xbc\xaf\x27\x1c\0\x04")),
    ]
}

pub(super) fn deltas() -> Vec<Seed> {
    let text =
        b"export const value = lookup(1, \"abc\"); export const other = lookup(2, \"abd\");".repeat(20);
    let members = [gzip(b"a"), gzip(b""), gzip(&text), b"and what follows".to_vec()].concat();
    let mut header = vec![0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 1, 2, b'n', 0, b'c', 0, 9, 9];
    header.extend(&gzip(b"with a header")[10..]);
    let old = oci::delta::Parts::default();
    let made = |media_type: &str, layer: &[u8]| {
        let new = oci::delta::Parts::of(media_type, layer).ok();
        new.and_then(|new| oci::delta::make(&old, &new, &|_| true).ok()).unwrap_or_default()
    };
    vec![
        ("seed-gzip", chosen(0, gzip(&text))),
        ("seed-members", chosen(0, members)),
        ("seed-header", chosen(0, header)),
        (
            "seed-stored",
            chosen(
                0,
                [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 1, 0, 0xfe, 0xff, b'x'][..], &[0; 8]].concat(),
            ),
        ),
        ("seed-plain", chosen(1, &text)),
        ("seed-delta", chosen(2, made("application/x.tar+gzip", &gzip(&text)))),
        ("seed-delta-plain", chosen(2, made("application/x.tar", &text))),
    ]
}

pub(super) fn files() -> Vec<Seed> {
    let offer = offer::template::new_offer(&offer::template::NewOffer::default());
    let picture = offer.get("logos/small.png").cloned().unwrap_or_default();
    let layout = Tar::default()
        .file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)
        .file("index.json", 0o644, br#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}]}"#)
        .file("blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", 0o644, b"{}");
    let saved = Tar::default()
        .file("manifest.json", 0o644, br#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l/layer.tar"]}]"#)
        .file(
            "c.json",
            0o644,
            br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#,
        )
        .entry(b"l/layer.tar", b'2', 0o644, b"../m.tar", b"")
        .file("m.tar", 0o644, &[0; 1024]);
    let mut elf = vec![0; 64];
    elf[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    (elf[16], elf[18], elf[54]) = (2, 62, 56);
    let mut pe = vec![0; 200];
    pe[..2].copy_from_slice(b"MZ");
    pe[0x3c] = 0x80;
    pe[0x80..0x88].copy_from_slice(b"PE\0\0\x64\x86\x01\0");
    vec![
        ("seed-picture", chosen(0, picture)),
        ("seed-elf", chosen(1, elf)),
        ("seed-pe", chosen(1, pe)),
        ("seed-name", chosen(2, b"./a//../b/\xff\0../../x")),
        ("seed-layout", chosen(3, layout.end())),
        ("seed-saved", chosen(4, saved.end())),
        ("seed-compressed", chosen(3, gzip(&Tar::default().file("oci-layout", 0o644, b"{}").end()))),
    ]
}
