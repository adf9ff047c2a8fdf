//! Versions of each ecosystem: orders that its own documentation or tool states, and that every scheme is a total order.

use certify::advisories::versions::{LENGTH_MAX, Scheme};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::process::Command;

const SCHEMES: [Scheme; 10] = [
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

/// Checks every pair of a table such as `1.0 = 1 < 1.1 < 2`.
fn ascending(scheme: Scheme, table: &str) {
    let places = table.split(" < ").enumerate();
    let flat: Vec<(usize, &str)> =
        places.flat_map(|(place, equal)| equal.split(" = ").map(move |version| (place, version))).collect();
    for (place, a) in &flat {
        assert!(scheme.is_valid(a), "{scheme:?} {a}");
        for (other, b) in &flat {
            assert_eq!(scheme.compare(a, b), place.cmp(other), "{scheme:?} {a} {b}");
        }
    }
}

fn invalid(scheme: Scheme, versions: &[&str]) {
    for version in versions {
        assert!(!scheme.is_valid(version), "{scheme:?} {version}");
        assert_eq!(scheme.compare(version, "0"), Ordering::Less, "{scheme:?} {version}");
    }
}

#[test]
fn debian() {
    // Debian policy § 5.6.12 (`~~`, `~~a`, `~`, nothing, `a`), deb-version(7), and versions of the archive.
    ascending(Scheme::Debian, "0~~ < 0~~a < 0~ < 0 = 0:0 = 0-0 = 00 < 0a < 0+b1 < 1 < 1:0");
    ascending(
        Scheme::Debian,
        "1.0~rc1-1 < 1.0 < 1.0-1~deb12u1 < 1.0-1 = 1.0-01 < 1.0-1+b1 < 1.0-1+deb12u1 < 1.0-1.1 < \
         1.0-2 < 1.0+dfsg-1 < 1.0.1-1 < 1.2.3-1 < 1.10-1 < 1:0.1 < 2:0",
    );
    ascending(Scheme::Debian, "2.36-9+deb12u3 < 2.36-9+deb12u10 < 2.37-1 < git20200101-1");
    invalid(Scheme::Debian, &["", "1.0-", ":1", "a:1", "1:", "1 0", "1_0", "1.0-1:2", "é"]);
}

#[test]
fn alpine() {
    // apk-tools' own test/version.data, and packages of Alpine and Wolfi.
    ascending(
        Scheme::Alpine,
        "0.1.0_alpha < 0.1.0_alpha1 < 0.1.0_alpha2 < 0.1.0_alpha10 < 0.1.0_beta < 0.1.0_pre1 < \
         0.1.0_rc1 < 0.1.0_rc2 < 0.1.0 < 0.1.0-r1 < 0.1.0-r10 < 0.1.0_cvs20060508 < 0.1.0_git20240102 \
         < 0.1.0_p1 < 0.1.0_p1_p1 < 0.1.0a < 0.1.0b-r3 < 0.1.1 < 0.12 < 1.0 < 1.0.0 < 1.1 < 1.1.01 < \
         1.1.1 < 1.2 < 1.10 < 3.1.4-r5 < 12.0",
    );
    ascending(Scheme::Alpine, "1.2.3_rc1_p1 < 1.2.3-r0 < 1.2.3~0a1b-r0 < 1.2.3~0a1c-r0");
    invalid(Scheme::Alpine, &["", "a", "1.", "1_foo", "1-1", "1-r", "1.0bc", "1~", "1~xyz", ".1"]);
}

#[test]
fn rpm() {
    // rpm's own tests/rpmvercmp.at, rpm-version(7), and packages of AlmaLinux.
    ascending(
        Scheme::Rpm,
        "1.0 = 1_0 = 1.0. = 01.0 < 2.0 < 2.0.1 < 2.0.1a < 5.5p1 < 5.5p2 < 5.5p10 < 6.0.rc1 < 6.1",
    );
    ascending(Scheme::Rpm, "xyz10 < xyz10.1 < 1");
    ascending(Scheme::Rpm, "10xyz < 10.1xyz < 10.2 < 20101121 < 20101122");
    ascending(Scheme::Rpm, "1.0~rc1~git123 < 1.0~rc1 < 1.0~rc2 < 1.0 < 1.0^ < 1.0^git1 < 1.0^git1a < 1.0.1");
    ascending(Scheme::Rpm, "1.0^git1~pre < 1.0^git1 < 1.0^git1^x");
    ascending(Scheme::Rpm, "2.34 < 2.34-60.el9 < 2.34-60.el9_2.7 < 2.34-100.el9");
    ascending(Scheme::Rpm, "9.9-1 = 0:9.9-1 = :9.9-1 = (none):9.9-1 < 1:0.1 < 1:0.1-1 < 1:1.1.1k-12.el8_9");
    invalid(Scheme::Rpm, &["", "x:1", "1:"]);
}

#[test]
fn pep440() {
    // PEP 440, *Summary of permitted suffixes and relative ordering*; alternatives as `packaging` reads them.
    ascending(
        Scheme::Pep440,
        "1.dev0 = 1.0.dev = 1.DEV0 < 1.0.dev456 < 1.0a1.dev1 < 1.0a1 = 1.0-alpha.1 = 1.0.ALPHA_1 < \
         1.0a2.dev456 < 1.0a12.dev456 < 1.0a12 < 1.0b1.dev456 < 1.0b2 = 1.0beta2 < \
         1.0b2.post345.dev456 < 1.0b2.post345 = 1.0b2-345 < 1.0rc1.dev456 < 1.0rc1 = 1.0c1 = 1.0pre1 \
         = 1.0preview1 < 1.0 = 1 = 1.0.0 = v1.0 = 01.0 < 1.0+abc.5 = 1.0+ABC-5 < 1.0+abc.7 < 1.0+5 < \
         1.0.post456.dev34 < 1.0.post456 = 1.0-456 = 1.0.rev456 = 1.0r456 < 1.0.1 < 1.0.15 < 1.1.dev1 \
         < 1!0.5 = 1!0.5.0",
    );
    ascending(Scheme::Pep440, "1.0.99999999999999999999999999 < 1.0.100000000000000000000000000");
    invalid(Scheme::Pep440, &["", "a", "1.0-", "1.0x", "1.0+", "1.0+a..b", "2004d", "1..0", "!1", "1.0 .1"]);
}

#[test]
fn semver() {
    // SemVer 2.0.0 § 11, and OSV's laxness.
    ascending(
        Scheme::Semver,
        "0 = 0.0.0 = v0 < 0.1 < 1.0.0-0 < 1.0.0-1 < 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < \
         1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0 = 1 = 1.0 = =1.0.0 = \
         V1.0.0+b.1 < 1.9.0 < 1.10.0 < 2.0.0 < 99999999999999999999999.0.0",
    );
    invalid(
        Scheme::Semver,
        &["", "x", "1.2.3.4", "1.0.0-", "1.0.0-a..b", "1.0.0+", "1.0.0+a_b", "^1.0", "1.x"],
    );
}

#[test]
fn maven() {
    // The POM reference's examples, and ComparableVersionTest.
    ascending(
        Scheme::Maven,
        "1-alpha-1 = 1-alpha1 = 1-a1 = 1alpha1 = 1.0-alpha-1 = 1.0.0.alpha1 < 1-beta-2 = 1b2 < \
         1-milestone-1 = 1m1 < 1-rc1 = 1-cr1 = 1-RC-1 < 1-SNAPSHOT = 1.0.0-snapshot < 1 = 1.0 = 1.0.0 \
         = 1-ga = 1.0-final = 1.0.0.RELEASE = 1.0-0 = 01 < 1-sp < 1-abc < 1-xyz < 1-1 = 1-1.0 < 1-2 < \
         1-123 < 1.0.1 < 1.1 < 1.2.9 < 1.10",
    );
    ascending(Scheme::Maven, "31.1-android < 31.1-jre < 32.0.0-jre");
    ascending(Scheme::Maven, "2.9.10 < 2.9.10.1 < 2.9.10.8 < 2.10.0");
    // A cycle of older ComparableVersions is none here.
    ascending(Scheme::Maven, "1.0.alpha < 1 < 1-1");
    assert!(Scheme::Maven.is_valid("what.ever-é") && !Scheme::Maven.is_valid(" "));
}

#[test]
fn go() {
    // go.dev/ref/mod#pseudo-versions, and the Go vulnerability database's spelling of Go's releases.
    ascending(
        Scheme::Go,
        "v0.0.0-20180102030405-abcdef123456 < 0.0.0-20240102030405-abcdef123456 < \
         v1.2.3-pre.0.20191109021931-daa7c04131f5 < v1.2.3 = 1.2.3 < \
         v1.2.4-0.20191109021931-daa7c04131f5 < v1.2.4 < v2.0.0+incompatible = 2.0.0 < v2.0.1",
    );
    ascending(
        Scheme::Go,
        "1.20.14 = go1.20.14 < 1.21.0-0 < 1.21.0-beta.1 = go1.21beta1 < 1.21.0-rc.2 = go1.21rc2 < \
         1.21.0-rc.10 = go1.21rc10 < 1.21.0 = go1.21 = go1.21.0-fips < 1.21.3 = go1.21.3",
    );
    assert_eq!(Scheme::Go.compare("go1.22.5 X:boringcrypto", "1.22.5"), Ordering::Equal);
    invalid(Scheme::Go, &["", "(devel)", "go", "gold", "go1.21rc", "go1.2.3.4", "master"]);
}

#[test]
fn rubygems() {
    // Gem::Version's documentation and tests.
    ascending(
        Scheme::RubyGems,
        "1.a = 1.0.a = 1.0.0.a.0 < 1.0.a.1 = 1.0.a1 < 1.0.a.2 < 1.0.a10 < 1.0.b1 < 1.0",
    );
    ascending(
        Scheme::RubyGems,
        "1.0-1 = 1.0.pre.1 < 1.0.rc1 = 1.0.rc.1 < 1 = 1.0 = 1.0.0 = 01 < 1.8.2.a < 1.8.2.a9 < \
         1.8.2.a10 < 1.8.2.b < 1.8.2 < 1.8.10 < 5.0.0.rc2 < 5.x < 5.0",
    );
    invalid(Scheme::RubyGems, &["", "a", "1..0", "1.", "1.0-", "1 2", "v1.0", "1.0+1", "1_0"]);
}

#[test]
fn nuget() {
    // NuGet's *Package versioning*, and VersionComparerTests.
    ascending(
        Scheme::NuGet,
        "1.0.0-1 < 1.0.0-alpha = 1.0-ALPHA < 1.0.0-alpha.1 < 1.0.0-beta.2 < 1.0.0-beta.11 < \
         1.0.0-open < 1.0.0-RC < 1.0.0-zzz < 1 = 1.0 = 1.0.0 = 1.0.0.0 = 1.0.0+meta = v1.00 < 1.0.0.1 \
         < 1.0.1 < 1.1 < 13.0.3",
    );
    invalid(Scheme::NuGet, &["", "1.2.3.4.5", "a", "1.0-", "1.*", "1.0.0-a_b"]);
}

#[test]
fn packagist() {
    // Composer's VersionParserTest and PHP's version_compare.
    ascending(
        Scheme::Packagist,
        "1.0.0-dev = 1.0-dev = 1.0.0.0-dev < 1.0.0-alpha < 1.0.0-alpha1 = 1.0.0a1 = 1.0-alpha.1 < \
         1.0.0-beta1-dev < 1.0.0-beta1 = v1.0b1 < 1.0.0-beta2 < 1.0.0-RC1 = 1.0rc1 < 1.0 = 1.0.0 = \
         v1.0.0.0 = 1.0.0-stable = 1.0.0+sha < 1.0.0-patch1 = 1.0.0-pl1 = 1.0.0p1 < 1.0.0.1 < 1.0.1 < \
         1.2 < 1.x-dev = 1.X-dev < 2.0 < 2010.01.02 < 20100102 < 20100102.0 < 20100102.203040",
    );
    invalid(
        Scheme::Packagist,
        &["", "dev-main", "main", "1.x", "1.0-foo", "1.0-", "1.0.0.0.0", "1.0.0-alpha-x"],
    );
}

#[test]
fn every_ecosystem_of_the_data_has_its_scheme() {
    let of = Scheme::of_ecosystem;
    assert_eq!(of("Debian:12"), Some(Scheme::Debian));
    assert_eq!(of("Ubuntu:22.04:LTS"), Some(Scheme::Debian));
    assert_eq!(of("Alpine:v3.19"), Some(Scheme::Alpine));
    assert_eq!(of("Red Hat:rhel_eus:8.6::appstream"), Some(Scheme::Rpm));
    assert_eq!(of("crates.io"), Some(Scheme::Semver));
    assert_eq!(of("Linux"), None);
    assert_eq!(of(""), None);
}

/// dpkg's own verdict.
fn dpkg(a: &str, b: &str) -> Ordering {
    let holds = |relation: &str| {
        let mut command = Command::new("dpkg");
        let status =
            command.args(["--compare-versions", a, relation, b]).stderr(std::process::Stdio::null()).status();
        status.expect("these tests need dpkg (Debian package dpkg)").success()
    };
    match (holds("lt"), holds("gt")) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

/// Something like a version of one of the ecosystems, made of pieces that matter to some of them.
fn version() -> impl Strategy<Value = String> {
    let pieces = [
        "0",
        "00",
        "1",
        "2",
        "9",
        "01",
        "10",
        "99999999999999999999",
        "a",
        "b",
        "rc",
        "RC",
        "alpha",
        "beta",
        "dev",
        "post",
        "p",
        "pre",
        "ga",
        "sp",
        "final",
        "snapshot",
        "x",
        ".",
        ".",
        ".",
        "-",
        "-",
        "_",
        "~",
        "^",
        "+",
        ":",
        "!",
        "-r",
        "_p",
        "_rc",
        "v",
        "go",
        "é",
        "\u{130}",
        " ",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..8).prop_map(|pieces| pieces.concat())
}

/// A numeric version with some suffix, so that most are valid and near each other.
fn near() -> impl Strategy<Value = String> {
    let suffix = [
        "", "-1", "-a", ".a", "a1", "~a", "^a", "-rc.1", "rc1", ".0", ".0.1", "-0.1", "_p1", "_rc1", "-r1",
        "+b1", ".dev1", "-dev",
    ];
    let suffixes = prop::collection::vec(prop::sample::select(suffix.to_vec()), 0..3);
    ("[01](\\.[01]){0,3}", suffixes).prop_map(|(core, suffixes)| core + &suffixes.concat())
}

fn any_version() -> impl Strategy<Value = String> {
    prop_oneof![4 => near(), 3 => version(), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn every_scheme_is_a_total_order(a in any_version(), b in any_version(), c in any_version()) {
        for scheme in SCHEMES {
            let compare = |a: &str, b: &str| scheme.compare(a, b);
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse(), "{:?}", scheme);
            let mut sorted = [&a, &b, &c];
            sorted.sort_by(|a, b| compare(a, b));
            let [a, b, c] = sorted;
            let (first, second, whole) = (compare(a, b), compare(b, c), compare(a, c));
            prop_assert!(first.is_le() && second.is_le(), "{:?} {:?}", scheme, sorted);
            // Equal versions are equal to all others alike.
            prop_assert_eq!(whole, first.then(second), "{:?} {:?}", scheme, sorted);
            prop_assert!(!scheme.is_valid(a) || scheme.is_valid(c), "{:?}: the unreadable come first", scheme);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn debian_versions_are_ordered_as_dpkg_orders_them(a in "([01]:)?[01][01a~.+]{0,4}(-[01a~.+]{1,3})?", b in "([01]:)?[01][01a~.+]{0,4}(-[01a~.+]{1,3})?") {
        prop_assert_eq!(Scheme::Debian.compare(&a, &b), dpkg(&a, &b));
    }
}

#[test]
fn long_versions_cost_little_and_are_not_valid() {
    let long = |piece: &str| piece.repeat(4 << 20);
    let started = std::time::Instant::now();
    for scheme in SCHEMES {
        for piece in ["1", "1.", "1-", "a1", "~", "^", ":", "0"] {
            let (a, b) = (long(piece), long(piece) + "1");
            assert!(!scheme.is_valid(&a));
            assert_eq!(scheme.compare(&a, &b), Ordering::Less);
            let longest = &a[..LENGTH_MAX];
            assert_eq!(scheme.compare(longest, longest), Ordering::Equal);
        }
    }
    assert!(started.elapsed().as_secs() < 10);
}
