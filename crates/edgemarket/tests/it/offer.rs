//! `offer new`, `offer validate`, `offer schema`.

use crate::command::{directory, run};
use std::fs;

const NEW: &[&str] = &[
    "offer",
    "new",
    "o",
    "--publisher",
    "acme",
    "--offer",
    "telemetry",
    "--preview-subscription",
    "11111111-1111-4111-8111-111111111111",
];

#[test]
fn a_new_offer_is_valid_in_both_languages() {
    let dir = directory();
    insta::assert_snapshot!(run(dir.path(), NEW));
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o"]));
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o", "--lang", "fr"]));
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o", "--json"]));
    insta::assert_snapshot!(run(dir.path(), NEW));
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let dir = directory();
    run(dir.path(), NEW);
    let path = dir.path().join("o/offer.yaml");
    let text = fs::read_to_string(&path).expect("the new offer");
    fs::write(&path, format!("nmae: x\n{text}").replace("1.0.0", "v1.0.0")).expect("writable");
    fs::write(dir.path().join("o/logos/small.png"), "GIF89a").expect("writable");
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o"]));
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o", "--json"]));
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o", "--lang", "fr"]));
}

#[test]
fn bad_directories_are_refused_without_being_read() {
    let dir = directory();
    fs::create_dir(dir.path().join("o")).expect("writable");
    let path = dir.path().join("o/offer.yaml");
    let mut all = vec![run(dir.path(), &["offer", "validate", "missing"])];
    all.push(run(dir.path(), &["offer", "validate", "o"]));
    fs::write(&path, "").expect("writable");
    all.push(run(dir.path(), &["offer", "validate", "o"]));
    fs::write(&path, b"name: \xff").expect("writable");
    all.push(run(dir.path(), &["offer", "validate", "o"]));
    fs::File::create(&path).and_then(|file| file.set_len(50 << 20)).expect("a sparse file");
    all.push(run(dir.path(), &["offer", "validate", "o"]));
    all.push(run(dir.path(), &["offer", "validate", "o/offer.yaml"]));
    insta::assert_snapshot!(all.join("\n"));
}

#[cfg(unix)]
#[test]
fn links_that_leave_and_links_in_a_circle_are_refused() {
    let dir = directory();
    run(dir.path(), NEW);
    std::os::unix::fs::symlink("..", dir.path().join("o/zz")).expect("a link");
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o"]));
    fs::remove_file(dir.path().join("o/zz")).expect("there");
    std::os::unix::fs::symlink(".", dir.path().join("o/zz")).expect("a link");
    let told = run(dir.path(), &["offer", "validate", "o"]);
    assert!(told.starts_with("status: 1\n") || told.starts_with("status: 2\n"), "{told}");
}

#[test]
fn the_schema_and_the_policy() {
    let dir = directory();
    run(dir.path(), NEW);
    let schema = run(dir.path(), &["offer", "schema"]);
    assert!(schema.starts_with("status: 0\n----- stdout\n{"), "{schema}");
    fs::write(dir.path().join("policy.toml"), "[offer]\nname-chars = 3\n").expect("writable");
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o", "--policy", "policy.toml"]));
    fs::write(dir.path().join("policy.toml"), "[offer]\nname-char = 3\n").expect("writable");
    insta::assert_snapshot!(run(dir.path(), &["offer", "validate", "o", "--policy", "policy.toml"]));
}

#[test]
fn publish_leaves_the_verdict_to_the_marketplace() {
    let dir = directory();
    run(dir.path(), NEW);
    let path = dir.path().join("o/offer.yaml");
    let text = fs::read_to_string(&path).expect("the new offer");
    // Nobody listens at port 1: that it is asked at all is what counts.
    let publish = ["publish", "o", "--server", "http://127.0.0.1:1", "--token", "t"];
    let long = "N".repeat(500);
    fs::write(&path, format!("name: {long}\n{}", text.replace("\nname: ", "\nx-name: "))).expect("writable");
    assert!(
        run(dir.path(), &["offer", "validate", "o"]).contains("500 characters"),
        "the default refuses it"
    );
    let told = run(dir.path(), &publish);
    assert!(told.contains("127.0.0.1:1") && !told.contains("500 characters"), "{told}");
    let asked = text.replace("# passwordEnv: REGISTRY_PASSWORD", "passwordEnv: UNSET_PASSWORD");
    fs::write(&path, &asked).expect("writable");
    let told = run(dir.path(), &publish);
    assert!(told.contains("UNSET_PASSWORD") && !told.contains("127.0.0.1:1"), "{told}");
    fs::write(&path, asked.replace("\nid: ", "\nID: ")).expect("writable");
    let told = run(dir.path(), &publish);
    assert!(told.contains("has no `id`") && !told.contains("127.0.0.1:1"), "{told}");
}
