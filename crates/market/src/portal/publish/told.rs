//! What is said beside a control: by the rules, with the place in a text at which reading it ended, and by another person
//! who changed the same field.

use super::controls::Sheet;
use super::decode::CHOOSE;
use crate::text::Text;
use maud::{Markup, html};
use offer::finding::{Finding, Severity};
use offer::form::Field;
use offer::merge::Conflict;
use offer::route::Route;
use serde_json::Value;

impl Sheet<'_> {
    pub(super) fn is_bad(&self, pointer: &str) -> bool {
        self.about(pointer, true).any(|(_, finding)| finding.severity == Severity::Error)
    }

    fn about<'a>(&'a self, pointer: &'a str, inner: bool) -> impl Iterator<Item = &'a (String, Finding)> {
        self.findings.iter().filter(move |(at, _)| {
            at.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || (inner && rest.starts_with('/')))
        })
    }

    /// What the rules, and another person, say about a field; with `inner`, also about what is in it.
    pub(super) fn told(&self, pointer: &str, inner: bool) -> Markup {
        html! {
            div.findings id={ (pointer) "-findings" } {
                @for (at, finding) in self.about(pointer, inner) { (finding_item(self.text, finding)) (self.caret(at, finding)) }
            }
            (self.conflict(pointer, inner))
        }
    }

    /// What is said about an object itself, or about a field of it that the form does not show.
    pub(super) fn unclaimed(&self, pointer: &str, fields: &[Field]) -> Markup {
        let is_claimed = |at: &str| {
            fields.iter().any(|field| {
                let own = format!("{pointer}/{}", field.name);
                at.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        html! {
            div.findings id={ (pointer) "-findings" } {
                @for (at, finding) in self.about(pointer, true).filter(|(at, _)| !is_claimed(at)) {
                    (finding_item(self.text, finding)) (self.caret(at, finding))
                }
            }
            (self.conflict(pointer, false))
        }
    }

    /// The other person's value of a field, and the choice.
    fn conflict(&self, pointer: &str, inner: bool) -> Markup {
        let about = self.conflicts.iter().filter(|conflict| {
            let rest = conflict.pointer.strip_prefix(pointer);
            rest.is_some_and(|rest| rest.is_empty() || (inner && rest.starts_with('/')))
        });
        html! {
            @for Conflict { pointer, theirs, .. } in about {
                fieldset.conflict {
                    legend { (self.text.get("publish-conflict-field")) }
                    p.small { (self.text.get("publish-conflict-theirs")) }
                    pre tabindex="0" { @match theirs { Some(value) => (words(value)), None => (self.text.get("publish-conflict-removed")) } }
                    div.tick {
                        input type="radio" id={ (pointer) "=yours" } name={ (CHOOSE) (pointer) } value="yours" checked;
                        label for={ (pointer) "=yours" } { (self.text.get("publish-conflict-keep-yours")) }
                    }
                    div.tick {
                        input type="radio" id={ (pointer) "=theirs" } name={ (CHOOSE) (pointer) } value="theirs";
                        label for={ (pointer) "=theirs" } { (self.text.get("publish-conflict-take-theirs")) }
                    }
                }
            }
        }
    }

    /// The place in a route or JSON text at which reading it ended.
    fn caret(&self, pointer: &str, finding: &Finding) -> Markup {
        let Some(text) = self.values.pointer(pointer).and_then(Value::as_str) else { return html! {} };
        if finding.severity != Severity::Error {
            return html! {};
        }
        let is_route = pointer.contains("/routes/") && pointer.ends_with("/value");
        let (line, column) = match (is_route, Route::parse(text), serde_json::from_str::<Value>(text)) {
            (true, Err(error), _) => {
                let before: String = text.chars().take(error.column.saturating_sub(1)).collect();
                let start = before.rfind('\n').map_or(0, |newline| newline + 1);
                (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
            }
            (false, _, Err(error)) if pointer.contains("/twin/") || pointer.ends_with("/createOptions") => {
                (error.line(), error.column().max(1))
            }
            _ => return html! {},
        };
        let shown: String = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().replace('\t', " ");
        html! { pre.caret aria-hidden="true" { (shown) "\n" (" ".repeat(column.saturating_sub(1).min(1_000))) "^" } }
    }
}

/// One finding with its hint.
pub(super) fn finding_item(text: &Text, finding: &Finding) -> Markup {
    let (class, kind) = match finding.severity {
        Severity::Error => ("finding bad", "publish-error"),
        Severity::Warning => ("finding doubtful", "publish-warning"),
    };
    html! {
        p class=(class) { strong { (text.get(kind)) } " " (text.told(&finding.message)) ". " (text.told(&finding.hint)) "." }
    }
}

/// A value as a person reads it.
fn words(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join("\n"),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| format!("{name}: {}", words(value)))
            .collect::<Vec<_>>()
            .join(" · "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
