//! Secrets: whatever stands around a known one, its value is in no report and no bill of materials.

use crate::image::{self, Layer, Tar, gathered, judged};
use crate::input::Input;
use certify::evidence::{ImageEvidence, MatchKind};
use certify::report::format::{Format, Options};
use certify::report::text::{self, Style, Words};
use certify::sbom;
use offer::policy::Policy;
use std::sync::LazyLock;

/// Files in which a secret may lie. None of them names packages: a token that is a package's name is a name.
const PATHS: &[&str] = &[
    "etc/app.conf",
    "root/.netrc",
    "root/.pgpass",
    "src/.git/config",
    "root/.git-credentials",
    "root/.docker/config.json",
    "root/.npmrc",
    "app/main.py",
    "root/.ssh/id_rsa",
];

/// A text that holds a secret, and the secret itself.
struct Planted {
    before: String,
    value: String,
    after: &'static str,
}

/// Letters as if drawn at random, always the same for the same seed.
fn noise(count: usize, seed: u64) -> String {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(LETTERS[(state >> 33) as usize % LETTERS.len()])
    };
    (0..count).map(letter).collect()
}

/// Each has the checksum or the length that tells it from an example. Put together here, so that nobody's scanner takes this source for a leak.
fn planted() -> &'static [Planted] {
    static ALL: LazyLock<Vec<Planted>> = LazyLock::new(|| {
        let plant = |before: &str, value: String, after| Planted { before: before.to_owned(), value, after };
        vec![
            plant("password = ", format!("{}pat_{}_{}", "github_", noise(22, 1), noise(59, 11)), "\n"),
            plant("https://", noise(40, 2), ":x-oauth-basic@git.acme.io/a.git\n"),
            plant("https://ci:", noise(20, 3), "@git.acme.io/a.git\n"),
            plant("machine a.acme.io login ci password ", noise(24, 4), "\n"),
            plant("db.acme.io:5432:*:app:", noise(16, 5), "\n"),
            plant(
                &format!("HostName=a.azure-devices.net;SharedAccessKeyName=owner;{}Key=", "SharedAccess"),
                format!("{}A=", noise(42, 6)),
                "\n",
            ),
            plant(
                &format!("DefaultEndpointsProtocol=https;AccountName=acme;{}Key=", "Account"),
                format!("{}A==", noise(85, 7)),
                ";EndpointSuffix=core.windows.net\n",
            ),
            plant(
                &format!("token: {}", "xoxb-"),
                format!("731984206517-482917365028-{}", noise(24, 8)),
                "\n",
            ),
            plant(&format!("//registry.example.com/:_{}=npm_", "authToken"), noise(30, 9) + "1FZbc6", "\n"),
            plant(
                &format!("-----BEGIN RSA {}-----\n", "PRIVATE KEY"),
                format!("MIIB{}", noise(508, 10)),
                &["\n-----END RSA ", "PRIVATE KEY", "-----\n"].concat().leak()[..],
            ),
        ]
    });
    &ALL
}

/// Which secret, in which file, how many of the bytes stand before it, and the bytes around it.
pub fn secrets(data: &[u8]) {
    let mut input = Input::new(data);
    let secret = input.choose(planted());
    let path = *input.choose(PATHS);
    let before = usize::from(input.byte());
    let around = input.rest();
    let (before, after) = around.split_at(before.min(around.len()));
    let text =
        [before, secret.before.as_bytes(), secret.value.as_bytes(), secret.after.as_bytes(), after].concat();
    let mut config = image::config();
    let lossy = String::from_utf8_lossy(&text).replace('\0', "");
    config["config"]["Env"] = serde_json::json!([format!("SETTING={lossy}")]);
    config["history"] = serde_json::json!([{ "created_by": lossy }]);
    let tar = Tar::default().file(path, 0o600, &text).end();
    let evidence = gathered(&[Layer::plain(tar)], &config);
    check(&evidence);
    in_no_report(evidence, &secret.value);
}

/// What is shown of a value is four characters at most, and what is said around it is short.
fn check(evidence: &ImageEvidence) {
    for found in &evidence.matches {
        let MatchKind::Secret { kind, .. } = &found.kind else { continue };
        assert!(!kind.is_empty() && found.evidence.len() < 2_000, "{found:?}");
        let last = found.evidence.rsplit(' ').find(|word| word.ends_with('…'));
        if let Some(shown) = last.map(|word| word.trim_end_matches('…')) {
            assert!(shown.chars().count() <= 4, "{found:?}");
        }
    }
}

fn in_no_report(evidence: ImageEvidence, value: &str) {
    for fault in &evidence.faults {
        assert!(!fault.message.contains(value), "{fault:?}");
    }
    for document in [sbom::cyclonedx::document(&evidence, "x"), sbom::spdx_json::document(&evidence, "x")] {
        assert!(!String::from_utf8_lossy(&document).contains(value), "a bill of materials shows a secret");
    }
    let report = judged(&[evidence], &Policy::default());
    for format in Format::ALL {
        let shown = report.to_format(format, &Options::default());
        assert!(!shown.contains(value), "the report as {} shows a secret", format.name());
    }
    let shown = text::render(&report, &Style { colour: false, words: Words::english() });
    assert!(!shown.replace("\n", "").replace(' ', "").contains(value), "the report shows a secret: {shown}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_planted_secret_is_found_in_a_file_where_it_belongs() {
        for (index, path) in [0, 4, 4, 1, 2, 0, 0, 0, 6, 8].into_iter().enumerate() {
            let secret = &planted()[index];
            let text = [&secret.before, &secret.value, secret.after].concat();
            let tar = Tar::default().file(PATHS[path], 0o600, text.as_bytes()).end();
            let evidence = gathered(&[Layer::plain(tar)], &image::config());
            // A token as user of a URL is known by its own form only, or by the password beside it.
            let expected = usize::from(!secret.after.starts_with(":x-oauth-basic"));
            assert!(evidence.matches.len() >= expected, "{text}");
        }
    }
}
