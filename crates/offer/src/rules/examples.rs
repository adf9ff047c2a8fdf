//! Names that are reserved for examples (RFC 2606) reach nobody: the placeholders of a new offer are told until they
//! are replaced.

use super::Check;

const FIELDS: [&str; 7] = [
    "/listing/privacyPolicyUrl",
    "/leads/url",
    "/support/engineering/email",
    "/support/customer/email",
    "/support/url",
    "/support/sovereignUrl",
    "/listing/terms/url",
];

pub(super) fn check(check: &mut Check<'_>) {
    let mut pointers: Vec<String> = FIELDS.iter().map(|&field| field.to_owned()).collect();
    pointers.extend((0..check.length("/listing/links")).map(|index| format!("/listing/links/{index}/url")));
    pointers.extend((0..check.length("/plans")).map(|index| format!("/plans/{index}/repository/name")));
    for pointer in pointers {
        let Some(host) = check.text(&pointer).and_then(host).filter(|host| is_example(host)) else {
            continue;
        };
        let message = format!("leads to {host}, a name that is reserved for examples");
        check.warning("example-value", &pointer, &message, "write your own");
    }
}

/// Host of a URL, an e-mail address or an image repository.
fn host(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.split(':').next()?.to_lowercase())
}

fn is_example(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').rev().collect();
    matches!(labels[..], ["example" | "invalid" | "test", ..] | ["com" | "net" | "org", "example", ..])
}
