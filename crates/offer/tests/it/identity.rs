//! Which offer a document is of, told from documents that other marketplaces may take.

use crate::document::{Files, changed, errors, sound};
use offer::reading::identity;
use proptest::prelude::*;

fn document(text: impl Into<Vec<u8>>) -> Files {
    Files::from([("offer.yaml".into(), text.into())])
}

fn rules(text: &str) -> Vec<String> {
    let findings = identity(&document(text)).expect_err("it does not say which offer it is");
    findings.into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn an_offer_that_breaks_the_default_limits_still_has_an_identity() {
    let sound = identity(&sound()).unwrap();
    let long = format!("name: {}\n", "N".repeat(500));
    let relaxed = changed("name: ", &format!("{long}x-name: "));
    assert!(!errors(&relaxed).is_empty(), "the default policy refuses it");
    let found = identity(&relaxed).unwrap();
    assert_eq!(found, sound);
    assert_eq!(found.password_envs, Vec::<String>::new());
}

#[test]
fn passwords_of_all_plans_are_named_once() {
    let plan = |name: &str| format!("  - repository: {{name: r.example.com/x, passwordEnv: {name}}}\n");
    let plans: String =
        ["B", "A", "B"].map(plan).concat() + &"  - {}\n".repeat(200) + "  - repository: text\n";
    let found = identity(&document(format!("publisher: contoso\nid: sensor\nplans:\n{plans}"))).unwrap();
    assert_eq!((found.publisher.as_str(), found.offer.as_str()), ("contoso", "sensor"));
    assert_eq!(found.password_envs, ["B", "A"]);
}

#[test]
fn what_names_no_offer_says_only_that() {
    assert_eq!(identity(&Files::new()).unwrap_err()[0].rule, "document-missing");
    assert_eq!(rules("plans: [a, b\n"), ["yaml-syntax"]);
    assert_eq!(rules("- a\n"), ["offer-type"]);
    assert_eq!(rules("~\n"), ["offer-empty"]);
    assert_eq!(rules("name: x\n"), ["offer-id-missing", "offer-publisher-missing"]);
    let findings = identity(&document("unknown: 1\npublisher: Contoso!\nid: sensor\n")).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].pointer, "/publisher");
    assert_eq!(findings[0].position.as_ref().map(|position| position.line), Some(2));
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(text in "(publisher|id|plans|repository|passwordEnv|[a-z:{}\\[\\], \n-]){0,40}") {
        if let Err(findings) = identity(&document(text)) {
            prop_assert!(!findings.is_empty());
        }
    }
}
