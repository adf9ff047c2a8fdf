//! Whole certifications: an image with every planted fault at once, and one without; the report as text and JSON.

use crate::fixture::{Image, Tar, eicar, elf, gzip, zip};
use crate::gather_image::private_key;
use certify::criteria::OfferContext;
use certify::report::text::{Style, Words, render};
use certify::report::{CriterionResult, Report, Verdict};
use certify::rules::Rules;
use certify::{Certification, Request, certify};
use oci::digest::Digest;
use oci::manifest::Descriptor;
use oci::source::Source;
use offer::document::Reading;
use offer::policy::{CriterionPolicy, Policy};
use offer::template::{NewOffer, new_offer};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Read;

/// A repository of tags over the content of one or more images.
pub struct Repository {
    pub tags: BTreeMap<String, Descriptor>,
    pub content: BTreeMap<Digest, Vec<u8>>,
}

impl Repository {
    pub fn new(tags: &[(&str, &Image)]) -> Repository {
        let mut repository = Repository { tags: BTreeMap::new(), content: BTreeMap::new() };
        for (tag, image) in tags {
            let (memory, image) = image.store();
            repository.tags.insert((*tag).to_owned(), image.descriptor);
            repository.content.extend(memory.blobs);
        }
        repository
    }
}

impl Source for Repository {
    fn describe(&self) -> String {
        "docker://registry.example.com/acme/telemetry".to_owned()
    }
    fn tags(&self) -> Result<Vec<String>, oci::Error> {
        Ok(self.tags.keys().cloned().collect())
    }
    fn resolve(&self, tag: Option<&str>) -> Result<Descriptor, oci::Error> {
        let tag = tag.unwrap_or("latest");
        self.tags.get(tag).cloned().ok_or_else(|| oci::Error::NotFound(format!("tag {tag}")))
    }
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, oci::Error> {
        let found = self.content.get(&descriptor.digest);
        found.cloned().ok_or_else(|| oci::Error::NotFound(descriptor.digest.to_string()))
    }
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, oci::Error> {
        Ok(Box::new(std::io::Cursor::new(self.manifest(descriptor)?)))
    }
}

/// The new offer of `offer new`, with other tags and createOptions.
pub fn offer(tags: &[&str], create_options: &str) -> Reading {
    let mut files = new_offer(&NewOffer {
        publisher: "acme".to_owned(),
        offer: "telemetry".to_owned(),
        repository: "registry.acme.test/telemetry".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        preview_subscription: "11111111-1111-4111-8111-111111111111".to_owned(),
        ..NewOffer::default()
    });
    let document = files.get_mut("offer.yaml").expect("the new offer has a document");
    let text = String::from_utf8(document.clone()).expect("UTF-8");
    let line = format!("    createOptions: {create_options}\n    # createOptions:");
    *document = text.replacen("    # createOptions:", &line, 1).into_bytes();
    let reading = offer::document::read(&files, &Policy::default());
    assert!(reading.offer.is_some(), "{:#?}", reading.findings);
    reading
}

/// An image that nothing can be said against but that its packages are not known.
pub fn sound() -> Image {
    let tar = Tar::default().file("app/run", 0o755, &elf(62));
    let mut image = Image::new().layer(tar);
    let labels: BTreeMap<String, &str> = ["title", "version", "vendor", "licenses", "source"]
        .map(|name| (format!("org.opencontainers.image.{name}"), "x"))
        .into();
    image.config["config"]["User"] = json!("65532");
    image.config["config"]["Labels"] = json!(labels);
    image.config["config"]["Healthcheck"] = json!({ "Test": ["CMD", "/app/run", "health"] });
    image
}

/// The faults of an image that the issue names: malware in nested archives, a key that a later layer deletes, and a
/// program for another machine.
pub fn planted() -> Image {
    let tar_gz = gzip(&Tar::default().file("eicar.com", 0o644, &eicar()).end());
    let archive = zip(&[("b.tar.gz", &tar_gz)]);
    sound()
        .layer(Tar::default().file("opt/a.zip", 0o644, &archive))
        .layer(Tar::default().file("root/id_rsa", 0o600, private_key().as_bytes()))
        .layer(Tar::default().file("root/.wh.id_rsa", 0o644, b"").file("app/tool", 0o755, &elf(40)))
}

pub fn run(source: &Repository, reading: Option<&Reading>, policy: &Policy) -> Certification {
    certify(&Request {
        source,
        reference: None,
        offer: reading.map(|reading| OfferContext { reading, plan_id: "standard" }),
        live_tags: &BTreeMap::new(),
        policy,
        rules: &Rules::built_in(),
        cache: None,
        advisories: None,
        links: None,
        today: jiff::civil::date(2026, 11, 24),
        starter: certify::sandbox::Starter::Off("modules are not started on trial"),
        progress: &|_| (),
    })
    .expect("the source can be read")
}

/// The report as a terminal shows it. All of it can be said in French.
fn text(report: &Report) -> String {
    for result in report.criteria.iter().filter(|result| !result.id.starts_with("x-")) {
        let findings = result.findings.iter().flat_map(|finding| [&finding.message, &finding.hint]);
        for said in findings.chain(&result.reason).chain([&result.title]) {
            assert!(certify::sentences::french(said).is_some(), "no French: {said}");
        }
    }
    render(report, &Style { colour: false, words: Words::english() })
}

fn failed(report: &Report) -> Vec<&str> {
    let failed = report.criteria.iter().filter(|result| result.verdict == Verdict::Failed);
    failed.map(|result| result.id.as_str()).collect()
}

#[test]
fn every_planted_fault_fails_with_its_criterion_in_one_report() {
    let old = planted();
    let source = Repository::new(&[("latest", &old), ("1.0.0", &old), ("1.1.0", &sound())]);
    let reading = offer(&["latest", "1.0.0", "1.1.0"], r#"{"HostConfig":{"Privileged":true}}"#);
    let certification = run(&source, Some(&reading), &Policy::default());
    let report = &certification.report;
    assert_eq!(
        failed(report),
        [
            "platform-matches-binaries",
            "tags-well-formed",
            "no-known-malware",
            "least-privilege",
            "no-embedded-secrets"
        ]
    );
    insta::assert_snapshot!("planted_text", text(report));
    // The standards' views follow from the criteria, and have tests of their own.
    let shown = Report { standards: Vec::new(), ..report.clone() };
    insta::assert_snapshot!("planted_json", shown.to_json());
    let again = run(&source, Some(&reading), &Policy::default());
    assert_eq!(report.to_json(), again.report.to_json());
    assert_eq!(certification.sboms, again.sboms);
}

/// Old and careless things that do not block: an ended distribution, a packed program, a library that all may change,
/// and an Azure IoT client that is told another plan's identifier.
fn careless() -> Image {
    let packed = [&elf(62)[..], b"\0\0\0\0UPX!", &[0; 100]].concat();
    let client = "usr/lib/python3/site-packages/azure_iot_device-2.14.0.dist-info/METADATA";
    let metadata = b"Metadata-Version: 2.1\nName: azure-iot-device\nVersion: 2.14.0\n";
    let class = zip(&[("com/acme/Main.class", b"\x01\x00\x11acme.telemetry.free\x01\x00\x0esetProductInfo")]);
    sound()
        .layer(Tar::default().file("etc/os-release", 0o644, b"ID=alpine\nVERSION_ID=3.15.11\n"))
        .layer(Tar::default().file("app/tool", 0o755, &packed).file("usr/lib/plugin.so", 0o666, &elf(62)))
        .layer(Tar::default().file(client, 0o644, metadata).file("app/main.jar", 0o644, &class))
        .layer(Tar::default().file("app/old.py", 0o644, b"product_info='acme.telemetry.standard'"))
        .layer(Tar::default().file("app/.wh.old.py", 0o644, b""))
}

#[test]
fn careless_things_are_advice_each_at_its_place() {
    let source = Repository::new(&[("latest", &careless()), ("1.0.0", &careless())]);
    let reading = offer(&["latest", "1.0.0"], "{}");
    let report = run(&source, Some(&reading), &Policy::default()).report;
    assert!(report.passed());
    let findings = [
        "telemetry-identifier",
        "no-packed-executables",
        "no-world-writable-system-files",
        "base-not-end-of-life",
    ]
    .map(|id| report.criterion(id).expect("a criterion").findings.clone());
    insta::assert_json_snapshot!("careless", findings);
    let named = Image { layers: careless().layers[..5].to_vec(), config: sound().config };
    let source = Repository::new(&[("latest", &named), ("1.0.0", &named)]);
    let report = run(&source, Some(&reading), &Policy::default()).report;
    assert_eq!(report.criterion("telemetry-identifier").expect("a criterion").verdict, Verdict::Passed);
}

#[test]
fn a_sound_image_passes_with_and_without_an_offer() {
    let source = Repository::new(&[("latest", &sound()), ("1.0.0", &sound())]);
    let reading = offer(&["latest", "1.0.0"], "{}");
    let with = run(&source, Some(&reading), &Policy::default());
    let without = run(&source, None, &Policy::default());
    insta::assert_snapshot!("sound_text", text(&with.report));
    assert!(with.report.passed() && without.report.passed());
    assert_eq!(with.sboms.len(), 1);
}

#[test]
fn the_policy_decides_what_blocks() {
    let source = Repository::new(&[("latest", &planted())]);
    let mut policy = Policy::default();
    let ids = ["platform-matches-binaries", "no-known-malware", "no-embedded-secrets"];
    policy.criteria = ids.map(|id| (id.to_owned(), CriterionPolicy { blocking: false })).into();
    assert_eq!(run(&source, None, &policy).report.verdict, Verdict::Passed);
    policy.criteria = [("sbom-complete".to_owned(), CriterionPolicy { blocking: true })].into();
    let report = run(&source, None, &policy).report;
    assert!(failed(&report).contains(&"sbom-complete"));
}

#[test]
fn waivers_own_criteria_and_demanded_standards_are_told() {
    let source = Repository::new(&[("latest", &planted())]);
    let text = r#"
[standards]
demand = ["nist-sp-800-190"]

[[waivers]]
criterion = "no-embedded-secrets"
place = "root/*"
reason = "a key of the test bench, which nothing trusts"
until = 2026-12-31
by = "Jo Certifier"

[[waivers]]
criterion = "no-known-malware"
reason = "a test file"
until = "2026-01-31"

[[waivers]]
criterion = "no-crypto-miners"
place = "opt/bench/**"
reason = "a bench"
until = "2027-01-31"

[[custom-criteria]]
id = "x-static-programs"
title = "Programs are linked statically"
blocking = true
severity = "high"
expression = "binaries.filter(b, b.executable && !b.static).map(b, '/' + b.path + ' is linked dynamically')"
hint = "build it with musl"

[[custom-criteria]]
id = "x-vendor"
title = "The vendor is Acme"
expression = """
image.labels["org.opencontainers.image.vendor"] == "Acme"
"""
message = "the label vendor is not Acme"
hint = "set it"
"#;
    let policy = Policy::from_toml(text).expect("a policy");
    assert_eq!(certify::policy::check(&policy, Some(text)), []);
    let report = run(&source, None, &policy).report;
    assert_eq!(report.criterion("no-embedded-secrets").expect("judged").verdict, Verdict::Waived);
    insta::assert_snapshot!("waived_text", self::text(&report));
    let again: Report = serde_json::from_str(&report.to_json()).expect("its own form");
    assert_eq!(again, report);
}

#[test]
fn what_cannot_be_read_is_a_finding_and_never_a_pass() {
    let mut source = Repository::new(&[("latest", &sound())]);
    let digest = source.tags["latest"].digest;
    source.content.insert(digest, b"{\"schemaVersion\":2,\"manifests\":[]}".to_vec());
    let report = run(&source, None, &Policy::default()).report;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(failed(&report), ["digest-verified"]);
    let errored = |result: &&CriterionResult| result.verdict == Verdict::Errored;
    assert!(report.criteria.iter().filter(errored).count() > 10);
    source.tags.clear();
    let request = Request {
        source: &source,
        reference: Some("latest"),
        offer: None,
        live_tags: &BTreeMap::new(),
        policy: &Policy::default(),
        rules: &Rules::built_in(),
        cache: None,
        advisories: None,
        links: None,
        today: jiff::civil::date(2026, 11, 24),
        starter: certify::sandbox::Starter::Off("modules are not started on trial"),
        progress: &|_| (),
    };
    assert!(matches!(certify(&request), Err(oci::Error::NotFound(_))));
}
