//! Policies, and the expressions that an operator writes: what is read is written alike, and what is judged ends.

use crate::image::{self, Layer, Tar, gathered, judged};
use crate::input::Input;
use certify::evidence::ImageEvidence;
use certify::{custom, policy};
use offer::policy::{CustomCriterion, Policy};
use std::sync::LazyLock;

/// An image with something of each kind that expressions speak of.
fn example() -> &'static ImageEvidence {
    static IMAGE: LazyLock<ImageEvidence> = LazyLock::new(|| {
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: install ok \
                      installed\nVersion: 2\n\n";
        let tar = Tar::default()
            .file("var/lib/dpkg/status", 0o644, status.as_bytes())
            .file("usr/bin/su", 0o4755, b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0")
            .file("app/run", 0o755, b"#!/bin/sh\n")
            .end();
        let mut config = image::config();
        config["config"]["Env"] = serde_json::json!(["PATH=/bin", "MODE=fast"]);
        config["config"]["Labels"] = serde_json::json!({"org.opencontainers.image.vendor": "x"});
        gathered(&[Layer::plain(tar)], &config)
    });
    &IMAGE
}

/// A whole policy file, or one expression.
pub fn policies(data: &[u8]) {
    let mut input = Input::new(data);
    let expression = input.byte() % 2 == 1;
    let text = input.text();
    let read = match expression {
        false => Policy::from_toml(&text),
        true => return of_expression(&text),
    };
    match read {
        Ok(read) => {
            let written = read.to_toml();
            assert_eq!(Policy::from_toml(&written).as_ref(), Ok(&read), "{written}");
            let findings = policy::check(&read, Some(&text));
            assert!(findings.iter().all(|finding| !finding.message.is_empty()));
            let _ = policy::expired(&read, image::TODAY);
            let report = judged(std::slice::from_ref(example()), &read);
            for criterion in &read.custom_criteria {
                assert!(report.criterion(&criterion.id).is_some(), "{} is not judged", criterion.id);
            }
        }
        Err(finding) => {
            assert!(!finding.message.is_empty() && !finding.hint.is_empty(), "{finding:?}");
        }
    }
}

fn of_expression(text: &str) {
    if let Err(error) = custom::compile(text) {
        assert!(!error.to_string().is_empty());
        let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        assert!(error.line <= lines + 1, "{error:?}");
        return;
    }
    let toml =
        "[[custom-criteria]]\nid = 'x-own'\ntitle = 't'\nmessage = 'm'\nhint = 'h'\nexpression = 'true'\n";
    let mut policy = Policy::from_toml(toml).expect("well formed");
    let Some(CustomCriterion { expression, .. }) = policy.custom_criteria.first_mut() else { return };
    expression.text = text.to_owned();
    let report = judged(std::slice::from_ref(example()), &policy);
    assert!(report.criterion("x-own").is_some());
}
