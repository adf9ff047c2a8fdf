//! Secrets in files, environment, labels and history. A literal wakes one examination, which looks at a bounded
//! window around it and asks for the secret itself: a key's body, a token of the right length and checksum.
//! Placeholders, examples from documentation and keys that the whole world knows are no secrets. What is reported
//! never contains the value. The kinds are data ([`kinds`]); this file knows none of them.

use regex_automata::Input;
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use std::sync::OnceLock;

mod checks;
mod cloud;
pub(crate) mod context;
mod forges;
mod jwt;
mod pem;
mod placeholder;
mod published;
mod services;
mod urls;

#[cfg(test)]
mod examples;

use placeholder::placeholder;
pub(crate) use urls::{credentials_in_file, may_hold_credentials};

/// Bytes before a literal that an examination may need (a connection string's beginning).
pub(crate) const BEFORE_MAX: usize = 1024;

/// Bytes after a literal that an examination may need (an RSA key of 16,384 bits in PEM has 12.7 KiB).
pub(crate) const AFTER_MAX: usize = 16 << 10;

/// One kind of secret.
pub(crate) struct Kind {
    /// Stable name, as it stands in reports.
    id: &'static str,
    /// A key or connection string, not a token (spec `certification.md`, `no-embedded-secrets`).
    blocking: bool,
    /// Each of them wakes the examination. At least 3 bytes, and rare in programs and text.
    literals: &'static [&'static str],
    form: Form,
    /// How far before the literal its text may begin.
    before: usize,
    /// How far after the literal's beginning its text may end.
    after: usize,
    /// Whether a value of the right form can be a real one.
    check: fn(&str) -> bool,
    /// Compiled at first use: most images wake only some of them.
    compiled: OnceLock<Regex>,
}

enum Form {
    /// Its first group is the secret's value.
    Regex(&'static str),
    /// PEM and its relatives, from `PRIVATE KEY` on.
    Pem,
    /// PuTTY's own.
    Putty,
}

/// A kind that blocks.
const fn key(
    id: &'static str,
    literals: &'static [&'static str],
    regex: &'static str,
    check: fn(&str) -> bool,
) -> Kind {
    let form = Form::Regex(regex);
    Kind { id, blocking: true, literals, form, before: 8, after: 1024, check, compiled: OnceLock::new() }
}

/// A kind that is advice.
const fn token(
    id: &'static str,
    literals: &'static [&'static str],
    regex: &'static str,
    check: fn(&str) -> bool,
) -> Kind {
    let form = Form::Regex(regex);
    Kind { id, blocking: false, literals, form, before: 8, after: 1024, check, compiled: OnceLock::new() }
}

impl Kind {
    /// The same kind with a window of its own.
    const fn within(mut self, before: usize, after: usize) -> Kind {
        self.before = before;
        self.after = after;
        self
    }

    const fn with_form(mut self, form: Form) -> Kind {
        self.form = form;
        self
    }
}

/// All kinds. Where several share a literal, the first that fits is told, so the more exact ones come first.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    cloud::KINDS.iter().chain(&forges::KINDS).chain(&services::KINDS)
}

/// The literals, each once, with the kinds that they wake. None of them is part of another.
pub(crate) fn literals() -> Vec<(&'static str, Vec<&'static Kind>)> {
    let mut literals: Vec<(&str, Vec<&Kind>)> = Vec::new();
    for kind in kinds() {
        for literal in kind.literals {
            match literals.iter_mut().find(|(known, _)| known == literal) {
                Some((_, woken)) => woken.push(kind),
                None => literals.push((literal, vec![kind])),
            }
        }
    }
    literals
}

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

/// Examines the data around a literal for the kinds that it wakes.
pub(crate) fn examine(kinds: &[&'static Kind], data: &[u8], at: usize) -> Option<Secret> {
    kinds.iter().find_map(|kind| match kind.form {
        Form::Pem => pem::private_key(data, at),
        Form::Putty => pem::putty_key(data, at),
        Form::Regex(regex) => pattern(kind, regex, data, at),
    })
}

fn compiled<'k>(kind: &'k Kind, regex: &str) -> &'k Regex {
    kind.compiled.get_or_init(|| {
        // Files are bytes, not text.
        let syntax = syntax::Config::new().utf8(false).unicode(false);
        let config = meta::Config::new().utf8_empty(false);
        let regex = Regex::builder().syntax(syntax).configure(config).build(regex);
        regex.expect("a test compiles each constant")
    })
}

fn pattern(kind: &'static Kind, regex: &str, data: &[u8], at: usize) -> Option<Secret> {
    let regex = compiled(kind, regex);
    let end = data.len().min(at + AFTER_MAX.min(kind.after));
    let mut captures = regex.create_captures();
    // The window starts before the literal, where a word boundary or a connection string's beginning may be. Matches
    // that end before the literal belong to another wake.
    let mut start = at.saturating_sub(kind.before);
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
        let real = !placeholder(value) && (kind.check)(value);
        let (id, blocking) = (kind.id, kind.blocking);
        return real.then(|| Secret { kind: id, blocking, evidence: redact(value), end: whole.end() });
    }
}

/// At most the first 4 characters, and the length. Of a short value even those would tell too much.
fn redact(value: &str) -> String {
    let length = value.chars().count();
    let shown = if length >= 12 { 4 } else { length / 4 };
    let head: String = value.chars().take(shown).collect();
    format!("{head}… ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_pattern_compiles_and_has_a_group() {
        for kind in kinds() {
            if let Form::Regex(regex) = kind.form {
                assert!(compiled(kind, regex).captures_len() >= 2, "{}", kind.id);
            }
            assert!(kind.before <= BEFORE_MAX && kind.after <= AFTER_MAX, "{}", kind.id);
        }
    }

    #[test]
    fn literals_are_long_enough_and_none_is_part_of_another() {
        let all = literals();
        for (literal, _) in &all {
            assert!(literal.len() >= 3, "{literal}");
            let within = all.iter().find(|(other, _)| other != literal && other.contains(literal));
            assert!(within.is_none(), "{literal} is part of {within:?}", within = within.map(|w| w.0));
        }
    }

    #[test]
    fn a_value_is_never_shown_whole() {
        assert_eq!(redact("abcdefghijklmnop"), "abcd… (16 characters)");
        assert_eq!(redact("geheim"), "g… (6 characters)");
        assert_eq!(redact("é"), "… (1 characters)");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_at_most_four_characters_of_the_value(value in "[a-z]{1,200}") {
            let shown = redact(&value);
            let head = shown.split('…').next().unwrap_or("");
            prop_assert!(head.len() <= 4 && head.len() < value.len() && value.starts_with(head));
        }

        #[test]
        fn examinations_take_any_bytes(
            before in proptest::collection::vec(any::<u8>(), 0..80),
            after in proptest::collection::vec(any::<u8>(), 0..200),
            which in any::<prop::sample::Index>(),
        ) {
            let all = literals();
            let (literal, woken) = &all[which.index(all.len())];
            let data = [&before[..], literal.as_bytes(), &after].concat();
            if let Some(secret) = examine(woken, &data, before.len()) {
                prop_assert!(secret.end <= data.len());
            }
        }
    }
}
