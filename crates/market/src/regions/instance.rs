//! A region that is another instance of this program: content goes there by digest as to any registry; tags move there
//! all at one instant, by one request.

use super::registry::RegistryRegion;
use super::replica::{REPLICA_PATH, ReplicaTags};
use super::{Content, Place, Region, Supply};
use crate::error::{Error, Kind, Result};
use futures_util::future::BoxFuture;
use oci::client::Credentials;
use reqwest::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The user name that goes with the token; the other side looks at the token only.
const USERNAME: &str = "region";
/// Longest wait for the answer to the one request, which does nothing but write a few rows.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Most bytes read of an answer that reports an error.
const ERROR_BYTES_MAX: usize = 16 << 10;

/// Another instance as a region.
pub(super) struct InstanceRegion {
    content: RegistryRegion,
    http: reqwest::Client,
    token: String,
}

/// The part of an RFC 9457 problem that says what is wrong.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub detail: String,
    hint: String,
}

impl InstanceRegion {
    /// The instance at this place; the token has the role `region` there.
    pub fn new(place: Place, http: reqwest::Client, token: String, supply: Supply) -> Result<InstanceRegion> {
        let credentials = Credentials::Basic { username: USERNAME.to_owned(), password: token.clone() };
        let content = RegistryRegion::new(place, http.clone(), Some(credentials), supply)?;
        Ok(InstanceRegion { content, http, token })
    }

    async fn put_tags(&self, tags: &[ReplicaTags]) -> Result<()> {
        let place = self.content.place();
        let address = place.url.join(REPLICA_PATH).map_err(Error::internal)?;
        let request = self.http.put(address).bearer_auth(&self.token).json(tags).timeout(ANSWER_TIMEOUT);
        let response = request.send().await.map_err(|error| place.away(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let problem = read_problem(response).await;
        let detail = if problem.detail.is_empty() { String::new() } else { format!(": {}", problem.detail) };
        let hint = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "make a token of the role region there, remove the region here, and add it with that token"
            }
            StatusCode::NOT_FOUND => {
                "check that the URL is that of an edgemarket, which is no older than this one"
            }
            _ if !problem.hint.is_empty() => &problem.hint,
            _ => "look into the log of that instance; moving the tags is repeated by itself",
        };
        let refused = place.refused(format!("answered {status} when its tags were to move{detail}"), hint);
        // What it does not hold any more can be sent again.
        Err(if status == StatusCode::CONFLICT { Error { kind: Kind::Conflict, ..refused } } else { refused })
    }
}

impl Region for InstanceRegion {
    fn ensure<'a>(
        &'a self,
        content: &'a [Content],
        progress: &'a (dyn Fn(u64) + Send + Sync),
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<()>> {
        self.content.ensure(content, progress, stop)
    }

    fn move_tags<'a>(&'a self, content: &'a [Content]) -> BoxFuture<'a, Result<()>> {
        let tags = content.iter().map(|part| ReplicaTags {
            repository: part.repository.clone(),
            tags: part.tags.iter().map(|(tag, digest)| (tag.clone(), digest.to_string())).collect(),
        });
        let tags: Vec<ReplicaTags> = tags.collect();
        Box::pin(async move { self.put_tags(&tags).await })
    }
}

/// What the answer says; nothing when it is no problem of our kind.
pub(super) async fn read_problem(mut response: reqwest::Response) -> Problem {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > ERROR_BYTES_MAX {
            return Problem::default();
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).unwrap_or_default()
}

impl Place {
    /// The connection failed. The address stays out of the message, since the name says which region it is.
    fn away(&self, error: &reqwest::Error) -> Error {
        let cause = match (error.is_connect(), error.is_timeout()) {
            (_, true) => "no answer in time",
            (true, _) => "no connection",
            _ => "the transfer failed",
        };
        let authority = self.url.authority();
        self.refused(
            format!("cannot be reached at {authority}: {cause}"),
            "check that the region runs and that its URL is right; moving the tags is repeated by itself",
        )
    }
}
