//! Two people edited the same: what only one of them changed is taken, and what both changed is shown to a person, field by
//! field.

use serde_json::{Map, Value};

/// A field that both changed, each in another way.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Where, as a JSON pointer below the values that were merged.
    pub pointer: String,
    /// What the second one wrote.
    pub yours: Option<Value>,
    /// What was stored meanwhile.
    pub theirs: Option<Value>,
}

/// What comes out of a merge: yours where both changed a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The values.
    pub value: Option<Value>,
    /// Fields that both changed.
    pub conflicts: Vec<Conflict>,
}

/// Merges two changes of `base`. Mappings are merged by field, lists of the same length by item; other lists are one value.
pub fn merge(base: Option<&Value>, yours: Option<&Value>, theirs: Option<&Value>) -> Merged {
    let mut conflicts = Vec::new();
    let value = merged(base, yours, theirs, "", &mut conflicts);
    Merged { value, conflicts }
}

fn merged(
    base: Option<&Value>,
    yours: Option<&Value>,
    theirs: Option<&Value>,
    pointer: &str,
    conflicts: &mut Vec<Conflict>,
) -> Option<Value> {
    if yours == theirs || theirs == base {
        return yours.cloned();
    }
    if yours == base {
        return theirs.cloned();
    }
    let empty = Value::Object(Map::new());
    match (base.unwrap_or(&empty), yours, theirs) {
        (Value::Object(base), Some(Value::Object(yours)), Some(Value::Object(theirs))) => {
            let mut result = Map::new();
            let new = theirs.keys().filter(|key| !yours.contains_key(*key));
            for key in yours.keys().chain(new) {
                let pointer = format!("{pointer}/{}", crate::reading::escape(key));
                if let Some(value) =
                    merged(base.get(key), yours.get(key), theirs.get(key), &pointer, conflicts)
                {
                    result.insert(key.clone(), value);
                }
            }
            Some(Value::Object(result))
        }
        (Value::Array(base), Some(Value::Array(yours)), Some(Value::Array(theirs)))
            if base.len() == yours.len()
                && base.len() == theirs.len()
                && base.iter().all(Value::is_object) =>
        {
            let items = (0..base.len()).map(|index| {
                let pointer = format!("{pointer}/{index}");
                let (base, yours, theirs) = (base.get(index), yours.get(index), theirs.get(index));
                merged(base, yours, theirs, &pointer, conflicts).unwrap_or(Value::Null)
            });
            Some(Value::Array(items.collect()))
        }
        _ => {
            conflicts.push(Conflict {
                pointer: pointer.to_owned(),
                yours: yours.cloned(),
                theirs: theirs.cloned(),
            });
            yours.cloned()
        }
    }
}
