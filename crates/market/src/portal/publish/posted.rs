//! What a form sent, in both of HTML's encodings (`application/x-www-form-urlencoded` and `multipart/form-data`, RFC 7578).

use crate::error::{Error, Result};
use crate::portal::posted::{FIELDS_MAX, Fields, too_much};
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use std::collections::BTreeMap;

/// Most bytes of a form without files: the longest terms of use, twice, each character escaped.
const FORM_BYTES_MAX: usize = 8 << 20;

/// The fields of a form, and the files that were chosen.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub fields: Fields,
    /// By the name of their field.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Sent {
    /// Reads the body of a form.
    pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<Sent> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if let Some(boundary) = boundary(kind) {
            return Sent::of_parts(body, boundary);
        }
        if body.len() > FORM_BYTES_MAX {
            return Err(too_much(format!(
                "the form has {} bytes, at most {FORM_BYTES_MAX} are taken",
                body.len()
            )));
        }
        Ok(Sent { fields: Fields::of_urlencoded(body)?, files: BTreeMap::new() })
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

    fn of_parts(body: &[u8], boundary: &str) -> Result<Sent> {
        let (mut fields, mut files) = (Vec::new(), BTreeMap::new());
        let broken = |what: &str| Error::invalid(format!("the form cannot be read: {what}"), "send it again");
        let delimiter = format!("--{boundary}");
        let mut rest = body.strip_prefix(delimiter.as_bytes()).ok_or_else(|| broken("it has no boundary"))?;
        let delimiter = format!("\r\n{delimiter}");
        while !rest.starts_with(b"--") {
            let part =
                rest.strip_prefix(b"\r\n").ok_or_else(|| broken("a boundary has no line of its own"))?;
            let head_end = find(part, b"\r\n\r\n").ok_or_else(|| broken("a part has no head"))?;
            let content = &part[head_end + 4..];
            let end = find(content, delimiter.as_bytes()).ok_or_else(|| broken("it ends in the middle"))?;
            let head = String::from_utf8_lossy(&part[..head_end]);
            let (content, after) = content.split_at(end);
            rest = &after[delimiter.len()..];
            let name = parameter(&head, "name").ok_or_else(|| broken("a part has no name"))?;
            match parameter(&head, "filename") {
                // A field of a file that none was chosen for.
                Some(_) if content.is_empty() => {}
                Some(_) => drop(files.insert(name, content.to_vec())),
                None if content.len() > FORM_BYTES_MAX => {
                    return Err(too_much(format!("a field has more than {FORM_BYTES_MAX} bytes")));
                }
                None => fields.push((name, String::from_utf8_lossy(content).into_owned())),
            }
            if files.len() > FIELDS_MAX {
                return Err(too_much(format!("the form has more than {FIELDS_MAX} files")));
            }
        }
        Ok(Sent { fields: Fields::of_form(fields.into_iter())?, files })
    }
}

/// The boundary of a multipart form.
fn boundary(kind: &str) -> Option<&str> {
    let rest = kind.strip_prefix("multipart/form-data")?;
    let value = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let value = value.trim_matches('"');
    (!value.is_empty() && value.len() <= 200).then_some(value)
}

/// A quoted parameter of a part's `Content-Disposition`; browsers write a quote in it as `%22`.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let (_, after) = line.split_once(&format!("; {name}=\""))?;
    Some(after.split('"').next()?.replace("%22", "\""))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multipart(body: &[u8]) -> Result<Sent> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=xx".parse().expect("a value"));
        Sent::read(&headers, &Bytes::copy_from_slice(body))
    }

    #[test]
    fn parts_are_fields_and_files() {
        let body = b"--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx\r\n\
            content-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--x\r\n\r\n--xx\r\n\
            Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n\r\n\r\n--xx--\r\n";
        let posted = multipart(body).expect("a form");
        assert_eq!(posted.fields.first("a"), Some("1"));
        assert_eq!(posted.files["f"], b"\r\n--x\r\n");
        assert!(!posted.files.contains_key("empty"));
        assert_eq!(posted.below("").collect::<Vec<_>>(), ["a", "f"]);
    }

    #[test]
    fn what_is_broken_is_refused() {
        let whole = b"--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx--\r\n";
        for length in 0..whole.len() - 2 {
            assert!(multipart(&whole[..length]).is_err(), "{length}");
        }
        assert!(multipart(b"--xx\r\nno head\r\n\r\n1\r\n--xx--").is_err());
    }

    #[test]
    fn too_much_is_refused() {
        let part = "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
        let error =
            multipart(format!("{}--xx--", part.repeat(FIELDS_MAX + 1)).as_bytes()).expect_err("too many");
        assert_eq!(error.message, "the form has more than 20000 fields");
        let body = vec![b'a'; FORM_BYTES_MAX + 1];
        assert!(Sent::read(&HeaderMap::new(), &Bytes::from(body)).is_err());
    }
}
