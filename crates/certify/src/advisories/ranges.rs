//! Whether a version is affected (OSV schema, *Evaluation*): by a range, or because it is enumerated. Versions are
//! compared by the ecosystem's scheme alone.

use super::osv::{Event, Range};
use super::versions::Scheme;
use std::cmp::Ordering;

/// A version that is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The version with which it is repaired, where the record states one.
    pub fixed: Option<String>,
}

/// Whether the version is affected. A version that the scheme cannot read is affected only where it is enumerated.
pub fn affected(scheme: Scheme, ranges: &[Range], versions: &[String], version: &str) -> Option<Hit> {
    let readable = scheme.is_valid(version);
    let mut hit: Option<Hit> = None;
    for range in ranges.iter().filter(|_| readable) {
        if let Some(fixed) = in_range(scheme, range, version) {
            // Several ranges hold where a package has several streams: only the last repair ends them all.
            let later = match (hit.take().map(|hit| hit.fixed), fixed) {
                (Some(Some(a)), Some(b)) if scheme.compare(&a, &b) == Ordering::Less => Some(b),
                (Some(Some(a)), Some(_)) => Some(a),
                (Some(None), _) | (_, None) => None,
                (None, fixed) => fixed,
            };
            hit = Some(Hit { fixed: later });
        }
    }
    if hit.is_some() {
        return hit;
    }
    let same = |other: &String| other == version || (readable && equal(scheme, other, version));
    versions.iter().any(same).then(|| Hit { fixed: next_fix(scheme, ranges, version) })
}

/// The enumerated versions that no range holds: the others need not be kept.
pub fn outside(scheme: Scheme, ranges: &[Range], versions: Vec<String>) -> Vec<String> {
    let inside = |version: &String| {
        scheme.is_valid(version) && ranges.iter().any(|range| in_range(scheme, range, version).is_some())
    };
    versions.into_iter().filter(|version| !inside(version)).collect()
}

fn equal(scheme: Scheme, a: &str, b: &str) -> bool {
    scheme.is_valid(a) && scheme.compare(a, b) == Ordering::Equal
}

/// `Some` when the range holds the version, with the event that ends it. An end that the scheme cannot read ends
/// nothing: rather a finding too many than one too few.
fn in_range(scheme: Scheme, range: &Range, version: &str) -> Option<Option<String>> {
    let is_before = |limit: &str| limit == "*" || scheme.compare(version, limit) == Ordering::Less;
    let mut limits = range
        .iter()
        .filter_map(|event| if let Event::Limit(limit) = event { Some(limit) } else { None })
        .peekable();
    if limits.peek().is_some() && !limits.any(|limit| is_before(limit)) {
        return None;
    }
    let mut events: Vec<&Event> = range.iter().filter(|event| readable(scheme, event)).collect();
    events.sort_by(|a, b| order(scheme, a, b));
    let (mut inside, mut end) = (false, None);
    for event in events {
        match event {
            Event::Introduced(from) => {
                if from == "0" || scheme.compare(version, from) != Ordering::Less {
                    (inside, end) = (true, None);
                }
            }
            Event::Fixed(fixed) => {
                if scheme.compare(version, fixed) != Ordering::Less {
                    inside = false;
                } else if inside && end.is_none() {
                    end = Some(fixed.clone());
                }
            }
            Event::LastAffected(last) => {
                if scheme.compare(version, last) == Ordering::Greater {
                    inside = false;
                }
            }
            Event::Limit(_) => {}
        }
    }
    inside.then_some(end)
}

fn readable(scheme: Scheme, event: &Event) -> bool {
    match event {
        Event::Fixed(version) | Event::LastAffected(version) => scheme.is_valid(version),
        Event::Introduced(_) | Event::Limit(_) => true,
    }
}

/// By version; `introduced: 0` is before all, and what ends at a version is before what begins with it.
fn order(scheme: Scheme, a: &Event, b: &Event) -> Ordering {
    let key = |event: &Event| match event {
        Event::Introduced(version) if version == "0" => (0, 0, String::new()),
        Event::Introduced(version) => (1, 2, version.clone()),
        Event::Fixed(version) => (1, 1, version.clone()),
        Event::LastAffected(version) => (1, 3, version.clone()),
        Event::Limit(version) => (2, 0, version.clone()),
    };
    let (a, b) = (key(a), key(b));
    a.0.cmp(&b.0).then_with(|| scheme.compare(&a.2, &b.2)).then_with(|| a.1.cmp(&b.1))
}

/// The least repaired version after this one.
fn next_fix(scheme: Scheme, ranges: &[Range], version: &str) -> Option<String> {
    let fixes = ranges.iter().flatten().filter_map(|event| match event {
        Event::Fixed(fixed) if scheme.is_valid(fixed) => Some(fixed),
        _ => None,
    });
    fixes
        .filter(|fixed| scheme.compare(fixed, version) == Ordering::Greater)
        .min_by(|a, b| scheme.compare(a, b))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn introduced(version: &str) -> Event {
        Event::Introduced(version.to_owned())
    }
    fn fixed(version: &str) -> Event {
        Event::Fixed(version.to_owned())
    }
    fn hits(range: &[Event], all: &[&str]) -> Vec<String> {
        let ranges = [range.to_vec()];
        let hit = |version: &&str| {
            affected(Scheme::Semver, &ranges, &[], version)
                .map(|hit| format!("{version}→{}", hit.fixed.as_deref().unwrap_or("-")))
        };
        all.iter().filter_map(hit).collect()
    }
    const ALL: &[&str] = &["0.9.0", "1.0.0", "1.5.0", "2.0.0", "2.1.0", "3.0.0"];

    #[test]
    fn events_are_evaluated_in_the_order_of_versions() {
        let two = [fixed("3.0.0"), introduced("2.0.0"), fixed("1.5.0"), introduced("0")];
        assert_eq!(hits(&two, ALL), ["0.9.0→1.5.0", "1.0.0→1.5.0", "2.0.0→3.0.0", "2.1.0→3.0.0"]);
        let last = [introduced("1.0.0"), Event::LastAffected("2.0.0".to_owned())];
        assert_eq!(hits(&last, ALL), ["1.0.0→-", "1.5.0→-", "2.0.0→-"]);
        assert_eq!(hits(&[introduced("2.0.0")], ALL), ["2.0.0→-", "2.1.0→-", "3.0.0→-"]);
        let limit = |limit: &str| [introduced("0"), Event::Limit(limit.to_owned())];
        assert_eq!(hits(&limit("1.0.0"), ALL), ["0.9.0→-"]);
        assert_eq!(hits(&limit("*"), ALL).len(), ALL.len());
        assert!(hits(&[], ALL).is_empty());
        assert!(hits(&[fixed("2.0.0")], ALL).is_empty());
    }

    #[test]
    fn an_end_that_cannot_be_read_ends_nothing() {
        assert_eq!(hits(&[introduced("0"), fixed("nonsense")], &["1.0.0"]), ["1.0.0→-"]);
    }

    #[test]
    fn enumerated_versions_count_beside_ranges() {
        let versions = ["1.0".to_owned(), "weird".to_owned()];
        let ranges = [vec![introduced("5"), fixed("6")]];
        let hit = |version| affected(Scheme::Pep440, &ranges, &versions, version);
        assert_eq!(hit("1.0.0"), Some(Hit { fixed: Some("6".to_owned()) }));
        assert_eq!(hit("weird"), Some(Hit { fixed: Some("6".to_owned()) }));
        assert_eq!(hit("odd"), None);
        assert_eq!(outside(Scheme::Pep440, &ranges, vec!["5.1".to_owned(), "1.0".to_owned()]), ["1.0"]);
    }

    #[test]
    fn of_several_streams_the_last_repair_counts() {
        let stream = |end: &str| vec![introduced("0"), fixed(end)];
        let ranges = [stream("2.8.5-11.el8_3"), stream("2.8.5-11.el8_5"), stream("2.8.5-11.el8_4")];
        let hit = affected(Scheme::Rpm, &ranges, &[], "2.8.5-10.el8");
        assert_eq!(hit.and_then(|hit| hit.fixed).as_deref(), Some("2.8.5-11.el8_5"));
    }

    proptest! {
        #[test]
        fn the_enumerated_that_a_range_holds_are_not_needed(
            from in 0u8..9, to in 0u8..9, versions in proptest::collection::vec(0u8..9, 0..6), asked in 0u8..9,
        ) {
            let ranges = [vec![introduced(&format!("{from}.0.0")), fixed(&format!("{to}.0.0"))]];
            let versions: Vec<String> = versions.iter().map(|number| format!("{number}.0.0")).collect();
            let kept = outside(Scheme::Semver, &ranges, versions.clone());
            let asked = format!("{asked}.0.0");
            prop_assert_eq!(
                affected(Scheme::Semver, &ranges, &versions, &asked).is_some(),
                affected(Scheme::Semver, &ranges, &kept, &asked).is_some()
            );
        }
    }
}
