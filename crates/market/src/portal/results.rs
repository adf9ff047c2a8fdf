//! Results of a search, and the pages of the categories, which are searches too: filters with counts, order, pages. All of
//! it is links and one form; the script only fetches the same page while somebody types.

use super::cards::{cards, licence_name};
use super::layout::{self, Head};
use super::{Failed, Language, format};
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::search::{Count, Facet, Found, PAGE_MAX, PAGE_SIZE, Query, Sort};
use crate::text::Text;
use axum::extract::{Path, RawQuery, State};
use axum::response::Html;
use maud::{Markup, html};
use offer::categories::{self, IMPLIED};

pub(super) async fn search(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    RawQuery(parameters): RawQuery,
) -> Result<Html<String>, Failed> {
    let query = Query::parse(&parameters.unwrap_or_default());
    match market.search(&actor, &query).await {
        Ok(found) => Ok(page(&market, &text, &query, &found)),
        Err(error) => Err(Failed(text, error)),
    }
}

/// `/category/internet-of-things?subcategories=iot-edge-modules&page=1`. Everything is in that one; no other category has
/// subcategories.
pub(super) async fn category(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    RawQuery(parameters): RawQuery,
) -> Result<Html<String>, Failed> {
    let parameters = parameters.unwrap_or_default();
    let below = url::form_urlencoded::parse(parameters.as_bytes()).find(|(name, _)| name == "subcategories");
    let is_known = categories::find(&id).is_some()
        && below.is_none_or(|(_, value)| id == IMPLIED[0].id && value == IMPLIED[1].id);
    if !is_known {
        let message = text.with("category-missing", &[("id", &id.chars().take(60).collect::<String>())]);
        let hint = text.get("page-missing-hint");
        return Err(Failed(text, Error::new(crate::error::Kind::NotFound, message, hint)));
    }
    let mut query = Query::all();
    query.choose(Facet::Category, &id);
    let mut asked = Query::parse(&parameters);
    for facet in Facet::ALL.into_iter().filter(|facet| *facet != Facet::Category) {
        asked.chosen(facet).iter().for_each(|value| query.choose(facet, value));
    }
    (query.sort, query.page, query.text) = (asked.sort, asked.page, std::mem::take(&mut asked.text));
    match market.search(&actor, &query).await {
        Ok(found) => Ok(page(&market, &text, &query, &found)),
        Err(error) => Err(Failed(text, error)),
    }
}

fn page(market: &Market, text: &Text, query: &Query, found: &Found) -> Html<String> {
    let title = title(text, query);
    let filters = Facet::ALL.iter().map(|facet| query.chosen(*facet).len()).sum::<usize>();
    let is_category = query.text.is_empty() && filters == 1 && !query.chosen(Facet::Category).is_empty();
    let about = Head {
        description: Some(text.with("results-description", &[("title", &title)])),
        address: Some(format!("{}{}", market.config().public_url(), query.address())),
        typed: query.text.clone(),
        unlisted: !is_category,
        wide: true,
        ..Head::default()
    };
    layout::page_with(text, &title, &about, &content(text, query, found, &title))
}

/// What the results are of.
fn title(text: &Text, query: &Query) -> String {
    match (query.text.as_str(), query.chosen(Facet::Category)) {
        ("", [one]) => category_name(text, one),
        ("", _) => text.get("results-all"),
        (typed, _) => text.with("results-for", &[("text", typed)]),
    }
}

fn content(text: &Text, query: &Query, found: &Found, title: &str) -> Markup {
    let is_iot = query.text.is_empty() && query.chosen(Facet::Category) == [IMPLIED[0].id];
    html! {
        div #results {
            nav.crumbs aria-label=(text.get("breadcrumb")) {
                ol {
                    li { a href="/" { (text.get("home")) } }
                    li { (title) }
                    @if is_iot { li { (if text.is_french() { IMPLIED[1].french } else { IMPLIED[1].english }) } }
                }
            }
            h1 { (title) }
            div.results {
                (filters(text, query, found))
                section aria-labelledby="found" {
                    div.row-head {
                        div role="status" {
                            h2.count #found { (text.with("offers-count", &[
                                ("count", &found.total.to_string()),
                                ("shown", &format::number(text, found.total as u64)),
                            ])) }
                        }
                        nav.sort aria-label=(text.get("sort")) {
                            span.small { (text.get("sort")) " " }
                            @for sort in Sort::ALL {
                                a href=(query.sorted(sort).address()) aria-current=[(query.sort == sort).then_some("true")]
                                    rel="nofollow" { (text.get(&format!("sort-{}", sort.name()))) }
                            }
                        }
                    }
                    @if found.relaxed { p.banner { (text.get("results-relaxed")) } }
                    @if found.offers.is_empty() { (nothing(text, query)) } @else { (cards(text, &found.offers)) }
                    (pages(text, query, found.total))
                }
            }
        }
    }
}

/// What to do when nothing was found.
fn nothing(text: &Text, query: &Query) -> Markup {
    html! {
        div.empty {
            p { (text.get("results-empty")) }
            ul {
                @if query.is_filtered() { li { a href=(query.unfiltered().address()) { (text.get("results-unfilter")) } } }
                li { a href="/" { (text.get("back-to-catalogue")) } }
            }
        }
    }
}

fn filters(text: &Text, query: &Query, found: &Found) -> Markup {
    let chosen = Facet::ALL.iter().any(|facet| !query.chosen(*facet).is_empty());
    html! {
        details.filters open aria-label=(text.get("filters")) {
            summary { (text.get("filters")) }
            @if chosen { p { a href=(query.unfiltered().address()) rel="nofollow" { (text.get("results-unfilter")) } } }
            @for (facet, values) in &found.counts {
                @if !values.is_empty() { (filter(text, query, *facet, values)) }
            }
        }
    }
}

fn filter(text: &Text, query: &Query, facet: Facet, values: &[Count]) -> Markup {
    html! {
        section.filter {
            h2 { (text.get(&format!("facet-{}", facet.name()))) }
            ul { @for value in values {
                li {
                    a href=(query.toggled(facet, &value.value).address()) rel="nofollow"
                        aria-current=[value.chosen.then_some("true")] {
                        span.box aria-hidden="true" {}
                        span.name { (value_name(text, facet, value)) }
                        span.count { (format::number(text, value.offers as u64)) }
                        @if value.chosen { span.unseen { (text.get("filter-remove")) } }
                    }
                }
            } }
        }
    }
}

fn value_name(text: &Text, facet: Facet, value: &Count) -> String {
    match facet {
        Facet::Category => category_name(text, &value.value),
        Facet::Licence => licence_name(text, &value.value),
        Facet::Badge => text.get("badge-showcased"),
        Facet::Publisher => value.name.clone().unwrap_or_else(|| value.value.clone()),
        Facet::Platform => value.value.clone(),
    }
}

/// The name of a category; an unknown one is shown as it is.
pub(super) fn category_name(text: &Text, id: &str) -> String {
    let name = |category: categories::Category| {
        if text.is_french() { category.french } else { category.english }
    };
    categories::find(id).map_or(id, name).to_owned()
}

fn pages(text: &Text, query: &Query, total: usize) -> Markup {
    let last = total.div_ceil(PAGE_SIZE).clamp(1, PAGE_MAX);
    let place = [query.page.to_string(), last.to_string()];
    html! {
        @if last > 1 {
            nav.pages aria-label=(text.get("pages")) {
                @if query.page > 1 {
                    a.button rel="prev" href=(query.at_page((query.page - 1).min(last)).address()) { (text.get("page-before")) }
                }
                span { (text.with("page-of", &[("page", &place[0]), ("pages", &place[1])])) }
                @if query.page < last {
                    a.button rel="next" href=(query.at_page(query.page + 1).address()) { (text.get("page-after")) }
                }
            }
        }
    }
}
