//! `certify IMAGE`: the whole certification on this machine, without a server or an account. Exit status 0 passed,
//! 1 failed, 2 could not run.

use crate::output::{Failure, Output, STATUS_COULD_NOT_RUN};
use crate::starting::{self, Starting};
use crate::{directory, files};
use certify::cache::Cache;
use certify::criteria::OfferContext;
use certify::report::text::{Style, Words, render};
use certify::report::{Report, Verdict};
use certify::rules::Rules;
use certify::{Certification, Progress, Request, Sbom};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use market::clock::Clock;
use oci::client::{ClientOptions, Credentials};
use oci::reference::Locator;
use oci::source::{OpenOptions, open};
use offer::document::Reading;
use offer::policy::Policy;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

/// Most bytes of a password on standard input; registry tokens have some kilobytes.
const PASSWORD_BYTES_MAX: u64 = 64 << 10;

/// Most bytes of one file of YARA rules, and of the list of hashes (a million lines).
const RULES_BYTES_MAX: usize = 128 << 20;

/// Most files of YARA rules.
const RULES_FILES_MAX: usize = 1_000;

/// Most bytes that the cache of layers' evidence keeps on the disk.
const CACHE_BYTES_MAX: u64 = 2 << 30;

/// What `certify` takes.
#[derive(Debug, Args)]
pub struct Certify {
    /// Layout directory, archive, or registry/repository[:tag]; also oci:, oci-archive:, docker-archive:, docker://
    image: String,
    /// Offer's directory; then the tags of its plan are certified, together with the plan's settings
    #[arg(long, value_name = "DIR")]
    offer: Option<PathBuf>,
    /// Plan of the offer; may be left out when there is only one
    #[arg(long, value_name = "ID", requires = "offer")]
    plan: Option<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the CycloneDX bill of materials here; with several platforms one file each, named after it
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
    /// Marketplace policy: limits, platforms, what blocks
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Directory of YARA rules (*.yar, *.yara) besides the built-in ones
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// SHA-256 digests of unwanted files, one a line
    #[arg(long, value_name = "FILE")]
    hashes: Option<PathBuf>,
    /// Vulnerability data, as `advisories import` keeps it [default: edgemarket in the user's data directory]
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    /// OpenVEX document: what does no harm here; may be given again
    #[arg(long, value_name = "FILE")]
    vex: Vec<PathBuf>,
    /// Where evidence of layers is kept [default: edgemarket in the user's cache directory]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Keep no evidence, and use none
    #[arg(long)]
    no_cache: bool,
    /// Start each image in a sandbox by this OCI runtime: its name or path, for example runc; off to start none
    #[arg(long, value_name = "RUNTIME", default_value = "off")]
    sandbox: String,
    /// User name at the registry
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Read the registry's password or token from standard input [default: EDGEMARKET_REGISTRY_PASSWORD]
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Allow plain http to a registry that is not on this machine
    #[arg(long)]
    allow_http: bool,
}

/// Forms of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs it.
pub fn run(arguments: &Certify, output: &Output) -> Result<(), Failure> {
    let policy = files::policy(arguments.policy.as_deref())?;
    let rules = rules(arguments)?;
    let offer = match &arguments.offer {
        Some(dir) => Some(offer(dir, arguments.plan.as_deref(), &policy)?),
        None => None,
    };
    let cache = match arguments.no_cache {
        true => None,
        false => cache_directory(arguments).map(|dir| Cache::open(&dir, CACHE_BYTES_MAX)).transpose()?,
    };
    let advisories = super::advisories::open(arguments.advisories.as_deref())?;
    let vex = super::advisories::vex(&arguments.vex)?;
    let unpack_in = cache_directory(arguments).filter(|_| !arguments.no_cache);
    let starting = Starting::open(&arguments.sandbox, &starting::directory(unpack_in.as_deref()))?;
    let client = ClientOptions {
        credentials: credentials(arguments)?,
        allow_http: arguments.allow_http,
        ..ClientOptions::default()
    };
    let locator = Locator::parse(&arguments.image)?;
    let source = open(&locator, &OpenOptions { client, ..OpenOptions::default() })?;
    let bar = bar(output);
    let result = certify::certify(&Request {
        source: source.as_ref(),
        reference: None,
        offer: offer.as_ref().map(|(reading, plan_id)| OfferContext { reading, plan_id }),
        live_tags: &BTreeMap::new(),
        policy: &policy,
        rules: &rules,
        cache: cache.as_ref(),
        advisories: advisories.as_ref().map(|advisories| (advisories, &vex)),
        today: Clock::system().now().date(),
        starter: starting.starter(),
        progress: &|progress| show(&bar, output, &progress),
    });
    bar.finish_and_clear();
    starting.end_if_interrupted();
    let certification = result?;
    if let Some(path) = &arguments.sbom {
        write_sboms(path, &certification.sboms, output)?;
    }
    tell(arguments, &certification, output)
}

fn tell(arguments: &Certify, certification: &Certification, output: &Output) -> Result<(), Failure> {
    let report: &Report = &certification.report;
    if arguments.format == Format::Json || output.json {
        output.print(&report.to_json())?;
    } else {
        // The stream takes the colours out where nobody can see them.
        output.print(&render(report, &Style { colour: true, words: words(output) }))?;
    }
    match report.verdict {
        Verdict::Passed => Ok(()),
        Verdict::Errored => Err(Failure { status: STATUS_COULD_NOT_RUN, ..Failure::said() }),
        _ => Err(Failure::said()),
    }
}

/// The offer as read, and the plan that is meant. A document with errors is certified all the same: its errors are
/// findings of the report.
fn offer(dir: &Path, plan: Option<&str>, policy: &Policy) -> Result<(Reading, String), Failure> {
    let reading = offer::document::read(&directory::read(dir)?, policy);
    let plans: Vec<&str> =
        reading.offer.iter().flat_map(|offer| &offer.plans).map(|plan| plan.id.as_str()).collect();
    let plan = match (plan, &plans[..]) {
        (Some(plan), []) => plan.to_owned(),
        (Some(plan), all) if all.contains(&plan) => plan.to_owned(),
        (Some(plan), all) => {
            return Err(Failure::usage(
                format!("the offer has no plan {plan:?}"),
                format!("its plans are {}", all.join(", ")),
            ));
        }
        (None, [only]) => (*only).to_owned(),
        (None, []) => String::new(),
        (None, all) => {
            return Err(Failure::usage(
                format!("the offer has {} plans, and --plan names none", all.len()),
                format!("add --plan with one of {}", all.join(", ")),
            ));
        }
    };
    Ok((reading, plan))
}

fn rules(arguments: &Certify) -> Result<Rules, Failure> {
    let mut texts = Vec::new();
    if let Some(dir) = &arguments.rules {
        for path in rule_files(dir)? {
            texts.push((path.display().to_string(), files::read_text(&path, RULES_BYTES_MAX)?));
        }
    }
    let hashes = match &arguments.hashes {
        Some(path) => files::read_text(path, RULES_BYTES_MAX)?,
        None => String::new(),
    };
    if texts.is_empty() && hashes.is_empty() {
        return Ok(Rules::built_in());
    }
    Rules::with(texts, &hashes)
        .map_err(|cause| Failure::could_not_run(cause.to_string(), "correct the file, or leave it out"))
}

fn rule_files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |cause: std::io::Error| {
        Failure::could_not_run(
            format!("the directory of rules {} cannot be read: {cause}", dir.display()),
            "check the path and its permissions",
        )
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "yar" || extension == "yara") {
            paths.push(path);
        }
        if paths.len() > RULES_FILES_MAX {
            return Err(Failure::could_not_run(
                format!("{} has more than {RULES_FILES_MAX} files of rules", dir.display()),
                "join the files",
            ));
        }
    }
    paths.sort();
    Ok(paths)
}

/// `--cache`, else `edgemarket` in the user's cache directory (XDG Base Directory Specification); none without a home.
fn cache_directory(arguments: &Certify) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_user = || set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    arguments.cache.clone().or_else(|| of_user().map(|dir| dir.join("edgemarket").join("evidence")))
}

fn credentials(arguments: &Certify) -> Result<Option<Credentials>, Failure> {
    let Some(username) = arguments.username.clone() else { return Ok(None) };
    let password = match arguments.password_stdin {
        true => password_from_stdin()?,
        false => std::env::var("EDGEMARKET_REGISTRY_PASSWORD").map_err(|_| {
            Failure::usage(
                "there is a user name, but no password",
                "add --password-stdin, or set EDGEMARKET_REGISTRY_PASSWORD",
            )
        })?,
    };
    Ok(Some(Credentials::Basic { username, password }))
}

fn password_from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text).map_err(|cause| {
        Failure::could_not_run(
            format!("the password cannot be read from standard input: {cause}"),
            "pipe it in, for example from a password store",
        )
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// One file, or with several images one for each: `sbom.json` becomes `sbom.linux-arm64.json`.
fn write_sboms(path: &Path, sboms: &[Sbom], output: &Output) -> Result<(), Failure> {
    let mut taken = Vec::new();
    for sbom in sboms {
        let mut target = path.to_owned();
        if sboms.len() > 1 {
            let platform = sbom.platform.as_ref().map(|platform| platform.to_string().replace('/', "-"));
            let image = sbom.image.hex()[..12].to_owned();
            target = beside(path, platform.as_deref().unwrap_or(&image));
            if taken.contains(&target) {
                target = beside(path, &format!("{}-{image}", platform.unwrap_or_default()));
            }
        }
        std::fs::write(&target, &sbom.cyclonedx).map_err(|cause| {
            Failure::could_not_run(
                format!("{} cannot be written: {cause}", target.display()),
                "check the path, its permissions and the space on the disk",
            )
        })?;
        output.remark(&output.text.with("sbom-written", &[("file", &target.display().to_string())]));
        taken.push(target);
    }
    Ok(())
}

fn beside(path: &Path, part: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}.{part}.{}", extension.to_string_lossy()),
        None => format!("{stem}.{part}"),
    };
    path.with_file_name(name)
}

fn bar(output: &Output) -> ProgressBar {
    if output.quiet || output.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

/// Seconds are no bytes.
fn starting_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg} {wide_bar}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn show(bar: &ProgressBar, output: &Output, progress: &Progress) {
    if bar.is_hidden() {
        return;
    }
    let image = progress.image.to_string();
    let images = progress.images.to_string();
    let platform = progress.platform.as_deref().unwrap_or_default();
    let values = [("image", image.as_str()), ("images", images.as_str()), ("platform", platform)];
    if let Some((seconds, of)) = progress.start {
        bar.set_style(starting_style());
        let (seconds_up, all) = (seconds.to_string(), of.to_string());
        let up = [("seconds", seconds_up.as_str()), ("of", all.as_str())];
        bar.set_message(output.text.with("certify-starting", &[&values[..], &up].concat()));
        bar.set_length(of.into());
        bar.set_position(seconds.into());
        return;
    }
    bar.set_message(output.text.with("certify-progress", &values));
    bar.set_length(progress.layers.bytes);
    bar.set_position(progress.layers.bytes_done);
}

fn words(output: &Output) -> Words {
    let text = |key: &str| output.text.get(&format!("report-{key}"));
    Words {
        image: text("image"),
        platforms: text("platforms"),
        passed: text("passed"),
        failed: text("failed"),
        warned: text("warned"),
        not_applicable: text("not-applicable"),
        waived: text("waived"),
        errored: text("errored"),
        layer: text("layer"),
        hint: text("hint"),
        verdict: text("verdict"),
        blocking: text("blocking"),
        advisory: text("advisory"),
        packages: text("packages"),
        until: text("until"),
        waiver_expired: text("waiver-expired"),
        waiver_unused: text("waiver-unused"),
        met: text("met"),
        not_met: text("not-met"),
        not_covered: text("not-covered"),
    }
}
