//! The list of a repository's tags, page by page (OCI distribution spec 1.1, *Listing Tags*).

use super::{
    call::{Call, ascii, json},
    failure::{Code, Failure},
};
use crate::{Owner, owner::Action};
use axum::{http::header, response::Response};

/// Most tags in one answer: about 1.3 MB at the longest. Clients follow the `Link` to the rest.
const PAGE_TAGS_MAX: usize = 10_000;

#[derive(serde::Serialize)]
struct TagList<'a> {
    name: &'a str,
    tags: &'a [String],
}

pub(super) async fn list<O: Owner>(call: &Call<'_, O>, repository: &str) -> Result<Response, Failure> {
    call.authorize(Action::Pull, repository).await?;
    let count = match call.query("n") {
        None => PAGE_TAGS_MAX,
        Some(text) => text.parse::<usize>().map(|n| n.min(PAGE_TAGS_MAX)).map_err(|_| {
            Failure::bad(Code::Unsupported, "the parameter n must be a whole number of tags, 0 or more")
        })?,
    };
    // A text that is no tag still has its place in the order, so it needs no check.
    let last = call.query("last");
    let tags = call.server.owner.tags(repository, last.as_deref(), count + 1).await;
    let mut tags = tags.map_err(call.refused(Code::NameUnknown))?;
    let more = tags.len() > count;
    tags.truncate(count);
    let body = serde_json::to_vec(&TagList { name: repository, tags: &tags });
    let mut response = json(body.map_err(|e| Failure::internal(&e))?);
    if let (true, Some(last)) = (more, tags.last()) {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("n", &count.to_string()).append_pair("last", last);
        let link = format!("</v2/{repository}/tags/list?{}>; rel=\"next\"", query.finish());
        response.headers_mut().insert(header::LINK, ascii(link));
    }
    Ok(response)
}
