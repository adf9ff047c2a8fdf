//! One pattern of a sentence: what stands fast, and holes between. It is matched in one pass from the left, so that no
//! text makes it slow.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// What a hole takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    /// What is the same in every language.
    Kept,
    /// The same, and one word.
    Word,
    /// What is translated if it can be.
    Tried,
    /// What must have a translation.
    Needed,
}

impl Hole {
    fn takes(self, part: &str) -> bool {
        !part.is_empty() && (self != Hole::Word || !part.contains(char::is_whitespace))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<'a> {
    Literal(Cow<'a, str>),
    Hole(&'a str, Hole),
}

/// A sentence with holes; no two holes touch.
#[derive(Debug)]
pub(super) struct Pattern<'a>(Vec<Piece<'a>>);

impl<'a> Pattern<'a> {
    /// `None` when a brace is left open, or a hole has no name.
    pub fn parse(text: &'a str) -> Option<Pattern<'a>> {
        let mut pieces: Vec<Piece<'a>> = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal(&mut pieces, &rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal(&mut pieces, brace);
                rest = after;
                continue;
            }
            let (name, after) = (brace == "{").then(|| rest.split_once('}'))??;
            let (name, hole) = match name.split_at_checked(name.len().saturating_sub(1)) {
                Some((name, "?")) => (name, Hole::Tried),
                Some((name, "!")) => (name, Hole::Needed),
                Some((name, "-")) => (name, Hole::Word),
                _ => (name, Hole::Kept),
            };
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if !is_name {
                return None;
            }
            pieces.push(Piece::Hole(name, hole));
            rest = after;
        }
        literal(&mut pieces, rest);
        Some(Pattern(pieces))
    }

    /// Whether it can be matched: it says something, no two holes touch, and each has its own name.
    pub fn is_usable(&self) -> bool {
        let touch = |two: &[Piece<'_>]| matches!(two, [Piece::Hole(..), Piece::Hole(..)]);
        let holes = self.0.iter().filter(|piece| matches!(piece, Piece::Hole(..))).count();
        self.literal_bytes() > 0 && !self.0.windows(2).any(touch) && holes == self.names().len()
    }

    pub fn names(&self) -> BTreeSet<&'a str> {
        let name = |piece: &Piece<'a>| match piece {
            Piece::Hole(name, _) => Some(*name),
            Piece::Literal(_) => None,
        };
        self.0.iter().filter_map(name).collect()
    }

    /// Bytes outside of holes: how much it says.
    pub fn literal_bytes(&self) -> usize {
        self.0.iter().map(|piece| if let Piece::Literal(text) = piece { text.len() } else { 0 }).sum()
    }

    /// What stands in each hole, when the sentence is of this pattern. A hole is never empty, and ends where what
    /// follows it first stands; the last one goes to the end.
    pub fn parts<'s>(&self, sentence: &'s str) -> Option<Vec<(&'a str, Hole, &'s str)>> {
        let mut parts = Vec::new();
        let mut rest = sentence;
        let mut open: Option<(&'a str, Hole)> = None;
        let last = self.0.len().checked_sub(1)?;
        for (index, piece) in self.0.iter().enumerate() {
            match (piece, open.take()) {
                (Piece::Hole(name, hole), _) => open = Some((name, *hole)),
                (Piece::Literal(text), None) => rest = rest.strip_prefix(text.as_ref())?,
                (Piece::Literal(text), Some((name, hole))) => {
                    let first = rest.chars().next()?.len_utf8();
                    let length = match index == last {
                        true => rest.strip_suffix(text.as_ref())?.len(),
                        false => first + rest.get(first..)?.find(text.as_ref())?,
                    };
                    let part = &rest[..length];
                    if !hole.takes(part) {
                        return None;
                    }
                    parts.push((name, hole, part));
                    rest = &rest[length + text.len()..];
                }
            }
        }
        match open {
            None if rest.is_empty() => Some(parts),
            Some((name, hole)) if hole.takes(rest) => {
                parts.push((name, hole, rest));
                Some(parts)
            }
            _ => None,
        }
    }

    /// The sentence with these parts in its holes.
    pub fn fill(&self, parts: &[(&str, Cow<'_, str>)]) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text += literal,
                Piece::Hole(name, _) => {
                    let part = parts.iter().find(|(known, _)| known == name);
                    text += part.map_or("", |(_, part)| part.as_ref());
                }
            }
        }
        text
    }
}

fn literal<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(before)) => before.to_mut().push_str(text),
        _ => pieces.push(Piece::Literal(Cow::Borrowed(text))),
    }
}

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Piece::Hole(name, hole) => {
                    let sign = match hole {
                        Hole::Kept => "",
                        Hole::Word => "-",
                        Hole::Tried => "?",
                        Hole::Needed => "!",
                    };
                    write!(f, "{{{name}{sign}}}")?;
                }
            }
        }
        Ok(())
    }
}
