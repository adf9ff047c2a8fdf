//! The free objects of a record (`database_specific`, `ecosystem_specific`): whatever they hold, only a few words of it
//! are kept, and no form of them makes a record broken.

use crate::advisories::severity::{self, Rating};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What is kept of such an object.
#[derive(Debug, Default)]
pub(super) struct Specific {
    severity: Option<String>,
    urgency: Option<String>,
    cvss: Option<String>,
    /// RustSec: `unmaintained`, `unsound`, `notice`.
    pub(super) informational: Option<String>,
}

impl Specific {
    /// Severity in words (GHSA), as urgency (Debian) or as a vector (RustSec).
    pub(super) fn rating(&self) -> Option<Rating> {
        let vector = self.cvss.as_deref().and_then(severity::of_vector);
        let word = || self.severity.as_deref().and_then(severity::of_word);
        vector.or_else(word).or_else(|| self.urgency.as_deref().and_then(severity::of_word))
    }
}

/// A string, or nothing of interest.
#[derive(Default)]
struct Word(Option<String>);

impl<'de> Deserialize<'de> for Specific {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Specific, D::Error> {
        input.deserialize_any(Loose)
    }
}

/// Takes any JSON value; of an object, the wanted words.
struct Loose;

impl<'de> Visitor<'de> for Loose {
    type Value = Specific;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Specific, A::Error> {
        let mut found = Specific::default();
        while let Some(key) = map.next_key::<String>()? {
            let wanted = match key.as_str() {
                "severity" => &mut found.severity,
                "urgency" => &mut found.urgency,
                "cvss" => &mut found.cvss,
                "informational" => &mut found.informational,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *wanted = map.next_value::<Word>()?.0;
        }
        Ok(found)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Specific, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Specific::default())
    }
    fn visit_str<E>(self, _: &str) -> Result<Specific, E> {
        Ok(Specific::default())
    }
    fn visit_bool<E>(self, _: bool) -> Result<Specific, E> {
        Ok(Specific::default())
    }
    fn visit_i64<E>(self, _: i64) -> Result<Specific, E> {
        Ok(Specific::default())
    }
    fn visit_u64<E>(self, _: u64) -> Result<Specific, E> {
        Ok(Specific::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<Specific, E> {
        Ok(Specific::default())
    }
    fn visit_unit<E>(self) -> Result<Specific, E> {
        Ok(Specific::default())
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Word, D::Error> {
        input.deserialize_any(AnyWord)
    }
}

struct AnyWord;

impl<'de> Visitor<'de> for AnyWord {
    type Value = Word;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Word, E> {
        Ok(Word(
            Some(text.to_owned())
                .filter(|text| !text.is_empty() && text.len() <= 300 && !text.contains(char::is_control)),
        ))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Word(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Word, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Word(None))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Word, E> {
        Ok(Word(None))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Word, E> {
        Ok(Word(None))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Word, E> {
        Ok(Word(None))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Word, E> {
        Ok(Word(None))
    }
    fn visit_unit<E>(self) -> Result<Word, E> {
        Ok(Word(None))
    }
}
