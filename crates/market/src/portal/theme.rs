//! Light or dark: the system's choice, unless the reader made one. It is put into a page where the page leaves, so that no
//! page has to know of it.

use crate::http::own_path;
use crate::market::Market;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

/// Cookie that holds the choice.
const COOKIE: &str = "edgemarket-theme";
/// How long the choice is kept: a year.
const COOKIE_SECONDS: u32 = 365 * 24 * 3_600;
/// What can be chosen; the first is the system's choice.
pub(super) const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// Remembers a theme and goes back to the page that the reader came from.
pub(super) async fn choose(
    State(market): State<Market>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let theme = THEMES.into_iter().find(|theme| *theme == name).unwrap_or(THEMES[0]);
    let cookie = format!("{COOKIE}={theme}; Path=/; HttpOnly; SameSite=Lax; Max-Age={COOKIE_SECONDS}");
    let back = own_path(&market, &headers).unwrap_or_else(|| "/".to_owned());
    (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to(&back)).into_response()
}

/// The theme that the reader chose; `None` for the system's.
pub(super) fn chosen(headers: &HeaderMap) -> Option<&'static str> {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok())?;
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find(|(name, _)| *name == COOKIE)?.1;
    THEMES.into_iter().skip(1).find(|theme| *theme == value)
}

/// Puts the theme into a page.
pub(super) fn put(theme: &str, page: &[u8]) -> Vec<u8> {
    let start = b"<html";
    let at = page.windows(start.len()).position(|window| window == start);
    let Some(at) = at.map(|at| at + start.len()) else { return page.to_vec() };
    let mut themed = page[..at].to_vec();
    themed.extend_from_slice(format!(" data-theme=\"{theme}\"").as_bytes());
    themed.extend_from_slice(&page[at..]);
    themed
}
