//! The demo's offer: the template that `offer new` makes, with the words of a real module in the places that a
//! publisher writes.

use offer::template::{NewOffer, new_offer};
use std::collections::BTreeMap;

/// What the template says, and what the demo's publisher writes there.
const WORDS: &[(&str, &str)] = &[
    ("Say in one line what this plan does", "Reads a machine and sends what it measures, once a second"),
    ("Say what a customer gets with this plan.", "The module for one machine, with updates."),
    ("Say in one line what the module does", "Readings of a machine as messages for your hub"),
    (
        "Say in two or three sentences for whom the module is, what it does and what is special about it.",
        "For those who run machines. It reads temperature and pressure and sends them as JSON, needs no connection to measure and no root to run.",
    ),
    ("Say what it measures, computes or translates.", "Measures temperature and pressure, once a second."),
    ("Say which other modules it works with.", "Works with every module that takes JSON."),
    // The domain that vendors' documentation uses for the company Contoso.
    ("example.com", "contoso.com"),
];

/// The files of the offer's directory.
pub fn files(values: &NewOffer) -> BTreeMap<String, Vec<u8>> {
    let mut files = new_offer(values);
    for name in ["offer.yaml", "description.html"] {
        let Some(bytes) = files.get_mut(name) else { continue };
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (template, words) in WORDS {
            text = text.replace(template, words);
        }
        *bytes = text.into_bytes();
    }
    files
}

#[cfg(test)]
mod tests {
    use super::files;
    use offer::policy::Policy;
    use offer::template::NewOffer;

    #[test]
    fn every_word_found_its_place() {
        let repository = "registry.contoso.com/telemetry".to_owned();
        let preview_subscription = "4f9d5e4e-2c1b-4a55-9c59-6f0b3e6f4a01".to_owned();
        let files = files(&NewOffer { repository, preview_subscription, ..NewOffer::default() });
        let reading = offer::document::read(&files, &Policy::default());
        assert_eq!(reading.findings, [], "no error and no warning");
        let all: String = files.values().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        for word in super::WORDS {
            assert!(all.contains(word.1), "{:?} is in the offer", word.1);
        }
    }
}
