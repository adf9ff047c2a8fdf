//! Rules over the listing: kinds of links, hardware requirements, subscriptions and categories that stand there twice.

use super::Check;
use crate::html;
use serde_json::Value;

/// With what the last paragraph of the listing's description begins (spec `offer.md`).
pub(crate) const HARDWARE: &str = "Minimum hardware requirements:";

pub(super) fn check(check: &mut Check<'_>) {
    links(check);
    hardware(check);
    check.unique("/listing/previewSubscriptions", "/id", str::to_lowercase, |check, pointer, first, _| {
        let message = format!("is the same subscription as {}", super::spoken(first));
        check.error("preview-subscription-duplicate", pointer, &message, "remove it");
    });
    check.unique("/listing/categories", "", str::to_owned, |check, pointer, first, _| {
        let message = format!("is the same category as {}", super::spoken(first));
        check.error("listing-categories-duplicate", pointer, &message, "remove it");
    });
}

fn links(check: &mut Check<'_>) {
    let Some(links) = check.value.pointer("/listing/links").and_then(Value::as_array) else { return };
    let kinds: Vec<Option<&str>> =
        links.iter().map(|link| link.get("kind").and_then(Value::as_str)).collect();
    // A link whose kind is not readable may be the one that is needed.
    if kinds.is_empty() || kinds.contains(&None) {
        return;
    }
    let missing = |kind| !kinds.contains(&Some(kind));
    let (documentation, device) = (missing("documentation"), missing("device"));
    if documentation {
        check.error(
            "listing-links-documentation",
            "/listing/links",
            "lead to no documentation",
            "add a link with `kind: documentation`",
        );
    }
    if device {
        check.error(
            "listing-links-device",
            "/listing/links",
            "lead to no compatible device",
            "add a link with `kind: device`",
        );
    }
}

fn hardware(check: &mut Check<'_>) {
    const POINTER: &str = "/listing/description";
    let Some(description) = check.text(POINTER) else { return };
    let last = html::last_paragraph(description);
    if last.as_deref().is_some_and(|last| last.starts_with(HARDWARE)) {
        return;
    }
    let shown: String = last.unwrap_or_default().chars().take(40).collect();
    let message = format!("has the last paragraph {shown:?}, which does not begin with {HARDWARE:?}");
    let hint = format!("end it with a paragraph such as <p>{HARDWARE} 1 CPU core, 256 MB of memory.</p>");
    check.error("listing-hardware-requirements", POINTER, &message, hint);
}
