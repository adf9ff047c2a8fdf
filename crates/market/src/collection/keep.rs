//! Which tags of a repository are kept, and what submissions in flight need before any repository names it.

use crate::error::Result;
use crate::market::Market;
use crate::stage;
use crate::store::{deployments, unneeded as records};
use oci::manifest::Descriptor;
use offer::tags::{Tag, VersionTag};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What stands outside of the repositories' own records.
pub(super) struct Held {
    /// Digests that submissions in flight are about, with everything below them that is stored.
    pub flying: HashSet<String>,
    /// Offers with a submission in flight.
    offers: BTreeSet<(String, String)>,
    /// Publisher, offer, plan and tag of what is live here, and of what kept deployments pin: their links are permanent.
    live: BTreeSet<(String, String, String, String)>,
}

/// Whether a repository stays as it is: what exports and imports hold (`export/ID`, `import/ID`) is no image that tags lead to.
/// Of an import it is all that has come until it is finished, and then what later ones build on.
pub(super) fn is_whole(repository: &str) -> bool {
    matches!(repository.split('/').collect::<Vec<_>>()[..], ["export" | "import", _])
}

impl Market {
    /// What submissions in flight need, and what is live.
    pub(super) async fn flying(&self) -> Result<Held> {
        let mut c = self.store.read().await?;
        let offers = records::offers_in_flight(&mut c).await?;
        let mut live = records::live(&mut c).await?;
        live.extend(deployments::pinned(&mut c).await?);
        let roots = records::in_flight(&mut c).await?;
        drop(c);
        let mut flying = HashSet::new();
        for (.., digest, media_type, size) in roots {
            let (Ok(parsed), Ok(size)) = (digest.parse(), u64::try_from(size)) else { continue };
            let root = Descriptor::new(&media_type, parsed, size);
            flying.extend(stage::stored_below(&self.blobs, &root).await?);
            flying.insert(digest);
        }
        Ok(Held { flying, offers, live })
    }

    /// The tags of a repository that stay.
    pub(super) fn kept_tags(
        &self,
        repository: &str,
        tags: &BTreeMap<String, String>,
        held: &Held,
    ) -> BTreeSet<String> {
        let parts: Vec<&str> = repository.split('/').collect();
        let all = || tags.keys().cloned().collect();
        match parts[..] {
            // A preview without a submission that waits was withdrawn.
            ["preview", publisher, offer, _] => {
                match held.offers.contains(&(publisher.to_owned(), offer.to_owned())) {
                    true => all(),
                    false => BTreeSet::new(),
                }
            }
            [publisher, offer, plan] if publisher != "incoming" => {
                let versions = self.config.settings.keep_versions;
                if versions == 0 {
                    return all();
                }
                let is_live = |tag: &str| {
                    let [publisher, offer, plan, tag] = [publisher, offer, plan, tag].map(str::to_owned);
                    held.live.contains(&(publisher, offer, plan, tag))
                };
                retained(tags, versions, &is_live)
            }
            // What a publisher has tagged in its incoming scope is its own business.
            _ => all(),
        }
    }
}

/// `latest`, what is live, the greatest `versions` version tags with the platform tags of these versions, and other tags for
/// what all these point at.
fn retained(
    tags: &BTreeMap<String, String>,
    versions: usize,
    is_live: &dyn Fn(&str) -> bool,
) -> BTreeSet<String> {
    let mut by_version: Vec<(VersionTag, &String)> =
        tags.keys().filter_map(|tag| tag.parse().ok().map(|version| (version, tag))).collect();
    by_version.sort_by(|a, b| b.cmp(a));
    let newest: Vec<VersionTag> = by_version.iter().take(versions).map(|(version, _)| *version).collect();
    let first = |tag: &String| match tag.parse() {
        Ok(Tag::Latest) => true,
        Ok(Tag::Version(version)) => is_live(tag) || newest.contains(&version),
        Ok(Tag::Platform { major, minor, patch, .. }) => {
            let of = |version: &VersionTag| {
                (version.major, version.minor) == (major, minor) && patch.is_none_or(|p| p == version.patch)
            };
            is_live(tag) || newest.iter().any(of)
        }
        _ => is_live(tag),
    };
    let digests: HashSet<&String> =
        tags.iter().filter(|(tag, _)| first(tag)).map(|(_, digest)| digest).collect();
    let stays = |tag: &String, digest: &String| first(tag) || digests.contains(digest);
    tags.iter().filter(|(tag, digest)| stays(tag, digest)).map(|(tag, _)| tag.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_versions_and_what_is_live_stay() {
        let tags = [
            ("latest", "d"),
            ("1.0.0", "a"),
            ("1.2.0", "b"),
            ("1.10.0", "c"),
            ("2.0.0", "d"),
            ("1.2", "b"),
            ("1.10", "c"),
            ("1", "c"),
            ("2", "d"),
            ("1.0.0-linux-amd64", "a2"),
        ];
        let tags: BTreeMap<String, String> =
            tags.into_iter().map(|(tag, digest)| (tag.to_owned(), digest.to_owned())).collect();
        let kept = |versions, live: &'static [&str]| {
            let kept = retained(&tags, versions, &|tag| live.contains(&tag));
            kept.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(kept(1, &[]), "2 2.0.0 latest");
        assert_eq!(kept(2, &[]), "1 1.10 1.10.0 2 2.0.0 latest");
        assert_eq!(kept(1, &["1.2.0"]), "1.2 1.2.0 2 2.0.0 latest");
        assert_eq!(kept(9, &[]).split(' ').count(), 10, "a platform tag stays with its version");
    }
}
