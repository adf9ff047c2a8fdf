//! What an offer is: its head, its description, and the column beside it.

use super::View;
use crate::portal::cards::{licence_name, platform_name, showcase};
use crate::portal::format;
use crate::portal::icons::icon;
use crate::portal::results::category_name;
use crate::search::{Facet, Query};
use maud::{Markup, PreEscaped, html};
use offer::categories::IMPLIED;
use offer::document::{LicenceModel, Terms};
use std::collections::BTreeSet;

/// That it is a preview, or comes from elsewhere.
pub(super) fn banners(view: &View<'_>) -> Markup {
    let (text, page) = (view.text, view.page);
    html! {
        @if page.preview { p.banner { (text.get("preview-banner")) } }
        @if let Some(from) = &page.imported {
            p.banner {
                (text.with("imported-banner", &[("source", &from.source), ("exported", &from.exported.to_string())]))
                " " code { (from.key) }
            }
        }
    }
}

/// Logo, title, publisher, and what matters most.
pub(super) fn title(view: &View<'_>) -> Markup {
    let (text, document) = (view.text, &view.page.document);
    let listing = &document.listing;
    let publisher = Query::all().toggled(Facet::Publisher, document.publisher.as_str()).address();
    let newest = view.details.releases.iter().map(|release| release.version).max();
    let showcased = view.details.plans.values().any(|plan| plan.showcased);
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) {
            ol {
                li { a href="/" { (text.get("home")) } }
                li { a href=(Query::all().toggled(Facet::Category, IMPLIED[0].id).address()) {
                    (category_name(text, IMPLIED[0].id))
                } }
                li { (if text.is_french() { IMPLIED[1].french } else { IMPLIED[1].english }) }
            }
        }
        div.title {
            img.logo itemprop="image" src=(view.picture(&listing.logos.large)) alt="" width="115" height="115";
            div {
                h1 itemprop="name" { (listing.title) }
                p.by itemprop="author" itemscope itemtype="https://schema.org/Organization" {
                    a itemprop="url" href=(publisher) rel="author" { span itemprop="name" { (view.details.publisher_name) } }
                }
                p.lead itemprop="description" { (listing.summary) }
                p.facts {
                    @if showcased { (showcase(text)) " " }
                    @for licence in licences(view) { span.chip { (licence_name(text, licence)) } " " }
                    @for platform in platforms(view) { span.chip.quiet itemprop="operatingSystem" { (platform_name(&platform)) } " " }
                    @if let Some(newest) = newest {
                        span.chip.quiet { (text.get("version")) " " span itemprop="softwareVersion" { (newest) } }
                    }
                }
            }
            p.actions { a.button.primary href=(get_it(view)) { (text.get("get-it")) } " " a.button href="#trust" { (text.get("why-trust")) } }
        }
        meta itemprop="applicationCategory" content="IoT Edge module";
    }
}

/// Where a module is acquired: of several plans one is to be chosen first, and a preview is only pulled.
fn get_it(view: &View<'_>) -> String {
    match view.page.document.plans.as_slice() {
        _ if view.page.preview => "#get".to_owned(),
        [only] => view.path(&format!("/plans/{}/acquire", only.id)),
        _ => "#plans".to_owned(),
    }
}

fn licences(view: &View<'_>) -> BTreeSet<&'static str> {
    let of_plans = view.page.document.plans.iter().map(|plan| match plan.licence_model {
        LicenceModel::Free => crate::search::LICENCES[0],
        LicenceModel::Byol => crate::search::LICENCES[1],
    });
    of_plans.collect()
}

fn platforms(view: &View<'_>) -> BTreeSet<String> {
    let reports = view.details.plans.values().filter_map(|plan| plan.report.as_ref());
    reports.flat_map(|report| report.image.platforms.iter().cloned()).collect()
}

/// The picture at the top, the long summary and the description.
pub(super) fn description(view: &View<'_>) -> Markup {
    let listing = &view.page.document.listing;
    html! {
        section.about aria-labelledby="about" {
            h2 #about { (view.text.get("about")) }
            @if let Some(hero) = &listing.logos.hero {
                img.hero-picture src=(view.picture(hero)) alt="" width="815" height="290";
            }
            p.lead { (listing.long_summary) }
            div.description { (PreEscaped(offer::html::clean(&listing.description).html)) }
        }
    }
}

/// Links, support, terms, categories and the feed.
pub(super) fn side(view: &View<'_>) -> Markup {
    let (text, document) = (view.text, &view.page.document);
    let listing = &document.listing;
    html! {
        section {
            h2 { (text.get("useful-links")) }
            ul.links {
                @for link in &listing.links { li { (away(&link.url, &link.title)) } }
                li { (away(&listing.privacy_policy_url, &text.get("privacy-policy"))) }
                @match &listing.terms {
                    Terms::StandardContract => li { a href="/contract" { (text.get("standard-contract")) } },
                    Terms::Url(url) => li { (away(url, &text.get("terms-of-use"))) },
                    Terms::Html(html) => li {
                        details {
                            summary { (text.get("terms-of-use")) }
                            div.description { (PreEscaped(offer::html::clean(html).html)) }
                        }
                    },
                }
            }
        }
        section {
            h2 { (text.get("support")) }
            ul.links {
                li { (away(&document.support.url, &text.get("support-page"))) }
                @if let Some(url) = &document.support.sovereign_url { li { (away(url, &text.get("support-sovereign"))) } }
                li { (document.support.customer.name) }
                li { a href={ "mailto:" (document.support.customer.email) } { (document.support.customer.email) } }
                li { a href={ "tel:" (document.support.customer.phone.replace(' ', "")) } { (document.support.customer.phone) } }
            }
        }
        section {
            h2 { (text.get("facet-category")) }
            ul.links { @for id in categories(&listing.categories) {
                li { a href=(Query::all().toggled(Facet::Category, id).address()) { (category_name(text, id)) } }
            } }
        }
        section {
            h2 { (text.get("identifiers")) }
            dl {
                dt { (text.get("offer-id")) } dd { code { (document.publisher) "." (document.id) } }
                @if let Some(certified) = view.details.certified {
                    dt { (text.get("certified-on")) } dd { time datetime=(certified.date()) { (format::day(text, certified)) } }
                }
            }
            @if !view.page.preview { p { a href=(view.path("/releases.atom")) { (text.get("feed")) } } }
        }
    }
}

/// The named categories, and the one that everything is in.
fn categories(named: &[String]) -> Vec<&str> {
    let mut all = vec![IMPLIED[0].id];
    all.extend(named.iter().map(String::as_str).filter(|id| *id != IMPLIED[0].id));
    all
}

/// A link out of the marketplace.
fn away(url: &str, title: &str) -> Markup {
    html! { a.away href=(url) rel="noopener noreferrer nofollow" { (title) (icon("away")) } }
}
