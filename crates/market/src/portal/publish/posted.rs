//! What a form sent, in both of HTML's encodings (`application/x-www-form-urlencoded` and `multipart/form-data`, RFC 7578).

use crate::error::{Error, Result};
use crate::http::{is_same_origin, status_of};
use crate::market::Market;
use crate::portal::posted::{FIELDS_MAX, Fields, too_much};
use crate::portal::session::foreign_form;
use crate::portal::{Language, layout};
use axum::body::to_bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;

/// Most bytes of a form without files, and of a field of one with them: the longest terms of use, twice, each character escaped.
/// A form with files may be as large as its route takes.
const FORM_BYTES_MAX: usize = 8 << 20;

/// The fields of a form, and the files that were chosen.
#[derive(Debug, Default)]
pub(in crate::portal) struct Sent {
    pub fields: Fields,
    /// By the name of their field.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl FromRequest<Market> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, market: &Market) -> Result<Sent, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(Language(text)) = Language::from_request_parts(&mut parts, market).await;
        let read = match is_same_origin(market, &parts.headers) {
            true => Sent::read(Request::from_parts(parts, body)).await,
            false => Err(foreign_form(&text).into()),
        };
        read.map_err(|Unread(status, error)| (status, layout::failure(&text, &error)).into_response())
    }
}

/// Why a form was not read, and the status that says it.
#[derive(Debug)]
struct Unread(StatusCode, Error);

impl From<Error> for Unread {
    fn from(error: Error) -> Unread {
        Unread(status_of(error.kind).0, error)
    }
}

impl From<MultipartError> for Unread {
    fn from(cause: MultipartError) -> Unread {
        match cause.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let error =
                    too_much("the form with its files is larger than an offer's directory".to_owned());
                Unread(StatusCode::PAYLOAD_TOO_LARGE, error)
            }
            _ => broken(&cause.body_text()).into(),
        }
    }
}

fn broken(what: &str) -> Error {
    Error::invalid(format!("the form cannot be read: {what}"), "send it again")
}

impl Sent {
    async fn read(request: Request) -> Result<Sent, Unread> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("multipart/")) {
            let parts = Multipart::from_request(request, &()).await;
            return Sent::of_parts(parts.map_err(|cause| broken(&cause.body_text()))?).await;
        }
        let body = to_bytes(request.into_body(), FORM_BYTES_MAX).await;
        let body = body.map_err(|_| {
            let error = too_much(format!("the form has more than {FORM_BYTES_MAX} bytes"));
            Unread(StatusCode::PAYLOAD_TOO_LARGE, error)
        })?;
        Ok(Sent { fields: Fields::of_urlencoded(&body)?, files: BTreeMap::new() })
    }

    async fn of_parts(mut parts: Multipart) -> Result<Sent, Unread> {
        let (mut fields, mut files) = (Vec::new(), BTreeMap::new());
        while let Some(mut part) = parts.next_field().await? {
            // Browsers write a quote in a name as `%22`.
            let name = part.name().ok_or_else(|| broken("a part has no name"))?.replace("%22", "\"");
            let is_file = part.file_name().is_some();
            let mut content = Vec::new();
            while let Some(chunk) = part.chunk().await? {
                content.extend_from_slice(&chunk);
                if !is_file && content.len() > FORM_BYTES_MAX {
                    return Err(too_much(format!("a field has more than {FORM_BYTES_MAX} bytes")).into());
                }
            }
            match is_file {
                // A field of a file that none was chosen for.
                true if content.is_empty() => {}
                true => drop(files.insert(name, content)),
                false => fields.push((name, String::from_utf8_lossy(&content).into_owned())),
            }
            if fields.len().max(files.len()) > FIELDS_MAX {
                return Err(too_much(format!("the form has more than {FIELDS_MAX} fields")).into());
            }
        }
        Ok(Sent { fields: Fields::of_form(fields.into_iter())?, files })
    }

    /// The files whose names begin with this, by what follows it.
    pub fn files_below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Vec<u8>)> {
        let files = self.files.range(prefix.to_owned()..);
        let files = files.take_while(move |(name, _)| name.starts_with(prefix));
        files.map(|(name, bytes)| (&name[prefix.len()..], bytes))
    }

    /// What follows this in the names of fields and of files that begin with it.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.below(prefix).chain(self.files_below(prefix).map(|(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::extract::DefaultBodyLimit;

    async fn multipart(body: &[u8]) -> Result<Sent, Unread> {
        within(body, crate::http::BODY_BYTES_MAX).await
    }

    async fn within(body: &[u8], max: usize) -> Result<Sent, Unread> {
        let request = Request::builder().header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx");
        let mut request = request.body(Body::from(body.to_vec())).expect("a request");
        DefaultBodyLimit::max(max).apply(&mut request);
        Sent::read(request).await
    }

    #[tokio::test]
    async fn parts_are_fields_and_files() {
        let body = b"--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx\r\n\
            content-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--x\r\n\r\n--xx\r\n\
            Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n\r\n\r\n--xx--\r\n";
        let posted = multipart(body).await.expect("a form");
        assert_eq!(posted.fields.first("a"), Some("1"));
        assert_eq!(posted.files["f"], b"\r\n--x\r\n");
        assert!(!posted.files.contains_key("empty"));
        assert_eq!(posted.below("").collect::<Vec<_>>(), ["a", "f"]);
    }

    #[tokio::test]
    async fn what_is_broken_is_refused() {
        let whole = b"--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx--\r\n";
        for length in 0..whole.len() - 2 {
            assert!(multipart(&whole[..length]).await.is_err(), "{length}");
        }
        assert!(multipart(b"--xx\r\nno head\r\n\r\n1\r\n--xx--").await.is_err());
    }

    #[tokio::test]
    async fn too_much_is_refused() {
        let part = "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
        let Unread(_, error) = multipart(format!("{}--xx--", part.repeat(FIELDS_MAX + 1)).as_bytes())
            .await
            .expect_err("too many");
        assert_eq!(error.message, "the form has more than 20000 fields");
        let long = "a".repeat(FORM_BYTES_MAX + 1);
        let field = format!("--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{long}\r\n--xx--");
        let Unread(_, error) = multipart(field.as_bytes()).await.expect_err("too long");
        assert_eq!(error.message, "a field has more than 8388608 bytes");
        let Unread(_, error) = Sent::read(Request::new(Body::from(long))).await.expect_err("too long");
        assert_eq!(error.message, "the form has more than 8388608 bytes");
        // A head that does not end.
        let head = format!("--xx\r\nContent-Disposition: form-data; name=\"{}", "a".repeat(3 << 20));
        let Unread(status, _) = within(head.as_bytes(), 2 << 20).await.expect_err("too large for the route");
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
