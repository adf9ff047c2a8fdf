//! The manifests that refer to another one as their subject: signatures, SBOMs, reports (OCI distribution spec 1.1,
//! *Listing Referrers*).

use super::{
    call::{Call, ascii, json, parse_digest},
    failure::{Code, Failure},
};
use crate::{Owner, owner::Action};
use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use oci::manifest::{Descriptor, MANIFEST_BYTES_MAX, media_type};

/// Most bytes of descriptors in one answer: clients refuse an index larger than [`MANIFEST_BYTES_MAX`]. Some bytes are
/// left for what surrounds them.
const PAGE_BYTES_MAX: usize = MANIFEST_BYTES_MAX as usize - 1024;

pub(super) async fn list<O: Owner>(
    call: &Call<'_, O>,
    repository: &str,
    digest: &str,
) -> Result<Response, Failure> {
    let digest = parse_digest(digest)?;
    call.authorize(Action::Pull, repository).await?;
    let wanted = call.query("artifactType").filter(|wanted| !wanted.is_empty());
    let after = call.query("last").map(|last| parse_digest(&last)).transpose()?;
    let referrers = call.server.owner.referrers(repository, &digest).await;
    let mut referrers = referrers.map_err(call.refused(Code::NameUnknown))?;
    if let Some(after) = after {
        let start = referrers.iter().position(|one| one.digest == after).map_or(referrers.len(), |at| at + 1);
        referrers.drain(..start);
    }
    if let Some(wanted) = &wanted {
        referrers.retain(|one| one.artifact_type.as_deref() == Some(wanted));
    }
    let (body, last) = page(&referrers).map_err(|e| Failure::internal(&e))?;
    let mut response = json(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type::OCI_INDEX));
    if wanted.is_some() {
        headers.insert("oci-filters-applied", HeaderValue::from_static("artifactType"));
    }
    if let Some(last) = last {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("last", &last.digest.to_string());
        if let Some(wanted) = &wanted {
            query.append_pair("artifactType", wanted);
        }
        let link = format!("</v2/{repository}/referrers/{digest}?{}>; rel=\"next\"", query.finish());
        headers.insert(header::LINK, ascii(link));
    }
    Ok(response)
}

/// An index of as many descriptors as fit, at least one, and the last of them if more follow.
fn page(referrers: &[Descriptor]) -> Result<(Vec<u8>, Option<&Descriptor>), serde_json::Error> {
    let start = format!("{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[", media_type::OCI_INDEX);
    let mut body = start.into_bytes();
    let mut last: Option<&Descriptor> = None;
    let mut more = false;
    for one in referrers {
        let text = serde_json::to_vec(one)?;
        if last.is_some() {
            more = body.len() + text.len() > PAGE_BYTES_MAX;
            if more {
                break;
            }
            body.push(b',');
        }
        body.extend_from_slice(&text);
        last = Some(one);
    }
    body.extend_from_slice(b"]}");
    Ok((body, last.filter(|_| more)))
}
