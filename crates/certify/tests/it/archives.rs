//! Archives of the less common kinds are looked into, and those that are not are named.

use crate::fixture::{Image, Tar, eicar, gzip};
use certify::evidence::{FaultKind, ImageEvidence};
use proptest::prelude::*;
use std::io::Read as _;

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    bzip2::read::BzEncoder::new(data, bzip2::Compression::fast())
        .read_to_end(&mut packed)
        .expect("memory does not fail");
    packed
}

/// An archive of the `newc` form.
fn cpio(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, data) in members.iter().chain(&[("TRAILER!!!", &b""[..])]) {
        let mode = if *name == "TRAILER!!!" { 0 } else { 0o100_644 };
        let fields = [1, mode, 0, 0, 1, 0, data.len(), 0, 0, 0, 0, name.len() + 1, 0];
        archive.extend_from_slice(b"070701");
        fields.iter().for_each(|field| archive.extend_from_slice(format!("{field:08x}").as_bytes()));
        archive.extend_from_slice(name.as_bytes());
        archive.push(0);
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
    // The signature is filled up to eight bytes: 16 + 16 + 4 and 4 more.
    [&lead[..], &header, &[0; 4], &header, payload].concat()
}

fn gathered(name: &str, data: &[u8]) -> ImageEvidence {
    Image::new().layer(Tar::default().file(name, 0o644, data)).gather()
}

fn places(evidence: &ImageEvidence) -> Vec<&str> {
    evidence.matches.iter().map(|found| found.place.path.as_str()).collect()
}

#[test]
fn bzip2_cpio_and_rpm_are_looked_into() {
    let tar = Tar::default().file("./x/eicar.com", 0o644, &eicar()).end();
    let archive = cpio(&[("./usr/bin/a", b"nothing"), ("./usr/bin/eicar.com", &eicar())]);
    for (name, data, place) in [
        ("a.bz2", bzip2(&eicar()), "a.bz2!a"),
        ("b.tar.bz2", bzip2(&tar), "b.tar.bz2!x/eicar.com"),
        ("c.cpio", archive.clone(), "c.cpio!usr/bin/eicar.com"),
        ("initrd.img", gzip(&archive), "initrd.img!usr/bin/eicar.com"),
        ("d.rpm", rpm(&gzip(&archive)), "d.rpm!usr/bin/eicar.com"),
        ("e.rpm", rpm(&bzip2(&archive)), "e.rpm!usr/bin/eicar.com"),
    ] {
        let evidence = gathered(name, &data);
        assert_eq!(places(&evidence), [place], "{:?}", evidence.faults);
        assert_eq!(evidence.faults, [], "{name}");
    }
}

#[test]
fn a_bomb_in_bzip2_ends_at_the_limit_and_is_said() {
    let evidence = gathered("bomb.bz2", &bzip2(&vec![0; 80 << 20]));
    assert_eq!(evidence.faults.len(), 1);
    assert_eq!(evidence.faults[0].kind, FaultKind::Size);
    assert!(evidence.faults[0].message.contains("bomb"), "{}", evidence.faults[0].message);
}

#[test]
fn archives_that_are_cut_off_are_said() {
    let archive = cpio(&[("a", &[7; 1000])]);
    let mut no_number = archive.clone();
    no_number[60] = b'x';
    for data in [
        archive[..600].to_vec(),
        bzip2(&[7; 9000])[..30].to_vec(),
        rpm(b"?"),
        rpm(b"")[..120].to_vec(),
        no_number,
    ] {
        let evidence = gathered("a", &data);
        let kinds: Vec<FaultKind> = evidence.faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, [FaultKind::Unscanned], "{:?}", evidence.faults);
    }
}

#[test]
fn kinds_that_are_not_handled_are_named() {
    let mut squashfs = vec![0; 96];
    squashfs[..4].copy_from_slice(b"hsqs");
    squashfs[28] = 4;
    for (data, name) in [
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), "7z"),
        (b"Rar!\x1a\x07\x01\0".to_vec(), "RAR"),
        (b"MSCF\0\0\0\0".to_vec(), "cabinet"),
        (b"LZIP\x01\x0c".to_vec(), "lzip"),
        (vec![4, 0x22, 0x4d, 0x18, 0x64], "LZ4"),
        (vec![0x1f, 0x9d, 0x90, 1], "compress"),
        (squashfs, "squashfs"),
    ] {
        let evidence = gathered("opt/a", &data);
        let message = format!("a {name} archive was not unpacked: this format is not handled");
        assert_eq!(evidence.faults.iter().map(|fault| &fault.message).collect::<Vec<_>>(), [&message]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_archives_of_every_kind_do_no_harm(
        which in 0..5_usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let archive = cpio(&[("a", b"content"), ("b", b"more")]);
        let mut data = match which {
            0 => archive,
            1 => rpm(&archive),
            2 => bzip2(&archive),
            3 => rpm(&gzip(&archive)),
            _ => [&b"!<arch>\ndebian-binary   "[..], &[b' '; 24], b"4         `\n2.0\n"].concat(),
        };
        let place = at.index(data.len());
        data[place] = byte;
        data.truncate(cut.index(data.len()) + 1);
        gathered("a", &data);
    }
}
