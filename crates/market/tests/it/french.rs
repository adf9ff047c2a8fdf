//! What the program says in English has its French: every finding and refusal that the sources hold, and the words of
//! each are kept.

mod literals;

use crate::http::Answer;
use crate::portal::{Desk, SHEET};
use literals::{literals, sources};
use market::text::Text;
use offer::sentences::Catalogue;
use proptest::prelude::*;
use std::sync::LazyLock;

const REFUSALS: &str = include_str!("../../locales/sentences/fr.txt");

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let [offer, certify] = certify::sentences::FRENCH;
    Catalogue::new(&[offer, certify, REFUSALS])
});

/// Sources of which every text with words in it is said to a person: those of the rules and of the criteria.
const SAID: &[&str] = &[
    "offer/src/decode.rs",
    "offer/src/defaults.rs",
    "offer/src/defaults",
    "offer/src/deployment.rs",
    "offer/src/deployment/azure_iot_edge",
    "offer/src/deployment/azure_iot_edge.rs",
    "offer/src/deployment/container.rs",
    "offer/src/deployment/kubernetes",
    "offer/src/deployment/kubernetes.rs",
    "offer/src/deployment/routes.rs",
    "offer/src/deployment/values.rs",
    "offer/src/edit.rs",
    "offer/src/fields.rs",
    "offer/src/forms.rs",
    "offer/src/identity.rs",
    "offer/src/module_name.rs",
    "offer/src/pictures.rs",
    "offer/src/placeholder.rs",
    "offer/src/platform.rs",
    "offer/src/policy.rs",
    "offer/src/policy",
    "offer/src/reading.rs",
    "offer/src/repository.rs",
    "offer/src/route.rs",
    "offer/src/route",
    "offer/src/rules.rs",
    "offer/src/rules",
    "offer/src/tags.rs",
    "offer/src/tags",
    "offer/src/update.rs",
    "offer/src/yaml.rs",
    "certify/src/content.rs",
    "certify/src/criteria",
    "certify/src/custom",
    "certify/src/judge.rs",
    "certify/src/pass",
    "certify/src/policy.rs",
];

/// Sources of whose texts those are said that stand in a call which makes a refusal.
const REFUSED: &[&str] = &[
    "market/src/access.rs",
    "market/src/accounts",
    "market/src/acquisitions.rs",
    "market/src/acquisitions",
    "market/src/bundles",
    "market/src/catalogue.rs",
    "market/src/catalogue",
    "market/src/comparison.rs",
    "market/src/deployments.rs",
    "market/src/deployments",
    "market/src/editing.rs",
    "market/src/insights.rs",
    "market/src/leads",
    "market/src/look.rs",
    "market/src/offers.rs",
    "market/src/pipeline",
    "market/src/portal",
    "market/src/publishers.rs",
    "market/src/recertification.rs",
    "market/src/selling.rs",
    "market/src/submissions.rs",
    "market/src/subscriptions.rs",
    "market/src/tickets.rs",
    "market/src/tokens.rs",
    "market/src/waivers.rs",
];

/// Texts with words that are no sentences: parts of a sentence, which stands in the catalogue with what can be in them, and
/// what nobody is shown.
const NO_SENTENCES: &[&str] = &[
    "[\"program\", \"argument\"]",
    "unknown field ",
    ", expected one of",
    "the policy",
    "Minimum hardware requirements:",
    " (version {version})",
    "; a later layer deletes the file, but it can still be read from the image",
    "a secret",
    "{count} secrets",
    ", published with a package",
    "{slash}{} holds {what} ({kind}){published}{later}",
    "the layers have {found} bytes {what}, at most {limit} are allowed",
    "setuid and setgid",
    "were imported",
    ", known to be exploited since {day}",
    ", no repaired version is known",
    "{package} {version} has {id} ({rating}{exploited}){fixed}{excuse}",
    "EPSS {:.2} % (higher than {:.1} % of all)",
    "{text} in /{path}",
    "/{} is a {what} of {} bytes that the build left",
    "/{}, a {what} among programs and libraries, has mode {:04o}: every user can {harm}",
    "the {what} {name:?} of {} is not carried over: {target} has no Edge Hub",
    "the {} {:?} is not mentioned in a description, and no link leads to documentation",
    "the {part} of a default {kind} has {count} characters, it must stay under {}",
    "the name of the {kind} {name:?} has the character {bad:?}, which a key of a twin may not have",
    "shorten the {part}",
    "the expression",
    "used its budget up",
    "a ticket has an unknown state",
    "look into the log",
];

/// A sentence of the source as it is said, with a part in each hole that is in the catalogue; a predicate with a
/// subject before it.
fn has_french(literal: &str) -> bool {
    let mut filled = String::new();
    let mut rest = literal;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        match after.strip_prefix('{') {
            Some(after) => {
                filled.push('{');
                rest = after;
            }
            None => {
                filled += "text";
                rest = after.split_once('}').map_or("", |(_, rest)| rest);
            }
        }
    }
    let filled = (filled + rest).replace("}}", "}");
    let ways = [literal.to_owned(), filled.clone(), format!("it {filled}")];
    ways.iter().any(|said| CATALOGUE.translate(said.trim()).is_some())
}

#[test]
fn every_sentence_of_the_sources_has_its_french() {
    let mut missing = Vec::new();
    for (paths, whole) in [(SAID, true), (REFUSED, false)] {
        for (path, source) in sources(paths) {
            for (line, literal) in literals(&source, whole) {
                let words = literal.split(' ').filter(|word| word.chars().any(char::is_alphabetic)).count();
                if words > 1 && !NO_SENTENCES.contains(&literal.as_str()) && !has_french(&literal) {
                    missing.push(format!("{path}:{line}: {literal:?}"));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "{} sentences have no French; write each into the crate's catalogue (sentences/fr.txt):\n{}",
        missing.len(),
        missing.join("\n")
    );
}

/// An English pattern with these parts in its holes; a part that must be known is `a number`. And what has to be in its
/// translation.
fn filled(pattern: &str, words: &[String]) -> (String, Vec<String>) {
    let (mut sentence, mut kept) = (String::new(), Vec::new());
    let mut words = words.iter().cycle();
    let mut rest = pattern.replace("{{", "\u{1}").replace("}}", "\u{2}");
    while let Some((before, after)) = rest.clone().split_once('{') {
        let (name, after) = after.split_once('}').expect("a pattern closes its holes");
        sentence += before;
        if name.ends_with('!') {
            sentence += "a number";
            kept.push("un nombre".to_owned());
        } else if let Some(word) = words.next() {
            sentence += word;
            kept.push(word.clone());
        }
        rest = after.to_owned();
    }
    ((sentence + &rest).replace('\u{1}', "{").replace('\u{2}', "}"), kept)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_word_gets_lost(words in proptest::collection::vec("Z[a-z0-9Éß漢🚀]{1,12}", 8)) {
        for (english, _) in CATALOGUE.entries() {
            let (sentence, kept) = filled(&english, &words);
            let french = CATALOGUE.translate(&sentence);
            prop_assert!(french.is_some(), "{sentence:?} of {english:?}");
            let french = french.unwrap_or_default();
            for word in kept {
                prop_assert!(french.contains(&word), "{word:?} of {sentence:?} is not in {french:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_field_is_told_in_the_readers_language() {
    let desk = Desk::new().await;
    desk.save("settings", &[("/name", "Rocket 🚀")]).await;
    let english = "name has the emoji &#39;🚀&#39;";
    let french = "name a l’émoji &#39;🚀&#39;";
    let plain = |answer: Answer| answer.text().replace('\'', "&#39;");
    let page = plain(desk.get(&format!("{SHEET}/settings?lang=en")).await);
    assert!(page.contains(english) && !page.contains(french), "{page}");
    let page = plain(desk.get(&format!("{SHEET}/settings?lang=fr")).await);
    assert!(page.contains(french), "{page}");
    assert!(page.contains("un nom n’a pas d’émoji : écrivez-le en mots"), "{page}");
    assert!(!page.contains(english) && !page.contains("names have no emoji"), "{page}");
    // The two links that choose a language name it; nothing else on the page is English.
    assert_eq!(page.matches("lang=\"en\"").count(), page.matches("hreflang=\"en\"").count() * 2, "{page}");
}

#[test]
fn what_nobody_translated_says_that_it_is_english() {
    use maud::Render as _;
    let own = "shell <none> allowed here";
    let told = Text::of_locale("fr").told(own).render().into_string();
    assert_eq!(told, "<span lang=\"en\">shell &lt;none&gt; allowed here</span>");
    assert_eq!(Text::of_locale("en").told(own).render().into_string(), "shell &lt;none&gt; allowed here");
}
