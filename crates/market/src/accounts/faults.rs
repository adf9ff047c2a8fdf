//! What is wrong with something that a person typed, as a sentence of the Fluent files: a page says it in the reader's
//! language beside the field, the API in English.

use crate::error::{Error, Kind};
use crate::text::Text;

/// What is wrong with one field, or with the whole request where the field's name is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Name of the field.
    pub field: &'static str,
    /// How the HTTP faces answer.
    pub kind: Kind,
    /// Key of the sentence; its hint has the same with `-hint` at its end.
    key: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Fault {
    /// A field that is not well-formed or passes a limit.
    pub(crate) fn invalid(field: &'static str, key: &'static str) -> Fault {
        Fault { field, kind: Kind::Invalid, key, values: Vec::new() }
    }

    /// The state does not allow it.
    pub(crate) fn conflict(field: &'static str, key: &'static str) -> Fault {
        Fault { field, kind: Kind::Conflict, key, values: Vec::new() }
    }

    /// With a value for the sentence.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Fault {
        self.values.push((name, value.to_string()));
        self
    }

    /// The fact.
    pub fn message(&self, text: &Text) -> String {
        self.sentence(text, self.key)
    }

    /// The way out.
    pub fn hint(&self, text: &Text) -> String {
        self.sentence(text, &format!("{}-hint", self.key))
    }

    fn sentence(&self, text: &Text, key: &str) -> String {
        let values: Vec<(&str, &str)> =
            self.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        text.with(key, &values)
    }
}

/// Why a use case of accounts says no.
#[derive(Debug)]
pub enum Refusal {
    /// Something that was typed.
    Fault(Fault),
    /// Anything else.
    Error(Error),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Fault(fault)
    }
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        Refusal::Error(error.into())
    }
}

impl Refusal {
    /// The same for programs, which read English.
    pub fn into_error(self) -> Error {
        match self {
            Refusal::Error(error) => error,
            Refusal::Fault(fault) => {
                let text = Text::of_locale("en");
                Error::new(fault.kind, fault.message(&text), fault.hint(&text))
            }
        }
    }
}
