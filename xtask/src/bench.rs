//! `cargo xtask bench`: measures what the issues promise about speed and memory, with the release build, and writes
//! BENCHMARKS.md. It measures whole commands from outside; it is no profiler, and it judges no single function.

mod advisories;
mod certify;
mod made;
pub(crate) mod measure;
mod publish;
mod registry;
mod report;
pub(crate) mod setup;
mod start;
mod storefront;

use std::path::{Path, PathBuf};
use std::process::Command;

use measure::run_checked;
use report::{Report, Row, Target};

/// What is measured, how often, and where.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    part: Part,
    images: PathBuf,
    rounds: usize,
    large: bool,
    peers: bool,
    date: Option<String>,
    program: Option<PathBuf>,
}

/// Which sections are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Certification,
    Registry,
    Storefront,
}

impl Options {
    fn parse(root: &Path, arguments: &[String]) -> Result<Options, String> {
        let (part, arguments) = match arguments {
            [first, rest @ ..] if first == "registry" => (Part::Registry, rest),
            [first, rest @ ..] if first == "storefront" => (Part::Storefront, rest),
            all => (Part::Certification, all),
        };
        let mut options = Options {
            part,
            images: root.join("target/bench/images"),
            rounds: 3,
            large: false,
            peers: false,
            date: None,
            program: None,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || {
                rest.next()
                    .ok_or_else(|| format!("{argument} has no value\nhint: see `cargo xtask` for usage"))
            };
            match argument.as_str() {
                "--images" => options.images = PathBuf::from(value()?),
                "--rounds" => {
                    let text = value()?;
                    options.rounds =
                        text.parse().ok().filter(|rounds| (1..=99).contains(rounds)).ok_or_else(|| {
                            format!("--rounds is `{text}`\nhint: give a number from 1 to 99")
                        })?;
                }
                "--date" => options.date = Some(value()?.clone()),
                "--program" => options.program = Some(PathBuf::from(value()?)),
                "--large" => options.large = true,
                "--peers" => options.peers = true,
                other => return Err(format!("unknown option `{other}`\nhint: see `cargo xtask` for usage")),
            }
        }
        Ok(options)
    }
}

/// Measures, and writes BENCHMARKS.md into `root`.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(root, arguments)?;
    let date = match &options.date {
        Some(date) => date.clone(),
        None => measure::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?.trim().to_owned(),
    };
    let program = || match &options.program {
        Some(program) => Ok(program.clone()),
        None => setup::build_release(root),
    };
    let new_report = || Ok::<_, String>(Report::new(&date, setup::machine()?, options.rounds));
    let (failures, text) = match options.part {
        Part::Storefront => {
            setup::install_tools(setup::TOOLS)?;
            setup::install_tools(setup::STOREFRONT_TOOLS)?;
            let image = "telemetry";
            setup::make_images(&setup::shared_folder(root)?, &options.images, &[image])?;
            let (program, mut report) = (program()?, new_report()?);
            let (place, image) = (root.join("target/bench"), options.images.join(image));
            report.rows = storefront::measure(&program, &place, &image, options.rounds)?;
            (Vec::new(), report.storefront_markdown())
        }
        Part::Registry => {
            setup::install_tools(setup::TOOLS)?;
            setup::install_tools(setup::REGISTRY_TOOLS)?;
            make_images(root, &options)?;
            let (program, mut report) = (program()?, new_report()?);
            let large = options.images.join("large");
            let pushed = options.large.then_some(large.as_path());
            report.rows = registry::measure(&program, &options.images, pushed, options.rounds)?;
            (Vec::new(), report.registry_markdown())
        }
        Part::Certification => {
            setup::install_tools(setup::TOOLS)?;
            let shared = make_images(root, &options)?;
            let (program, mut report) = (program()?, new_report()?);
            let failures = measure_all(root, &shared, &program, &options, &mut report);
            (failures, report.to_markdown())
        }
    };
    print!("{text}");
    if !failures.is_empty() {
        return Err(format!("{}\nhint: BENCHMARKS.md was left as it was", failures.join("\n")));
    }
    let path = root.join("BENCHMARKS.md");
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(&path, report::merge(&old, &text))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Makes the test images, and gives the shared folder that says how.
fn make_images(root: &Path, options: &Options) -> Result<PathBuf, String> {
    let shared = setup::shared_folder(root)?;
    let mut images = vec!["static", "telemetry"];
    if options.large {
        images.push("large");
    }
    setup::make_images(&shared, &options.images, &images)?;
    Ok(shared)
}

/// Fills the report; what could not be measured is told.
fn measure_all(
    root: &Path,
    shared: &Path,
    program: &Path,
    options: &Options,
    report: &mut Report,
) -> Vec<String> {
    let telemetry = options.images.join("telemetry");
    let rounds = options.rounds;
    let mut measured = vec![certify::measure(program, &telemetry, "telemetry", &certify::TELEMETRY, rounds)];
    if options.large {
        let layout = options.images.join("large");
        measured.push(certify::measure(program, &layout, "large", &certify::LARGE, rounds));
    }
    measured.push(certify::measure_changed(program, &telemetry, "telemetry", rounds));
    measured.push(certify::measure_rules(program, &telemetry, "telemetry", rounds).map(|row| vec![row]));
    measured.push(start::measure(program, &options.images.join("static"), rounds));
    measured.push(advisories::measure(root, program, &options.images));
    measured.push(publish::measure(program, rounds).map(|row| vec![row]));
    let mut failures = Vec::new();
    for rows in measured {
        match rows {
            Ok(rows) => report.rows.extend(rows),
            Err(error) => failures.push(error),
        }
    }
    if options.peers {
        match run_peers(root, shared, program, options) {
            Ok(peers) => {
                report.rows.push(peers.row);
                report.peers = Some(peers.table);
            }
            Err(error) => failures.push(error),
        }
    }
    failures
}

/// What the comparison gave: its table as text, and the row that was promised.
struct Peers {
    table: String,
    row: Row,
}

/// Ours may cost this part of what the three scanners that it replaces cost together.
const PEERS_RATIO_MAX: f64 = 1.0 / 25.0;

/// The shared folder's comparison with syft, trivy and pushes; its table as text.
fn run_peers(root: &Path, shared: &Path, program: &Path, options: &Options) -> Result<Peers, String> {
    let folder = root.join("target/bench/peers");
    run_checked(Command::new(shared.join("bench/peers")).arg(&folder))?;
    // `compare` takes any other status than 0 for a run that failed, and a failed verdict is none.
    let ours = format!(
        "XDG_CACHE_HOME=$BENCH_SCRATCH {} certify oci:{{}} --format json --sbom $BENCH_SCRATCH/sbom.json || test $? -eq 1",
        certify::quoted(program)
    );
    let compared =
        measure::output(
            Command::new(shared.join("bench/compare"))
                .arg(&folder)
                .arg(options.images.join("telemetry"))
                .args(["--ours", &ours, "--clam", "--rounds", &options.rounds.to_string()]),
        );
    run_checked(Command::new(shared.join("bench/peers")).arg(&folder).arg("stop"))?;
    let table = compared?;
    let cpu = |row: &str| {
        cpu_seconds(&table, row).ok_or_else(|| format!("the comparison has no row `{row}`:\n{table}"))
    };
    let theirs = cpu("syft")? + cpu("trivy-secret")? + cpu("clamdscan")?;
    let what = "`telemetry`: certify cold, CPU to that of syft, trivy's secrets and clamd together";
    let row = Row::new(what, cpu("ours")? / theirs, "×").target(Target::AtMost(PEERS_RATIO_MAX));
    Ok(Peers { row, table: without_places(&table, &[root, &options.images]) })
}

/// The first figure of a row of the comparison's table: CPU seconds.
fn cpu_seconds(table: &str, row: &str) -> Option<f64> {
    let mut words = table.lines().map(str::split_whitespace);
    words.find_map(|mut words| (words.next()? == row).then(|| words.next()?.parse().ok())?)
}

/// The text without the folders of this machine.
fn without_places(text: &str, folders: &[&Path]) -> String {
    let shorten = |text: String, folder: &&Path| text.replace(&format!("{}/", folder.display()), "");
    folders.iter().fold(text.to_owned(), shorten)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        Options::parse(Path::new("/r"), &arguments)
    }

    #[test]
    fn figures_of_the_comparison() {
        let table = "x: 1 MB\nours            1.52      1.50..1.60     0.80\nsyft 17.20 1..2 3\n";
        assert_eq!(cpu_seconds(table, "syft"), Some(17.2));
        assert_eq!(cpu_seconds(table, "ours"), Some(1.52));
        assert_eq!(cpu_seconds(table, "clamdscan"), None);
    }

    #[test]
    fn options() {
        let options = parse(&["--images", "i", "--rounds", "7", "--large", "--date", "2026-01-02"]).unwrap();
        assert_eq!(options.images, Path::new("i"));
        assert_eq!((options.rounds, options.large, options.peers), (7, true, false));
        assert_eq!(options.date.as_deref(), Some("2026-01-02"));
        assert_eq!(options.part, Part::Certification);
        assert_eq!(parse(&["registry", "--large"]).unwrap().part, Part::Registry);
        assert_eq!(parse(&["storefront"]).unwrap().part, Part::Storefront);
        for bad in [&["--rounds", "0"][..], &["--rounds"], &["--fast"]] {
            assert!(parse(bad).unwrap_err().contains("hint:"), "{bad:?}");
        }
    }
}
