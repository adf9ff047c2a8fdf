//! Names of image repositories: `host[:port]/path` by the grammar of the OCI distribution specification, without tag
//! or digest. Whether the repository answers is asked elsewhere.

/// Judges a repository's name: the fact that completes "repository.name …", and the way out.
pub fn check(text: &str) -> Result<(), (String, &'static str)> {
    const FORM: &str = "write host[:port]/path, for example registry.contoso.com/edge/telemetry";
    if text.contains("://") {
        return Err((format!("is {text:?}, which begins with a scheme"), "remove the scheme and `://`"));
    }
    if text.contains('@') {
        return Err((format!("is {text:?}, which has an `@`"), "remove the digest; tags stand in `tags`"));
    }
    let Some((host, path)) = text.split_once('/') else {
        return Err((format!("is {text:?}, which has no registry host before a `/`"), FORM));
    };
    if let Some((_, tag)) = path.split_once(':') {
        return Err((
            format!("is {text:?}, which has the tag {tag:?}"),
            "remove the tag; tags stand in `tags`",
        ));
    }
    if !(host.contains('.') || host.contains(':') || host == "localhost") || !is_host(host) {
        return Err((format!("is {text:?}, in which {host:?} is no registry host"), FORM));
    }
    if let Some(bad) = path.split('/').find(|part| !is_component(part)) {
        let hint = if bad.chars().any(char::is_uppercase) {
            "repository paths are lower-case"
        } else {
            "each part has lower-case letters and digits, separated by one `.`, one or two `_`, or dashes"
        };
        return Err((format!("is {text:?}, in which {bad:?} is no part of a repository path"), hint));
    }
    Ok(())
}

/// The name under which two spellings of one repository are equal: hosts know no case.
pub fn canonical(name: &str) -> String {
    match name.split_once('/') {
        Some((host, path)) => format!("{}/{path}", host.to_lowercase()),
        None => name.to_owned(),
    }
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("", rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some("bad") }))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let bracketed = text.starts_with('[');
    (bracketed || host.split('.').all(label))
        && port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends_good = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
    ends_good
        && text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
        })
}
