//! From what was typed to values of the document: each control by its pointer. A field that was not sent keeps its value, so
//! that a form of another version, or a broken one, removes nothing.

use super::posted::Sent;
use offer::form::{self, Control, Field};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Name of the button that removes a row or picture; its value is the pointer.
pub(super) const REMOVE: &str = "_remove";
/// Before the pointer in the name of the choice between two people's values.
pub(super) const CHOOSE: &str = "_choose:";

/// The section's values as they were sent; `base` is what the form showed.
pub(super) fn values(fields: &[(String, Field)], posted: &Sent, base: &Value) -> Value {
    let mut values = Value::Object(Map::new());
    for (pointer, field) in fields {
        form::put(&mut values, pointer, value(pointer, &field.control, posted, base.pointer(pointer)));
    }
    let chosen: Vec<String> = posted
        .below(CHOOSE)
        .filter(|at| posted.fields.first(&format!("{CHOOSE}{at}")) == Some("theirs"))
        .map(str::to_owned)
        .collect();
    for pointer in chosen.iter().filter(|at| fields.iter().any(|(own, _)| at.starts_with(own.as_str()))) {
        form::put(&mut values, pointer, base.pointer(pointer).cloned());
    }
    values
}

fn value(pointer: &str, control: &Control, posted: &Sent, before: Option<&Value>) -> Option<Value> {
    let is_removed = posted.fields.first(REMOVE) == Some(pointer);
    match control {
        Control::Group(fields) => group(pointer, fields, posted, before),
        Control::Rows { fields, .. } => rows(pointer, fields, posted, before),
        Control::ChoiceOr { value, fields } => either(pointer, value, fields, posted, before),
        Control::Categories { .. } => {
            if posted.fields.first(pointer).is_none() {
                return before.cloned();
            }
            let mut seen = BTreeSet::new();
            let chosen = posted.fields.all(pointer).filter(|text| !text.is_empty() && seen.insert(*text));
            // What was there keeps its order: nobody's document is turned around.
            let mut chosen: Vec<&str> = chosen.collect();
            let old: Vec<&str> =
                before.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            chosen.sort_by_key(|text| old.iter().position(|old| old == text).unwrap_or(usize::MAX));
            (!chosen.is_empty()).then(|| chosen.into_iter().map(Value::from).collect())
        }
        Control::File => before.filter(|_| !is_removed).cloned(),
        Control::Flag => match posted.fields.last(pointer) {
            None => before.cloned(),
            Some(text) => form::typed(control, text, before),
        },
        _ => match posted.fields.first(pointer) {
            None => before.cloned(),
            Some(text) => form::typed(control, text, before),
        },
    }
}

fn group(pointer: &str, fields: &[Field], posted: &Sent, before: Option<&Value>) -> Option<Value> {
    // What the form does not show stays.
    let mut map = before.and_then(Value::as_object).cloned().unwrap_or_default();
    if posted.below(&format!("{pointer}/")).next().is_none() && posted.fields.first(REMOVE).is_none() {
        return before.cloned();
    }
    for field in fields {
        let inner = format!("{pointer}/{}", field.name);
        match value(&inner, &field.control, posted, map.get(field.name)) {
            Some(value) => drop(map.insert(field.name.to_owned(), value)),
            None => drop(map.remove(field.name)),
        }
    }
    (!map.is_empty()).then_some(Value::Object(map))
}

fn rows(pointer: &str, fields: &[Field], posted: &Sent, before: Option<&Value>) -> Option<Value> {
    let Some(rows) = kept_rows(pointer, fields, posted, before) else { return before.cloned() };
    (!rows.is_empty()).then(|| rows.into_iter().map(|(_, row)| row).collect())
}

/// The pictures by the places that their rows get: where empty rows are left out, those behind them move up.
pub(super) fn pictures(fields: &[(String, Field)], posted: &Sent, base: &Value) -> BTreeMap<String, Vec<u8>> {
    let mut pictures = posted.files.clone();
    for (pointer, field) in fields {
        let Control::Rows { fields, .. } = &field.control else { continue };
        let Some(rows) = kept_rows(pointer, fields, posted, base.pointer(pointer)) else { continue };
        let below = format!("{pointer}/");
        pictures.retain(|name, _| !name.starts_with(&below));
        for (new, (old, _)) in rows.iter().enumerate() {
            for (name, bytes) in posted.files_below(&format!("{below}{old}/")) {
                pictures.insert(format!("{below}{new}/{name}"), bytes.clone());
            }
        }
    }
    pictures
}

/// The rows that are left, with the places that they had in the form; `None` when the form had none of the list.
fn kept_rows(
    pointer: &str,
    fields: &[Field],
    posted: &Sent,
    before: Option<&Value>,
) -> Option<Vec<(usize, Value)>> {
    let below = format!("{pointer}/");
    let mut indices: BTreeSet<usize> =
        posted.below(&below).filter_map(|rest| rest.split('/').next()?.parse().ok()).collect();
    let removed = posted.fields.first(REMOVE).and_then(|at| at.strip_prefix(below.as_str())?.parse().ok());
    if indices.is_empty() && removed.is_none() {
        return None;
    }
    if indices.is_empty() {
        indices = (0..before.and_then(Value::as_array).map_or(0, Vec::len)).collect();
    }
    let mut rows = Vec::new();
    for index in indices.into_iter().filter(|index| Some(*index) != removed) {
        let old = before.and_then(|before| before.get(index));
        let place = format!("{pointer}/{index}");
        let has_file = posted.files_below(&format!("{place}/")).next().is_some();
        // A choice always has a value; a row of which nothing else is there is an empty one.
        let row = group(&place, fields, posted, old).filter(|row| {
            let written = |field: &Field| {
                !matches!(field.control, Control::Choice(_) | Control::Flag) && row.get(field.name).is_some()
            };
            has_file || fields.iter().any(written)
        });
        match row {
            Some(row) => rows.push((index, row)),
            None if has_file => rows.push((index, Value::Object(Map::new()))),
            None => {}
        }
    }
    Some(rows)
}

fn either(
    pointer: &str,
    word: &str,
    fields: &[Field],
    posted: &Sent,
    before: Option<&Value>,
) -> Option<Value> {
    let Some(kind) = posted.fields.first(pointer) else { return before.cloned() };
    if kind == word {
        return Some(Value::from(word));
    }
    let Some(field) = fields.iter().find(|field| field.name == kind) else { return before.cloned() };
    let mut map = before.and_then(Value::as_object).cloned().unwrap_or_default();
    for other in fields.iter().filter(|other| other.name != field.name) {
        map.remove(other.name);
        map.remove(&format!("{}File", other.name));
    }
    let inner = format!("{pointer}/{}", field.name);
    match value(&inner, &field.control, posted, map.get(field.name)) {
        Some(value) => drop(map.insert(field.name.to_owned(), value)),
        // The choice is kept also before anything is written.
        None => drop(map.insert(field.name.to_owned(), Value::from(""))),
    }
    Some(Value::Object(map))
}
