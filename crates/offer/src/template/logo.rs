//! Pictures for a new offer: a tile in a colour of the offer's own with a node in a hexagon on it. To be replaced by
//! the publisher's, and good enough until then.

type Colour = [f64; 3];

/// Samples of a pixel in each direction, so that slanted edges are smooth.
const SAMPLES: u32 = 3;

/// A PNG of this size; the colour follows from `seed`.
pub(super) fn png(seed: &str, width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity((width * height * 4) as usize);
    let (top, bottom) = colours(seed);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0; 4];
            for sample in 0..SAMPLES * SAMPLES {
                let offset = |index: u32| (f64::from(index) + 0.5) / f64::from(SAMPLES);
                let (sx, sy) =
                    (f64::from(x) + offset(sample % SAMPLES), f64::from(y) + offset(sample / SAMPLES));
                if let Some(colour) = sample_at(sx, sy, f64::from(width), f64::from(height), top, bottom) {
                    sum[3] += 1.0;
                    for channel in 0..3 {
                        sum[channel] += colour[channel];
                    }
                }
            }
            let inside = sum[3].max(1.0);
            pixels.extend(sum[..3].iter().map(|channel| byte(channel / inside)));
            pixels.push(byte(sum[3] / f64::from(SAMPLES * SAMPLES)));
        }
    }
    encode(&pixels, width, height)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of a byte")]
fn byte(value: f64) -> u8 {
    (value * 255.0).round().clamp(0.0, 255.0) as u8
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    written.expect("writing to memory does not fail, and the pixels are as many as the size says");
    file
}

/// The colour at a point, or nothing outside of the tile's round corners.
fn sample_at(x: f64, y: f64, width: f64, height: f64, top: Colour, bottom: Colour) -> Option<Colour> {
    let unit = width.min(height);
    let radius = unit * 0.18;
    let (from_middle_x, from_middle_y) = (x - width / 2.0, y - height / 2.0);
    let corner_x = (from_middle_x.abs() - (width / 2.0 - radius)).max(0.0);
    let corner_y = (from_middle_y.abs() - (height / 2.0 - radius)).max(0.0);
    if corner_x.hypot(corner_y) > radius {
        return None;
    }
    let hexagon = hexagon_distance(from_middle_x, from_middle_y);
    let node = from_middle_x.hypot(from_middle_y);
    let white = (unit * 0.26..unit * 0.33).contains(&hexagon) || node < unit * 0.11;
    let share = y / height;
    let tile = std::array::from_fn(|channel| top[channel] * (1.0 - share) + bottom[channel] * share);
    Some(if white { [1.0; 3] } else { tile })
}

/// Distance to the middle in units of the hexagon's inner radius, for a hexagon that stands on a corner.
fn hexagon_distance(x: f64, y: f64) -> f64 {
    let (x, y) = (x.abs(), y.abs());
    x.max(x * 0.5 + y * 0.75_f64.sqrt())
}

/// A lighter and a darker tone of a hue that follows from the text (FNV-1a).
fn colours(seed: &str) -> (Colour, Colour) {
    let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hue = f64::from((hash >> 32) as u32 % 360);
    (tone(hue, 0.62), tone(hue, 0.42))
}

fn tone(hue: f64, value: f64) -> Colour {
    // HSV with a fixed saturation.
    const SATURATION: f64 = 0.7;
    [5.0, 3.0, 1.0].map(|offset| {
        let k = (offset + hue / 60.0) % 6.0;
        value * (1.0 - SATURATION * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}
