//! Documents and pictures that are none, by `offer validate` and by `publish`: the same words and status.

use crate::command::{directory, run};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Makes a sound offer and a marketplace with its publisher.
fn sound(directory: &Path) {
    let new = ["offer", "new", "o", "--publisher", "contoso", "--offer", "sensor"];
    let new = [&new[..], &["--preview-subscription", "11111111-1111-4111-8111-111111111111"]].concat();
    let told = run(directory, &new);
    assert!(told.starts_with("status: 0"), "{told}");
    let told = run(directory, &["publisher", "add", "contoso", "--name", "Contoso", "--data", "d"]);
    assert!(told.starts_with("status: 0"), "{told}");
}

#[test]
fn each_is_refused_by_both_commands() {
    let dir = directory();
    sound(dir.path());
    let document = dir.path().join("o/offer.yaml");
    let good = fs::read_to_string(&document).expect("the new offer");
    let logo = dir.path().join("o/logos/small.png");
    let picture = fs::read(&logo).expect("the new picture");
    let gone = || fs::remove_file(&document).expect("there");
    let mut all = Vec::new();
    let mut both = |what: &str| {
        let start = Instant::now();
        let validate = run(dir.path(), &["offer", "validate", "o"]);
        let publish = run(dir.path(), &["publish", "o", "--data", "d"]);
        assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
        let (validate, publish) = (without_advice(&validate), without_advice(&publish));
        all.push(format!("===== {what}: validate\n{validate}===== {what}: publish\n{publish}"));
    };
    gone();
    both("missing");
    fs::create_dir(&document).expect("writable");
    both("a directory");
    fs::remove_dir(&document).expect("there");
    std::os::unix::fs::symlink("nowhere", &document).expect("a link");
    both("a dangling link");
    gone();
    fs::write(&document, "").expect("writable");
    both("empty");
    fs::write(&document, format!("{}\n", "# filled up".repeat(5 << 20))).expect("writable");
    both("50 MB");
    fs::write(&document, b"publisher: caf\xe9\n").expect("writable");
    both("not UTF-8");
    fs::write(&document, format!("nmae: x\n{good}")).expect("writable");
    both("an unknown field");
    fs::write(&document, good.replace("    title: \"Your", "    titel: \"Your")).expect("writable");
    both("an unknown field inside");
    fs::write(&document, &good).expect("writable");
    fs::write(&logo, "GIF89a").expect("writable");
    both("a picture that is no PNG");
    fs::write(&logo, &picture[..picture.len() / 2]).expect("writable");
    both("half a picture");
    insta::assert_snapshot!(all.join(""));
}

/// Without the warnings about the template's example values, and the steps as they moved.
fn without_advice(told: &str) -> String {
    let mut lines = told.lines();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        // `1. Validate prerequisites: Rejected`, which comes with or without what was before.
        let step = line.starts_with(|start: char| start.is_ascii_digit());
        match line.contains("[example-value]") {
            true => drop(lines.next()),
            false if step || line.starts_with("   info: ") => {}
            false => kept += &format!("{line}\n"),
        }
    }
    kept
}
