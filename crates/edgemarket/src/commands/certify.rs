//! `certify IMAGE`: the whole certification on this machine, without a server or an account. Exit status 0 passed,
//! 1 failed, 2 could not run.

use crate::interrupt::{self, write_whole};
use crate::output::{Failure, Output, STATUS_COULD_NOT_RUN, STATUS_NO};
use crate::registry_access::RegistryAccess;
use crate::starting::{self, Starting};
use crate::{directory, files};
use certify::cache::Cache;
use certify::clamd::Clamd;
use certify::criteria::OfferContext;
use certify::report::html::Language;
use certify::report::text::{Style, Words, render, wrap};
use certify::report::{Format, Options, Report, Verdict};
use certify::rules::Rules;
use certify::sbom::SbomFormat;
use certify::{Request, bills_of_materials};
use clap::{Args, ValueEnum};
use follow::{Event, Follow};
use market::clock::Clock;
use offer::document::Reading;
use offer::policy::Policy;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Component, Path, PathBuf};
use targets::{ReportTarget, SbomTarget, write_sboms};

mod follow;
mod links;
mod targets;

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
    /// Ask the listing's links whether they answer (goes out to the internet)
    #[arg(long, requires = "offer", conflicts_with = "sbom_only")]
    check_links: bool,
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write the report to a file as well, in the form text, json, html, sarif or junit; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE", conflicts_with = "sbom_only")]
    reports: Vec<ReportTarget>,
    /// Write the bill of materials here, with several platforms one file each, named after it; FORMAT is cyclonedx or
    /// spdx, and with both given twice, both are written
    #[arg(long = "sbom", value_name = "[FORMAT=]FILE")]
    sboms: Vec<SbomTarget>,
    /// Form of bills of materials whose --sbom names none
    #[arg(long, value_enum, default_value_t = SbomForm::Cyclonedx, requires = "sboms")]
    sbom_format: SbomForm,
    /// Write bills of materials only: nothing is scanned or judged
    #[arg(long, requires = "sboms")]
    sbom_only: bool,
    /// Print events for programs on standard error, one JSON object a line
    #[arg(long)]
    json_lines: bool,
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
    /// ClamAV daemon that is asked about every file, too: unix:/path or tcp://127.0.0.1:3310
    #[arg(long, value_name = "ADDRESS")]
    clamd: Option<String>,
    /// Where evidence of layers is kept [default: edgemarket in the user's cache directory]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Keep no evidence, and use none
    #[arg(long)]
    no_cache: bool,
    /// Start each image in a sandbox by this OCI runtime: its name or path, for example runc; off to start none
    #[arg(long, value_name = "RUNTIME", default_value = "off")]
    sandbox: String,
    #[command(flatten)]
    registry: RegistryAccess,
}

/// Forms of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Html,
    Sarif,
    Junit,
}

/// Forms of the bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SbomForm {
    Cyclonedx,
    Spdx,
}

/// Runs it.
pub fn run(arguments: &Certify, output: &Output) -> Result<(), Failure> {
    let follow = Follow::new(output, arguments.json_lines);
    follow.started(&arguments.image);
    certify(arguments, output, &follow).map_err(|failure| follow.failed(failure))
}

fn certify(arguments: &Certify, output: &Output, follow: &Follow) -> Result<(), Failure> {
    let policy = files::policy(arguments.policy.as_deref())?;
    let rules = match arguments.sbom_only {
        true => Rules::off(),
        false => with_clamd(rules(arguments)?, arguments)?,
    };
    let plan = arguments.plan.as_deref();
    let offer = arguments.offer.as_deref().map(|dir| offer(dir, plan, &policy)).transpose()?;
    let links = links::ask(offer.as_ref(), arguments.check_links)?;
    let kept_in = cache_directory(arguments).filter(|_| !arguments.no_cache);
    let cache = kept_in.as_ref().map(|dir| Cache::open(dir, CACHE_BYTES_MAX)).transpose()?;
    let advisories = super::advisories::open(arguments.advisories.as_deref())?;
    let vex = super::advisories::vex(&arguments.vex)?;
    let starting = Starting::open(&arguments.sandbox, &starting::directory(kept_in.as_deref()))?;
    // Declared before the source, whose temporary files lie in its directory.
    let _interruptible = interrupt::watch(cache.clone(), starting.stopper(), follow.last_words())?;
    let source = arguments.registry.open(&arguments.image)?;
    let request = Request {
        source: source.as_ref(),
        reference: None,
        offer: offer.as_ref().map(|(reading, plan_id)| OfferContext { reading, plan_id }),
        live_tags: &BTreeMap::new(),
        policy: &policy,
        rules: &rules,
        cache: cache.as_ref(),
        advisories: advisories.as_ref().map(|advisories| (advisories, &vex)),
        links: links.as_deref(),
        today: Clock::system().now().date(),
        starter: starting.starter(),
        progress: &|progress| follow.progress(output, &progress),
    };
    let found = match arguments.sbom_only {
        true => bills_of_materials(&request).map(|sboms| (None, sboms)),
        false => certify::certify(&request).map(|found| (Some(found.report), found.sboms)),
    };
    follow.clear();
    starting.end_if_interrupted();
    let (report, sboms) = found?;
    for target in &arguments.sboms {
        write_sboms(target, arguments.sbom_format.into(), &sboms, output, follow)?;
    }
    match report {
        Some(report) => tell(arguments, &report, output, follow),
        None => {
            let (criteria, packages) = (BTreeMap::new(), 0);
            follow.tell(&Event::Finished { verdict: None, status: 0, criteria, packages });
            Ok(())
        }
    }
}

/// Files first: whoever reads the end of the output finds them there.
fn tell(arguments: &Certify, report: &Report, output: &Output, follow: &Follow) -> Result<(), Failure> {
    for target in &arguments.reports {
        let style = Style { colour: false, words: words(output) };
        let text = match target.form.format() {
            Some(format) => report.to_format(format, &options(arguments, output)),
            None => render(report, &style),
        };
        write_whole(&target.path, text.as_bytes())?;
        let (file, format) = (target.path.display().to_string(), target.form.name());
        follow.tell(&Event::Written { kind: "report", format, file: &file });
        follow.remark(output, &output.text.with("report-written", &[("file", &file)]));
    }
    let format = if output.json { Some(Format::Json) } else { arguments.format.format() };
    match format {
        Some(format) => output.print(&report.to_format(format, &options(arguments, output)))?,
        // The stream takes the colours out where nobody can see them.
        None => output.print(&fitting(render(report, &Style { colour: true, words: words(output) })))?,
    }
    let status = match report.verdict {
        Verdict::Passed => 0,
        Verdict::Errored => STATUS_COULD_NOT_RUN,
        _ => STATUS_NO,
    };
    follow.judged(report, status);
    if status == 0 { Ok(()) } else { Err(Failure { status, ..Failure::said() }) }
}

/// Broken into lines where somebody looks at a terminal.
fn fitting(text: String) -> String {
    let width = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    width.map_or(text.clone(), |(width, _)| wrap(&text, usize::from(width.0)))
}

fn options<'a>(arguments: &'a Certify, output: &Output) -> Options<'a> {
    // Code scanning pages look for files below the root of the repository, where CI runs the command.
    let inside = |dir: &&Path| dir.components().all(|part| matches!(part, Component::Normal(_)));
    let offer_directory =
        arguments.offer.as_deref().filter(inside).and_then(Path::to_str).unwrap_or_default();
    Options { language: Language::of_tag(output.text.language()), offer_directory }
}

impl Form {
    /// The form as a file holds it; `None` for the text, which depends on the terminal.
    fn format(self) -> Option<Format> {
        match self {
            Form::Text => None,
            Form::Json => Some(Format::Json),
            Form::Html => Some(Format::Html),
            Form::Sarif => Some(Format::Sarif),
            Form::Junit => Some(Format::Junit),
        }
    }

    fn name(self) -> &'static str {
        self.format().map_or("text", Format::name)
    }
}

impl From<SbomForm> for SbomFormat {
    fn from(form: SbomForm) -> SbomFormat {
        match form {
            SbomForm::Cyclonedx => SbomFormat::CycloneDx,
            SbomForm::Spdx => SbomFormat::Spdx,
        }
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

fn with_clamd(rules: Rules, arguments: &Certify) -> Result<Rules, Failure> {
    let Some(address) = &arguments.clamd else { return Ok(rules) };
    let clamd = Clamd::at(address).map_err(|error| Failure::usage(error.to_string(), "see --help"))?;
    Ok(rules.with_clamd(clamd))
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

fn words(output: &Output) -> Words {
    let text = |key: &str| output.text.get(&format!("report-{key}"));
    Words {
        language: Language::of_tag(output.text.language()),
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
        more: text("more"),
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
