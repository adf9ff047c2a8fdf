//! Screenshots, enlarged in place by the browser's own means, and videos, of which nothing comes from elsewhere before
//! somebody follows the link.

use super::View;
use crate::portal::icons::icon;
use maud::{Markup, html};

/// Pictures in a row; each opens large. `popover` needs no script, and brings the Escape key and the focus with it.
pub(super) fn screenshots(view: &View<'_>) -> Markup {
    let text = view.text;
    let shots: Vec<_> = view.page.document.plans.iter().flat_map(|plan| &plan.screenshots).collect();
    html! {
        @if !shots.is_empty() {
            section.screenshots aria-labelledby="screenshots" {
                h2 #screenshots { (text.get("screenshots")) }
                ul.shots { @for (at, shot) in shots.iter().enumerate() {
                    li { button.shot type="button" popovertarget={ "shot-" (at) } {
                        img itemprop="screenshot" src=(view.picture(&shot.file)) alt=(shot.name) loading="lazy" width="533" height="324";
                    } }
                } }
                @for (at, shot) in shots.iter().enumerate() {
                    div.lightbox id={ "shot-" (at) } popover role="dialog" aria-label=(shot.name) {
                        figure {
                            img src=(view.picture(&shot.file)) alt=(shot.name) loading="lazy" width="533" height="324";
                            figcaption {
                                a href=(view.picture(&shot.file)) { (shot.name) } " · " (at + 1) "/" (shots.len())
                            }
                        }
                        p.actions {
                            @if at > 0 { button.turn type="button" popovertarget={ "shot-" (at - 1) } { (text.get("page-before")) } " " }
                            @if at + 1 < shots.len() { button.turn type="button" popovertarget={ "shot-" (at + 1) } { (text.get("page-after")) } " " }
                            button type="button" popovertarget={ "shot-" (at) } popovertargetaction="hide" autofocus { (text.get("close")) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn videos(view: &View<'_>) -> Markup {
    let (text, videos) = (view.text, &view.page.document.listing.videos);
    html! {
        @if !videos.is_empty() {
            section aria-labelledby="videos" {
                h2 #videos { (text.get("videos")) }
                ul.shots { @for video in videos {
                    li { a.shot href=(video.link) rel="noopener noreferrer nofollow" {
                        img src=(view.picture(&video.thumbnail)) alt="" loading="lazy" width="533" height="324";
                        span.play { (icon("play")) }
                        span.caption { (video.name) " · " (text.with("video-at", &[("place", host(&video.link))])) }
                    } }
                } }
            }
        }
    }
}

/// The host of a link.
fn host(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).trim_start_matches("www.")
}
