//! Style sheets, scripts and the icon. Pages name them with a digest of their content, so that a browser asks once for each
//! and never works with an old one.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type and content.
const ASSETS: [(&str, &str, &str); 11] = [
    ("/assets/accounts.css", CSS, include_str!("accounts.css")),
    ("/assets/deploy.css", CSS, include_str!("deploy.css")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("/assets/print.css", CSS, include_str!("print.css")),
    ("/assets/progress.js", JAVASCRIPT, include_str!("progress.js")),
    ("/assets/publish.css", CSS, include_str!("publish/publish.css")),
    ("/assets/publish.js", JAVASCRIPT, include_str!("publish/publish.js")),
    ("/assets/publishing.css", CSS, include_str!("publishing.css")),
    ("/assets/storefront.css", CSS, include_str!("storefront.css")),
    ("/assets/storefront.js", JAVASCRIPT, include_str!("storefront.js")),
    ("/assets/style.css", CSS, include_str!("style.css")),
];

struct Asset {
    content_type: &'static str,
    content: &'static str,
    version: String,
}

static BY_PATH: LazyLock<BTreeMap<&str, Asset>> = LazyLock::new(|| {
    let versioned = ASSETS.into_iter().map(|(path, content_type, content)| {
        let version = hex::encode(&Sha256::digest(content)[..6]);
        (path, Asset { content_type, content, version })
    });
    versioned.collect()
});

/// The address of an asset, as a page names it.
pub(super) fn at(path: &str) -> String {
    match BY_PATH.get(path) {
        Some(asset) => format!("{path}?v={}", asset.version),
        None => path.to_owned(),
    }
}

/// Sends one.
pub(super) async fn send(uri: Uri) -> Response {
    let Some(asset) = BY_PATH.get(uri.path()) else { return StatusCode::NOT_FOUND.into_response() };
    let is_fixed = uri.query().and_then(|query| query.strip_prefix("v=")) == Some(asset.version.as_str());
    let caching = if is_fixed { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let mut response = Body::from(asset.content).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
