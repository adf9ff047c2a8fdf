//! Changes in a document that somebody wrote by hand: what is edited is replaced where it stands, a missing field goes to its
//! place in the order of the table of fields, and comments, order and spelling of everything else stay. Each single change
//! is read again and compared with what it was meant to give; one that cannot be made in place is made by writing the
//! collection around it anew, so that a wrong document never comes out.

mod change;
mod tree;
mod write;

use crate::finding::Finding;
use crate::reading::{DOCUMENT, DOCUMENT_BYTES_MAX};
use crate::yaml;
use serde_json::{Map, Value};
use write::Texts;

/// Most changes that are made one by one. A form's section has fewer; more of them are an import, of which nobody expects
/// that comments stay.
const CHANGES_MAX: usize = 200;

/// A part of a path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Key(String),
    Index(usize),
}

/// One difference between a document and what it is to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// The value that is there becomes another.
    Set(Vec<Part>, Value),
    /// The field or item (before which it goes) is new.
    Insert(Vec<Part>, Value),
    Remove(Vec<Part>),
}

/// The document as values, however wrong they are: what a form shows. `Err` when it is no YAML of the safe subset.
pub fn values(document: &str) -> Result<Value, Box<Finding>> {
    let document = document.strip_prefix('\u{feff}').unwrap_or(document);
    match yaml::parse(document) {
        Ok(tree) => Ok(lenient(&tree.root)),
        Err(fault) => {
            let mut finding = Finding::error(fault.rule, "", fault.message, fault.hint);
            finding.position = Some(crate::finding::Position {
                file: DOCUMENT.into(),
                line: fault.line,
                column: fault.column,
            });
            Err(Box::new(finding))
        }
    }
}

/// Numbers that JSON does not have are texts here; the rules tell what is wrong with them.
fn lenient(node: &yaml::Node) -> Value {
    match &node.data {
        yaml::Data::Scalar { text, plain } => {
            yaml::scalar(text, *plain).unwrap_or_else(|| Value::String(text.clone()))
        }
        yaml::Data::List(items) => items.iter().map(lenient).collect(),
        yaml::Data::Map(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.clone(), lenient(&entry.value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

/// The document with other values. `Err` when they cannot be written: nested too deeply, or too long.
pub fn edit(document: &str, new: &Value) -> Result<String, Box<Finding>> {
    let mut current = document.strip_prefix('\u{feff}').unwrap_or(document).to_owned();
    for _ in 0..CHANGES_MAX {
        let Ok(old) = values(&current) else { break };
        let Some(change) = difference(&old, new, &mut Vec::new()) else { return bounded(current) };
        let Some(next) = make(&current, &old, change) else { break };
        current = next;
    }
    let written = write::document(new);
    if values(&written).is_ok_and(|found| found == *new) {
        return bounded(written);
    }
    Err(Box::new(Finding::error(
        "document-unwritable",
        "",
        "the values cannot be written as a document: they are nested too deeply, or too many",
        "write less, or send the directory with the command line",
    )))
}

fn bounded(document: String) -> Result<String, Box<Finding>> {
    if document.len() <= DOCUMENT_BYTES_MAX {
        return Ok(document);
    }
    Err(Box::new(Finding::error(
        "document-size",
        "",
        format!("{DOCUMENT} would have {} bytes, at most {DOCUMENT_BYTES_MAX} are allowed", document.len()),
        "shorten the texts",
    )))
}

/// Makes a change in place, or around its place. `None` when nothing around it can be written either.
fn make(current: &str, old: &Value, change: Change) -> Option<String> {
    let mut change = change;
    let root = tree::read(current)?;
    loop {
        let expected = expected(old, &change);
        for texts in [Texts::Lines, Texts::Quoted] {
            let made = change::make(current, &root, &change, texts);
            if let Some(made) = made
                && values(&made).is_ok_and(|found| found == expected)
            {
                return Some(made);
            }
        }
        let (Change::Set(path, _) | Change::Insert(path, _) | Change::Remove(path)) = &change;
        let parent = path.split_last()?.1.to_vec();
        let value = at(&expected, &parent)?.clone();
        if parent.is_empty() {
            return None;
        }
        change = Change::Set(parent, value);
    }
}

/// The values after a change.
fn expected(old: &Value, change: &Change) -> Value {
    let mut new = old.clone();
    let (Change::Set(path, _) | Change::Insert(path, _) | Change::Remove(path)) = change;
    let Some((last, parent)) = path.split_last() else {
        return if let Change::Set(_, value) = change { value.clone() } else { new };
    };
    let mut target = Some(&mut new);
    for part in parent {
        target = target.and_then(|value| match part {
            Part::Key(key) => value.get_mut(key),
            Part::Index(index) => value.get_mut(index),
        });
    }
    match (target, last, change) {
        (Some(Value::Object(map)), Part::Key(key), Change::Set(_, value) | Change::Insert(_, value)) => {
            map.insert(key.clone(), value.clone());
        }
        (Some(Value::Object(map)), Part::Key(key), Change::Remove(_)) => drop(map.remove(key)),
        (Some(Value::Array(list)), Part::Index(index), Change::Set(_, value)) => {
            if let Some(item) = list.get_mut(*index) {
                *item = value.clone();
            }
        }
        (Some(Value::Array(list)), Part::Index(index), Change::Insert(_, value)) => {
            list.insert((*index).min(list.len()), value.clone());
        }
        (Some(Value::Array(list)), Part::Index(index), Change::Remove(_)) if *index < list.len() => {
            list.remove(*index);
        }
        _ => {}
    }
    new
}

fn at<'a>(value: &'a Value, path: &[Part]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, part| match part {
        Part::Key(key) => value.get(key),
        Part::Index(index) => value.get(index),
    })
}

/// The first difference, as small as it can be told.
fn difference(old: &Value, new: &Value, path: &mut Vec<Part>) -> Option<Change> {
    if old == new {
        return None;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if !new.is_empty() || path.is_empty() => {
            for (key, value) in new {
                path.push(Part::Key(key.clone()));
                match old.get(key) {
                    None => return Some(Change::Insert(path.clone(), value.clone())),
                    Some(before) => {
                        if let Some(change) = difference(before, value, path) {
                            return Some(change);
                        }
                    }
                }
                path.pop();
            }
            let gone = old.keys().find(|key| !new.contains_key(*key))?;
            path.push(Part::Key(gone.clone()));
            Some(Change::Remove(path.clone()))
        }
        (Value::Array(old), Value::Array(new)) if !old.is_empty() && !new.is_empty() => {
            Some(difference_of_lists(old, new, path))
        }
        _ => Some(Change::Set(path.clone(), new.clone())),
    }
}

/// What both lists begin and end with stays where it is.
fn difference_of_lists(old: &[Value], new: &[Value], path: &mut Vec<Part>) -> Change {
    /// Plain items of which more than this differ are written anew together.
    const ITEMS_MAX: usize = 8;
    let shorter = old.len().min(new.len());
    let same = |(a, b): &(&Value, &Value)| a == b;
    let first = old.iter().zip(new).take_while(same).count();
    let last = old.iter().rev().zip(new.iter().rev()).take(shorter - first).take_while(same).count();
    let changed = old.len().max(new.len()) - first - last;
    let plain = |value: &Value| !value.is_object() && !value.is_array();
    if changed > ITEMS_MAX && old.iter().chain(new).all(plain) {
        return Change::Set(path.clone(), Value::Array(new.to_vec()));
    }
    let (gone, come) = (old.len() - first - last, new.len() - first - last);
    path.push(Part::Index(first));
    match (gone, come) {
        (0, _) => Change::Insert(path.clone(), new[first].clone()),
        (_, 0) => Change::Remove(path.clone()),
        _ => difference(&old[first], &new[first], path)
            .unwrap_or_else(|| Change::Set(path.clone(), new[first].clone())),
    }
}
