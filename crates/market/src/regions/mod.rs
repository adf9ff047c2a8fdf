//! Regions: places that devices pull from. This file holds the port that a kind of region fills, the list of kinds, and
//! the use cases on regions; when a region is filled is the pipeline's business.
//!
//! Regions are reached without the limits of other outgoing requests: the operator wrote their URLs, and most of them
//! lie in private networks.

mod change;
mod downloads;
mod home;
mod instance;
mod lag;
mod lane;
mod meter;
mod registry;
mod replica;
mod schedule;
mod sending;

pub use change::RegionChange;
pub use lag::{Missing, RegionDetail, RegionState, RegionStatus, RegionSubmission};
pub use lane::RegionLimits;
pub(crate) use lane::{Lane, Lanes};
pub use replica::{REPLICA_PATH, ReplicaTags, put_tags};

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::pipeline;
use crate::publishers::check_name;
use crate::store::{history, regions};
use futures_util::future::BoxFuture;
use oci::client::{Credentials, HttpOptions, http_client};
use oci::digest::Digest;
use oci::manifest::Descriptor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use url::Url;

/// What a region must hold of one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// `{publisher}/{offer}/{plan}`.
    pub repository: String,
    /// Configs and layers, each once. Their bytes are in the marketplace's blob store.
    pub blobs: Vec<Descriptor>,
    /// Manifests in the order in which a registry takes them: children before their index, subjects before referrers.
    pub manifests: Vec<Descriptor>,
    /// Tags that will point at these digests in step 6.
    pub tags: Vec<(String, Digest)>,
}

/// A place that holds content. Every call is idempotent: it is repeated after any failure or crash.
pub trait Region: Send + Sync {
    /// Brings what the region lacks (by digest, no tag moves) and verifies that it holds everything: returns only when
    /// every digest of `content` was answered for by the region. Stops between units of work when `stop` is cancelled.
    /// `progress` is called with the bytes dealt with so far, those that were already there included.
    fn ensure<'a>(
        &'a self,
        content: &'a [Content],
        progress: &'a (dyn Fn(u64) + Send + Sync),
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<()>>;

    /// Points all tags at their digests, which the region holds. A kind that can move all of them at one instant does;
    /// one that cannot moves version tags first, then rolling tags, and `latest` last, and the digests that the old tags
    /// point at stay.
    fn move_tags<'a>(&'a self, content: &'a [Content]) -> BoxFuture<'a, Result<()>>;
}

/// What kind of place a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionKind {
    /// Another instance of this program.
    Instance,
    /// Any OCI registry.
    Registry,
}

impl RegionKind {
    const ALL: [RegionKind; 2] = [RegionKind::Instance, RegionKind::Registry];

    fn id(self) -> &'static str {
        match self {
            RegionKind::Instance => "instance",
            RegionKind::Registry => "registry",
        }
    }
}

/// A region to add.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewRegion {
    pub name: String,
    pub kind: RegionKind,
    /// `http(s)://host[:port][/path]`; the path comes before the repository names.
    pub url: String,
    /// Step 5 waits for it.
    #[serde(default)]
    pub required: bool,
    pub username: Option<String>,
    /// Password, or token of a `region` role; kept sealed.
    pub password: Option<String>,
    /// How content may go there.
    #[serde(default)]
    pub limits: RegionLimits,
}

/// A region as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct RegionView {
    pub name: String,
    pub kind: String,
    pub url: String,
    pub required: bool,
    pub created: Instant,
    /// What is there and what is missing; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RegionStatus>,
}

impl Market {
    /// Adds a region, which gets everything that is live already. Operators only.
    pub async fn add_region(&self, actor: &Actor, new: NewRegion) -> Result<RegionView> {
        access::permit(actor, Operation::Administer)?;
        check_name("region's name", &new.name)?;
        check_address(&new)?;
        let taken = || {
            Error::conflict(
                format!("the region {} exists already", new.name),
                "choose another name, or remove it first",
            )
        };
        if new.name == self.config.settings.region {
            return Err(taken());
        }
        let owner = credential_owner(&new.name);
        let sealed = new.password.as_deref().map(|password| self.vault.seal(&owner, password)).transpose()?;
        let mut row = regions::RegionRow {
            name: new.name.clone(),
            kind: new.kind.id().to_owned(),
            url: new.url.trim_end_matches('/').to_owned(),
            required: i64::from(new.required),
            username: new.username.clone(),
            sealed,
            created_ms: self.now().0,
            transfers: 0,
            bytes_per_second: None,
            windows: String::new(),
            utc_offset_minutes: 0,
            paused_ms: None,
            sent_bytes: 0,
        };
        new.limits.write(&mut row)?;
        let mut tx = self.store.write().await?;
        if !regions::insert(&mut tx, &row).await? {
            return Err(taken());
        }
        let detail = json!({ "region": row.name, "url": row.url, "required": new.required });
        history::insert(&mut tx, &self.history_row(actor, None, None, "region-added", detail)).await?;
        pipeline::replication::catch_up(self, &mut tx, &row.name).await?;
        tx.commit().await?;
        self.bell.ring();
        Ok(view(row))
    }

    /// A region to work with. Operators only, since it can write everything there.
    pub async fn open_region(&self, actor: &Actor, name: &str) -> Result<Box<dyn Region>> {
        access::permit(actor, Operation::Administer)?;
        let region = self.region(name).await?;
        region.ok_or_else(|| Error::not_found(format!("the region {name}")))
    }

    /// The region of this name, ready to be filled; `None` when the operator removed it.
    pub(crate) async fn region(&self, name: &str) -> Result<Option<Box<dyn Region>>> {
        if name == self.config.settings.region {
            return Ok(Some(Box::new(home::Home(self.blobs.clone()))));
        }
        let row = regions::get(&mut *self.store.read().await?, name).await?;
        row.map(|row| open(self, &row)).transpose()
    }

    /// The regions besides this instance, by name; operators see what is missing there.
    pub async fn regions(&self, actor: &Actor) -> Result<Vec<RegionView>> {
        access::permit(actor, Operation::Browse)?;
        let rows = regions::list(&mut *self.store.read().await?).await?;
        let is_operator = access::permit(actor, Operation::Administer).is_ok();
        let mut views = Vec::new();
        for row in rows {
            let status = if is_operator { Some(self.region_status(&row).await?.0) } else { None };
            views.push(RegionView { status, ..view(row) });
        }
        Ok(views)
    }
}

/// Whose turn it is to move tags in a region. In memory is enough: one process at a time has the data directory.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// The turn in the region of this name.
    pub fn of(&self, region: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(turns.entry(region.to_owned()).or_default())
    }
}

/// What a region's sealed password is bound to.
pub(crate) fn credential_owner(name: &str) -> String {
    format!("password of region {name}")
}

fn view(row: regions::RegionRow) -> RegionView {
    RegionView {
        name: row.name,
        kind: row.kind,
        url: row.url,
        required: row.required == 1,
        created: Instant(row.created_ms),
        status: None,
    }
}

/// A region to work with, from its row.
fn open(market: &Market, row: &regions::RegionRow) -> Result<Box<dyn Region>> {
    let owner = credential_owner(&row.name);
    let sealed = row.sealed.as_deref();
    let password = sealed.map(|sealed| market.vault.open_sealed(&owner, sealed)).transpose()?;
    let url = Url::parse(&row.url).map_err(Error::internal)?;
    let place = Place { name: row.name.clone(), url };
    let kind = RegionKind::ALL.into_iter().find(|kind| kind.id() == row.kind);
    let kind = kind.ok_or_else(|| Error::internal(format!("a region has the unknown kind {}", row.kind)))?;
    let http = http_client(HttpOptions::default())?;
    let supply = Supply { market: market.clone(), lane: market.lanes.of(row) };
    Ok(match kind {
        RegionKind::Instance => {
            let token = password.ok_or_else(|| place.refused("has no token".to_owned(), TOKEN_HINT))?;
            Box::new(instance::InstanceRegion::new(place, http, token, supply)?)
        }
        RegionKind::Registry => {
            let credentials = password.map(|password| match row.username.clone() {
                Some(username) => Credentials::Basic { username, password },
                None => Credentials::Token(password),
            });
            Box::new(registry::RegistryRegion::new(place, http, credentials, supply)?)
        }
    })
}

/// What the records name and the store does not have.
fn lost(digest: &Digest) -> String {
    format!("the content {digest}, which the records name, is not in the blob store")
}

/// How an instance gets its token.
const TOKEN_HINT: &str =
    "make a token of the role region on the other instance, and add the region with it as the password";

/// What a region is filled from, and the way there.
#[derive(Clone)]
struct Supply {
    market: Market,
    lane: Arc<Lane>,
}

/// Which region, and where.
struct Place {
    name: String,
    url: Url,
}

impl Place {
    /// The region does not do what it should.
    fn refused(&self, what: String, hint: &str) -> Error {
        Error::new(Kind::Internal, format!("the region {} {what}", self.name), hint)
    }

    /// The work ended because it was told to.
    fn stopped(&self) -> Error {
        self.refused("is not complete: the transfer was stopped".to_owned(), "it goes on by itself later")
    }

    /// An error of the registry's client, in terms of the region.
    fn failed(&self, error: &oci::Error) -> Error {
        let hint = match error {
            oci::Error::Denied(_) => {
                "remove the region and add it with a user or token that may push to these repositories"
                    .to_owned()
            }
            oci::Error::Refused { status: 507, .. } => {
                "free some space in the region; replication is repeated by itself and sends what is missing"
                    .to_owned()
            }
            oci::Error::Unreachable { .. } => {
                "check that the region runs and that its URL is right; replication is repeated by itself"
                    .to_owned()
            }
            other => other.hint(),
        };
        Error::new(Kind::Internal, format!("the region {}: {error}", self.name), hint)
    }
}

fn check_address(new: &NewRegion) -> Result<()> {
    let url = Url::parse(&new.url).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    let shown = || new.url.chars().take(100).collect::<String>();
    let Some(url) = url else {
        return Err(Error::invalid(
            format!("{:?} is no region's URL", shown()),
            "give http(s)://host[:port][/path], and the credentials apart from it",
        ));
    };
    let path = url.path().trim_matches('/');
    match new.kind {
        RegionKind::Instance if !path.is_empty() => Err(Error::invalid(
            format!("the URL {:?} of an instance has the path /{path}", shown()),
            "give its address alone: a registry stands at the root of its host",
        )),
        RegionKind::Instance if new.password.is_none() => {
            Err(Error::invalid(format!("the region {} has no token", new.name), TOKEN_HINT))
        }
        RegionKind::Registry if !path.is_empty() && !oci::reference::is_repository(path) => {
            Err(Error::invalid(
                format!("the path /{path} of the URL {:?} cannot begin a repository's name", shown()),
                "each part has lower-case letters and digits, joined by '.', '_', '__' or '-'",
            ))
        }
        _ if new.username.is_some() && new.password.is_none() => Err(Error::invalid(
            format!("the region {} has a user name, but no password", new.name),
            "give both, or neither",
        )),
        _ => Ok(()),
    }
}
