//! A new offer validates, and says what must be replaced.

use offer::document::{self, Terms};
use offer::finding::Severity;
use offer::policy::Policy;
use offer::template::{NewOffer, new_offer};

pub fn real() -> NewOffer {
    NewOffer {
        publisher: "contoso".into(),
        offer: "telemetry".into(),
        name: "Contoso Telemetry".into(),
        repository: "localhost:5000/contoso/telemetry".into(),
        preview_subscription: "1c2f8f3a-6c0e-4a5e-9d3b-8f4e2a7b6c5d".into(),
        ..NewOffer::default()
    }
}

fn spoken(findings: &[offer::finding::Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| {
            let position = finding.position.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{position} {:?} {}: {}", finding.severity, finding.rule, finding.message)
        })
        .collect()
}

#[test]
fn a_new_offer_with_real_identifiers_has_no_error() {
    let reading = document::read(&new_offer(&real()), &Policy::default());
    let errors: Vec<_> = reading.findings.iter().filter(|f| f.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let offer = reading.offer.expect("an offer without errors");
    assert_eq!(offer.publisher.as_str(), "contoso");
    assert_eq!(offer.plans[0].tags, ["latest", "1.0.0"]);
    assert_eq!(
        offer.plans[0].routes[0].value,
        "FROM /messages/modules/ContosoTelemetry/outputs/* INTO $upstream"
    );
    assert_eq!(offer.listing.terms, Terms::StandardContract);
    assert!(offer.listing.description.contains("<strong>Contoso Telemetry</strong>"));
}

#[test]
fn placeholders_are_told() {
    let reading = document::read(&new_offer(&NewOffer::default()), &Policy::default());
    assert!(reading.offer.is_none());
    insta::assert_snapshot!(spoken(&reading.findings).join("\n"));
}

#[test]
fn names_cannot_break_out_of_the_document() {
    let values = NewOffer { name: "A \"quoted\": name # <b> & 'x'".into(), ..real() };
    let reading = document::read(&new_offer(&values), &Policy::default());
    let offer = reading.offer.unwrap_or_else(|| panic!("{:#?}", reading.findings));
    assert_eq!(offer.name, values.name);
    assert!(offer.listing.description.contains("name # &lt;b&gt; &amp; 'x'"));
}
