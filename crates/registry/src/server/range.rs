//! Byte ranges: what a download asks for (RFC 9110 § 14.2) and where a chunk of an upload lies (OCI distribution spec
//! 1.1, *Pushing a blob in chunks*).

use super::{
    call::ascii,
    failure::{Code, Failure},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything: no range, one that cannot be read, or several, which a server may ignore (RFC 9110 § 14.2).
    Whole,
    Part(Range<u64>),
    /// Outside of the content, or ending before it begins.
    Unsatisfiable,
}

/// What a request asks for, unless it was meant for other content (`If-Range`, RFC 9110 § 13.1.5).
pub(super) fn of_request(headers: &HeaderMap, etag: &HeaderValue, size: u64) -> Wanted {
    let same = headers.get(header::IF_RANGE).is_none_or(|tag| tag == etag);
    match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
        Some(text) if same => wanted(text, size),
        _ => Wanted::Whole,
    }
}

/// An answer with all of the content.
pub(super) fn whole(size: u64, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, size.into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

/// An answer with a part of the content, which has `size` bytes in all.
pub(super) fn partial(part: Range<u64>, size: u64, body: Body) -> Response {
    let content_range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
    let mut response = whole(part.end - part.start, body);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    response.headers_mut().insert(header::CONTENT_RANGE, ascii(content_range));
    response
}

/// 416.
pub(super) fn unsatisfiable(size: u64) -> Failure {
    let message = format!("the range lies outside of the content's {size} bytes");
    Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, Code::SizeInvalid, message)
        .with_header(header::CONTENT_RANGE, ascii(format!("bytes */{size}")))
}

/// Reads a `Range` header for content of this size in bytes.
fn wanted(header: &str, size: u64) -> Wanted {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Wanted::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    match (number(first), number(last)) {
        (None, Some(count)) if first.is_empty() => match count.min(size) {
            0 => Wanted::Unsatisfiable,
            count => Wanted::Part(size - count..size),
        },
        (Some(first), None) if last.is_empty() => within(first, size, size),
        (Some(first), Some(last)) if first > last => Wanted::Unsatisfiable,
        (Some(first), Some(last)) => within(first, last.saturating_add(1), size),
        _ => Wanted::Whole,
    }
}

/// Where a chunk lies: `Content-Range: 0-99`, also as `bytes 0-99/*`. The end is exclusive.
pub(super) fn chunk(header: &str) -> Option<Range<u64>> {
    let text = header.trim();
    let text = text.strip_prefix("bytes ").or_else(|| text.strip_prefix("bytes=")).unwrap_or(text);
    let text = text.split_once('/').map_or(text, |(range, _)| range);
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    (first <= last && last < u64::MAX).then(|| first..last + 1)
}

fn within(start: u64, end: u64, size: u64) -> Wanted {
    match start < size {
        true => Wanted::Part(start..end.min(size)),
        false => Wanted::Unsatisfiable,
    }
}

/// Digits only; what is too large for 64 bits is larger than any content.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_headers() {
        let of_ten = |header| wanted(header, 10);
        assert_eq!(of_ten("bytes=0-3"), Wanted::Part(0..4));
        assert_eq!(of_ten("bytes=4-"), Wanted::Part(4..10));
        assert_eq!(of_ten("bytes=-3"), Wanted::Part(7..10));
        assert_eq!(of_ten("bytes=-30"), Wanted::Part(0..10));
        assert_eq!(of_ten("bytes=5-999999999999999999999999"), Wanted::Part(5..10));
        assert_eq!(of_ten("bytes=10-"), Wanted::Unsatisfiable);
        assert_eq!(of_ten("bytes=-0"), Wanted::Unsatisfiable);
        assert_eq!(of_ten("bytes=3-1"), Wanted::Unsatisfiable);
        for ignored in
            ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-b", "bytes=0-1,3-4", "items=0-1"]
        {
            assert_eq!(of_ten(ignored), Wanted::Whole, "{ignored}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Unsatisfiable);
        assert_eq!(chunk("0-99"), Some(0..100));
        assert_eq!(chunk("bytes 5-5/*"), Some(5..6));
        for bad in ["", "5", "5-", "-5", "9-5", "a-b", "0-18446744073709551615"] {
            assert_eq!(chunk(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_content(header in "(bytes=)?[0-9]{0,21}-[0-9]{0,21}|.{0,30}", size: u64) {
            if let Wanted::Part(part) = wanted(&header, size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
            if let Some(range) = chunk(&header) {
                prop_assert!(range.start < range.end);
            }
        }

        #[test]
        fn chunks_round_trip(start in 0u64..1 << 60, length in 1u64..1 << 60) {
            prop_assert_eq!(chunk(&format!("{start}-{}", start + length - 1)), Some(start..start + length));
        }
    }
}
