//! Gathers the evidence of the images in an OCI layout directory and prints it in short: for measurements.
//! `cargo run --release -p certify --example gather -- LAYOUT [CACHE|-] [RULES.yar]`

use certify::cache::Cache;
use certify::gather::gather;
use certify::rules::Rules;
use oci::source::Source as _;
use oci::source::layout::LayoutSource;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let layout = arguments.first().ok_or("usage: gather LAYOUT [CACHE|-] [RULES.yar]")?;
    let cache = arguments
        .get(1)
        .filter(|path| *path != "-")
        .map(|path| Cache::open(Path::new(path), 1 << 30))
        .transpose()?;
    let source = LayoutSource::open(Path::new(layout), None)?;
    let rules = match arguments.get(2) {
        Some(path) => {
            let start = std::time::Instant::now();
            let rules = Rules::with([(path.clone(), std::fs::read_to_string(path)?)], "")?;
            println!("rules compiled in {:?}", start.elapsed());
            rules
        }
        None => Rules::built_in(),
    };
    for image in oci::manifest::images(&source, &source.resolve(None)?)? {
        let start = std::time::Instant::now();
        let evidence = gather(&source, &image, &rules, cache.as_ref(), &|_| ())?;
        println!("{} {:?} in {:?}", evidence.digest, evidence.platform, start.elapsed());
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for package in &evidence.packages {
            *kinds.entry(format!("{:?}", package.kind)).or_default() += 1;
        }
        println!("  packages {kinds:?}; {:?}; start {:?}", evidence.distribution, evidence.start);
        println!("  {} binaries, {} setuid", evidence.binaries.len(), evidence.setuid.len());
        for layer in &evidence.layers {
            println!(
                "  layer {} {} bytes, {} entries",
                layer.digest, layer.uncompressed_bytes, layer.entries
            );
        }
        for fact in evidence.world_writable.iter().chain(&evidence.leftovers) {
            println!("  {:o} {} {}", fact.mode, fact.size, fact.place.path);
        }
        for found in &evidence.matches {
            println!("  {:?} {} {}", found.kind, found.place.path, found.evidence);
        }
        for fault in &evidence.faults {
            println!("  {:?} {} {}", fault.kind, fault.place.path, fault.message);
        }
    }
    Ok(())
}
