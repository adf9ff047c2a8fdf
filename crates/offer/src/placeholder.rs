//! Placeholders `<UPPER_CASE>` in default settings (spec `offer.md`, *Placeholders*): where they stand, and putting the
//! customer's values in their place. Values are put into texts and JSON trees, never into serialised JSON, so no value
//! can break out of the string that it belongs to.

use crate::finding::Finding;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Longest name of a placeholder in characters; more is taken for ordinary text.
pub const NAME_CHARS_MAX: usize = 64;
/// The rule named by findings on values of placeholders.
pub const RULE: &str = "placeholder-values";
/// Least similarity (Jaro–Winkler, 0 to 1) at which another name is suggested.
const SIMILARITY_MIN: f64 = 0.75;

/// A placeholder in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// Its name, without the angle brackets.
    pub name: String,
    /// Column of `<` in characters, from 1.
    pub column: usize,
    /// Byte range in the text, with the angle brackets.
    pub range: std::ops::Range<usize>,
}

/// Every placeholder in `text`, from left to right.
pub fn find(text: &str) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let mut column = 1;
    let mut counted = 0;
    let mut from = 0;
    while let Some(offset) = text[from..].find('<') {
        let start = from + offset;
        match name_at(&text[start..]) {
            Some(name) => {
                column += text[counted..start].chars().count();
                counted = start;
                let end = start + name.len() + 2;
                found.push(Placeholder { name: name.to_owned(), column, range: start..end });
                from = end;
            }
            None => from = start + 1,
        }
    }
    found
}

/// The name of the placeholder that `text` begins with, if it begins with one: a capital letter, then capital letters,
/// digits and underscores, in angle brackets.
pub fn name_at(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    let length =
        inner.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_').count();
    let well_formed = length <= NAME_CHARS_MAX
        && inner.as_bytes().get(length) == Some(&b'>')
        && inner.as_bytes()[0].is_ascii_uppercase();
    (well_formed).then(|| &inner[..length])
}

/// `text` with every placeholder that `values` has replaced, in one pass: a value is not searched for placeholders.
/// A placeholder without a value stays; [`check_values`] reports it.
pub fn substitute(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for placeholder in find(text) {
        if let Some(value) = values.get(&placeholder.name) {
            result.push_str(&text[copied..placeholder.range.start]);
            result.push_str(value);
            copied = placeholder.range.end;
        }
    }
    result.push_str(&text[copied..]);
    result
}

/// `json` with the placeholders of every string, and of every object's keys, replaced. When two keys of an object
/// become equal, the later one in the order of the original keys wins.
pub fn substitute_json(json: &Value, values: &BTreeMap<String, String>) -> Value {
    match json {
        Value::String(text) => Value::String(substitute(text, values)),
        Value::Array(items) => items.iter().map(|item| substitute_json(item, values)).collect(),
        Value::Object(object) => Value::Object(substitute_object(object, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) => json.clone(),
    }
}

/// [`substitute_json`] for an object.
pub fn substitute_object(
    object: &Map<String, Value>,
    values: &BTreeMap<String, String>,
) -> Map<String, Value> {
    object.iter().map(|(key, value)| (substitute(key, values), substitute_json(value, values))).collect()
}

/// The names of all placeholders in `text`.
pub fn names(text: &str) -> BTreeSet<String> {
    find(text).into_iter().map(|placeholder| placeholder.name).collect()
}

/// The names of all placeholders in strings and keys of `json`.
pub fn names_in_json(json: &Value) -> BTreeSet<String> {
    match json {
        Value::String(text) => names(text),
        Value::Array(items) => items.iter().flat_map(names_in_json).collect(),
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| names(key).into_iter().chain(names_in_json(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => BTreeSet::new(),
    }
}

/// Whether `values` has a value for each of the `needed` placeholders, and nothing else. All findings at once, at
/// `pointer` and the name.
pub fn check_values(
    needed: &BTreeSet<String>,
    values: &BTreeMap<String, String>,
    pointer: &str,
) -> Vec<Finding> {
    let missing = needed.iter().filter(|name| !values.contains_key(*name)).map(|name| {
        Finding::error(
            RULE,
            format!("{pointer}/{name}"),
            format!("the placeholder <{name}> has no value"),
            format!("give it with --set {name}=VALUE"),
        )
    });
    let unknown = values.keys().filter(|name| !needed.contains(*name)).map(|name| {
        Finding::error(
            RULE,
            format!("{pointer}/{name}"),
            format!("a value is given for {name:?}, but no default setting has the placeholder <{name}>"),
            match crate::nearest::nearest(name, needed.iter().map(String::as_str), SIMILARITY_MIN) {
                Some(near) => format!("did you mean {near}?"),
                None if needed.is_empty() => "the plan has no placeholders; leave the value out".to_owned(),
                None => {
                    let names: Vec<&str> = needed.iter().map(String::as_str).collect();
                    format!("the placeholders are {}", names.join(", "))
                }
            },
        )
    });
    missing.chain(unknown).collect()
}
