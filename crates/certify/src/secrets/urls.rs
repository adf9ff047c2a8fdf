//! User names with passwords in URLs (`https://user:password@host`), in files where tools keep them: configuration,
//! `.git/config`, `.netrc`. No literal is rare enough to wake this one, so it looks only at files of such names.

use super::{Secret, placeholder, redact};
use memchr::memmem;

/// Largest file that is looked at; configuration is written by hand.
const FILE_BYTES_MAX: usize = 256 << 10;

/// Most URLs that are looked at in one file.
const URLS_MAX: usize = 10_000;

/// Whether a file of this path and size may keep credentials in URLs.
pub(crate) fn may_hold_urls(path: &str, size: usize) -> bool {
    let name = path.rsplit(['/', '!']).next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    size <= FILE_BYTES_MAX
        && (path.ends_with(".git/config")
            || matches!(
                name,
                ".netrc" | ".git-credentials" | ".npmrc" | ".yarnrc" | ".env" | ".pypirc" | "sources.list"
            )
            || matches!(
                extension,
                "env"
                    | "conf"
                    | "cfg"
                    | "ini"
                    | "toml"
                    | "yaml"
                    | "yml"
                    | "properties"
                    | "list"
                    | "config"
                    | "npmrc"
            ))
}

/// Credentials in URLs of a text.
pub(crate) fn credentials_in_urls(path: &str, data: &[u8]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for at in memmem::find_iter(data, b"://").take(URLS_MAX) {
        let rest = &data[at + 3..data.len().min(at + 3 + 512)];
        let end = rest.iter().position(|byte| byte.is_ascii_whitespace() || b"/\"'`<>\\,;|".contains(byte));
        let authority = &rest[..end.unwrap_or(rest.len())];
        let Some((credentials, host)) = std::str::from_utf8(authority).ok().and_then(|a| a.rsplit_once('@'))
        else {
            continue;
        };
        let Some((user, password)) = credentials.split_once(':') else { continue };
        if user.is_empty() || host.is_empty() || stands_for_a_password(user, password) {
            continue;
        }
        let kind = if path.ends_with(".git/config") { "git-credentials" } else { "url-credentials" };
        let evidence = format!("user {user:?} at {host:?}, password {}", redact(password));
        secrets.push(Secret { kind, blocking: false, evidence, end: at + 3 + authority.len() });
    }
    secrets
}

fn stands_for_a_password(user: &str, password: &str) -> bool {
    let words = [
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "token",
        "user",
        "foo",
        "bar",
        "test",
        "x-oauth-basic",
    ];
    let lower = password.to_ascii_lowercase();
    password.len() < 4
        || user.contains(['<', '{', '$', '%', '['])
        || password.contains(['<', '{', '$', '%', '[', '('])
        || words.contains(&lower.as_str())
        || (password.len() > 12 && placeholder(password))
}
