//! Forms of tags, and where they must point.

use offer::tags::{
    ResolvedImage, ResolvedTag, ResolvedTags, Tag, VersionTag, check_form, check_resolved, greatest_version,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn list(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

/// Tag → letter of its digest; a capital letter is a list of two platforms.
fn resolved(tags: &[(&str, char)]) -> ResolvedTags {
    let image = |letter, platform: &str| ResolvedImage {
        digest: digest(letter),
        platform: Some(platform.parse().unwrap()),
    };
    let target = |letter: char| match letter.is_uppercase() {
        true => ResolvedTag {
            digest: digest(letter.to_ascii_lowercase()),
            is_list: true,
            images: vec![image('8', "linux/amd64"), image('9', "linux/arm64")],
        },
        false => {
            ResolvedTag { digest: digest(letter), is_list: false, images: vec![image(letter, "linux/amd64")] }
        }
    };
    ResolvedTags(tags.iter().map(|(tag, letter)| ((*tag).to_owned(), target(*letter))).collect())
}

fn said(tags: &[&str], resolved: &ResolvedTags, live: &[(&str, char)]) -> Vec<String> {
    let live: BTreeMap<VersionTag, String> =
        live.iter().map(|(tag, letter)| (tag.parse().unwrap(), digest(*letter))).collect();
    check_resolved(&list(tags), "/plans/0/tags", resolved, &live)
        .into_iter()
        .map(|f| format!("{} {}: {} | {}", f.rule, f.pointer, f.message, f.hint))
        .collect()
}

#[test]
fn the_permitted_forms() {
    assert_eq!("latest".parse(), Ok(Tag::Latest));
    assert_eq!("1.0.10".parse(), Ok(Tag::Version(VersionTag { major: 1, minor: 0, patch: 10 })));
    assert_eq!("0".parse(), Ok(Tag::Rolling { major: 0, minor: None }));
    assert_eq!("1.2".parse(), Ok(Tag::Rolling { major: 1, minor: Some(2) }));
    let suffix = "linux-arm32v7".to_owned();
    let platform = Tag::Platform { major: 1, minor: 0, patch: Some(1), suffix };
    assert_eq!("1.0.1-linux-arm32v7".parse(), Ok(platform));
    assert!("1.0-windows_amd64".parse::<Tag>().is_ok());
}

#[test]
fn other_forms_are_refused() {
    for text in [
        "",
        "Latest",
        "v1.0.0",
        "1.0.0.0",
        "01.0.0",
        "1.00.0",
        "1..0",
        "1.0.0-",
        "1-linux",
        "1.0.0-a b",
        "1.0.0+b",
        "-1",
        "1.-1.0",
        "１.0.0",
        "4294967296.0.0",
        "stable",
    ] {
        assert!(text.parse::<Tag>().is_err(), "{text}");
    }
    assert!(format!("1.0.0-{}", "a".repeat(123)).parse::<Tag>().is_err());
    assert!("1.0.0-linux".parse::<VersionTag>().is_err());
}

#[test]
fn versions_are_ordered_as_numbers() {
    assert_eq!(greatest_version(&list(&["latest", "1.9.0", "1.10.0", "1.2", "x"])), "1.10.0".parse().ok());
    assert_eq!(greatest_version(&list(&["latest"])), None);
}

#[test]
fn all_faults_of_form_at_once() {
    let findings = check_form(&list(&["v1.0.0", "1.2", "1.2"]), "/plans/0/tags");
    let said: Vec<_> =
        findings.iter().map(|f| format!("{}: {} | {}", f.pointer, f.message, f.hint)).collect();
    assert_eq!(
        said,
        [
            "/plans/0/tags/0: the tag \"v1.0.0\" has none of the permitted forms | write 1.0.0, without the letter v; \
             permitted are latest, X.Y.Z, X.Y, X, X.Y-suffix and X.Y.Z-suffix",
            "/plans/0/tags/2: the tag 1.2 is listed twice | remove one of the two",
            "/plans/0/tags: the tag latest is not listed | add latest to the tags; it must point at the same digest as \
             the greatest version",
            "/plans/0/tags: no version tag is listed | add a tag of the form X.Y.Z, for example 1.0.0",
            "/plans/0/tags/1: the rolling tag 1.2 has no version under it | list a version tag that begins with 1.2., or \
             remove 1.2",
        ]
    );
    assert_eq!(check_form(&list(&["latest", "1.0.0", "1.0", "1", "1.0-linux-amd64"]), ""), []);
}

#[test]
fn latest_and_rolling_point_at_the_greatest_version() {
    let tags = ["latest", "1.0.0", "1.1.0", "1", "1.0"];
    let good = resolved(&[("latest", 'b'), ("1.0.0", 'a'), ("1.1.0", 'b'), ("1", 'b'), ("1.0", 'a')]);
    assert_eq!(said(&tags, &good, &[]), [] as [&str; 0]);
    let bad = resolved(&[("latest", 'a'), ("1.0.0", 'a'), ("1.1.0", 'b'), ("1", 'c')]);
    assert_eq!(
        said(&tags, &bad, &[]),
        [
            "tags-well-formed /plans/0/tags/4: the tag 1.0 is listed, but the repository does not hold it | push 1.0 to \
             the repository, or remove it from the tags",
            "tags-well-formed /plans/0/tags/0: the tag latest points at sha256:aaaaaaaaaaaa… (version 1.0.0), but the \
             greatest version is 1.1.0 at sha256:bbbbbbbbbbbb… | point latest at the digest of 1.1.0, for example with \
             skopeo copy --all, and publish again",
            "tags-well-formed /plans/0/tags/3: the tag 1 points at sha256:cccccccccccc…, but the greatest version under 1 \
             is 1.1.0 at sha256:bbbbbbbbbbbb… | point 1 at the digest of 1.1.0, for example with skopeo copy --all, and \
             publish again",
        ]
    );
}

#[test]
fn several_platforms_need_lists() {
    let tags = ["latest", "1.0.0", "1.1.0", "1.1.0-linux-arm64"];
    let good = resolved(&[("latest", 'B'), ("1.0.0", 'A'), ("1.1.0", 'B'), ("1.1.0-linux-arm64", '9')]);
    assert_eq!(said(&tags, &good, &[]), [] as [&str; 0]);
    let bad = resolved(&[("latest", 'B'), ("1.0.0", 'a'), ("1.1.0", 'B'), ("1.1.0-linux-arm64", '9')]);
    let said = said(&tags, &bad, &[]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(
        "1.0.0 points at a single image, but the plan supports 2 platforms (linux/amd64, linux/arm64)"
    ));
}

#[test]
fn an_image_that_nothing_names_is_reported() {
    let mut tags = resolved(&[("latest", 'A'), ("1.0.0", 'A')]);
    for tag in tags.0.values_mut() {
        tag.images.push(ResolvedImage { digest: digest('7'), platform: None });
    }
    let findings = said(&["latest", "1.0.0"], &tags, &[]);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].contains("references the image sha256:777777777777… without a platform"));
}

#[test]
fn live_versions_stay_and_new_ones_are_greater() {
    let tags = ["latest", "1.0.0", "1.0.1", "1.2.0"];
    let now = resolved(&[("latest", 'd'), ("1.0.0", 'b'), ("1.0.1", 'c'), ("1.2.0", 'd')]);
    assert_eq!(
        said(&tags, &now, &[("1.0.0", 'a'), ("1.1.0", 'e')]),
        [
            "version-tags-immutable /plans/0/tags/1: the version tag 1.0.0 was live at sha256:aaaaaaaaaaaa…, and now points \
             at sha256:bbbbbbbbbbbb… | point 1.0.0 at its live digest again, and give the new image a version greater than \
             1.1.0",
            "version-tags-immutable /plans/0/tags/2: the new version 1.0.1 is less than 1.1.0, which was live before | give \
             the new image a version greater than 1.1.0, or remove the tag 1.0.1",
        ]
    );
}

proptest! {
    #[test]
    fn parsing_never_panics_and_round_trips(text in "[0-9a-z.\\-_é]{0,20}") {
        if let Ok(tag) = text.parse::<Tag>() {
            prop_assert_eq!(tag.to_string(), text);
        }
    }

    #[test]
    fn permitted_tags_parse(major: u32, minor: u32, patch: u32, suffix in "[a-zA-Z0-9._-]{1,40}") {
        let version = VersionTag { major, minor, patch };
        prop_assert_eq!(version.to_string().parse(), Ok(version));
        let tag = Tag::Platform { major, minor, patch: Some(patch), suffix };
        prop_assert_eq!(tag.to_string().parse(), Ok(tag));
    }
}
