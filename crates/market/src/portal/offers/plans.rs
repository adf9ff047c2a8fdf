//! The plans side by side, how to pull them from each region, and their versions.

use super::View;
use crate::catalogue::{PlanDetails, PlanPage};
use crate::portal::cards::{licence_name, platform_name, showcase};
use crate::portal::format;
use crate::portal::trust_words::{class, verdict};
use crate::regions::RegionView;
use maud::{Markup, PreEscaped, html};
use offer::document::{LicenceModel, Plan};
use offer::module_name::default_module_name;
use offer::tags::VersionTag;

type Row<'a> = (&'a Plan, &'a PlanPage, &'a PlanDetails);

/// The plans as columns.
pub(super) fn compare(view: &View<'_>) -> Markup {
    let text = view.text;
    let plans = view.plans();
    let row = |key: &str, cell: &dyn Fn(&Row<'_>) -> Markup| {
        html! { tr { th scope="row" { (text.get(key)) } @for plan in &plans { td { (cell(plan)) } } } }
    };
    html! {
        section.plan aria-labelledby="plans" {
            h2 #plans { (text.get("plans")) }
            div.scroll tabindex="0" role="group" aria-labelledby="plans" {
                table.compare {
                    thead { tr {
                        td {}
                        @for (plan, _, details) in &plans {
                            th scope="col" { (plan.title) @if details.showcased { " " (showcase(text)) } }
                        }
                    } }
                    tbody {
                        (row("plan-summary", &|(plan, ..)| html! { (plan.summary) }))
                        (row("plan-description", &|(plan, ..)| html! {
                            div.description { (PreEscaped(offer::html::clean(&plan.description).html)) }
                        }))
                        (row("licence", &|(plan, ..)| html! { span itemprop="license" { (licence_name(text, licence(plan))) } }))
                        (row("version", &|(_, page, _)| html! { (newest(page).map_or_else(String::new, |v| v.to_string())) }))
                        (row("platforms-sizes", &|(_, _, details)| sizes(view, details)))
                        (row("certification", &|(_, _, details)| html! {
                            @if let Some(latest) = &details.latest {
                                strong class=(class(latest.report.verdict)) { (verdict(text, latest.report.verdict)) }
                            }
                        }))
                        (row("module-name", &|(plan, ..)| html! { code { (default_module_name(&plan.title).unwrap_or_default()) } }))
                        (row("settings", &|(plan, ..)| settings(view, plan)))
                        @if !view.page.preview {
                            (row("get-it", &|(plan, ..)| html! {
                                a.button href=(view.path(&format!("/plans/{}/acquire", plan.id))) {
                                    (text.get("acquire")) " " span.unseen { (plan.title) }
                                }
                            }))
                            (row("deployment", &|(plan, ..)| deployments(view, plan)))
                        }
                    }
                }
            }
        }
    }
}

fn licence(plan: &Plan) -> &'static str {
    match plan.licence_model {
        LicenceModel::Free => crate::search::LICENCES[0],
        LicenceModel::Byol => crate::search::LICENCES[1],
    }
}

fn newest(page: &PlanPage) -> Option<VersionTag> {
    page.tags.iter().filter_map(|tag| tag.tag.parse().ok()).max()
}

fn sizes(view: &View<'_>, details: &PlanDetails) -> Markup {
    let text = view.text;
    html! {
        ul.plain { @for image in &details.images {
            li {
                (platform_name(&image.platform)) " "
                span.quiet { (format::bytes(text, image.bytes)) " · "
                    (text.with("layers", &[("count", &image.layers.to_string())])) }
            }
        } }
    }
}

fn settings(view: &View<'_>, plan: &Plan) -> Markup {
    let counts = [
        ("settings-routes", plan.routes.len()),
        ("settings-twin", plan.twin.len()),
        ("settings-environment", plan.environment.len()),
    ];
    html! { ul.plain { @for (key, count) in counts {
        @if count > 0 { li { (view.text.with(key, &[("count", &count.to_string())])) } }
    } } }
}

fn deployments(view: &View<'_>, plan: &Plan) -> Markup {
    let document = &view.page.document;
    let live = format!("/api/v1/catalogue/{}/{}/{}", document.publisher, document.id, plan.id);
    html! {
        ul.plain {
            li { a href={ (live) "/deployment" } { (view.text.get("deployment")) } }
            li { a href={ (live) "/deployment?layered=true" } { (view.text.get("layered-deployment")) } }
        }
    }
}

/// The command for each plan and region.
pub(super) fn pulls(view: &View<'_>) -> Markup {
    let text = view.text;
    html! {
        section.plan aria-labelledby="get" {
            h2 #get { (text.get("pull")) }
            @for (plan, page, _) in view.plans() {
                h3 { (plan.title) }
                dl.pulls {
                    dt { (text.get("region-home")) }
                    dd { pre.copy { "docker pull " (page.image) ":latest" } }
                    @if !view.page.preview && plan.private_audience.is_empty() {
                        @for region in view.regions {
                            dt { (region.name) }
                            dd { pre.copy { "docker pull " (pull_name(region, view, plan)) ":latest" } }
                        }
                    }
                }
                @if let Some(latest) = page.tags.iter().find(|tag| tag.tag == "latest") {
                    p.small { (text.get("pull-by-digest")) }
                    pre.copy { "docker pull " (page.image) "@" (latest.digest) }
                }
            }
        }
    }
}

/// The image's name in a region: its URL without the scheme, then the repository.
fn pull_name(region: &RegionView, view: &View<'_>, plan: &Plan) -> String {
    let place = region.url.split_once("://").map_or(region.url.as_str(), |(_, rest)| rest);
    let document = &view.page.document;
    format!("{}/{}/{}/{}", place.trim_end_matches('/'), document.publisher, document.id, plan.id)
}

/// What went live, newest first; and every tag with what it points at.
pub(super) fn versions(view: &View<'_>) -> Markup {
    let text = view.text;
    html! {
        section.plan aria-labelledby="versions" {
            h2 #versions { (text.get("versions")) }
            @if !view.details.releases.is_empty() {
                div.scroll tabindex="0" role="group" aria-labelledby="versions" { table {
                    thead { tr {
                        th scope="col" { (text.get("version")) } th scope="col" { (text.get("plan")) }
                        th scope="col" { (text.get("live-since")) } th scope="col" { (text.get("digest")) }
                    } }
                    tbody { @for release in &view.details.releases { tr {
                        td { strong { (release.version) } }
                        td { (release.plan) }
                        td { time datetime=(release.since.date()) { (format::day(text, release.since)) } }
                        td { code.digest { (release.digest) } }
                    } } }
                } }
            }
            details open[view.details.releases.is_empty()] {
                summary { (text.get("all-tags")) }
                table {
                    thead { tr { th scope="col" { (text.get("plan")) } th scope="col" { (text.get("tag")) } th scope="col" { (text.get("digest")) } } }
                    tbody { @for page in &view.page.plans { @for image in &page.tags {
                        tr { td { (page.id) } td { (image.tag) } td { code.digest { (image.digest) } } }
                    } } }
                }
            }
        }
    }
}
