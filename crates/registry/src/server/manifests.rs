//! Manifests and indexes: read, pushed, deleted.

use super::{
    body,
    call::{Call, ascii, parse_reference},
    failure::{Code, Failure},
    manifest_form,
    range::{self, Wanted},
};
use crate::{
    Owner,
    name::is_tag,
    owner::{Action, ManifestPut, ManifestReference},
};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::stream;
use oci::{
    digest::Digest,
    manifest::{Descriptor, MANIFEST_BYTES_MAX},
};

pub(super) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// Most tags that one push may name beside its digest; a version has some five names.
const TAGS_MAX: usize = 32;

pub(super) async fn get<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    reference: &str,
) -> Result<Response, Failure> {
    let reference = parse_reference(reference)?;
    call.authorize(Action::Pull, repository).await?;
    let reference = reference.ok_or_else(unknown)?;
    let found = call.server.owner.manifest(repository, &reference).await;
    let descriptor = found.map_err(call.refused(Code::ManifestUnknown))?.ok_or_else(unknown)?;
    let digest = ascii(descriptor.digest.to_string());
    let etag = ascii(format!("\"{}\"", descriptor.digest));
    let unchanged = matches_etag(call.header(header::IF_NONE_MATCH), &etag);
    let mut response = if unchanged {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else if call.parts.method == Method::HEAD {
        range::whole(descriptor.size, Body::empty())
    } else {
        let bytes = bytes(call, &descriptor).await?;
        let size = bytes.len() as u64;
        match range::of_request(&call.parts.headers, &etag, size) {
            Wanted::Whole => {
                call.server.owner.downloaded(repository, &descriptor);
                range::whole(size, Body::from(bytes))
            }
            Wanted::Part(part) => {
                // A manifest lies in memory, so its ends are sizes there.
                let body = Body::from(bytes.slice(part.start as usize..part.end as usize));
                range::partial(part, size, body)
            }
            Wanted::Unsatisfiable => return Err(range::unsatisfiable(size)),
        }
    };
    let headers = response.headers_mut();
    headers.insert(DOCKER_CONTENT_DIGEST, digest);
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if unchanged {
        return Ok(response);
    }
    let media_type = HeaderValue::try_from(descriptor.media_type).map_err(|_| {
        Failure::internal(&format!("the media type of {} is no header text", descriptor.digest))
    })?;
    headers.insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

pub(super) async fn put<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    reference: &str,
    body: Body,
) -> Result<Response, Failure> {
    let text = reference;
    let reference = parse_reference(text)?;
    call.authorize(Action::Push, repository).await?;
    let reference = reference.ok_or_else(|| no_tag(text))?;
    let named = named_tags(call)?;
    let bytes = body::collect(body, MANIFEST_BYTES_MAX).await?;
    let (digest, tags) = match reference {
        ManifestReference::Tag(tag) => {
            let others = named.iter().filter(|named| **named != tag).cloned();
            (Digest::of(&bytes), std::iter::once(tag.clone()).chain(others).collect())
        }
        ManifestReference::Digest(stated) => {
            let digest = stated.again(&bytes);
            if stated != digest {
                let message = format!("the manifest has digest {digest}, but {stated} was stated");
                return Err(Failure::bad(Code::DigestInvalid, message));
            }
            (digest, named.clone())
        }
    };
    let form = manifest_form::read(call.header(header::CONTENT_TYPE), &bytes)
        .map_err(|message| Failure::bad(Code::ManifestInvalid, message))?;
    check_references(call, repository, &form).await?;

    let size = bytes.len() as u64;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(bytes.clone())]);
    call.server.blobs.put(Some(digest), MANIFEST_BYTES_MAX, whole).await?;
    let manifest = ManifestPut {
        tags,
        descriptor: Descriptor {
            media_type: form.media_type,
            digest,
            size,
            platform: None,
            annotations: Default::default(),
            artifact_type: None,
            urls: Vec::new(),
        },
        subject: form.subject,
        artifact_type: form.artifact_type,
        annotations: form.annotations,
        references: form.blobs.iter().chain(&form.children).map(|descriptor| descriptor.digest).collect(),
    };
    let recorded = call.server.owner.put_manifest(&call.who, repository, manifest).await;
    recorded.map_err(call.refused(Code::NameUnknown))?;
    call.server.manifests.insert(digest, bytes);

    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, ascii(format!("/v2/{repository}/manifests/{digest}")));
    headers.insert(DOCKER_CONTENT_DIGEST, ascii(digest.to_string()));
    if let Some(subject) = form.subject {
        headers.insert(OCI_SUBJECT, ascii(subject.to_string()));
    }
    for tag in named {
        headers.append(OCI_TAG, ascii(tag));
    }
    Ok(response)
}

/// The tags that a push by digest names beside it (`?tag=1.0&tag=latest`, OCI distribution spec after 1.1).
fn named_tags<O: Owner>(call: &Call<'_, O>) -> Result<Vec<String>, Failure> {
    let mut tags: Vec<String> = Vec::new();
    for tag in call.queries("tag") {
        if tags.len() == TAGS_MAX {
            let message = format!("more than {TAGS_MAX} tags in one request");
            return Err(Failure::new(StatusCode::URI_TOO_LONG, Code::ManifestInvalid, message));
        }
        if !is_tag(&tag) {
            return Err(no_tag(&tag));
        }
        if !tags.iter().any(|known| *known == tag) {
            tags.push(tag.into_owned());
        }
    }
    Ok(tags)
}

fn no_tag(text: &str) -> Failure {
    let shown: String = text.chars().take(200).collect();
    let message =
        format!("{shown:?} is no tag: letters, digits, _ . and -, at most 128, not starting with . or -");
    Failure::bad(Code::ManifestInvalid, message)
}

pub(super) async fn delete<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    reference: &str,
) -> Result<Response, Failure> {
    let reference = parse_reference(reference)?;
    call.authorize(Action::Delete, repository).await?;
    let owner = &call.server.owner;
    match reference.ok_or_else(unknown)? {
        ManifestReference::Tag(tag) => owner.delete_tag(&call.who, repository, &tag).await,
        ManifestReference::Digest(digest) => owner.delete_manifest(&call.who, repository, &digest).await,
    }
    .map_err(call.refused(Code::ManifestUnknown))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Whether an `If-None-Match` header names this entity tag.
pub(super) fn matches_etag(header: Option<&str>, etag: &HeaderValue) -> bool {
    header.is_some_and(|list| {
        list.split(',')
            .map(str::trim)
            .any(|one| one == "*" || one.trim_start_matches("W/").as_bytes() == etag.as_bytes())
    })
}

async fn bytes<O: Owner>(call: &Call<'_, O>, descriptor: &Descriptor) -> Result<Bytes, Failure> {
    let digest = descriptor.digest;
    if let Some(bytes) = call.server.manifests.get(&digest) {
        return Ok(bytes);
    }
    let found = call.server.blobs.read(&digest, MANIFEST_BYTES_MAX).await?;
    let bytes = found.ok_or_else(|| Failure::lost(&digest))?;
    call.server.manifests.insert(digest, bytes.clone());
    Ok(bytes)
}

/// Everything a manifest refers to must be readable in its repository, with the stated size; the subject need not exist
/// (OCI distribution spec 1.1, *Pushing Manifests with Subject*).
async fn check_references<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    form: &manifest_form::Form,
) -> Result<(), Failure> {
    let owner = &call.server.owner;
    for blob in &form.blobs {
        let known =
            owner.has_blob(repository, &blob.digest).await.map_err(call.refused(Code::NameUnknown))?;
        let size = if known { call.server.blobs.held_size(&blob.digest).await? } else { None };
        check_size("blob", blob, size)?;
    }
    for child in &form.children {
        let reference = ManifestReference::Digest(child.digest);
        let found = owner.manifest(repository, &reference).await.map_err(call.refused(Code::NameUnknown))?;
        check_size("manifest", child, found.map(|descriptor| descriptor.size))?;
    }
    Ok(())
}

fn check_size(what: &str, stated: &Descriptor, found: Option<u64>) -> Result<(), Failure> {
    let Descriptor { digest, size, .. } = stated;
    match found {
        None => {
            let message = format!("the manifest refers to {what} {digest}, which is not in this repository");
            Err(Failure::bad(Code::ManifestBlobUnknown, message))
        }
        Some(found) if found != *size => {
            let message = format!("the manifest states {size} bytes for {what} {digest}, which has {found}");
            Err(Failure::bad(Code::ManifestInvalid, message))
        }
        Some(_) => Ok(()),
    }
}

fn unknown() -> Failure {
    Failure::missing(Code::ManifestUnknown, "there is no such tag or manifest in this repository")
}
