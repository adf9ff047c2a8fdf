//! The pages: what is live, one offer with its report and SBOM, the progress of a submission, signing in with a token.
//! Rendered on the server; without JavaScript everything can be read, with it the progress page moves by itself. Pages
//! call the same use cases as the API and decide nothing.

mod layout;
mod offers;
mod session;
mod submission;

use crate::error::Error;
use crate::market::Market;
use crate::text::Text;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::convert::Infallible;

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
        .route("/sign-in", get(session::page).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/assets/style.css", get(|| asset("text/css; charset=utf-8", include_str!("style.css"))))
        .route(
            "/assets/progress.js",
            get(|| asset("text/javascript; charset=utf-8", include_str!("progress.js"))),
        )
        .layer(middleware::from_fn(secure))
        .with_state(market)
}

/// The reader's language: the `lang` parameter, else the browser's first choice that there is.
struct Language(Text);

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Language, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("lang="));
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let first = accepted.unwrap_or_default().split([',', ';']).map(str::trim);
        let known =
            first.filter(|tag| tag.starts_with("fr") || tag.starts_with("en")).map(str::to_owned).next();
        Ok(Language(Text::of_locale(asked.or(known.as_deref()).unwrap_or("en"))))
    }
}

/// An error as a page in the reader's language.
struct Failed(Text, Error);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Failed(text, error) = self;
        let (status, ..) = crate::http::status_of(error.kind);
        (status, layout::failure(&text, status, &error)).into_response()
    }
}

async fn asset(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "max-age=3600")], content)
}

async fn secure(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let set = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
