//! Reading never panics, and gives an offer exactly when it tells no error, whatever is written.

use crate::document::{Files, read, sound, yaml};
use offer::finding::Severity;
use offer::reading::FINDINGS_MAX;
use proptest::prelude::*;

fn holds(files: &Files) {
    let reading = read(files);
    let clean = reading.findings.iter().all(|finding| finding.severity != Severity::Error);
    assert_eq!(clean, reading.offer.is_some(), "{:?}", reading.findings);
    assert!(reading.findings.len() <= FINDINGS_MAX + 1);
    let places: Vec<_> = reading.findings.iter().map(|finding| finding.position.as_ref()).collect();
    let lines: Vec<_> = places
        .iter()
        .flatten()
        .filter(|place| place.file == "offer.yaml")
        .map(|p| (p.line, p.column))
        .collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

fn with(name: &str, bytes: Vec<u8>) -> Files {
    let mut files = sound();
    files.insert(name.into(), bytes);
    files
}

/// Words that mean something to the grammar of YAML or to a rule.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "",
        "null",
        "~",
        "true",
        "1",
        "-1.5e3",
        ".inf",
        "0x1F",
        "[",
        "]",
        "{",
        "}",
        "[]",
        "{}",
        "- ",
        ": ",
        "\"",
        "'",
        "|",
        ">",
        "&a",
        "*a",
        "!!str",
        "#",
        "\n",
        "\t",
        "---\n",
        "<A_B>",
        "🚀",
        "\u{0}",
        "\u{feff}",
        "..",
        "/",
        "@",
        "https://contoso.com",
        "standard-contract",
        "<script>",
        "password: x",
    ];
    prop_oneof![proptest::sample::select(words.to_vec()).prop_map(str::to_owned), "\\PC{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        holds(&with("offer.yaml", bytes.clone()));
        holds(&with("description.html", bytes.clone()));
        holds(&with("logos/small.png", bytes));
    }

    #[test]
    fn mutated_documents(edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, word()), 1..4)) {
        let mut chars: Vec<char> = yaml(&sound()).chars().collect();
        for (place, length, word) in edits {
            let start = place.index(chars.len());
            let end = (start + length).min(chars.len());
            chars.splice(start..end, word.chars());
        }
        holds(&with("offer.yaml", chars.into_iter().collect::<String>().into_bytes()));
    }

    #[test]
    fn mutated_values(line in any::<prop::sample::Index>(), word in word()) {
        // A value is replaced as a whole, so that the document stays YAML and the rules are reached.
        let text = yaml(&sound());
        let lines: Vec<&str> = text.lines().collect();
        let values: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].contains(": ")).collect();
        let at = values[line.index(values.len())];
        let changed = lines[at].split_once(": ").map(|(name, _)| format!("{name}: {word}")).unwrap_or_default();
        let text: Vec<&str> = (0..lines.len()).map(|line| if line == at { changed.as_str() } else { lines[line] }).collect();
        holds(&with("offer.yaml", text.join("\n").into_bytes()));
    }

    #[test]
    fn mutated_pictures(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>()) {
        let mut bytes = sound()["logos/small.png"].clone();
        for (place, byte) in edits {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        holds(&with("logos/small.png", bytes.clone()));
        bytes.truncate(cut.index(bytes.len()));
        holds(&with("logos/small.png", bytes));
    }

    #[test]
    fn html_is_cleaned_for_good(html in "(<[a-z/!]{1,8}( (href|on[a-z]{2}|src)=['\"]?[a-z:]{0,9}['\"]?)?>?|[ a-z&;]{0,5}){0,20}") {
        let once = offer::html::clean(&html).html;
        prop_assert_eq!(&offer::html::clean(&once).html, &once);
        let harmful = offer::html::clean(&once).removed.into_iter().any(|removal| removal.harmful);
        prop_assert!(!harmful, "{:?} gave {:?}", html, once);
    }
}
