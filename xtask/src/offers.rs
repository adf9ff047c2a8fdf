//! `cargo xtask offers DIR`: a data directory with many live offers, for measurements and for looking at pages. One offer is
//! published by the demo, wholly and really; the others are copies of its rows and files with names, texts, logos and
//! categories of their own. They share its image, report and bill of materials, since those are known by digest.

mod tar;
mod words;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bench::measure::output;
use words::Words;

/// Live offers, unless another number is given.
const COUNT: usize = 100_000;
/// Sets of logos, each of a colour of its own.
const LOGOS: usize = 24;
/// Files whose digests are taken by one process.
const BATCH: usize = 2_000;
/// 2026-01-01, in milliseconds; offers went live after it, some minutes apart.
const FIRST_MS: u64 = 1_767_225_600_000;
const MINUTES_MS: u64 = 287_000;

/// Publisher, offer and submission of the demo's offer.
struct Base {
    publisher: String,
    offer: String,
    submission: String,
    document: String,
    description: Vec<u8>,
}

/// Makes the directory that the arguments name.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let mut rest = arguments.iter();
    let folder = rest.next().filter(|first| !first.starts_with('-'));
    let folder = PathBuf::from(folder.ok_or("no directory is named\nhint: cargo xtask offers DIR")?);
    let (mut count, mut program) = (COUNT, root.join("target/release/edgemarket"));
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{argument} has no value\nhint: see `cargo xtask`"))?;
        match argument.as_str() {
            "--count" => {
                count = value.parse().map_err(|_| format!("--count is `{value}`\nhint: give a number"))?;
            }
            "--program" => program = PathBuf::from(value),
            other => return Err(format!("unknown option `{other}`\nhint: see `cargo xtask` for usage")),
        }
    }
    make(&program, &folder, count)
}

/// Makes a data directory with so many live offers.
pub fn make(program: &Path, folder: &Path, count: usize) -> Result<(), String> {
    let scratch = folder.with_extension("demo");
    let _ = fs::remove_dir_all(&scratch);
    if folder.exists() {
        return Err(format!("{} is there already\nhint: remove it, or name another", folder.display()));
    }
    let mut demo = Command::new(program);
    demo.args(["demo", "--exit", "--quiet", "--lang", "en", "--data"]).arg(&scratch);
    output(demo.env("EDGEMARKET_SANDBOX", "off"))?;
    fs::rename(scratch.join("home"), folder).map_err(failed("moving the demo's data"))?;
    let base = Base::read(folder, &scratch)?;
    let logos = logos(program, &scratch)?;
    let mut sql = String::from(
        "CREATE TEMP TABLE made (number INTEGER PRIMARY KEY, publisher, id, submission, bundle, at INTEGER, title, summary, categories, facts);\nBEGIN;\n",
    );
    let mut words = Words::new();
    for publisher in words.publishers() {
        let _ = writeln!(
            sql,
            "INSERT INTO publishers VALUES ('{}', '{}', {FIRST_MS});",
            publisher.0, publisher.1
        );
    }
    for first in (0..count).step_by(BATCH) {
        let last = (first + BATCH).min(count);
        let offers: Vec<words::Offer> = (first..last).map(|number| words.offer(number)).collect();
        let bundles = bundles(folder, &base, &offers, &logos)?;
        for (offer, bundle) in offers.iter().zip(&bundles) {
            row(&mut sql, offer, bundle);
        }
    }
    sql.push_str(&copies(&base));
    sql.push_str("COMMIT;\nANALYZE;\n");
    execute(folder, &sql)?;
    let _ = fs::remove_dir_all(&scratch);
    println!("{}: {count} live offers", folder.display());
    Ok(())
}

fn failed(what: &str) -> impl Fn(std::io::Error) -> String + '_ {
    move |error| format!("{what} failed: {error}")
}

impl Base {
    fn read(folder: &Path, scratch: &Path) -> Result<Base, String> {
        let sql = "SELECT publisher, offer, submission FROM listings";
        let row = output(Command::new("sqlite3").arg(folder.join("market.db")).arg(sql))?;
        let mut fields = row.trim().split('|').map(str::to_owned);
        let mut field = || fields.next().ok_or_else(|| format!("the demo's listing is `{row}`"));
        Ok(Base {
            publisher: field()?,
            offer: field()?,
            submission: field()?,
            document: fs::read_to_string(scratch.join("offer/offer.yaml"))
                .map_err(failed("reading offer.yaml"))?,
            description: fs::read(scratch.join("offer/description.html"))
                .map_err(failed("reading description.html"))?,
        })
    }
}

/// The files of a set of logos, by path.
type Logos = Vec<(String, Vec<u8>)>;

fn logos(program: &Path, scratch: &Path) -> Result<Vec<Logos>, String> {
    let mut sets = Vec::new();
    for number in 0..LOGOS {
        let folder = scratch.join(format!("logos-{number}"));
        let name = format!("module-{}", number * 7);
        output(Command::new(program).args(["offer", "new", "--quiet", "--offer", &name]).arg(&folder))?;
        let mut set = Vec::new();
        for size in ["large", "medium", "small", "wide"] {
            let path = format!("logos/{size}.png");
            set.push((path.clone(), fs::read(folder.join(&path)).map_err(failed("reading a logo"))?));
        }
        sets.push(set);
    }
    Ok(sets)
}

/// Writes the bundle of each offer under its digest, and gives the digests.
fn bundles(
    folder: &Path,
    base: &Base,
    offers: &[words::Offer],
    logos: &[Logos],
) -> Result<Vec<String>, String> {
    let place = folder.join("bundles");
    let mut paths = Vec::new();
    for offer in offers {
        let document = document(base, offer);
        let mut files: Vec<(&str, &[u8])> = vec![("description.html", &base.description)];
        files.extend(
            logos[offer.number % LOGOS].iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
        );
        files.push(("offer.yaml", document.as_bytes()));
        let path = place.join(format!("{}.new", offer.number));
        fs::write(&path, tar::archive(&files)).map_err(failed("writing a bundle"))?;
        paths.push(path);
    }
    let sums = output(Command::new("sha256sum").args(&paths))?;
    let digests: Vec<String> =
        sums.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    for (path, digest) in paths.iter().zip(&digests) {
        fs::rename(path, place.join(format!("{digest}.tar"))).map_err(failed("naming a bundle"))?;
    }
    Ok(digests)
}

fn document(base: &Base, offer: &words::Offer) -> String {
    let mut text = String::new();
    for line in base.document.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let key = line.trim_start().split(':').next().unwrap_or_default();
        let replaced = match (indent.len(), key) {
            (0, "publisher") => Some(offer.publisher.clone()),
            (0, "id") => Some(offer.id.clone()),
            (0, "name") | (4 | 2, "title") => Some(format!("\"{}\"", offer.title)),
            (2, "summary") => Some(format!("\"{}\"", offer.summary)),
            (2, "longSummary") => Some(format!("\"{}\"", offer.long_summary)),
            (2, "marketingIdentifier") => Some(format!("m-{}", offer.number)),
            (2, "categories") => Some(format!("[{}]", offer.categories.join(", "))),
            (4, "licenceModel") => Some(offer.licence.to_owned()),
            (8, "value") => Some("FROM /messages/* INTO $upstream".to_owned()),
            _ => None,
        };
        match replaced {
            Some(value) => text.push_str(&format!("{indent}{key}: {value}\n")),
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// The row that tells what is an offer's own.
fn row(sql: &mut String, offer: &words::Offer, bundle: &str) {
    let at = FIRST_MS + MINUTES_MS * offer.number as u64;
    let facts = serde_json::json!({
        "longSummary": offer.long_summary, "plans": ["Standard"], "platforms": offer.platforms,
        "licences": [offer.licence], "version": "1.0.0", "showcased": offer.platforms.len() >= 3,
    });
    // A String takes every write.
    let _ = writeln!(
        sql,
        "INSERT INTO made VALUES ({}, '{}', '{}', '01b00000-0000-7000-8000-{:012}', 'sha256:{bundle}', {at}, '{}', '{}', '{}', '{facts}');",
        offer.number,
        offer.publisher,
        offer.id,
        offer.number,
        offer.title,
        offer.summary,
        serde_json::json!(offer.categories),
    );
}

/// What every offer has of the demo's, under its own name. The demo's rows are put aside first: a look for them among a
/// hundred thousand, a hundred thousand times, would take an hour.
fn copies(base: &Base) -> String {
    let (publisher, offer, from) = (&base.publisher, &base.offer, &base.submission);
    format!(
        "CREATE TEMP TABLE base_offer AS SELECT * FROM offers WHERE live = '{from}';
         CREATE TEMP TABLE base_submission AS SELECT * FROM submissions WHERE id = '{from}';
         CREATE TEMP TABLE base_tags AS SELECT * FROM submission_tags WHERE submission = '{from}';
         CREATE TEMP TABLE base_documents AS SELECT * FROM documents WHERE submission = '{from}';
         CREATE TEMP TABLE base_steps AS SELECT * FROM steps WHERE submission = '{from}';
         CREATE TEMP TABLE base_live AS SELECT * FROM live_tags WHERE publisher = '{publisher}' AND offer = '{offer}';
         INSERT INTO offers SELECT m.publisher, m.id, m.bundle, b.version, m.submission, m.at, m.at FROM made m, base_offer b;
         INSERT INTO submissions SELECT m.submission, m.publisher, m.id, 1, m.bundle, b.state, b.reason, b.notify, 'publisher:' || m.publisher, m.at, m.at FROM made m, base_submission b;
         INSERT INTO submission_tags SELECT m.submission, b.plan, b.tag, b.digest, b.media_type, b.size FROM made m, base_tags b;
         INSERT INTO documents SELECT m.submission, b.plan, b.kind, b.subject, b.platform, b.digest, b.size FROM made m, base_documents b;
         INSERT INTO steps SELECT m.submission, b.step, b.status, b.progress, m.at, m.at FROM made m, base_steps b;
         INSERT INTO live_tags SELECT m.publisher, m.id, b.plan, b.tag, b.digest, m.submission, m.at FROM made m, base_live b;
         INSERT INTO listings (publisher, offer, identifier, title, summary, categories, submission, live_ms, facts, changed)
         SELECT publisher, id, 'm-' || number, title, summary, categories, submission, at, facts, number + 2 FROM made;
        "
    )
}

fn execute(folder: &Path, sql: &str) -> Result<(), String> {
    let mut child = Command::new("sqlite3")
        .args(["-bail", "-cmd", "PRAGMA synchronous = OFF"])
        .arg(folder.join("market.db"))
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start sqlite3: {error}\nhint: as root, apt-get install sqlite3"))?;
    let written = child.stdin.take().map(|mut input| input.write_all(sql.as_bytes()));
    let status = child.wait().map_err(failed("sqlite3"))?;
    match written {
        Some(Ok(())) if status.success() => Ok(()),
        _ => Err(format!("sqlite3 ended with {status}")),
    }
}
