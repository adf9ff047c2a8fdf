//! Editing an offer's document by its fields, as the form does: what was not touched stays, comments included; what a form
//! shows and sends back is what was there; and two people's changes are put together.

use crate::input::Input;
use offer::edit::{edit, values};
use offer::form::{Control, Field, put, shown, typed};
use offer::merge::merge;
use offer::policy::OfferLimits;
use offer::sections::Section;
use offer::template::{NewOffer, new_offer};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Most changes of one input: more of them are made by writing the whole document anew.
const CHANGES_MAX: usize = 8;
/// Nesting that every document may have; parts of a pointer that are looked at.
const DEPTH: usize = 20;
/// Most plans whose fields are gone through.
const PLANS_MAX: usize = 5;

/// The document that a new offer begins with: full of comments.
static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
    let document = new_offer(&NewOffer::default()).remove("offer.yaml").unwrap_or_default();
    String::from_utf8(document).expect("the template is text")
});

/// A document and changes of it, divided by zero bytes; an empty document stands for the template. Each change is a pointer, a
/// space, and the value as JSON or as text; without a value the field goes.
pub fn edits(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let mut pieces = input.pieces().map(|piece| String::from_utf8_lossy(piece).into_owned());
    let document = pieces.next().filter(|text| !text.trim().is_empty()).unwrap_or_else(|| TEMPLATE.clone());
    let Ok(old) = values(&document) else { return };
    let is_short =
        |text: &String| text.split(' ').next().is_some_and(|pointer| pointer.split('/').count() <= 2 * DEPTH);
    let changes: Vec<String> = pieces.filter(is_short).take(CHANGES_MAX).collect();
    match choice % 3 {
        0 => edited(&document, &old, &changes),
        1 => filled(&old),
        _ => merged(&old, &changes),
    }
}

fn change(target: &mut Value, change: &str) {
    let (pointer, text) = change.split_once(' ').unwrap_or((change, ""));
    let value = || serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    put(target, pointer, (!text.is_empty()).then(value));
}

/// The document with one change after the other.
fn edited(document: &str, old: &Value, changes: &[String]) {
    let (mut document, mut old) = (document.to_owned(), old.clone());
    let same = edit(&document, &old).expect("the document as it is can be written");
    assert_eq!(same, document.strip_prefix('\u{feff}').unwrap_or(&document), "nothing was changed");
    for pointer in changes {
        let mut new = old.clone();
        change(&mut new, pointer);
        let after = match edit(&document, &new) {
            Ok(after) => after,
            Err(finding) => {
                let is_long = document.len() + pointer.len() > 100_000;
                assert!(depth(&new) > DEPTH || is_long, "{pointer:?} cannot be made: {}", finding.message);
                return;
            }
        };
        assert_eq!(values(&after).ok().as_ref(), Some(&new), "{pointer:?} in {document:?} gave {after:?}");
        if document == *TEMPLATE && pointer.starts_with('/') && depth(&new) <= DEPTH {
            let key = pointer.split(['/', ' ']).nth(1).unwrap_or_default();
            let lines: BTreeSet<&str> = after.lines().map(str::trim).collect();
            for comment in comments_elsewhere(&document, key) {
                assert!(lines.contains(comment), "{comment:?} was lost by {pointer:?} in {after}");
            }
        }
        (document, old) = (after, new);
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The lines that are comments and stand neither below this field of the document nor right before it.
fn comments_elsewhere<'a>(document: &'a str, key: &str) -> Vec<&'a str> {
    let mut blocks: Vec<(&str, Vec<&str>)> = vec![("", Vec::new())];
    for line in document.lines() {
        match line.split_once(':').filter(|_| line.starts_with(|c: char| c.is_ascii_alphabetic())) {
            Some((name, _)) => blocks.push((name, Vec::new())),
            None if line.trim_start().starts_with('#') => {
                blocks.last_mut().expect("there is a first one").1.push(line.trim());
            }
            None => {}
        }
    }
    let own = blocks.iter().position(|(name, _)| *name == key);
    // A new field goes before another one, or behind all; its comment stays in either place.
    let is_near = |at: usize| own.is_some_and(|own| at == own || at + 1 == own);
    let far = blocks.into_iter().enumerate().filter(|(at, _)| !is_near(*at));
    far.flat_map(|(_, (_, comments))| comments).collect()
}

/// Every field of the form shows its value, and a browser sends back what it was shown.
fn filled(old: &Value) {
    let limits = OfferLimits::default();
    let plans = old.pointer("/plans").and_then(Value::as_array).map_or(0, Vec::len).min(PLANS_MAX);
    for section in Section::all(plans) {
        for (pointer, field) in section.fields(plans, &limits) {
            assert!(Section::of(&pointer).is_some(), "{pointer} has no section");
            given_back(&field, old.pointer(&pointer));
        }
    }
}

fn given_back(field: &Field, value: Option<&Value>) {
    let Some(value) = value else { return };
    let below = |fields: &[Field], value: &Value| {
        fields.iter().for_each(|field| given_back(field, value.get(field.name)))
    };
    match &field.control {
        Control::Group(fields) | Control::ChoiceOr { fields, .. } => below(fields, value),
        Control::Rows { fields, .. } => {
            for row in value.as_array().into_iter().flatten().take(PLANS_MAX) {
                below(fields, row);
            }
        }
        // These are chosen rather than typed.
        Control::Categories { .. } | Control::File | Control::Choice(_) | Control::Flag => {}
        control if value.is_null() => assert_eq!(shown(control, value), ""),
        control => {
            let text = shown(control, value);
            // Browsers change ends of lines, and take them out of a single line: what they cannot show as it is comes changed.
            let is_kept = match control {
                Control::Line { .. } => text.trim() == text && !text.contains(['\r', '\n']),
                _ => !text.contains('\r'),
            };
            if is_kept {
                let sent = text.replace('\n', "\r\n");
                assert_eq!(
                    typed(control, &sent, Some(value)).as_ref(),
                    Some(value),
                    "{}: {sent:?}",
                    field.name
                );
            }
        }
    }
}

/// Half of the changes are one person's, the others another's.
fn merged(base: &Value, changes: &[String]) {
    let (mut yours, mut theirs) = (base.clone(), base.clone());
    for (at, one) in changes.iter().enumerate() {
        change(if at % 2 == 0 { &mut yours } else { &mut theirs }, one);
    }
    let both = |base, yours, theirs| merge(Some(base), Some(yours), Some(theirs));
    for (what, found) in [
        (&yours, both(base, &yours, &yours)),
        (&yours, both(base, &yours, base)),
        (&theirs, both(base, base, &theirs)),
        (&yours, both(&yours, &yours, &yours)),
    ] {
        assert_eq!((found.value.as_ref(), found.conflicts.len()), (Some(what), 0));
    }
    let (here, there) = (both(base, &yours, &theirs), both(base, &theirs, &yours));
    let places = |found: &offer::merge::Merged| {
        found.conflicts.iter().map(|conflict| conflict.pointer.clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!(places(&here), places(&there), "both are asked about the same fields");
    if here.conflicts.is_empty() {
        assert_eq!(here.value, there.value, "who comes first does not matter");
    }
    for conflict in &here.conflicts {
        assert_ne!(conflict.yours, conflict.theirs, "{}", conflict.pointer);
    }
}
