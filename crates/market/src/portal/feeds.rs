//! What programs read: feeds of releases (Atom, RFC 4287), the site map (sitemaps.org 0.9), and what crawlers may do
//! (RFC 9309).

use super::{Failed, Language};
use crate::catalogue::{RELEASES_MAX, Release};
use crate::clock::Instant;
use crate::error::Error;
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::search::{Query, Sort};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, PreEscaped, html};

/// Addresses in one file of the site map; the protocol allows 50,000.
const ADDRESSES_MAX: usize = 10_000;
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
/// When there is nothing: a feed has to say when it changed.
const NEVER: Instant = Instant(0);

/// An entry of a feed.
struct Item {
    id: String,
    title: String,
    address: String,
    author: String,
    summary: String,
    updated: Instant,
}

/// What went live last in the whole marketplace.
pub(super) async fn all(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
) -> Result<Response, Failed> {
    let base = base(&market);
    match market.search(&actor, &Query::all().sorted(Sort::Newest)).await {
        Ok(found) => {
            let item = |entry: crate::search::Entry| Item {
                id: format!("urn:uuid:{}", entry.submission),
                title: format!("{} {}", entry.title, entry.version).trim_end().to_owned(),
                address: format!("{base}/offers/{}/{}", entry.publisher, entry.offer),
                author: entry.publisher_name,
                summary: entry.summary,
                updated: Instant(entry.live_ms),
            };
            let items: Vec<Item> = found.offers.into_iter().map(item).collect();
            Ok(atom(&text.get("feed-all"), &format!("{base}/releases.atom"), &format!("{base}/"), &items))
        }
        Err(error) => Err(Failed(text, error)),
    }
}

/// The releases of one offer.
pub(super) async fn of_offer(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Path<(String, String)>,
) -> Result<Response, Failed> {
    let found = async {
        let (publisher, offer) = offer_of_path(&names)?;
        let page = market.offer_page(&actor, (&publisher, &offer)).await?;
        let details = market.details(&page).await?;
        Ok::<_, Error>((page, details))
    };
    match found.await {
        Ok((page, details)) => {
            let (document, base) = (&page.document, base(&market));
            let address = format!("{base}/offers/{}/{}", document.publisher, document.id);
            let item = |release: &Release| Item {
                id: format!("{address}#{}-{}", release.plan, release.version),
                title: format!("{} {} {}", document.listing.title, release.plan, release.version),
                address: format!("{address}#versions"),
                author: details.publisher_name.clone(),
                summary: release.digest.clone(),
                updated: release.since,
            };
            let items: Vec<Item> = details.releases.iter().take(RELEASES_MAX).map(item).collect();
            let title = text.with("feed-of", &[("title", &document.listing.title)]);
            Ok(atom(&title, &format!("{address}/releases.atom"), &address, &items))
        }
        Err(error) => Err(Failed(text, error)),
    }
}

fn atom(title: &str, own: &str, page: &str, items: &[Item]) -> Response {
    let updated = items.iter().map(|item| item.updated).max().unwrap_or(NEVER);
    let feed = html! {
        feed xmlns="http://www.w3.org/2005/Atom" {
            id { (own) }
            title { (title) }
            updated { (updated) }
            (link("self", own))
            (link("alternate", page))
            @for item in items {
                entry {
                    id { (item.id) }
                    title { (item.title) }
                    updated { (item.updated) }
                    author { name { (item.author) } }
                    (link("alternate", &item.address))
                    summary { (item.summary) }
                }
            }
        }
    };
    xml("application/atom+xml; charset=utf-8", &feed)
}

/// HTML has an empty element of this name without an end, XML has not.
fn link(rel: &str, address: &str) -> Markup {
    let quoted = html! { (address) }.into_string();
    PreEscaped(format!("<link rel=\"{rel}\" href=\"{quoted}\"/>"))
}

/// The site map: a list of its files.
pub(super) async fn sitemap(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
) -> Result<Response, Failed> {
    let base = base(&market);
    match market.search(&actor, &Query::all()).await {
        Ok(found) => {
            let files = found.total.div_ceil(ADDRESSES_MAX).max(1);
            Ok(xml(
                "application/xml; charset=utf-8",
                &html! {
                    sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" {
                        @for file in 1..=files { sitemap { loc { (base) "/sitemaps/" (file) } } }
                    }
                },
            ))
        }
        Err(error) => Err(Failed(text, error)),
    }
}

/// A file of the site map.
pub(super) async fn sitemap_part(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(part): Path<String>,
) -> Result<Response, Failed> {
    let base = base(&market);
    let number = part.parse::<usize>().ok().filter(|number| (1..=100_000).contains(number));
    let found = async {
        let number = number.ok_or_else(|| Error::not_found("this part of the site map"))?;
        let entries = market.names(&actor, (number - 1) * ADDRESSES_MAX, ADDRESSES_MAX).await?;
        if entries.is_empty() && number > 1 {
            return Err(Error::not_found("this part of the site map"));
        }
        Ok((number, entries))
    };
    match found.await {
        Ok((number, entries)) => Ok(xml(
            "application/xml; charset=utf-8",
            &html! {
                urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" {
                    @if number == 1 {
                        url { loc { (base) "/" } }
                        @for category in offer::categories::ALL { url { loc { (base) "/category/" (category.id) } } }
                    }
                    @for entry in &entries {
                        url {
                            loc { (base) "/offers/" (entry.publisher) "/" (entry.offer) }
                            lastmod { (Instant(entry.live_ms).date()) }
                        }
                    }
                }
            },
        )),
        Err(error) => Err(Failed(text, error)),
    }
}

/// What crawlers may do: everything but turning filters on and off.
pub(super) async fn robots(State(market): State<Market>) -> Response {
    let base = base(&market);
    let text = format!(
        "User-agent: *\nDisallow: /search\nDisallow: /api/\nDisallow: /v2/\nDisallow: /sign-in\n\
         Disallow: /language/\nDisallow: /theme/\n\nSitemap: {base}/sitemap.xml\n"
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn base(market: &Market) -> String {
    market.config().public_url().trim_end_matches('/').to_owned()
}

fn xml(content_type: &'static str, content: &Markup) -> Response {
    let text = format!("{DECLARATION}{}\n", content.0);
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
