//! Offers: the document, its findings with their places, and the deployments that are made of a sound one.

use crate::input::Input;
use offer::deployment::{Form, Request, Wanted, generate, placeholders};
use offer::finding::Severity;
use offer::module_name::default_module_name;
use offer::policy::Policy;
use offer::reading::{DOCUMENT, FINDINGS_MAX, identity, read};
use offer::{schema, template, update};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The other files of the directory are those of the template.
fn files() -> &'static BTreeMap<String, Vec<u8>> {
    static FILES: LazyLock<BTreeMap<String, Vec<u8>>> =
        LazyLock::new(|| template::new_offer(&template::NewOffer::default()));
    &FILES
}

/// The document, or the description, in a directory that is sound otherwise.
pub fn offers(data: &[u8]) {
    let mut input = Input::new(data);
    let name = *input.choose(&[DOCUMENT, "description.html"]);
    let content = input.rest();
    let mut files = files().clone();
    files.insert(name.to_owned(), content.to_vec());
    let policy = Policy::default();
    let reading = read(&files, &policy);
    assert!(reading.findings.len() <= FINDINGS_MAX + 1, "{}", reading.findings.len());
    let lines = files[DOCUMENT].split(|&byte| matches!(byte, b'\n' | b'\r')).count() as u32;
    for finding in &reading.findings {
        assert!(!finding.message.is_empty() && !finding.hint.is_empty(), "{finding:?}");
        let _ = certify::sentences::french(&finding.message);
        if let Some(position) = finding.position.as_ref().filter(|position| position.file == DOCUMENT) {
            assert!(position.line <= lines + 1 && position.column >= 1, "{finding:?} in {lines} lines");
        }
    }
    let errors = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(reading.offer.is_some(), !errors, "{:?}", reading.findings);
    let identity = identity(&files);
    let Some(offer) = reading.offer else { return };
    assert!(identity.is_ok(), "an offer that can be read has an identity");
    assert_eq!(update::check(&offer, &offer), [], "an offer is an update of itself");
    let _ = schema::json_schema(&policy);
    for plan in &offer.plans {
        let values = placeholders(plan).into_iter().map(|name| (name, "1".to_owned())).collect();
        let Ok(own) = default_module_name(&plan.title) else { continue };
        let request = Request {
            publisher: &offer.publisher,
            offer: &offer.id,
            plan,
            image: "registry.example.com/a/b/c@sha256:0000",
            tag: "1.0.0",
            follows: false,
            module_name: &own,
            values: &values,
            credentials: None,
        };
        let modules = [request];
        let wanted = Wanted { modules: &modules, routes: &[], package_url: "https://market.example" };
        for form in Form::ALL {
            match generate(&wanted, form) {
                Ok(deployment) => assert!(deployment.files.iter().all(|file| !file.content.is_empty())),
                Err(findings) => assert!(!findings.is_empty()),
            }
        }
    }
}
