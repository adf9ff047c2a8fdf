//! `image pack`.

use crate::command::{directory, run};
use std::fs;

#[test]
fn packing_gives_the_same_digest_each_time() {
    let dir = directory();
    fs::write(dir.path().join("module"), b"\x7fELF not really").expect("writable");
    fs::write(dir.path().join("module.conf"), "level = 1\n").expect("writable");
    let pack = |target: &str, more: &[&str]| {
        let usual = [
            "image",
            "pack",
            target,
            "--binary",
            "linux/amd64=module",
            "--file",
            "module.conf=/etc/module.conf",
        ];
        run(dir.path(), &[&usual[..], more].concat())
    };
    let one = pack("one", &["--tag", "latest", "--tag", "1.0.0", "--json"]);
    insta::assert_snapshot!(one);
    let archive = pack("two.tar", &["--tag", "latest", "--tag", "1.0.0", "--json"]);
    assert_eq!(one.replace("\"one\"", "\"two.tar\""), archive);
    insta::assert_snapshot!(pack("three", &["--binary", "linux/arm64=module"]));
    let refused = [
        pack("one", &[]),
        pack("four", &["--binary", "linux/amd64=module"]),
        pack("four", &["--tag", "-x"]),
        pack("four", &["--path", "relative"]),
        pack("four", &["--binary", "linux=module"]),
        pack("four", &["--binary", "linux/arm64=missing"]),
    ];
    assert!(!dir.path().join("four").exists());
    insta::assert_snapshot!(refused.join("\n"));
}
