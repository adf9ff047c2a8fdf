//! The HTTP face: REST and JSON under `/api/v1` (spec `marketplace.md`, *API*). A handler reads its request, calls one
//! use case and writes what it returns; who may do what is decided below, in `access`. Errors are RFC 9457 problem
//! details with a `hint`.

mod accounts;
mod acquisitions;
mod admin;
mod blobs;
mod catalogue;
mod exports;
mod forms;
mod insights;
mod keys;
mod managing;
mod offers;
mod recertification;
mod selling;
mod submissions;
mod tickets;
mod waivers;

pub use crate::http::BODY_BYTES_MAX;
pub use managing::ROUTES as MANAGING_ROUTES;

use crate::market::Market;
use crate::problem::Problem;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};

/// Every route of the API; those of [`MANAGING_ROUTES`] come to them. The role matrix test calls each of them as every role.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/v1/publishers"),
    ("POST", "/api/v1/publishers"),
    ("GET", "/api/v1/subscriptions"),
    ("POST", "/api/v1/subscriptions"),
    ("GET", "/api/v1/tokens"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/{id}"),
    ("GET", "/api/v1/accounts"),
    ("POST", "/api/v1/accounts"),
    ("PATCH", "/api/v1/accounts/{account}"),
    ("DELETE", "/api/v1/accounts/{account}"),
    ("PUT", "/api/v1/accounts/{account}/password"),
    ("GET", "/api/v1/invitations"),
    ("POST", "/api/v1/invitations"),
    ("DELETE", "/api/v1/invitations/{id}"),
    ("GET", "/api/v1/publishers/{publisher}/members"),
    ("PUT", "/api/v1/publishers/{publisher}/members/{account}"),
    ("DELETE", "/api/v1/publishers/{publisher}/members/{account}"),
    ("GET", "/api/v1/regions"),
    ("POST", "/api/v1/regions"),
    ("GET", "/api/v1/regions/{name}"),
    ("PATCH", "/api/v1/regions/{name}"),
    ("DELETE", "/api/v1/regions/{name}"),
    ("POST", "/api/v1/regions/{name}/retry"),
    ("GET", "/api/v1/keys"),
    ("POST", "/api/v1/keys/rotate"),
    ("GET", "/api/v1/keys/trusted"),
    ("POST", "/api/v1/keys/trusted"),
    ("DELETE", "/api/v1/keys/trusted/{id}"),
    ("GET", "/.well-known/edgemarket/keys.pem"),
    ("GET", "/api/v1/exports"),
    ("POST", "/api/v1/exports"),
    ("GET", "/api/v1/exports/{id}/archive"),
    ("GET", "/api/v1/imports"),
    ("POST", "/api/v1/imports"),
    ("DELETE", "/api/v1/imports/{id}"),
    ("PUT", "/api/v1/imports/{id}/content/{digest}"),
    ("POST", "/api/v1/imports/{id}/finish"),
    ("GET", "/api/v1/blobs/collect"),
    ("POST", "/api/v1/blobs/collect"),
    ("GET", "/api/v1/blobs/scrub"),
    ("POST", "/api/v1/blobs/scrub"),
    ("GET", "/api/v1/waivers"),
    ("POST", "/api/v1/waivers"),
    ("DELETE", "/api/v1/waivers/{id}"),
    ("GET", "/api/v1/reviews"),
    ("GET", "/api/v1/recertifications"),
    ("POST", "/api/v1/recertifications"),
    ("GET", "/api/v1/recertifications/{id}"),
    ("POST", "/api/v1/recertifications/{id}/cancel"),
    ("GET", "/api/v1/recertifications/{id}/documents/{digest}"),
    ("POST", "/api/v1/validate"),
    ("GET", "/api/v1/offers"),
    ("GET", "/api/v1/offers/{publisher}/{offer}/draft"),
    ("PUT", "/api/v1/offers/{publisher}/{offer}/draft"),
    ("DELETE", "/api/v1/offers/{publisher}/{offer}/draft"),
    ("POST", "/api/v1/offers/{publisher}/{offer}/submissions"),
    ("GET", "/api/v1/offers/{publisher}/{offer}/submissions"),
    ("POST", "/api/v1/offers/{publisher}/{offer}/go-live"),
    ("POST", "/api/v1/offers/{publisher}/{offer}/cancel"),
    ("GET", "/api/v1/offers/{publisher}/{offer}/history"),
    ("PUT", "/api/v1/replica/tags"),
    ("GET", "/api/v1/catalogue"),
    ("GET", "/api/v1/catalogue/{publisher}/{offer}"),
    ("GET", "/api/v1/catalogue/{publisher}/{offer}/{plan}/deployment"),
    ("GET", "/api/v1/catalogue/{publisher}/{offer}/{plan}/report"),
    ("GET", "/api/v1/catalogue/{publisher}/{offer}/{plan}/sbom"),
    ("GET", "/api/v1/catalogue/{publisher}/{offer}/{plan}/terms"),
    ("POST", "/api/v1/catalogue/{publisher}/{offer}/{plan}/acquire"),
    ("GET", "/api/v1/acquisitions"),
    ("DELETE", "/api/v1/acquisitions/{id}"),
    ("POST", "/api/v1/acquisitions/{id}/restore"),
    ("POST", "/api/v1/deployments"),
    ("GET", "/api/v1/deployments/{id}"),
    ("DELETE", "/api/v1/deployments/{id}"),
    ("GET", "/api/v1/deployments/{id}/package"),
];

/// The API's routes.
pub fn router(market: Market) -> Router {
    let offer = "/api/v1/offers/{publisher}/{offer}";
    let live = "/api/v1/catalogue/{publisher}/{offer}";
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/api/v1/publishers", get(admin::publishers).post(admin::add_publisher))
        .route("/api/v1/subscriptions", get(admin::subscriptions).post(admin::add_subscription))
        .route("/api/v1/tokens", get(admin::tokens).post(admin::create_token))
        .route("/api/v1/tokens/{id}", axum::routing::delete(admin::revoke_token))
        .merge(account_routes())
        .route("/api/v1/regions", get(admin::regions).post(admin::add_region))
        .route(
            "/api/v1/regions/{name}",
            get(admin::region).patch(admin::change_region).delete(admin::remove_region),
        )
        .route("/api/v1/regions/{name}/retry", post(admin::retry_region))
        .route("/api/v1/keys", get(keys::keys))
        .route("/api/v1/keys/rotate", post(keys::rotate))
        .route("/api/v1/keys/trusted", get(keys::trusted).post(keys::trust))
        .route("/api/v1/keys/trusted/{id}", axum::routing::delete(keys::distrust))
        .route("/.well-known/edgemarket/keys.pem", get(keys::pem))
        .route("/api/v1/exports", get(exports::exports).post(exports::export))
        .route("/api/v1/exports/{id}/archive", get(exports::archive))
        .route("/api/v1/imports", get(exports::imports).post(exports::begin))
        .route("/api/v1/imports/{id}", axum::routing::delete(exports::abort))
        .route("/api/v1/imports/{id}/content/{digest}", put(exports::content))
        .route("/api/v1/imports/{id}/finish", post(exports::finish))
        .route("/api/v1/blobs/collect", get(blobs::collection).post(blobs::start_collection))
        .route("/api/v1/blobs/scrub", get(blobs::scrub).post(blobs::start_scrub))
        .route("/api/v1/waivers", get(waivers::waivers).post(waivers::add_waiver))
        .route("/api/v1/waivers/{id}", axum::routing::delete(waivers::remove_waiver))
        .route("/api/v1/reviews", get(waivers::reviews))
        .route("/api/v1/recertifications", get(recertification::campaigns).post(recertification::start))
        .route("/api/v1/recertifications/{id}", get(recertification::campaign))
        .route("/api/v1/recertifications/{id}/cancel", post(recertification::cancel))
        .route("/api/v1/recertifications/{id}/documents/{digest}", get(recertification::report))
        .route("/api/v1/validate", post(offers::validate))
        .route("/api/v1/offers", get(offers::offers))
        .route(
            &format!("{offer}/draft"),
            get(offers::draft).put(offers::put_draft).delete(offers::delete_draft),
        )
        .route(&format!("{offer}/submissions"), get(offers::submissions).post(offers::publish))
        .route(&format!("{offer}/go-live"), post(offers::go_live))
        .route(&format!("{offer}/cancel"), post(offers::cancel))
        .route(&format!("{offer}/history"), get(offers::history))
        .route("/api/v1/replica/tags", put(crate::regions::put_tags))
        .route("/api/v1/catalogue", get(catalogue::live_offers))
        .route(live, get(catalogue::offer_page))
        .route(&format!("{live}/{{plan}}/deployment"), get(catalogue::deployment))
        .route(&format!("{live}/{{plan}}/report"), get(catalogue::report))
        .route(&format!("{live}/{{plan}}/sbom"), get(catalogue::sbom))
        .route(&format!("{live}/{{plan}}/terms"), get(acquisitions::terms))
        .route(&format!("{live}/{{plan}}/acquire"), post(acquisitions::acquire))
        .route("/api/v1/acquisitions", get(acquisitions::modules))
        .route("/api/v1/acquisitions/{id}", axum::routing::delete(acquisitions::remove))
        .route("/api/v1/acquisitions/{id}/restore", post(acquisitions::restore))
        .route("/api/v1/deployments", post(acquisitions::deploy))
        .route(
            "/api/v1/deployments/{id}",
            get(acquisitions::deployment).delete(acquisitions::delete_deployment),
        )
        .route("/api/v1/deployments/{id}/package", get(acquisitions::package))
        .merge(managing::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(market.clone(), crate::problem::around))
        .with_state(market)
}

fn account_routes() -> Router<Market> {
    Router::new()
        .route("/api/v1/accounts", get(accounts::accounts).post(accounts::create_account))
        .route(
            "/api/v1/accounts/{account}",
            axum::routing::patch(accounts::change_account).delete(accounts::remove_account),
        )
        .route("/api/v1/accounts/{account}/password", put(accounts::set_password))
        .route("/api/v1/invitations", get(accounts::invitations).post(accounts::invite))
        .route("/api/v1/invitations/{id}", axum::routing::delete(accounts::withdraw_invitation))
        .route("/api/v1/publishers/{publisher}/members", get(accounts::members))
        .route(
            "/api/v1/publishers/{publisher}/members/{account}",
            put(accounts::put_member).delete(accounts::remove_member),
        )
}

/// Alive is not ready: ready is when the database answers.
async fn readyz(State(market): State<Market>) -> Result<&'static str, Problem> {
    let unready =
        |error| Problem { status: StatusCode::SERVICE_UNAVAILABLE.as_u16(), ..Problem::from(error) };
    market.check_ready().await.map(|()| "ready\n").map_err(unready)
}
