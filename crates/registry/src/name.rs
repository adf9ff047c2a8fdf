//! The grammars of repository names and tags (OCI distribution spec 1.1, *Pulling manifests*), by hand, because they
//! run on every request. References with a host name are another thing and live in `oci`.

/// Longest repository name in bytes: clients limit host and name together to 255, so a longer one could not be pulled.
pub const REPOSITORY_BYTES_MAX: usize = 255;

/// Longest tag in bytes (OCI distribution spec 1.1).
pub const TAG_BYTES_MAX: usize = 128;

/// Whether a text is a repository name: parts of `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, separated by `/`, together at
/// most [`REPOSITORY_BYTES_MAX`] bytes.
pub fn is_repository(text: &str) -> bool {
    text.len() <= REPOSITORY_BYTES_MAX && text.split('/').all(is_repository_part)
}

/// Whether a text is a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
pub fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= TAG_BYTES_MAX
        && text.bytes().enumerate().all(|(i, b)| word(b) || (i > 0 && matches!(b, b'.' | b'-')))
        && !text.is_empty()
}

fn is_repository_part(part: &str) -> bool {
    let letter = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    letter(first)
        && letter(last)
        && bytes.split(letter).all(|separator| {
            matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
        })
}

#[cfg(test)]
mod tests;
