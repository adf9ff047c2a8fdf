//! Bad vulnerability data: it ends in a clear error or is counted, in bounded memory, and the old data stays.

use crate::advisories::{import, package, written, zip};
use certify::advisories::{Advisories, matching::match_packages};
use certify::evidence::PackageKind;
use std::fs;

const GOOD: &str = r#"{"id":"P-1","modified":"2026-11-20T10:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"a"},
    "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}"#;

#[test]
fn broken_members_are_counted_and_the_rest_is_used() {
    let directory = tempfile::tempdir().expect("a directory");
    let deep = format!(r#"{{"id":"D","aliases":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let large = format!(r#"{{"id":"L","details":"{}"}}"#, "x".repeat(50 << 20));
    let members: [(&str, &[u8]); 6] = [
        ("deep.json", deep.as_bytes()),
        ("large.json", large.as_bytes()),
        ("empty.json", b""),
        ("good.json", GOOD.as_bytes()),
        ("again.json", GOOD.as_bytes()),
        ("other.txt", b"text"),
    ];
    let path = written(directory.path(), "in/all.zip", &zip(&members));
    let summary = import(directory.path(), None, &[path]).expect("imported");
    let source = &summary.sources[0];
    assert_eq!((source.records, source.counts.broken, source.counts.duplicates), (1, 3, 1));
    let told = summary.broken.join("\n").replace(&directory.path().display().to_string(), "[DIR]");
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_cut_off_or_no_data_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let whole = zip(&[("good.json", GOOD.as_bytes())]);
    import(directory.path(), None, &[written(directory.path(), "in/good.zip", &whole)]).expect("imported");
    let before = fs::read(directory.path().join("a.db")).expect("the file");
    let mut flipped = whole.clone();
    flipped[60] ^= 0xff;
    let bomb = zip(&[("bomb.json", &vec![b' '; 17 << 20])]);
    let many: Vec<(&str, &[u8])> = std::iter::repeat_n(("z.json", &[b' '; 1 << 20][..]), 300).collect();
    let cases: [(&str, &[u8]); 9] = [
        ("cut.zip", &whole[..whole.len() - 30]),
        ("headless.zip", &whole[whole.len() - 22..]),
        ("flipped.zip", &flipped),
        ("bomb.zip", &bomb),
        ("many.zip", &zip(&many)),
        ("empty.json", b""),
        ("text.json", b"text"),
        ("object.json", b"{\"name\":\"package\"}"),
        ("gzip.gz", b"\x1f\x8b\x08\x00broken"),
    ];
    let mut told = Vec::new();
    for (name, bytes) in cases {
        let path = written(directory.path(), &format!("in/{name}"), bytes);
        let error = import(directory.path(), None, &[path]).expect_err(name);
        told.push(format!("{}\n    hint: {}", error.message, error.hint));
    }
    let empty = directory.path().join("in/none");
    fs::create_dir(&empty).expect("writable");
    told.push(import(directory.path(), None, &[empty]).expect_err("empty").message);
    insta::assert_snapshot!(told.join("\n").replace(&directory.path().display().to_string(), "[DIR]"));
    assert!(before == fs::read(directory.path().join("a.db")).expect("the file"));
    assert_eq!(
        fs::read_dir(directory.path()).expect("readable").count(),
        2,
        "nothing is left beside the file"
    );
}

#[test]
fn a_damaged_file_is_never_believed() {
    let directory = tempfile::tempdir().expect("a directory");
    let members: Vec<(String, String)> =
        (0..40).map(|n| (format!("{n}.json"), GOOD.replace("P-1", &format!("P-{n}")))).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(n, t)| (n.as_str(), t.as_bytes())).collect();
    import(directory.path(), None, &[written(directory.path(), "in/a.zip", &zip(&members))])
        .expect("imported");
    let path = directory.path().join("a.db");
    let whole = fs::read(&path).expect("the file");
    let packages = [package(PackageKind::Pypi, "a", "1", None)];
    let count = || {
        let advisories = Advisories::open(&path)?;
        match_packages(&advisories, &packages, None).map(|(found, _)| found.len())
    };
    assert_eq!(count().expect("sound"), 40);
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        fs::write(&path, &damaged).expect("writable");
        if let Ok(found) = count() {
            assert_eq!(found, 40, "byte {at} of {} changed what is found", whole.len());
        }
        if at % 7 == 0 {
            fs::write(&path, &whole[..at]).expect("writable");
            assert!(count().is_err(), "cut off at {at}");
        }
    }
    let mut later = whole;
    later[8] = 99;
    fs::write(&path, &later).expect("writable");
    let error = Advisories::open(&path).expect_err("a later format");
    assert!(error.message.contains("has format 99, this program reads up to 1"), "{error}");
}
