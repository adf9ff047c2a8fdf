//! The pages about accounts: one's own, members of a publisher, all of them, and the links by which people join. Here is
//! what they share: their forms, and how a refusal is shown.

mod form;
mod invitations;
mod joining;
mod list;
mod members;
mod own;
mod tokens;

pub(super) use form::{Form, field};
pub(super) use invitations::withdraw;
pub(super) use joining::{accept, first, join};
pub(super) use list::{
    change as change_account, invite as invite_account, page as list_page, remove as remove_account,
};
pub(super) use members::{
    change as change_member, invite as invite_member, page as members_page, remove as remove_member,
    revoke as revoke_publisher_token,
};
pub(super) use own::{
    add_subscription, change_password, change_profile, create_token, end_sessions, page as own_page,
    revoke_token,
};

use super::Failed;
use super::layout::{self, Head};
use super::posted::Fields;
use super::session::door;
use crate::accounts::{Fault, Refusal};
use crate::error::{Error, Kind};
use crate::http::status_of;
use crate::text::Text;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// What is one person's alone is kept nowhere, so that nobody finds it by the button Back after signing out.
pub(super) fn private(page: impl IntoResponse) -> Response {
    let mut response = page.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// A whole page of these.
fn page(text: &Text, title: &str, content: &Markup) -> Response {
    private(layout::page_with(text, title, &Head { unlisted: true, ..Head::default() }, content))
}

/// Where a request without a session goes: to the door, and back with what was typed. Passwords are typed again.
fn typed_again(path: &str, given: &Fields) -> Response {
    Redirect::to(&door(&form::carried(given, path))).into_response()
}

/// The page for an error that is about no field.
fn failed(text: Text, error: Error, path: &str, given: &Fields) -> Response {
    match error.kind {
        Kind::Unauthenticated => typed_again(path, given),
        _ => private(Failed(text, error)),
    }
}

/// A fault is shown on the page that is made with it; anything else on a page of its own.
async fn shown(
    text: Text,
    refusal: Refusal,
    (path, given): (&str, &Fields),
    again: impl AsyncFnOnce(Text, &Fault) -> Response,
) -> Response {
    match refusal {
        Refusal::Error(error) => failed(text, error, path, given),
        Refusal::Fault(fault) => {
            let (status, ..) = status_of(fault.kind);
            let mut response = again(text, &fault).await;
            if response.status() == StatusCode::OK {
                *response.status_mut() = status;
            }
            response
        }
    }
}

impl Refusal {
    /// A page of its own, in the reader's language.
    pub(super) fn into_page(self, text: Text) -> Response {
        let error = match self {
            Refusal::Error(error) => error,
            Refusal::Fault(fault) => Error::new(fault.kind, fault.message(&text), fault.hint(&text)),
        };
        Failed(text, error).into_response()
    }
}

/// What was done by the request before this one, and what is wrong with this one.
fn notices(text: &Text, given: &Fields, fault: Option<&Fault>) -> Markup {
    /// What a page may be told that was done: a key of a sentence, named by a link that anyone can make.
    const DONE: [&str; 12] = [
        "done-account",
        "done-accepted",
        "done-invitation",
        "done-member",
        "done-member-removed",
        "done-password",
        "done-profile",
        "done-removed",
        "done-sessions",
        "done-subscription",
        "done-token",
        "done-welcome",
    ];
    let done = DONE.into_iter().find(|key| key.strip_prefix("done-") == Some(given.get("done")));
    html! {
        @if let Some(fault) = fault {
            div.banner.bad role="alert" {
                p { (fault.message(text)) }
                p.hint { (text.get("hint-label")) " " (fault.hint(text)) }
            }
        } @else if let Some(key) = done { p.banner.good role="status" { (text.get(key)) } }
    }
}

/// What cannot be undone is asked for twice: the first button opens, the second does. It needs no script.
pub(super) fn confirmed(open: &str, warning: &str, action: &str, button: &str) -> Markup {
    html! {
        details.confirm {
            summary { (open) }
            p { (warning) }
            form method="post" action=(action) { button.danger { (button) } }
        }
    }
}
