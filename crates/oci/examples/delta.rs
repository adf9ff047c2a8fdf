//! Measures a delta between two layers: `delta OLD NEW [MEDIA-TYPE]` prints the bytes of a plain pull, of the delta, of zstd's patch
//! of the compressed bytes, and the seconds that making and applying take. Not a test.

use oci::delta::{Parts, apply, make};
use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [old, new, rest @ ..] = &arguments[..] else { return Err("delta OLD NEW [MEDIA-TYPE]".into()) };
    let media_type = rest.first().map_or("application/vnd.oci.image.layer.v1.tar+gzip", String::as_str);
    let (old, new) = (std::fs::read(old)?, std::fs::read(new)?);
    let start = Instant::now();
    let (from, to) = (Parts::of(media_type, &old)?, Parts::of(media_type, &new)?);
    println!("taken apart: {} and {} bytes in {:.2?}", from.bytes(), to.bytes(), start.elapsed());
    let start = Instant::now();
    let delta = make(&from, &to, &|_| true)?;
    println!(
        "made in {:.2?}: {} bytes, {:.2} % of {}",
        start.elapsed(),
        delta.len(),
        share(&delta, &new),
        new.len()
    );
    let start = Instant::now();
    let mut rebuilt = Vec::new();
    apply(&from, &delta, new.len() as u64, &mut rebuilt)?;
    println!("applied in {:.2?}: {}", start.elapsed(), if rebuilt == new { "equal" } else { "DIFFERENT" });
    let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), 12, &old)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(30)?;
    encoder.write_all(&new)?;
    let patch = encoder.finish()?;
    println!("zstd's patch of the compressed bytes: {} bytes, {:.2} %", patch.len(), share(&patch, &new));
    Ok(())
}

fn share(part: &[u8], of: &[u8]) -> f64 {
    100.0 * part.len() as f64 / of.len() as f64
}
