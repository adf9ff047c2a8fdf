//! Measures vulnerability data: `synthesise N OUT.zip` makes a zip of N records like osv.dev's, `import OUT.db FILE…`
//! imports, `match OUT.db LIST` looks up the packages of a list (lines of kind, name and version). Prints seconds, CPU
//! seconds and peak memory. Not a test.

use certify::advisories::Advisories;
use certify::advisories::import::Importer;
use certify::advisories::matching::match_packages;
use certify::evidence::{Distribution, Package, PackageKind, Place};
use flate2::write::DeflateEncoder;
use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["synthesise", count, out] => synthesise(count.parse()?, Path::new(out)),
        ["import", out, ref files @ ..] => import(Path::new(out), files),
        ["match", file, list] => look_up(Path::new(file), Path::new(list)),
        _ => Err("synthesise N OUT.zip | import OUT.db FILE… | match OUT.db LIST".into()),
    }
}

fn import(out: &Path, files: &[&str]) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut silent = |_: certify::advisories::import::Progress<'_>| {};
    let mut importer = Importer::new(out, jiff::civil::date(2026, 11, 24), None, &mut silent)?;
    for file in files {
        importer.add(Path::new(file))?;
    }
    let summary = importer.finish()?;
    for source in &summary.sources {
        println!("{}: {} records, {:?}", source.name, source.records, source.counts);
    }
    let bytes = std::fs::metadata(out)?.len();
    println!("imported in {:.2} s, file {bytes} bytes, {}", start.elapsed().as_secs_f64(), used());
    Ok(())
}

fn look_up(file: &Path, list: &Path) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(list)?;
    let packages: Vec<Package> = text.lines().filter_map(package).collect();
    let of = Distribution { id: "debian".into(), version_id: "12".into(), pretty_name: String::new() };
    for _ in 0..5 {
        let start = Instant::now();
        let advisories = Advisories::open(file)?;
        let opened = start.elapsed();
        let (found, unchecked) = match_packages(&advisories, &packages, Some(&of))?;
        println!(
            "{} packages: {} vulnerabilities, {unchecked:?}; opened in {:.2} ms, all in {:.2} ms, {}",
            packages.len(),
            found.len(),
            opened.as_secs_f64() * 1e3,
            start.elapsed().as_secs_f64() * 1e3,
            used()
        );
    }
    Ok(())
}

fn package(line: &str) -> Option<Package> {
    let mut words = line.split_whitespace();
    let kind = match words.next()? {
        "pypi" => PackageKind::Pypi,
        "golang" => PackageKind::Golang,
        "cargo" => PackageKind::Cargo,
        "deb" => PackageKind::Deb,
        "npm" => PackageKind::Npm,
        _ => return None,
    };
    Some(Package {
        kind,
        name: words.next()?.to_owned(),
        version: words.next()?.to_owned(),
        architecture: None,
        source: None,
        licence: None,
        place: Place { layer: None, path: "x".to_owned() },
    })
}

/// CPU seconds and peak memory of this process, as Linux tells them.
fn used() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let status = read("/proc/self/status");
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().trim().to_owned();
    let stat = read("/proc/self/stat");
    let ticks: u64 =
        stat.split_whitespace().skip(13).take(2).filter_map(|tick| tick.parse::<u64>().ok()).sum();
    format!("{:.2} CPU s, peak {peak}", ticks as f64 / 100.0)
}

/// Records of about 2 kB with two affected packages each, of which one enumerates versions; the zip is a Zip64 one.
fn synthesise(count: u32, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(std::fs::File::create(out)?);
    let (mut at, mut directory) = (0u64, Vec::new());
    for number in 0..count {
        let name = format!("S-{number}.json");
        let text = record(number);
        let mut packed = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes())?;
        let packed = packed.finish()?;
        let mut sum = flate2::Crc::new();
        sum.update(text.as_bytes());
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        for number in [sum.sum(), packed.len() as u32, text.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        for part in [&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed] {
            file.write_all(part)?;
        }
        directory.extend(b"PK\x01\x02\x14\x00".iter().chain(&common));
        directory.extend([0; 10]);
        directory.extend((at as u32).to_le_bytes().iter().chain(name.as_bytes()));
        at += (30 + name.len() + packed.len()) as u64;
    }
    file.write_all(&directory)?;
    let (count, length) = (u64::from(count), directory.len() as u64);
    let mut end = b"PK\x06\x06".to_vec();
    end.extend(44u64.to_le_bytes());
    end.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [count, count, length, at] {
        end.extend(number.to_le_bytes());
    }
    end.extend(b"PK\x06\x07\x00\x00\x00\x00");
    end.extend((at + length).to_le_bytes().iter().chain(&[1, 0, 0, 0]));
    end.extend(b"PK\x05\x06\x00\x00\x00\x00");
    end.extend([0xff; 12]);
    end.extend([0, 0]);
    file.write_all(&end)?;
    Ok(file.flush()?)
}

fn record(number: u32) -> String {
    let versions: Vec<String> = (0..60).map(|minor| format!("\"1.{minor}.{}\"", number % 9)).collect();
    let details =
        format!("A fault in the parser of component {number} lets others read beyond the end. ").repeat(12);
    format!(
        r#"{{"schema_version":"1.7.0","id":"S-{number}","modified":"2026-11-{:02}T10:00:00Z","aliases":["CVE-2026-{number}"],
        "summary":"Out of bounds read in component {number}","details":"{details}","severity":[{{"type":"CVSS_V3",
        "score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}}],"affected":[{{"package":{{"ecosystem":"PyPI",
        "name":"package-{}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1.50.0"}}]}}],
        "versions":[{}]}},{{"package":{{"ecosystem":"Debian:12","name":"source-{}"}},"ranges":[{{"type":"ECOSYSTEM",
        "events":[{{"introduced":"0"}},{{"fixed":"2.0-{number}"}}]}}]}}],"references":[{{"type":"WEB",
        "url":"https://example.com/{number}"}}]}}"#,
        1 + number % 20,
        number % 40_000,
        versions.join(","),
        number % 40_000,
    )
}
