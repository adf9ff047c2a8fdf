//! What the pages of acquiring and deploying share: fields that were sent, a field to fill in, the way to sign in.

use crate::error::Error;
use crate::text::Text;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// Most fields of a form that are looked at: twenty modules with every placeholder that they can have.
const FIELDS_MAX: usize = 1_000;

/// The fields of a form. Of a name that comes several times the first counts, where one value is asked for.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn of_body(body: &[u8]) -> Fields {
        let pairs = url::form_urlencoded::parse(body);
        Fields::of_pairs(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())))
    }

    pub fn of_pairs(pairs: impl Iterator<Item = (String, String)>) -> Fields {
        Fields(pairs.take(FIELDS_MAX).collect())
    }

    pub fn of_query(query: Option<&str>) -> Fields {
        Fields::of_body(query.unwrap_or_default().as_bytes())
    }

    /// A value; empty when there is none.
    pub fn one(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name, each once, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for (known, value) in &self.0 {
            if known == name && !found.contains(&value.as_str()) {
                found.push(value);
            }
        }
        found
    }
}

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
            p { strong { (text.get("form-refused")) } " " span lang="en" { (error.message) } }
            p.hint lang="en" { (error.hint) }
        }
    }
}

/// Sign in first, and come back.
pub(super) fn sign_in(path: &str) -> Response {
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?next={next}")).into_response()
}
