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
        let size = call.server.blobs.size(&digest).await?.ok_or_else(|| lost(&digest))?;
        range::whole(size, Body::empty())
    } else {
        let (file, size) = call.server.blobs.get(&digest).await?.ok_or_else(|| lost(&digest))?;
        let file = file.into_std().await;
        match range::of_request(&call.parts.headers, &etag, size) {
            Wanted::Whole => range::whole(size, Body::from_stream(call.server.reader.read(file, 0..size))),
            Wanted::Part(part) => {
                range::partial(part.clone(), size, Body::from_stream(call.server.reader.read(file, part)))
            }
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

fn lost(digest: &Digest) -> Failure {
    Failure::internal(&format!("blob {digest} is recorded but not stored"))
}
