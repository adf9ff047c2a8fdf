//! The other end of [`Region::move_tags`](super::Region::move_tags): this instance is a region of another marketplace,
//! which has pushed content by digest and now moves the tags, all of them at one instant.

use crate::access::{self, Actor, Operation};
use crate::error::{Error, Result};
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use crate::store::{Tx, history, registry};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use oci::digest::Digest;
use offer::identity::{OfferId, PlanId, PublisherId};
use offer::tags::Tag;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Where an instance takes [`ReplicaTags`] (`PUT`, a JSON array), below its URL.
pub const REPLICA_PATH: &str = "api/v1/replica/tags";
/// Most repositories of one request: ten times the plans that an offer may have.
pub const REPOSITORIES_MAX: usize = 1_000;
/// Most tags of one request. An offer brings a few for each plan; the limit bounds how long the one writer is kept.
pub const TAGS_MAX: usize = 10_000;

/// Where tags of a repository shall point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplicaTags {
    /// `{publisher}/{offer}/{plan}`.
    pub repository: String,
    /// Tag → digest (`sha256:…`). Other tags of the repository stay where they are.
    pub tags: BTreeMap<String, String>,
}

impl Market {
    /// Points all these tags at their digests in one transaction, or none. Only for the holder of a `region` token.
    /// Everything must be in its repository already, and a version tag never moves. Repeating it changes nothing.
    pub async fn replicate_tags(&self, actor: &Actor, parts: Vec<ReplicaTags>) -> Result<()> {
        access::permit(actor, Operation::Replicate)?;
        check_number("repositories", parts.len(), REPOSITORIES_MAX)?;
        check_number("tags", parts.iter().map(|part| part.tags.len()).sum(), TAGS_MAX)?;
        let mut tx = self.store.write().await?;
        for part in &parts {
            let (publisher, offer) = names(&part.repository)?;
            let mut moved = BTreeMap::new();
            for (tag, digest) in &part.tags {
                if self.move_tag(&mut tx, &part.repository, tag, digest).await? {
                    moved.insert(tag, digest);
                }
            }
            if moved.is_empty() {
                continue;
            }
            let detail = json!({ "repository": part.repository, "tags": moved });
            let about = Some((publisher.as_str(), offer.as_str()));
            let row = self.history_row(actor, about, None, "tags-replicated", detail);
            history::insert(&mut tx, &row).await?;
        }
        tx.commit().await
    }

    /// Whether the tag had to move.
    async fn move_tag(&self, tx: &mut Tx, repository: &str, tag: &str, digest: &str) -> Result<bool> {
        let form: Tag = tag.parse().map_err(|error| {
            Error::invalid(
                format!("the tag {:?} of {repository} {error}", shown(tag)),
                "replicate only what the rules on tags let through",
            )
        })?;
        let digest: Digest = digest.parse().map_err(|_| {
            Error::invalid(
                format!("{:?} is no digest that the tag {tag} of {repository} could point at", shown(digest)),
                "write sha256: and 64 lower-case hexadecimal digits",
            )
        })?;
        let digest = digest.to_string();
        let current = registry::tagged(tx, repository, tag).await?;
        match current {
            Some(current) if current.digest == digest => return Ok(false),
            Some(current) if matches!(form, Tag::Version(_)) => {
                return Err(Error::conflict(
                    format!(
                        "the version tag {tag} of {repository} points at {} in this region and cannot move to {digest}",
                        current.digest
                    ),
                    "give the new image a greater version; version tags never move",
                ));
            }
            _ => {}
        }
        if registry::manifest(tx, repository, &digest).await?.is_none() {
            return Err(Error::conflict(
                format!(
                    "{repository} does not hold {digest} in this region, at which the tag {tag} shall point"
                ),
                "push the content by digest first, then move the tags",
            ));
        }
        registry::put_tag(tx, repository, tag, &digest, self.now().0).await?;
        Ok(true)
    }
}

/// Takes the request at [`REPLICA_PATH`]; answers 204.
pub async fn put_tags(
    State(market): State<Market>,
    Who(actor): Who,
    Json(parts): Json<Vec<ReplicaTags>>,
) -> std::result::Result<StatusCode, Problem> {
    market.replicate_tags(&actor, parts).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Publisher and offer of a repository of the public scope.
fn names(repository: &str) -> Result<(PublisherId, OfferId)> {
    let parts: Vec<&str> = repository.split('/').collect();
    let parsed = match parts[..] {
        [publisher, offer, plan] => {
            publisher.parse().ok().zip(offer.parse().ok()).filter(|_| plan.parse::<PlanId>().is_ok())
        }
        _ => None,
    };
    parsed.ok_or_else(|| {
        Error::invalid(
            format!("{:?} is no repository of a plan", shown(repository)),
            "write publisher/offer/plan, as in contoso/telemetry/standard",
        )
    })
}

fn check_number(what: &str, found: usize, limit: usize) -> Result<()> {
    if found <= limit {
        return Ok(());
    }
    Err(Error::invalid(
        format!("the request names {found} {what}; at most {limit} are allowed"),
        "move the tags of fewer offers at a time",
    ))
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}
