//! The trust panel: what certification found, what is known today, what is inside, and how to check all of it without asking
//! us.

use super::View;
use crate::catalogue::{Latest, PlanDetails, PlanPage};
use crate::portal::format;
use crate::portal::trust_words::{class, reason, severity, title, verdict};
use certify::report::{CriterionResult, Finding, Report, Severity};
use maud::{Markup, html};
use offer::document::Plan;

/// Criteria whose findings are vulnerabilities.
const VULNERABILITIES: [&str; 2] = ["no-known-exploited-vulnerabilities", "vulnerabilities-within-policy"];
/// Vulnerabilities that the page lists of each plan, worst first; the report has all.
const LISTED_MAX: usize = 50;

/// One panel for each plan.
pub(super) fn panel(view: &View<'_>) -> Markup {
    let text = view.text;
    html! {
        section.plan.trust aria-labelledby="trust" {
            h2 #trust { (text.get("trust")) }
            p { (text.get("trust-lead")) }
            @for (plan, page, details) in view.plans() {
                section {
                    h3 { (text.get("plan")) " " (plan.title) }
                    @if let Some(report) = &details.report { (certification(view, report)) }
                    @if let Some(latest) = &details.latest { (today(view, latest)) }
                    (contents(view, plan, page, details))
                    (reports(view, plan, page))
                    (verify(view, page))
                }
            }
        }
    }
}

/// The certification in short: verdict, date, platforms, packages, and each criterion.
fn certification(view: &View<'_>, report: &Report) -> Markup {
    let text = view.text;
    html! {
        h4 { (text.get("certification")) }
        p {
            strong class=(class(report.verdict)) { (verdict(text, report.verdict)) }
            @if let Some(certified) = view.details.certified {
                " · " (text.with("certified-at", &[("day", &format::day(text, certified))]))
            }
            " · " (report.image.platforms.join(", "))
            " · " (text.with("packages", &[("count", &report.sbom.packages.to_string())]))
        }
        details.criteria-list {
            summary { (text.get("criteria")) " " span.count { (report.criteria.len()) } }
            ul.criteria { @for result in &report.criteria { (criterion(view, result)) } }
        }
    }
}

fn criterion(view: &View<'_>, result: &CriterionResult) -> Markup {
    let text = view.text;
    html! {
        li {
            strong class=(class(result.verdict)) { (verdict(text, result.verdict)) }
            " " (title(text, result)) " " code.quiet { (result.id) }
            @if let Some(why) = reason(text, result) { p.hint { (why) } }
            @if let Some(said) = &result.reason { p.small { (text.told(said)) } }
            @if !result.findings.is_empty() && !VULNERABILITIES.contains(&result.id.as_str()) {
                ul { @for finding in result.findings.iter().take(LISTED_MAX) {
                    li { (text.told(&finding.message)) p.hint { (text.told(&finding.hint)) } }
                } }
            }
        }
    }
}

/// The vulnerabilities that are known of it: by the last recertification, else by certification.
fn today(view: &View<'_>, latest: &Latest) -> Markup {
    let text = view.text;
    let mut found: Vec<&Finding> = latest
        .report
        .criteria
        .iter()
        .filter(|result| VULNERABILITIES.contains(&result.id.as_str()))
        .flat_map(|result| &result.findings)
        .collect();
    found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.message.cmp(&b.message)));
    let worst_first = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let count = |wanted: Severity| found.iter().filter(|finding| finding.severity == wanted).count();
    html! {
        h4 { (text.get("vulnerabilities-today")) }
        p {
            @if found.is_empty() { strong.good { (text.get("vulnerabilities-none")) } }
            @for wanted in worst_first { @if count(wanted) > 0 {
                span class={ "chip severity-" (format!("{wanted:?}").to_lowercase()) } {
                    (format::number(text, count(wanted) as u64)) " " (severity(text, wanted))
                } " "
            } }
            @if let Some(at) = latest.at {
                span.small { " " (text.with("vulnerabilities-as-of", &[("day", &format::day(text, at))])) }
            }
            span.small { " · " (text.get("vulnerability-data")) " " (latest.report.data.advisories) }
        }
        @if !found.is_empty() {
            details {
                summary { (text.get("vulnerabilities-each")) }
                ul.criteria { @for finding in found.iter().take(LISTED_MAX) {
                    li {
                        strong { (severity(text, finding.severity)) } " "
                        (text.told(&finding.message))
                        @if let Some(package) = &finding.place.package { " " code { (package) } }
                        p.hint { (text.told(&finding.hint)) }
                    }
                } }
                @if found.len() > LISTED_MAX { p.small { (text.get("vulnerabilities-more")) } }
            }
        }
    }
}

/// What is inside: a table for each platform, and the documents as files.
fn contents(view: &View<'_>, plan: &Plan, page: &PlanPage, details: &PlanDetails) -> Markup {
    let (text, live) = (view.text, live(view, plan));
    html! {
        h4 { (text.get("contents")) }
        ul { @for sbom in &page.sboms {
            @let platform = sbom.platform.as_deref().unwrap_or_default();
            li {
                a href={ (table(view, plan)) (if view.page.preview { "&" } else { "?" }) "platform=" (platform) } {
                    (text.with("packages-of", &[("platform", platform)]))
                }
                @if let Some(image) = details.images.iter().find(|image| image.platform == platform) {
                    " " span.quiet { (format::bytes(text, image.bytes)) }
                }
                @if !view.page.preview {
                    " · " a href={ (live) "/sbom?platform=" (platform) } { "SBOM " (platform) " (CycloneDX)" }
                    @if page.spdx_sboms.iter().any(|spdx| spdx.subject == sbom.subject) {
                        " · " a href={ (live) "/sbom?format=spdx&platform=" (platform) } { "SPDX" }
                    }
                }
            }
        } }
    }
}

/// The certification report in all its forms.
fn reports(view: &View<'_>, plan: &Plan, page: &PlanPage) -> Markup {
    let (text, live) = (view.text, live(view, plan));
    html! {
        @if !view.page.preview && page.report.is_some() {
            p.actions {
                a href={ (live) "/report?format=html&lang=" (text.language()) } { (text.get("report-json")) }
                @for format in ["json", "sarif", "junit"] {
                    " " a href={ (live) "/report?format=" (format) } { (format.to_uppercase()) }
                }
            }
        }
    }
}

/// The commands that check the signatures.
fn verify(view: &View<'_>, page: &PlanPage) -> Markup {
    let text = view.text;
    html! {
        h4 { (text.get("signature")) }
        p { (text.get("signature-how")) }
        pre.copy {
            "curl -fo keys.pem " (view.base) "/.well-known/edgemarket/keys.pem\n"
            "edgemarket verify " (page.image) ":latest --key keys.pem"
        }
        p.small { (text.get("signature-cosign")) }
        pre.copy { "cosign verify --key keys.pem --insecure-ignore-tlog=true " (page.image) ":latest" }
    }
}

fn live(view: &View<'_>, plan: &Plan) -> String {
    let document = &view.page.document;
    format!("/api/v1/catalogue/{}/{}/{}", document.publisher, document.id, plan.id)
}

fn table(view: &View<'_>, plan: &Plan) -> String {
    view.path(&format!("/plans/{}/packages", plan.id))
}
