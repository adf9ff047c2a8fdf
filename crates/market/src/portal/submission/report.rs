//! The failure report: every rule and criterion that hinders, each with why it matters, what was found, where, and how to
//! mend it; a place in the offer leads to its field.

use super::super::publish::field_of;
use crate::submissions::{Failure, Message, Submission};
use crate::text::Text;
use certify::report::Where;
use maud::{Markup, html};

/// Most findings of one rule on the page; the report as a document has all.
const SHOWN_MAX: usize = 50;

pub(super) fn failures(text: &Text, submission: &Submission) -> Markup {
    let found = submission.failures();
    let blocking = found.iter().filter(|failure| failure.blocks).count();
    let advice = found.len() - blocking;
    html! {
        @if !found.is_empty() {
            section.failures aria-labelledby="report-title" {
                h2 #report-title { (text.get("failure-report")) }
                p {
                    (text.with("failures-count", &[("count", &blocking.to_string())]))
                    @if advice > 0 { " " (text.with("advice-count", &[("count", &advice.to_string())])) }
                }
                @let reports: Vec<_> = submission.documents.iter().filter(|document| document.kind == "report").collect();
                @if !reports.is_empty() { p.actions { @for document in reports {
                    a href={ "/api/v1/submissions/" (submission.summary.id) "/documents/" (document.digest)
                        "?format=html&lang=" (text.language()) } {
                        (text.with("whole-report", &[("plan", &document.plan)]))
                    }
                } } }
                @for failure in found.iter().filter(|failure| failure.blocks) { (group(text, submission, failure)) }
                @if advice > 0 {
                    details {
                        summary { (text.get("advice-title")) }
                        @for failure in found.iter().filter(|failure| !failure.blocks) { (group(text, submission, failure)) }
                    }
                }
            }
        }
    }
}

fn group(text: &Text, submission: &Submission, failure: &Failure<'_>) -> Markup {
    let sentence = |end: &str| failure.rule.and_then(|rule| text.find(&format!("criterion-{rule}{end}")));
    let class = if failure.blocks { "failure" } else { "failure advice" };
    let more = failure.messages.len().saturating_sub(SHOWN_MAX);
    html! {
        article class=(class) {
            h3 {
                @match (sentence(""), failure.rule) {
                    (Some(title), _) => (title),
                    (None, Some(rule)) => (text.with("rule-broken", &[("rule", rule)])),
                    (None, None) => (text.get("rule-none")),
                }
            }
            @if let Some(why) = sentence("-why") { p.small { (why) } }
            @if let (Some(_), Some(rule)) = (sentence(""), failure.rule) { p.small { code { (rule) } } }
            ul { @for message in failure.messages.iter().take(SHOWN_MAX) { (finding(text, submission, message)) } }
            @if more > 0 { p.small { (text.with("findings-more", &[("count", &more.to_string())])) } }
        }
    }
}

fn finding(text: &Text, submission: &Submission, message: &Message) -> Markup {
    let summary = &submission.summary;
    let place: Option<Where> = message.place.clone().and_then(|place| serde_json::from_value(place).ok());
    let words = place.as_ref().map(Where::in_words).unwrap_or_default();
    let pointer = place.and_then(|place| place.pointer);
    html! {
        li {
            p dir="auto" { (text.told(message.fact())) }
            @if !words.is_empty() { p.small.place { (text.get("place-label")) " " bdi { (words) } } }
            @if let Some(hint) = &message.hint { p.fix { (text.get("fix-label")) " " (text.told(hint)) } }
            @if let Some(pointer) = pointer
                && let Some((_, address)) = field_of((&summary.publisher, &summary.offer), &pointer) {
                p { a href=(address) {
                    (text.get("edit-field"))
                    span.unseen { ": " (pointer) }
                } }
            }
        }
    }
}
