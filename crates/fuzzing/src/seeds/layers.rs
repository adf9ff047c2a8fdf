//! Layers, each with one of the forms that a layer must not have, or that its reader must bear.

use super::Seed;
use crate::image::{Tar, gzip, mend_tar};

/// Plain, its checksums put right; the halves are divided after `blocks` blocks.
fn plain(blocks: u16, tar: Vec<u8>) -> Vec<u8> {
    [&[4][..], &blocks.to_be_bytes(), &tar].concat()
}

fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let digits = (rest.len() + 2).to_string().len();
    format!("{}{rest}", rest.len() + digits).into_bytes()
}

pub(super) fn layers() -> Vec<Seed> {
    let whole = u16::MAX;
    let tar = |tar: Tar| plain(whole, tar.end());
    let file = |name: &str| Tar::default().file(name, 0o644, b"x");
    let long = "d".repeat(300);
    let small = file("a").end();
    let mut sparse = Tar::default().entry(b"sparse", b'S', 0o644, b"", &[7; 512]).end();
    sparse[483..494].copy_from_slice(b"77777777777");
    sparse[482] = 1;
    mend_tar(&mut sparse);
    let two = Tar::default().file("a/x", 0o4755, b"x").file("b", 0o644, b"x").end();
    let upper =
        Tar::default().file("a/.wh.x", 0, b"").file(".wh.b", 0, b"").file("a/.wh..wh..opq", 0, b"").end();
    vec![
        ("seed-parent", tar(file("../../etc/passwd"))),
        ("seed-absolute", tar(file("/etc/x"))),
        ("seed-link-out", tar(Tar::default().entry(b"a/b", b'2', 0o777, b"../../etc/passwd", b""))),
        ("seed-hard-link-out", tar(Tar::default().entry(b"a", b'1', 0o644, b"../x", b""))),
        (
            "seed-devices",
            tar(Tar::default()
                .entry(b"sda", b'4', 0o660, b"", b"")
                .entry(b"tty", b'3', 0o660, b"", b"")
                .entry(b"p", b'6', 0o660, b"", b"")),
        ),
        ("seed-sparse", plain(whole, sparse)),
        (
            "seed-gnu-names",
            tar(Tar::default()
                .entry(b"././@LongLink", b'L', 0, b"", long.as_bytes())
                .entry(b"././@LongLink", b'K', 0, b"", long.as_bytes())
                .entry(b"s", b'2', 0o777, b"t", b"")),
        ),
        (
            "seed-pax-names",
            tar(Tar::default()
                .entry(
                    b"p",
                    b'x',
                    0,
                    b"",
                    &[
                        pax("path", &long),
                        pax("size", "1"),
                        pax("linkpath", "y"),
                        pax("GNU.sparse.realsize", "9"),
                    ]
                    .concat(),
                )
                .file("s", 0o644, b"x")),
        ),
        (
            "seed-pax-global",
            tar(Tar::default().entry(b"g", b'g', 0, b"", &pax("comment", "x")).file("s", 0o644, b"x")),
        ),
        ("seed-duplicates", tar(file("a").file("a", 0o4755, b"y"))),
        ("seed-case", tar(file("Read").file("read", 0o644, b"y"))),
        ("seed-not-utf8", tar(Tar::default().entry(b"caf\xe9", b'0', 0o644, b"", b"x"))),
        (
            "seed-control",
            tar(Tar::default().entry(b"\x1b[2J\xc2\x9b2J\xe2\x80\xae", b'0', 0o4755, b"", b"x")),
        ),
        ("seed-cut", plain(whole, small[..700].to_vec())),
        ("seed-garbage", plain(whole, [&small[..], b"garbage"].concat())),
        ("seed-not-tar", plain(whole, b"this is no tar".repeat(50))),
        ("seed-whiteouts", plain(u16::try_from(two.len() / 512).unwrap_or(1), [two, upper].concat())),
        ("seed-gzip", [&[1, 0, 0][..], &gzip(&small)].concat()),
        ("seed-gzip-bomb", [&[1, 0, 0][..], &gzip(&vec![0; 4 << 20])].concat()),
        (
            "seed-zstd",
            [&[2, 0, 0][..], &zstd::stream::encode_all(&small[..], 1).unwrap_or_default()].concat(),
        ),
        ("seed-both", [&[7, 0, 0][..], &small].concat()),
        ("seed-empty", plain(0, Vec::new())),
        (
            "seed-base-256",
            plain(whole, {
                let mut tar = small.clone();
                tar[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
                mend_tar(&mut tar);
                tar
            }),
        ),
    ]
}
