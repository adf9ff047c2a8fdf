//! What every page has around its content.

use super::assets;
use super::icons::icon;
use super::session::door;
use super::theme::THEMES;
use crate::access::Actor;
use crate::error::{Error, Kind};
use crate::http::Visitor;
use crate::text::Text;
use axum::response::Html;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Where a page says who visits it. What stands there is put in where the page leaves (`sending`), so that no page has to
/// know of it. A comment cannot come from outside: what is not ours is escaped.
pub(super) const VISITOR: &str = "<!--visitor-->";

/// What a page says of itself to programs: search engines, messengers that show a preview, feed readers.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Two lines for a list of results.
    pub description: Option<String>,
    /// The page's own absolute address.
    pub address: Option<String>,
    /// Absolute address of a picture.
    pub image: Option<String>,
    /// Title and address of a feed.
    pub feed: Option<(String, String)>,
    /// What stands in the search field.
    pub typed: String,
    /// Nobody needs to find it: a page of results with filters.
    pub unlisted: bool,
    /// It uses the whole width.
    pub wide: bool,
    /// A style sheet of its own.
    pub style: Option<&'static str>,
}

/// A whole page.
pub fn page(text: &Text, title: &str, content: &Markup) -> Html<String> {
    page_with(text, title, &Head::default(), content)
}

/// A whole page that says more of itself.
pub(super) fn page_with(text: &Text, title: &str, about: &Head, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang=(text.language()) {
            head { (head(text, title, about)) }
            body {
                a.skip href="#content" { (text.get("skip-to-content")) }
                (header(text, about))
                main id="content" tabindex="-1" class=(if about.wide { "wide" } else { "narrow" }) { (content) }
                (footer(text))
            }
        }
    };
    Html(page.into_string())
}

fn head(text: &Text, title: &str, about: &Head) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        title { (title) " · Edgemarket" }
        @if about.unlisted { meta name="robots" content="noindex, follow"; }
        @if let Some(description) = &about.description { meta name="description" content=(description); }
        @if let Some(address) = &about.address {
            link rel="canonical" href=(address);
            meta property="og:type" content="website";
            meta property="og:site_name" content="Edgemarket";
            meta property="og:title" content=(title);
            meta property="og:url" content=(address);
            meta property="og:locale" content=(if text.is_french() { "fr_FR" } else { "en_GB" });
            meta name="twitter:card" content="summary";
            @if let Some(description) = &about.description { meta property="og:description" content=(description); }
            @if let Some(image) = &about.image { meta property="og:image" content=(image); }
        }
        @if let Some((title, address)) = &about.feed {
            link rel="alternate" type="application/atom+xml" title=(title) href=(address);
        }
        link rel="icon" type="image/svg+xml" href=(assets::at("/assets/icon.svg"));
        link rel="stylesheet" href=(assets::at("/assets/style.css"));
        link rel="stylesheet" href=(assets::at("/assets/storefront.css"));
        link rel="stylesheet" href=(assets::at("/assets/accounts.css"));
        link rel="stylesheet" href=(assets::at("/assets/deploy.css"));
        @if let Some(style) = about.style { link rel="stylesheet" href=(assets::at(style)); }
        link rel="stylesheet" href=(assets::at("/assets/print.css")) media="print";
        script src=(assets::at("/assets/storefront.js")) data-copy=(text.get("copy")) data-copied=(text.get("copied-short")) defer {}
    }
}

fn header(text: &Text, about: &Head) -> Markup {
    html! {
        header {
            a.brand href="/" { img src=(assets::at("/assets/icon.svg")) alt="" width="28" height="28"; "Edgemarket" }
            form.search role="search" action="/search" {
                label.unseen for="q" { (text.get("search-label")) }
                input #q name="q" type="search" value=(about.typed) placeholder=(text.get("search-placeholder"))
                    maxlength="200" autocomplete="off" spellcheck="false";
                button { (text.get("search")) }
            }
            nav aria-label=(text.get("main-navigation")) {
                a href="/category/internet-of-things?subcategories=iot-edge-modules" { (text.get("catalogue")) }
                a href="/modules" { (text.get("my-modules")) }
                a href="/publish" { (text.get("publish-offers")) }
                (PreEscaped(VISITOR))
            }
        }
    }
}

/// Who visits, in the place of [`VISITOR`]: a way to sign in, or a person's own page and the way out.
pub(super) fn visitor(text: &Text, visitor: &Visitor, here: Option<&str>) -> Markup {
    let door = here.filter(|here| *here != "/" && !here.starts_with("/sign-in")).map(door);
    let (page, name) = match (&visitor.session, &visitor.actor) {
        (Some(session), _) => ("/account", session.display_name.clone()),
        (None, Actor::Anonymous) => {
            return html! {
                a href=(door.as_deref().unwrap_or("/sign-in")) rel="nofollow" { (text.get("sign-in")) }
            };
        }
        (None, actor) => ("/sign-in", actor.to_string()),
    };
    html! {
        a.visitor href=(page) { (icon("identity")) span { (name) } }
        form.out method="post" action="/sign-out" { button { (text.get("sign-out")) } }
    }
}

fn footer(text: &Text) -> Markup {
    html! {
        footer {
            nav aria-label=(text.get("language")) {
                a href="/language/en" hreflang="en" lang="en" rel="nofollow" { "English" }
                a href="/language/fr" hreflang="fr" lang="fr" rel="nofollow" { "Français" }
            }
            nav aria-label=(text.get("theme")) {
                @for theme in THEMES {
                    a href={ "/theme/" (theme) } rel="nofollow" { (text.get(&format!("theme-{theme}"))) }
                }
            }
            nav aria-label=(text.get("more")) {
                a href="/releases.atom" { (text.get("feed-all")) }
                a href="/.well-known/edgemarket/keys.pem" { (text.get("public-keys")) }
            }
        }
    }
}

/// The page for a failure of ours: nothing of what happened but where it stands.
pub(super) fn broken(text: &Text, reference: &str) -> Html<String> {
    let title = text.get("failure-internal");
    let content = html! {
        h1 { (title) }
        p { (text.get("broken")) }
        p.hint { (text.get("hint-label")) " " (text.get("broken-hint")) }
        p { (text.get("broken-reference")) " " code { (reference) } }
        p { a.button href="/" { (text.get("back-to-catalogue")) } }
    };
    page_with(text, &title, &Head { unlisted: true, ..Head::default() }, &content)
}

/// A page that says no.
pub fn failure(text: &Text, error: &Error) -> Html<String> {
    let title = text.get(match error.kind {
        Kind::NotFound => "failure-not-found",
        Kind::Denied => "failure-denied",
        Kind::Unauthenticated => "failure-unauthenticated",
        Kind::Invalid => "failure-invalid",
        Kind::Conflict | Kind::Stale => "failure-conflict",
        Kind::Setup | Kind::Internal => "failure-internal",
    });
    let content = html! {
        h1 { (title) }
        p { (text.told(&error.message)) }
        p.hint { (text.get("hint-label")) " " (text.told(&error.hint)) }
        p { a.button href="/" { (text.get("back-to-catalogue")) } }
    };
    page_with(text, &title, &Head { unlisted: true, ..Head::default() }, &content)
}
