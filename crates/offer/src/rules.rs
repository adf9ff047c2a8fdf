//! Rules over several fields or over the files of the directory. Each works on the well-formed part of the document,
//! so that a fault in one place hides none in another. Rules over one field are in the table of fields.

mod examples;
mod listing;
mod pictures;
mod plans;
mod texts;

use crate::finding::{Finding, Position};
use crate::policy::Policy;
use crate::reading::{DOCUMENT, Positions, spoken};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What the rules work on.
pub(crate) struct Check<'a> {
    /// The well-formed part of the document; a broken value is null.
    pub value: Value,
    pub files: &'a BTreeMap<String, Vec<u8>>,
    pub policy: &'a Policy,
    pub positions: Positions,
    pub findings: Vec<Finding>,
}

/// Applies every rule.
pub(crate) fn check(check: &mut Check<'_>) {
    texts::check(check);
    plans::check(check);
    listing::check(check);
    leads(check);
    pictures::check(check);
    examples::check(check);
}

impl Check<'_> {
    fn error(&mut self, rule: &str, pointer: &str, message: &str, hint: impl Into<String>) {
        let message = format!("{} {message}", spoken(pointer));
        self.findings.push(Finding::error(rule, pointer, message, hint));
    }

    fn warning(&mut self, rule: &str, pointer: &str, message: &str, hint: impl Into<String>) {
        let message = format!("{} {message}", spoken(pointer));
        self.findings.push(Finding::warning(rule, pointer, message, hint));
    }

    fn error_in(&mut self, file: &str, line: u32, mut finding: Finding) {
        finding.position = Some(Position { file: file.to_owned(), line, column: 1 });
        if file == DOCUMENT {
            finding.position = None;
        }
        self.findings.push(finding);
    }

    /// Number of items of the list at `pointer`.
    fn length(&self, pointer: &str) -> usize {
        self.value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer)?.as_str()
    }

    /// Tells every text of `{list}/*/{field}` that was there before; `canonical` makes spellings equal.
    fn unique(
        &mut self,
        list: &str,
        field: &str,
        canonical: fn(&str) -> String,
        report: fn(&mut Check<'_>, &str, &str, &str),
    ) {
        let mut seen: HashMap<String, String> = HashMap::new();
        for index in 0..self.length(list) {
            let pointer = format!("{list}/{index}{field}");
            let Some(text) = self.text(&pointer).map(str::to_owned) else { continue };
            match seen.get(&canonical(&text)) {
                Some(first) => report(self, &pointer, first, &text),
                None => drop(seen.insert(canonical(&text), pointer)),
            }
        }
    }
}

fn leads(check: &mut Check<'_>) {
    let kind = check.text("/leads/kind").map(str::to_owned);
    let has_url = check.value.pointer("/leads/url").is_some();
    match (kind.as_deref(), has_url) {
        (Some("https-endpoint"), false) => check.error(
            "leads-url-missing",
            "/leads",
            "has no `url`",
            "add the URL of the HTTPS endpoint that receives leads",
        ),
        (Some("none"), true) => check.error(
            "leads-url-unused",
            "/leads/url",
            "stands beside the kind `none`",
            "write `kind: https-endpoint`, or remove the URL",
        ),
        _ => {}
    }
}
