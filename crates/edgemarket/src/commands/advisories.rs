//! `advisories import` and `advisories show`: the vulnerability data that `certify` and a marketplace judge by. From files
//! alone; fetching by URL is not built.

use crate::files;
use crate::output::{Failure, Output};
use certify::advisories::import::{Importer, Progress, SourceSummary, Summary};
use certify::advisories::store::Source;
use certify::advisories::vex::{VEX_BYTES_MAX, Vex};
use certify::advisories::{self, Advisories, FILE_NAME};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use market::clock::Clock;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// The commands on vulnerability data.
#[derive(Debug, Subcommand)]
pub enum AdvisoriesCommand {
    /// Import OSV zips or directories, the KEV catalogue and EPSS scores; each replaces the earlier data of its ecosystem
    Import(Import),
    /// Show what was imported, and of which day it is
    Show(Show),
}

/// `advisories import`
#[derive(Debug, Args)]
pub struct Import {
    /// OSV zip, directory of OSV JSON, known_exploited_vulnerabilities.json, or EPSS CSV (also gzip)
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Keep the records under this name, besides those of the same ecosystem from elsewhere
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// With --data: do not judge again what is live
    #[arg(long, requires = "data")]
    no_recertify: bool,
    #[command(flatten)]
    place: Place,
}

/// `advisories show`
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    place: Place,
}

/// Where the data is.
#[derive(Debug, Args)]
pub struct Place {
    /// Data directory of a marketplace
    #[arg(long, value_name = "DIR", conflicts_with = "advisories")]
    data: Option<PathBuf>,
    /// File that the data is kept in [default: edgemarket/advisories.db in the user's data directory]
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
}

/// Runs one of them.
pub fn run(command: &AdvisoriesCommand, output: &Output) -> Result<(), Failure> {
    match command {
        AdvisoriesCommand::Import(arguments) => import(arguments, output),
        AdvisoriesCommand::Show(arguments) => show(arguments, output),
    }
}

/// The vulnerability data: of this file, or of the default place when there is any.
pub fn open(path: Option<&Path>) -> Result<Option<Advisories>, Failure> {
    match path {
        Some(path) => Ok(Some(Advisories::open(path)?)),
        None => Ok(default_place()
            .filter(|path| path.exists())
            .map(|path| Advisories::open(&path))
            .transpose()?),
    }
}

/// The statements of OpenVEX documents.
pub fn vex(paths: &[PathBuf]) -> Result<Vex, Failure> {
    let mut vex = Vex::default();
    for path in paths {
        vex.add(&path.display().to_string(), &files::read(path, VEX_BYTES_MAX)?)?;
    }
    Ok(vex)
}

impl From<advisories::Error> for Failure {
    fn from(cause: advisories::Error) -> Failure {
        Failure::could_not_run(cause.message, cause.hint)
    }
}

fn import(arguments: &Import, output: &Output) -> Result<(), Failure> {
    let target = arguments.place.path()?;
    let bar = match output.quiet || output.json || !std::io::stderr().is_terminal() {
        true => ProgressBar::hidden(),
        false => ProgressBar::new_spinner(),
    };
    let mut tell = |progress: Progress<'_>| {
        if !bar.is_hidden() {
            let name = progress.file.file_name().unwrap_or_default().to_string_lossy();
            let done = match progress.total {
                Some(total) => format!("{}/{total}", progress.done),
                None => progress.done.to_string(),
            };
            bar.set_message(output.text.with("advisories-progress", &[("file", &name), ("done", &done)]));
            bar.tick();
        }
    };
    let today = Clock::system().now().date();
    let mut importer = Importer::new(&target, today, arguments.source.as_deref(), &mut tell)?;
    for file in &arguments.files {
        importer.add(file)?;
    }
    let summary = importer.finish()?;
    bar.finish_and_clear();
    for broken in &summary.broken {
        output.remark(&output.text.with("advisories-broken", &[("what", broken)]));
    }
    let today = today.to_string();
    let asks = arguments.place.data.as_deref().filter(|_| !arguments.no_recertify);
    if let Some(data) = asks {
        market::recertification::request(data)?;
        output.remark(&output.text.get("recertify-asked"));
    }
    output.value(&summary, |summary: &Summary| {
        let mut text = String::new();
        for source in &summary.sources {
            text += &source_line(output, (&source.name, source.records, &source.day, &today));
            text += &passed_over(output, source);
        }
        text + &output.text.with("advisories-stored", &[("file", &target.display().to_string())]) + "\n"
    })
}

fn show(arguments: &Show, output: &Output) -> Result<(), Failure> {
    let path = arguments.place.path()?;
    let data = path.exists().then(|| Advisories::open(&path)).transpose()?;
    let sources: Vec<&Source> = data.iter().flat_map(Advisories::sources).collect();
    output.list(&sources, &output.text.get("advisories-empty"), |source| {
        let line = source_line(output, (&source.name, source.records, &source.day, &source.imported));
        line.trim_end().to_owned()
    })
}

fn source_line(output: &Output, (name, records, day, imported): (&str, u64, &str, &str)) -> String {
    let records = records.to_string();
    let day = if day.is_empty() { "?" } else { day };
    let values = [("name", name), ("records", records.as_str()), ("day", day), ("imported", imported)];
    format!("{}\n", output.text.with("advisories-source", &values))
}

fn passed_over(output: &Output, source: &SourceSummary) -> String {
    let counts = &source.counts;
    let all = [
        ("withdrawn", counts.withdrawn),
        ("bugs", counts.no_security),
        ("duplicates", counts.duplicates),
        ("broken", counts.broken),
        ("git", counts.git_ranges),
    ];
    if all.iter().all(|(_, count)| *count == 0) {
        return String::new();
    }
    let texts = all.map(|(name, count)| (name, count.to_string()));
    let values: Vec<(&str, &str)> = texts.iter().map(|(name, count)| (*name, count.as_str())).collect();
    format!("    {}\n", output.text.with("advisories-passed-over", &values))
}

impl Place {
    fn path(&self) -> Result<PathBuf, Failure> {
        let stated = match (&self.data, &self.advisories) {
            (Some(data), _) => Some(data.join(FILE_NAME)),
            (None, file) => file.clone(),
        };
        stated.or_else(default_place).ok_or_else(|| {
            Failure::usage(
                "there is no home directory to keep vulnerability data in",
                "give --advisories FILE, or --data DIR for a marketplace",
            )
        })
    }
}

/// `edgemarket/advisories.db` in the user's data directory (XDG Base Directory Specification); none without a home.
fn default_place() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
    data.map(|data| data.join("edgemarket").join(FILE_NAME))
}
