//! Secrets in files, environment, labels and history. A literal wakes one examination, which looks at a bounded
//! window around it and asks for the secret itself: a key's body, a token of the right length. Placeholders, examples
//! from documentation and keys that the whole world knows are no secrets. What is reported never contains the value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex_automata::Input;
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use std::sync::OnceLock;

mod pem;
mod urls;
pub(crate) use urls::{credentials_in_urls, may_hold_urls};

/// Bytes before a literal that an examination may need (a connection string's beginning).
pub(crate) const BEFORE_MAX: usize = 1024;

/// Bytes after a literal that an examination may need (an RSA key of 16,384 bits in PEM has 12.7 KiB).
pub(crate) const AFTER_MAX: usize = 16 << 10;

/// What a literal may be part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table below says it")]
pub(crate) enum Kind {
    PrivateKey,
    PuttyKey,
    SharedAccessKey,
    StorageKey,
    SasToken,
    SasUrl,
    AwsKeyId,
    AwsSecret,
    GoogleKey,
    GitHub,
    GitLab,
    Slack,
    SlackHook,
    Stripe,
    Npm,
    NpmAuth,
    PyPi,
    DockerAuth,
}

/// The literals, none of them part of another.
pub(crate) const LITERALS: &[(&str, Kind)] = &[
    ("PRIVATE KEY", Kind::PrivateKey),
    ("PuTTY-User-Key-File-", Kind::PuttyKey),
    ("SharedAccessKey=", Kind::SharedAccessKey),
    ("AccountKey=", Kind::StorageKey),
    ("SharedAccessSignature sr=", Kind::SasToken),
    ("&sig=", Kind::SasUrl),
    ("AKIA", Kind::AwsKeyId),
    ("aws_secret_access_key", Kind::AwsSecret),
    ("AWS_SECRET_ACCESS_KEY", Kind::AwsSecret),
    ("AIza", Kind::GoogleKey),
    ("ghp_", Kind::GitHub),
    ("gho_", Kind::GitHub),
    ("ghu_", Kind::GitHub),
    ("ghs_", Kind::GitHub),
    ("ghr_", Kind::GitHub),
    ("github_pat_", Kind::GitHub),
    ("glpat-", Kind::GitLab),
    ("xoxb-", Kind::Slack),
    ("xoxp-", Kind::Slack),
    ("xoxa-", Kind::Slack),
    ("xoxs-", Kind::Slack),
    ("hooks.slack.com/services/T", Kind::SlackHook),
    ("sk_live_", Kind::Stripe),
    ("rk_live_", Kind::Stripe),
    ("npm_", Kind::Npm),
    ("_authToken", Kind::NpmAuth),
    ("pypi-AgE", Kind::PyPi),
    ("\"auths\"", Kind::DockerAuth),
];

/// Keys that are printed in their makers' documentation for everybody: the storage emulator's (Azurite), and the
/// Cosmos DB emulator's.
const KNOWN_TO_ALL: &[&str] = &[
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
];

/// A secret that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// Stable name of the kind.
    pub kind: &'static str,
    /// A key or connection string, not a token.
    pub blocking: bool,
    /// Redacted.
    pub evidence: String,
    /// Where the examined text ends, relative to the data, so that the next literal in it is not examined again.
    pub end: usize,
}

/// A pattern whose first group is the secret's value.
struct Pattern {
    name: &'static str,
    blocking: bool,
    regex: &'static str,
}

const fn token(name: &'static str, regex: &'static str) -> Pattern {
    Pattern { name, blocking: false, regex }
}

const fn key(name: &'static str, regex: &'static str) -> Pattern {
    Pattern { name, blocking: true, regex }
}

impl Kind {
    /// How far before the literal its text may begin.
    fn before(self) -> usize {
        match self {
            Kind::SharedAccessKey | Kind::SasUrl => BEFORE_MAX,
            _ => 8,
        }
    }

    /// How far after the literal's beginning its text may end.
    fn after(self) -> usize {
        match self {
            Kind::DockerAuth => 8 << 10,
            _ => 1024,
        }
    }

    /// Whether a value of the right form can be a real one.
    fn plausible(self, value: &str) -> bool {
        match self {
            // Real keys are 16 to 64 random bytes.
            Kind::SharedAccessKey | Kind::StorageKey => {
                STANDARD.decode(value).is_ok_and(|key| key.len() >= 16) && !KNOWN_TO_ALL.contains(&value)
            }
            Kind::DockerAuth => STANDARD.decode(value).is_ok_and(|pair| {
                pair.iter().position(|&byte| byte == b':').is_some_and(|at| at > 0 && at + 1 < pair.len())
            }),
            // A digest in hexadecimal or a path has this form too.
            Kind::AwsSecret => {
                !value.bytes().all(|byte| byte.is_ascii_hexdigit())
                    && value.bytes().any(|byte| byte.is_ascii_digit())
            }
            _ => true,
        }
    }

    fn pattern(self) -> Option<Pattern> {
        Some(match self {
            Kind::PrivateKey | Kind::PuttyKey => return None,
            Kind::SharedAccessKey => key(
                "azure-connection-string",
                r#"(?:(?i:HostName|Endpoint)=[^;\s"'`]{3,200};(?:[A-Za-z]{3,40}=[^;\s"'`]{0,200};){0,6})?SharedAccessKey=([A-Za-z0-9+/]{22,128}={0,2})"#,
            ),
            Kind::StorageKey => key("azure-storage-key", r"AccountKey=([A-Za-z0-9+/]{86}==)"),
            Kind::SasToken => token(
                "azure-sas-token",
                r#"SharedAccessSignature sr=[^&\s"']{1,500}&sig=([A-Za-z0-9%+/=_-]{30,200})"#,
            ),
            Kind::SasUrl => token(
                "azure-sas-token",
                r#"[?&]s[vreptr]{1,2}=[^\s"'<>]{1,900}?&sig=([A-Za-z0-9%+/=_-]{40,200})"#,
            ),
            Kind::AwsKeyId => token("aws-access-key-id", r"\b(AKIA[A-Z2-7]{16})\b"),
            Kind::AwsSecret => key(
                "aws-secret-access-key",
                r#"(?i:aws_secret_access_key)["']?\s{0,4}[=:]\s{0,4}["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|$)"#,
            ),
            Kind::GoogleKey => token("google-api-key", r"\b(AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)"),
            Kind::GitHub => {
                token("github-token", r"\b(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b")
            }
            Kind::GitLab => token("gitlab-token", r"\b(glpat-[A-Za-z0-9_-]{20,64})"),
            Kind::Slack => token("slack-token", r"\b(xox[abps]-[0-9]{8,16}-[A-Za-z0-9-]{20,120})"),
            Kind::SlackHook => token(
                "slack-webhook",
                r"(hooks\.slack\.com/services/T[A-Z0-9]{7,12}/B[A-Z0-9]{7,12}/[A-Za-z0-9]{20,30})",
            ),
            Kind::Stripe => token("stripe-key", r"\b([sr]k_live_[A-Za-z0-9]{20,120})\b"),
            Kind::Npm => token("npm-token", r"\b(npm_[A-Za-z0-9]{36})\b"),
            Kind::NpmAuth => {
                token("npm-token", r#"_authToken["']?\s{0,4}[=:]\s{0,4}["']?([A-Za-z0-9_+/=-]{20,200})"#)
            }
            Kind::PyPi => token("pypi-token", r"\b(pypi-AgE[A-Za-z0-9_-]{50,250})"),
            Kind::DockerAuth => {
                token("registry-credentials", r#""auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/]{8,4000}={0,2})""#)
            }
        })
    }
}

/// Examines the data around a literal.
pub(crate) fn examine(kind: Kind, data: &[u8], at: usize) -> Option<Secret> {
    match kind {
        Kind::PrivateKey => pem::private_key(data, at),
        Kind::PuttyKey => pem::putty_key(data, at),
        _ => pattern(kind, data, at),
    }
}

/// Each kind's pattern, compiled at first use: most images wake only some of them.
fn compiled(kind: Kind) -> Option<&'static (Pattern, Regex)> {
    type Slot = OnceLock<Option<(Pattern, Regex)>>;
    const KINDS: usize = Kind::DockerAuth as usize + 1;
    static SLOTS: [Slot; KINDS] = [const { OnceLock::new() }; KINDS];
    let compile = || {
        let pattern = kind.pattern()?;
        // Files are bytes, not text.
        let syntax = syntax::Config::new().utf8(false).unicode(false);
        let config = meta::Config::new().utf8_empty(false);
        let regex = Regex::builder().syntax(syntax).configure(config).build(pattern.regex);
        let regex = regex.expect("a test compiles each constant");
        Some((pattern, regex))
    };
    SLOTS[kind as usize].get_or_init(compile).as_ref()
}

fn pattern(kind: Kind, data: &[u8], at: usize) -> Option<Secret> {
    let (pattern, regex) = compiled(kind)?;
    let end = data.len().min(at + AFTER_MAX.min(kind.after()));
    let mut captures = regex.create_captures();
    // The window starts before the literal, where a word boundary or a connection string's beginning may be. Matches
    // that end before the literal belong to another wake.
    let mut start = at.saturating_sub(kind.before());
    loop {
        regex.search_captures(&Input::new(data).range(start..end), &mut captures);
        let whole = captures.get_match()?;
        if whole.start() > at {
            return None;
        }
        if whole.end() <= at {
            start = whole.end().max(start + 1);
            continue;
        }
        let value = std::str::from_utf8(&data[captures.get_group(1)?.range()]).ok()?;
        let (name, blocking) = (pattern.name, pattern.blocking);
        let real = !placeholder(value) && kind.plausible(value);
        return real.then(|| Secret { kind: name, blocking, evidence: redact(value), end: whole.end() });
    }
}

/// Whether a value stands for a secret, and is none: documentation's examples, templates, low entropy.
fn placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let words =
        ["example", "placeholder", "changeme", "dummy", "redacted", "xxxx", "your", "0123456789", "abcdefgh"];
    value.contains(['<', '>', '{', '}', '$', '*'])
        || value.contains("...")
        || words.iter().any(|word| lower.contains(word))
        || bits_per_letter(value) < 2.5
}

/// Shannon entropy. Random base64 of 20 letters has about 4, hexadecimal about 3.5, `aaaa…` 0.
fn bits_per_letter(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = value.len() as f64;
    let share = |&count: &u32| f64::from(count) / length;
    counts.iter().filter(|&&count| count > 0).map(share).map(|share| -share * share.log2()).sum()
}

/// The first 4 characters and the length.
fn redact(value: &str) -> String {
    let head: String = value.chars().take(4).collect();
    format!("{head}… ({} characters)", value.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_a_group() {
        for (literal, kind) in LITERALS {
            let Some((_, regex)) = compiled(*kind) else {
                assert!(matches!(kind, Kind::PrivateKey | Kind::PuttyKey), "{literal} has no pattern");
                continue;
            };
            assert!(regex.captures_len() >= 2, "{literal}");
        }
    }
}
