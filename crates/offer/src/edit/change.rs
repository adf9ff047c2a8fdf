//! One change in the text of a document. What comes out is judged by the caller: a place that is laid out in a way that is
//! not foreseen here gives `None` or a text that is refused.

use super::tree::{Entry, Kind, Spot};
use super::write::{ROOT, Texts};
use super::{Change, Part, write};
use crate::fields::Shape;
use serde_json::Value;

/// The text with the change, where its place can be told.
pub(super) fn make(text: &str, root: &Spot, change: &Change, texts: Texts) -> Option<String> {
    let (Change::Set(path, _) | Change::Insert(path, _) | Change::Remove(path)) = change;
    let (last, parents) = path.split_last()?;
    let mut place = Place { text, spot: root, shape: Some(&ROOT), texts };
    for part in parents {
        place = place.inner(part)?;
    }
    let (start, end, new) = match (change, last) {
        (Change::Set(_, value), _) => place.set(last, value),
        (Change::Insert(_, value), Part::Key(key)) => place.insert_field(key, value),
        (Change::Insert(_, value), Part::Index(index)) => place.insert_item(*index, value),
        (Change::Remove(_), Part::Key(key)) => place.remove_field(key),
        (Change::Remove(_), Part::Index(index)) => place.remove_item(*index),
    }?;
    let new = if text.contains("\r\n") { new.replace('\n', "\r\n") } else { new };
    Some([text.get(..start)?, &new, text.get(end..)?].concat())
}

/// Bytes from, to, and what comes in their place.
type Patch = Option<(usize, usize, String)>;

/// A collection in the text.
#[derive(Clone, Copy)]
struct Place<'a> {
    text: &'a str,
    spot: &'a Spot,
    shape: Option<&'static Shape>,
    texts: Texts,
}

impl<'a> Place<'a> {
    fn inner(self, part: &Part) -> Option<Place<'a>> {
        match (&self.spot.kind, part) {
            (Kind::Map { entries, .. }, Part::Key(key)) => {
                let entry = entries.iter().find(|entry| entry.key == *key)?;
                Some(Place { spot: &entry.value, shape: write::field(self.shape, key), ..self })
            }
            (Kind::List { items, .. }, Part::Index(index)) => {
                Some(Place { spot: items.get(*index)?, shape: write::item(self.shape), ..self })
            }
            _ => None,
        }
    }

    fn set(self, last: &Part, value: &Value) -> Patch {
        match (&self.spot.kind, last) {
            (Kind::Map { flow, entries }, Part::Key(key)) => {
                let Entry { key_start, key_end, value: old, .. } =
                    entries.iter().find(|entry| entry.key == *key)?;
                if *flow {
                    return Some((old.start, old.end, write::flow(value)));
                }
                let shape = write::field(self.shape, key);
                let is_single = |value: &Value| !value.is_array() && !value.is_object();
                if matches!(old.kind, Kind::Scalar) && is_single(value) && old.end > old.start {
                    let new = write::block(value, shape, self.spot.column + 2, self.texts);
                    // A comment behind the value goes behind the sign that several lines follow.
                    if let Some((sign, lines)) = new.split_once('\n') {
                        let end = self.end_of_line(old.end);
                        let comment = self.text.get(old.end..end)?;
                        return Some((old.start, end, format!("{sign}{comment}\n{lines}")));
                    }
                    return Some((old.start, old.end, new));
                }
                if let Kind::List { flow: true, .. } | Kind::Map { flow: true, .. } = old.kind {
                    return Some((old.start, old.end, write::flow(value)));
                }
                let colon = key_end + self.text.get(*key_end..)?.find(':')? + 1;
                let written = write::after_key(value, shape, self.spot.column, self.texts);
                let name = self.text.get(*key_start..colon)?;
                Some((*key_start, old.end.max(colon), format!("{name}{written}")))
            }
            (Kind::List { flow, items }, Part::Index(index)) => {
                let old = items.get(*index)?;
                let new = match flow {
                    true => write::flow(value),
                    false => write::block(value, write::item(self.shape), old.column, self.texts),
                };
                Some((old.start, old.end, new))
            }
            _ => None,
        }
    }

    fn insert_field(self, key: &str, value: &Value) -> Patch {
        let Kind::Map { flow, entries } = &self.spot.kind else { return None };
        let rank = write::rank(self.shape, key);
        let before = entries.iter().rfind(|entry| write::rank(self.shape, &entry.key) <= rank);
        let (spot, shape) = (self.spot, write::field(self.shape, key));
        if *flow {
            let new = format!("{}: {}", write::scalar(&Value::from(key)), write::flow(value));
            return Some(match (before, entries.first()) {
                (Some(before), _) => (before.value.end, before.value.end, format!(", {new}")),
                (None, Some(first)) => (first.key_start, first.key_start, format!("{new}, ")),
                (None, None) => (spot.start, spot.end, format!("{{ {new} }}")),
            });
        }
        let new = write::entry(key, value, shape, spot.column, self.texts);
        let indent = " ".repeat(spot.column);
        match before {
            Some(before) => {
                let at = self.end_of_comments(before.value.end.max(before.key_end));
                Some((at, at, format!("\n{indent}{new}")))
            }
            None => {
                let at = entries.first()?.key_start;
                Some((at, at, format!("{new}\n{indent}")))
            }
        }
    }

    fn insert_item(self, index: usize, value: &Value) -> Patch {
        let Kind::List { flow, items } = &self.spot.kind else { return None };
        let previous = index.checked_sub(1).and_then(|index| items.get(index));
        if *flow {
            let new = write::flow(value);
            return Some(match (previous, items.first()) {
                (Some(previous), _) => (previous.end, previous.end, format!(", {new}")),
                (None, Some(first)) => (first.start, first.start, format!("{new}, ")),
                (None, None) => (self.spot.start, self.spot.end, format!("[{new}]")),
            });
        }
        let column = self.spot.column;
        let new = format!("- {}", write::block(value, write::item(self.shape), column + 2, self.texts));
        let indent = " ".repeat(column);
        match previous {
            Some(previous) => {
                let at = self.end_of_comments(previous.end);
                Some((at, at, format!("\n{indent}{new}")))
            }
            None => {
                let at = self.spot.start;
                Some((at, at, format!("{new}\n{indent}")))
            }
        }
    }

    fn remove_field(self, key: &str) -> Patch {
        let Kind::Map { flow, entries } = &self.spot.kind else { return None };
        let index = entries.iter().position(|entry| entry.key == *key)?;
        let entry = &entries[index];
        let end = entry.value.end.max(entry.key_end);
        if entries.len() == 1 {
            return None;
        }
        if *flow {
            return Some(match (entries.get(index + 1), index.checked_sub(1).map(|index| &entries[index])) {
                (Some(next), _) => (entry.key_start, next.key_start, String::new()),
                (None, Some(previous)) => (previous.value.end, end, String::new()),
                (None, None) => return None,
            });
        }
        let line = self.text[..entry.key_start].rfind('\n').map_or(0, |newline| newline + 1);
        if self.text[line..entry.key_start].trim().is_empty() {
            return Some((line, self.next_line(end), String::new()));
        }
        // The first field of a list's item stands behind its dash.
        Some((entry.key_start, entries.get(index + 1)?.key_start, String::new()))
    }

    fn remove_item(self, index: usize) -> Patch {
        let Kind::List { flow, items } = &self.spot.kind else { return None };
        let item = items.get(index)?;
        if items.len() == 1 {
            return None;
        }
        if *flow {
            return Some(match (items.get(index + 1), index.checked_sub(1).map(|index| &items[index])) {
                (Some(next), _) => (item.start, next.start, String::new()),
                (None, Some(previous)) => (previous.end, item.end, String::new()),
                (None, None) => return None,
            });
        }
        let line = self.text[..item.start].rfind('\n').map_or(0, |newline| newline + 1);
        Some((line, self.next_line(item.end), String::new()))
    }

    fn end_of_line(self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline);
        if self.text[..end].ends_with('\r') && end > at { end - 1 } else { end }
    }

    /// The end of the line, and of the comments below it that are deeper than this collection: they are about what stands before,
    /// and would become part of a text of several lines.
    fn end_of_comments(self, at: usize) -> usize {
        let mut end = self.end_of_line(at);
        let mut line_start = end;
        for line in self.text[end..].split_inclusive('\n') {
            let (content, depth) = (line.trim(), line.chars().take_while(|c| *c == ' ').count());
            let is_comment = content.starts_with('#') && depth > self.spot.column;
            if !content.is_empty() && !is_comment {
                break;
            }
            if is_comment {
                end = line_start + line.trim_end().len();
            }
            line_start += line.len();
        }
        end
    }

    fn next_line(self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }
}
