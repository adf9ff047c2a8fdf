//! Deltas of layers that are made here: small, exact, and refused where they do not fit.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

const GZIP_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const TAR_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

fn gzip(text: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Some hundred files like an application's; `changed` has other content.
fn tree(changed: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for file in 0..400_usize {
        let salt = if file == changed { 77 } else { file };
        for line in 0..120_usize {
            let number = (line * 7919 + salt * 104_729) % 65_521;
            writeln!(text, "export const value{line} = lookup({number}, \"{:x}\");", number * salt).unwrap();
        }
    }
    text
}

fn rebuilt(old: &Parts, delta: &[u8], bytes_max: u64) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    apply(old, delta, bytes_max, &mut out).map(|()| out)
}

#[test]
fn a_small_change_is_a_small_delta_and_the_exact_bytes_again() {
    for (media_type, level) in [(GZIP_LAYER, 1), (GZIP_LAYER, 6), (GZIP_LAYER, 9), (TAR_LAYER, 0)] {
        let pack = |text: &[u8]| if level > 0 { gzip(text, level) } else { text.to_vec() };
        let (old, new) = (pack(&tree(500)), pack(&tree(200)));
        let (from, to) = (Parts::of(media_type, &old).unwrap(), Parts::of(media_type, &new).unwrap());
        let delta = make(&from, &to, &|_| true).unwrap();
        assert!(delta.len() * 20 < new.len(), "{media_type} {level}: {} of {}", delta.len(), new.len());
        assert_eq!(rebuilt(&from, &delta, new.len() as u64).unwrap(), new, "{media_type} {level}");
    }
}

#[test]
fn every_kind_of_block_and_member_is_written_again() {
    let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut members = gzip(&noise, 0);
    members.extend(gzip(b"a", 6));
    members.extend(gzip(b"", 6));
    members.extend(gzip(&noise, 9));
    // A header with every field: extra, name, comment, checksum of the header.
    members.extend([0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 1, 2, b'n', 0, b'c', 0, 9, 9]);
    members.extend(&gzip(b"with a header", 6)[10..]);
    members.extend(b"and what follows");
    let to = Parts::of(GZIP_LAYER, &members).unwrap();
    let from = Parts::default();
    let delta = make(&from, &to, &|_| true).unwrap();
    assert_eq!(rebuilt(&from, &delta, members.len() as u64).unwrap(), members);
}

#[test]
fn several_old_layers_serve_one_new() {
    let new = gzip(&[tree(3), tree(9)].concat(), 6);
    let mut from = Parts::of(GZIP_LAYER, &gzip(&tree(500), 6)).unwrap();
    from.append(&Parts::of(GZIP_LAYER, &gzip(&tree(9), 6)).unwrap()).unwrap();
    let delta = make(&from, &Parts::of(GZIP_LAYER, &new).unwrap(), &|_| true).unwrap();
    assert!(delta.len() * 20 < new.len());
    assert_eq!(rebuilt(&from, &delta, new.len() as u64).unwrap(), new);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (old, new) = (gzip(&tree(500), 6), gzip(&tree(200), 6));
    let from = Parts::of(GZIP_LAYER, &old).unwrap();
    let delta = make(&from, &Parts::of(GZIP_LAYER, &new).unwrap(), &|_| true).unwrap();
    let message = |result: Result<Vec<u8>, Fault>| result.unwrap_err().to_string();
    assert_eq!(
        message(rebuilt(&from, &delta, new.len() as u64 - 1)),
        "the delta makes more bytes than the layer has"
    );
    assert_eq!(message(rebuilt(&from, b"no", 9)), "it is no delta of this kind");
    let mut greedy = delta.clone();
    greedy[8..16].fill(0xff);
    assert!(message(rebuilt(&from, &greedy, 9)).contains("more than 268435456"));
    // Against another layer than the one it was made from: other bytes, or none; never the right ones.
    let other = Parts::of(GZIP_LAYER, &gzip(&tree(7)[..40_000], 6)).unwrap();
    assert_ne!(rebuilt(&other, &delta, new.len() as u64).ok(), Some(new.clone()));
    let fault = |bytes: &[u8], media_type: &str| Parts::of(media_type, bytes).unwrap_err().to_string();
    assert!(fault(&new[..new.len() - 9], GZIP_LAYER).contains("ends too early"));
    assert!(fault(&new, "application/vnd.oci.image.layer.v1.tar+zstd").contains("not of"));
    let mut reserved = gzip(b"", 6);
    reserved[10] |= 6;
    assert!(fault(&reserved, GZIP_LAYER).contains("of the kind that does not exist"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back(text in proptest::collection::vec(0_u8..4, 0..5000), level in 0_u32..=9) {
        let new = gzip(&text, level);
        let from = Parts::of(GZIP_LAYER, &gzip(&text[text.len() / 2..], level)).unwrap();
        let delta = make(&from, &Parts::of(GZIP_LAYER, &new).unwrap(), &|_| true).unwrap();
        prop_assert_eq!(rebuilt(&from, &delta, new.len() as u64).unwrap(), new);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), place in 0_usize..2000, bit in 0_u32..8) {
        let mut member = gzip(&bytes, 6);
        member.truncate(10);
        member.extend(&bytes);
        let _ = Parts::of(GZIP_LAYER, &member);
        let (old, new) = (gzip(&tree(500)[..3000], 6), gzip(&tree(200)[..4000], 6));
        let from = Parts::of(GZIP_LAYER, &old).unwrap();
        let mut delta = make(&from, &Parts::of(GZIP_LAYER, &new).unwrap(), &|_| true).unwrap();
        let place = place % delta.len();
        delta[place] ^= 1_u8 << bit;
        let _ = rebuilt(&from, &delta, 1 << 20);
    }
}
