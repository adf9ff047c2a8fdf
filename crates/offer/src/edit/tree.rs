//! Where everything stands in a document, in bytes: keys, values, and whether a collection is written in brackets. The
//! document is known to be of the safe subset of [`crate::yaml`].

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

/// A value and the bytes that it takes.
#[derive(Debug)]
pub(crate) struct Spot {
    pub start: usize,
    pub end: usize,
    /// Column in characters, from 0.
    pub column: usize,
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Kind {
    Scalar,
    List { flow: bool, items: Vec<Spot> },
    Map { flow: bool, entries: Vec<Entry> },
}

/// A field.
#[derive(Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub key_start: usize,
    pub key_end: usize,
    pub value: Spot,
}

/// A collection that has begun, and the key that waits for its value, with its place.
type Open = (Spot, Option<(String, usize, usize)>);

/// Reads the places of a document. `None` when it is not of the subset.
pub(crate) fn read(text: &str) -> Option<Spot> {
    // Lines and columns, as everywhere: the parser's count of characters is off behind a text in lines of its own.
    let lines: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
    let byte = |marker: &Marker| {
        let start = lines.get(marker.line().saturating_sub(1)).copied().unwrap_or(text.len());
        text[start..].char_indices().nth(marker.col()).map_or(text.len(), |(offset, _)| start + offset)
    };
    let place = |span: &Span| (byte(&span.start), byte(&span.end), span.start.col());
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let (start, end, column) = place(&span);
        let flow = text[start..].starts_with(['[', '{']);
        let begun = |kind| Spot { start, end, column, kind };
        match event {
            Event::SequenceStart(..) => {
                open.push((begun(Kind::List { flow, items: Vec::new() }), None));
            }
            Event::MappingStart(..) => {
                open.push((begun(Kind::Map { flow, entries: Vec::new() }), None));
            }
            Event::Scalar(value, style, ..) => {
                let start = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => sign_of_block(text, start, open.last()),
                    _ => start,
                };
                let end = end_of_scalar(text, start, end);
                let awaited = matches!(open.last(), Some((Spot { kind: Kind::Map { .. }, .. }, None)));
                if let (true, Some((_, key))) = (awaited, open.last_mut()) {
                    *key = Some((value.into_owned(), start, end));
                    continue;
                }
                let end = if text[start..].starts_with(['|', '>']) {
                    end_of_block(text, start, open.last().map_or(0, |(spot, _)| spot.column))
                } else {
                    end
                };
                put(&mut open, &mut root, Spot { start, end, column, kind: Kind::Scalar });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (mut spot, _) = open.pop()?;
                if let Kind::List { flow: false, .. } = spot.kind {
                    (spot.start, spot.column) = dash_before(text, spot.start, spot.column);
                }
                spot.end = match &spot.kind {
                    Kind::List { flow: false, items } => items.last().map_or(spot.end, |item| item.end),
                    Kind::Map { flow: false, entries } => {
                        entries.last().map_or(spot.end, |entry| entry.value.end.max(entry.key_end))
                    }
                    // The closing bracket.
                    _ => start + text[start..].chars().next().map_or(0, char::len_utf8),
                };
                put(&mut open, &mut root, spot);
            }
            _ => {}
        }
    }
    root
}

fn put(open: &mut [Open], root: &mut Option<Spot>, spot: Spot) {
    match open.last_mut() {
        None => *root = Some(spot),
        Some((Spot { kind: Kind::List { items, .. }, .. }, _)) => items.push(spot),
        Some((Spot { kind: Kind::Map { entries, .. }, .. }, key)) => {
            if let Some((key, key_start, key_end)) = key.take() {
                entries.push(Entry { key, key_start, key_end, value: spot });
            }
        }
        Some(_) => {}
    }
}

/// The first dash of a list: where a list is not indented, the parser gives the place of the first item.
fn dash_before(text: &str, start: usize, column: usize) -> (usize, usize) {
    if text[start..].starts_with('-') {
        return (start, column);
    }
    let before = text[..start].trim_end();
    if !before.ends_with('-') {
        return (start, column);
    }
    let dash = before.len() - 1;
    let line = text[..dash].rfind('\n').map_or(0, |newline| newline + 1);
    (dash, text[line..dash].chars().count())
}

/// The sign of a text in lines of its own: the parser gives the place of its first line.
fn sign_of_block(text: &str, start: usize, within: Option<&Open>) -> usize {
    let from = match within {
        Some((_, Some((_, _, key_end)))) => *key_end,
        Some((Spot { kind: Kind::List { items, .. }, start, .. }, _)) => {
            items.last().map_or(*start, |item| item.end)
        }
        _ => 0,
    };
    text.get(from..start).and_then(|head| head.find(['|', '>'])).map_or(start, |offset| from + offset)
}

/// End of a text without what the parser passes over behind it: white space and a comment.
fn end_of_scalar(text: &str, start: usize, end: usize) -> usize {
    let written = &text[start..end.max(start)];
    match written.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            for (offset, c) in text[start..].char_indices().skip(1) {
                match c {
                    _ if escaped => escaped = false,
                    '\\' if quote == '"' => escaped = true,
                    // A quote within single quotes is written twice; then the text goes on.
                    '\'' if quote == '\'' && text[start + offset + 1..].starts_with('\'') => escaped = true,
                    c if c == quote => return start + offset + 1,
                    _ => {}
                }
            }
            end
        }
        _ => {
            let comment =
                written.match_indices('#').find(|(at, _)| written[..*at].ends_with([' ', '\t', '\n']));
            start + comment.map_or(written, |(at, _)| &written[..at]).trim_end().len()
        }
    }
}

/// End of a text in lines of its own: the lines below that are empty or deeper than the collection that it stands in.
fn end_of_block(text: &str, start: usize, column: usize) -> usize {
    let mut end = start;
    let mut at = start;
    for (index, line) in text[start..].split_inclusive('\n').enumerate() {
        let content = line.trim_end();
        let depth = line.chars().take_while(|c| *c == ' ').count();
        if index > 0 && !content.is_empty() && depth <= column {
            break;
        }
        if !content.is_empty() {
            end = at + content.len();
        }
        at += line.len();
    }
    end
}
