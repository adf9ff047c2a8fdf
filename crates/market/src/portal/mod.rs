//! The pages: what is live, one offer with its report and SBOM, the progress of a submission, signing in with a token.
//! Rendered on the server; without JavaScript everything can be read, with it the progress page moves by itself. Pages
//! call the same use cases as the API and decide nothing.

mod language;
mod layout;
mod offers;
mod regions;
mod session;
mod submission;

use crate::error::{Error, Kind};
use crate::market::Market;
use crate::problem::Problem;
use crate::text::Text;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use language::Language;

/// Nothing but what this server sends: no inline script or style, no frame, no third party.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Every route of the pages, with its method.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/offers/{publisher}/{offer}"),
    ("GET", "/offers/{publisher}/{offer}/pictures/{*file}"),
    ("GET", "/submissions/{id}"),
    ("POST", "/submissions/{id}/go-live"),
    ("POST", "/submissions/{id}/cancel"),
    ("GET", "/regions"),
    ("GET", "/language/{tag}"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("GET", "/assets/style.css"),
    ("GET", "/assets/progress.js"),
];

/// The pages' routes.
pub fn router(market: Market) -> Router {
    Router::new()
        .route("/", get(offers::index))
        .route("/offers/{publisher}/{offer}", get(offers::page))
        .route("/offers/{publisher}/{offer}/pictures/{*file}", get(offers::picture))
        .route("/submissions/{id}", get(submission::page))
        .route("/submissions/{id}/go-live", post(submission::go_live))
        .route("/submissions/{id}/cancel", post(submission::cancel))
        .route("/regions", get(regions::page))
        .route("/language/{tag}", get(language::choose))
        .route("/sign-in", get(session::page).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/assets/style.css", get(|| asset("text/css; charset=utf-8", include_str!("style.css"))))
        .route(
            "/assets/progress.js",
            get(|| asset("text/javascript; charset=utf-8", include_str!("progress.js"))),
        )
        .fallback(missing)
        .layer(middleware::from_fn(around))
        .with_state(market)
}

/// An error as a page in the reader's language.
struct Failed(Text, Error);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Failed(text, error) = self;
        let (status, ..) = crate::http::status_of(error.kind);
        if status.is_server_error() {
            tracing::error!(error = %error, "a page failed");
        }
        (status, layout::failure(&text, &error)).into_response()
    }
}

async fn asset(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "max-age=3600")], content)
}

/// What is nowhere: a problem where programs ask, a page for everyone else.
async fn missing(Language(text): Language, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(100).collect();
    if path.starts_with("/api/") || path.starts_with("/v2/") {
        return Problem::from(Error::new(
            Kind::NotFound,
            format!("there is nothing at {path}"),
            "check the path; those of the API begin with /api/v1/",
        ))
        .into_response();
    }
    let (message, hint) = (text.with("page-missing", &[("path", &path)]), text.get("page-missing-hint"));
    Failed(text, Error::new(Kind::NotFound, message, hint)).into_response()
}

/// What every answer of the pages has: the security headers, no place in shared caches (a page may be one reader's only),
/// and a page also where the framework refuses a request with a line of text or nothing.
async fn around(Language(text): Language, request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let has_words = response.headers().get(header::CONTENT_TYPE).is_some_and(|content_type| {
        content_type == "application/problem+json" || content_type.as_bytes().starts_with(b"text/html")
    });
    if !has_words && (status.is_client_error() || status.is_server_error()) {
        response = refused(text, status);
    }
    let set = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let caching = response.headers_mut().entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("private, no-cache"));
    response
}

fn refused(text: Text, status: StatusCode) -> Response {
    let kind = if status.is_server_error() { Kind::Internal } else { Kind::Invalid };
    let error = Error::new(kind, text.get("request-refused"), text.get("request-refused-hint"));
    (status, layout::failure(&text, &error)).into_response()
}
