//! References and locators.

use oci::manifest;
use oci::reference::{Locator, Reference};
use proptest::prelude::*;

#[test]
fn references_are_read_as_docker_reads_them() {
    let digest = format!("sha256:{}", "a".repeat(64));
    for (text, expected) in [
        ("alpine", "docker.io/library/alpine".to_owned()),
        ("acme/telemetry:1.0", "docker.io/acme/telemetry:1.0".to_owned()),
        ("index.docker.io/alpine:3", "docker.io/library/alpine:3".to_owned()),
        ("localhost/a", "localhost/a".to_owned()),
        ("localhost:5000/a/b/c:x", "localhost:5000/a/b/c:x".to_owned()),
        ("Registry/a", "Registry/a".to_owned()),
        ("[::1]:5000/a:1", "[::1]:5000/a:1".to_owned()),
        ("r.example.com/a__b/c---d/e.f_g:V-1.0_", "r.example.com/a__b/c---d/e.f_g:V-1.0_".to_owned()),
        (&format!("r.example/a@{digest}"), format!("r.example/a@{digest}")),
        (&format!("r.example/a:1@{digest}"), format!("r.example/a:1@{digest}")),
    ] {
        let reference: Reference = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(reference.to_string(), expected);
        assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
    }
    for text in [
        "",
        ":",
        "/",
        "a/",
        "/a",
        "a//b",
        "A",
        "a:",
        "a:-x",
        "a@sha256:12",
        "a@",
        "r.example",
        "r.example/",
        "a_-b",
        "a___b",
        "a..b",
        "-a",
        "r.example:0/a",
        "r.example:99999/a",
        "r.example:x/a",
        "-r.example/a",
        "[::g]/a",
        "a b",
        "é",
        "http://r.example/a",
        "r..example/a",
    ] {
        // A lone host is a repository of Docker Hub to Docker, too.
        if text == "r.example" {
            assert_eq!(text.parse::<Reference>().unwrap().repository(), "library/r.example");
            continue;
        }
        assert!(text.parse::<Reference>().is_err(), "{text:?} was accepted");
    }
    assert!(format!("r.example/{}", "a/".repeat(200) + "a").parse::<Reference>().is_err());
    assert!(format!("a:{}", "x".repeat(129)).parse::<Reference>().is_err());
}

#[test]
fn locators_are_read_as_skopeo_reads_them() {
    let directory = tempfile::tempdir().unwrap();
    let inside = |name: &str| directory.path().join(name).display().to_string();
    std::fs::create_dir(directory.path().join("with:colon")).unwrap();
    std::fs::write(directory.path().join("a.tar"), "").unwrap();
    let path = inside("with:colon");
    for text in [
        format!("oci:{path}"),
        format!("oci:{path}:1.0"),
        "oci:nowhere:1.0".to_owned(),
        "oci-archive:x.tar".to_owned(),
        "docker-archive:x.tar:acme/telemetry:1.0".to_owned(),
        "docker://r.example/a:1".to_owned(),
        inside("a.tar"),
    ] {
        let locator = Locator::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(locator.to_string(), text);
    }
    assert!(matches!(Locator::parse(&path).unwrap(), Locator::Layout { .. }));
    assert!(matches!(
        Locator::parse(&inside("a.tar:1")).unwrap(),
        Locator::Archive { reference: Some(_), .. }
    ));
    assert!(matches!(Locator::parse("alpine:3").unwrap(), Locator::Registry(_)));
    for text in ["oci:", "oci:x:", "docker://", "docker-daemon:x", "dir:x", "", "./nowhere"] {
        assert!(Locator::parse(text).is_err(), "{text:?} was accepted");
    }
}

proptest! {
    #[test]
    fn no_reference_panics_and_all_round_trip(text in "[a-zA-Z0-9.:/@_\\[\\]-]{0,60}|\\PC{0,30}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
        }
        let _ = Locator::parse(&text);
    }

    #[test]
    fn no_manifest_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-z0-9]{0,200}") {
        let _ = manifest::parse(&bytes, None);
        let _ = manifest::parse_config(&bytes);
        let _ = manifest::parse(text.as_bytes(), None);
        let _ = manifest::parse_config(text.as_bytes());
    }

    #[test]
    fn no_archive_panics(at in 0_usize..4096, value: u8, cut in 0_usize..6000) {
        let mut bytes = crate::build::tar(&[("oci-layout", &br#"{"imageLayoutVersion":"1.0.0"}"#[..]), ("index.json", b"{}")]);
        let length = bytes.len();
        bytes[at % length] = value;
        bytes.truncate(cut);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let _ = oci::source::layout::LayoutSource::open_archive(file.path(), None);
        let _ = oci::source::docker_archive::DockerArchiveSource::open(file.path(), None);
    }
}
