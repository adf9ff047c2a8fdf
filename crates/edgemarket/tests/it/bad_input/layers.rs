//! Images of one layer, whose tar entries or bytes are wrong.

use super::layout::{Image, deep};
use oci::digest::Digest;
use serde_json::json;
use std::io::Write as _;

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
const FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// Unpacked bytes of one member of a bomb, and how many members it has: 4 GiB of at most 4 MiB, so that it ends where
/// no ratio is asked for any more (1 GiB).
const BOMB_MEMBER_BYTES: usize = 64 << 20;
const BOMB_MEMBERS: usize = 64;

fn checksum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// An entry: name, type flag, link, data.
fn entry(name: &[u8], flag: u8, link: &[u8], data: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    header[156] = flag;
    header[157..157 + link.len()].copy_from_slice(link);
    header[257..265].copy_from_slice(b"ustar\x0000");
    checksum(&mut header);
    header.extend_from_slice(data);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn file(name: &str) -> Vec<u8> {
    entry(name.as_bytes(), b'0', b"", b"x")
}

/// With the two zero blocks at the end.
fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

/// A layer as stored, and the digest that its config states.
fn stored(media_type: &str, bytes: Vec<u8>, diff_id: Digest) -> Image {
    let mut image = Image::default();
    let layer = image.blob(media_type, bytes);
    image.of_layers(&[layer], &[diff_id])
}

fn image(entries: &[Vec<u8>]) -> Image {
    let tar = tar(entries);
    stored(GZIP, gzip(&tar, 1), Digest::of(&tar))
}

pub fn sound() -> Image {
    image(&[entry(b"app/", b'5', b"", b""), file("app/a"), entry(b"app/b", b'2', b"a", b"")])
}

/// One file that would fill a disk with zeros.
fn start_of_bomb() -> Vec<u8> {
    let mut header = entry(b"zeros", b'0', b"", b"");
    header[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    checksum(&mut header);
    header
}

pub fn gzip_bomb() -> Image {
    let member = gzip(&vec![0; BOMB_MEMBER_BYTES], 9);
    let bytes = [gzip(&start_of_bomb(), 1), member.repeat(BOMB_MEMBERS)].concat();
    stored(GZIP, bytes, Digest::of(b""))
}

pub fn zstd_bomb() -> Image {
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 1).expect("memory does not fail");
    let member = zstd(&vec![0; BOMB_MEMBER_BYTES]);
    let bytes = [zstd(&start_of_bomb()), member.repeat(BOMB_MEMBERS)].concat();
    stored(ZSTD, bytes, Digest::of(b""))
}

pub fn gzip_bomb_in_a_file() -> Image {
    let bomb = gzip(&gzip(&vec![0; 200 << 20], 9), 9);
    image(&[entry(b"a.gz", b'0', b"", &bomb), file("next")])
}

pub fn parents() -> Image {
    image(&[file("../../etc/passwd"), file("a/../../b")])
}

pub fn absolute() -> Image {
    image(&[file("/etc/x")])
}

pub fn links() -> Image {
    image(&[
        entry(b"a/b", b'2', b"../../etc/passwd", b""),
        entry(b"a/inside", b'2', b"../etc/passwd", b""),
        entry(b"c", b'1', b"../x", b""),
    ])
}

pub fn devices() -> Image {
    image(&[
        entry(b"dev/sda", b'4', b"", b""),
        entry(b"dev/tty", b'3', b"", b""),
        entry(b"fifo", b'6', b"", b""),
    ])
}

/// 512 bytes that are a file of 8 GiB.
pub fn sparse() -> Image {
    let mut sparse = entry(b"sparse", b'S', b"", &[b'x'; 512]);
    sparse[483..494].copy_from_slice(b"77777777777");
    checksum(&mut sparse[..512]);
    image(&[sparse, file("after")])
}

fn pax(value: &str) -> Vec<u8> {
    let rest = format!(" path={value}\n");
    let digits = (rest.len() + 3).to_string().len();
    entry(b"pax", b'x', b"", format!("{}{rest}", rest.len() + digits).as_bytes())
}

/// Names of 300 letters, which are fine: the archive's next entry is found behind them.
pub fn long_names() -> Image {
    let long = format!("{}/run", "d".repeat(300));
    let other = format!("{}/run", "e".repeat(300));
    image(&[
        entry(b"././@LongLink", b'L', b"", format!("{long}\0").as_bytes()),
        file("short"),
        pax(&other),
        file("s"),
    ])
}

pub fn too_long_names() -> Image {
    image(&[entry(b"././@LongLink", b'L', b"", &vec![b'n'; 2 << 20]), file("short")])
}

pub fn duplicates() -> Image {
    image(&[file("a"), file("a")])
}

pub fn not_utf8() -> Image {
    image(&[entry(b"caf\xe9", b'0', b"", b"x")])
}

pub fn case() -> Image {
    image(&[file("a/Read"), file("a/read")])
}

pub fn cut_archive() -> Image {
    let cut = tar(&[entry(b"a", b'0', b"", &[1; 5000])])[..3000].to_vec();
    stored(GZIP, gzip(&cut, 1), Digest::of(&cut))
}

pub fn cut_gzip() -> Image {
    let tar = tar(&[file("a")]);
    let mut bytes = gzip(&tar, 1);
    bytes.truncate(bytes.len() - 4);
    stored(GZIP, bytes, Digest::of(&tar))
}

pub fn garbage_after_archive() -> Image {
    let bytes = [tar(&[file("a")]), b"garbage".to_vec()].concat();
    stored(GZIP, gzip(&bytes, 1), Digest::of(&bytes))
}

pub fn garbage_after_gzip() -> Image {
    let tar = tar(&[file("a")]);
    stored(GZIP, [gzip(&tar, 1), b"garbage".to_vec()].concat(), Digest::of(&tar))
}

/// The bytes under a digest are others, of the same length.
pub fn wrong_digest() -> Image {
    let mut image = sound();
    let bytes = &mut image.blobs[0].1;
    // The instant in gzip's header: what is unpacked stays the same.
    bytes[4] ^= 1;
    image
}

pub fn wrong_diff_id() -> Image {
    stored(GZIP, gzip(&tar(&[file("a")]), 1), Digest::of(b"other"))
}

fn of_size(change: i64) -> Image {
    let mut image = Image::default();
    let tar = tar(&[file("a")]);
    let mut layer = image.blob(GZIP, gzip(&tar, 1));
    layer["size"] = json!(layer["size"].as_i64().expect("a number") + change);
    image.of_layers(&[layer], &[Digest::of(&tar)])
}

pub fn too_small() -> Image {
    of_size(-1)
}

pub fn too_large() -> Image {
    of_size(1)
}

pub fn unknown_type() -> Image {
    let tar = tar(&[file("a")]);
    stored("application/x-unknown", tar.clone(), Digest::of(&tar))
}

pub fn foreign() -> Image {
    let tar = tar(&[file("a")]);
    stored(FOREIGN, gzip(&tar, 1), Digest::of(&tar))
}

pub fn deep_package() -> Image {
    let text = format!(r#"{{"name":"x","version":"1","license":{}}}"#, deep());
    image(&[entry(b"app/package.json", b'0', b"", text.as_bytes())])
}

/// Headers alone, which are written by changing the digits of one.
pub fn million() -> Image {
    let mut header = entry(b"d000/0000000", b'0', b"", b"");
    let mut tar = Vec::with_capacity(1_000_000 * 512 + 1024);
    for index in 0..1_000_000_u32 {
        let digits = format!("{:03}/{index:07}", index % 1000);
        header[1..12].copy_from_slice(digits.as_bytes());
        checksum(&mut header);
        tar.extend_from_slice(&header);
    }
    tar.resize(tar.len() + 1024, 0);
    stored(GZIP, gzip(&tar, 1), Digest::of(&tar))
}
