//! Values as YAML text: deterministic, fields in the order of the table of fields.

use crate::fields::{OFFER, Object, Shape};
use crate::yaml;
use serde_json::{Map, Value};

/// The shape of the document.
pub(super) static ROOT: Shape = Shape::Object(&OFFER);

/// How texts of several lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    /// As such, which people read and edit.
    Lines,
    /// Within quotes on one line: where comments follow that would become part of the text.
    Quoted,
}

/// A whole document.
pub(super) fn document(value: &Value) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut text = entries(map, Some(&ROOT), 0, Texts::Lines);
            text.push('\n');
            text
        }
        other => format!("{}\n", flow(other)),
    }
}

/// The shape of a field of a shape's object.
pub(super) fn field(shape: Option<&'static Shape>, key: &str) -> Option<&'static Shape> {
    let object = object(shape)?;
    object.fields.iter().find(|field| field.name == key).map(|field| &field.shape)
}

/// The shape of a list's items.
pub(super) fn item(shape: Option<&'static Shape>) -> Option<&'static Shape> {
    match shape? {
        Shape::List { of, .. } => Some(of),
        _ => None,
    }
}

/// The table of a shape's fields.
pub(super) fn object(shape: Option<&'static Shape>) -> Option<&'static Object> {
    match shape? {
        Shape::Object(object) | Shape::ChoiceOr(_, object) => Some(object),
        _ => None,
    }
}

/// Place of a field in its object's table; unknown ones come last.
pub(super) fn rank(shape: Option<&'static Shape>, key: &str) -> usize {
    let fields = object(shape).map_or(&[][..], |object| object.fields);
    fields.iter().position(|field| field.name == key).unwrap_or(usize::MAX)
}

/// The fields of a mapping, the first without indentation, the others behind `indent` spaces.
fn entries(map: &Map<String, Value>, shape: Option<&'static Shape>, indent: usize, texts: Texts) -> String {
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_by_key(|(key, _)| rank(shape, key));
    let lines = pairs.into_iter().map(|(key, value)| entry(key, value, field(shape, key), indent, texts));
    lines.collect::<Vec<_>>().join(&format!("\n{}", " ".repeat(indent)))
}

/// `key: value`, whose further lines stand behind `indent` spaces.
pub(super) fn entry(
    key: &str,
    value: &Value,
    shape: Option<&'static Shape>,
    indent: usize,
    texts: Texts,
) -> String {
    format!("{}:{}", scalar(&Value::from(key)), after_key(value, shape, indent, texts))
}

/// What follows the colon of a field that stands at `indent`.
pub(super) fn after_key(value: &Value, shape: Option<&'static Shape>, indent: usize, texts: Texts) -> String {
    let deeper = indent + 2;
    match value {
        Value::Array(list) if !list.is_empty() => {
            let items = list.iter().map(|value| {
                format!("\n{}- {}", " ".repeat(deeper), block(value, item(shape), deeper + 2, texts))
            });
            items.collect()
        }
        Value::Object(map) if !map.is_empty() => {
            format!("\n{}{}", " ".repeat(deeper), entries(map, shape, deeper, texts))
        }
        other => format!(" {}", block(other, shape, deeper, texts)),
    }
}

/// A value that begins where the line stands; its further lines stand behind `indent` spaces.
pub(super) fn block(value: &Value, shape: Option<&'static Shape>, indent: usize, texts: Texts) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => entries(map, shape, indent, texts),
        Value::String(text) if texts == Texts::Lines => lines(text, indent).unwrap_or_else(|| scalar(value)),
        other => flow(other),
    }
}

/// A text of several lines as such, where it can be written so.
pub(super) fn lines(text: &str, indent: usize) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let odd = |c: char| c != '\n' && is_escaped(c);
    let good = body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && !body.contains(odd);
    if !good {
        return None;
    }
    let mut written = String::from(if body.len() == text.len() { "|-" } else { "|" });
    for line in body.split('\n') {
        written.push('\n');
        if !line.is_empty() {
            written.push_str(&" ".repeat(indent));
            written.push_str(line);
        }
    }
    Some(written)
}

/// A value in one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(&Value::from(key.as_str())), flow(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => scalar(other),
    }
}

/// A single value: plain where nobody can mistake it, in double quotes else (JSON's are YAML's).
pub(super) fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    if is_plain(text) {
        return text.clone();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    for c in value.to_string().chars() {
        match c {
            c if is_escaped(c) => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted
}

/// Whether a text needs no quotes anywhere, also within brackets.
fn is_plain(text: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphanumeric() || c == '/';
    let inner = |c: char| c.is_alphanumeric() || " _./+@()-<>=*$".contains(c);
    text.starts_with(begins)
        && text.chars().all(inner)
        && !text.ends_with(' ')
        && yaml::scalar(text, true) == Some(Value::String(text.to_owned()))
}

/// Characters that a reader may take for an end of a line or not see at all.
fn is_escaped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
