//! Two versions of an offer beside each other: a form to choose them, then what differs, and by name what does not.

use super::manage::page;
use super::posted::refused;
use super::publish::field_of;
use super::submission::state;
use super::{Language, format};
use crate::comparison::{Comparison, FindingsOf, PackagesOf, Side, Version};
use crate::error::{Error, Kind, Result};
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::submissions::SubmissionSummary;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use certify::report::FindingOf;
use maud::{Markup, html};
use offer::diff::Change;
use offer::submission::SubmissionState;
use serde_json::Value;
use std::collections::BTreeMap;

/// Rows of one list on the page; the API has all.
const ROWS_MAX: usize = 500;
/// Longest value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 2_000;

type Names = Path<(String, String)>;

/// What can be chosen, and what was.
struct Choice {
    submissions: Vec<SubmissionSummary>,
    from: String,
    to: String,
}

/// Parameters: `from` and `to`, each `live`, `draft` or the id of a submission.
pub(super) async fn compare(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&names)?;
        let offer = (&publisher, &offer);
        market.draft_etag(&actor, offer).await?;
        let submissions = market.submissions(&actor, offer).await?;
        let choice = choose(submissions, &parameters);
        let pair = (&Version::of(&choice.from), &Version::of(&choice.to));
        let compared: Result<Comparison> = match choice.from.is_empty() {
            true => Err(Error::conflict(text.get("compare-nothing"), text.get("compare-nothing-hint"))),
            false => market.compare(&actor, offer, pair).await,
        };
        match compared {
            // What can be chosen is shown all the same.
            Err(error) if error.kind == Kind::Conflict => Ok((choice, Err(error))),
            other => Ok((choice, Ok(other?))),
        }
    };
    match found.await {
        Ok((choice, compared)) => {
            let content = html! {
                (form(&text, &names, &choice))
                @match &compared {
                    Ok(comparison) => (differences(&text, &names, comparison)),
                    Err(error) => (hindrance(&text, &names, error)),
                }
            };
            page(&text, (&names.0, &names.1), "compare", &content)
        }
        Err(error) => refused(text, error),
    }
}

/// What is asked for; else the draft against what is live, or a submission against what was live before it.
fn choose(submissions: Vec<SubmissionSummary>, parameters: &BTreeMap<String, String>) -> Choice {
    let given = |name| parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let to = given("to").unwrap_or("draft").to_owned();
    let number = submissions.iter().find(|one| one.id == to).map_or(i64::MAX, |one| one.number);
    let earlier = || {
        let before = submissions.iter().filter(|one| one.number < number);
        let live = before.clone().find(|one| one.state == SubmissionState::Succeeded);
        live.or_else(|| before.clone().next()).map(|one| one.id.clone())
    };
    let from = given("from").map(str::to_owned).or_else(earlier).unwrap_or_default();
    Choice { submissions, from, to }
}

/// A picture of a version, for the page.
pub(super) async fn picture(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, offer, version, file)): Path<(String, String, String, String)>,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&(publisher, offer))?;
        market.version_picture(&actor, (&publisher, &offer), &Version::of(&version), &file).await
    };
    match found.await {
        Ok(bytes) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
        Err(error) => refused(text, error),
    }
}

fn form(text: &Text, names: &(String, String), choice: &Choice) -> Markup {
    let options = |chosen: &str| {
        html! {
            option value="draft" selected[chosen == "draft"] { (text.get("draft")) }
            option value="live" selected[chosen == "live"] { (text.get("compare-live")) }
            @for one in &choice.submissions {
                option value=(one.id) selected[chosen == one.id] {
                    (text.get("submission")) " " (one.number) " · " (state(text, one.state))
                }
            }
        }
    };
    html! {
        form.versions action={ "/publish/" (names.0) "/" (names.1) "/compare" } {
            div { label for="from" { (text.get("compare-from")) } select #from name="from" { (options(&choice.from)) } }
            div { label for="to" { (text.get("compare-to")) } select #to name="to" { (options(&choice.to)) } }
            button.primary { (text.get("compare")) }
        }
    }
}

fn hindrance(text: &Text, names: &(String, String), error: &Error) -> Markup {
    html! {
        div.empty {
            p { (text.told(&error.message)) }
            p.hint { (text.told(&error.hint)) }
            @if !error.findings.is_empty() {
                ul { @for finding in error.findings.iter().take(ROWS_MAX) {
                    li { @match field_of((&names.0, &names.1), &finding.pointer) {
                        Some((_, address)) => a href=(address) { (text.told(&finding.message)) },
                        None => (text.told(&finding.message)),
                    } }
                } }
            }
        }
    }
}

fn differences(text: &Text, names: &(String, String), found: &Comparison) -> Markup {
    let same = found.fields.is_empty()
        && found.pictures.is_empty()
        && found.tags.is_empty()
        && found.sizes.is_empty()
        && found.packages.is_empty()
        && found.findings.iter().all(|of| of.changes.new.is_empty() && of.changes.fixed.is_empty());
    html! {
        p.versus { (side(text, &found.before)) " → " (side(text, &found.after)) }
        @if same { p.empty { (text.get("compare-same")) } }
        @if !found.fields.is_empty() { (fields(text, &found.fields)) }
        @if !found.unchanged.is_empty() {
            p.small { (text.get("compare-unchanged")) " " (found.unchanged.join(", ")) "." }
        }
        @if !found.pictures.is_empty() { (pictures(text, names, found)) }
        @if !found.tags.is_empty() { (tags(text, found)) }
        @if !found.sizes.is_empty() { (sizes(text, found)) }
        @for of in &found.packages { (packages(text, of)) }
        @for of in &found.findings { (findings(text, of)) }
    }
}

fn side(text: &Text, side: &Side) -> Markup {
    html! {
        @match side.number {
            Some(number) => a href={ "/submissions/" (side.version) } { (text.get("submission")) " " (number) },
            None => (text.get("draft")),
        }
        span.small { " (" @if let Some(found) = side.state { (state(text, found)) ", " } (format::instant(text, side.at)) ")" }
    }
}

/// A table in a box that can be moved with the keyboard, under its heading.
fn table(text: &Text, id: &str, heading: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        section {
            h2 id=(id) { (heading) }
            div.scroll tabindex="0" role="region" aria-labelledby=(id) { table.diff {
                thead { tr { @for column in columns { th scope="col" { (text.get(column)) } } } }
                tbody { (rows) }
            } }
        }
    }
}

fn fields(text: &Text, fields: &[Change]) -> Markup {
    let rows = html! { @for change in fields.iter().take(ROWS_MAX) { tr {
        th scope="row" { code { (change.pointer) } }
        td.was dir="auto" { (value(text, change.before.as_ref())) }
        td.is dir="auto" { (value(text, change.after.as_ref())) }
    } } };
    table(
        text,
        "fields",
        &text.get("compare-fields"),
        &["compare-field", "compare-before", "compare-after"],
        &rows,
    )
}

fn value(text: &Text, value: Option<&Value>) -> Markup {
    let words = match value {
        None => return html! { span.quiet { (text.get("compare-absent")) } },
        Some(Value::String(words)) => words.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    };
    let cut = words.chars().count() > VALUE_CHARS_MAX;
    let shown: String = words.chars().take(VALUE_CHARS_MAX).collect();
    html! { (shown) @if cut { "…" } }
}

fn pictures(text: &Text, names: &(String, String), found: &Comparison) -> Markup {
    let image = |side: &Side, file: &str| {
        let address = format!("/publish/{}/{}/versions/{}/{file}", names.0, names.1, side.version);
        html! { img src=(address) alt=(file) loading="lazy"; }
    };
    let rows = html! { @for change in found.pictures.iter().take(ROWS_MAX) { tr {
        th scope="row" { (change.file) }
        td { @if change.before { (image(&found.before, &change.file)) } @else { span.quiet { (text.get("compare-absent")) } } }
        td { @if change.after { (image(&found.after, &change.file)) } @else { span.quiet { (text.get("compare-absent")) } } }
    } } };
    table(
        text,
        "pictures",
        &text.get("compare-pictures"),
        &["compare-file", "compare-before", "compare-after"],
        &rows,
    )
}

fn tags(text: &Text, found: &Comparison) -> Markup {
    let digest = |digest: &Option<String>| {
        html! {
            @match digest.as_deref() {
                None => span.quiet { (text.get("compare-absent")) },
                Some("") => (text.get("compare-listed")),
                Some(digest) => code.digest { (digest) },
            }
        }
    };
    let how = |before: bool, after: bool| match (before, after) {
        (false, _) => text.get("compare-added"),
        (true, false) => text.get("compare-removed"),
        (true, true) => text.get("compare-moved"),
    };
    let rows = html! { @for change in found.tags.iter().take(ROWS_MAX) { tr {
        th scope="row" { (change.plan) ":" (change.tag) }
        td { (how(change.before.is_some(), change.after.is_some())) }
        td { (digest(&change.before)) }
        td { (digest(&change.after)) }
    } } };
    let columns = ["tag", "compare-change", "compare-before", "compare-after"];
    table(text, "tags", &text.get("compare-tags"), &columns, &rows)
}

fn sizes(text: &Text, found: &Comparison) -> Markup {
    let size =
        |size: Option<u64>| size.map_or_else(|| text.get("compare-absent"), |size| format::bytes(text, size));
    let rows = html! { @for change in &found.sizes { tr {
        th scope="row" { (change.plan) " · " (change.platform) }
        td { (size(change.before)) }
        td { (size(change.after)) }
        td { @if let (Some(before), Some(after)) = (change.before, change.after) { (difference(text, before, after)) } }
    } } };
    let columns = ["plan", "compare-before", "compare-after", "compare-change"];
    table(text, "sizes", &text.get("compare-sizes"), &columns, &rows)
}

/// `+1.2 MB`, `−300 kB`.
fn difference(text: &Text, before: u64, after: u64) -> String {
    let sign = if after >= before { "+" } else { "−" };
    format!("{sign}{}", format::bytes(text, after.abs_diff(before)))
}

fn packages(text: &Text, of: &PackagesOf) -> Markup {
    let how = |before: &[String], after: &[String]| match (before.is_empty(), after.is_empty()) {
        (true, _) => text.get("compare-added"),
        (false, true) => text.get("compare-removed"),
        (false, false) => text.get("compare-changed"),
    };
    let rows = html! { @for change in of.changes.iter().take(ROWS_MAX) { tr {
        th scope="row" { (change.name) } td { (change.kind) }
        td { (how(&change.before, &change.after)) }
        td { (change.before.join(", ")) } td { (change.after.join(", ")) }
    } } };
    let id = format!("packages-{}-{}", of.plan, of.platform.replace('/', "-"));
    let heading = text.with("compare-packages", &[("plan", &of.plan), ("platform", &of.platform)]);
    let columns = ["package", "ecosystem", "compare-change", "compare-before", "compare-after"];
    let more = of.changes.len().saturating_sub(ROWS_MAX);
    html! {
        (table(text, &id, &heading, &columns, &rows))
        @if more > 0 { p.small { (text.with("findings-more", &[("count", &more.to_string())])) } }
    }
}

fn findings(text: &Text, of: &FindingsOf) -> Markup {
    let (new, fixed) = (of.changes.new.len(), of.changes.fixed.len());
    let list = |findings: &[FindingOf]| {
        html! { ul.plain { @for one in findings.iter().take(ROWS_MAX) { li {
            span class={ "chip severity-" (format!("{:?}", one.finding.severity).to_lowercase()) } { (one.criterion) }
            " " bdi { (text.told(&one.finding.message)) }
            @let words = one.finding.place.in_words();
            @if !words.is_empty() { p.small.place { bdi { (words) } } }
        } } } }
    };
    html! {
        @if new + fixed > 0 {
            section {
                h2 { (text.with("compare-findings", &[("plan", &of.plan)])) }
                p { (text.with("compare-findings-count", &[
                    ("new", &new.to_string()), ("fixed", &fixed.to_string()), ("kept", &of.changes.kept.to_string()),
                ])) }
                @if new > 0 { h3.bad { (text.get("compare-new")) } (list(&of.changes.new)) }
                @if fixed > 0 { h3.good { (text.get("compare-fixed")) } (list(&of.changes.fixed)) }
            }
        }
    }
}
