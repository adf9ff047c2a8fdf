//! Versions: each scheme is a total order over all texts.

use crate::input::Input;
use certify::advisories::versions::{LENGTH_MAX, Scheme};
use std::cmp::Ordering;

const SCHEMES: &[Scheme] = &[
    Scheme::Debian,
    Scheme::Alpine,
    Scheme::Rpm,
    Scheme::Pep440,
    Scheme::Semver,
    Scheme::Maven,
    Scheme::Go,
    Scheme::RubyGems,
    Scheme::NuGet,
    Scheme::Packagist,
];

/// Most versions of one input: all triples of them are compared.
const VERSIONS_MAX: usize = 6;

/// One byte for the scheme, then versions, each on a line.
pub fn versions(data: &[u8]) {
    let mut input = Input::new(data);
    let scheme = *input.choose(SCHEMES);
    let text = input.text();
    let versions: Vec<&str> = text.split('\n').take(VERSIONS_MAX).collect();
    for a in &versions {
        assert_eq!(scheme.compare(a, a), Ordering::Equal, "{a:?} is not equal to itself");
        assert!(!scheme.is_valid(a) || a.len() <= LENGTH_MAX);
        for b in &versions {
            let order = scheme.compare(a, b);
            assert_eq!(order, scheme.compare(b, a).reverse(), "{a:?} and {b:?}");
            match (scheme.is_valid(a), scheme.is_valid(b)) {
                (true, false) => assert_eq!(order, Ordering::Greater, "{a:?} can be read, {b:?} not"),
                (false, false) => assert_eq!(order, a.cmp(b)),
                _ => {}
            }
            for c in &versions {
                let (next, whole) = (scheme.compare(b, c), scheme.compare(a, c));
                match (order, next) {
                    (Ordering::Equal, _) => assert_eq!(whole, next, "{a:?} = {b:?}, {c:?}"),
                    (_, Ordering::Equal) => assert_eq!(whole, order, "{a:?}, {b:?} = {c:?}"),
                    _ if order == next => assert_eq!(whole, order, "{a:?}, {b:?}, {c:?}"),
                    _ => {}
                }
            }
        }
    }
}
