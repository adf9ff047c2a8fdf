//! An offer's page: what it is, its plans side by side, how to get it, and why to trust it. With `?preview=true`, the page of
//! what waits for sign-off, for those who may see it. Pictures of it, and the packages of its images as a table.

mod media;
mod overview;
mod packages;
mod plans;
mod trust;

use super::layout::{self, Head};
use super::{Failed, Language};
use crate::access::Actor;
use crate::catalogue::{Details, OfferPage, PlanDetails, PlanPage};
use crate::error::Error;
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::regions::RegionView;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::html;
use offer::document::Plan;

use std::collections::BTreeMap;

pub(super) use packages::page as packages_page;

type Names = Path<(String, String)>;
type Parameters = Query<BTreeMap<String, String>>;

/// Everything that the parts of the page show.
struct View<'a> {
    text: &'a Text,
    page: &'a OfferPage,
    details: &'a Details,
    regions: &'a [RegionView],
    /// Address of the marketplace, without a slash at the end.
    base: String,
}

impl View<'_> {
    /// `/offers/publisher/offer`, and what follows.
    fn path(&self, rest: &str) -> String {
        let document = &self.page.document;
        let suffix = if self.page.preview { "?preview=true" } else { "" };
        format!("/offers/{}/{}{rest}{suffix}", document.publisher, document.id)
    }

    /// A plan's picture.
    fn picture(&self, file: &str) -> String {
        let suffix = if self.page.preview {
            "?preview=true".to_owned()
        } else {
            format!("?v={}", self.page.submission)
        };
        format!("/offers/{}/{}/pictures/{file}{suffix}", self.page.document.publisher, self.page.document.id)
    }

    /// The plans with what is known of each.
    fn plans(&self) -> Vec<(&Plan, &PlanPage, &PlanDetails)> {
        let all = self.page.document.plans.iter();
        all.filter_map(|plan| {
            let view = self.page.plans.iter().find(|view| view.id == plan.id.as_str())?;
            Some((plan, view, self.details.plans.get(plan.id.as_str())?))
        })
        .collect()
    }
}

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    Query(parameters): Parameters,
) -> Result<Html<String>, Failed> {
    let found = async {
        let page = asked(&market, &actor, &names, &parameters).await?;
        let details = market.details(&page).await?;
        Ok((page, details, market.regions(&actor).await?))
    };
    match found.await {
        Ok((page, details, regions)) => {
            let base = market.config().public_url();
            let base = base.trim_end_matches('/').to_owned();
            let view = View { text: &text, page: &page, details: &details, regions: &regions, base };
            Ok(whole(&view))
        }
        Err(error) => Err(Failed(text, error)),
    }
}

fn whole(view: &View<'_>) -> Html<String> {
    let (text, listing) = (view.text, &view.page.document.listing);
    let about = Head {
        description: Some(listing.summary.clone()),
        address: (!view.page.preview).then(|| format!("{}{}", view.base, view.path(""))),
        image: Some(format!(
            "{}{}",
            view.base,
            view.picture(listing.logos.hero.as_ref().unwrap_or(&listing.logos.large))
        )),
        feed: (!view.page.preview)
            .then(|| (text.with("feed-of", &[("title", &listing.title)]), view.path("/releases.atom"))),
        unlisted: view.page.preview,
        wide: true,
        ..Head::default()
    };
    let content = html! {
        article.offer itemscope itemtype="https://schema.org/SoftwareApplication" {
            (overview::banners(view))
            (overview::title(view))
            div.columns {
                div.main {
                    (overview::description(view))
                    (media::screenshots(view))
                    (media::videos(view))
                    (plans::compare(view))
                    (plans::pulls(view))
                    (plans::versions(view))
                    (trust::panel(view))
                }
                aside { (overview::side(view)) }
            }
        }
    };
    layout::page_with(text, &listing.title, &about, &content)
}

/// The page that an address asks for.
async fn asked(
    market: &Market,
    actor: &Actor,
    names: &(String, String),
    parameters: &BTreeMap<String, String>,
) -> Result<OfferPage, Error> {
    let (publisher, offer) = offer_of_path(names)?;
    match parameters.contains_key("preview") {
        true => market.preview_page(actor, (&publisher, &offer)).await,
        false => market.offer_page(actor, (&publisher, &offer)).await,
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
    match asked(&market, &actor, &(publisher, offer), &parameters).await {
        Ok(page) => png(text, &page, &file, &parameters),
        Err(error) => Err(Failed(text, error)),
    }
}

/// A logo by its size: a list does not know in which file it is.
pub(super) async fn logo(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, offer, size)): Path<(String, String, String)>,
    Query(parameters): Parameters,
) -> Result<Response, Failed> {
    match asked(&market, &actor, &(publisher, offer), &parameters).await {
        Ok(page) => {
            let logos = &page.document.listing.logos;
            let file = match size.as_str() {
                "small" => &logos.small,
                "medium" => &logos.medium,
                "large" => &logos.large,
                "wide" => &logos.wide,
                _ => return Err(Failed(text, Error::not_found("a logo of this size"))),
            };
            png(text, &page, file, &parameters)
        }
        Err(error) => Err(Failed(text, error)),
    }
}

fn png(
    text: Text,
    page: &OfferPage,
    file: &str,
    parameters: &BTreeMap<String, String>,
) -> Result<Response, Failed> {
    let is_picture = std::path::Path::new(file).extension().is_some_and(|extension| extension == "png");
    let Some(bytes) = page.file(file).filter(|_| is_picture) else {
        return Err(Failed(text, Error::not_found("this picture")));
    };
    // An address that names the submission never shows another picture.
    let is_fixed = parameters.get("v") == Some(&page.submission);
    let caching = if is_fixed { "private, max-age=31536000, immutable" } else { "private, max-age=300" };
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, caching)], bytes.to_vec())
        .into_response())
}

/// The marketing identifier leads to the offer.
pub(super) async fn by_identifier(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(identifier): Path<String>,
) -> Result<Redirect, Failed> {
    match market.offer_of_identifier(&actor, &identifier).await {
        Ok((publisher, offer)) => Ok(Redirect::permanent(&format!("/offers/{publisher}/{offer}"))),
        Err(error) => Err(Failed(text, error)),
    }
}
