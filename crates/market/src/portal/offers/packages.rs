//! The packages of one image as a table that can be searched and turned over, without a script.

use super::{View, asked};
use crate::catalogue::Component;
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::portal::layout::{self, Head};
use crate::portal::{Failed, Language, format};
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Packages on one page.
const ROWS: usize = 200;
/// Longest text that is looked for.
const TYPED_CHARS_MAX: usize = 100;

/// What is asked for of the table.
struct Wanted {
    platform: String,
    typed: String,
    page: usize,
}

pub(in crate::portal) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, offer, plan)): Path<(String, String, String)>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Html<String>, Failed> {
    let found = async {
        let page = asked(&market, &actor, &(publisher, offer), &parameters).await?;
        let plan = page.plans.iter().find(|candidate| candidate.id == plan);
        let plan = plan.cloned().ok_or_else(|| Error::not_found("this plan"))?;
        let first = plan.sboms.first().and_then(|sbom| sbom.platform.clone());
        let wanted = Wanted {
            platform: parameters.get("platform").cloned().or(first).unwrap_or_default(),
            typed: parameters
                .get("q")
                .map_or("", |typed| typed.trim())
                .chars()
                .take(TYPED_CHARS_MAX)
                .collect(),
            page: parameters.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1),
        };
        let packages = market.packages(&page, &plan, &wanted.platform).await?;
        Ok((page, plan, wanted, packages))
    };
    match found.await {
        Ok((page, plan, wanted, packages)) => {
            let details = crate::catalogue::Details::none();
            let view =
                View { text: &text, page: &page, details: &details, regions: &[], base: String::new() };
            let title = text.with("packages-title", &[("title", &page.document.listing.title)]);
            let about = Head { unlisted: true, wide: true, ..Head::default() };
            Ok(layout::page_with(&text, &title, &about, &table(&view, &plan.id, &wanted, &packages, &title)))
        }
        Err(error) => Err(Failed(text, error)),
    }
}

fn table(view: &View<'_>, plan: &str, wanted: &Wanted, packages: &[Component], title: &str) -> Markup {
    let text = view.text;
    let typed = wanted.typed.to_lowercase();
    let has = |component: &&Component| {
        [&component.name, &component.version, &component.kind, &component.licences]
            .iter()
            .any(|field| field.to_lowercase().contains(&typed))
    };
    let found: Vec<&Component> = packages.iter().filter(has).collect();
    let last = found.len().div_ceil(ROWS).max(1);
    let page = wanted.page.min(last);
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) {
            ol {
                li { a href="/" { (text.get("home")) } }
                li { a href=(view.path("")) { (view.page.document.listing.title) } }
                li { (text.get("contents")) }
            }
        }
        h1 { (title) }
        p { (plan) " · " (wanted.platform) }
        form.filter-table action=(view.path(&format!("/plans/{plan}/packages"))) {
            @if view.page.preview { input type="hidden" name="preview" value="true"; }
            input type="hidden" name="platform" value=(wanted.platform);
            label for="packages-q" { (text.get("packages-search")) }
            input #packages-q name="q" type="search" value=(wanted.typed) maxlength="100";
            button { (text.get("search")) }
        }
        p role="status" { (text.with("packages-found", &[
            ("found", &format::number(text, found.len() as u64)), ("all", &format::number(text, packages.len() as u64)),
        ])) }
        (rows(text, &found[(page - 1) * ROWS..found.len().min(page * ROWS)]))
        @if last > 1 {
            nav.pages aria-label=(text.get("pages")) {
                @if page > 1 { a.button rel="prev" href=(address(view, plan, wanted, page - 1)) { (text.get("page-before")) } }
                span { (text.with("page-of", &[("page", &page.to_string()), ("pages", &last.to_string())])) }
                @if page < last { a.button rel="next" href=(address(view, plan, wanted, page + 1)) { (text.get("page-after")) } }
            }
        }
    }
}

fn rows(text: &Text, components: &[&Component]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(text.get("contents")) { table {
            thead { tr {
                th scope="col" { (text.get("package")) } th scope="col" { (text.get("version")) }
                th scope="col" { (text.get("ecosystem")) } th scope="col" { (text.get("licence")) }
            } }
            tbody { @for component in components { tr {
                th scope="row" { (component.name) } td { (component.version) } td { (component.kind) } td { (component.licences) }
            } } }
        } }
    }
}

fn address(view: &View<'_>, plan: &str, wanted: &Wanted, page: usize) -> String {
    let mut parameters = url::form_urlencoded::Serializer::new(String::new());
    if view.page.preview {
        parameters.append_pair("preview", "true");
    }
    parameters.append_pair("platform", &wanted.platform).append_pair("page", &page.to_string());
    if !wanted.typed.is_empty() {
        parameters.append_pair("q", &wanted.typed);
    }
    let document = &view.page.document;
    format!("/offers/{}/{}/plans/{plan}/packages?{}", document.publisher, document.id, parameters.finish())
}
