//! What every page has around its content.

use crate::error::{Error, Kind};
use crate::text::Text;
use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

/// A whole page.
pub fn page(text: &Text, title: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang=(text.language()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Edgemarket" }
                link rel="stylesheet" href="/assets/style.css";
            }
            body {
                a.skip href="#content" { (text.get("skip-to-content")) }
                header {
                    a.brand href="/" { "Edgemarket" }
                    nav {
                        a href="/" { (text.get("catalogue")) }
                        a href="/sign-in" { (text.get("sign-in")) }
                        a href="/language/en" hreflang="en" lang="en" { "English" }
                        a href="/language/fr" hreflang="fr" lang="fr" { "Français" }
                    }
                }
                main id="content" { (content) }
            }
        }
    };
    Html(page.into_string())
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
        p { (error.message) }
        p.hint { (text.get("hint-label")) " " (error.hint) }
        p { a href="/" { (text.get("back-to-catalogue")) } }
    };
    page(text, &title, &content)
}
