//! What the pages of acquiring and deploying share: a field to fill in, the way to sign in.

use crate::error::Error;
use crate::text::Text;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// Parts of a form.
pub(super) struct Form;

impl Form {
    /// A labelled line of text that may stay empty.
    pub fn text(name: &str, label: &str, value: &str, chars_max: usize) -> Markup {
        html! {
            div.field {
                label for=(name) { (label) }
                input id=(name) name=(name) value=(value) maxlength=(chars_max);
            }
        }
    }
}

/// What was wrong with a form, above it.
pub(super) fn error_of(text: &Text, error: &Error) -> Markup {
    html! {
        div.failed role="alert" {
            p { strong { (text.get("form-refused")) } " " (text.told(&error.message)) }
            p.hint { (text.told(&error.hint)) }
        }
    }
}

/// Sign in first, and come back.
pub(super) fn sign_in(path: &str) -> Response {
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?next={next}")).into_response()
}
