//! The list of live offers, and an offer's page with its report, SBOM and pull commands. With `?preview=true`, the page
//! of what waits for sign-off, for those who may see it.

use super::layout;
use super::{Failed, Language};
use crate::catalogue::{ListedOffer, OfferPage, PlanPage};
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::regions::RegionView;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use certify::report::{CriterionResult, Report, Verdict};
use maud::{Markup, PreEscaped, html};
use offer::document::{Plan, Terms};
use offer::identity::{OfferId, PublisherId};
use std::collections::BTreeMap;

type Names = Path<(String, String)>;
type Parameters = Query<BTreeMap<String, String>>;

pub(super) async fn index(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
) -> Result<Html<String>, Failed> {
    match market.live_offers(&actor).await {
        Ok(offers) => Ok(layout::page(&text, &text.get("catalogue"), &catalogue(&text, &offers))),
        Err(error) => Err(Failed(text, error)),
    }
}

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    Query(parameters): Parameters,
) -> Result<Html<String>, Failed> {
    let preview = parameters.contains_key("preview");
    let found = async {
        let (publisher, offer) = parse(&names)?;
        let page = match preview {
            true => market.preview_page(&actor, (&publisher, &offer)).await?,
            false => market.offer_page(&actor, (&publisher, &offer)).await?,
        };
        let mut reports = BTreeMap::new();
        for plan in &page.plans {
            if let Some(report) = market.page_report(plan).await? {
                reports.insert(plan.id.clone(), report);
            }
        }
        Ok((page, reports, market.regions(&actor).await?))
    };
    match found.await {
        Ok((page, reports, regions)) => {
            let content = offer(&text, &names, &page, &reports, &regions);
            Ok(layout::page(&text, &page.document.listing.title, &content))
        }
        Err(error) => Err(Failed(text, error)),
    }
}

/// A picture of a live offer (or of a preview, with `?preview=true`).
pub(super) async fn picture(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, offer, file)): Path<(String, String, String)>,
    Query(parameters): Parameters,
) -> Result<Response, Failed> {
    let found = async {
        let (publisher, offer) = parse(&(publisher, offer))?;
        let mut page = match parameters.contains_key("preview") {
            true => market.preview_page(&actor, (&publisher, &offer)).await?,
            false => market.offer_page(&actor, (&publisher, &offer)).await?,
        };
        let is_picture = std::path::Path::new(&file).extension().is_some_and(|extension| extension == "png");
        let bytes = page.files.remove(&file).filter(|_| is_picture);
        bytes.ok_or_else(|| Error::not_found("this picture"))
    };
    match found.await {
        Ok(bytes) => Ok((
            [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=300")],
            bytes,
        )
            .into_response()),
        Err(error) => Err(Failed(text, error)),
    }
}

fn parse((publisher, offer): &(String, String)) -> Result<(PublisherId, OfferId), Error> {
    match (publisher.parse(), offer.parse()) {
        (Ok(publisher), Ok(offer)) => Ok((publisher, offer)),
        _ => Err(Error::not_found(format!("the offer {publisher:.60}.{offer:.60}"))),
    }
}

fn catalogue(text: &Text, offers: &[ListedOffer]) -> Markup {
    html! {
        h1 { (text.get("catalogue-title")) }
        @if offers.is_empty() {
            p.empty { (text.get("catalogue-empty")) }
            pre { "edgemarket offer new my-module\nedgemarket publish my-module --wait" }
        }
        ul.cards {
            @for listed in offers {
                li {
                    a href={ "/offers/" (listed.publisher) "/" (listed.offer) } { (listed.title) }
                    p { (listed.summary) }
                    p.small { (listed.publisher) " · " (text.get("live-since")) " " (day(&listed.live_since.to_string())) }
                }
            }
        }
    }
}

fn offer(
    text: &Text,
    names: &(String, String),
    page: &OfferPage,
    reports: &BTreeMap<String, Report>,
    regions: &[RegionView],
) -> Markup {
    let (document, listing) = (&page.document, &page.document.listing);
    let suffix = if page.preview { "?preview=true" } else { "" };
    html! {
        @if page.preview { p.banner { (text.get("preview-banner")) } }
        @if let Some(from) = &page.imported {
            p.banner {
                (text.with("imported-banner", &[("source", &from.source), ("exported", &from.exported.to_string())]))
                " " code { (from.key) }
            }
        }
        div.title {
            img src={ "/offers/" (names.0) "/" (names.1) "/pictures/" (listing.logos.large) (suffix) }
                alt="" width="115" height="115";
            div {
                h1 { (listing.title) }
                p { (listing.summary) }
                p.small { (document.publisher) }
            }
        }
        p { (listing.long_summary) }
        div.description { (PreEscaped(offer::html::clean(&listing.description).html)) }
        @for (plan, view) in document.plans.iter().filter_map(|plan| {
            Some((plan, page.plans.iter().find(|view| view.id == plan.id.as_str())?))
        }) {
            (plan_section(text, names, plan, view, reports.get(&view.id), regions, page.preview))
        }
        h2 { (text.get("links")) }
        ul {
            @for link in &listing.links { li { a href=(link.url) rel="noopener nofollow" { (link.title) } } }
            li { a href=(listing.privacy_policy_url) rel="noopener nofollow" { (text.get("privacy-policy")) } }
            @match &listing.terms {
                Terms::StandardContract => li { (text.get("standard-contract")) },
                Terms::Url(url) => li { a href=(url) rel="noopener nofollow" { (text.get("terms-of-use")) } },
                Terms::Html(html) => li {
                    details {
                        summary { (text.get("terms-of-use")) }
                        (PreEscaped(offer::html::clean(html).html))
                    }
                },
            }
        }
        h2 { (text.get("support")) }
        p {
            a href=(document.support.url) rel="noopener nofollow" { (document.support.url) } " · "
            (document.support.customer.name) ", " (document.support.customer.email) ", " (document.support.customer.phone)
        }
    }
}

fn plan_section(
    text: &Text,
    (publisher, offer): &(String, String),
    plan: &Plan,
    view: &PlanPage,
    report: Option<&Report>,
    regions: &[RegionView],
    preview: bool,
) -> Markup {
    let live = format!("/api/v1/catalogue/{publisher}/{offer}/{}", plan.id);
    html! {
        section.plan {
            h2 { (text.get("plan")) " " (plan.title) }
            p { (plan.summary) }
            div.description { (PreEscaped(offer::html::clean(&plan.description).html)) }
            h3 { (text.get("pull")) }
            pre {
                "docker pull " (view.image) ":latest\n"
                @if !preview {
                    @for region in regions { "docker pull " (pull_name(region, publisher, offer, plan)) ":latest\n" }
                }
            }
            table {
                caption { (text.get("versions")) }
                thead { tr { th scope="col" { (text.get("tag")) } th scope="col" { (text.get("digest")) } } }
                tbody { @for image in &view.tags { tr { td { (image.tag) } td { code { (image.digest) } } } } }
            }
            @if let Some(report) = report { (trust(text, report)) }
            p.actions {
                @if !preview {
                    a href={ (live) "/report?format=html&lang=" (text.language()) } { (text.get("report-json")) } " "
                    @for format in ["json", "sarif", "junit"] {
                        a href={ (live) "/report?format=" (format) } { (format.to_uppercase()) } " "
                    }
                    @for sbom in &view.sboms {
                        @let platform = sbom.platform.as_deref().unwrap_or("linux/amd64");
                        a href={ (live) "/sbom?platform=" (platform) } { "SBOM " (platform) " (CycloneDX)" } " "
                        @if view.spdx_sboms.iter().any(|spdx| spdx.subject == sbom.subject) {
                            a href={ (live) "/sbom?format=spdx&platform=" (platform) } { "(SPDX)" } " "
                        }
                    }
                    a href={ (live) "/deployment" } { (text.get("deployment")) } " "
                    a href={ (live) "/deployment?layered=true" } { (text.get("layered-deployment")) }
                }
            }
        }
    }
}

/// The certification in short: verdict, platforms, packages, and each criterion.
fn trust(text: &Text, report: &Report) -> Markup {
    html! {
        h3 { (text.get("certification")) }
        p {
            strong class=(class(report.verdict)) { (verdict(text, report.verdict)) } " · "
            (report.image.platforms.join(", ")) " · "
            (text.with("packages", &[("count", &report.sbom.packages.to_string())]))
        }
        details {
            summary { (text.get("criteria")) }
            ul.criteria { @for result in &report.criteria { (criterion(text, result)) } }
        }
    }
}

fn criterion(text: &Text, result: &CriterionResult) -> Markup {
    html! {
        li {
            strong class=(class(result.verdict)) { (verdict(text, result.verdict)) }
            " " code { (result.id) } " " (result.title)
            @if let Some(reason) = &result.reason { " — " (reason) }
            @if !result.findings.is_empty() {
                ul { @for finding in &result.findings {
                    li { (finding.message) p.hint { (text.get("hint-label")) " " (finding.hint) } }
                } }
            }
        }
    }
}

fn verdict(text: &Text, verdict: Verdict) -> String {
    text.get(match verdict {
        Verdict::Passed => "verdict-passed",
        Verdict::Failed => "verdict-failed",
        Verdict::Warned => "verdict-warned",
        Verdict::NotApplicable => "verdict-not-applicable",
        Verdict::Waived => "verdict-waived",
        Verdict::Errored => "verdict-errored",
    })
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "good",
        Verdict::Failed | Verdict::Errored => "bad",
        Verdict::Warned | Verdict::Waived => "doubtful",
        Verdict::NotApplicable => "quiet",
    }
}

/// The image's name in a region: its URL without the scheme, then the repository.
fn pull_name(region: &RegionView, publisher: &str, offer: &str, plan: &Plan) -> String {
    let place = region.url.split_once("://").map_or(region.url.as_str(), |(_, rest)| rest);
    format!("{place}/{publisher}/{offer}/{}", plan.id)
}

/// The day of an RFC 3339 instant.
fn day(instant: &str) -> &str {
    instant.split('T').next().unwrap_or(instant)
}
