//! The routes of those who follow and manage what they published: submissions, tickets, comparison, history, insights.

use super::{insights, selling, submissions, tickets, waivers};
use crate::market::Market;
use axum::Router;
use axum::routing::{get, post};

/// Every route of these, with its method.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/v1/submissions/{id}"),
    ("POST", "/api/v1/submissions/{id}/reject"),
    ("GET", "/api/v1/submissions/{id}/events"),
    ("GET", "/api/v1/submissions/{id}/documents/{digest}"),
    ("POST", "/api/v1/submissions/{id}/tickets"),
    ("GET", "/api/v1/tickets"),
    ("GET", "/api/v1/tickets/{id}"),
    ("POST", "/api/v1/tickets/{id}/messages"),
    ("POST", "/api/v1/tickets/{id}/close"),
    ("GET", "/api/v1/offers/{publisher}/{offer}/compare"),
    ("GET", "/api/v1/offers/{publisher}/{offer}/selling"),
    ("POST", "/api/v1/offers/{publisher}/{offer}/stop-selling"),
    ("POST", "/api/v1/offers/{publisher}/{offer}/restore"),
    ("GET", "/api/v1/offers/{publisher}/{offer}/insights"),
    ("GET", "/api/v1/insights"),
    ("GET", "/api/v1/replica/downloads"),
];

/// The routes.
pub(super) fn routes() -> Router<Market> {
    Router::new()
        .route("/api/v1/submissions/{id}", get(submissions::submission))
        .route("/api/v1/submissions/{id}/reject", post(waivers::reject))
        .route("/api/v1/submissions/{id}/events", get(submissions::events))
        .route("/api/v1/submissions/{id}/documents/{digest}", get(submissions::document))
        .route("/api/v1/submissions/{id}/tickets", post(tickets::open))
        .route("/api/v1/tickets", get(tickets::tickets))
        .route("/api/v1/tickets/{id}", get(tickets::ticket))
        .route("/api/v1/tickets/{id}/messages", post(tickets::answer))
        .route("/api/v1/tickets/{id}/close", post(tickets::close))
        .route("/api/v1/offers/{publisher}/{offer}/compare", get(selling::compare))
        .route("/api/v1/offers/{publisher}/{offer}/selling", get(selling::selling))
        .route("/api/v1/offers/{publisher}/{offer}/stop-selling", post(selling::stop))
        .route("/api/v1/offers/{publisher}/{offer}/restore", post(selling::restore))
        .route("/api/v1/offers/{publisher}/{offer}/insights", get(insights::of_offer))
        .route("/api/v1/insights", get(insights::of_all))
        .route("/api/v1/replica/downloads", get(insights::counted))
}
