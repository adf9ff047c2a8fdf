//! Where resolved tags must point: `latest` and rolling tags at the greatest version, several platforms through lists,
//! live versions where they pointed before.

use super::{RULE_IMMUTABLE, RULE_WELL_FORMED, ResolvedTag, ResolvedTags, Tag, VersionTag, versions};
use crate::finding::Finding;
use std::collections::{BTreeMap, BTreeSet};

/// Longest part of a digest's value that a message shows.
const DIGEST_CHARS_SHOWN: usize = 12;

/// The rules on where the listed `tags` point. `pointer` is the JSON pointer of the list of tags; `live` holds every
/// version of the plan that was ever live, with its digest. Tags that have no permitted form are passed over:
/// [`check_form`](super::check_form) reports them.
pub fn check_resolved(
    tags: &[String],
    pointer: &str,
    resolved: &ResolvedTags,
    live: &BTreeMap<VersionTag, String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut held = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, text) in tags.iter().enumerate() {
        let Ok(tag) = text.parse::<Tag>() else { continue };
        if !seen.insert(text) {
            continue;
        }
        let place = format!("{pointer}/{index}");
        match resolved.0.get(text) {
            Some(target) => held.push(Held { place, tag, target }),
            None => findings.push(Finding::error(
                RULE_WELL_FORMED,
                place,
                format!("the tag {text} is listed, but the repository does not hold it"),
                format!("push {text} to the repository, or remove it from the tags"),
            )),
        }
    }
    greatest_versions(&held, &mut findings);
    lists(&held, resolved, &mut findings);
    immutable(&held, live, &mut findings);
    findings
}

/// A listed tag that the repository holds.
struct Held<'a> {
    place: String,
    tag: Tag,
    target: &'a ResolvedTag,
}

fn greatest_versions(held: &[Held<'_>], findings: &mut Vec<Finding>) {
    let digests: BTreeMap<VersionTag, &str> = held
        .iter()
        .filter_map(|held| match held.tag {
            Tag::Version(version) => Some((version, held.target.digest.as_str())),
            _ => None,
        })
        .collect();
    for Held { place, tag, target } in held {
        let greatest = match tag {
            Tag::Latest => digests.last_key_value(),
            Tag::Rolling { .. } => digests.iter().rfind(|(version, _)| tag.rolls_over(**version)),
            Tag::Version(_) | Tag::Platform { .. } => continue,
        };
        let Some((version, digest)) = greatest else { continue };
        if *digest == target.digest {
            continue;
        }
        let points_at = digests.iter().rfind(|(_, digest)| **digest == target.digest);
        let found = points_at.map_or(String::new(), |(version, _)| format!(" (version {version})"));
        let among = if *tag == Tag::Latest { String::new() } else { format!(" under {tag}") };
        findings.push(Finding::error(
            RULE_WELL_FORMED,
            place.clone(),
            format!(
                "the tag {tag} points at {}{found}, but the greatest version{among} is {version} at {}",
                short(&target.digest),
                short(digest)
            ),
            format!("point {tag} at the digest of {version}, for example with skopeo copy --all, and publish again"),
        ));
    }
}

fn lists(held: &[Held<'_>], resolved: &ResolvedTags, findings: &mut Vec<Finding>) {
    let platforms = resolved.platforms();
    let tagged: BTreeSet<&str> = held.iter().map(|held| held.target.digest.as_str()).collect();
    for Held { place, tag, target } in held {
        if matches!(tag, Tag::Platform { .. }) {
            continue;
        }
        if platforms.len() > 1 && !target.is_list {
            let names: Vec<String> = platforms.iter().map(ToString::to_string).collect();
            findings.push(Finding::error(
                RULE_WELL_FORMED,
                place.clone(),
                format!(
                    "the tag {tag} points at a single image, but the plan supports {} platforms ({})",
                    names.len(),
                    names.join(", ")
                ),
                format!("point {tag} at an OCI index or a Docker manifest list that names an image for each platform"),
            ));
        }
        if !target.is_list {
            continue;
        }
        for image in &target.images {
            if image.platform.is_none() && !tagged.contains(image.digest.as_str()) {
                findings.push(Finding::error(
                    RULE_WELL_FORMED,
                    place.clone(),
                    format!(
                        "the list behind {tag} references the image {} without a platform, and no listed tag points at it",
                        short(&image.digest)
                    ),
                    "state the platform in the list's entry, or list a platform tag for the image, such as 1.0.0-linux-arm64",
                ));
            }
        }
    }
}

fn immutable(held: &[Held<'_>], live: &BTreeMap<VersionTag, String>, findings: &mut Vec<Finding>) {
    let Some((greatest_live, _)) = live.last_key_value() else { return };
    for Held { place, tag, target } in held {
        let Tag::Version(version) = tag else { continue };
        match live.get(version) {
            Some(digest) if *digest != target.digest => findings.push(Finding::error(
                RULE_IMMUTABLE,
                place.clone(),
                format!(
                    "the version tag {version} was live at {}, and now points at {}",
                    short(digest),
                    short(&target.digest)
                ),
                format!("point {version} at its live digest again, and give the new image a version greater than {greatest_live}"),
            )),
            None if version < greatest_live => findings.push(Finding::error(
                RULE_IMMUTABLE,
                place.clone(),
                format!("the new version {version} is less than {greatest_live}, which was live before"),
                format!("give the new image a version greater than {greatest_live}, or remove the tag {version}"),
            )),
            _ => {}
        }
    }
}

/// The greatest version tag among `tags`, if any.
pub fn greatest_version(tags: &[String]) -> Option<VersionTag> {
    let parsed: Vec<Tag> = tags.iter().filter_map(|tag| tag.parse().ok()).collect();
    versions(parsed.iter()).into_iter().max()
}

/// A digest as messages show it: the algorithm and the first characters of the value.
fn short(digest: &str) -> String {
    let (algorithm, value) = digest.split_once(':').unwrap_or(("", digest));
    let shown: String = value.chars().take(DIGEST_CHARS_SHOWN).collect();
    let more = if value.chars().count() > DIGEST_CHARS_SHOWN { "…" } else { "" };
    if algorithm.is_empty() { format!("{shown}{more}") } else { format!("{algorithm}:{shown}{more}") }
}
