//! The pages: the storefront (home, search, categories, offers, feeds), the progress of a submission, signing in, accounts.
//! Rendered on the server; without JavaScript everything can be read, with it the progress page moves by itself. Pages
//! call the same use cases as the API and decide nothing.

mod accounts;
mod acquire;
mod assets;
mod cards;
mod chart;
mod compare;
mod deploy;
mod deploying;
mod feeds;
mod format;
mod home;
mod icons;
mod insights;
mod language;
mod layout;
mod manage;
mod managing;
mod modules;
mod offers;
mod posted;
mod publish;
mod regions;
mod results;
mod sending;
mod session;
mod submission;
mod theme;
mod tickets;
mod trust_words;

use crate::error::{Error, Kind, NOT_FOUND_HINT};
use crate::market::Market;
use crate::problem::Problem;
use crate::text::Text;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use language::Language;

pub use managing::ROUTES as MANAGING_ROUTES;

/// Every route of the pages, with its method; those of [`MANAGING_ROUTES`] come to them.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/search"),
    ("GET", "/category/{category}"),
    ("GET", "/listings/{identifier}"),
    ("GET", "/offers/{publisher}/{offer}"),
    ("GET", "/offers/{publisher}/{offer}/logos/{size}"),
    ("GET", "/offers/{publisher}/{offer}/pictures/{*file}"),
    ("GET", "/offers/{publisher}/{offer}/plans/{plan}/packages"),
    ("GET", "/offers/{publisher}/{offer}/plans/{plan}/acquire"),
    ("POST", "/offers/{publisher}/{offer}/plans/{plan}/acquire"),
    ("GET", "/contract"),
    ("GET", "/modules"),
    ("GET", "/modules/{id}"),
    ("POST", "/modules/{id}/remove"),
    ("POST", "/modules/{id}/restore"),
    ("GET", "/deploy"),
    ("POST", "/deploy"),
    ("GET", "/deployments/{id}"),
    ("GET", "/deployments/{id}/files/{name}"),
    ("POST", "/deployments/{id}/delete"),
    ("GET", "/offers/{publisher}/{offer}/releases.atom"),
    ("GET", "/releases.atom"),
    ("GET", "/sitemap.xml"),
    ("GET", "/sitemaps/{part}"),
    ("GET", "/robots.txt"),
    ("GET", "/publish"),
    ("POST", "/publish"),
    ("GET", "/publish/check"),
    ("POST", "/publish/import"),
    ("GET", "/publish/{publisher}/{offer}"),
    ("GET", "/publish/{publisher}/{offer}/offer.zip"),
    ("POST", "/publish/{publisher}/{offer}/import"),
    ("GET", "/publish/{publisher}/{offer}/files/{*file}"),
    ("GET", "/publish/{publisher}/{offer}/{tab}"),
    ("POST", "/publish/{publisher}/{offer}/{tab}"),
    ("GET", "/publish/{publisher}/{offer}/plans/{index}"),
    ("POST", "/publish/{publisher}/{offer}/plans/{index}"),
    ("GET", "/publish/{publisher}/{offer}/plans/{index}/tags"),
    ("GET", "/publish/{publisher}/{offer}/plans/{index}/remove"),
    ("POST", "/publish/{publisher}/{offer}/plans/{index}/remove"),
    ("GET", "/regions"),
    ("GET", "/language/{tag}"),
    ("GET", "/theme/{theme}"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("GET", "/first-sign-in"),
    ("GET", "/invitation"),
    ("POST", "/invitation"),
    ("POST", "/invitations/{id}/withdraw"),
    ("GET", "/account"),
    ("POST", "/account/profile"),
    ("POST", "/account/password"),
    ("POST", "/account/sessions/end"),
    ("POST", "/account/subscriptions"),
    ("POST", "/account/tokens"),
    ("POST", "/account/tokens/{id}/revoke"),
    ("GET", "/publishers/{publisher}/members"),
    ("POST", "/publishers/{publisher}/members/invite"),
    ("POST", "/publishers/{publisher}/members/{account}/role"),
    ("POST", "/publishers/{publisher}/members/{account}/remove"),
    ("POST", "/publishers/{publisher}/tokens/{id}/revoke"),
    ("GET", "/accounts"),
    ("POST", "/accounts/invite"),
    ("POST", "/accounts/{account}"),
    ("POST", "/accounts/{account}/remove"),
    ("GET", "/assets/accounts.css"),
    ("GET", "/assets/style.css"),
    ("GET", "/assets/storefront.css"),
    ("GET", "/assets/publish.css"),
    ("GET", "/assets/publish.js"),
    ("GET", "/assets/deploy.css"),
    ("GET", "/assets/storefront.js"),
    ("GET", "/assets/print.css"),
    ("GET", "/assets/icon.svg"),
];

/// The pages' routes.
pub fn router(market: Market) -> Router {
    Router::new()
        .route("/", get(home::page))
        .route("/search", get(results::search))
        .route("/category/{category}", get(results::category))
        .route("/listings/{identifier}", get(offers::by_identifier))
        .route("/offers/{publisher}/{offer}", get(offers::page))
        .route("/offers/{publisher}/{offer}/logos/{size}", get(offers::logo))
        .route("/offers/{publisher}/{offer}/plans/{plan}/packages", get(offers::packages_page))
        .route("/offers/{publisher}/{offer}/plans/{plan}/acquire", get(acquire::page).post(acquire::acquire))
        .route("/contract", get(acquire::contract))
        .route("/modules", get(modules::page))
        .route("/modules/{id}", get(modules::changes))
        .route("/modules/{id}/remove", post(modules::remove))
        .route("/modules/{id}/restore", post(modules::restore))
        .route("/deploy", get(deploy::page).post(deploy::deploy))
        .route("/deployments/{id}", get(deploy::kept))
        .route("/deployments/{id}/files/{name}", get(deploy::file))
        .route("/deployments/{id}/delete", post(deploy::delete))
        .route("/offers/{publisher}/{offer}/releases.atom", get(feeds::of_offer))
        .route("/releases.atom", get(feeds::all))
        .route("/sitemap.xml", get(feeds::sitemap))
        .route("/sitemaps/{part}", get(feeds::sitemap_part))
        .route("/robots.txt", get(feeds::robots))
        .route("/offers/{publisher}/{offer}/pictures/{*file}", get(offers::picture))
        .route("/regions", get(regions::page))
        .route("/language/{tag}", get(language::choose))
        .route("/theme/{theme}", get(theme::choose))
        .merge(account_routes())
        .merge(publish_routes())
        .route("/assets/style.css", get(assets::send))
        .route("/assets/storefront.css", get(assets::send))
        .route("/assets/accounts.css", get(assets::send))
        .route("/assets/deploy.css", get(assets::send))
        .route("/assets/icon.svg", get(assets::send))
        .route("/assets/storefront.js", get(assets::send))
        .route("/assets/print.css", get(assets::send))
        .fallback(missing)
        .merge(managing::routes())
        .layer(middleware::from_fn_with_state(market.clone(), sending::around))
        .with_state(market)
}

/// Signing in, and what people look after.
fn account_routes() -> Router<Market> {
    Router::new()
        .route("/sign-in", get(session::page).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/first-sign-in", get(accounts::first))
        .route("/invitation", get(accounts::join).post(accounts::accept))
        .route("/invitations/{id}/withdraw", post(accounts::withdraw))
        .route("/account", get(accounts::own_page))
        .route("/account/profile", post(accounts::change_profile))
        .route("/account/password", post(accounts::change_password))
        .route("/account/sessions/end", post(accounts::end_sessions))
        .route("/account/subscriptions", post(accounts::add_subscription))
        .route("/account/tokens", post(accounts::create_token))
        .route("/account/tokens/{id}/revoke", post(accounts::revoke_token))
        .route("/publishers/{publisher}/members", get(accounts::members_page))
        .route("/publishers/{publisher}/members/invite", post(accounts::invite_member))
        .route("/publishers/{publisher}/members/{account}/role", post(accounts::change_member))
        .route("/publishers/{publisher}/members/{account}/remove", post(accounts::remove_member))
        .route("/publishers/{publisher}/tokens/{id}/revoke", post(accounts::revoke_publisher_token))
        .route("/accounts", get(accounts::list_page))
        .route("/accounts/invite", post(accounts::invite_account))
        .route("/accounts/{account}", post(accounts::change_account))
        .route("/accounts/{account}/remove", post(accounts::remove_account))
}

/// What publishers write, and how.
fn publish_routes() -> Router<Market> {
    Router::new()
        .route("/publish", get(publish::offers).post(publish::create))
        .route("/publish/check", get(publish::check))
        .route("/publish/import", post(publish::import_new).layer(large()))
        .route("/publish/{publisher}/{offer}", get(publish::first))
        .route("/publish/{publisher}/{offer}/offer.zip", get(publish::export))
        .route("/publish/{publisher}/{offer}/import", post(publish::import).layer(large()))
        .route("/publish/{publisher}/{offer}/files/{*file}", get(publish::picture))
        .route("/publish/{publisher}/{offer}/{tab}", get(publish::show).post(publish::save).layer(large()))
        .route(
            "/publish/{publisher}/{offer}/plans/{index}",
            get(publish::plan).post(publish::save_plan).layer(large()),
        )
        .route("/publish/{publisher}/{offer}/plans/{index}/tags", get(publish::look))
        .route(
            "/publish/{publisher}/{offer}/plans/{index}/remove",
            get(publish::remove_plan_page).post(publish::remove_plan),
        )
        .route("/assets/publish.css", get(assets::send))
        .route("/assets/publish.js", get(assets::send))
}

/// What comes with pictures or a whole directory may be as large as over the API.
fn large() -> DefaultBodyLimit {
    DefaultBodyLimit::max(crate::http::BODY_BYTES_MAX)
}

/// An error as a page in the reader's language.
struct Failed(Text, Error);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Failed(text, error) = self;
        failure(&text, &error)
    }
}

/// The page of an error. What it says of a failure of ours is put in where it leaves (`sending`).
fn failure(text: &Text, error: &Error) -> Response {
    let (status, ..) = crate::http::status_of(error.kind);
    if status.is_server_error() {
        return crate::breakdown::failed(error.message.clone());
    }
    if error.hint == NOT_FOUND_HINT {
        // These words are for whoever named a thing to a program; here somebody followed a link.
        let error = Error::new(error.kind, text.get("nothing-here"), text.get("nothing-here-hint"));
        return (status, layout::failure(text, &error)).into_response();
    }
    (status, layout::failure(text, error)).into_response()
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
