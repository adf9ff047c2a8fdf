//! What a form sent, in both of HTML's encodings (`application/x-www-form-urlencoded` and `multipart/form-data`, RFC 7578).

use crate::error::{Error, Result};
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use std::collections::BTreeMap;

/// Most bytes of a form without files: the longest terms of use, twice, each character escaped.
const FORM_BYTES_MAX: usize = 8 << 20;
/// Most fields of a form; a plan with every row filled has some hundred.
const FIELDS_MAX: usize = 20_000;

/// The fields in the order of the form, and the files that were chosen.
#[derive(Debug, Default)]
pub(super) struct Posted {
    fields: BTreeMap<String, Vec<String>>,
    /// By the name of their field.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Posted {
    /// Reads the body of a form.
    pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<Posted> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut posted = Posted::default();
        if let Some(boundary) = boundary(kind) {
            posted.read_parts(body, boundary)?;
        } else if body.len() > FORM_BYTES_MAX {
            return Err(too_much(format!(
                "the form has {} bytes, at most {FORM_BYTES_MAX} are taken",
                body.len()
            )));
        } else {
            for (name, value) in url::form_urlencoded::parse(body) {
                posted.add(name.into_owned(), value.into_owned())?;
            }
        }
        Ok(posted)
    }

    fn add(&mut self, name: String, value: String) -> Result<()> {
        self.fields.entry(name).or_default().push(value);
        if self.fields.len() > FIELDS_MAX {
            return Err(too_much(format!("the form has more than {FIELDS_MAX} fields")));
        }
        Ok(())
    }

    /// The first value of a field.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// The last value of a field: of a tick box and the hidden field before it.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    /// Names that begin with this, with what follows it.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.fields.range(prefix.to_owned()..).map(|(name, _)| name);
        let files = self.files.range(prefix.to_owned()..).map(|(name, _)| name);
        let within = move |name: &&String| name.starts_with(prefix);
        names.take_while(within).chain(files.take_while(within)).map(|name| &name[prefix.len()..])
    }

    fn read_parts(&mut self, body: &[u8], boundary: &str) -> Result<()> {
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
                Some(_) => drop(self.files.insert(name, content.to_vec())),
                None if content.len() > FORM_BYTES_MAX => {
                    return Err(too_much(format!("a field has more than {FORM_BYTES_MAX} bytes")));
                }
                None => self.add(name, String::from_utf8_lossy(content).into_owned())?,
            }
            if self.files.len() > FIELDS_MAX {
                return Err(too_much(format!("the form has more than {FIELDS_MAX} files")));
            }
        }
        Ok(())
    }
}

fn too_much(message: String) -> Error {
    Error::invalid(message, "send less at once; nothing was changed")
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

    fn multipart(body: &[u8]) -> Result<Posted> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=xx".parse().expect("a value"));
        Posted::read(&headers, &Bytes::copy_from_slice(body))
    }

    #[test]
    fn parts_are_fields_and_files() {
        let body = b"--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx\r\n\
            content-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--x\r\n\r\n--xx\r\n\
            Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n\r\n\r\n--xx--\r\n";
        let posted = multipart(body).expect("a form");
        assert_eq!(posted.first("a"), Some("1"));
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
    fn too_many_fields_are_refused() {
        let body = (0..=FIELDS_MAX).map(|index| format!("{index}=&")).collect::<String>();
        assert!(Posted::read(&HeaderMap::new(), &Bytes::from(body)).is_err());
        let body = vec![b'a'; FORM_BYTES_MAX + 1];
        assert!(Posted::read(&HeaderMap::new(), &Bytes::from(body)).is_err());
    }
}
