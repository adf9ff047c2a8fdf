//! The report and the bills of materials in every form: valid by the formats' own schemas, whole as snapshots, and safe
//! against names that were made to harm.

use crate::certify_all::{Repository, offer, planted, run, sound};
use crate::fixture::{Image, Tar};
use certify::report::html::Language;
use certify::report::text::{Style, Words, render, wrap};
use certify::report::{Format, JSON_SCHEMA, Options, Report};
use certify::rules::Rules;
use certify::{Certification, Request, bills_of_materials, certify};
use jsonschema::{Resource, Validator};
use offer::policy::Policy;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// The certifications that every form is tried on.
fn all() -> [(&'static str, Certification); 4] {
    let old = planted();
    let source = Repository::new(&[("latest", &old), ("1.0.0", &old), ("1.1.0", &sound())]);
    let reading = offer(&["latest", "1.0.0", "1.1.0"], r#"{"HostConfig":{"Privileged":true}}"#);
    let with_offer = run(&source, Some(&reading), &Policy::default());
    let clean = run(&Repository::new(&[("latest", &sound())]), None, &Policy::default());
    let mut broken = Repository::new(&[("latest", &sound())]);
    let digest = broken.tags["latest"].digest;
    broken.content.insert(digest, b"{\"schemaVersion\":2,\"manifests\":[]}".to_vec());
    let errored = run(&broken, None, &Policy::default());
    let hostile = run(&Repository::new(&[("latest", &hostile())]), None, &Policy::default());
    [("planted", with_offer), ("clean", clean), ("errored", errored), ("hostile", hostile)]
}

/// Names and texts that are markup, control characters, other directions of writing, or no URI.
fn hostile() -> Image {
    let status = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2<3>&\"'\n\n";
    let tar = Tar::default()
        .file("app/run", 0o755, &crate::fixture::elf(62))
        .file("app/<script>alert(1)<|script>&\"'", 0o4755, &crate::fixture::elf(62))
        .file("app/ctl-\u{1b}[31m-\u{7f}", 0o4755, &crate::fixture::elf(62))
        .file("app/\u{202e}gpj.exe %2F?#", 0o4755, &crate::fixture::elf(40))
        .file("var/lib/dpkg/status", 0o644, status.as_bytes());
    Image::new().layer(tar)
}

fn form(report: &Report, format: Format) -> String {
    report.to_format(format, &Options::default())
}

fn faults(validator: &Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

fn parsed(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("JSON")
}

#[test]
fn the_report_has_the_published_schema() {
    let schema: Value = parsed(JSON_SCHEMA.as_bytes());
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, certification) in all() {
        let mut report = parsed(certification.report.to_json().as_bytes());
        assert_eq!(faults(&validator, &report), Vec::<String>::new(), "{name}");
        report["more"] = "fields are welcome".into();
        assert!(validator.is_valid(&report));
        report.as_object_mut().expect("an object").remove("verdict");
        assert!(!validator.is_valid(&report));
    }
}

#[test]
fn sarif_is_valid_by_its_schema() {
    let schema = parsed(include_bytes!("../schemas/sarif-2.1.0.json"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, certification) in all() {
        let text = form(&certification.report, Format::Sarif);
        assert_eq!(faults(&validator, &parsed(text.as_bytes())), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn sarif_knows_findings_again_and_names_the_offer_from_the_root() {
    let fingerprints = |report: &Report| -> Vec<String> {
        let sarif = parsed(form(report, Format::Sarif).as_bytes());
        let results = sarif["runs"][0]["results"].as_array().expect("results").clone();
        results.iter().map(|r| r["partialFingerprints"]["primaryLocationLineHash"].to_string()).collect()
    };
    let [(_, planted), ..] = all();
    let once = fingerprints(&planted.report);
    let mut distinct = once.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), once.len(), "each finding has its own");
    // The next version of the image has other digests.
    let mut text = planted.report.to_json();
    for found in planted.report.criteria.iter().flat_map(|result| &result.findings) {
        for digest in [found.place.image, found.place.layer].into_iter().flatten() {
            text = text.replace(&digest.hex(), &"0".repeat(64));
        }
    }
    let later: Report = serde_json::from_str(&text).expect("a report");
    assert_eq!(fingerprints(&later), once);
    let options = Options { offer_directory: "modules/vitals/", ..Options::default() };
    let sarif = planted.report.to_format(Format::Sarif, &options);
    assert!(sarif.contains("\"uri\": \"modules/vitals/offer.yaml\""), "{sarif}");
}

#[test]
fn cyclonedx_is_valid_by_its_schema() {
    let schema = parsed(include_bytes!("../schemas/bom-1.6.SNAPSHOT.schema.json"));
    let resource = |bytes: &[u8]| Resource::from_contents(parsed(bytes));
    let base = "http://cyclonedx.org/schema/";
    let registry = jsonschema::Registry::new()
        .add(
            format!("{base}spdx.SNAPSHOT.schema.json"),
            resource(include_bytes!("../schemas/spdx.SNAPSHOT.schema.json")),
        )
        .and_then(|registry| {
            let jsf = resource(include_bytes!("../schemas/jsf-0.82.SNAPSHOT.schema.json"));
            registry.add(format!("{base}jsf-0.82.SNAPSHOT.schema.json"), jsf)
        })
        .and_then(|registry| registry.prepare())
        .expect("schemas");
    let validator = jsonschema::options().with_registry(&registry).build(&schema).expect("a schema");
    for (name, certification) in all() {
        for sbom in &certification.sboms {
            assert_eq!(faults(&validator, &parsed(&sbom.cyclonedx)), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn spdx_is_valid_by_its_schema() {
    let schema = parsed(include_bytes!("../schemas/spdx-2.3.json"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, certification) in all() {
        for sbom in &certification.sboms {
            assert_eq!(faults(&validator, &parsed(&sbom.spdx)), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn junit_is_valid_by_its_schema() {
    for (name, certification) in all() {
        let text = form(&certification.report, Format::Junit);
        let told =
            xmllint(&["--schema", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/junit-10.xsd")], &text);
        assert_eq!(told, "- validates\n", "{name}: {text}");
    }
}

/// What xmllint (Debian: libxml2-utils) says of a document.
fn xmllint(arguments: &[&str], text: &str) -> String {
    let mut child = Command::new("xmllint")
        .args(["--noout", "--nonet"])
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xmllint is installed (Debian: libxml2-utils)");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("xmllint reads");
    String::from_utf8(child.wait_with_output().expect("xmllint ends").stderr).expect("UTF-8")
}

#[test]
fn the_page_asks_for_nothing_and_hides_nothing() {
    for (name, certification) in all() {
        for language in [Language::English, Language::French] {
            let options = Options { language, ..Options::default() };
            let page = certification.report.to_format(Format::Html, &options);
            let body = page.split("</head>").nth(1).expect("a body");
            // An address in a finding's text is text; nothing is loaded, and no script of anybody's runs.
            for forbidden in ["<script", "<img", "<link", "<iframe", " src=", " onerror", "@import", "url("] {
                assert!(!page.contains(forbidden), "{name}: {forbidden}");
            }
            assert!(!body.contains("href=\"http"), "{name}");
            assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "{name}");
            assert!(!page.contains('\u{202e}'), "{name}");
            for result in &certification.report.criteria {
                assert!(body.contains(&format!("<code>{}</code>", result.id)), "{name}: {}", result.id);
            }
        }
    }
    let [.., (_, hostile)] = all();
    assert!(form(&hostile.report, Format::Html).contains("&lt;script&gt;"));
}

/// A report with each verdict, which no new criterion changes.
fn one_of_each() -> Report {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let criterion = |id: &str, verdict: &str, blocking: bool, reason: Option<&str>, findings: Value| {
        json!({
            "id": id, "title": format!("What holds when {id} passes"), "verdict": verdict,
            "blocking": blocking, "reason": reason, "findings": findings,
        })
    };
    let secret = json!({
        "severity": "critical", "blocking": true, "message": "/root/id_rsa holds a secret (private-key)",
        "hint": "revoke the secret", "evidence": "RSA private key (516 bytes)",
        "where": { "image": digest("a"), "platform": "linux/amd64", "layer": digest("b"), "path": "root/id_rsa" },
    });
    let token = json!({
        "severity": "medium", "blocking": false, "message": "config.Env holds a secret (token)",
        "hint": "revoke the token", "where": { "image": digest("a"), "path": "config.Env" },
    });
    let privileged = json!({
        "severity": "low", "blocking": false, "message": "Privileged is asked for & <granted>",
        "hint": "remove it",
        "where": { "pointer": "/plans/0/createOptions", "position": "offer.yaml:37:12" },
    });
    let value = json!({
        "schemaVersion": 1, "verdict": "failed",
        "image": { "reference": "registry.test/vitals:1.0.0", "digest": digest("a"), "platforms": ["linux/amd64"] },
        "criteria": [
            criterion("labels-present", "passed", false, None, json!([])),
            criterion("sbom-complete", "passed", false, Some("a remark"), json!([])),
            criterion("no-embedded-secrets", "failed", true, None, json!([secret, token])),
            criterion("least-privilege", "warned", false, None, json!([privileged])),
            criterion("listing-complete", "not-applicable", true, Some("no offer was given"), json!([])),
            criterion("digest-verified", "errored", true, Some("no image could be read"), json!([])),
        ],
        "data": { "rules": "built-in-1", "advisories": "none" }, "sbom": { "packages": 473 },
    });
    serde_json::from_value(value).expect("a report")
}

#[test]
fn each_form_is_as_it_was() {
    let report = one_of_each();
    let written = |format| form(&report, format).replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    insta::assert_snapshot!("junit", written(Format::Junit));
    insta::assert_snapshot!("sarif", written(Format::Sarif));
    let page = written(Format::Html);
    insta::assert_snapshot!("html", page.split_once("<body>").expect("a body").1.replace("><", ">\n<"));
}

#[test]
fn the_text_fits_a_terminal() {
    let [(_, planted), ..] = all();
    let text = render(&planted.report, &Style { colour: false, words: Words::english() });
    for line in wrap(&text, 80).lines() {
        let too_long = line.chars().count() > 80 && line.trim().contains(' ');
        assert!(!too_long, "{line}");
    }
}

#[test]
fn equal_reports_give_equal_bytes() {
    for ((name, one), (_, other)) in all().into_iter().zip(all()) {
        for format in Format::ALL {
            assert_eq!(form(&one.report, format), form(&other.report, format), "{name}");
        }
        assert_eq!(one.sboms, other.sboms, "{name}");
    }
}

#[test]
fn bills_of_materials_alone_are_the_same_and_cached_apart() {
    let source = Repository::new(&[("latest", &hostile())]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = certify::cache::Cache::open(directory.path(), 1 << 20).expect("a cache");
    let request = |rules| Request {
        source: &source,
        reference: None,
        offer: None,
        live_tags: NONE,
        policy: Box::leak(Box::default()),
        rules,
        cache: Some(&cache),
        advisories: None,
        links: None,
        today: TODAY,
        starter: certify::sandbox::Starter::Off("modules are not started on trial"),
        progress: &|_| (),
    };
    let (off, on) = (Rules::off(), Rules::built_in());
    let alone = bills_of_materials(&request(&off)).expect("readable");
    let with_report = certify(&request(&on)).expect("readable");
    assert_eq!(alone, with_report.sboms);
    assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 2);
}

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 24);

static NONE: &BTreeMap<offer::tags::VersionTag, oci::digest::Digest> = &BTreeMap::new();

#[test]
fn a_bill_of_a_broken_image_is_an_error() {
    let mut source = Repository::new(&[("latest", &sound())]);
    let digest = source.tags["latest"].digest;
    source.content.insert(digest, b"{\"schemaVersion\":2,\"manifests\":[]}".to_vec());
    let request = Request {
        source: &source,
        reference: None,
        offer: None,
        live_tags: NONE,
        policy: &Policy::default(),
        rules: &Rules::off(),
        cache: None,
        advisories: None,
        links: None,
        today: TODAY,
        starter: certify::sandbox::Starter::Off("modules are not started on trial"),
        progress: &|_| (),
    };
    assert!(bills_of_materials(&request).is_err());
}
