//! Forms as browsers send them (`application/x-www-form-urlencoded`), and their fields with what is wrong beside them.

use super::super::Failed;
use super::super::posted::{Fields, Unread, own_fields};
use crate::accounts::Fault;
use crate::market::Market;
use crate::text::Text;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

/// Fields whose text goes nowhere but into a hash.
const SECRETS: [&str; 5] = ["password", "new-password", "new-password-again", "token", "code"];

/// A form that was sent from this site. One that is too large is refused as a field would be.
pub(in super::super) struct Form(pub Fields);

/// A path that carries everything that was typed but secrets, for the form that is shown there.
pub(super) fn carried(given: &Fields, path: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(given.pairs().filter(|(name, _)| !SECRETS.contains(name)));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

impl FromRequest<Market> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, market: &Market) -> Result<Form, Response> {
        let fields = own_fields(request, market).await;
        fields.map(Form).map_err(|unread| match unread {
            Unread::Refused(text, error) | Unread::TooLarge(text, error) => {
                Failed(text, error).into_response()
            }
        })
    }
}

/// One field of a form.
pub(in super::super) struct Field<'a> {
    text: &'a Text,
    name: &'static str,
    label: String,
    kind: &'static str,
    value: &'a str,
    autocomplete: &'static str,
    hint: Option<String>,
    max: usize,
    optional: bool,
    fault: Option<&'a Fault>,
}

/// A line of text that must be given, with this label.
pub(in super::super) fn field<'a>(
    text: &'a Text,
    name: &'static str,
    label: &str,
    fault: Option<&'a Fault>,
) -> Field<'a> {
    let fault = fault.filter(|fault| fault.field == name);
    let label = text.get(label);
    Field {
        text,
        name,
        label,
        kind: "text",
        value: "",
        autocomplete: "off",
        hint: None,
        max: 100,
        optional: false,
        fault,
    }
}

impl<'a> Field<'a> {
    pub fn kind(self, kind: &'static str) -> Field<'a> {
        Field { kind, ..self }
    }

    pub fn value(self, value: &'a str) -> Field<'a> {
        Field { value, ..self }
    }

    pub fn autocomplete(self, autocomplete: &'static str) -> Field<'a> {
        Field { autocomplete, ..self }
    }

    pub fn hint(self, hint: String) -> Field<'a> {
        Field { hint: Some(hint), ..self }
    }

    pub fn max(self, max: usize) -> Field<'a> {
        Field { max, ..self }
    }

    /// It may stay empty.
    pub fn optional(self) -> Field<'a> {
        Field { optional: true, ..self }
    }

    fn described(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let fault = self.fault.map(|_| format!("{}-fault", self.name));
        let ids: Vec<String> = fault.into_iter().chain(hint).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn around(&self, control: &Markup) -> Markup {
        html! {
            label for=(self.name) { (self.label) }
            (control)
            @if let Some(fault) = self.fault {
                p.bad.small id={ (self.name) "-fault" } { (fault.message(self.text)) " " (fault.hint(self.text)) }
            }
            @if let Some(hint) = &self.hint { p.hint id={ (self.name) "-hint" } { (hint) } }
        }
    }

    /// As a line of text.
    pub fn input(&self) -> Markup {
        let described = self.described();
        let shown = if self.kind == "password" { "" } else { self.value };
        self.around(&html! {
            input id=(self.name) name=(self.name) type=(self.kind) value=(shown) autocomplete=(self.autocomplete)
                maxlength=(self.max) required[!self.optional] spellcheck="false" autocapitalize="off"
                aria-invalid=[self.fault.map(|_| "true")] aria-describedby=[described];
        })
    }

    /// As a choice: values and what they are called.
    pub fn select(&self, options: &[(String, String)]) -> Markup {
        let described = self.described();
        self.around(&html! {
            select id=(self.name) name=(self.name)
                aria-invalid=[self.fault.map(|_| "true")] aria-describedby=[described] {
                @for (value, label) in options {
                    option value=(value) selected[value == self.value] { (label) }
                }
            }
        })
    }
}
