//! The routes of those who follow and manage what they published: progress, tickets, comparison, history, insights.

use super::{assets, compare, insights, manage, submission, tickets};
use crate::market::Market;
use axum::Router;
use axum::routing::{get, post};

/// Every route of these pages, with its method.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/submissions/{id}"),
    ("GET", "/submissions/{id}/go-live"),
    ("POST", "/submissions/{id}/go-live"),
    ("GET", "/submissions/{id}/cancel"),
    ("POST", "/submissions/{id}/cancel"),
    ("POST", "/submissions/{id}/publish"),
    ("GET", "/submissions/{id}/tickets"),
    ("POST", "/submissions/{id}/tickets"),
    ("GET", "/tickets"),
    ("GET", "/tickets/{id}"),
    ("POST", "/tickets/{id}/messages"),
    ("POST", "/tickets/{id}/close"),
    ("GET", "/publish/{publisher}/{offer}/history"),
    ("GET", "/publish/{publisher}/{offer}/compare"),
    ("GET", "/publish/{publisher}/{offer}/versions/{version}/{*file}"),
    ("GET", "/publish/{publisher}/{offer}/selling"),
    ("GET", "/publish/{publisher}/{offer}/selling/stop"),
    ("POST", "/publish/{publisher}/{offer}/selling/stop"),
    ("POST", "/publish/{publisher}/{offer}/selling/restore"),
    ("GET", "/publish/{publisher}/{offer}/delete-draft"),
    ("POST", "/publish/{publisher}/{offer}/delete-draft"),
    ("GET", "/publish/{publisher}/{offer}/insights"),
    ("GET", "/publish/{publisher}/{offer}/insights/{table}"),
    ("GET", "/insights"),
    ("GET", "/insights/downloads.csv"),
    ("GET", "/assets/publishing.css"),
    ("GET", "/assets/progress.js"),
];

/// The routes.
pub(super) fn routes() -> Router<Market> {
    Router::new()
        .route("/submissions/{id}", get(submission::page))
        .route("/submissions/{id}/go-live", get(submission::ask_go_live).post(submission::go_live))
        .route("/submissions/{id}/cancel", get(submission::ask_cancel).post(submission::cancel))
        .route("/submissions/{id}/publish", post(submission::publish_again))
        .route("/submissions/{id}/tickets", get(tickets::ask).post(tickets::open))
        .route("/tickets", get(tickets::list))
        .route("/tickets/{id}", get(tickets::page))
        .route("/tickets/{id}/messages", post(tickets::answer))
        .route("/tickets/{id}/close", post(tickets::close))
        .route("/publish/{publisher}/{offer}/history", get(manage::history))
        .route("/publish/{publisher}/{offer}/compare", get(compare::compare))
        .route("/publish/{publisher}/{offer}/versions/{version}/{*file}", get(compare::picture))
        .route("/publish/{publisher}/{offer}/selling", get(manage::selling))
        .route("/publish/{publisher}/{offer}/selling/stop", get(manage::ask_stop).post(manage::stop))
        .route("/publish/{publisher}/{offer}/selling/restore", post(manage::restore))
        .route("/publish/{publisher}/{offer}/delete-draft", get(manage::ask_delete).post(manage::delete))
        .route("/publish/{publisher}/{offer}/insights", get(insights::of_offer))
        .route("/publish/{publisher}/{offer}/insights/{table}", get(insights::csv_of_offer))
        .route("/insights", get(insights::of_all))
        .route("/insights/downloads.csv", get(insights::csv_of_all))
        .route("/assets/publishing.css", get(assets::send))
        .route("/assets/progress.js", get(assets::send))
}
