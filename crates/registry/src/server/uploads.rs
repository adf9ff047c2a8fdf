//! Blobs pushed: at once, in chunks, or mounted from another repository (OCI distribution spec 1.1, *Pushing Blobs*).

use super::{
    body,
    call::{Call, ascii, parse_digest},
    failure::{Code, Failure},
    manifests::DOCKER_CONTENT_DIGEST,
    range,
};
use crate::{
    Owner,
    blobs::{self, BLOB_BYTES_MAX},
    name::is_repository,
    owner::{Action, Credentials, Refusal},
};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use oci::digest::Digest;
use uuid::Uuid;

const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

pub(super) async fn start<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    body: Body,
) -> Result<Response, Failure> {
    let from = call.query("from").filter(|from| call.query("mount").is_some() && is_repository(from));
    call.authorize_beside(Action::Push, repository, from.as_deref()).await?;
    if let Some(digest) = call.query("digest") {
        let digest = parse_digest(&digest)?;
        check_length(call, 0)?;
        let stream = body::stream(body);
        let (_, size) = call.server.blobs.put(Some(digest), BLOB_BYTES_MAX, stream).await?;
        return link(call, repository, &digest, size).await;
    }
    if let Some(digest) = call.query("mount") {
        let digest = parse_digest(&digest)?;
        if let Some(size) = mountable(call, repository, from.as_deref(), &digest).await? {
            return link(call, repository, &digest, size).await;
        }
    }
    let id = call.server.blobs.start().await?;
    Ok(progress(StatusCode::ACCEPTED, repository, id, 0))
}

pub(super) async fn append<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    id: &str,
    body: Body,
) -> Result<Response, Failure> {
    call.authorize(Action::Push, repository).await?;
    let id = parse_id(id)?;
    let offset = offset(call)?;
    let size = call.server.blobs.append(id, offset, BLOB_BYTES_MAX, body::stream(body)).await;
    Ok(progress(StatusCode::ACCEPTED, repository, id, size.map_err(failed(repository, id))?))
}

pub(super) async fn finish<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    id: &str,
    body: Body,
) -> Result<Response, Failure> {
    call.authorize(Action::Push, repository).await?;
    let id = parse_id(id)?;
    let digest = call.query("digest").ok_or_else(|| {
        Failure::bad(Code::DigestInvalid, "the parameter digest is missing; it names the finished upload")
    })?;
    let digest = parse_digest(&digest)?;
    let offset = offset(call)?;
    let size = call.server.blobs.finish(id, digest, offset, BLOB_BYTES_MAX, body::stream(body)).await;
    link(call, repository, &digest, size.map_err(failed(repository, id))?).await
}

pub(super) async fn status<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    id: &str,
) -> Result<Response, Failure> {
    call.authorize(Action::Push, repository).await?;
    let id = parse_id(id)?;
    let size = call.server.blobs.status(id).await?;
    Ok(progress(StatusCode::NO_CONTENT, repository, id, size))
}

pub(super) async fn cancel<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    id: &str,
) -> Result<Response, Failure> {
    call.authorize(Action::Push, repository).await?;
    call.server.blobs.cancel(parse_id(id)?).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// Makes a stored blob readable in the repository, as the last step of every way to push it.
async fn link<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    digest: &Digest,
    size: u64,
) -> Result<Response, Failure> {
    let linked = call.server.owner.link_blob(repository, digest, size).await;
    linked.map_err(call.refused(Code::BlobUnknown))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, ascii(format!("/v2/{repository}/blobs/{digest}")));
    headers.insert(DOCKER_CONTENT_DIGEST, ascii(digest.to_string()));
    Ok(response)
}

/// The size of a blob that need not be sent: the asker can already read it, here or in the repository `from`, or,
/// when the client leaves the search to the server, anywhere. Anything that stands in the way is no error: the client then
/// uploads. Only a token that was not asked for `from` is, since another one may be had.
async fn mountable<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    from: Option<&str>,
    digest: &Digest,
) -> Result<Option<u64>, Failure> {
    let owner = &call.server.owner;
    for place in [Some(repository), from].into_iter().flatten() {
        let refused = owner.authorize(&call.who, Action::Pull, place).await.err();
        let may_ask_again = matches!(call.who, Credentials::Bearer(_)) && Some(place) == from;
        if refused == Some(Refusal::Unauthenticated) && may_ask_again {
            return Err(call.challenge_beside(Action::Push, repository, from));
        }
        if refused.is_none() && owner.has_blob(place, digest).await.unwrap_or(false) {
            return Ok(call.server.blobs.held_size(digest).await?);
        }
    }
    if call.query("from").is_none() && owner.may_mount(&call.who, digest).await.unwrap_or(false) {
        return Ok(call.server.blobs.held_size(digest).await?);
    }
    Ok(None)
}

/// Where a chunk starts, if it says so.
fn offset<O: Owner>(call: &Call<'_, O>) -> Result<Option<u64>, Failure> {
    let Some(text) = call.header(header::CONTENT_RANGE) else {
        return check_length(call, 0).map(|()| None);
    };
    let chunk = range::chunk(text).ok_or_else(|| {
        let shown: String = text.chars().take(100).collect();
        let message =
            format!("Content-Range {shown:?} cannot be read; the form is FIRST-LAST, both inclusive");
        Failure::bad(Code::BlobUploadInvalid, message)
    })?;
    let stated = chunk.end - chunk.start;
    match content_length(call) {
        Some(found) if found != stated => {
            let message = format!("Content-Range states {stated} bytes, but Content-Length {found}");
            Err(Failure::bad(Code::SizeInvalid, message))
        }
        _ => check_length(call, chunk.start).map(|()| Some(chunk.start)),
    }
}

/// Refuses what is known to be too large before any of it is read.
fn check_length<O: Owner>(call: &Call<'_, O>, start: u64) -> Result<(), Failure> {
    match content_length(call) {
        Some(length) if start.saturating_add(length) > BLOB_BYTES_MAX => {
            Err(blobs::Error::TooLarge { limit: BLOB_BYTES_MAX }.into())
        }
        _ => Ok(()),
    }
}

fn content_length<O: Owner>(call: &Call<'_, O>) -> Option<u64> {
    call.header(header::CONTENT_LENGTH)?.parse().ok()
}

fn parse_id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| Failure::missing(Code::BlobUploadUnknown, "there is no such upload"))
}

/// Tells a client whose chunk did not follow where to go on.
fn failed(repository: &str, id: Uuid) -> impl FnOnce(blobs::Error) -> Failure {
    move |error| match error {
        blobs::Error::WrongOffset { stands, .. } => Failure::from(error)
            .with_header(header::LOCATION, location(repository, id))
            .with_header(header::RANGE, received(stands)),
        other => other.into(),
    }
}

fn progress(status: StatusCode, repository: &str, id: Uuid, size: u64) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location(repository, id));
    headers.insert(header::RANGE, received(size));
    headers.insert(DOCKER_UPLOAD_UUID, ascii(id.to_string()));
    response
}

fn location(repository: &str, id: Uuid) -> HeaderValue {
    ascii(format!("/v2/{repository}/blobs/uploads/{id}"))
}

/// The bytes that have arrived, both ends inclusive, which leaves no way to say "none": like Docker's registry,
/// `0-0`.
fn received(size: u64) -> HeaderValue {
    ascii(format!("0-{}", size.saturating_sub(1)))
}
