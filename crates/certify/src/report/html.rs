//! The report as one page that can be read anywhere: no script, no request, light and dark, fit for printing, and in
//! the order in which somebody works: what failed first. What stands in it was made by others, so everything goes
//! through maud's escaping, and the page forbids itself all content but its own style.

mod words;

pub use words::Language;

use super::text::clean;
use super::{ClauseResult, CriterionResult, Finding, Report, StandardView, Verdict, Where};
use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use oci::digest::Digest;
use words::Words;

const STYLE: &str = include_str!("html/style.css");

/// Verdicts in the order of the page: what is to be done, then what is good to know.
const ORDER: [Verdict; 6] = [
    Verdict::Failed,
    Verdict::Errored,
    Verdict::Warned,
    Verdict::Waived,
    Verdict::NotApplicable,
    Verdict::Passed,
];

/// The whole page, with a line break at the end.
pub fn page(report: &Report, language: Language) -> String {
    let words = language.words();
    let style_hash =
        base64::engine::general_purpose::STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    let policy =
        format!("default-src 'none'; style-src 'sha256-{style_hash}'; base-uri 'none'; form-action 'none'");
    let title = format!("{}: {}", words.title, clean(&report.image.reference));
    let markup = html! {
        (DOCTYPE)
        html lang=(words.tag) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (words.title) }
                    p { code { (clean(&report.image.reference)) } }
                    p.verdict.(class(report.verdict)) { (sentence(report.verdict, words)) }
                }
                main {
                    (summary(report, words))
                    @for verdict in ORDER { (section(report, verdict, words)) }
                    (standards(&report.standards, words))
                }
                footer { p.quiet { "edgemarket " (env!("CARGO_PKG_VERSION")) } }
            }
        }
    };
    let mut text = markup.into_string();
    text.push('\n');
    text
}

fn sentence(verdict: Verdict, words: &Words) -> &'static str {
    match verdict {
        Verdict::Errored => words.verdict_errored,
        Verdict::Failed => words.verdict_failed,
        Verdict::Passed | Verdict::Warned | Verdict::Waived | Verdict::NotApplicable => words.verdict_passed,
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "good",
        Verdict::Failed | Verdict::Errored => "bad",
        Verdict::Warned | Verdict::Waived => "doubtful",
        Verdict::NotApplicable => "quiet",
    }
}

/// What the verdict rests on, and how many criteria had which.
fn summary(report: &Report, words: &Words) -> Markup {
    let platforms = report.image.platforms.join(", ");
    html! {
        section aria-labelledby="summary" {
            h2 #summary { (words.summary) }
            dl {
                dt { (words.image) } dd { code { (clean(&report.image.reference)) } }
                dt { (words.digest) } dd { code { (report.image.digest) } }
                dt { (words.platforms) } dd { @if platforms.is_empty() { (words.none) } @else { (clean(&platforms)) } }
                dt { (words.packages) } dd { (report.sbom.packages) }
                dt { (words.rules) } dd { code { (clean(&report.data.rules)) } }
                dt { (words.advisories) } dd { code { (clean(&report.data.advisories)) } }
            }
            nav aria-label=(words.criteria) {
                table {
                    thead { tr {
                        th scope="col" { (words.verdict) }
                        th scope="col" { (words.criteria) }
                        th scope="col" { (words.findings) }
                    } }
                    tbody { @for verdict in ORDER {
                        @let results = with(report, verdict);
                        @if !results.is_empty() { tr {
                            td { a.(class(verdict)) href={ "#" (super::name_of(verdict)) } { (words.verdict(verdict)) } }
                            td.count { (results.len()) }
                            td.count { (results.iter().map(|result| result.findings.len()).sum::<usize>()) }
                        } }
                    } }
                }
            }
        }
    }
}

fn with(report: &Report, verdict: Verdict) -> Vec<&CriterionResult> {
    report.criteria.iter().filter(|result| result.verdict == verdict).collect()
}

fn section(report: &Report, verdict: Verdict, words: &Words) -> Markup {
    let results = with(report, verdict);
    let name = super::name_of(verdict);
    html! {
        @if !results.is_empty() {
            section aria-labelledby=(name) {
                h2.(class(verdict)) #(name) { (words.verdict(verdict)) " (" (results.len()) ")" }
                @for result in results { (criterion(result, words)) }
            }
        }
    }
}

fn criterion(result: &CriterionResult, words: &Words) -> Markup {
    html! {
        article {
            h3 #{ "criterion-" (clean(&result.id)) } {
                code { (clean(&result.id)) } " — " (said(&result.title, words)) " "
                span.weight.quiet { "(" (if result.blocking { words.blocking } else { words.advice }) ")" }
            }
            @if let Some(reason) = &result.reason { p { (said(reason, words)) } }
            @if !result.findings.is_empty() {
                ol.findings { @for one in &result.findings { (finding(one, words)) } }
            }
        }
    }
}

fn finding(finding: &Finding, words: &Words) -> Markup {
    let weight = if finding.blocking { words.blocking } else { words.advice };
    let parts = parts(&finding.place, words);
    html! {
        li.blocks[finding.blocking] {
            p.message { (said(&finding.message, words)) }
            p.weight.quiet { (words.severity(finding.severity)) " · " (weight) }
            dl {
                @if !parts.is_empty() {
                    dt { (words.place) }
                    dd { @for (index, (name, value)) in parts.iter().enumerate() {
                        @if index > 0 { br; }
                        (name) " " code { (clean(value)) }
                    } }
                }
                @if let Some(evidence) = &finding.evidence { dt { (words.seen) } dd { pre { (clean(evidence)) } } }
                @if let Some(waived) = &finding.waived { dt { (words.waived) } dd { (clean(&waived.in_words())) } }
                dt { (words.hint) } dd { (said(&finding.hint, words)) }
            }
        }
    }
}

/// What the report says, in the reader's language where there is a translation; what has none says that it is English.
fn said(english: &str, words: &Words) -> Markup {
    match words.language.of_sentence(english) {
        Some(said) => html! { (clean(&said)) },
        None => html! { span lang="en" { (clean(english)) } },
    }
}

/// Clause by clause, for an auditor.
fn standards(standards: &[StandardView], words: &Words) -> Markup {
    html! {
        @if !standards.is_empty() {
            section aria-labelledby="standards" {
                h2 #standards { (words.standards) }
                @for standard in standards {
                    h3 { (clean(&standard.title)) " (" (clean(&standard.version)) ")" }
                    p.quiet { (clean(&standard.source)) }
                    table {
                        thead { tr {
                            th scope="col" { (words.clause) }
                            th scope="col" { (words.result) }
                            th scope="col" { (words.criteria) }
                        } }
                        tbody { @for clause in &standard.clauses { tr {
                            td { (clean(&clause.id)) " " (clean(&clause.title)) }
                            td.(clause_class(clause.result)) {
                                (words.clause_result(clause.result))
                                @if let Some(reason) = &clause.reason { br; span.weight.quiet { (said(reason, words)) } }
                            }
                            td { @for id in &clause.criteria { code { (clean(id)) } " " } }
                        } } }
                    }
                }
            }
        }
    }
}

fn clause_class(result: ClauseResult) -> &'static str {
    match result {
        ClauseResult::Met => "good",
        ClauseResult::NotMet => "doubtful",
        ClauseResult::NotCovered => "quiet",
    }
}

/// The parts of a place that there are, with their names.
fn parts(place: &Where, words: &Words) -> Vec<(&'static str, String)> {
    let digest = |digest: &Option<Digest>| digest.map(|digest| digest.to_string());
    let all = [
        (words.position, place.position.clone()),
        (words.pointer, place.pointer.clone()),
        (words.tag_of_image, place.tag.clone()),
        (words.platform, place.platform.clone()),
        (words.image, digest(&place.image)),
        (words.layer, digest(&place.layer)),
        (words.path, place.path.clone()),
        (words.package, place.package.clone()),
    ];
    let there = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
    there.filter(|(_, value)| !value.is_empty()).collect()
}
