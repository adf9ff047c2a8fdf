//! What package metadata calls a licence, as an SPDX expression where it is known: identifiers as they are, the GNU
//! licences in all their spellings, other names by a table, and expressions of these with `and`, `or` and parentheses.
//! It guesses nothing: a name that stands for several licences (`BSD`) stays a name. It reads no licence texts.

pub mod copyright;
mod gnu;
mod parse;

use spdx::{Expression, ParseMode};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Names beside the identifiers themselves.
const NAMES: &str = include_str!("../data/licence-names.txt");

/// Longest statement that is read as an expression; some packages put the whole licence into the field.
const STATED_BYTES_MAX: usize = 4096;

/// How expressions are read that were made here or by others: the exact grammar, with identifiers that were withdrawn.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: false,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// The SPDX expression (SPDX 2.3, annex D) that a package's statement means, or `None` when it is not known. Names of
/// the form `LicenseRef-…` are part of expressions.
pub fn expression(stated: &str) -> Option<String> {
    if stated.len() > STATED_BYTES_MAX {
        return None;
    }
    let stated = stated.split_whitespace().collect::<Vec<_>>().join(" ");
    // Some names hold words that divide others.
    known(&stated).or_else(|| parse::expression(&stated, &known))
}

/// The SPDX expression, or the statement as it is.
pub fn normalised(stated: &str) -> String {
    expression(stated).unwrap_or_else(|| stated.trim().to_owned())
}

/// Whether this is a single identifier of SPDX's list.
pub fn is_identifier(licence: &str) -> bool {
    spdx::license_id(licence).is_some()
}

/// The licences of a list that a package cannot do without, in the list's spelling; of `A OR B` it can do without
/// either. Entries are SPDX identifiers, with their exception where they have one, or names as packages state them.
pub fn denied(licence: &str, list: &[String]) -> Vec<String> {
    if list.is_empty() {
        return Vec::new();
    }
    let same = |entry: &str, name: &str| {
        entry.eq_ignore_ascii_case(name) || expression(entry).is_some_and(|entry| entry == name)
    };
    let Some(Ok(parsed)) = expression(licence).map(|text| Expression::parse_mode(&text, MODE)) else {
        return list.iter().filter(|entry| same(entry, licence.trim())).cloned().collect();
    };
    let of_list = |requirement: &spdx::LicenseReq| {
        let name = requirement.to_string();
        list.iter().find(|entry| same(entry, &name))
    };
    if parsed.evaluate(|requirement| of_list(requirement).is_none()) {
        return Vec::new();
    }
    let mut needed: Vec<String> =
        parsed.requirements().filter_map(|found| of_list(&found.req)).cloned().collect();
    needed.sort();
    needed.dedup();
    needed
}

/// One licence by identifier, rule or name.
fn known(phrase: &str) -> Option<String> {
    let lower = phrase.to_lowercase();
    if let Some(reference) = lower.strip_prefix("licenseref-") {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        return (!reference.is_empty() && reference.bytes().all(sound)).then(|| phrase.to_owned());
    }
    if let Some((licence, exception)) = lower.split_once(" with ") {
        let licence = known(licence.trim())?;
        return Some(format!("{licence} WITH {}", exception_id(exception.trim())?));
    }
    if let Some(id) = gnu::identifier(&lower) {
        return Some(id);
    }
    let names = names();
    let found = names.get(lower.as_str()).map(|id| (*id).to_owned());
    found.or_else(|| lower.strip_suffix('+').and_then(|lower| names.get(lower)).map(|id| format!("{id}+")))
}

fn exception_id(name: &str) -> Option<&'static str> {
    let name = match name {
        "classpath" | "classpath exception" => "classpath-exception-2.0",
        "bison exception" | "bison-exception" => "bison-exception-2.2",
        "autoconf exception" | "autoconf-exception" => "autoconf-exception-generic",
        "libtool exception" | "libtool-exception" => "libtool-exception",
        "font exception" | "font-exception" => "font-exception-2.0",
        other => other,
    };
    spdx::identifiers::EXCEPTIONS
        .iter()
        .map(|found| found.name)
        .find(|found| found.eq_ignore_ascii_case(name))
}

/// Identifiers and names in small letters, and the identifier of each.
fn names() -> &'static HashMap<String, &'static str> {
    static ALL: OnceLock<HashMap<String, &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        let lines =
            NAMES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
        let named = lines.map(|(name, id)| (name.to_owned(), id));
        let own =
            spdx::identifiers::LICENSES.iter().map(|licence| (licence.name.to_lowercase(), licence.name));
        named.chain(own).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_name_of_the_table_leads_to_an_identifier() {
        for (name, id) in names() {
            assert!(is_identifier(id) || id.starts_with("LicenseRef-"), "{name}: {id}");
        }
    }

    #[test]
    fn statements_of_all_sources_are_understood() {
        let all = [
            "MIT",
            "mit",
            "MIT License",
            "Apache License, Version 2.0",
            "ISC License (ISCL)",
            "GPLv2+ and (MIT or BSD-3)",
            "GPL-2+ or Artistic-2, and Expat",
            "LGPL-2.1-or-later",
            "GNU General Public License v3 or later (GPLv3+)",
            "GPL+ or Artistic 2.0",
            "MIT/Apache-2.0",
            "MIT BSD-2-Clause GPL2+",
            "GPL-2.0 WITH Classpath-exception-2.0",
            "(MIT OR CC0-1.0)",
            "GPL-2.0-or-later or later",
            "Apache-2.0 OR LGPL-3.0-or-later",
            "Python-2.0",
            "https://www.apache.org/licenses/LICENSE-2.0.txt",
            "MIT AND MIT",
            "LicenseRef-public-domain",
            "AGPL-3.0",
            "BSD",
            "Public Domain",
            "see LICENSE",
            "((((",
            "",
            "MIT or",
            "UNLICENSED",
            "GFDL-1.3+",
        ];
        let lines: Vec<String> =
            all.iter().map(|text| format!("{text} -> {}", expression(text).unwrap_or("?".into()))).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_choice_that_avoids_a_denied_licence_is_no_need_of_it() {
        let list = ["AGPL-3.0-only".to_owned(), "Commons Clause".to_owned()];
        let need = |licence: &str| denied(licence, &list).join(" ");
        assert_eq!(need("AGPL-3.0-only"), "AGPL-3.0-only");
        assert_eq!(need("MIT AND AGPL-3.0"), "AGPL-3.0-only");
        assert_eq!(need("MIT OR AGPL-3.0-only"), "");
        assert_eq!(need("AGPL-3.0-or-later"), "");
        assert_eq!(need("commons clause"), "Commons Clause");
        assert_eq!(need("GPL-3.0-or-later"), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_comes_out_is_an_expression_that_stays_as_it_is(
            words in proptest::collection::vec(
                prop_oneof![Just("MIT"), Just("and"), Just("OR"), Just("("), Just(")"), Just(","), Just("GPLv2+"),
                    Just("with"), Just("or later"), Just("/"), Just("BSD"), Just("é"), Just("Classpath-exception-2.0")],
                0..12),
            any in "\\PC{0,60}",
        ) {
            for text in [words.join(" "), words.concat(), any] {
                if let Some(found) = expression(&text) {
                    prop_assert!(Expression::parse_mode(&found, MODE).is_ok(), "{text:?} -> {found:?}");
                    prop_assert_eq!(expression(&found), Some(found.clone()));
                }
                let _ = denied(&text, &["MIT".to_owned()]);
                let _ = copyright::read(text.as_bytes());
                let _ = copyright::read(format!("Format: x\n\nFiles: *\nLicense: {text}\n").as_bytes());
            }
        }
    }
}
