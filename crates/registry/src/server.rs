//! The routes under `/v2/` (OCI distribution spec 1.1, *Endpoints*) and what is common to them: where a request goes,
//! who asks, and how a refusal looks. Repository names have several path parts, so a path is read by hand from its
//! right end (`target`), not by route patterns.

use crate::{Blobs, Owner};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method},
    response::Response,
    routing::any,
};
use std::sync::Arc;

mod body;
mod cache;
mod call;
mod content;
mod failure;
mod manifest_form;
mod manifests;
mod range;
mod referrers;
mod tags;
mod target;
mod token;
mod uploads;

use call::Call;
use failure::Failure;
use target::Target;

/// The registry's routes, complete from `/v2/` on. Serve it with a header-read timeout; bodies are guarded here.
pub fn router<O: Owner>(owner: O, blobs: Blobs) -> Router {
    let server = Arc::new(Server { owner, blobs, manifests: cache::Cache::default() });
    Router::new()
        .route("/v2", any(handle::<O>))
        .route("/v2/", any(handle::<O>))
        .route("/v2/{*tail}", any(handle::<O>))
        .with_state(server)
}

struct Server<O> {
    owner: O,
    blobs: Blobs,
    manifests: cache::Cache,
}

async fn handle<O: Owner>(State(server): State<Arc<Server<O>>>, request: Request) -> Response {
    let head = request.method() == Method::HEAD;
    let mut response = answer(&server, request).await.unwrap_or_else(Failure::into_response);
    let headers = response.headers_mut();
    headers.insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn answer<O: Owner>(server: &Server<O>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let tail = path.strip_prefix("/v2").map_or("", |tail| tail.strip_prefix('/').unwrap_or(tail));
    let target = Target::parse(tail)?;
    let allowed = target.methods();
    if !allowed.contains(&parts.method) {
        return Err(Failure::method_not_allowed(&parts.method, allowed));
    }
    if target == Target::Token {
        return token::issue(server, &parts, body).await;
    }
    let call = Call::new(server, &parts)?;
    match (target, parts.method.as_str()) {
        (Target::Base | Target::Token, _) => call.base().await,
        (Target::Tags(name), _) => tags::list(&call, name).await,
        (Target::Referrers(name, digest), _) => referrers::list(&call, name, digest).await,
        (Target::Manifest(name, reference), "PUT") => manifests::put(&call, name, reference, body).await,
        (Target::Manifest(name, reference), "DELETE") => manifests::delete(&call, name, reference).await,
        (Target::Manifest(name, reference), _) => manifests::get(&call, name, reference).await,
        (Target::Blob(name, digest), "DELETE") => content::delete(&call, name, digest).await,
        (Target::Blob(name, digest), _) => content::get(&call, name, digest).await,
        (Target::Uploads(name), _) => uploads::start(&call, name, body).await,
        (Target::Upload(name, id), "PATCH") => uploads::append(&call, name, id, body).await,
        (Target::Upload(name, id), "PUT") => uploads::finish(&call, name, id, body).await,
        (Target::Upload(name, id), "DELETE") => uploads::cancel(&call, name, id).await,
        (Target::Upload(name, id), _) => uploads::status(&call, name, id).await,
    }
}
