//! Parsers of hostile bytes: none panics, and each ends.

use crate::fixture::{Image, Tar, eicar, gzip, zip};
use certify::evidence::Place;
use certify::tarwalk::Walker;
use certify::{binary, files, packages};
use proptest::collection::vec;
use proptest::prelude::*;

fn walk(bytes: &[u8]) -> usize {
    let mut walker = Walker::new(bytes);
    let mut entries = 0;
    while let Ok(Some(_)) = walker.next_entry() {
        let mut data = Vec::new();
        let _ = walker.read_data(100, &mut data);
        entries += 1;
    }
    entries
}

/// Bytes with some of them changed, and cut somewhere.
fn mutate(mut bytes: Vec<u8>, changes: &[(usize, u8)], length: usize) -> Vec<u8> {
    for (at, value) in changes {
        let at = at % bytes.len();
        bytes[at] = *value;
    }
    bytes.truncate(length % (bytes.len() + 1));
    bytes
}

fn whole_tar() -> Vec<u8> {
    let archive = zip(&[("b.tar.gz", &gzip(&Tar::default().file("e", 0o644, &eicar()).end()))]);
    Tar::default()
        .entry(b"././@LongLink", b'L', 0o644, b"", &[b'n'; 200])
        .file("short", 0o4755, b"x")
        .entry(b"pax", b'x', 0o644, b"", b"14 path=a/b/c\n")
        .file("s", 0o755, &archive)
        .symlink("l", "s")
        .end()
}

/// A list of one package for each reader of text.
const SOUND: &[(&str, &str)] = &[
    ("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n\n"),
    ("lib/apk/db/installed", "P:a\nV:1\nL:MIT\n\n"),
    ("a/package.json", r#"{"name":"a","version":"1","license":{"type":"MIT"}}"#),
    ("package-lock.json", r#"{"packages":{"node_modules/a":{"version":"1","license":"MIT","dev":false}}}"#),
    ("b/package-lock.json", r#"{"dependencies":{"a":{"version":"1","dependencies":{}}}}"#),
    ("composer.lock", r#"{"packages":[{"name":"v/a","version":"1","license":["MIT"]}]}"#),
    ("vendor/composer/installed.json", r#"[{"name":"v/a","version":"1"}]"#),
    ("a.deps.json", r#"{"libraries":{"A/1":{"type":"package"}}}"#),
    ("specifications/a-1.gemspec", "# stub: a 1 ruby lib\n\n  s.licenses = [\"MIT\".freeze]\n"),
    ("a.dist-info/METADATA", "Name: a\nVersion: 1\nLicense-Expression: MIT\n\n"),
    ("opt/java/release", "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.1\"\n"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tar_walk_ends(bytes in vec(any::<u8>(), 0..4000)) {
        walk(&bytes);
    }

    #[test]
    fn the_tar_walk_ends_on_damaged_archives(changes in vec((any::<usize>(), any::<u8>()), 0..8), length: usize) {
        prop_assert!(walk(&mutate(whole_tar(), &changes, length)) <= 10);
    }

    #[test]
    fn a_damaged_layer_is_evidence(changes in vec((any::<usize>(), any::<u8>()), 0..8), length: usize) {
        Image::new().raw_layer(mutate(whole_tar(), &changes, length)).gather();
    }

    #[test]
    fn damaged_archives_inside_files_are_evidence(changes in vec((any::<usize>(), any::<u8>()), 0..8), length: usize) {
        let inner = gzip(&Tar::default().file("e", 0o644, &eicar()).end());
        let zipped = mutate(zip(&[("a", b"1"), ("b.tar.gz", &inner)]), &changes, length);
        let zst = mutate(zstd::stream::encode_all(&eicar()[..], 1).expect("memory"), &changes, length);
        let damaged = mutate(inner, &changes, length);
        let tar = Tar::default().file("a.zip", 0o644, &zipped).file("b.gz", 0o644, &damaged).file("c.zst", 0o644, &zst);
        prop_assert_eq!(Image::new().layer(tar).gather().layers[0].entries, 3);
    }

    #[test]
    fn package_readers_end(bytes in vec(any::<u8>(), 0..2000), text in "(Package|Name|Version|P|V|Status|[a-z{}\":,\\[ ])*(:|\n| )[ -~\n]{0,300}") {
        for path in [
            "var/lib/dpkg/status", "lib/apk/db/installed", "a/package.json", "x.dist-info/METADATA", "y.egg-info",
            "package-lock.json", "composer.lock", "vendor/composer/installed.json", "x.deps.json", "opt/java/release",
            "specifications/a.gemspec", "var/lib/rpm/Packages",
        ] {
            let place = Place { layer: None, path: path.to_owned() };
            for data in [&bytes[..], text.as_bytes()] {
                prop_assert!(packages::read(&place, data).is_some());
            }
        }
        let place = Place { layer: None, path: String::new() };
        let marked = [b"\x7fELF.dep-v0", &bytes[..]].concat();
        let _ = packages::rust::read(&place, &marked);
        prop_assert!(packages::go::find(&bytes).is_none());
    }

    #[test]
    fn damaged_lists_of_packages_end(
        which in 0..SOUND.len(),
        changes in vec((any::<usize>(), any::<u8>()), 0..8),
        length: usize,
        cut: bool,
    ) {
        let (path, sound) = SOUND[which];
        let place = Place { layer: None, path: path.to_owned() };
        let whole = packages::read(&place, sound.as_bytes()).expect("it is a list's path");
        prop_assert_eq!(whole.map(|found| found.len()), Ok(1));
        let length = if cut { length } else { sound.len() };
        let read = packages::read(&place, &mutate(sound.as_bytes().to_vec(), &changes, length));
        prop_assert!(read.expect("the path decides").map_or(0, |found| found.len()) <= 2);
    }

    #[test]
    fn damaged_java_archives_are_evidence(changes in vec((any::<usize>(), any::<u8>()), 0..8), length: usize) {
        let inner = zip(&[("META-INF/maven/g/a/pom.properties", b"groupId=g\nartifactId=a\nversion=1\n")]);
        let members: [(&str, &[u8]); 2] = [("META-INF/MANIFEST.MF", b"Implementation-Version: 1\r\n"), ("lib/a-1.jar", &inner)];
        let tar = Tar::default().file("a.jar", 0o644, &mutate(zip(&members), &changes, length));
        prop_assert!(Image::new().layer(tar).gather().packages.len() <= 3);
    }

    #[test]
    fn headers_of_programs_end(bytes in vec(any::<u8>(), 0..600), class in 1..3_u8, order in 1..3_u8) {
        let _ = binary::header(&[b"\x7fELF", &[class, order][..], &bytes].concat());
        let _ = binary::header(&[b"MZ", &bytes[..]].concat());
    }

    #[test]
    fn names_have_no_way_up(raw in vec(prop_oneof![Just(b'.'), Just(b'/'), any::<u8>()], 0..60)) {
        let name = files::name(&raw);
        prop_assert!(name.path.split('/').all(|part| part != ".."));
        prop_assert!(!name.path.starts_with('/') && !name.path.ends_with('/'));
    }
}
