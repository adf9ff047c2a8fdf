//! Pictures: what passes, and what each broken one is called.

use crate::document::{errors, read, sound};
use offer::finding::Severity;
use offer::pictures::{PICTURE_BYTES_MAX, PictureError, check};

const SIZE: (u32, u32) = (40, 40);

fn encoded(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![0; 3 * 16]);
    }
    let row = (width as usize * colour.samples() * depth as usize).div_ceil(8);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&vec![7; row * height as usize]).expect("pixels");
    writer.finish().expect("an end");
    file
}

fn sound_png() -> Vec<u8> {
    encoded(SIZE.0, SIZE.1, png::ColorType::Rgba, png::BitDepth::Eight)
}

/// A PNG chunk with its check sum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(data.len()).expect("a small chunk").to_be_bytes().to_vec();
    bytes.extend_from_slice(kind);
    bytes.extend_from_slice(data);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[4..]);
    bytes.extend_from_slice(&crc.sum().to_be_bytes());
    bytes
}

fn header(width: u32, height: u32) -> Vec<u8> {
    let mut data = [width.to_be_bytes(), height.to_be_bytes()].concat();
    data.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(b"IHDR", &data));
    file
}

fn zlib(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn every_colour_type_and_depth_passes() {
    use png::{BitDepth::*, ColorType::*};
    let forms = [
        (Grayscale, One),
        (Grayscale, Four),
        (Grayscale, Eight),
        (Grayscale, Sixteen),
        (Rgb, Eight),
        (Rgb, Sixteen),
        (Indexed, Four),
        (GrayscaleAlpha, Eight),
        (Rgba, Eight),
        (Rgba, Sixteen),
    ];
    for (colour, depth) in forms {
        assert_eq!(check(&encoded(255, 115, colour, depth), (255, 115)), Ok(()), "{colour:?} {depth:?}");
    }
}

#[test]
fn each_fault_has_its_name() {
    let good = sound_png();
    let mut flipped = good.clone();
    let middle = good.len() / 2;
    flipped[middle] ^= 0x40;
    let mut trailing = good.clone();
    trailing.extend_from_slice(b"PK\x03\x04");
    let pixels = 40 * (1 + 40 * 3);
    let bomb = [header(40, 40), chunk(b"IDAT", &zlib(&vec![0; 64 << 20])), chunk(b"IEND", b"")].concat();
    let starved = [header(40, 40), chunk(b"IDAT", &zlib(&vec![0; pixels - 1])), chunk(b"IEND", b"")].concat();
    let exact = [header(40, 40), chunk(b"IDAT", &zlib(&vec![0; pixels])), chunk(b"IEND", b"")].concat();
    assert_eq!(check(&exact, SIZE), Ok(()));
    let gigantic = [header(0x7fff_ffff, 0x7fff_ffff), chunk(b"IEND", b"")].concat();
    let no_data = [header(40, 40), chunk(b"IEND", b"")].concat();
    let animated = [header(40, 40), chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), chunk(b"IEND", b"")].concat();
    let flood = [header(40, 40), chunk(b"tEXt", b"").repeat(20_000)].concat();
    let cases: [(&str, &[u8]); 17] = [
        ("empty", b""),
        ("jpeg", b"\xff\xd8\xff\xe0"),
        ("gif", b"GIF89a"),
        ("webp", b"RIFF\0\0\0\0WEBPVP8 "),
        ("svg", b"<?xml version='1.0'?><svg/>"),
        ("text", b"not a picture"),
        ("signature only", b"\x89PNG\r\n\x1a\n"),
        ("cut", &good[..good.len() - 20]),
        ("flipped", &flipped),
        ("trailing", &trailing),
        ("bomb", &bomb),
        ("starved", &starved),
        ("gigantic", &gigantic),
        ("no data", &no_data),
        ("animated", &animated),
        ("flood of chunks", &flood),
        ("too large", &vec![0; PICTURE_BYTES_MAX + 1]),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(name, bytes)| {
            let error = check(bytes, SIZE).expect_err(name);
            format!("{name}: [{}] {error}", error.rule())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_picture_one_pixel_off_is_refused() {
    for (width, height) in [(39, 40), (41, 40), (40, 39), (40, 41)] {
        let picture = encoded(width, height, png::ColorType::Rgb, png::BitDepth::Eight);
        assert!(matches!(check(&picture, SIZE), Err(PictureError::Size { .. })), "{width}×{height}");
    }
}

#[test]
fn every_logo_has_its_size() {
    for name in ["small", "medium", "large", "wide"] {
        let mut files = sound();
        let path = format!("logos/{name}.png");
        files.insert(path.clone(), encoded(41, 40, png::ColorType::Rgb, png::BitDepth::Eight));
        assert_eq!(errors(&files), ["picture-size"], "{name}");
        files.remove(&path);
        assert_eq!(errors(&files), ["file-missing"], "{name}");
    }
}

#[test]
fn a_hero_a_screenshot_and_a_video_pass() {
    let mut files = crate::document::changed("    # hero: logos/hero.png", "    hero: hero.png");
    let text = crate::document::yaml(&files)
        .replace("    # screenshots: ", "    screenshots: [{name: One, file: wide.png}] #")
        .replace(
            "  privacyPolicyUrl:",
            "  videos: [{name: V, link: 'https://vimeo.com/123', thumbnail: wide.png}]\n  privacyPolicyUrl:",
        );
    files.insert("offer.yaml".into(), text.into_bytes());
    files.insert("hero.png".into(), encoded(815, 290, png::ColorType::Rgb, png::BitDepth::Eight));
    files.insert("wide.png".into(), encoded(533, 324, png::ColorType::Rgb, png::BitDepth::Eight));
    let reading = read(&files);
    let errors: Vec<_> = reading.findings.iter().filter(|f| f.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let offer = reading.offer.expect("a sound offer");
    assert_eq!(offer.listing.logos.hero.as_deref(), Some("hero.png"));
    assert_eq!(offer.plans[0].screenshots.len(), 1);
    assert_eq!(offer.listing.videos.len(), 1);
}
