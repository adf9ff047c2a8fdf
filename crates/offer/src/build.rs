//! The last step of reading: the typed offer from the JSON of a document that has no error. A `None` here means that a
//! rule let something pass that the types cannot hold; tests over arbitrary documents check that none does.

use crate::document::{
    Contact, LeadDestination, LicenceModel, Link, LinkKind, Listing, Logos, NameValue, Offer, Picture, Plan,
    PreviewSubscription, Repository, Support, Terms, TwinProperty, Video,
};
use serde_json::Value;
use std::str::FromStr;

/// The typed offer.
pub(crate) fn offer(value: &Value) -> Option<Offer> {
    Some(Offer {
        publisher: parsed(value, "publisher")?,
        id: parsed(value, "id")?,
        name: text(value, "name")?,
        plans: list(value, "plans", plan)?,
        listing: listing(value.get("listing")?)?,
        leads: leads(value)?,
        support: support(value.get("support")?)?,
    })
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

fn parsed<T: FromStr>(value: &Value, name: &str) -> Option<T> {
    value.get(name)?.as_str()?.parse().ok()
}

fn list<T>(value: &Value, name: &str, item: fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match value.get(name) {
        None => Some(Vec::new()),
        Some(list) => list.as_array()?.iter().map(item).collect(),
    }
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn plan(value: &Value) -> Option<Plan> {
    Some(Plan {
        id: parsed(value, "id")?,
        title: text(value, "title")?,
        summary: text(value, "summary")?,
        description: text(value, "description")?,
        hidden: value.get("hidden").and_then(Value::as_bool).unwrap_or(false),
        private_audience: list(value, "privateAudience", |id| id.as_str()?.parse().ok())?,
        licence_model: match value.get("licenceModel")?.as_str()? {
            "free" => LicenceModel::Free,
            "byol" => LicenceModel::Byol,
            _ => return None,
        },
        repository: repository(value.get("repository")?)?,
        tags: list(value, "tags", string)?,
        routes: list(value, "routes", name_value)?,
        twin: list(value, "twin", twin_property)?,
        environment: list(value, "environment", name_value)?,
        create_options: match value.get("createOptions") {
            None => Default::default(),
            Some(options) => options.as_object()?.clone(),
        },
        screenshots: list(value, "screenshots", |picture| {
            Some(Picture { name: text(picture, "name")?, file: text(picture, "file")? })
        })?,
    })
}

fn repository(value: &Value) -> Option<Repository> {
    Some(Repository {
        name: text(value, "name")?,
        username: text(value, "username"),
        password_env: text(value, "passwordEnv"),
    })
}

/// A desired property; none when a part of it is broken.
pub(crate) fn twin_property(value: &Value) -> Option<TwinProperty> {
    let content = value.get("value").filter(|content| !content.is_null())?;
    Some(TwinProperty { name: text(value, "name")?, value: content.clone() })
}

/// A route or variable; none when a part of it is broken.
pub(crate) fn name_value(value: &Value) -> Option<NameValue> {
    Some(NameValue { name: text(value, "name")?, value: text(value, "value")? })
}

fn listing(value: &Value) -> Option<Listing> {
    Some(Listing {
        title: text(value, "title")?,
        summary: text(value, "summary")?,
        long_summary: text(value, "longSummary")?,
        description: text(value, "description")?,
        marketing_identifier: text(value, "marketingIdentifier")?,
        preview_subscriptions: list(value, "previewSubscriptions", |one| {
            Some(PreviewSubscription { id: parsed(one, "id")?, note: text(one, "note") })
        })?,
        links: list(value, "links", link)?,
        categories: list(value, "categories", string)?,
        logos: logos(value.get("logos")?)?,
        videos: list(value, "videos", |video| {
            Some(Video {
                name: text(video, "name")?,
                link: text(video, "link")?,
                thumbnail: text(video, "thumbnail")?,
            })
        })?,
        privacy_policy_url: text(value, "privacyPolicyUrl")?,
        terms: terms(value.get("terms")?)?,
    })
}

fn link(value: &Value) -> Option<Link> {
    let kind = match value.get("kind")?.as_str()? {
        "documentation" => LinkKind::Documentation,
        "device" => LinkKind::Device,
        "other" => LinkKind::Other,
        _ => return None,
    };
    Some(Link { title: text(value, "title")?, url: text(value, "url")?, kind })
}

fn logos(value: &Value) -> Option<Logos> {
    Some(Logos {
        small: text(value, "small")?,
        medium: text(value, "medium")?,
        large: text(value, "large")?,
        wide: text(value, "wide")?,
        hero: text(value, "hero"),
    })
}

fn terms(value: &Value) -> Option<Terms> {
    match value {
        Value::String(_) => Some(Terms::StandardContract),
        _ => text(value, "html").map(Terms::Html).or_else(|| text(value, "url").map(Terms::Url)),
    }
}

fn leads(offer: &Value) -> Option<LeadDestination> {
    match offer.get("leads") {
        None => Some(LeadDestination::None),
        Some(leads) => match leads.get("kind")?.as_str()? {
            "none" => Some(LeadDestination::None),
            "https-endpoint" => Some(LeadDestination::HttpsEndpoint { url: text(leads, "url")? }),
            _ => None,
        },
    }
}

fn support(value: &Value) -> Option<Support> {
    Some(Support {
        engineering: contact(value.get("engineering")?)?,
        customer: contact(value.get("customer")?)?,
        url: text(value, "url")?,
        sovereign_url: text(value, "sovereignUrl"),
    })
}

fn contact(value: &Value) -> Option<Contact> {
    Some(Contact { name: text(value, "name")?, email: text(value, "email")?, phone: text(value, "phone")? })
}
