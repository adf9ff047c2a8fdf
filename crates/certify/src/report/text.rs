//! The report for a terminal: what needs doing, with places and hints, then what passed, in few lines. Plain text;
//! whether it is coloured, and in which language the headings are, the caller says.

use super::html::Language;
use super::{CriterionResult, Finding, Report, Verdict, Where};
use std::borrow::Cow;
use std::collections::BTreeMap;

mod notes;
mod wrap;

pub use wrap::wrap;

/// Most findings of one criterion that are shown; blocking and severe ones come first. A terminal is for an overview.
const SHOWN_MAX: usize = 10;

/// Most lines of one finding's evidence that are shown: a terminal has some dozens.
const EVIDENCE_LINES_MAX: usize = 10;

/// How the text is written.
#[derive(Debug, Clone)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
    /// Words of the headings.
    pub words: Words,
}

/// The headings' words, and the language that they and what the report says are in.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "see Words::english")]
pub struct Words {
    pub language: Language,
    pub image: String,
    pub platforms: String,
    pub passed: String,
    pub failed: String,
    pub warned: String,
    pub not_applicable: String,
    pub waived: String,
    pub errored: String,
    pub layer: String,
    pub hint: String,
    pub more: String,
    pub verdict: String,
    pub blocking: String,
    pub advisory: String,
    pub packages: String,
    pub until: String,
    pub waiver_expired: String,
    pub waiver_unused: String,
    pub met: String,
    pub not_met: String,
    pub not_covered: String,
}

impl Words {
    /// English.
    pub fn english() -> Words {
        Words {
            language: Language::English,
            image: "image".into(),
            platforms: "platforms".into(),
            passed: "passed".into(),
            failed: "failed".into(),
            warned: "warned".into(),
            not_applicable: "not applicable".into(),
            waived: "waived".into(),
            errored: "could not be checked".into(),
            layer: "layer".into(),
            hint: "hint".into(),
            more: "more; the other formats list all".into(),
            verdict: "verdict".into(),
            blocking: "blocking".into(),
            advisory: "advisory".into(),
            packages: "packages".into(),
            until: "until".into(),
            waiver_expired: "waiver expired".into(),
            waiver_unused: "waiver covers nothing".into(),
            met: "met".into(),
            not_met: "not met".into(),
            not_covered: "not covered by an image scan".into(),
        }
    }

    /// What the report says, in the language where there is a translation.
    fn said(&self, english: &str) -> String {
        clean(&self.language.of_sentence(english).unwrap_or(Cow::Borrowed(english)))
    }

    fn of(&self, verdict: Verdict) -> &str {
        match verdict {
            Verdict::Passed => &self.passed,
            Verdict::Failed => &self.failed,
            Verdict::Warned => &self.warned,
            Verdict::NotApplicable => &self.not_applicable,
            Verdict::Waived => &self.waived,
            Verdict::Errored => &self.errored,
        }
    }
}

/// The whole text, with a line break at the end.
pub fn render(report: &Report, style: &Style) -> String {
    let mut text = String::new();
    let words = &style.words;
    line(&mut text, &format!("{}: {}", words.image, clean(&report.image.reference)));
    line(&mut text, &format!("  {}", report.image.digest));
    if !report.image.platforms.is_empty() {
        line(&mut text, &format!("  {}: {}", words.platforms, clean(&report.image.platforms.join(", "))));
    }
    let with_image = several_of_a_platform(report);
    for verdict in [Verdict::Failed, Verdict::Errored, Verdict::Warned, Verdict::Waived] {
        for result in with(report, verdict) {
            criterion(&mut text, result, style, with_image);
        }
    }
    text.push('\n');
    let ids: Vec<&str> = with(report, Verdict::Passed).map(|result| result.id.as_str()).collect();
    if !ids.is_empty() {
        line(&mut text, &format!("{}: {}", sign(Verdict::Passed, style), ids.join(", ")));
    }
    not_applicable(&mut text, report, style);
    notes::waivers(&mut text, report, style);
    notes::standards(&mut text, report, style);
    summary(&mut text, report, style);
    text
}

/// Whether findings are about different images of the same platform (versions), so that the platform does not say which.
fn several_of_a_platform(report: &Report) -> bool {
    let mut images = BTreeMap::new();
    let places = report.criteria.iter().flat_map(|result| &result.findings).map(|finding| &finding.place);
    let named = places.filter_map(|place| Some((place.platform.as_deref()?, place.image?)));
    named.into_iter().any(|(platform, image)| *images.entry(platform).or_insert(image) != image)
}

fn criterion(text: &mut String, result: &CriterionResult, style: &Style, with_image: bool) {
    text.push('\n');
    line(
        text,
        &format!("{}: {} — {}", sign(result.verdict, style), result.id, style.words.said(&result.title)),
    );
    if let Some(reason) = &result.reason {
        line(text, &format!("  {}", style.words.said(reason)));
    }
    for one in result.findings.iter().take(SHOWN_MAX) {
        finding(text, one, style, with_image);
    }
    let rest = result.findings.len().saturating_sub(SHOWN_MAX);
    if rest > 0 {
        line(text, &format!("  … {rest} {}", style.words.more));
    }
}

fn finding(text: &mut String, finding: &Finding, style: &Style, with_image: bool) {
    let bullet = match (&finding.waived, finding.blocking) {
        (Some(_), _) => paint("~", "33", style),
        (None, true) => paint("✗", "31", style),
        (None, false) => paint("!", "33", style),
    };
    line(text, &format!("  {bullet} {}", style.words.said(&finding.message)));
    let place = place(&finding.place, style, with_image);
    if !place.is_empty() {
        line(text, &format!("    {}", clean(&place)));
    }
    if let Some(evidence) = &finding.evidence {
        // A module's output; the last words say most, and the JSON report has them all.
        let lines: Vec<&str> = evidence.lines().collect();
        for shown in &lines[lines.len().saturating_sub(EVIDENCE_LINES_MAX)..] {
            line(text, &format!("    {}", clean(shown)));
        }
    }
    match &finding.waived {
        Some(waived) => notes::waived(text, waived, &style.words),
        None => line(text, &format!("    {}: {}", style.words.hint, style.words.said(&finding.hint))),
    }
}

/// The parts of a place, from the coarse to the fine.
fn place(place: &Where, style: &Style, with_image: bool) -> String {
    let layer = place.layer.map(|layer| format!("{} {}", style.words.layer, short(&layer.to_string())));
    let image = place
        .image
        .filter(|_| with_image || place.platform.is_none())
        .map(|digest| short(&digest.to_string()));
    let parts = [
        place.position.clone(),
        place.pointer.clone(),
        place.tag.clone(),
        place.platform.clone(),
        image,
        layer,
        place.path.clone(),
        place.package.clone(),
    ];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// A digest with the 12 digits that people know from other tools; the JSON report has it whole.
fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

fn not_applicable(text: &mut String, report: &Report, style: &Style) {
    let mut rest: Vec<&CriterionResult> = with(report, Verdict::NotApplicable).collect();
    while let Some(first) = rest.first().copied() {
        let (same, others): (Vec<&CriterionResult>, Vec<&CriterionResult>) =
            rest.into_iter().partition(|result| result.reason == first.reason);
        let ids: Vec<&str> = same.iter().map(|result| result.id.as_str()).collect();
        line(text, &format!("{}: {}", sign(Verdict::NotApplicable, style), ids.join(", ")));
        if let Some(reason) = &first.reason {
            line(text, &format!("  {}", style.words.said(reason)));
        }
        rest = others;
    }
}

fn summary(text: &mut String, report: &Report, style: &Style) {
    let words = &style.words;
    let findings = || report.criteria.iter().flat_map(|result| &result.findings);
    let blocking = findings().filter(|finding| finding.blocking).count();
    let advisory = findings().filter(|finding| !finding.blocking && finding.waived.is_none()).count();
    text.push('\n');
    line(
        text,
        &format!(
            "{}: {} ({blocking} {}, {advisory} {}, {} {})",
            words.verdict,
            sign(report.verdict, style),
            words.blocking,
            words.advisory,
            report.sbom.packages,
            words.packages
        ),
    );
}

fn with(report: &Report, verdict: Verdict) -> impl Iterator<Item = &CriterionResult> {
    report.criteria.iter().filter(move |result| result.verdict == verdict)
}

fn sign(verdict: Verdict, style: &Style) -> String {
    let colour = match verdict {
        Verdict::Passed => "32",
        Verdict::Failed | Verdict::Errored => "31",
        Verdict::Warned | Verdict::Waived => "33",
        Verdict::NotApplicable => "2",
    };
    paint(style.words.of(verdict), colour, style)
}

fn paint(text: &str, code: &str, style: &Style) -> String {
    if style.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

/// Names out of images and offers may hold control characters, which must not reach a terminal, and marks that turn the
/// direction of writing, which would show another name than the one that is there (Unicode TR 36 § 2.5).
pub(super) fn clean(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escape =
        |c: char| if c.is_control() || turns(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
