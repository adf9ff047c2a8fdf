//! Catalogues of sentences: which pattern a sentence is of, what is translated within it, and that no text is too much.

use offer::sentences::{Catalogue, FRENCH, SENTENCE_BYTES_MAX, faults, french};

const SMALL: &str = "
# Comments and blank lines are passed over.
{it?} has {count} items
{it} a {count} éléments

the {what!} {name} has {count} items
{name} ({what}) a {count} éléments
list
liste
the offer
l’offre
write {one-}
écrivez {one}
braces {{{name}}}
accolades {{{name}}}
{one!}, {other!}
{one}, {other}
";

fn small(sentence: &str) -> Option<String> {
    Catalogue::new(&[SMALL]).translate(sentence)
}

#[test]
fn the_most_specific_pattern_counts() {
    assert_eq!(small("the list tags has 3 items").as_deref(), Some("tags (liste) a 3 éléments"));
    // What a needed part is, the catalogue does not know, so that another pattern is tried.
    assert_eq!(small("the heap tags has 3 items").as_deref(), Some("the heap tags a 3 éléments"));
    assert_eq!(small("the offer has 3 items").as_deref(), Some("l’offre a 3 éléments"));
    assert_eq!(small("braces {x}").as_deref(), Some("accolades {x}"));
}

#[test]
fn holes_are_not_empty_and_words_are_single() {
    assert_eq!(small(" has 3 items"), None);
    assert_eq!(small("the offer has  items").as_deref(), None);
    assert_eq!(small("write it").as_deref(), Some("écrivez it"));
    assert_eq!(small("write it down"), None);
    assert_eq!(small(""), None);
}

#[test]
fn no_text_is_too_much() {
    let long = "list, ".repeat(SENTENCE_BYTES_MAX / 6);
    assert!(long.len() <= SENTENCE_BYTES_MAX);
    for hostile in [&long, "🚀🚀 has 🚀 items", "{it?} has {count} items", "\u{202e}list, list", "%{}{{}}"]
    {
        let _ = (small(hostile), french(hostile));
    }
    assert_eq!(french(&"x".repeat(SENTENCE_BYTES_MAX + 1)), None);
    assert!(french(&"/plans/0 is empty, ".repeat(200)).is_none_or(|told| told.contains("/plans/0")));
}

#[test]
fn the_french_catalogue_is_well_formed() {
    assert_eq!(faults(FRENCH), Vec::<String>::new());
    assert_eq!(faults("{a} and {b}\n{a} et {c}\n").len(), 1);
    assert_eq!(faults("{a}{b} x\n{a}{b} x\n").len(), 1);
    assert_eq!(faults("one\nun\none\nun\n").len(), 1);
    assert_eq!(faults("{open\nouvert\n").len(), 1);
}

#[test]
fn a_sentence_within_a_sentence_is_translated() {
    let told = |sentence: &str| french(sentence).unwrap_or_default();
    assert_eq!(
        told("the route \"up\" is refused at column 3: expected a name or a string, found `!`"),
        "la route \"up\" est refusée à la colonne 3 : attendu : un nom ou une chaîne ; trouvé : `!`"
    );
    assert_eq!(
        told("plans[0].summary is a number, text is needed"),
        "plans[0].summary est un nombre, il faut du texte"
    );
    assert_eq!(
        told("add it: free, or byol (bring your own licence); fixed once live."),
        "ajoutez-le : free, ou byol (apportez votre licence) ; fixe une fois en ligne."
    );
}
