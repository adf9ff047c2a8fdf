//! Layer deltas: what is taken apart is put together bit for bit, and a strange delta makes no more than it may.

use crate::image::gzip;
use crate::input::Input;
use oci::delta::{Parts, apply, make};
use oci::manifest::media_type;

/// Most bytes that a strange delta may make here.
const MADE_BYTES_MAX: u64 = 1 << 20;

/// The old layer that strange deltas are applied to.
const OLD: &[u8] = b"export const value = lookup(1, \"abc\"); export const other = lookup(2, \"abd\");";

/// The first byte says what the rest is: a compressed layer, a plain one, or a delta.
pub fn deltas(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let rest = input.rest();
    let old = Parts::of(media_type::OCI_LAYER_GZIP, &gzip(OLD)).expect("gzip as flate2 writes it");
    match mode % 3 {
        0 => round_trip(&old, media_type::OCI_LAYER_GZIP, rest),
        1 => round_trip(&old, media_type::OCI_LAYER, rest),
        _ => {
            let mut made = Vec::new();
            let applied = apply(&old, rest, MADE_BYTES_MAX, &mut made);
            assert!(made.len() as u64 <= MADE_BYTES_MAX, "{applied:?}");
        }
    }
}

fn round_trip(old: &Parts, media_type: &str, layer: &[u8]) {
    let Ok(new) = Parts::of(media_type, layer) else { return };
    // Highly compressed inputs are other targets' concern: a level 12 patch of them takes long.
    if new.bytes() > MADE_BYTES_MAX {
        return;
    }
    let delta = make(old, &new, &|_| true).expect("it is small");
    let mut made = Vec::new();
    apply(old, &delta, layer.len() as u64, &mut made).expect("a delta that was just made");
    assert!(made == layer, "the layer is not the same again");
}
