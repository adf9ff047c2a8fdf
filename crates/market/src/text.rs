//! The sentences of the pages and of the command line in English and French, from `locales/`, and what findings and
//! refusals say, which is English until it is shown. The command line's help is English.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use offer::sentences::Catalogue;
use std::sync::LazyLock;

const ENGLISH: &[&str] = &[
    include_str!("../locales/en.ftl"),
    include_str!("../locales/en/accounts.ftl"),
    include_str!("../locales/en/criteria.ftl"),
    include_str!("../locales/en/deploy.ftl"),
    include_str!("../locales/en/publishing.ftl"),
    include_str!("../locales/en/storefront.ftl"),
    include_str!("../locales/en/publish.ftl"),
];
const FRENCH: &[&str] = &[
    include_str!("../locales/fr.ftl"),
    include_str!("../locales/fr/accounts.ftl"),
    include_str!("../locales/fr/criteria.ftl"),
    include_str!("../locales/fr/deploy.ftl"),
    include_str!("../locales/fr/publishing.ftl"),
    include_str!("../locales/fr/storefront.ftl"),
    include_str!("../locales/fr/publish.ftl"),
];

/// French of what the marketplace refuses; what it passes on from rules and certification is in their catalogues.
const REFUSALS: &str = include_str!("../locales/sentences/fr.txt");

type Bundle = FluentBundle<FluentResource>;

static ENGLISH_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(ENGLISH, "en"));
static FRENCH_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(FRENCH, "fr"));
static FRENCH_SENTENCES: LazyLock<Catalogue> = LazyLock::new(|| {
    let [offer, certify] = certify::sentences::FRENCH;
    Catalogue::new(&[offer, certify, REFUSALS])
});

/// Sentences in one language.
pub struct Text {
    bundle: &'static Bundle,
    french: bool,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({})", if self.french { "fr" } else { "en" })
    }
}

impl Text {
    /// The language that a locale name such as `fr_CH.UTF-8` asks for; English for every other.
    pub fn of_locale(locale: &str) -> Text {
        let french = locale.to_ascii_lowercase().starts_with("fr");
        Text { bundle: if french { &FRENCH_BUNDLE } else { &ENGLISH_BUNDLE }, french }
    }

    /// The user's language: the flag, else `LC_ALL`, `LC_MESSAGES`, `LANG` (POSIX, *Environment Variables*).
    pub fn from_environment(flag: Option<&str>) -> Text {
        let variable = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(variable);
        Text::of_locale(flag.or(locale.as_deref()).unwrap_or("en"))
    }

    /// Whether it is French.
    pub fn is_french(&self) -> bool {
        self.french
    }

    /// Language tag (BCP 47).
    pub fn language(&self) -> &'static str {
        if self.french { "fr" } else { "en" }
    }

    /// A sentence without parameters.
    pub fn get(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// A sentence with parameters; a key that is not there is shown itself.
    pub fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.formatted(key, values).unwrap_or_else(|| key.to_owned())
    }

    /// A sentence without parameters that may be missing: of a criterion that the operator wrote.
    pub fn find(&self, key: &str) -> Option<String> {
        self.formatted(key, &[])
    }

    /// What a finding or a refusal says, in the reader's language where there is a translation.
    pub fn told(&self, english: &str) -> Told {
        let french = if self.french { FRENCH_SENTENCES.translate(english) } else { None };
        let is_foreign = self.french && french.is_none();
        Told { words: french.unwrap_or_else(|| english.to_owned()), is_foreign }
    }

    fn formatted(&self, key: &str, values: &[(&str, &str)]) -> Option<String> {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            // A number goes in as one, so that a sentence can have a plural.
            match value.parse::<i64>() {
                Ok(number) if number.to_string() == *value => args.set(*name, number),
                _ => args.set(*name, *value),
            }
        }
        let pattern = self.bundle.get_message(key)?.value()?;
        Some(self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
    }
}

/// A sentence as it is shown. On a page, one that has no translation says that it is English, so that it is read aloud
/// as such.
#[derive(Debug)]
pub struct Told {
    /// The sentence.
    pub words: String,
    /// It is English, and the reader's language is another one.
    pub is_foreign: bool,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

fn bundle(sources: &[&str], tag: &str) -> Bundle {
    let mut bundle = FluentBundle::new_concurrent(tag.parse().into_iter().collect());
    bundle.set_use_isolating(false);
    for source in sources {
        // A file with an error still has its other sentences; the test below lets none through.
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, _)| resource);
        let _ = bundle.add_resource(resource);
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::{ENGLISH, FRENCH, REFUSALS, Text};
    use fluent_bundle::FluentResource;
    use std::collections::BTreeSet;

    fn keys(sources: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for source in sources {
            let resource = FluentResource::try_new((*source).to_owned()).expect("the file parses");
            assert!(resource.entries().count() > 0);
            for (key, _) in source.lines().filter_map(|line| line.split_once(" = ")) {
                if key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                    assert!(found.insert(key.to_owned()), "{key} is there twice");
                }
            }
        }
        found
    }

    #[test]
    fn both_languages_have_every_sentence() {
        assert_eq!(keys(ENGLISH), keys(FRENCH));
    }

    #[test]
    fn what_is_refused_has_its_translation() {
        assert_eq!(offer::sentences::faults(REFUSALS), Vec::<String>::new());
        let text = Text::of_locale("fr");
        let told = text.told("the plan standard was not found");
        assert_eq!((told.words.as_str(), told.is_foreign), ("le plan standard est introuvable", false));
        assert!(text.told("nobody ever said this").is_foreign);
        assert!(!Text::of_locale("en").told("nobody ever said this").is_foreign);
    }

    #[test]
    fn a_criterion_has_one_title() {
        let text = Text::of_locale("fr");
        for criterion in certify::criteria::ALL {
            let title = text.find(&format!("criterion-{}", criterion.id()));
            assert_eq!(title, certify::sentences::french(criterion.title()), "{}", criterion.id());
        }
    }

    #[test]
    fn the_locale_chooses() {
        assert!(Text::of_locale("fr_CH.UTF-8").is_french());
        assert!(!Text::of_locale("de_DE").is_french());
        assert_eq!(Text::of_locale("fr").get("error"), "erreur");
    }

    #[test]
    fn one_is_not_many() {
        let packages =
            |locale: &str, count: &str| Text::of_locale(locale).with("packages", &[("count", count)]);
        assert_eq!((packages("en", "1"), packages("en", "0")), ("1 package".into(), "0 packages".into()));
        assert_eq!((packages("fr", "0"), packages("fr", "1234")), ("0 paquet".into(), "1234 paquets".into()));
    }
}
