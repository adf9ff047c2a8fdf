//! The reader's language: the `lang` parameter, else the account's, else what was chosen before, else what the browser likes
//! best of the two that there are.

use crate::accounts::{Profile, Session};
use crate::headers::cookie;
use crate::http::{Visitor, own_path};
use crate::market::Market;
use crate::text::{Text, Told};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{Markup, Render, html};
use std::convert::Infallible;

/// Cookie that holds the chosen language.
const COOKIE: &str = "edgemarket-language";
/// How long the choice is kept: a year.
const COOKIE_SECONDS: i64 = 365 * 24 * 3_600;

/// Sentences in the reader's language.
pub(super) struct Language(pub Text);

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Language, Infallible> {
        let session = parts.extensions.get::<Visitor>().and_then(|visitor| visitor.session.as_ref());
        Ok(Language(of(parts.uri.query(), &parts.headers, session)))
    }
}

impl Render for Told {
    fn render(&self) -> Markup {
        html! { @if self.is_foreign { span lang="en" { (self.words) } } @else { (self.words) } }
    }
}

/// The language of a request with this query, by whom it is.
pub(super) fn of(query: Option<&str>, headers: &HeaderMap, session: Option<&Session>) -> Text {
    let query = query.unwrap_or_default();
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(known);
    let own = session.and_then(|session| known(&session.language));
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let pairs = header(header::COOKIE).split(';').filter_map(|pair| pair.trim().split_once('='));
    let chosen = pairs.filter(|(name, _)| *name == COOKIE).find_map(|(_, value)| known(value));
    let language = asked.or(own).or(chosen).or_else(|| preferred(header(header::ACCEPT_LANGUAGE)));
    Text::of_locale(language.unwrap_or("en"))
}

/// Remembers a language, for the account of who has one, and goes back to the page that the reader came from.
pub(super) async fn choose(
    State(market): State<Market>,
    visitor: Visitor,
    Path(tag): Path<String>,
    headers: HeaderMap,
) -> Response {
    let language = known(&tag).unwrap_or("en");
    let cookie = cookie(&market, (COOKIE, language), "Lax", COOKIE_SECONDS);
    let from = own_path(&market, &headers);
    // Not for a link on another site, which changes nothing of an account's.
    if let (Some(session), Some(_)) = (&visitor.session, &from)
        && let Err(refusal) = market
            .change_profile(&session.actor, Profile { language: Some(language), ..Profile::default() })
            .await
    {
        return refusal.into_page(Text::of_locale(language));
    }
    let back = from.unwrap_or_else(|| "/".to_owned());
    (AppendHeaders(cookie), Redirect::to(&back)).into_response()
}

/// The language of a tag such as `fr-CH` (RFC 5646: what stands before the first dash), when there is one.
fn known(tag: &str) -> Option<&'static str> {
    let primary = tag.trim().split('-').next().unwrap_or_default();
    ["en", "fr"].into_iter().find(|language| primary.eq_ignore_ascii_case(language))
}

/// The known language with the greatest weight, the first of equals (RFC 9110 § 12.5.4).
fn preferred(accepted: &str) -> Option<&'static str> {
    let mut best: Option<(f32, &'static str)> = None;
    for item in accepted.split(',') {
        let (tag, weight) = item.split_once(";q=").unwrap_or((item, "1"));
        let weight = weight.trim().parse::<f32>().unwrap_or(0.0);
        if let Some(language) = known(tag)
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::preferred;

    #[test]
    fn weights_decide_and_order_breaks_ties() {
        assert_eq!(preferred("de, en;q=0.3, fr-CH;q=0.8"), Some("fr"));
        assert_eq!(preferred("fr, en"), Some("fr"));
        assert_eq!(preferred("en-GB,fr;q=0.9"), Some("en"));
        assert_eq!(preferred("frr, de"), None);
        assert_eq!(preferred("fr;q=0"), None);
        assert_eq!(preferred(""), None);
    }
}
