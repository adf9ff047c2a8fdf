//! Texts of simple HTML: taken from their files, measured, cleaned; what is taken out is told.

use super::Check;
use crate::fields::TERMS_CHARS_MAX;
use crate::finding::Finding;
use crate::html;
use crate::reading::{DOCUMENT, spoken};
use serde_json::Value;

pub(super) fn check(check: &mut Check<'_>) {
    let limits = &check.policy.offer;
    let (plan_max, listing_max) = (limits.plan_description_chars, limits.listing_description_chars);
    for index in 0..check.length("/plans") {
        text(check, &format!("/plans/{index}"), "description", plan_max);
    }
    text(check, "/listing", "description", listing_max);
    text(check, "/listing/terms", "html", TERMS_CHARS_MAX);
}

/// Puts the cleaned text of `{parent}/{name}` into the document, wherever it was written.
fn text(check: &mut Check<'_>, parent: &str, name: &str, max: usize) {
    let pointer = format!("{parent}/{name}");
    let file_pointer = format!("{pointer}File");
    let (html, file) = match check.text(&pointer) {
        Some(html) => (html.to_owned(), DOCUMENT.to_owned()),
        None => {
            let Some(file) = check.text(&file_pointer).map(str::to_owned) else { return };
            check.positions.alias(pointer.clone(), &file_pointer);
            match from_file(check, &file_pointer, &file, max) {
                Some(html) => (html, file),
                None => return,
            }
        }
    };
    let cleaned = html::clean(&html);
    for removal in cleaned.removed {
        let message = format!("{} has {}, which is not allowed", spoken(&pointer), removal.what);
        let finding = if removal.harmful {
            Finding::error(
                "html-unsafe",
                &*pointer,
                message,
                "remove it: nothing in a text may run, load or mislead",
            )
        } else {
            let hint = "it is left out of the page; use simple elements such as p, ul, li, strong, a";
            Finding::warning("html-not-simple", &*pointer, message, hint)
        };
        check.error_in(&file, removal.line, finding);
    }
    if html::text(&cleaned.html).is_empty() {
        check.error("html-empty", &pointer, "has no text", "write what a customer wants to know");
        return;
    }
    if let Some(Value::Object(parent)) = check.value.pointer_mut(parent) {
        parent.insert(name.to_owned(), Value::String(cleaned.html));
    }
}

fn from_file(check: &mut Check<'_>, pointer: &str, file: &str, max: usize) -> Option<String> {
    let Some(bytes) = check.files.get(file) else {
        check.error(
            "file-missing",
            pointer,
            &format!("names the file {file}, which is not there"),
            "add the file, or correct its path",
        );
        return None;
    };
    let Ok(html) = std::str::from_utf8(bytes) else {
        let message = format!("names the file {file}, which is not UTF-8 text");
        check.error("file-encoding", pointer, &message, "save the file as UTF-8");
        return None;
    };
    let count = html.trim().chars().count();
    if count > max {
        let message =
            format!("names the file {file}, which has {count} characters, at most {max} are allowed");
        check.error("file-too-long", pointer, &message, format!("shorten it by {}", count - max));
        return None;
    }
    Some(html.trim_end().to_owned())
}
