//! Reading whole documents: what is told, where, and in which order.

use crate::template::real;
use offer::document::{self, LeadDestination, Reading, Terms};
use offer::finding::{Finding, Severity};
use offer::policy::Policy;
use offer::template::new_offer;
use std::collections::BTreeMap;
use std::sync::OnceLock;

pub type Files = BTreeMap<String, Vec<u8>>;

/// A sound offer.
pub fn sound() -> Files {
    // Drawing the logos takes most of the time of a small test.
    static SOUND: OnceLock<Files> = OnceLock::new();
    SOUND.get_or_init(|| new_offer(&real())).clone()
}

pub fn yaml(files: &Files) -> String {
    String::from_utf8(files["offer.yaml"].clone()).expect("the template is text")
}

/// The sound offer with its document changed.
pub fn changed(from: &str, to: &str) -> Files {
    let mut files = sound();
    let text = yaml(&files);
    assert!(text.contains(from), "{from:?} is in the document");
    files.insert("offer.yaml".into(), text.replacen(from, to, 1).into_bytes());
    files
}

pub fn read(files: &Files) -> Reading {
    document::read(files, &Policy::default())
}

/// Findings one by line pair; the placeholders of the template are left out. Each can be said in French.
pub fn told(reading: &Reading) -> String {
    for said in reading.findings.iter().flat_map(|finding| [&finding.message, &finding.hint]) {
        assert!(offer::sentences::french(said).is_some(), "no French: {said}");
    }
    let line = |finding: &Finding| {
        let position = finding.position.as_ref().map_or_else(|| "-".into(), ToString::to_string);
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        format!(
            "{position} {severity} {} {}\n  {}\n  → {}",
            finding.rule, finding.pointer, finding.message, finding.hint
        )
    };
    let findings = reading.findings.iter().filter(|finding| finding.rule != "example-value");
    findings.map(line).collect::<Vec<_>>().join("\n")
}

/// The names of the rules that `files` break as errors.
pub fn errors(files: &Files) -> Vec<String> {
    let reading = read(files);
    let errors: Vec<_> =
        reading.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule.clone()).collect();
    assert_eq!(errors.is_empty(), reading.offer.is_some(), "an offer is there when there is no error");
    errors
}

fn document(text: impl Into<Vec<u8>>) -> Files {
    let mut files = sound();
    files.insert("offer.yaml".into(), text.into());
    files
}

#[test]
fn a_bad_offer_is_told_wholly_at_once() {
    let mut files = sound();
    files.insert("offer.yaml".into(), include_bytes!("bad.yaml").to_vec());
    files.insert("logos/photo.png".into(), b"\xff\xd8\xff\xe0 JFIF".to_vec());
    files.insert(
        "long.html".into(),
        b"<p>Fine.</p>\n<script>alert(1)</script>\n<p onclick=\"x()\" class=\"a\">Text</p>".to_vec(),
    );
    let reading = read(&files);
    assert!(reading.offer.is_none());
    insta::assert_snapshot!(told(&reading));
}

#[test]
fn every_required_field_is_asked_for() {
    insta::assert_snapshot!(told(&read(&document("publisher: contoso\n"))));
    insta::assert_snapshot!(told(&read(&document(
        "plans: [{}]\nlisting: {logos: {}, links: [{}], videos: [{}]}\nsupport: {engineering: {}}\nleads: {}\n"
    ))));
}

#[test]
fn what_is_no_offer_document_is_told() {
    let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
    let many = format!("a: [{}]", "1,".repeat(100_001));
    let texts: [(&str, Vec<u8>); 17] = [
        ("empty", b"".to_vec()),
        ("blank", b" \n\n".to_vec()),
        ("comments", b"# nothing\n".to_vec()),
        ("not utf-8", b"name: a\nid: \xff\xfe\n".to_vec()),
        ("utf-16", "id: x".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("huge", vec![b'a'; 50_000_000]),
        ("a list", b"- a\n- b\n".to_vec()),
        ("text", b"hello".to_vec()),
        ("tab", b"plans:\n\t- id: a\n".to_vec()),
        ("unclosed", b"plans: [a, b\nname: x\n".to_vec()),
        ("two documents", b"name: a\n---\nname: b\n".to_vec()),
        ("anchor", b"name: &a x\nid: *a\n".to_vec()),
        ("merge key", b"name: x\n<<: {id: a}\n".to_vec()),
        ("tag", b"name: !!str x\n".to_vec()),
        ("list as a key", b"[a, b]: c\n".to_vec()),
        ("deep", deep.into_bytes()),
        ("many", many.into_bytes()),
    ];
    let told: Vec<String> = texts
        .into_iter()
        .map(|(name, text)| format!("## {name}\n{}", told(&read(&document(text)))))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_directory_without_the_document_is_told() {
    assert_eq!(errors(&Files::new()), ["document-missing"]);
    let reading = read(&Files::from([("offer.yml".to_owned(), b"id: x".to_vec())]));
    assert_eq!(reading.findings[0].hint, "rename offer.yml to offer.yaml");
}

#[test]
fn a_duplicate_key_is_told_at_its_second_place() {
    let reading = read(&changed("id: \"telemetry\"\n", "id: \"telemetry\"\nid: other\n"));
    let finding = &reading.findings[0];
    assert_eq!(
        (finding.rule.as_str(), finding.message.as_str()),
        ("yaml-duplicate-key", "the field `id` stands here for the second time; the first one counts")
    );
    assert_eq!(finding.position.as_ref().map(ToString::to_string).as_deref(), Some("offer.yaml:12:1"));
}

#[test]
fn a_byte_order_mark_and_windows_lines_are_read() {
    let text = format!("\u{feff}{}", yaml(&sound()).replace('\n', "\r\n"));
    assert_eq!(errors(&document(text)), Vec::<String>::new());
}

#[test]
fn json_is_read_as_well() {
    let files = sound();
    let mut offer = serde_json::to_value(read(&files).offer).expect("an offer is JSON");
    // The only fields that are written otherwise than they are kept.
    assert_eq!(offer["leads"], serde_json::json!({"kind": "none"}));
    offer["listing"]["logos"].as_object_mut().expect("logos").remove("hero");
    offer["support"].as_object_mut().expect("support").remove("sovereignUrl");
    let repository = offer["plans"][0]["repository"].as_object_mut().expect("repository");
    repository.retain(|_, value| !value.is_null());
    let again = document(serde_json::to_vec_pretty(&offer).expect("JSON"));
    let reading = read(&again);
    assert_eq!(told(&reading), "");
    assert_eq!(reading.offer, read(&files).offer);
}

#[test]
fn every_optional_field_is_read() {
    let mut files = changed(
        "    # hidden: true            # reachable by link and by deployment, not listed\n",
        "    hidden: true\n    privateAudience: [1C2F8F3A-6C0E-4A5E-9D3B-8F4E2A7B6C5D]\n    twin: [{name: interval, value: '{\"seconds\": 5}'}, {name: rate, value: 0.5}]\n    environment: [{name: PORT, value: 8080}, {name: EMPTY, value: ''}]\n    createOptions: '{\"HostConfig\": {\"Init\": true}}'\n",
    );
    let text = yaml(&files)
        .replace("terms: standard-contract", "terms: { html: '<p>Be <b>kind</b>.</p>' }")
        .replace("kind: none", "kind: https-endpoint\n  url: https://crm.contoso.com/leads")
        .replace("      # username: reader\n", "      username: reader\n      passwordEnv: PASSWORD\n");
    files.insert("offer.yaml".into(), text.into_bytes());
    let reading = read(&files);
    assert_eq!(told(&reading), "");
    let offer = reading.offer.expect("a sound offer");
    let plan = &offer.plans[0];
    assert!(plan.hidden);
    assert_eq!(plan.private_audience.len(), 1);
    assert_eq!(plan.twin[0].value, serde_json::json!({"seconds": 5}));
    assert_eq!(plan.twin[1].value, serde_json::json!(0.5));
    assert_eq!((plan.environment[0].value.as_str(), plan.environment[1].value.as_str()), ("8080", ""));
    assert_eq!(plan.create_options["HostConfig"]["Init"], true);
    assert_eq!(plan.repository.password_env.as_deref(), Some("PASSWORD"));
    assert_eq!(offer.listing.terms, Terms::Html("<p>Be <b>kind</b>.</p>".into()));
    assert_eq!(offer.leads, LeadDestination::HttpsEndpoint { url: "https://crm.contoso.com/leads".into() });
}

#[test]
fn positions_resolve_to_the_nearest_ancestor() {
    let positions = read(&sound()).positions;
    let of = |pointer: &str| positions.of(pointer).map(|position| position.to_string());
    assert_eq!(of("/publisher").as_deref(), Some("offer.yaml:10:12"));
    assert_eq!(of("/plans/0/createOptions/HostConfig/Privileged"), of("/plans/0"));
    assert_eq!(of("/listing/description"), of("/listing/descriptionFile"));
    assert!(of("").is_some());
    assert_eq!(read(&document("[")).positions.of("/plans"), None);
}

#[test]
fn default_settings_are_judged_where_they_stand() {
    let files = changed(
        "    # twin:\n",
        "      - {name: 5, value: FROM /* INTO $upstream}\n      - {name: broken, value: FROM /* WHERE INTO $upstream}\n      - {name: foreign, value: 'FROM /messages/modules/other/* INTO $upstream'}\n    twin:\n      - {name: a, value: {b: {c: {d: {e: {f: 1}}}}}}\n      - {name: list, value: [1, 2]}\n    createOptions:\n      HostConfig:\n        Privilegd: true\n    # twin:\n",
    );
    insta::assert_snapshot!(told(&read(&files)));
}
