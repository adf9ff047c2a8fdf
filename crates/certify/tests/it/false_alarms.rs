//! What real images hold and no expert would complain of, and beside it the same in a place or form where it counts:
//! published keys, documentation and tests inside packages, tokens that anybody can make, names of a distribution that
//! differ in case.

use crate::fixture::{Image, Tar};
use crate::gather_image::private_key;
use certify::evidence::{FaultKind, ImageEvidence, MatchKind};

/// A GitHub token of the right form and checksum, made of nothing.
fn token() -> String {
    let random = "q7Zx2LmV9bTn4KcR8sWd1YpFgH3jXe";
    let mut crc = flate2::Crc::new();
    crc.update(random.as_bytes());
    let letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (mut rest, mut sum) = (crc.sum() as usize, Vec::new());
    for _ in 0..6 {
        sum.insert(0, letters[rest % 62]);
        rest /= 62;
    }
    format!("ghp_{random}{}", String::from_utf8(sum).expect("ASCII"))
}

/// Where secrets are, and what they weigh.
fn secrets(evidence: &ImageEvidence) -> Vec<String> {
    let line = |found: &certify::evidence::Match| match &found.kind {
        MatchKind::Secret { kind, published: true, .. } => format!("{} {kind} published", found.place.path),
        MatchKind::Secret { kind, key_or_connection_string: true, .. } => {
            format!("{} {kind} blocks", found.place.path)
        }
        MatchKind::Secret { kind, .. } => format!("{} {kind} advice", found.place.path),
        other => format!("{} {other:?}", found.place.path),
    };
    let mut lines: Vec<String> = evidence.matches.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn documentation_and_tests_of_packages_are_published_and_the_same_in_an_application_counts() {
    let docstring =
        format!("def login():\n    \"\"\"For example:\n\n    >>> login('{}')\n    \"\"\"\n", token());
    let code = format!("TOKEN = '{}'\n", token());
    let comment = format!("// login('{}')\nlogin(process.env.TOKEN)\n", token());
    let record = b"net/api.py,,\nnet/settings.py,,\nnet/tests/key.pem,,\nnet/key.pem,,\n";
    let packages = "usr/lib/python3/site-packages";
    let python = |name: &str| format!("{packages}/net/{name}");
    let key = private_key();
    let image = Image::new().layer(
        Tar::default()
            .file(&format!("{packages}/net-1.dist-info/RECORD"), 0o644, record)
            .file(&python("api.py"), 0o644, docstring.as_bytes())
            .file(&python("settings.py"), 0o644, code.as_bytes())
            .file(&python("tests/key.pem"), 0o600, key.as_bytes())
            .file(&python("key.pem"), 0o600, key.as_bytes())
            .file("app/node_modules/api/index.js", 0o644, comment.as_bytes())
            .file("app/node_modules/api/README.md", 0o644, token().as_bytes())
            .file("app/api.py", 0o644, docstring.as_bytes())
            .file("app/index.js", 0o644, comment.as_bytes())
            .file("app/README.md", 0o644, token().as_bytes())
            .file("app/tests/key.pem", 0o600, key.as_bytes()),
    );
    insta::assert_snapshot!(secrets(&image.gather()).join("\n"), @r"
    app/README.md github-token advice
    app/api.py github-token advice
    app/index.js github-token advice
    app/node_modules/api/README.md github-token published
    app/node_modules/api/index.js github-token published
    app/tests/key.pem private-key blocks
    usr/lib/python3/site-packages/net/api.py github-token published
    usr/lib/python3/site-packages/net/key.pem private-key blocks
    usr/lib/python3/site-packages/net/settings.py github-token advice
    usr/lib/python3/site-packages/net/tests/key.pem private-key published
    ");
}

/// The key of RFC 8410, section 10.3: it stands in a standard, in this form.
fn key_of_the_rfc() -> String {
    let body = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    format!("-----BEGIN PRIVATE {0}-----\n{body}\n-----END PRIVATE {0}-----\n", "KEY")
}

#[test]
fn what_standards_and_manuals_print_is_no_secret_wherever_it_stands() {
    let published = key_of_the_rfc();
    let own = published.replace("1bbY8fdp", "1bbY8fdq");
    let jwt_io = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0Ijox",
        "NTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    );
    let image = Image::new().layer(
        Tar::default()
            .file("app/rfc.pem", 0o600, published.as_bytes())
            .file("app/own.pem", 0o600, own.as_bytes())
            .file("app/token.txt", 0o644, jwt_io.as_bytes())
            .file("app/queue.env", 0o644, b"QUEUE=amqp://guest:guest@queue:5672/\n")
            .file("app/own.env", 0o644, b"QUEUE=amqp://guest:gl4rW9x7@queue:5672/\n"),
    );
    insta::assert_snapshot!(secrets(&image.gather()).join("\n"), @r"
    app/own.env database-url-credentials advice
    app/own.env url-credentials advice
    app/own.pem private-key blocks
    ");
}

#[test]
fn names_of_a_distribution_that_differ_in_case_are_no_fault() {
    let faults = |image: Image| -> Vec<String> {
        let evidence = image.gather();
        let named = evidence.faults.iter().filter(|fault| fault.kind == FaultKind::Names);
        named.map(|fault| fault.place.path.clone()).collect()
    };
    let headers = Tar::default()
        .file("usr/include/linux/netfilter/xt_DSCP.h", 0o644, b"x")
        .file("usr/include/linux/netfilter/xt_dscp.h", 0o644, b"x")
        .file("app/Data", 0o644, b"x")
        .file("app/data", 0o644, b"x");
    let list = b"/usr/include/linux/netfilter/xt_DSCP.h\n/usr/include/linux/netfilter/xt_dscp.h\n";
    let owned = headers.clone().file("var/lib/dpkg/info/linux-libc-dev:amd64.list", 0o644, list);
    assert_eq!(faults(Image::new().layer(owned)), ["app/data"]);
    assert_eq!(faults(Image::new().layer(headers)), ["app/data", "usr/include/linux/netfilter/xt_dscp.h"]);
}
