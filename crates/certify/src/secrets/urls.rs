//! Passwords in files where tools keep them: user names with passwords in URLs (`https://user:password@host`) in
//! configuration, `.git/config` and `.git-credentials`; `.netrc`, `.pgpass`. No literal is rare enough to wake this one,
//! so it looks only at files of such names.

use super::{Secret, placeholder, redact};
use memchr::memmem;

/// Largest file that is looked at; configuration is written by hand.
const FILE_BYTES_MAX: usize = 256 << 10;

/// Most URLs that are looked at in one file.
const URLS_MAX: usize = 10_000;

/// Whether a file of this path and size may keep credentials.
pub(crate) fn may_hold_credentials(path: &str, size: usize) -> bool {
    let name = path.rsplit(['/', '!']).next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    size <= FILE_BYTES_MAX
        && (path.ends_with(".git/config")
            || matches!(
                name,
                ".netrc"
                    | "_netrc"
                    | ".pgpass"
                    | "pgpass.conf"
                    | ".git-credentials"
                    | ".npmrc"
                    | ".yarnrc"
                    | ".env"
                    | ".pypirc"
                    | "sources.list"
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

/// Credentials in a text that stands at this path, or in the config.
pub(crate) fn credentials_in_file(path: &str, data: &[u8]) -> Vec<Secret> {
    match path.rsplit(['/', '!']).next().unwrap_or(path) {
        ".netrc" | "_netrc" => netrc(data),
        ".pgpass" | "pgpass.conf" => pgpass(data),
        _ => credentials_in_urls(path, data),
    }
}

/// `machine HOST login USER password SECRET`, in words over any lines (the `netrc` of ftp(1) and curl).
fn netrc(data: &[u8]) -> Vec<Secret> {
    let text = String::from_utf8_lossy(data);
    let mut words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let (mut host, mut user) = ("default", "");
    let mut secrets = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "machine" => host = words.next().unwrap_or(""),
            "login" => user = words.next().unwrap_or(""),
            "password" => {
                let password = words.next().unwrap_or("");
                if !stands_for_a_password(user, password) {
                    let evidence = told(user, host, password);
                    secrets.push(Secret {
                        kind: "netrc-password",
                        blocking: false,
                        evidence,
                        end: data.len(),
                    });
                }
            }
            _ => {}
        }
        if secrets.len() >= URLS_MAX {
            break;
        }
    }
    secrets
}

/// `hostname:port:database:username:password`, one a line (PostgreSQL, *The Password File*).
fn pgpass(data: &[u8]) -> Vec<Secret> {
    let text = String::from_utf8_lossy(data);
    let line = |line: &str| {
        let fields: Vec<&str> = line.trim().splitn(5, ':').collect();
        let [host, _, _, user, password] = fields[..] else { return None };
        if host.starts_with('#') || stands_for_a_password(user, password) {
            return None;
        }
        let evidence = told(user, host, password);
        Some(Secret { kind: "pgpass-password", blocking: false, evidence, end: data.len() })
    };
    text.lines().take(URLS_MAX).filter_map(line).collect()
}

/// Credentials in URLs of a text.
fn credentials_in_urls(path: &str, data: &[u8]) -> Vec<Secret> {
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
        // What git keeps is used; elsewhere names of documentation tell an example.
        let of_git = path.ends_with(".git/config") || path.ends_with(".git-credentials");
        if !of_git && (placeholder::user(user) || placeholder::host(host)) {
            continue;
        }
        let kind = if of_git { "git-credentials" } else { "url-credentials" };
        let evidence = told(user, host, password);
        secrets.push(Secret { kind, blocking: false, evidence, end: at + 3 + authority.len() });
    }
    secrets
}

/// Longest user name that is shown. Tokens, which services take as the user's name, have 20 letters and more.
const USER_CHARS_MAX: usize = 19;

/// Most characters of a name that are shown; a host's has 253 at most (RFC 1035 § 2.3.4).
const SHOWN_CHARS_MAX: usize = 253;

/// Who signs in and where, without the secret: it may stand in the user's place, or in the host's.
fn told(user: &str, host: &str, password: &str) -> String {
    let holds =
        |text: &str| text.contains(password) || password.contains(text) && text.len() * 2 > password.len();
    let long = user.chars().count() > USER_CHARS_MAX && !user.contains('@');
    let start = |text: &str| format!("{:?}", text.chars().take(SHOWN_CHARS_MAX).collect::<String>());
    let user = if long || holds(user) { redact(user) } else { start(user) };
    let host = if holds(host) { redact(host) } else { start(host) };
    format!("user {user} at {host}, password {}", redact(password))
}

fn stands_for_a_password(user: &str, password: &str) -> bool {
    user.contains(['<', '{', '$', '%', '['])
        || placeholder::password(user, password)
        || (password.len() > 12 && placeholder(password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(path: &str, text: &str) -> Vec<&'static str> {
        assert!(may_hold_credentials(path, text.len()), "{path}");
        credentials_in_file(path, text.as_bytes()).iter().map(|secret| secret.kind).collect()
    }

    #[test]
    fn files_that_keep_passwords_are_read_by_their_own_rules() {
        let secret = ["gl4r", "W9x7Qm2"].concat();
        let url = format!("https://ci:{secret}@git.acme.io/a.git");
        assert_eq!(kinds("src/.git/config", &format!("[remote]\n url = {url}\n")), ["git-credentials"]);
        assert_eq!(kinds("root/.git-credentials", &url), ["git-credentials"]);
        assert_eq!(kinds("app/settings.yaml", &format!("repo: {url}")), ["url-credentials"]);
        let netrc = format!("machine a.acme.io\n  login ci\n  password {secret}\n# password x\n");
        assert_eq!(kinds("root/.netrc", &netrc), ["netrc-password"]);
        assert_eq!(kinds("root/.netrc", &format!("default login me password {secret}")), ["netrc-password"]);
        assert_eq!(kinds("root/.pgpass", &format!("db.acme.io:5432:*:app:{secret}\n")), ["pgpass-password"]);
        assert_eq!(kinds("root/.pgpass", &format!("*:*:*:app:{secret}")), ["pgpass-password"]);
    }

    #[test]
    fn a_secret_in_the_place_of_the_user_is_not_shown() {
        let secret = ["gl4r", "W9x7Qm2"].concat();
        let token = [secret.as_str(); 3].concat();
        for (path, text) in [
            ("a/.netrc", format!("machine h login x{secret} password {secret}")),
            ("a/.netrc", format!("machine {secret} login x password {secret}")),
            ("a/.pgpass", format!("h:1:*:x{secret}:{secret}")),
            ("a/.env", format!("https://x{secret}:{secret}@h")),
            ("a/.env", format!("https://{token}:oauth@h")),
        ] {
            let found = credentials_in_file(path, text.as_bytes());
            assert!(found.len() == 1 && !found[0].evidence.contains(&secret), "{found:?}");
        }
        let found = credentials_in_file("a/.env", format!("https://ci:{secret}@git.acme.io").as_bytes());
        assert_eq!(found[0].evidence, "user \"ci\" at \"git.acme.io\", password gl… (11 characters)");
    }

    #[test]
    fn what_documentation_writes_there_is_none() {
        assert_eq!(kinds("src/.git/config", "url = https://github.com/a/b.git").len(), 0);
        assert_eq!(kinds("src/.git/config", "url = https://user:${TOKEN}@github.com/a/b.git").len(), 0);
        assert_eq!(kinds("root/.netrc", "machine x login y password <password>").len(), 0);
        assert_eq!(kinds("root/.netrc", "machine x login y account z").len(), 0);
        assert_eq!(kinds("root/.pgpass", "#hostname:port:database:username:password").len(), 0);
        assert_eq!(kinds("root/.pgpass", "localhost:5432:db:user:password").len(), 0);
        assert_eq!(kinds("etc/a.conf", "proxy = http://user:pass@proxy:3128").len(), 0);
        assert_eq!(kinds("etc/a.conf", "mail = mailto://a:b@c").len(), 0);
        assert_eq!(kinds("etc/a.yaml", "broker: amqp://guest:guest@queue.acme.io").len(), 0);
        assert_eq!(kinds("etc/a.toml", "url = \"https://ci:gl4rW9x7@registry.example.com\"").len(), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<Vec<u8>>(), words in "(machine|login|password|://|:|@| |a|\\n){0,60}") {
            for path in ["a/.netrc", "a/.pgpass", "a/.env"] {
                credentials_in_file(path, &text);
                credentials_in_file(path, words.as_bytes());
            }
        }
    }
}
