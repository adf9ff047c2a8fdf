//! The controls of the form, made of the table of fields: each with its label, its rule, a count, and what the rules say about
//! what stands in it.

use super::decode::REMOVE;
use crate::text::Text;
use maud::{Markup, html};
use offer::finding::Finding;
use offer::form::{self, Control, Field, Line};
use offer::merge::Conflict;
use offer::policy::OfferLimits;
use serde_json::Value;

/// What the controls of a section show.
pub(super) struct Sheet<'a> {
    pub text: &'a Text,
    pub limits: &'a OfferLimits,
    /// `/publish/publisher/offer`.
    pub path: &'a str,
    /// What stands in the controls.
    pub values: &'a Value,
    /// What the rules say, each with the pointer of the field that it is about.
    pub findings: &'a [(String, Finding)],
    pub conflicts: &'a [Conflict],
    /// The offer is live, so that some fields are fixed.
    pub live: bool,
}

/// Fields that are fixed once live: object and name.
const FIXED: [(&str, &str); 3] = [("plan", "id"), ("plan", "licenceModel"), ("repository", "name")];
/// Rows of a text of several lines, and of one that is longer.
const ROWS: [&str; 2] = ["4", "12"];

impl Sheet<'_> {
    /// A field with everything around it.
    pub fn control(&self, pointer: &str, field: &Field) -> Markup {
        let value = self.values.pointer(pointer);
        match &field.control {
            Control::Group(fields) => self.group(pointer, field, fields),
            Control::Rows { fields, max } => self.rows(pointer, field, (fields, *max)),
            Control::ChoiceOr { value: word, fields } => self.either(pointer, field, word, fields),
            Control::Categories { .. } => self.categories(pointer, field),
            Control::Flag => html! {
                div.field.tick {
                    input type="hidden" name=(pointer) value="false";
                    input type="checkbox" id=(pointer) name=(pointer) value="true" checked[value == Some(&Value::Bool(true))]
                        aria-describedby=(described(pointer));
                    label for=(pointer) { (self.label(field)) }
                    (self.rule(pointer, field))
                    (self.told(pointer, true))
                }
            },
            Control::File => self.picture(pointer, field),
            _ => html! {
                div.field.(if self.is_bad(pointer) { "bad-field" } else { "" }) {
                    label for=(pointer) { (self.label(field)) @if field.required { (self.needed()) } }
                    (self.rule(pointer, field))
                    (self.input(pointer, field, value))
                    (self.told(pointer, true))
                }
            },
        }
    }

    fn input(&self, pointer: &str, field: &Field, value: Option<&Value>) -> Markup {
        let shown = value.map(|value| form::shown(&field.control, value)).unwrap_or_default();
        let bad = self.is_bad(pointer).then_some("true");
        let fixed =
            (self.live && FIXED.contains(&(field.object, field.name)) && !shown.is_empty()).then_some("");
        let described = described(pointer);
        match &field.control {
            Control::Choice(values) => html! {
                select id=(pointer) name=(pointer) aria-describedby=(described) aria-invalid=[bad] {
                    @if value.is_none() { option value="" { "—" } }
                    @if !shown.is_empty() && !values.contains(&shown.as_str()) { option value=(shown) selected { (shown) } }
                    @for option in *values {
                        option value=(option) selected[shown == *option] { (self.text.get(&format!("option-{option}"))) }
                    }
                }
            },
            Control::Line { max, kind } => {
                let (kind, code) = match kind {
                    Line::Plain => ("text", None),
                    Line::Code => ("text", Some("code")),
                    Line::Url => ("url", None),
                    Line::Email => ("email", None),
                    Line::Phone => ("tel", None),
                };
                html! {
                    // A text of several lines stays one: a single line would lose its ends.
                    @if shown.contains('\n') {
                        textarea id=(pointer) name=(pointer) rows="2" data-max=(max) aria-describedby=(described) aria-invalid=[bad] { "\n" (shown) }
                    } @else {
                        input id=(pointer) name=(pointer) class=[code] type=(kind) value=(shown) data-max=(max) readonly[fixed.is_some()]
                            spellcheck=[code.map(|_| "false")] autocomplete="off" aria-describedby=(described) aria-invalid=[bad];
                    }
                    (self.count(&shown, *max))
                }
            }
            Control::Lines { max } | Control::Html { max } => {
                let rows = ROWS[usize::from(matches!(field.control, Control::Html { .. }))];
                let code = (field.object == "route").then_some("code");
                html! {
                    textarea id=(pointer) name=(pointer) class=[code] rows=(if code.is_some() { "2" } else { rows }) data-max=(max)
                        aria-describedby=(described) aria-invalid=[bad] { "\n" (shown) }
                    (self.count(&shown, *max))
                }
            }
            _ => html! {
                textarea.code id=(pointer) name=(pointer) rows=(ROWS[0]) spellcheck="false" aria-describedby=(described) aria-invalid=[bad] {
                    "\n" (shown)
                }
            },
        }
    }

    fn group(&self, pointer: &str, field: &Field, fields: &[Field]) -> Markup {
        html! {
            fieldset.group id=(pointer) {
                legend { (self.label(field)) @if field.required { (self.needed()) } }
                (self.rule(pointer, field))
                (self.unclaimed(pointer, fields))
                @for inner in fields { (self.control(&format!("{pointer}/{}", inner.name), inner)) }
            }
        }
    }

    fn rows(&self, pointer: &str, field: &Field, (fields, max): (&[Field], usize)) -> Markup {
        let count = self.values.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        html! {
            fieldset.rows id=(pointer) data-rows=(pointer) data-most=(max) {
                legend { (self.label(field)) @if field.required { (self.needed()) } }
                (self.rule(pointer, field))
                (self.told(pointer, false))
                ol {
                    @for index in 0..count {
                        @let place = format!("{pointer}/{index}");
                        li.row {
                            (self.unclaimed(&place, fields))
                            @for inner in fields { (self.control(&format!("{place}/{}", inner.name), inner)) }
                            button.quiet-button name=(REMOVE) value=(place) { (self.text.get("publish-row-remove"))
                                span.unseen { " " (self.label(field)) " " (index + 1) } }
                        }
                    }
                    @if count < max {
                        li.row.blank {
                            p.small { (self.text.get("publish-row-new")) }
                            @for inner in fields { (self.control(&format!("{pointer}/{count}/{}", inner.name), inner)) }
                        }
                    }
                }
                button.add type="button" hidden { (self.text.get("publish-row-add")) span.unseen { " " (self.label(field)) } }
            }
        }
    }

    fn either(&self, pointer: &str, field: &Field, word: &str, fields: &[Field]) -> Markup {
        let value = self.values.pointer(pointer);
        let chosen = match value {
            Some(Value::Object(map)) => {
                fields.iter().find(|field| map.contains_key(field.name)).map(|field| field.name)
            }
            Some(_) => Some(word),
            None => None,
        };
        html! {
            fieldset.group id=(pointer) {
                legend { (self.label(field)) @if field.required { (self.needed()) } }
                (self.rule(pointer, field))
                (self.unclaimed(pointer, fields))
                @for option in std::iter::once(word).chain(fields.iter().map(|field| field.name)) {
                    div.tick {
                        input type="radio" id={ (pointer) "=" (option) } name=(pointer) value=(option) checked[chosen == Some(option)];
                        label for={ (pointer) "=" (option) } { (self.text.get(&format!("option-{option}"))) }
                    }
                }
                @for inner in fields { (self.control(&format!("{pointer}/{}", inner.name), inner)) }
            }
        }
    }

    fn categories(&self, pointer: &str, field: &Field) -> Markup {
        let chosen: Vec<String> = match self.values.pointer(pointer) {
            Some(Value::Array(items)) => items.iter().map(|item| form::shown(&Control::Flag, item)).collect(),
            _ => Vec::new(),
        };
        let tick = |id: &str, name: &str| {
            html! {
                div.tick {
                    input type="checkbox" id={ (pointer) "=" (id) } name=(pointer) value=(id) checked[chosen.iter().any(|own| own == id)];
                    label for={ (pointer) "=" (id) } { (name) }
                }
            }
        };
        let unknown = chosen.iter().filter(|own| offer::categories::find(own).is_none());
        html! {
            fieldset.group id=(pointer) {
                legend { (self.label(field)) @if field.required { (self.needed()) } }
                (self.rule(pointer, field))
                (self.told(pointer, true))
                input type="hidden" name=(pointer) value="";
                div.ticks {
                    @for known in offer::categories::ALL {
                        (tick(known.id, if self.text.is_french() { known.french } else { known.english }))
                    }
                    @for own in unknown { (tick(own, own)) }
                }
            }
        }
    }

    fn picture(&self, pointer: &str, field: &Field) -> Markup {
        let size = offer::pictures::size_of(pointer, self.limits).unwrap_or_default();
        let path = self.values.pointer(pointer).map(|value| form::shown(&field.control, value));
        html! {
            div.field.picture {
                label for=(pointer) { (self.label(field)) " " span.small { (size.0) "×" (size.1) } @if field.required { (self.needed()) } }
                (self.rule(pointer, field))
                @if let Some(path) = path.filter(|path| offer::pictures::is_path(path)) {
                    div.frame {
                        img src={ (self.path) "/files/" (path) } width=(size.0) height=(size.1) alt=(self.text.get("publish-picture-now")) loading="lazy";
                        @if !field.required {
                            button.quiet-button name=(REMOVE) value=(pointer) { (self.text.get("publish-picture-remove"))
                                span.unseen { " " (self.label(field)) } }
                        }
                    }
                }
                input type="file" id=(pointer) name=(pointer) accept="image/png" data-width=(size.0) data-height=(size.1)
                    aria-describedby=(described(pointer)) aria-invalid=[self.is_bad(pointer).then_some("true")];
                (self.told(pointer, true))
            }
        }
    }

    fn label(&self, field: &Field) -> String {
        self.text.get(&key("field", field))
    }

    fn needed(&self) -> Markup {
        html! { " " span.needed { (self.text.get("publish-required")) } }
    }

    /// What is allowed in the field.
    fn rule(&self, pointer: &str, field: &Field) -> Markup {
        let max = match &field.control {
            Control::Line { max, .. }
            | Control::Lines { max }
            | Control::Html { max }
            | Control::Texts { max }
            | Control::Categories { max }
            | Control::Rows { max, .. } => *max,
            _ => 0,
        };
        let rule = self.text.with(&key("rule", field), &[("max", &max.to_string())]);
        html! { p.hint id={ (pointer) "-rule" } { (rule)
            @if self.live && FIXED.contains(&(field.object, field.name)) { " " (self.text.get("publish-fixed")) }
        } }
    }

    fn count(&self, shown: &str, max: usize) -> Markup {
        let count = shown.chars().count();
        html! { p.count.(if count > max { "bad" } else { "" }) { (count) " / " (max) } }
    }
}

/// Ids of what describes a control.
fn described(pointer: &str) -> String {
    format!("{pointer}-rule {pointer}-findings")
}

/// Key of a sentence about a field.
pub(super) fn key(what: &str, field: &Field) -> String {
    let mut key = format!("{what}-{}-", field.object);
    for c in field.name.chars() {
        if c.is_ascii_uppercase() {
            key.push('-');
        }
        key.push(c.to_ascii_lowercase());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &Field) {
        let text = Text::of_locale("en");
        for what in ["field", "rule"] {
            let key = key(what, field);
            assert!(text.find(&key).is_some(), "{key} is missing");
        }
        match &field.control {
            Control::Group(fields) | Control::Rows { fields, .. } => fields.iter().for_each(check),
            Control::ChoiceOr { value, fields } => {
                assert!(text.find(&format!("option-{value}")).is_some(), "option-{value}");
                fields.iter().for_each(check);
            }
            Control::Choice(values) => {
                for value in *values {
                    assert!(text.find(&format!("option-{value}")).is_some(), "option-{value}");
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_field_has_a_label_and_a_rule() {
        let limits = OfferLimits::default();
        for section in offer::sections::Section::all(1) {
            for (_, field) in section.fields(1, &limits) {
                check(&field);
            }
        }
    }
}
