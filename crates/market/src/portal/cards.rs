//! Offers in lists: logo, title, publisher, one line, and what tells them apart.

use super::format;
use super::icons::icon;
use crate::clock::Instant;
use crate::search::Entry;
use crate::text::Text;
use maud::{Markup, html};

/// Platforms that a card names; of more it tells the number.
const PLATFORMS_SHOWN: usize = 4;

/// Cards side by side.
pub(super) fn cards(text: &Text, offers: &[Entry]) -> Markup {
    html! { ul.cards { @for entry in offers { li { (card(text, entry)) } } } }
}

fn card(text: &Text, entry: &Entry) -> Markup {
    html! {
        article.card {
            img.logo src=(logo(entry, "medium")) alt="" width="56" height="56" loading="lazy";
            div {
                h3 { a href={ "/offers/" (entry.publisher) "/" (entry.offer) } { (entry.title) } }
                p.by { (entry.publisher_name) }
            }
            p.summary { (entry.summary) }
            p.facts {
                @if entry.showcased { (showcase(text)) " " }
                @for licence in &entry.licences { span.chip { (licence_name(text, licence)) } " " }
                @for platform in entry.platforms.iter().take(PLATFORMS_SHOWN) {
                    span.chip.quiet { (platform_name(platform)) } " "
                }
                @if let Some(more) = entry.platforms.len().checked_sub(PLATFORMS_SHOWN + 1) {
                    span.chip.quiet { "+" (more + 1) } " "
                }
            }
            p.when {
                @if !entry.version.is_empty() { span { (entry.version) } " · " }
                time datetime=(Instant(entry.live_ms).date()) { (format::day(text, Instant(entry.live_ms))) }
            }
        }
    }
}

/// The badge of what runs on all tier 1 platforms.
pub(super) fn showcase(text: &Text) -> Markup {
    html! { span.badge title=(text.get("badge-showcased-why")) { (icon("badge")) (text.get("badge-showcased")) } }
}

/// Address of a logo. It names the submission, so that it never changes and can be kept.
pub(super) fn logo(entry: &Entry, size: &str) -> String {
    format!("/offers/{}/{}/logos/{size}?v={}", entry.publisher, entry.offer, entry.submission)
}

/// A platform without the system that nearly all have.
pub(super) fn platform_name(platform: &str) -> &str {
    platform.strip_prefix("linux/").unwrap_or(platform)
}

/// The name of a licence model.
pub(super) fn licence_name(text: &Text, licence: &str) -> String {
    match licence {
        "free" => text.get("licence-free"),
        "byol" => text.get("licence-byol"),
        other => other.to_owned(),
    }
}
