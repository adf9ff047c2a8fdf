//! The fields of a form. A form that another site sent is refused before anything of it is read.

use super::language::Language;
use super::session::foreign_form;
use super::{Failed, layout};
use crate::error::{Error, Kind};
use crate::http::is_same_origin;
use crate::market::Market;
use crate::text::Text;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Largest form in bytes: a text of 4,000 characters of four bytes, each written as `%XX`, and a few names.
const FORM_BYTES_MAX: usize = 64 << 10;

/// The fields of a form of this site, by name; of a name that is there twice the first counts.
pub(super) struct Posted(BTreeMap<String, String>);

impl Posted {
    /// A field; empty when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A key that was drawn for the form when it was shown, so that sending it twice does nothing twice.
    pub fn key(&self) -> Option<Uuid> {
        self.get("key").parse().ok()
    }
}

impl FromRequest<Market> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, market: &Market) -> Result<Posted, Response> {
        let bytes = own_form(request, market).await.map_err(|unread| match unread {
            Unread::Foreign(text, error) => Failed(text, error).into_response(),
            Unread::TooLarge(text, error) => {
                (StatusCode::PAYLOAD_TOO_LARGE, layout::failure(&text, &error)).into_response()
            }
        })?;
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(&bytes) {
            fields.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Ok(Posted(fields))
    }
}

/// Why a form was not read, with the reader's language.
pub(super) enum Unread {
    /// Another site sent it.
    Foreign(Text, Error),
    /// It has more than [`FORM_BYTES_MAX`].
    TooLarge(Text, Error),
}

/// The body of a form that this site sent.
pub(super) async fn own_form(request: Request, market: &Market) -> Result<Bytes, Unread> {
    let (mut parts, body) = request.into_parts();
    let Ok(Language(text)) = Language::from_request_parts(&mut parts, market).await;
    if !is_same_origin(market, &parts.headers) {
        let error = foreign_form(&text);
        return Err(Unread::Foreign(text, error));
    }
    to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| {
        let max = (FORM_BYTES_MAX >> 10).to_string();
        let fact = text.with("form-too-large", &[("max", &max)]);
        let error = Error::new(Kind::Invalid, fact, text.get("form-too-large-hint"));
        Unread::TooLarge(text, error)
    })
}

/// The page of a refusal; whoever is not signed in is led to where that is done.
pub(super) fn refused(text: Text, error: Error) -> Response {
    match error.kind {
        Kind::Unauthenticated => Redirect::to("/sign-in").into_response(),
        _ => Failed(text, error).into_response(),
    }
}
