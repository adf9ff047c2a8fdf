//! What a form or an address carries: its fields. A form that another site sent is refused before anything of it is read.

use super::language::Language;
use super::session::foreign_form;
use super::{Failed, layout};
use crate::error::{Error, Kind, Result};
use crate::http::is_same_origin;
use crate::market::Market;
use crate::text::Text;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

/// Largest form in bytes, but for those that read more by themselves: a text of 4,000 characters of four bytes, each
/// written as `%XX`, and a few names.
const FORM_BYTES_MAX: usize = 64 << 10;
/// Most fields of a form or an address. The largest form, the pictures of every plan, has some thousand; a policy may allow
/// more rows.
pub(super) const FIELDS_MAX: usize = 20_000;

/// Fields in the order of the form or address, which may have a name several times.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<(String, String)>")]
pub(super) struct Fields {
    in_order: Vec<(String, String)>,
    /// Places in `in_order`, sorted by name: a form of many rows is not searched through for each of its fields.
    by_name: Vec<usize>,
}

/// The parameters of an address, of which those beyond [`FIELDS_MAX`] are not looked at.
impl From<Vec<(String, String)>> for Fields {
    fn from(mut pairs: Vec<(String, String)>) -> Fields {
        pairs.truncate(FIELDS_MAX);
        let mut by_name: Vec<usize> = (0..pairs.len()).collect();
        // A stable sort: fields of one name stay in order.
        by_name.sort_by(|a, b| pairs[*a].0.cmp(&pairs[*b].0));
        Fields { in_order: pairs, by_name }
    }
}

impl Fields {
    /// The fields of a form. More than [`FIELDS_MAX`] are refused: what is cut off would count as left empty.
    pub fn of_form(pairs: impl Iterator<Item = (String, String)>) -> Result<Fields> {
        let pairs: Vec<_> = pairs.take(FIELDS_MAX + 1).collect();
        if pairs.len() > FIELDS_MAX {
            return Err(too_much(format!("the form has more than {FIELDS_MAX} fields")));
        }
        Ok(Fields::from(pairs))
    }

    /// The fields of a form as browsers send it by default (`application/x-www-form-urlencoded`).
    pub fn of_urlencoded(body: &[u8]) -> Result<Fields> {
        Fields::of_form(url::form_urlencoded::parse(body).into_owned())
    }

    /// The text of a field, the first where there are several; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.first(name).unwrap_or_default()
    }

    /// The first text of a field.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The last text of a field: of a tick box and the hidden field before it.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.all(name).next_back()
    }

    /// All texts of a field, in order.
    pub fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        let begin = self.by_name.partition_point(|at| self.in_order[*at].0.as_str() < name);
        let end = self.by_name.partition_point(|at| self.in_order[*at].0.as_str() <= name);
        self.by_name[begin..end].iter().map(|at| self.in_order[*at].1.as_str())
    }

    /// What follows this in the names that begin with it: each once, sorted.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let begin = self.by_name.partition_point(|at| self.in_order[*at].0.as_str() < prefix);
        let names = self.by_name[begin..].iter().map(|at| self.in_order[*at].0.as_str());
        let mut before = None;
        names
            .take_while(move |name| name.starts_with(prefix))
            .filter(move |name| before.replace(*name) != Some(*name))
            .map(|name| &name[prefix.len()..])
    }

    /// Names and texts in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.in_order.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// A key that was drawn for the form when it was shown, so that sending it twice does nothing twice.
    pub fn key(&self) -> Option<Uuid> {
        self.get("key").parse().ok()
    }
}

/// What is larger than its limit.
pub(super) fn too_much(message: String) -> Error {
    Error::invalid(message, "send less at once; nothing was changed")
}

impl FromRequest<Market> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, market: &Market) -> Result<Fields, Response> {
        own_fields(request, market).await.map_err(|unread| match unread {
            Unread::Refused(text, error) => Failed(text, error).into_response(),
            Unread::TooLarge(text, error) => {
                (StatusCode::PAYLOAD_TOO_LARGE, layout::failure(&text, &error)).into_response()
            }
        })
    }
}

/// Why a form was not read, with the reader's language.
pub(super) enum Unread {
    /// Another site sent it, or it has more than [`FIELDS_MAX`].
    Refused(Text, Error),
    /// It has more than [`FORM_BYTES_MAX`].
    TooLarge(Text, Error),
}

/// The fields of a form that this site sent.
pub(super) async fn own_fields(request: Request, market: &Market) -> Result<Fields, Unread> {
    let (mut parts, body) = request.into_parts();
    let Ok(Language(text)) = Language::from_request_parts(&mut parts, market).await;
    if !is_same_origin(market, &parts.headers) {
        let error = foreign_form(&text);
        return Err(Unread::Refused(text, error));
    }
    let Ok(bytes) = to_bytes(body, FORM_BYTES_MAX).await else {
        let max = (FORM_BYTES_MAX >> 10).to_string();
        let fact = text.with("form-too-large", &[("max", &max)]);
        let error = Error::new(Kind::Invalid, fact, text.get("form-too-large-hint"));
        return Err(Unread::TooLarge(text, error));
    };
    Fields::of_urlencoded(&bytes).map_err(|error| Unread::Refused(text, error))
}

/// The page of a refusal; whoever is not signed in is led to where that is done.
pub(super) fn refused(text: Text, error: Error) -> Response {
    match error.kind {
        Kind::Unauthenticated => Redirect::to("/sign-in").into_response(),
        _ => Failed(text, error).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_and_kept_in_order() {
        let fields = Fields::of_urlencoded(b"b=1&a/x=2&b=%C3%A9+3&a/x=2&a/y=&c").expect("fields");
        assert_eq!((fields.first("b"), fields.last("b"), fields.get("b")), (Some("1"), Some("é 3"), "1"));
        assert_eq!((fields.first("a"), fields.get("a"), fields.first("c")), (None, "", Some("")));
        assert_eq!(fields.all("a/x").collect::<Vec<_>>(), ["2", "2"]);
        assert_eq!(fields.below("a/").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(fields.below("").collect::<Vec<_>>(), ["a/x", "a/y", "b", "c"]);
        let names: Vec<&str> = fields.pairs().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a/x", "b", "a/x", "a/y", "c"]);
    }

    #[test]
    fn too_many_fields_of_a_form_are_refused() {
        let body = "a&".repeat(FIELDS_MAX);
        assert_eq!(Fields::of_urlencoded(body.as_bytes()).expect("fields").all("a").count(), FIELDS_MAX);
        let error = Fields::of_urlencoded(format!("{body}a").as_bytes()).expect_err("too many");
        assert_eq!(error.message, "the form has more than 20000 fields");
    }
}
