//! The links of an offer's listing, and what they answered. Asking is I/O and so the caller's business (the
//! marketplace's egress guard); here is only what to ask, and the form of the answers.

use offer::document::{Offer, Terms};
use std::collections::BTreeMap;

/// A link and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkFact {
    /// JSON pointer of its first place in the offer's document.
    pub pointer: String,
    /// The link.
    pub url: String,
    /// What it answered in the end, redirects followed.
    pub answer: Answer,
}

/// What a link answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// An HTTP status.
    Status(u16),
    /// It leads where outgoing requests may not go, with the reason.
    Forbidden(String),
    /// No answer, with the cause.
    Failed(String),
}

/// The links that a customer follows, each once, by URL with the JSON pointer of its first place.
pub fn of(offer: &Offer) -> BTreeMap<&str, String> {
    let listing = &offer.listing;
    let useful = listing.links.iter().enumerate();
    let videos = listing.videos.iter().enumerate();
    let mut links: Vec<(&str, String)> =
        useful.map(|(index, link)| (link.url.as_str(), format!("/listing/links/{index}/url"))).collect();
    links.extend(videos.map(|(index, video)| (video.link.as_str(), format!("/listing/videos/{index}/link"))));
    links.push((&listing.privacy_policy_url, "/listing/privacyPolicyUrl".to_owned()));
    if let Terms::Url(url) = &listing.terms {
        links.push((url, "/listing/terms/url".to_owned()));
    }
    links.push((&offer.support.url, "/support/url".to_owned()));
    if let Some(url) = &offer.support.sovereign_url {
        links.push((url, "/support/sovereignUrl".to_owned()));
    }
    let mut first = BTreeMap::new();
    for (url, pointer) in links {
        first.entry(url).or_insert(pointer);
    }
    first
}
