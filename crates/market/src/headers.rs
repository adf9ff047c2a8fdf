//! Security headers of every answer, whichever face gives it. Where a face says more of a header, that stands.

use crate::market::Market;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// What programs ask for is no page: opened in a browser, it may do nothing. Blobs and manifests are strangers' bytes.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// A year, as browsers ask of whoever means it.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Around every face.
pub(crate) async fn around(State(market): State<Market>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    if is_tls_alone(&market.config().public_url()) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
    }
    response
}

/// Whether the marketplace is all that its host serves: browsers hold every port of a host to this header, and beside a
/// marketplace on a port of its own there may be something that has no TLS.
fn is_tls_alone(public_url: &str) -> bool {
    public_url.strip_prefix("https://").is_some_and(|host| !host.contains(':') || host.ends_with(":443"))
}

/// The header that keeps something in a browser, where no script reads it; over TLS alone, if that is how the marketplace
/// is reached.
pub(crate) fn cookie(
    market: &Market,
    (name, value): (&str, &str),
    same_site: &str,
    seconds: i64,
) -> [(HeaderName, String); 1] {
    let secure = if market.config().public_url().starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={seconds}{secure}");
    [(header::SET_COOKIE, cookie)]
}
