//! Blobs: read, whole or in part, and deleted. Pushing them is in `uploads`.

use super::{
    call::{Call, ascii, parse_digest},
    failure::{Code, Failure},
    manifests::{DOCKER_CONTENT_DIGEST, matches_etag},
    range::{self, Wanted},
};
use crate::{Owner, owner::Action};
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use oci::digest::Digest;

/// A digest's content never changes, but who may read it can: only the client itself may keep it.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

pub(super) async fn get<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    digest: &str,
) -> Result<Response, Failure> {
    let digest = parse_digest(digest)?;
    call.authorize(Action::Pull, repository).await?;
    let held = call.server.owner.has_blob(repository, &digest).await;
    if !held.map_err(call.refused(Code::BlobUnknown))? {
        return Err(unknown());
    }
    let etag = ascii(format!("\"{digest}\""));
    let mut response = if matches_etag(call.header(header::IF_NONE_MATCH), &etag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else if call.parts.method == Method::HEAD {
        let size = call.server.blobs.size(&digest).await?.ok_or_else(|| Failure::lost(&digest))?;
        range::whole(size, Body::empty())
    } else if let Some(link) = link(call, &digest).await? {
        return Ok(elsewhere(&digest, &link));
    } else {
        let blob = call.server.blobs.get(&digest).await?.ok_or_else(|| Failure::lost(&digest))?;
        let size = blob.size();
        match range::of_request(&call.parts.headers, &etag, size) {
            Wanted::Whole => range::whole(size, Body::from_stream(blob.read(0..size))),
            Wanted::Part(part) => range::partial(part.clone(), size, Body::from_stream(blob.read(part))),
            Wanted::Unsatisfiable => return Err(range::unsatisfiable(size)),
        }
    };
    let headers = response.headers_mut();
    headers.insert(DOCKER_CONTENT_DIGEST, ascii(digest.to_string()));
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    Ok(response)
}

pub(super) async fn delete<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    digest: &str,
) -> Result<Response, Failure> {
    let digest = parse_digest(digest)?;
    call.authorize(Action::Delete, repository).await?;
    let deleted = call.server.owner.delete_blob(&call.who, repository, &digest).await;
    deleted.map_err(call.refused(Code::BlobUnknown))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn unknown() -> Failure {
    Failure::missing(Code::BlobUnknown, "there is no such blob in this repository")
}

/// Where the client is sent, if it is. Not for the last bytes of a blob: Azure knows no such ranges and answers nonsense.
async fn link<O: Owner>(call: &Call<'_, O>, digest: &Digest) -> Result<Option<String>, Failure> {
    let by_end = call.header(header::RANGE).is_some_and(|range| range.trim().starts_with("bytes=-"));
    Ok(if by_end { None } else { call.server.blobs.link(digest).await? })
}

/// Sends the client to the object store, which answers ranges itself. The link is a secret of this client for a while, so
/// nobody may keep the answer.
fn elsewhere(digest: &Digest, link: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, ascii(link.to_owned()));
    headers.insert(DOCKER_CONTENT_DIGEST, ascii(digest.to_string()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
