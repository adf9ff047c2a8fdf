//! Telemetry identifiers (spec `offer.md`: `publisher.offer.plan`) in content that speaks of an Azure IoT SDK's
//! `ProductInfo`.
//!
//! The pass knows no offer, because its evidence is kept for every offer that uses the layer. So it collects all that
//! could be an identifier, and the criterion looks among them for the offer's own. It collects only from files in which
//! one of [`LITERALS`] stands: the call that sets it, the option's name, or a settings file's key. In a source file, a
//! compiled class or assembly, or a program of C the identifier stands in the same file as that word, near it or not;
//! an identifier that is put together when the module runs, or comes from another file, is not found.

use crate::evidence::{Place, ProductInfo};
use memchr::memchr;
use offer::identity::{ID_CHARS_MAX, PlanId};
use std::collections::BTreeSet;

/// What wakes the search: `ProductInfo`, `productInfo`, `set_ProductInfo`, `product_info`.
pub(crate) const LITERALS: [&str; 2] = ["roductInfo", "roduct_info"];

/// Longest identifier in characters.
const CHARS_MAX: usize = 3 * ID_CHARS_MAX + 2;

/// Most identifiers that are kept of one layer. A bundle of scripts has some hundred words that look like one.
const KEPT_MAX: usize = 20_000;

/// What was collected of one layer.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    kept: usize,
    /// By file, in order of the archive.
    pub found: Vec<ProductInfo>,
}

impl Collector {
    /// Collects from one file or window.
    pub fn collect(&mut self, place: impl FnOnce() -> Place, path: &str, data: &[u8]) {
        let mut identifiers = BTreeSet::new();
        let room = KEPT_MAX - self.kept;
        // Text is bytes, and .NET keeps its string literals in UTF-16.
        let truncated = search::<1>(data, room, &mut identifiers) | search::<2>(data, room, &mut identifiers);
        if identifiers.is_empty() && !truncated {
            return;
        }
        self.kept += identifiers.len();
        match self.found.last_mut() {
            Some(last) if last.place.path == path => {
                last.identifiers.extend(identifiers);
                last.identifiers.sort();
                last.identifiers.dedup();
                last.truncated |= truncated;
            }
            // A layer that is full says so once.
            Some(last) if identifiers.is_empty() && last.truncated => {}
            _ => self.found.push(ProductInfo {
                place: place(),
                identifiers: identifiers.into_iter().collect(),
                truncated,
            }),
        }
    }
}

/// Adds each identifier whose characters stand `STEP` bytes apart, with zeros between them. Whether there were more than
/// `room`. Linear: each byte belongs to one run.
fn search<const STEP: usize>(data: &[u8], room: usize, found: &mut BTreeSet<String>) -> bool {
    let wanted = |at: usize| {
        let unit = data.get(at..at + STEP)?;
        let letter = matches!(unit[0], b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        (letter && unit[1..].iter().all(|&byte| byte == 0)).then_some(unit[0])
    };
    let mut done = 0;
    while let Some(next) = data.get(done..).and_then(|rest| memchr(b'.', rest)) {
        let dot = done + next;
        let mut start = dot;
        while start >= done + STEP && wanted(start - STEP).is_some() {
            start -= STEP;
        }
        let mut run = String::new();
        let mut end = start;
        while let Some(letter) = wanted(end) {
            if run.len() <= CHARS_MAX {
                run.push(char::from(letter));
            }
            end += STEP;
        }
        done = end.max(dot + 1);
        // Before a text in a compiled file stands its length, which may look like a part of it.
        let length = |first: &u8| !first.is_ascii_lowercase() || usize::from(*first) == run.len() - 1;
        let without_length = run.get(1..).filter(|_| STEP == 1 && run.as_bytes().first().is_some_and(length));
        for text in std::iter::once(run.as_str()).chain(without_length) {
            let text = text.trim_end_matches('.');
            if is_identifier(text) && !found.contains(text) {
                if found.len() >= room {
                    return true;
                }
                found.insert(text.to_owned());
            }
        }
    }
    false
}

/// Three IDs of an offer. Three numbers are a version, and would be most of what is found.
fn is_identifier(text: &str) -> bool {
    let mut parts = 0;
    let ids = text.split('.').all(|part| {
        parts += 1;
        parts <= 3 && part.parse::<PlanId>().is_ok()
    });
    ids && parts == 3 && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifiers(data: &[u8]) -> Vec<String> {
        let mut collector = Collector::default();
        let place = || Place { layer: None, path: "f".to_owned() };
        collector.collect(place, "f", data);
        collector.found.into_iter().flat_map(|info| info.identifiers).collect()
    }

    #[test]
    fn identifiers_are_found_in_sources_and_compiled_files() {
        let python = b"client = Client(product_info=\"acme.telemetry.standard\", v=\"1.2.3\", host='a.b')";
        assert_eq!(identifiers(python), ["acme.telemetry.standard"]);
        // A Java constant of 45 bytes: its length is a dash.
        assert_eq!(
            identifiers(b"\x01\x00-acme.vibration-monitor-of-pumps.standard-2025x"),
            ["acme.vibration-monitor-of-pumps.standard-2025x"]
        );
        // Of 51 bytes: its length is the digit 3, so both readings are kept.
        assert_eq!(identifiers(b"\x01\x003acme.t.s\x01"), ["3acme.t.s", "acme.t.s"]);
        let wide: Vec<u8> = "!acme.telemetry.free!".bytes().flat_map(|byte| [byte, 0]).collect();
        assert_eq!(identifiers(&wide), ["acme.telemetry.free"]);
        assert_eq!(identifiers(&[&[0][..], &wide].concat()), ["acme.telemetry.free"], "at any byte");
        assert_eq!(identifiers(b"Sets acme.t.s. It is acme.t.s/1.0 here"), ["acme.t.s"]);
    }

    #[test]
    fn what_is_no_identifier_is_left_out() {
        let long = format!("a.b.{}", "c".repeat(51));
        for text in ["a.b", "a.b.c.d", "A.b.c", "a..b", "-a.b.c-", "1.22.333", ".", "...", "a.-b.c", &long] {
            assert_eq!(identifiers(text.as_bytes()), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let many: String = (0..KEPT_MAX + 10).map(|number| format!("a.b.c{number} ")).collect();
        let mut collector = Collector::default();
        let place = |path: &str| Place { layer: None, path: path.to_owned() };
        collector.collect(|| place("f"), "f", many.as_bytes());
        collector.collect(|| place("g"), "g", many.as_bytes());
        let [only] = &collector.found[..] else { panic!("{}", collector.found.len()) };
        assert!(only.truncated && only.identifiers.len() == KEPT_MAX);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_searched(data in proptest::collection::vec(proptest::sample::select(b".a-0\0Z".to_vec()), 0..200)) {
            for identifier in identifiers(&data) {
                proptest::prop_assert!(is_identifier(&identifier));
            }
        }
    }
}
