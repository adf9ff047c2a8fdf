//! A look at a plan's repository while its draft is written: which tags there are, what they point at, for which platforms,
//! and what would move if it were published now. Nothing is stored.

use crate::access::{self, Actor, Operation};
use crate::editing;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::pipeline::validate_prerequisites::origin;
use crate::stage::Origin;
use crate::store::listings::{self, LiveTagRow};
use futures_util::{StreamExt, stream};
use oci::manifest::{self, Document, Platform};
use offer::document::Repository;
use offer::identity::{OfferId, PublisherId};
use offer::tags::Tag;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a person waits for a registry to answer everything.
const LOOK_MAX: Duration = Duration::from_secs(20);
/// Most tags that are looked at: those of the plan, and the others that fit.
const TAGS_MAX: usize = 200;
/// Tags that are asked for at the same time.
const REQUESTS: usize = 8;

/// What was seen.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Looked {
    pub repository: String,
    pub tags: Vec<SeenTag>,
    /// Why nothing, or not everything, could be seen, and the way out.
    pub problem: Option<(String, String)>,
}

/// A tag of the plan or of the repository.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SeenTag {
    pub tag: String,
    /// The plan names it.
    pub listed: bool,
    /// `None`: it is not there.
    pub digest: Option<String>,
    pub platforms: Vec<String>,
    pub change: TagChange,
}

/// What publishing would do to a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagChange {
    /// It is not live yet.
    New,
    /// It is live with this digest.
    Same,
    /// It is live with another digest, and would move.
    Moves,
    /// It is a version that is live with another digest, which never changes.
    Fixed,
    /// It is not published.
    None,
}

impl TagChange {
    /// Name in texts.
    pub fn id(self) -> &'static str {
        match self {
            TagChange::New => "new",
            TagChange::Same => "same",
            TagChange::Moves => "moves",
            TagChange::Fixed => "fixed",
            TagChange::None => "none",
        }
    }
}

impl Market {
    /// Looks at the repository of a plan of the draft.
    pub async fn look(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        plan: usize,
    ) -> Result<Looked> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let draft = self.draft(actor, (publisher, id)).await?;
        let values =
            editing::shown(&draft.files).map_err(|finding| Error::conflict(finding.message, finding.hint))?;
        let plan = values.pointer(&format!("/plans/{plan}")).ok_or_else(|| Error::not_found("this plan"))?;
        let text = |pointer: &str| plan.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let place = Repository {
            name: text("/repository/name").unwrap_or_default(),
            username: text("/repository/username"),
            password_env: text("/repository/passwordEnv"),
        };
        let mut looked = Looked { repository: place.name.clone(), ..Looked::default() };
        let origin = match origin(self, (publisher.as_str(), id.as_str()), &place).await? {
            Ok(origin) => origin,
            Err(problem) => return Ok(Looked { problem: Some(problem), ..looked }),
        };
        let listed: Vec<String> = match plan.pointer("/tags").and_then(Value::as_array) {
            Some(tags) => {
                tags.iter().map(|tag| tag.as_str().map_or_else(|| tag.to_string(), str::to_owned)).collect()
            }
            None => Vec::new(),
        };
        let mut c = self.store.read().await?;
        let mut live = listings::live_tags(&mut c, publisher.as_str(), id.as_str()).await?;
        drop(c);
        let own = plan.get("id").and_then(Value::as_str).unwrap_or_default();
        live.retain(|row| row.plan == own);
        match tokio::time::timeout(LOOK_MAX, seen(&origin, &listed, &live)).await {
            Ok(Ok(tags)) => looked.tags = tags,
            Ok(Err(error)) => looked.problem = Some((error.to_string(), error.hint().to_owned())),
            Err(_) => {
                let message = format!(
                    "{} did not answer everything within {} s",
                    origin.describe(),
                    LOOK_MAX.as_secs()
                );
                looked.problem = Some((message, "try again; publishing waits longer".to_owned()));
            }
        }
        Ok(looked)
    }
}

async fn seen(origin: &Origin, listed: &[String], live: &[LiveTagRow]) -> Result<Vec<SeenTag>, oci::Error> {
    // A registry may refuse to list its tags and serve each of them all the same.
    let there: BTreeSet<String> = match origin.tags().await {
        Ok(tags) => tags.into_iter().collect(),
        Err(error) if listed.is_empty() => return Err(error),
        Err(_) => BTreeSet::new(),
    };
    let others = there.iter().filter(|tag| !listed.contains(tag));
    let all: Vec<&String> = listed.iter().chain(others).take(TAGS_MAX).collect();
    let one = async |tag: &String| -> Result<SeenTag, oci::Error> {
        let is_listed = listed.contains(tag);
        let (digest, platforms) = match origin.read(tag).await {
            Ok((descriptor, bytes)) => {
                let platforms =
                    platforms(origin, &manifest::parse(&bytes, Some(&descriptor.media_type))?).await?;
                (Some(descriptor.digest.to_string()), platforms)
            }
            Err(oci::Error::NotFound(_)) => (None, Vec::new()),
            Err(error) => return Err(error),
        };
        let change = change(tag, is_listed, digest.as_deref(), live);
        Ok(SeenTag { tag: tag.clone(), listed: is_listed, digest, platforms, change })
    };
    let found: Vec<Result<SeenTag, oci::Error>> =
        stream::iter(all).map(one).buffered(REQUESTS).collect().await;
    found.into_iter().collect()
}

fn change(tag: &str, listed: bool, digest: Option<&str>, live: &[LiveTagRow]) -> TagChange {
    let (true, Some(digest)) = (listed, digest) else { return TagChange::None };
    match live.iter().find(|row| row.tag == tag) {
        None => TagChange::New,
        Some(row) if row.digest == digest => TagChange::Same,
        Some(_) if matches!(tag.parse(), Ok(Tag::Version(_))) => TagChange::Fixed,
        Some(_) => TagChange::Moves,
    }
}

async fn platforms(origin: &Origin, document: &Document) -> Result<Vec<String>, oci::Error> {
    let named = |platform: &Platform| {
        let variant = platform.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("{}/{}{variant}", platform.os, platform.architecture)
    };
    Ok(match document {
        // What attests an image beside it says that its platform is unknown.
        Document::Index(index) => index
            .manifests
            .iter()
            .filter_map(|child| child.platform.as_ref())
            .filter(|platform| platform.os != "unknown")
            .map(named)
            .collect(),
        Document::Manifest(manifest) => {
            let config = origin.config(&manifest.config).await?;
            serde_json::from_slice::<Platform>(&config).ok().iter().map(named).collect()
        }
    })
}
