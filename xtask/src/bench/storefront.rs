//! The storefront with 100,000 live offers: how long search, an offer's page and the first page take at the server, how many
//! pages one core answers, and how much a first visit fetches. wrk asks, over one connection where time is measured, so that
//! nothing queues.

mod progress;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::certify::empty_folder;
use super::measure::{median, output};
use super::registry::servers::{self, Server};
use super::report::{Row, Target};
use crate::offers;

/// Live offers, as issue 5 says.
const OFFERS: usize = 100_000;
/// Seconds of each load.
const LOAD_S: u32 = 8;
/// What issue 5 promises.
const SEARCH_P99_MS_MAX: f64 = 20.0;
const OFFER_P99_MS_MAX: f64 = 10.0;
const HOME_P99_MS_MAX: f64 = 10.0;
const PAGES_PER_SECOND_MIN: f64 = 300.0;
const FIRST_VISIT_KB_MAX: f64 = 100.0;

/// Searches as they are typed: whole words, beginnings, mistakes, filters, nothing that matches.
const SEARCHES: &[&str] = &[
    "/search?q=modbus",
    "/search?q=modbus+gate",
    "/search?q=modbsu+gateway",
    "/search?q=t",
    "/search?q=te",
    "/search?q=temp",
    "/search?q=temperature+monitor",
    "/search?q=temprature+moniter",
    "/search?q=opc+ua",
    "/search?q=anomaly&platform=linux%2Farm64",
    "/search?q=vision&licence=free&sort=newest",
    "/search?q=s&sort=name&page=7",
    "/search?q=zzzzqqq",
    "/search?q=fabrikam+robotics",
    "/search?q=contoso+energy+pro",
    "/search?q=predictive+maintenance+digital+twin",
    "/search?q=sto&badge=showcased",
    "/search?q=solr+battrey+histrian",
];

pub fn measure(program: &Path, folder: &Path, image: &Path, rounds: usize) -> Result<Vec<Row>, String> {
    let data = folder.join("storefront");
    if !data.join("market.db").exists() {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        offers::make(program, &data, OFFERS)?;
    }
    let scratch = folder.join(".bench-storefront");
    empty_folder(&scratch)?;
    let server = servers::on_one_core(program, &data, &scratch)?;
    let begun = std::time::Instant::now();
    server.body("/search?q=first")?;
    let mut rows = vec![Row::new(
        "100,000 offers: from the start to the first search, while the index is built, wall",
        begun.elapsed().as_secs_f64(),
        "s",
    )];
    let pages: Vec<String> = offer_pages(&data)?;
    let searches: Vec<String> = SEARCHES.iter().map(|path| (*path).to_owned()).collect();
    let home = vec!["/".to_owned()];
    let mix: Vec<String> = pages
        .iter()
        .take(200)
        .zip(searches.iter().cycle())
        .enumerate()
        .flat_map(|(at, (page, search))| {
            let other =
                if at.is_multiple_of(2) { "/".to_owned() } else { "/category/analytics?page=2".to_owned() };
            [page.clone(), page.clone(), search.clone(), other]
        })
        .collect();
    for (what, paths, bound) in [
        ("search, p99 at the server", &searches, SEARCH_P99_MS_MAX),
        ("an offer’s page, each time another, p99", &pages, OFFER_P99_MS_MAX),
        ("home, p99", &home, HOME_P99_MS_MAX),
    ] {
        let mut found = Vec::new();
        for _ in 0..rounds {
            found.push(load(&server, &scratch, 1, paths)?.p99_ms);
        }
        rows.push(
            Row::new(format!("100,000 offers: {what}"), median(found), "ms").target(Target::AtMost(bound)),
        );
    }
    let mut rates = Vec::new();
    for _ in 0..rounds {
        rates.push(load(&server, &scratch, 8, &mix)?.per_second);
    }
    let what =
        "100,000 offers: pages a second on one core (half offers, a quarter searches, home and a category)";
    rows.push(Row::new(what, median(rates), "/s").target(Target::AtLeast(PAGES_PER_SECOND_MIN)));
    rows.push(
        Row::new("first visit, without pictures", first_visit(&server)? as f64 / 1e3, "kB")
            .target(Target::AtMost(FIRST_VISIT_KB_MAX)),
    );
    rows.push(Row::new("100,000 offers: peak memory of the server", server.peak_mb()?, "MB"));
    drop(server);
    rows.push(progress::measure(program, image, &scratch)?);
    Ok(rows)
}

/// Bytes of the first page and of all that it makes a browser fetch, but for pictures.
fn first_visit(server: &Server) -> Result<usize, String> {
    let page = server.body("/")?;
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    for part in page.split(['"', '\'']).filter(|part| part.starts_with("/assets/")) {
        paths.extend((!part.ends_with(".svg")).then_some(part));
    }
    let mut bytes = page.len();
    for path in paths {
        bytes += server.body(path)?.len();
    }
    Ok(bytes)
}

/// Addresses of offers from all over the catalogue.
fn offer_pages(data: &Path) -> Result<Vec<String>, String> {
    let sql = "SELECT '/offers/' || publisher || '/' || offer FROM listings WHERE changed % 9 = 0 ORDER BY identifier LIMIT 11000";
    let text = output(Command::new("sqlite3").arg(data.join("market.db")).arg(sql))?;
    Ok(text.lines().map(str::to_owned).collect())
}

struct Load {
    p99_ms: f64,
    per_second: f64,
}

/// Asks for the paths in turn.
fn load(server: &Server, scratch: &Path, connections: u32, paths: &[String]) -> Result<Load, String> {
    let script = scratch.join("paths.lua");
    let list: String = paths.iter().map(|path| format!("  \"{path}\",\n")).collect();
    let text = format!(
        "local paths = {{\n{list}}}\nlocal at = 0\nfunction request()\n  at = at % #paths + 1\n  return wrk.format(\"GET\", paths[at])\nend\n"
    );
    fs::write(&script, text).map_err(|error| format!("cannot write {}: {error}", script.display()))?;
    let text = output(
        Command::new("wrk")
            .args(["--threads", "1", "--connections", &connections.to_string(), "--latency"])
            .args(["--duration", &format!("{LOAD_S}s"), "--timeout", "30s", "--script"])
            .arg(&script)
            .arg(format!("http://127.0.0.1:{}/", server.port)),
    )?;
    parse(&text).ok_or_else(|| format!("wrk said:\n{text}"))
}

/// Nothing, where any request failed.
fn parse(text: &str) -> Option<Load> {
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return None;
    }
    let value = |label: &str| Some(text.split_once(label)?.1.split_whitespace().next()?.to_owned());
    let time = value("99%")?;
    let split = time.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = time.split_at(split);
    let scale = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1_000.0,
        _ => return None,
    };
    Some(Load {
        p99_ms: number.parse::<f64>().ok()? * scale,
        per_second: value("Requests/sec:")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn figures_of_a_load() {
        let text = "  Latency Distribution\n     50%  901.00us\n     99%    4.25ms\n  100 requests\nRequests/sec:    812.40\nTransfer/sec:  1.00MB\n";
        let load = parse(text).unwrap();
        assert_eq!((load.p99_ms, load.per_second), (4.25, 812.4));
        assert!(parse(&format!("{text}Non-2xx or 3xx responses: 3")).is_none());
    }
}
