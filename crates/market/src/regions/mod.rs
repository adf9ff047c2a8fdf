//! Regions: places that devices pull from. This file holds the port that a kind of region fills, the list of kinds, and
//! the use cases on regions; when a region is filled is the pipeline's business.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::publishers::check_name;
use crate::store::{history, regions};
use futures_util::future::BoxFuture;
use oci::digest::Digest;
use oci::manifest::Descriptor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

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
}

impl Market {
    /// Adds a region. Operators only.
    pub async fn add_region(&self, actor: &Actor, new: NewRegion) -> Result<RegionView> {
        access::permit(actor, Operation::Administer)?;
        check_name("region's name", &new.name)?;
        check_url(&new.url)?;
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
        let row = regions::RegionRow {
            name: new.name.clone(),
            kind: new.kind.id().to_owned(),
            url: new.url.trim_end_matches('/').to_owned(),
            required: i64::from(new.required),
            username: new.username.clone(),
            sealed,
            created_ms: self.now().0,
        };
        let mut tx = self.store.write().await?;
        if !regions::insert(&mut tx, &row).await? {
            return Err(taken());
        }
        let detail = json!({ "region": row.name, "url": row.url, "required": new.required });
        history::insert(&mut tx, &self.history_row(actor, None, None, "region-added", detail)).await?;
        tx.commit().await?;
        Ok(view(row))
    }

    /// Removes a region; what it holds stays there. Operators only.
    pub async fn remove_region(&self, actor: &Actor, name: &str) -> Result<()> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        if !regions::delete(&mut tx, name).await? {
            return Err(Error::not_found(format!("the region {name}")));
        }
        let detail = json!({ "region": name });
        history::insert(&mut tx, &self.history_row(actor, None, None, "region-removed", detail)).await?;
        tx.commit().await
    }

    /// The regions besides this instance, by name.
    pub async fn regions(&self, actor: &Actor) -> Result<Vec<RegionView>> {
        access::permit(actor, Operation::Browse)?;
        let mut c = self.store.read().await?;
        Ok(regions::list(&mut c).await?.into_iter().map(view).collect())
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
    }
}

fn check_url(text: &str) -> Result<()> {
    let fits = url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
    });
    if fits {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{:?} is no region's URL", text.chars().take(100).collect::<String>()),
        "give http(s)://host[:port][/path], and the credentials apart from it",
    ))
}
