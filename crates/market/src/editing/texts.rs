//! Texts and pictures that lie in files of their own: shown in the form in the place of the field that names them.

use crate::bundles::Files;
use serde_json::Value;
use std::collections::BTreeSet;

/// Objects that may name a file with a text, and the text's field.
fn places(values: &Value) -> Vec<(String, &'static str)> {
    let mut places: Vec<_> =
        (0..super::plans(values)).map(|plan| (format!("/plans/{plan}"), "description")).collect();
    places.push(("/listing".to_owned(), "description"));
    places.push(("/listing/terms".to_owned(), "html"));
    places
}

/// Puts each text into the place of its file's name, which stays.
pub(super) fn fill(values: &mut Value, files: &Files) {
    for (parent, name) in places(values) {
        let Some(object) = values.pointer_mut(&parent).and_then(Value::as_object_mut) else { continue };
        let file = object.get(&format!("{name}File")).and_then(Value::as_str);
        let text = file.and_then(|file| files.get(file)).and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let (Some(text), false) = (text, object.contains_key(name)) {
            object.insert(name.to_owned(), Value::from(text));
        }
    }
}

/// The reverse of [`fill`]: a text that changed goes into its file; where others name the same file, into the document.
pub(super) fn take_out(new: &mut Value, old: &Value, files: &mut Files) {
    let mut named: Vec<String> = Vec::new();
    collect(new, "", &mut |path| named.push(path.to_owned()));
    for (parent, name) in places(new) {
        let key = format!("{name}File");
        let before = old.pointer(&format!("{parent}/{name}")).cloned();
        let Some(object) = new.pointer_mut(&parent).and_then(Value::as_object_mut) else { continue };
        let Some(file) = object.get(&key).and_then(Value::as_str).map(str::to_owned) else { continue };
        let text = object.get(name).cloned();
        if text == before {
            // Also a document that has both by mistake stays as it is.
            if files.get(&file).map(Vec::as_slice) == text.as_ref().and_then(Value::as_str).map(str::as_bytes)
            {
                object.remove(name);
            }
            continue;
        }
        if named.iter().filter(|path| **path == file).count() > 1 {
            object.remove(&key);
            continue;
        }
        object.remove(name);
        match text.as_ref().and_then(Value::as_str) {
            Some(text) => drop(files.insert(file, text.as_bytes().to_vec())),
            // A text that was emptied is missing, as one that stands in the document would be.
            None => drop(object.remove(&key)),
        }
    }
}

/// The files that the values name.
pub(super) fn named(values: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    collect(values, "", &mut |path| {
        paths.insert(path.to_owned());
    });
    paths
}

fn collect(value: &Value, key: &str, take: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            for (name, value) in
                map.iter().filter(|(name, _)| !matches!(name.as_str(), "twin" | "createOptions"))
            {
                let is_logo = key == "logos";
                match value {
                    Value::String(path)
                        if is_logo
                            || matches!(name.as_str(), "file" | "thumbnail")
                            || name.ends_with("File") =>
                    {
                        take(path);
                    }
                    _ => collect(value, name, take),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, take)),
        _ => {}
    }
}

/// Where a picture goes: where the one that it replaces is, unless another field names that too; else a new path that says
/// what it is.
pub(super) fn path_for(pointer: &str, values: &Value, files: &Files) -> String {
    let mut named: Vec<String> = Vec::new();
    collect(values, "", &mut |path| named.push(path.to_owned()));
    let current = values.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let is_own = offer::pictures::is_path(current)
        && current.ends_with(".png")
        && named.iter().filter(|path| *path == current).count() == 1;
    if is_own {
        return current.to_owned();
    }
    let mut parts = pointer.split('/').skip(1);
    let stem = match (parts.next(), parts.next(), parts.next()) {
        (Some("listing"), Some("logos"), Some(size)) => format!("logos/{size}"),
        (Some("listing"), ..) => "videos/thumbnail".to_owned(),
        _ => "screenshots/screenshot".to_owned(),
    };
    let is_free = |path: &String| !files.contains_key(path) && !named.contains(path);
    let mut paths =
        std::iter::once(format!("{stem}.png")).chain((2..).map(|number| format!("{stem}-{number}.png")));
    paths.find(is_free).unwrap_or(stem)
}
