//! The first page: what there is, by category, what is showcased, and what is new.

use super::cards::cards;
use super::icons::icon;
use super::layout::{self, Head};
use super::results::category_name;
use super::{Failed, Language, format};
use crate::http::Who;
use crate::market::Market;
use crate::search::{Entry, Facet, Found, Query, SHOWCASED, Sort};
use crate::text::Text;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};

/// Cards in each row of the first page.
const ROW: usize = 8;

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
) -> Result<Html<String>, Failed> {
    let found = async {
        let showcased = Query::all().toggled(Facet::Badge, SHOWCASED);
        let newest = market.search(&actor, &Query::all().sorted(Sort::Newest)).await?;
        Ok((newest, market.search(&actor, &showcased).await?.offers))
    };
    match found.await {
        Ok((newest, showcased)) => {
            let about = Head {
                description: Some(text.get("home-description")),
                address: Some(format!("{}/", market.config().public_url())),
                feed: Some((text.get("feed-all"), "/releases.atom".to_owned())),
                wide: true,
                ..Head::default()
            };
            Ok(layout::page_with(
                &text,
                &text.get("catalogue-title"),
                &about,
                &content(&text, &newest, &showcased),
            ))
        }
        Err(error) => Err(Failed(text, error)),
    }
}

fn content(text: &Text, newest: &Found, showcased: &[Entry]) -> Markup {
    html! {
        div #results {
            section.hero {
                h1 { (text.get("home-title")) }
                p { (text.get("home-lead")) }
                @if newest.total > 0 {
                    p.small { (text.with("offers-count", &[("count", &newest.total.to_string()), ("shown", &format::number(text, newest.total as u64))])) }
                }
            }
            @if newest.total == 0 {
                p.empty { (text.get("catalogue-empty")) }
                pre { "edgemarket offer new my-module\nedgemarket publish my-module --wait" }
            } @else {
                (categories(text, newest))
                @if !showcased.is_empty() {
                    section aria-labelledby="showcased" {
                        div.row-head {
                            h2 #showcased { (text.get("home-showcased")) }
                            a href=(Query::all().toggled(Facet::Badge, SHOWCASED).address()) { (text.get("see-all")) }
                        }
                        (cards(text, &showcased[..showcased.len().min(ROW)]))
                    }
                }
                section aria-labelledby="newest" {
                    div.row-head {
                        h2 #newest { (text.get("home-newest")) }
                        a href=(Query::all().sorted(Sort::Newest).address()) { (text.get("see-all")) }
                    }
                    (cards(text, &newest.offers[..newest.offers.len().min(ROW)]))
                }
            }
        }
    }
}

/// The categories that have offers, with their numbers.
fn categories(text: &Text, found: &Found) -> Markup {
    let counts = found.counts.iter().find(|(facet, _)| *facet == Facet::Category);
    html! {
        @if let Some((facet, values)) = counts {
            section aria-labelledby="categories" {
                h2 #categories { (text.get("facet-category")) }
                ul.categories { @for value in values {
                    li { a href=(Query::all().toggled(*facet, &value.value).address()) {
                        (icon(&value.value))
                        span { (category_name(text, &value.value)) }
                        span.count { (format::number(text, value.offers as u64)) }
                    } }
                } }
            }
        }
    }
}
