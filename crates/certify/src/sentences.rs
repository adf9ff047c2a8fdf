//! What certification says, in French: reports are in English, the same bytes for everyone, and are translated where
//! they are shown to a person.

use offer::sentences::Catalogue;
use std::sync::LazyLock;

/// The catalogues of what a report may say: this crate's, and that of the rules on offers.
pub const FRENCH: [&str; 2] = [offer::sentences::FRENCH, include_str!("sentences/fr.txt")];

/// A sentence of a report in French; `None` for what an operator's own criterion says, and for what is not known.
pub fn french(sentence: &str) -> Option<String> {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(&FRENCH));
    CATALOGUE.translate(sentence)
}
