//! What a whole image's evidence holds: planted malware, secrets, packages and links are found where they are, in the
//! layer that brought them, and what a later layer deletes is gone.

use crate::fixture::{Image, Tar, eicar, elf, gzip, zip};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certify::cache::Cache;
use certify::evidence::{FaultKind, MatchKind, PackageKind, StartCommand};
use certify::gather::gather;
use certify::rules::Rules;
use oci::digest::Digest;
use serde_json::json;

/// `./x/eicar.com` in a tar in xz; the encoder is not among the dependencies.
const XZ: &[&str] = &[
    "fd377a585a000004e6d6b446020021010c0000008f98419ce007ff008b5d00170bcb8332b085a5616cdae1b34717223daf88",
    "426d7ff2e4100f941a1afae19f426d18676c8dbeecbefea2bd085e52d5d5c5651d958234e13363f6e4226a0351eaf0e4be10",
    "fe6cf68c1e9b4804732f2d0bb9266d2a77563bc78448e9d20122048a66bee6677493158cba9883aa74e77d7b0c7b13d49f31",
    "e89d40d7ecd8a1f19df1a93f8e6efd3f041b400000009b0582965c9b8d750001a7018010000070c9530bb1c467fb02000000",
    "0004595a",
];

/// The same in LZMA without a container.
const LZMA: &[&str] = &[
    "5d00008000ffffffffffffffff00170bcb8332b085a5616cdae1b34717223daf88426d8a92b48604e5c3ad9843c6cc9e1ab1",
    "4442be30c712f6acf2c0f4c1ad0e5f95c2106a909bef5ec697672a81af5a0ab951bdb2f1d0df54bbe030d24b8ea0fe8c9fa5",
    "8e61116e91bec4abec5c1c2b451d489dd1a763f346c5ead43a8e46fa71f3745467052577a14121e902862f40112c1802fa3f",
    "b9fff456e300",
];

/// A key of the right form, made of nothing: DER SEQUENCE and a body that is no number.
pub fn private_key() -> String {
    let der: Vec<u8> =
        [0x30, 0x82, 0x02, 0x00].into_iter().chain((0..512_u32).map(|i| (i * 37 % 251) as u8)).collect();
    let body: Vec<String> =
        STANDARD.encode(der).as_bytes().chunks(64).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    format!("-----BEGIN RSA PRIVATE {0}-----\n{1}\n-----END RSA PRIVATE {0}-----\n", "KEY", body.join("\n"))
}

fn names(image: &Image, kind: PackageKind) -> Vec<String> {
    let packages = image.gather().packages.into_iter().filter(|package| package.kind == kind);
    packages.map(|package| format!("{} {}", package.name, package.version)).collect()
}

#[test]
fn eicar_in_nested_archives_is_found_with_its_place() {
    let inner = gzip(&Tar::default().file("eicar.com", 0o644, &eicar()).end());
    let archive = zip(&[("readme.txt", b"nothing"), ("b.tar.gz", &inner)]);
    let evidence = Image::new().layer(Tar::default().file("opt/a.zip", 0o644, &archive)).gather();
    assert_eq!(evidence.matches.len(), 1, "{:?}", evidence.matches);
    assert_eq!(evidence.matches[0].place.path, "opt/a.zip!b.tar.gz!eicar.com");
    assert_eq!(evidence.matches[0].place.layer, Some(evidence.layers[0].digest));
    assert_eq!(evidence.matches[0].kind, MatchKind::Malware("eicar_test_file".to_owned()));
    assert_eq!(evidence.faults, []);
}

#[test]
fn every_archive_format_is_looked_into() {
    let tar = Tar::default().file("./x/eicar.com", 0o644, &eicar()).end();
    let zstd = zstd::stream::encode_all(&tar[..], 1).expect("memory does not fail");
    let xz = hex::decode(XZ.concat()).expect("it is hexadecimal");
    let lzma = hex::decode(LZMA.concat()).expect("it is hexadecimal");
    let member = |name: &str, data: &[u8]| {
        [
            format!("{name:<16}{:<32}{:<10}`\n", "", data.len()).as_bytes(),
            data,
            if data.len() % 2 == 1 { b"\n" } else { b"" },
        ]
        .concat()
    };
    let deb = [b"!<arch>\n".to_vec(), member("debian-binary", b"2.0\n"), member("data.tar.xz", &xz)].concat();
    let evidence = Image::new()
        .layer(
            Tar::default()
                .file("a.tar.zst", 0o644, &zstd)
                .file("b.txz", 0o644, &xz)
                .file("c.tar", 0o644, &tar)
                .file("d.deb", 0o644, &deb)
                .file("e.gz", 0o644, &gzip(&eicar()))
                .file("f.tar.lzma", 0o644, &lzma),
        )
        .gather();
    let places: Vec<&str> = evidence.matches.iter().map(|found| found.place.path.as_str()).collect();
    assert_eq!(
        places,
        [
            "a.tar.zst!x/eicar.com",
            "b.txz!x/eicar.com",
            "c.tar!x/eicar.com",
            "d.deb!data.tar.xz!x/eicar.com",
            "e.gz!e",
            "f.tar.lzma!x/eicar.com"
        ]
    );
}

#[test]
fn what_is_nested_too_deep_or_encrypted_or_broken_is_said() {
    let mut archive = zip(&[("eicar.com", &eicar())]);
    for _ in 0..4 {
        archive = zip(&[("in.zip", &archive)]);
    }
    let mut encrypted = zip(&[("secret", b"content")]);
    let flags = encrypted.windows(4).position(|window| window == b"PK\x01\x02").expect("a directory") + 8;
    encrypted[flags] |= 1;
    let broken = &gzip(&[7; 100_000])[..60];
    let evidence = Image::new()
        .layer(
            Tar::default()
                .file("deep.zip", 0o644, &archive)
                .file("enc.zip", 0o644, &encrypted)
                .file("b.gz", 0o644, broken),
        )
        .gather();
    let said: Vec<(FaultKind, &str)> =
        evidence.faults.iter().map(|fault| (fault.kind, fault.place.path.as_str())).collect();
    let kind = FaultKind::Unscanned;
    assert_eq!(
        said,
        [(kind, "b.gz"), (kind, "deep.zip!in.zip!in.zip!in.zip!in.zip"), (kind, "enc.zip!secret")]
    );
}

#[test]
fn a_key_deleted_in_a_later_layer_is_still_found() {
    let key = private_key();
    let image = Image::new()
        .layer(Tar::default().file("app/key.pem", 0o600, key.as_bytes()).file(
            "app/keep.pem",
            0o600,
            key.as_bytes(),
        ))
        .layer(Tar::default().file("app/.wh.key.pem", 0o600, b""));
    let evidence = image.gather();
    let found: Vec<(&str, bool)> =
        evidence.matches.iter().map(|found| (found.place.path.as_str(), found.deleted_later)).collect();
    assert_eq!(found, [("app/keep.pem", false), ("app/key.pem", true)]);
    let body = &key.lines().nth(1).expect("a body")[..20];
    assert!(!format!("{:?}", evidence.matches).contains(body), "the value is never shown");
}

#[test]
fn secrets_in_files_env_labels_and_history_are_found_and_placeholders_are_not() {
    let iot = |key: &str| format!("HostName=h.azure-devices.net;DeviceId=d;SharedAccessKey={key}");
    let key = STANDARD.encode([
        0x5a, 0x11, 0x9c, 0x7e, 0x23, 0xd4, 0x08, 0xb6, 0x3f, 0xe1, 0x47, 0x92, 0xcd, 0x60, 0x1b, 0xf8,
    ]);
    let mut image = Image::new().layer(
        Tar::default()
            .file("app/a.env", 0o644, iot(&key).as_bytes())
            .file("app/readme.md", 0o644, iot("<your key>").as_bytes())
            .file("app/x.md", 0o644, iot("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").as_bytes())
            .file("app/aws.md", 0o644, b"AKIAIOSFODNN7EXAMPLE")
            .file("app/header.c", 0o644, b"\"-----BEGIN PRIVATE KEY-----\"")
            .file("src/.git/config", 0o644, b"[remote]\n url = https://ci:gl4rW9x7@git.example.com/a.git\n"),
    );
    image.config["config"]["Env"] = json!([format!("CONNECTION={}", iot(&key))]);
    image.config["config"]["Labels"] =
        json!({"token": format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC01XM6Ea")});
    image.config["history"] = json!([{"created_by": format!("ARG AWS_SECRET_ACCESS_KEY={}", "wJ4lrXUt9FEM1K7MDENG2bPxRfiCY8zQ0sV5tLhA")}]);
    let evidence = image.gather();
    let found: Vec<String> =
        evidence.matches.iter().map(|found| format!("{} {:?}", found.place.path, found.kind)).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    history Secret { kind: "aws-secret-access-key", key_or_connection_string: true, published: false }
    config.Env Secret { kind: "azure-iot-device-connection-string", key_or_connection_string: true, published: false }
    app/a.env Secret { kind: "azure-iot-device-connection-string", key_or_connection_string: true, published: false }
    src/.git/config Secret { kind: "git-credentials", key_or_connection_string: false, published: false }
    config.Labels Secret { kind: "github-token", key_or_connection_string: false, published: false }
    "#);
}

#[test]
fn miners_and_the_operators_rules_and_hashes_are_found() {
    let unwanted = b"unwanted".to_vec();
    let yara = "rule operators_own { strings: $a = \"forbidden fruit\" condition: $a }".to_owned();
    let rules =
        Rules::with([("own.yar".to_owned(), yara)], &Digest::of(&unwanted).hex()).expect("they compile");
    assert_ne!(rules.version(), Rules::built_in().version());
    let pool = ["url: stra", "tum+tcp://pool.example.com:3333"].concat();
    let evidence = Image::new()
        .layer(
            Tar::default().file("a", 0o644, b"a forbidden fruit").file("b.gz", 0o644, &gzip(&unwanted)).file(
                "c",
                0o644,
                pool.as_bytes(),
            ),
        )
        .gather_with(&rules);
    let kinds: Vec<&MatchKind> = evidence.matches.iter().map(|found| &found.kind).collect();
    assert_eq!(
        kinds,
        [
            &MatchKind::Malware("operator-sha256-list".to_owned()),
            &MatchKind::Malware("operators_own".to_owned()),
            &MatchKind::Miner("miner_pool_url".to_owned()),
        ]
    );
    let wrong =
        Rules::with([("bad.yar".to_owned(), "rule x {".to_owned())], "").err().expect("it does not compile");
    assert!(wrong.to_string().starts_with("bad.yar: "), "{wrong}");
    assert!(Rules::with([], "xyz").is_err());
}

#[test]
fn a_package_database_that_was_replaced_counts_once() {
    let paragraph = |name: &str, state: &str| {
        format!(
            "Package: {name}\nStatus: install ok {state}\nVersion: 1.0-1\nArchitecture: amd64\nSource: src (2.0)\n\n"
        )
    };
    let (a, b, gone) =
        (paragraph("a", "installed"), paragraph("b", "installed"), paragraph("c", "config-files"));
    let image = Image::new()
        .layer(Tar::default().file("var/lib/dpkg/status", 0o644, a.as_bytes()))
        .layer(Tar::default().file("var/lib/dpkg/status", 0o644, format!("{a}{b}{gone}").as_bytes()));
    assert_eq!(names(&image, PackageKind::Deb), ["a 1.0-1", "b 1.0-1"]);
    assert_eq!(image.gather().packages[0].source, Some(("src".to_owned(), "2.0".to_owned())));
}

#[test]
fn what_the_distribution_brings_is_no_npm_package_besides() {
    let manifest = br#"{"name":"acorn","version":"8.0.0"}"#;
    let image = Image::new().layer(
        Tar::default()
            .file("usr/share/nodejs/acorn/package.json", 0o644, manifest)
            .file("app/node_modules/acorn/package.json", 0o644, br#"{"name":"acorn","version":"9.0.0"}"#)
            .file("var/lib/dpkg/info/node-acorn.list", 0o644, b"/.\n/usr/share/nodejs/acorn/package.json\n"),
    );
    assert_eq!(names(&image, PackageKind::Npm), ["acorn 9.0.0"]);
}

#[test]
fn packages_of_every_kind_are_read() {
    let image = Image::new().layer(
        Tar::default()
            .file(
                "lib/apk/db/installed",
                0o644,
                b"P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\n\nP:ssl_client\nV:1\no:busybox\n\n",
            )
            .file("var/lib/dpkg/status.d/base", 0o644, b"Package: base-files\nVersion: 12\n")
            .file(
                "usr/lib/python3/site-packages/A_b.c-1.dist-info/METADATA",
                0o644,
                b"Metadata-Version: 2.1\nName: A_b.c\nVersion: 1\n\nbody",
            )
            .file(
                "app/node_modules/@s/n/package.json",
                0o644,
                br#"{"name":"@s/n","version":"1.0.0","license":"MIT"}"#,
            )
            .file(
                "app/node_modules/@s/n/node_modules/@s/n/package.json",
                0o644,
                br#"{"name":"@s/n","version":"1.0.0"}"#,
            )
            .file("app/package-lock.json", 0o644, br#"{"name":"app","version":"3"}"#)
            .file("etc/os-release", 0o644, b"ID=alpine\nVERSION_ID=3.20\nPRETTY_NAME=\"Alpine\"\n"),
    );
    assert_eq!(names(&image, PackageKind::Apk), ["musl 1.2.5-r0", "ssl_client 1"]);
    assert_eq!(names(&image, PackageKind::Deb), ["base-files 12"]);
    assert_eq!(names(&image, PackageKind::Pypi), ["a-b-c 1"]);
    assert_eq!(names(&image, PackageKind::Npm), ["@s/n 1.0.0"]);
    assert_eq!(image.gather().distribution.map(|found| found.id).as_deref(), Some("alpine"));
}

#[test]
fn go_modules_are_read_from_programs_small_and_too_large_to_hold() {
    let marks =
        (hex::decode("3077af0c9274080241e1c107e6d618e6"), hex::decode("f932433186182072008242104116d8f2"));
    let lines = "path\tx\nmod\texample.com/x\t(devel)\ndep\tgolang.org/x/net\tv0.1.0\th1:x\ndep\told\tv1\n=>\tnew\tv2\th1:y\n";
    let info = [&marks.0.expect("hex")[..], lines.as_bytes(), &marks.1.expect("hex")].concat();
    let header = [b"\xff Go buildinf:\x08\x02".as_slice(), &[0; 16], &[8], b"go1.22.1"].concat();
    let program =
        |padding: usize| [elf(62), header.clone(), vec![0; padding], info.clone(), vec![0; 1000]].concat();
    for padding in [100, 70 << 20] {
        let image = Image::new().layer(Tar::default().file("app/run", 0o755, &program(padding)));
        assert_eq!(
            names(&image, PackageKind::Golang),
            ["golang.org/x/net v0.1.0", "new v2", "stdlib 1.22.1"]
        );
    }
}

#[test]
fn whiteouts_opaque_directories_and_hard_links_are_honoured() {
    let evidence = Image::new()
        .layer(
            Tar::default()
                .file("usr/bin/gone", 0o4755, &elf(62))
                .file("usr/bin/linked", 0o4755, &elf(62))
                .hard_link("usr/bin/other", "usr/bin/linked", 0o4755)
                .file("opt/d/a", 0o4755, b"x")
                .file("opt/e/a", 0o4755, b"x")
                .file("usr/lib/w", 0o666, b"x")
                .file("opt/f/a", 0o4755, b"x"),
        )
        .layer(
            Tar::default()
                .file("usr/bin/.wh.gone", 0, b"")
                .file("usr/bin/.wh.linked", 0, b"")
                .directory("opt/d/", 0o755)
                .file("opt/d/.wh..wh..opq", 0, b"")
                .file("opt/d/b", 0o4755, b"x")
                .file("opt/.wh.e", 0, b"")
                .symlink("opt/f", "d"),
        )
        .gather();
    let setuid: Vec<&str> = evidence.setuid.iter().map(|fact| fact.place.path.as_str()).collect();
    assert_eq!(setuid, ["opt/d/b", "usr/bin/other"]);
    assert_eq!(evidence.world_writable[0].place.path, "usr/lib/w");
    assert_eq!(evidence.binaries.len(), 1);
    assert_eq!(evidence.binaries[0].machine.architecture, "amd64");
}

#[test]
fn the_start_command_is_resolved_through_path_links_and_working_directory() {
    let layer = Tar::default()
        .symlink("bin", "usr/bin")
        .file("usr/bin/tool", 0o755, b"#!/bin/sh")
        .symlink("app/run", "../bin/tool")
        .file("app/data", 0o644, b"x")
        .symlink("loop", "loop")
        .symlink("usr/bin/abs", "/usr/bin/tool");
    let start = |config: serde_json::Value| {
        let mut image = Image::new().layer(layer.clone());
        image.config["config"] = config;
        image.gather().start
    };
    let found = StartCommand::Found("usr/bin/tool".to_owned());
    assert_eq!(start(json!({"Entrypoint": ["/app/run"]})), found);
    assert_eq!(start(json!({"Cmd": ["tool", "x"]})), found);
    assert_eq!(start(json!({"Cmd": ["tool"], "Env": ["PATH=/nowhere:/bin"]})), found);
    assert_eq!(start(json!({"Cmd": ["./run"], "WorkingDir": "/app"})), found);
    assert_eq!(start(json!({"Cmd": ["abs"]})), found);
    assert_eq!(start(json!({"Cmd": ["/app/data"]})), StartCommand::NotExecutable("app/data".to_owned()));
    assert_eq!(start(json!({"Cmd": ["/loop"]})), StartCommand::NotFound("/loop".to_owned()));
    assert_eq!(start(json!({})), StartCommand::Missing);
}

#[test]
fn leftovers_are_told_by_directory() {
    let evidence = Image::new()
        .layer(
            Tar::default()
                .file("var/lib/apt/lists/a", 0o644, b"12345")
                .file("var/lib/apt/lists/b", 0o644, b"12345")
                .file("src/.git/HEAD", 0o644, b"ref")
                .file("app/__pycache__/x.pyc", 0o644, b"x")
                .file("var/lib/apt/lists/lock", 0o640, b""),
        )
        .gather();
    let left: Vec<(&str, u64)> =
        evidence.leftovers.iter().map(|fact| (fact.place.path.as_str(), fact.size)).collect();
    assert_eq!(left, [("src/.git", 3), ("var/lib/apt/lists", 10)]);
}

#[test]
fn the_cache_gives_the_same_evidence_without_reading_and_a_damaged_entry_is_a_miss() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = Cache::open(directory.path(), 10 << 20).expect("it can be made");
    let image = Image::new().layer(Tar::default().file("app/run", 0o755, &elf(62)).symlink("x", "app"));
    let (mut memory, reference) = image.store();
    let rules = Rules::built_in();
    let first = gather(&memory, &reference, &rules, Some(&cache), &|_| ()).expect("it can be read");
    let layer = memory.blobs.remove(&first.layers[0].digest).expect("the layer");
    assert_eq!(gather(&memory, &reference, &rules, Some(&cache), &|_| ()).expect("from the cache"), first);
    for entry in std::fs::read_dir(directory.path()).expect("it is there").flatten() {
        let mut bytes = std::fs::read(entry.path()).expect("it is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(entry.path(), bytes).expect("it can be written");
    }
    let error =
        gather(&memory, &reference, &rules, Some(&cache), &|_| ()).expect_err("the layer is not there");
    assert!(matches!(error, oci::Error::NotFound(_)), "{error}");
    memory.blobs.insert(first.layers[0].digest, layer);
    assert_eq!(gather(&memory, &reference, &rules, Some(&cache), &|_| ()).expect("read again"), first);
}
