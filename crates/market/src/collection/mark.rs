//! What of a repository is needed, and what may go: pure, over the repository's records, what its manifests refer to, and
//! since when something has not been needed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A repository as it is recorded. Digests are text, as in the records.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// Tag → digest.
    pub tags: BTreeMap<String, String>,
    /// Digest → subject.
    pub manifests: BTreeMap<String, Option<String>>,
    pub blobs: BTreeSet<String>,
}

/// Tags, manifests or blobs of a repository, by their names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub tags: BTreeSet<String>,
    pub manifests: BTreeSet<String>,
    pub blobs: BTreeSet<String>,
}

impl Names {
    /// Each kind's name in the records, with its names.
    pub fn by_kind(&self) -> [(&'static str, &BTreeSet<String>); 3] {
        [("tag", &self.tags), ("manifest", &self.manifests), ("blob", &self.blobs)]
    }

    pub fn is_empty(&self) -> bool {
        self.by_kind().iter().all(|(_, names)| names.is_empty())
    }
}

/// What is to happen to a repository.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Nothing needs it.
    pub unneeded: Names,
    /// That part of it that goes now.
    pub expired: Names,
}

/// Judges a repository. Needed is what `keep` says of tags, the `pinned` digests, what these refer to, and what refers to
/// them. `references` has config, layers and children of each manifest; `is_expired` says whether something of this kind and
/// name was not needed for the whole grace period. What stays for any reason keeps what it refers to, so that no manifest
/// is left that leads to nothing.
pub(super) fn judge(
    content: &Content,
    keep: &BTreeSet<String>,
    pinned: &HashSet<String>,
    references: &HashMap<String, Vec<String>>,
    is_expired: &dyn Fn(&str, &str) -> bool,
) -> Judgement {
    let referrers = referrers(content);
    let roots = content.tags.iter().filter(|(tag, _)| keep.contains(*tag)).map(|(_, digest)| digest);
    let pinned = content.manifests.keys().filter(|digest| pinned.contains(*digest));
    let needed = reach(roots.chain(pinned), content, references, &referrers);
    let beyond = |names: &BTreeSet<String>| names.difference(&needed).cloned().collect();
    let manifests: BTreeSet<String> = content.manifests.keys().cloned().collect();
    let unneeded = Names {
        tags: content.tags.keys().filter(|tag| !keep.contains(*tag)).cloned().collect(),
        manifests: beyond(&manifests),
        blobs: beyond(&content.blobs),
    };
    let tags: BTreeSet<String> = unneeded.tags.iter().filter(|tag| is_expired("tag", tag)).cloned().collect();
    let tagged = content.tags.iter().filter(|(tag, _)| !tags.contains(*tag)).map(|(_, digest)| digest);
    let young = unneeded.manifests.iter().filter(|digest| !is_expired("manifest", digest));
    let staying = reach(tagged.chain(young).chain(needed.iter()), content, references, &referrers);
    let old = |kind, names: &BTreeSet<String>| {
        let goes = |name: &&String| !staying.contains(*name) && is_expired(kind, name);
        names.iter().filter(goes).cloned().collect()
    };
    let expired =
        Names { tags, manifests: old("manifest", &unneeded.manifests), blobs: old("blob", &unneeded.blobs) };
    Judgement { unneeded, expired }
}

/// Subject → what refers to it.
fn referrers(content: &Content) -> HashMap<&str, Vec<&str>> {
    let mut found: HashMap<&str, Vec<&str>> = HashMap::new();
    for (digest, subject) in &content.manifests {
        if let Some(subject) = subject {
            found.entry(subject).or_default().push(digest);
        }
    }
    found
}

/// Everything that these lead to.
fn reach<'a>(
    roots: impl Iterator<Item = &'a String>,
    content: &Content,
    references: &HashMap<String, Vec<String>>,
    referrers: &HashMap<&str, Vec<&str>>,
) -> BTreeSet<String> {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut stack: Vec<&str> = roots.map(String::as_str).collect();
    while let Some(digest) = stack.pop() {
        if !reached.insert(digest.to_owned()) {
            continue;
        }
        if content.manifests.contains_key(digest) {
            stack.extend(references.get(digest).into_iter().flatten().map(String::as_str));
        }
        stack.extend(referrers.get(digest).into_iter().flatten());
    }
    reached
}

#[cfg(test)]
mod tests;
