//! The literals that wake a rule or a secret's examination, in as few searchers as vector instructions allow, and one
//! pass over the bytes for all of them. It knows neither files nor what is done with a hit.

use super::WAKES;
use crate::product_info;
use crate::secrets;
use aho_corasick::{AhoCorasick, packed};

/// What a literal wakes.
#[derive(Clone, Copy)]
pub(crate) enum Wake<'a> {
    Malware,
    /// The kinds of secrets that have this literal.
    Secret(&'a [&'static secrets::Kind]),
    ProductInfo,
}

/// A wake that a literal owns.
enum Woken {
    Malware,
    Secret(Vec<&'static secrets::Kind>),
    ProductInfo,
}

/// Most literals of one packed searcher; beyond 64 there is none, and the fewer, the fewer false candidates.
const GROUP_MAX: usize = 48;

/// Bytes that all searchers look at, one after the other, before the next are touched: they stay in the first cache.
const CHUNK_BYTES: usize = 16 << 10;

/// All literals.
pub(crate) struct Literals {
    /// By literal.
    wakes: Vec<Woken>,
    /// With vector instructions: several GB/s each. With the number of the first literal.
    packed: Vec<(packed::Searcher, usize)>,
    /// On CPUs without them.
    automaton: Option<Box<AhoCorasick>>,
    longest: usize,
}

impl Literals {
    pub(crate) fn new() -> Literals {
        let mut all: Vec<(Vec<u8>, Woken)> = Vec::new();
        for wake in WAKES {
            all.push((hex::decode(wake).expect("constants are hexadecimal"), Woken::Malware));
        }
        for (literal, kinds) in secrets::literals() {
            all.push((literal.as_bytes().to_vec(), Woken::Secret(kinds)));
        }
        for literal in product_info::LITERALS {
            all.push((literal.as_bytes().to_vec(), Woken::ProductInfo));
        }
        // The shortest literal of a group decides how many bytes its filter compares, so they stand together.
        all.sort_by(|a, b| (a.0.len(), &a.0).cmp(&(b.0.len(), &b.0)));
        let longest = all.iter().map(|(literal, _)| literal.len()).max().unwrap_or(1);
        let (literals, wakes): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let packed: Option<Vec<_>> = literals
            .chunks(GROUP_MAX)
            .enumerate()
            .map(|(group, literals)| {
                let searcher = packed::Config::new()
                    .match_kind(packed::MatchKind::LeftmostFirst)
                    .builder()
                    .extend(literals)
                    .build()?;
                Some((searcher, group * GROUP_MAX))
            })
            .collect();
        let automaton = packed.is_none().then(|| {
            Box::new(AhoCorasick::new(&literals).expect("some dozens of short literals fit in any automaton"))
        });
        Literals { wakes, packed: packed.unwrap_or_default(), automaton, longest }
    }

    /// Calls `found` for each literal, in order, with what it wakes and where it begins.
    pub(crate) fn find<'a>(&'a self, data: &[u8], mut found: impl FnMut(Wake<'a>, usize)) {
        let wake = |literal: usize| match &self.wakes[literal] {
            Woken::Secret(kinds) => Wake::Secret(kinds),
            Woken::ProductInfo => Wake::ProductInfo,
            Woken::Malware => Wake::Malware,
        };
        if let Some(automaton) = &self.automaton {
            for hit in automaton.find_iter(data) {
                found(wake(hit.pattern().as_usize()), hit.start());
            }
            return;
        }
        let mut hits: Vec<(usize, usize)> = Vec::new();
        let mut begin = 0;
        while begin < data.len() {
            let end = data.len().min(begin + CHUNK_BYTES);
            // A literal that begins in this chunk may end in the next.
            let chunk = &data[begin..data.len().min(end + self.longest - 1)];
            for (searcher, first) in &self.packed {
                for hit in searcher.find_iter(chunk) {
                    if begin + hit.start() < end {
                        hits.push((begin + hit.start(), first + hit.pattern().as_usize()));
                    }
                }
            }
            hits.sort_unstable();
            for (at, literal) in hits.drain(..) {
                found(wake(literal), at);
            }
            begin = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_literal_is_found_wherever_it_begins_and_in_order() {
        let literals = Literals::new();
        let mut data = vec![b'.'; 3 * CHUNK_BYTES];
        let mut at = 7;
        let mut expected = Vec::new();
        for (literal, _) in secrets::literals() {
            for begin in [at, CHUNK_BYTES - literal.len() / 2] {
                let mut one = vec![b'.'; 3 * CHUNK_BYTES];
                one[begin..begin + literal.len()].copy_from_slice(literal.as_bytes());
                let mut places = Vec::new();
                literals.find(&one, |_, at| places.push(at));
                assert_eq!(places, [begin], "{literal}");
            }
            data[at..at + literal.len()].copy_from_slice(literal.as_bytes());
            expected.push(at);
            at += literal.len() + 1;
        }
        let mut places = Vec::new();
        literals.find(&data, |_, at| places.push(at));
        assert_eq!(places, expected);
    }
}
