//! Layers: what is right passes with the right figures, and each fault is named.

use crate::build::{descriptor, gzip};
use oci::digest::Digest;
use oci::layer::{LayerLimits, LayerReader, LayerSummary};
use oci::manifest::{Descriptor, media_type};
use oci::{Error, layer::Compression};
use std::io::{BufRead, Cursor, Read, Write};

const LIMITS: LayerLimits = LayerLimits { uncompressed_bytes_max: 64 << 20 };

fn finish(descriptor: &Descriptor, bytes: Vec<u8>, diff_id: Option<Digest>) -> Result<LayerSummary, Error> {
    LayerReader::open(Box::new(Cursor::new(bytes)), descriptor, diff_id, LIMITS)?.finish()
}

/// The error, seen three ways: `finish` alone, `read` to the end, and small `BufRead` steps must agree.
fn fault(descriptor: &Descriptor, bytes: Vec<u8>, diff_id: Option<Digest>) -> String {
    let alone = finish(descriptor, bytes.clone(), diff_id).unwrap_err().to_string();
    let mut reader =
        LayerReader::open(Box::new(Cursor::new(bytes.clone())), descriptor, diff_id, LIMITS).unwrap();
    let mut big = vec![0; 1 << 20];
    while reader.read(&mut big).is_ok_and(|count| count > 0) {}
    assert_eq!(reader.finish().unwrap_err().to_string(), alone);
    let mut reader =
        LayerReader::open(Box::new(OneByte(Cursor::new(bytes))), descriptor, diff_id, LIMITS).unwrap();
    while reader.fill_buf().is_ok_and(|buffer| !buffer.is_empty()) {
        reader.consume(1);
    }
    assert_eq!(reader.finish().unwrap_err().to_string(), alone);
    alone
}

/// A network that delivers in the smallest pieces.
struct OneByte(Cursor<Vec<u8>>);

impl Read for OneByte {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = buffer.len().min(1);
        self.0.read(&mut buffer[..room])
    }
}

fn content() -> Vec<u8> {
    (0..100_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

#[test]
fn every_compression_gives_the_content_and_its_figures() {
    let plain = content();
    let zstd = zstd::encode_all(&plain[..], 3).unwrap();
    let two_frames =
        [zstd::encode_all(&plain[..1000], 3).unwrap(), zstd::encode_all(&plain[1000..], 3).unwrap()];
    for (media_type, bytes) in [
        (media_type::OCI_LAYER, plain.clone()),
        (media_type::DOCKER_LAYER, plain.clone()),
        (media_type::OCI_LAYER_GZIP, gzip(&plain)),
        (media_type::DOCKER_LAYER_GZIP, [gzip(&plain[..70_000]), gzip(&[]), gzip(&plain[70_000..])].concat()),
        (media_type::OCI_LAYER_ZSTD, zstd),
        (media_type::DOCKER_LAYER_ZSTD, two_frames.concat()),
    ] {
        let descriptor = descriptor(media_type, &bytes);
        let raw = Box::new(OneByte(Cursor::new(bytes.clone())));
        let mut reader = LayerReader::open(raw, &descriptor, Some(Digest::of(&plain)), LIMITS).unwrap();
        let mut head = [0; 17];
        reader.read_exact(&mut head).unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!([&head[..], &rest[..]].concat() == plain, "{media_type}");
        let summary = LayerSummary {
            compressed_bytes: bytes.len() as u64,
            uncompressed_bytes: plain.len() as u64,
            diff_id: Digest::of(&plain),
        };
        assert_eq!(reader.finish().unwrap(), summary, "{media_type}");
        assert_eq!(finish(&descriptor, bytes, None).unwrap(), summary, "{media_type}");
    }
}

#[test]
fn each_fault_is_named() {
    let plain = content();
    let packed = gzip(&plain);
    let of = |bytes: &[u8]| descriptor(media_type::OCI_LAYER_GZIP, bytes);
    let right = of(&packed);

    let mut flipped = packed.clone();
    flipped[packed.len() / 2] ^= 1;
    assert!(fault(&right, flipped.clone(), None).contains("has digest"), "changed on the way");
    assert!(fault(&of(&flipped), flipped.clone(), None).contains("is malformed"), "pushed damaged");

    let short = packed[..packed.len() - 100].to_vec();
    let text = fault(&right, short.clone(), None);
    assert!(text.contains(&format!("has {} bytes, but {} were stated", short.len(), packed.len())), "{text}");
    assert!(fault(&of(&short), short, None).ends_with("the compressed stream is cut short"));

    let longer = [&packed[..], b"more"].concat();
    let text = fault(&right, longer.clone(), None);
    assert!(
        text.contains(&format!("has {} bytes", packed.len() + 1)),
        "stops at the first byte too many: {text}"
    );
    let text = fault(&of(&longer), longer, None);
    assert!(text.ends_with("bytes that are no gzip member follow the compressed stream"), "{text}");

    let other = Digest::of(b"other");
    assert!(fault(&right, packed.clone(), Some(other)).contains("states diff ID"));
    assert!(
        fault(&of(&plain), plain.clone(), None)
            .ends_with("the media type says gzip, but the content is none")
    );

    let zstd = zstd::encode_all(&plain[..], 3).unwrap();
    let of = |bytes: &[u8]| descriptor(media_type::OCI_LAYER_ZSTD, bytes);
    let cut = zstd[..zstd.len() - 3].to_vec();
    assert!(fault(&of(&cut), cut, None).ends_with("the compressed stream is cut short"));
    let longer = [&zstd[..], b"moremore"].concat();
    assert!(
        fault(&of(&longer), longer, None)
            .ends_with("bytes that are no zstd frame follow the compressed stream")
    );
    assert!(
        fault(&of(&plain), plain.clone(), None)
            .ends_with("the media type says zstd, but the content is none")
    );

    let descriptor = descriptor(media_type::OCI_LAYER, &plain);
    assert!(fault(&descriptor, plain, Some(other)).contains("states diff ID"));
}

#[test]
fn a_window_of_two_gigabytes_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(30).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(&[7; 1 << 20]).unwrap();
    let bytes = encoder.finish().unwrap();
    let descriptor = descriptor(media_type::OCI_LAYER_ZSTD, &bytes);
    assert!(fault(&descriptor, bytes, None).ends_with("its zstd window is larger than 64 MiB"));
}

#[test]
fn foreign_and_unknown_layers_are_refused() {
    for (media_type, text) in [
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "foreign layer"),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "foreign layer"),
        ("application/vnd.oci.image.layer.v1.tar+bzip2", "media type"),
        ("", "media type \"\" of layer"),
    ] {
        let error = Compression::of(&descriptor(media_type, b"")).unwrap_err();
        assert!(matches!(error, Error::Unsupported(_)));
        assert!(error.to_string().starts_with(text), "{error}");
    }
}

/// 10 GB of zeros, in a member small enough for a test: the limit must be hit long before the end.
#[test]
fn bombs_stop_at_the_limit() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(9));
    let zeros = vec![0; 1 << 20];
    for _ in 0..512 {
        gz.write_all(&zeros).unwrap();
    }
    let member = gz.finish().unwrap();
    let frame = zstd::encode_all(std::io::repeat(0).take(1 << 30), 1).unwrap();
    for (media_type, bytes) in
        [(media_type::OCI_LAYER_GZIP, member.repeat(20)), (media_type::OCI_LAYER_ZSTD, frame.repeat(10))]
    {
        let descriptor = descriptor(media_type, &bytes);
        let mut reader = LayerReader::open(Box::new(Cursor::new(bytes)), &descriptor, None, LIMITS).unwrap();
        let seen = std::io::copy(&mut reader, &mut std::io::sink()).unwrap_err();
        assert!(seen.to_string().contains("passes the limit of 67108864 bytes"), "{seen}");
        assert!(reader.uncompressed_bytes() <= LIMITS.uncompressed_bytes_max + (1 << 20));
        assert!(matches!(reader.take_error(), Some(Error::Limit { .. })));
        assert!(reader.read(&mut [0; 8]).is_err(), "a failure is final");
    }
}

#[test]
fn errors_of_the_source_come_through_typed() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            let (registry, cause) = ("r.example".to_owned(), "connection reset".to_owned());
            Err(Error::Unreachable { registry, cause }.into())
        }
    }
    let descriptor = descriptor(media_type::OCI_LAYER_GZIP, b"abc");
    let error = LayerReader::open(Box::new(Broken), &descriptor, None, LIMITS).unwrap().finish().unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}
