//! The forms in which a report is handed out, by name, so that the command line, the API and the pages offer the same
//! ones and give equal bytes. The text for a terminal is not among them: it depends on the terminal.

use super::html::Language;
use super::{Report, html, junit, sarif};

/// A form of the report that a file can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The report itself, by `schema.json`.
    Json,
    /// One page that can be read offline.
    Html,
    /// SARIF 2.1.0, for code scanning pages.
    Sarif,
    /// JUnit XML, for CI servers.
    Junit,
}

/// What a form may depend on besides the report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Language of the page; the other forms are read by programs and in English.
    pub language: Language,
    /// The offer's directory as the reader's tool knows it, for example `modules/vitals`: SARIF names `offer.yaml`
    /// relative to the root of the repository. Empty when it is not known.
    pub offer_directory: &'a str,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Json, Format::Html, Format::Sarif, Format::Junit];

    /// The name on the command line and in `?format=`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Html => "html",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
        }
    }

    /// The form of this name.
    pub fn of_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Media type (RFC 9110 § 8.3.1): SARIF's is registered with IANA, JUnit has none of its own.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Html => "text/html; charset=utf-8",
            Format::Sarif => "application/sarif+json",
            Format::Junit => "application/xml",
        }
    }
}

impl Report {
    /// The report in this form, with a line break at the end; equal reports give equal bytes.
    pub fn to_format(&self, format: Format, options: &Options<'_>) -> String {
        match format {
            Format::Json => self.to_json(),
            Format::Html => html::page(self, options.language),
            Format::Sarif => sarif::document(self, options.offer_directory),
            Format::Junit => junit::document(self),
        }
    }
}
