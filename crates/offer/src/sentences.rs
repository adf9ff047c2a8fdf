//! Sentences that the program says in English, in another language: what a finding or a refusal says is English text in
//! reports, records and answers of the API, the same bytes for everyone, and is translated where it is shown to a person.
//!
//! A catalogue is text: the pattern of an English sentence on one line, its translation on the next; lines that begin
//! with `#` and blank lines are passed over. What varies stands in braces, by the same names in both:
//! - `{name}` is kept as it is: a number, a path, a name; `{name-}` is the same, of one word, where a pattern says so
//!   little that it would be true of other sentences;
//! - `{what?}` is a part that is translated where the catalogue has it, and else kept;
//! - `{fact!}` is a part that must be in the catalogue; without it the pattern does not match.
//!
//! `{{` and `}}` are braces.

mod pattern;

use pattern::{Hole, Pattern};
use std::borrow::Cow;
use std::sync::LazyLock;

/// French of what this crate says, as a catalogue.
pub const FRENCH: &str = include_str!("sentences/fr.txt");

/// Longest sentence that is looked at, in bytes. The longest that the program makes has some hundred words and a name or
/// two out of somebody's files; what is longer is shown as it is.
pub const SENTENCE_BYTES_MAX: usize = 4 << 10;

/// Most levels of parts within parts, and most parts that are looked up for one sentence, so that no text makes a page
/// slow: sentences have three levels and a few parts.
const LEVELS_MAX: usize = 5;
const LOOKS_MAX: usize = 60;

/// Patterns with their translations, the most specific first.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<(Pattern<'static>, Pattern<'static>)>,
}

impl Catalogue {
    /// Reads catalogues. What is not well-formed is left out; [`faults`] names it, and a test of each catalogue asks.
    pub fn new(texts: &[&'static str]) -> Catalogue {
        let mut entries: Vec<_> = texts.iter().flat_map(|text| pairs(text)).filter_map(entry).collect();
        // The sort is stable: of two that say equally much the first counts.
        entries.sort_by_key(|(english, _)| std::cmp::Reverse(english.literal_bytes()));
        Catalogue { entries }
    }

    /// The sentence in the catalogue's language, by the most specific pattern that it is of.
    pub fn translate(&self, sentence: &str) -> Option<String> {
        if sentence.len() > SENTENCE_BYTES_MAX {
            return None;
        }
        self.look(sentence, LEVELS_MAX, &mut { LOOKS_MAX })
    }

    fn look(&self, sentence: &str, levels: usize, looks: &mut usize) -> Option<String> {
        *looks = looks.checked_sub(1)?;
        let levels = levels.checked_sub(1)?;
        self.entries.iter().find_map(|(english, other)| {
            let parts = english.parts(sentence)?;
            let mut filled = Vec::with_capacity(parts.len());
            for (name, hole, part) in parts {
                let translated = match hole {
                    Hole::Kept | Hole::Word => None,
                    Hole::Tried | Hole::Needed => self.look(part, levels, looks),
                };
                match (translated, hole) {
                    (None, Hole::Needed) => return None,
                    (None, _) => filled.push((name, Cow::Borrowed(part))),
                    (Some(part), _) => filled.push((name, Cow::Owned(part))),
                }
            }
            Some(other.fill(&filled))
        })
    }

    /// English patterns with their translations, as they were written, the most specific first.
    pub fn entries(&self) -> impl Iterator<Item = (String, String)> {
        self.entries.iter().map(|(english, other)| (english.to_string(), other.to_string()))
    }
}

/// What this crate says, in French.
pub fn french(sentence: &str) -> Option<String> {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(&[FRENCH]));
    CATALOGUE.translate(sentence)
}

/// What is wrong with a catalogue's text, in words: a pattern without its translation, holes that differ, one pattern
/// twice.
pub fn faults(text: &str) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for (english, other) in pairs(text) {
        if entry((english, other)).is_none() {
            found.push(format!("{english:?} and {other:?} have not the same holes, or are none"));
        }
        if !seen.insert(english) {
            found.push(format!("{english:?} is there twice"));
        }
    }
    found
}

/// Line and next line; the last may lack its other half.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    std::iter::from_fn(move || Some((lines.next()?, lines.next().unwrap_or_default())))
}

fn entry<'a>((english, other): (&'a str, &'a str)) -> Option<(Pattern<'a>, Pattern<'a>)> {
    let (english, other) = (Pattern::parse(english)?, Pattern::parse(other)?);
    (english.is_usable() && english.names() == other.names()).then_some((english, other))
}
