//! The offer as a typed value (spec `offer.md`, every field). A value of [`Offer`] keeps every rule that can be
//! checked without the store or the registry.

use crate::identity::{OfferId, PlanId, PublisherId};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use crate::reading::{Positions, Reading, read};

/// The whole offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// Who publishes it.
    pub publisher: PublisherId,
    /// Unique within the publisher; fixed once live.
    pub id: OfferId,
    /// Display name.
    pub name: String,
    /// 1 to 100 plans.
    pub plans: Vec<Plan>,
    /// What the storefront shows.
    pub listing: Listing,
    /// Where leads go.
    pub leads: LeadDestination,
    /// Who answers.
    pub support: Support,
}

/// A plan (SKU): one module, its image and its default settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Unique in the offer; fixed once live.
    pub id: PlanId,
    /// Its letters and digits are the default module name.
    pub title: String,
    /// One line.
    pub summary: String,
    /// Sanitised simple HTML.
    pub description: String,
    /// Reachable by link and deployment, not listed.
    pub hidden: bool,
    /// Subscriptions that alone may see and acquire the plan; empty for a public plan.
    pub private_audience: Vec<Uuid>,
    /// Fixed once live.
    pub licence_model: LicenceModel,
    /// Where the publisher keeps the image.
    pub repository: Repository,
    /// `latest`, version, rolling and platform tags, as written. Parsed by `tags`.
    pub tags: Vec<String>,
    /// Default routes; the values parse by `route`.
    pub routes: Vec<NameValue>,
    /// Default twin desired properties.
    pub twin: Vec<TwinProperty>,
    /// Default environment variables.
    pub environment: Vec<NameValue>,
    /// Docker Engine container-create options.
    pub create_options: Map<String, Value>,
    /// Pictures of exactly the policy's size.
    pub screenshots: Vec<Picture>,
}

/// `free` or `byol` (bring your own licence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LicenceModel {
    Free,
    Byol,
}

/// The publisher's image repository. A password is never part of the document, which lives in git: the document
/// names the environment variable that holds it when `publish` runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// `host[:port]/path`, without tag.
    pub name: String,
    /// User name, when the registry wants one.
    pub username: Option<String>,
    /// Environment variable that holds the password or token at the time of publishing.
    pub password_env: Option<String>,
}

/// A default route or environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NameValue {
    pub name: String,
    pub value: String,
}

/// A default desired property of the module twin.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TwinProperty {
    pub name: String,
    /// JSON without arrays, nested at most 4 levels.
    pub value: Value,
}

/// A picture file of the offer's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// Name shown with it; empty for logos.
    pub name: String,
    /// Path in the offer's directory.
    pub file: String,
}

/// A video: a link to YouTube or Vimeo, and a thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Video {
    pub name: String,
    pub link: String,
    /// Path of the thumbnail in the offer's directory.
    pub thumbnail: String,
}

/// A useful link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Link {
    pub title: String,
    pub url: String,
    pub kind: LinkKind,
}

/// What a link leads to; an offer needs at least one to documentation and one to a compatible device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LinkKind {
    Documentation,
    Device,
    Other,
}

/// A subscription that sees the preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PreviewSubscription {
    pub id: Uuid,
    pub note: Option<String>,
}

/// The four logos and the hero picture, as paths in the offer's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "sizes in spec offer.md")]
pub struct Logos {
    pub small: String,
    pub medium: String,
    pub large: String,
    pub wide: String,
    pub hero: Option<String>,
}

/// Under which terms the offer is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Terms {
    /// The marketplace's standard contract; once live under it, an offer stays under it.
    StandardContract,
    /// Sanitised simple HTML.
    Html(String),
    /// An http(s) URL.
    Url(String),
}

/// What the storefront shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each name is the field of spec offer.md, Marketplace listing")]
pub struct Listing {
    pub title: String,
    pub summary: String,
    pub long_summary: String,
    /// Sanitised simple HTML; its last paragraph begins with "Minimum hardware requirements:".
    pub description: String,
    pub marketing_identifier: String,
    pub preview_subscriptions: Vec<PreviewSubscription>,
    pub links: Vec<Link>,
    pub categories: Vec<String>,
    pub logos: Logos,
    pub videos: Vec<Video>,
    pub privacy_policy_url: String,
    pub terms: Terms,
}

/// Where leads go. Only the destinations that are built are accepted; the others are named as not yet supported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LeadDestination {
    /// Leads are only kept in the marketplace.
    None,
    /// Each lead is POSTed as JSON.
    HttpsEndpoint {
        /// Absolute `https` URL (`http` is accepted by rule for loopback only, for tests).
        url: String,
    },
}

/// A person or desk that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Contact {
    pub name: String,
    pub email: String,
    pub phone: String,
}

/// Who answers engineering's and customers' questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Support {
    pub engineering: Contact,
    pub customer: Contact,
    pub url: String,
    /// Second support URL for sovereign regions.
    pub sovereign_url: Option<String>,
}
