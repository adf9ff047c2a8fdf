//! Judgements of small repositories, and a law for any.

use super::*;
use proptest::prelude::*;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// An index `i` of the image `m`, its signature `s`, an older image `o` with a tag, an image `n` without, and a blob `x`
/// that nothing refers to.
fn sample() -> (Content, HashMap<String, Vec<String>>) {
    let tags = [("latest", "i"), ("1.0.0", "o")].map(|(tag, digest)| (tag.to_owned(), digest.to_owned()));
    let manifests = [("i", None), ("m", None), ("s", Some("i")), ("o", None), ("n", None)]
        .map(|(digest, subject)| (digest.to_owned(), subject.map(str::to_owned)));
    let content = Content {
        tags: tags.into(),
        manifests: manifests.into(),
        blobs: set(&["base", "m1", "s1", "o1", "n1", "x"]),
    };
    let edges: [(&str, &[&str]); 5] = [
        ("i", &["m"]),
        ("m", &["base", "m1"]),
        ("s", &["s1"]),
        ("o", &["base", "o1"]),
        ("n", &["base", "n1"]),
    ];
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    (content, edges.map(|(digest, names)| (digest.to_owned(), owned(names))).into())
}

#[test]
fn what_tags_lead_to_and_what_refers_to_it_stays() {
    let (content, references) = sample();
    let all = judge(&content, &set(&["latest", "1.0.0"]), &HashSet::new(), &references, &|_, _| true);
    let unneeded = Names { tags: set(&[]), manifests: set(&["n"]), blobs: set(&["n1", "x"]) };
    assert_eq!(all, Judgement { unneeded: unneeded.clone(), expired: unneeded });
    let one = judge(&content, &set(&["latest"]), &HashSet::new(), &references, &|_, _| true);
    let gone = Names { tags: set(&["1.0.0"]), manifests: set(&["n", "o"]), blobs: set(&["n1", "o1", "x"]) };
    assert_eq!(one.expired, gone);
    let pinned = HashSet::from(["o".to_owned()]);
    let kept = judge(&content, &set(&["latest"]), &pinned, &references, &|_, _| true);
    assert_eq!(kept.unneeded.manifests, set(&["n"]), "what flies stays without its tag");
}

#[test]
fn what_stays_for_its_grace_keeps_what_it_leads_to() {
    let (content, references) = sample();
    let young = |names: &'static [&str]| move |_: &str, name: &str| !names.contains(&name);
    let kept = judge(&content, &set(&["latest"]), &HashSet::new(), &references, &young(&["1.0.0"]));
    assert_eq!(kept.expired, Names { tags: set(&[]), manifests: set(&["n"]), blobs: set(&["n1", "x"]) });
    assert_eq!(kept.unneeded.manifests, set(&["n", "o"]));
    let kept = judge(&content, &set(&["latest"]), &HashSet::new(), &references, &young(&["n"]));
    assert_eq!(kept.expired.blobs, set(&["o1", "x"]), "a manifest in its grace has its blobs");
    let none = judge(&content, &set(&["latest"]), &HashSet::new(), &references, &|_, _| false);
    assert!(none.expired.is_empty() && !none.unneeded.is_empty());
}

proptest! {
    /// Whatever stays, all that it leads to stays, too, and no tag points at what goes.
    #[test]
    fn nothing_that_stays_leads_to_what_goes(
        edges in prop::collection::vec((0u8..12, 0u8..12), 0..40),
        subjects in prop::collection::vec(prop::option::of(0u8..12), 8),
        tags in prop::collection::vec((0u8..6, 0u8..8), 0..6),
        keep in prop::collection::btree_set(0u8..6, 0..6),
        old in prop::collection::btree_set(0u8..12, 0..12),
    ) {
        let name = |n: u8| format!("d{n}");
        // The first eight are manifests, the others blobs.
        let manifests: BTreeMap<_, _> =
            (0..8).map(|n| (name(n), subjects[usize::from(n)].map(name))).collect();
        let mut references: HashMap<String, Vec<String>> = HashMap::new();
        for (from, to) in edges.iter().filter(|(from, _)| *from < 8) {
            references.entry(name(*from)).or_default().push(name(*to));
        }
        let tags: BTreeMap<_, _> = tags.iter().map(|(tag, to)| (format!("t{tag}"), name(*to))).collect();
        let content = Content { tags, manifests, blobs: (8..12).map(name).collect() };
        let keep: BTreeSet<String> = keep.iter().map(|tag| format!("t{tag}")).collect();
        let is_expired =
            |kind: &str, name: &str| kind == "tag" || old.contains(&name[1..].parse::<u8>().unwrap());
        let Judgement { unneeded, expired } =
            judge(&content, &keep, &HashSet::new(), &references, &is_expired);
        for (tag, digest) in &content.tags {
            prop_assert!(expired.tags.contains(tag) || !expired.manifests.contains(digest));
            prop_assert!(!(keep.contains(tag) && unneeded.manifests.contains(digest)));
        }
        for digest in content.manifests.keys().filter(|digest| !expired.manifests.contains(*digest)) {
            for to in references.get(digest).into_iter().flatten() {
                prop_assert!(!expired.manifests.contains(to) && !expired.blobs.contains(to));
            }
        }
        for (_, names) in expired.by_kind() {
            for name in names {
                prop_assert!(!names.is_empty() && is_expired("", name) || expired.tags.contains(name));
            }
        }
    }
}
