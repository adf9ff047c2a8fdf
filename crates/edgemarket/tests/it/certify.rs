//! `certify`, on images that `image pack` makes.

use crate::command::{command, directory, run, told};
use std::fs;
use std::path::Path;

/// The smallest file with the header of a static amd64 program.
fn program() -> Vec<u8> {
    let mut elf = vec![0; 64];
    elf[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    (elf[16], elf[18]) = (2, 62);
    elf
}

pub fn pack(dir: &Path, more: &[&str]) {
    fs::write(dir.join("module"), program()).expect("writable");
    let usual =
        ["image", "pack", "image", "--binary", "linux/amd64=module", "--tag", "latest", "--tag", "1.0.0"];
    let packed = run(dir, &[&usual[..], more].concat());
    assert!(packed.starts_with("status: 0"), "{packed}");
}

#[test]
fn a_sound_image_passes() {
    let dir = directory();
    pack(dir.path(), &["--health", "health"]);
    insta::assert_snapshot!(run(dir.path(), &["certify", "image", "--sbom", "sbom.json"]));
    let sbom = fs::read_to_string(dir.path().join("sbom.json")).expect("the bill of materials");
    assert!(sbom.contains("\"specVersion\": \"1.6\""), "{sbom}");
    assert!(dir.path().join(".cache/edgemarket/evidence").is_dir());
    insta::assert_snapshot!(run(dir.path(), &["certify", "oci:image:1.0.0", "--lang", "fr", "--no-cache"]));
    let json = |image: &str| run(dir.path(), &["certify", image, "--format", "json"]);
    assert_eq!(json("image"), json("image"));
    assert!(
        json("image")
            .starts_with("status: 0\n----- stdout\n{\n  \"schemaVersion\": 1,\n  \"verdict\": \"passed\"")
    );
}

#[test]
fn a_fault_is_status_1_with_place_and_hint() {
    let dir = directory();
    // Put together here, so that scanners leave this source alone.
    let eicar = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTI", "VIRUS-TEST-FILE!$H+H*"].concat();
    fs::write(dir.path().join("data"), eicar).expect("writable");
    pack(dir.path(), &["--file", "data=/opt/data", "--user", "root"]);
    insta::assert_snapshot!(run(dir.path(), &["certify", "image"]));
    fs::write(dir.path().join("p.toml"), "[criteria.no-known-malware]\nblocking = false\n")
        .expect("writable");
    let lenient = run(dir.path(), &["certify", "image", "--policy", "p.toml", "--format", "json"]);
    assert!(lenient.starts_with("status: 0\n"), "{lenient}");
}

#[test]
fn the_plan_is_judged_with_its_image() {
    let dir = directory();
    pack(dir.path(), &[]);
    let id = "11111111-1111-4111-8111-111111111111";
    run(
        dir.path(),
        &["offer", "new", "o", "--publisher", "acme", "--offer", "t", "--preview-subscription", id],
    );
    let path = dir.path().join("o/offer.yaml");
    let text = fs::read_to_string(&path).expect("the new offer");
    let privileged = "    createOptions: { HostConfig: { Privileged: true } }\n    # createOptions:";
    fs::write(&path, text.replacen("    # createOptions:", privileged, 1)).expect("writable");
    insta::assert_snapshot!(run(dir.path(), &["certify", "image", "--offer", "o", "--plan", "standard"]));
    insta::assert_snapshot!(run(dir.path(), &["certify", "image", "--offer", "o", "--plan", "gold"]));
}

#[test]
fn what_cannot_run_is_status_2() {
    let dir = directory();
    pack(dir.path(), &[]);
    fs::write(dir.path().join("bad.txt"), "no digest\n").expect("writable");
    let mut all = vec![
        run(dir.path(), &["certify", "./missing"]),
        run(dir.path(), &["certify", "image:9.9.9"]),
        run(dir.path(), &["certify", "image", "--plan", "standard"]),
        run(dir.path(), &["certify", "image", "--hashes", "bad.txt"]),
        run(dir.path(), &["certify", "image", "--policy", "missing.toml"]),
        run(dir.path(), &["certify", "image", "--username", "me"]),
        run(dir.path(), &["certify", "image", "--sbom", "missing/sbom.json"]),
    ];
    let mut output = command(dir.path());
    output.args(["certify", "image", "--username", "me"]).env("EDGEMARKET_REGISTRY_PASSWORD", "secret");
    all.push(
        told(dir.path(), &output.output().expect("the binary runs")).lines().next().unwrap_or("").to_owned(),
    );
    insta::assert_snapshot!(all.join("\n"));
}
