//! What differs between two versions of an offer, field by field and tag by tag. A document is taken apart into its
//! fields first, each under a pointer that names plans, routes and the like by their own names rather than by their place,
//! so that a plan that moved is no new plan. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What names an item of a list, in the order of preference.
const NAMES: [&str; 3] = ["id", "name", "url"];

/// Fields of a document by pointer (RFC 6901, with names in the place of indices).
pub type Fields = BTreeMap<String, Value>;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which one, for example `/plans/standard/title`.
    pub pointer: String,
    /// Its value before; absent for a field that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after; absent for a field that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// How a tag differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    /// Plan.
    pub plan: String,
    /// Tag.
    pub tag: String,
    /// What it pointed at before; absent for a tag that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it points at after; absent for a tag that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Takes a document apart. A list whose items all have a name of their own is a field with these names in order, and each
/// item's fields stand below its name; any other list is one field.
pub fn fields(document: &Value) -> Fields {
    let mut found = Fields::new();
    collect(document, String::new(), &mut found);
    found
}

/// The fields that differ, by pointer.
pub fn changes(before: &Fields, after: &Fields) -> Vec<Change> {
    let pointers: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |pointer: &String| {
        let (old, new) = (before.get(pointer), after.get(pointer));
        (old != new).then(|| Change { pointer: pointer.clone(), before: old.cloned(), after: new.cloned() })
    };
    pointers.into_iter().filter_map(change).collect()
}

/// The fields after these changes.
pub fn apply(before: &Fields, changes: &[Change]) -> Fields {
    let mut fields = before.clone();
    for change in changes {
        match &change.after {
            Some(value) => fields.insert(change.pointer.clone(), value.clone()),
            None => fields.remove(&change.pointer),
        };
    }
    fields
}

/// The tags that are new, gone, or point elsewhere, by plan and tag. Tags by plan and name, with their digests.
pub fn tag_changes(
    before: &BTreeMap<(String, String), String>,
    after: &BTreeMap<(String, String), String>,
) -> Vec<TagChange> {
    let keys: BTreeSet<&(String, String)> = before.keys().chain(after.keys()).collect();
    let change = |key: &(String, String)| {
        let (old, new) = (before.get(key), after.get(key));
        (old != new).then(|| TagChange {
            plan: key.0.clone(),
            tag: key.1.clone(),
            before: old.cloned(),
            after: new.cloned(),
        })
    };
    keys.into_iter().filter_map(change).collect()
}

fn collect(value: &Value, pointer: String, found: &mut Fields) {
    match value {
        Value::Object(members) if !members.is_empty() || pointer.is_empty() => {
            for (name, member) in members {
                collect(member, format!("{pointer}/{}", escaped(name)), found);
            }
        }
        Value::Array(items) => match names_of(items) {
            Some(names) => {
                for (item, name) in items.iter().zip(&names) {
                    collect(item, format!("{pointer}/{}", escaped(name)), found);
                }
                found.insert(pointer, names.into());
            }
            None => {
                found.insert(pointer, value.clone());
            }
        },
        other => {
            found.insert(pointer, other.clone());
        }
    }
}

/// The name of each item; `None` unless each has one and no two the same.
fn names_of(items: &[Value]) -> Option<Vec<String>> {
    if items.is_empty() {
        return None;
    }
    let name = |item: &Value| NAMES.iter().find_map(|name| item.get(name)?.as_str().map(str::to_owned));
    let names: Vec<String> = items.iter().map(name).collect::<Option<_>>()?;
    let distinct: BTreeSet<&String> = names.iter().collect();
    (distinct.len() == names.len()).then_some(names)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
