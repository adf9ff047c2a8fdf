//! Light or dark: the system's choice, unless the reader made one. It is put into a page where the page leaves, so that no
//! page has to know of it.

use super::Language;
use crate::accounts::{Profile, Session};
use crate::headers::cookie;
use crate::http::{Visitor, own_path};
use crate::market::Market;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

/// Cookie that holds the choice.
const COOKIE: &str = "edgemarket-theme";
/// How long the choice is kept: a year.
const COOKIE_SECONDS: i64 = 365 * 24 * 3_600;
/// What can be chosen; the first is the system's choice.
pub(super) const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// Remembers a theme, for the account of who has one, and goes back to the page that the reader came from.
pub(super) async fn choose(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let theme = THEMES.into_iter().find(|theme| *theme == name).unwrap_or(THEMES[0]);
    let cookie = cookie(&market, (COOKIE, theme), "Lax", COOKIE_SECONDS);
    let from = own_path(&market, &headers);
    // Not for a link on another site, which changes nothing of an account's.
    if let (Some(session), Some(_)) = (&visitor.session, &from)
        && let Err(refusal) =
            market.change_profile(&session.actor, Profile { theme: Some(theme), ..Profile::default() }).await
    {
        return refusal.into_page(text);
    }
    let back = from.unwrap_or_else(|| "/".to_owned());
    (AppendHeaders(cookie), Redirect::to(&back)).into_response()
}

/// The theme that the account has or the reader chose; `None` for the system's.
pub(super) fn of(headers: &HeaderMap, session: Option<&Session>) -> Option<&'static str> {
    let known = |value: &str| THEMES.into_iter().find(|theme| *theme == value);
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    let chosen = || pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, value)| known(value));
    let theme = session.and_then(|session| known(&session.theme)).or_else(chosen)?;
    (theme != THEMES[0]).then_some(theme)
}
