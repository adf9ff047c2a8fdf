//! RPM's database in its three forms. SQLite's is written by `rpm` itself and Berkeley DB's by Berkeley DB's own loader;
//! ndb's is laid out here, since Debian's `rpm` cannot write it, around headers that `rpmbuild` made.

use crate::fixture::{Image, Tar};
use certify::evidence::{FaultKind, ImageEvidence, PackageKind, Place};
use certify::packages::rpm;
use proptest::collection::vec;
use proptest::prelude::*;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const SPEC: &str = "Name: edge-agent
Epoch: 2
Version: 1.4.0
Release: 3.el9
Summary: An agent
License: ASL 2.0
%description
An agent.
%package tools
Summary: Tools
License: GPLv2+ and (MIT or BSD-3-Clause)
BuildArch: noarch
%description tools
Tools with so many files that their header is longer than a page of any database.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/share/edge %{buildroot}/usr/lib/node_modules/edge
echo x > %{buildroot}/usr/bin/edge-agent
echo x > %{buildroot}/usr/lib/node_modules/edge/package.json
for i in $(seq 1 300); do echo $i > %{buildroot}/usr/share/edge/file-with-a-long-name-number-$i; done
%files
/usr/bin/edge-agent
/usr/lib/node_modules/edge/package.json
%files tools
/usr/share/edge
";

struct Databases {
    sqlite: Vec<u8>,
    ndb: Vec<u8>,
    bdb: Vec<u8>,
}

/// Runs one of Debian's programs; what is missing is told by name.
fn run(package: &str, command: &mut Command, input: &str) {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} of Debian's package {package} is needed: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("the program reads it");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn databases() -> &'static Databases {
    static ALL: OnceLock<Databases> = OnceLock::new();
    ALL.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        std::fs::write(root.join("edge.spec"), SPEC).expect("it can be written");
        let define = |name: &str, path: &Path| format!("{name} {}", path.display());
        let mut build = Command::new("rpmbuild");
        build.args(["-bb", "--quiet", "--define", &define("_topdir", root)]);
        build.args(["--define", &define("_dbpath", &root.join("none")), "--target", "x86_64"]);
        run("rpm", build.arg(root.join("edge.spec")), "");
        let files =
            ["x86_64/edge-agent-1.4.0-3.el9.x86_64.rpm", "noarch/edge-agent-tools-1.4.0-3.el9.noarch.rpm"]
                .map(|file| root.join("RPMS").join(file));
        let mut install = Command::new("rpm");
        install.args(["--define", "_db_backend sqlite", "--dbpath"]).arg(root.join("db"));
        install.args([
            "-i",
            "--justdb",
            "--nodeps",
            "--noscripts",
            "--ignoreos",
            "--ignorearch",
            "--nosignature",
        ]);
        run("rpm", install.args(&files), "");
        let sqlite = std::fs::read(root.join("db/rpmdb.sqlite")).expect("rpm wrote it");
        let headers: Vec<Vec<u8>> =
            files.iter().map(|file| header(&std::fs::read(file).expect("rpmbuild wrote it"))).collect();
        Databases { sqlite, ndb: ndb(&headers), bdb: bdb(&root.join("Packages"), &headers) }
    })
}

/// The header of a package file as databases hold it: after lead and signature, without its magic.
fn header(package: &[u8]) -> Vec<u8> {
    let size = |at: usize| {
        let int = |at: usize| u32::from_be_bytes(*package[at..].first_chunk().expect("four bytes")) as usize;
        16 + 16 * int(at + 8) + int(at + 12)
    };
    let signature = 96;
    let start = signature + size(signature).next_multiple_of(8);
    package[start + 8..start + size(start)].to_vec()
}

/// rpm, `lib/backend/ndb/rpmpkg.c`: a header of two slots, one page of slots, blobs in blocks of 16 bytes.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let int = |value: usize| u32::try_from(value).expect("small").to_le_bytes();
    let mut file = [b"RpmP", &int(0)[..], &int(1), &int(1), &int(headers.len() + 1), &[0; 12]].concat();
    let mut blobs = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        let block = (4096 + blobs.len()) / 16;
        let start = blobs.len();
        blobs.extend([b"BlbS", &int(index + 1)[..], &int(0), &int(header.len())].concat());
        blobs.extend_from_slice(header);
        blobs.resize((blobs.len() + 12).next_multiple_of(16) - 12, 0);
        blobs.extend([&int(0)[..], &int(header.len()), b"BlbE"].concat());
        file.extend([b"Slot", &int(index + 1)[..], &int(block), &int((blobs.len() - start) / 16)].concat());
    }
    while file.len() < 4096 {
        file.extend([b"Slot".as_slice(), &[0; 12]].concat());
    }
    file.extend(blobs);
    file
}

/// By key: 0 holds the last number, each further one a package.
fn bdb(path: &Path, headers: &[Vec<u8>]) -> Vec<u8> {
    let mut dump = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n".to_owned();
    dump += &format!(" 00000000\n {}\n", hex::encode([headers.len() as u8, 0, 0, 0]));
    for (index, header) in headers.iter().enumerate() {
        dump += &format!(" {}\n {}\n", hex::encode([index as u8 + 1, 0, 0, 0]), hex::encode(header));
    }
    dump += "DATA=END\n";
    run("db5.3-util", Command::new("db5.3_load").arg(path), &dump);
    std::fs::read(path).expect("db5.3_load wrote it")
}

fn gather(path: &str, database: &[u8]) -> ImageEvidence {
    Image::new()
        .layer(
            Tar::default()
                .file(path, 0o644, database)
                .file("etc/os-release", 0o644, b"ID=\"rocky\"\nVERSION_ID=\"9.3\"\n")
                .file(
                    "usr/lib/node_modules/edge/package.json",
                    0o644,
                    br#"{"name":"edge","version":"1.0.0"}"#,
                )
                .file("app/package.json", 0o644, br#"{"name":"own","version":"1.0.0","license":"MIT"}"#),
        )
        .gather()
}

#[test]
fn all_three_forms_give_the_same_packages() {
    let all = databases();
    for (path, database) in [
        ("var/lib/rpm/rpmdb.sqlite", &all.sqlite),
        ("usr/lib/sysimage/rpm/Packages.db", &all.ndb),
        ("var/lib/rpm/Packages", &all.bdb),
    ] {
        let evidence = gather(path, database);
        assert_eq!(evidence.faults, [], "{path}");
        let found = evidence.packages.iter().map(|package| {
            let url = certify::sbom::purl::of(package, evidence.distribution.as_ref());
            format!("{url} {:?} {:?}", package.source, package.licence)
        });
        // The npm package that an RPM package owns is not counted besides.
        insta::allow_duplicates! {
            insta::assert_snapshot!(found.collect::<Vec<_>>().join("\n"), @r#"
            pkg:npm/own@1.0.0 None Some("MIT")
            pkg:rpm/rocky/edge-agent@1.4.0-3.el9?arch=x86_64&distro=rocky-9.3&epoch=2 None Some("Apache-2.0")
            pkg:rpm/rocky/edge-agent-tools@1.4.0-3.el9?arch=noarch&distro=rocky-9.3&epoch=2 Some(("edge-agent", "2:1.4.0-3.el9")) Some("GPL-2.0-or-later AND (MIT OR BSD-3-Clause)")
            "#);
        }
    }
}

#[test]
fn a_database_that_a_later_layer_replaces_counts_alone() {
    let all = databases();
    let evidence = Image::new()
        .layer(Tar::default().file("var/lib/rpm/rpmdb.sqlite", 0o644, b"SQLite format 3\0, damaged"))
        .layer(Tar::default().file("var/lib/rpm/rpmdb.sqlite", 0o644, &all.sqlite))
        .gather();
    assert_eq!(evidence.faults, []);
    assert_eq!(evidence.packages.iter().filter(|package| package.kind == PackageKind::Rpm).count(), 2);
}

#[test]
fn what_cannot_be_read_is_said() {
    let all = databases();
    let faults = |path: &str, data: &[u8]| -> Vec<String> {
        let evidence = Image::new().layer(Tar::default().file(path, 0o644, data)).gather();
        let of_packages = evidence.faults.into_iter().filter(|fault| fault.kind == FaultKind::Packages);
        of_packages.map(|fault| fault.message).collect()
    };
    assert_eq!(
        faults("var/lib/rpm/Packages", b"nothing"),
        ["the package database cannot be read: it is neither SQLite, ndb nor a Berkeley DB hash"]
    );
    assert_eq!(faults("var/lib/rpm/rpmdb.sqlite", &all.sqlite[..8192]).len(), 1);
    assert_eq!(faults("var/lib/rpm/Packages", &all.bdb[..all.bdb.len() - 4096]).len(), 1);
    assert_eq!(faults("usr/lib/sysimage/rpm/Packages.db", &all.ndb[..5000]).len(), 1);
    assert_eq!(faults("var/lib/rpm/rpmdb.sqlite-wal", b"pages").len(), 1);
    assert_eq!(faults("var/lib/rpm/Name", b"an index").len(), 0);
}

#[test]
fn a_database_that_leads_in_circles_is_refused_at_once() {
    // Every slot leads to the one blob: 254 times its size is more than the file has.
    let mut circles = databases().ndb.clone();
    let slot: Vec<u8> = circles[48..64].to_vec();
    for at in (48..4096).step_by(16) {
        circles[at..at + 16].copy_from_slice(&slot);
    }
    let place = Place { layer: None, path: String::new() };
    let refused = rpm::read(&place, &circles).expect_err("it is refused");
    assert_eq!(refused, "its pages are used more than once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_databases_end(
        which in 0..3_usize,
        changes in vec((any::<usize>(), any::<u8>()), 0..12),
        in_headers in vec((0..200_usize, any::<u8>()), 0..4),
        length: Option<usize>,
    ) {
        let all = databases();
        let mut data = [&all.sqlite, &all.ndb, &all.bdb][which].clone();
        for (at, value) in changes {
            let at = at % data.len();
            data[at] = value;
        }
        for (at, value) in in_headers {
            data[at] = value;
        }
        data.truncate(length.map_or(data.len(), |length| length % (data.len() + 1)));
        let place = Place { layer: None, path: String::new() };
        let start = std::time::Instant::now();
        let found = rpm::read(&place, &data).map_or(0, |packages| packages.len());
        let _ = rpm::files(&data, &mut |_| ());
        prop_assert!(found <= 1000 && start.elapsed().as_secs() < 5);
    }

    #[test]
    fn any_bytes_end(bytes in vec(any::<u8>(), 0..2000), start in 0..4_usize) {
        let magic: [&[u8]; 4] = [b"", b"SQLite format 3\0\x02\x00\x01\x01\x00\x40\x20\x20", b"RpmP\0\0\0\0\0\0\0\0\x01\0\0\0", b"\0\0\0\0\0\0\0\0\0\0\0\0\x61\x15\x06\0\x09\0\0\0\0\x02\0\0"];
        let data = [magic[start], &bytes].concat();
        let _ = rpm::read(&Place { layer: None, path: String::new() }, &data);
        let _ = rpm::files(&data, &mut |_| ());
    }
}
