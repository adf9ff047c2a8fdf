//! `base-not-end-of-life`: the distribution and the language runtimes still get security fixes on the day of the
//! certification, by the dates of `data/end-of-life.txt`. A runtime that a distribution packages counts as part of it.

use super::{Case, Criterion, Judgement, Weight};
use crate::evidence::{ImageEvidence, PackageKind, Place};
use crate::report::{Finding, Severity, Where};
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Lines `product release last-day`; see there.
const DATA: &str = include_str!("../../data/end-of-life.txt");

/// The word before the day of the data.
const DATA_OF: &str = "data-of";

/// Days after which the report says that the data is old: two releases of most runtimes.
const DATA_DAYS_MAX: i32 = 365;

/// Variables by which the official images of runtimes state their version, and the runtime.
const VARIABLES: &[(&str, &str)] = &[
    ("ASPNET_VERSION", "dotnet"),
    ("DOTNET_VERSION", "dotnet"),
    ("GOLANG_VERSION", "go"),
    ("JAVA_VERSION", "openjdk"),
    ("NODE_VERSION", "node"),
    ("PHP_VERSION", "php"),
    ("PYTHON_VERSION", "python"),
    ("RUBY_VERSION", "ruby"),
];

pub(super) struct BaseNotEndOfLife;

/// Something whose support ends.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Base {
    product: &'static str,
    version: String,
    /// As people call it.
    name: String,
    place: Place,
}

impl Criterion for BaseNotEndOfLife {
    fn id(&self) -> &'static str {
        "base-not-end-of-life"
    }
    fn title(&self) -> &'static str {
        "The distribution and the language runtimes still get security fixes"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        if case.images.is_empty() {
            return Judgement::Errored("no image could be read".to_owned());
        }
        let (mut findings, mut unknown, mut judged) = (Vec::new(), BTreeSet::new(), false);
        for image in case.images {
            for base in bases(image, &mut unknown) {
                match end(base.product, &base.version) {
                    None => drop(unknown.insert(base.name)),
                    Some(End::On(day)) if day < case.today => {
                        judged = true;
                        findings.push(finding(image, &base, day));
                    }
                    Some(_) => judged = true,
                }
            }
        }
        let unknown: Vec<String> = unknown.into_iter().collect();
        if !judged {
            return Judgement::NotApplicable(match &unknown[..] {
                [] => "the image names no distribution, and no known language runtime is in it".to_owned(),
                names => format!("no end of support is known of {}", names.join(", ")),
            });
        }
        let remarks = [
            (!unknown.is_empty()).then(|| format!("no end of support is known of {}", unknown.join(", "))),
            age(case.today),
        ];
        let note = remarks.into_iter().flatten().collect::<Vec<_>>().join("; ");
        Judgement::Checked { findings, note: (!note.is_empty()).then_some(note) }
    }
}

/// The distribution and the runtimes of an image. What the data does not know by name is told apart.
fn bases(image: &ImageEvidence, unknown: &mut BTreeSet<String>) -> BTreeSet<Base> {
    let mut bases = BTreeSet::new();
    if let Some(distribution) = &image.distribution {
        let name = match distribution.pretty_name.as_str() {
            "" => format!("{} {}", distribution.id, distribution.version_id),
            pretty => pretty.to_owned(),
        };
        match product(&distribution.id) {
            Some(product) => drop(bases.insert(Base {
                product,
                version: distribution.version_id.clone(),
                name,
                place: Place { layer: None, path: "etc/os-release".to_owned() },
            })),
            None => drop(unknown.insert(name)),
        }
    }
    for package in &image.packages {
        let runtime = match (package.kind, package.name.as_str()) {
            (PackageKind::Generic, name @ ("node" | "python" | "openjdk")) => name,
            (PackageKind::Golang, "stdlib") => "go",
            (PackageKind::Nuget, name) if name.starts_with("Microsoft.NETCore.App.Runtime.") => "dotnet",
            _ => continue,
        };
        bases.extend(runtime_base(runtime, &package.version, package.place.clone()));
    }
    for variable in image.config.config.env.iter().flatten() {
        let Some((name, value)) = variable.split_once('=') else { continue };
        let Some((_, runtime)) = VARIABLES.iter().find(|(known, _)| *known == name) else { continue };
        // The variable of a lower image stays when the runtime is gone; what was found in files says more.
        if !bases.iter().any(|base| base.product == *runtime) {
            let place = Place { layer: None, path: format!("config.Env {name}") };
            bases.extend(runtime_base(runtime, value, place));
        }
    }
    bases
}

fn runtime_base(runtime: &str, version: &str, place: Place) -> Option<Base> {
    let version =
        version.trim_start_matches(['v', 'V']).trim_start_matches("jdk").trim_start_matches(['-', 'u']);
    // Java 8 calls itself 1.8.
    let version = match runtime {
        "openjdk" => version.strip_prefix("1.").unwrap_or(version),
        _ => version,
    };
    let product = product(runtime)?;
    Some(Base { product, version: version.to_owned(), name: format!("{runtime} {version}"), place })
}

fn finding(image: &ImageEvidence, base: &Base, day: Date) -> Finding {
    let newest = newest(base.product);
    Finding::advice(
        Severity::High,
        Where::file(image, &base.place),
        format!("{} has had no security fixes since {day}", base.name),
        format!(
            "build on a supported release of {}; {newest} is the newest that is known here",
            base.product
        ),
    )
}

/// When support ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The last day.
    On(Date),
    /// No end was announced when the data was made.
    Open,
}

/// Product, release and end, line by line.
fn releases() -> impl Iterator<Item = (&'static str, &'static str, End)> {
    let lines = DATA.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (product, rest) = line.split_once(' ')?;
        let (release, end) = rest.split_once(' ')?;
        let end = if end == "-" { End::Open } else { End::On(end.parse().ok()?) };
        Some((product, release, end))
    })
}

/// The data's own word for a product.
fn product(name: &str) -> Option<&'static str> {
    releases().map(|(product, ..)| product).find(|product| *product == name)
}

/// End of the release that a version belongs to: `3.19.1` to `3.19`, and `1.27.0` not to `1.2`.
fn end(product: &str, version: &str) -> Option<End> {
    let belongs = |release: &str| {
        let rest = version.strip_prefix(release);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
    };
    releases()
        .filter(|(known, release, _)| *known == product && belongs(release))
        .max_by_key(|(_, release, _)| release.len())
        .map(|(.., end)| end)
}

/// The last line of a product: releases stand in their order.
fn newest(product: &str) -> &'static str {
    releases().filter(|(known, ..)| *known == product).last().map_or("none", |(_, release, _)| release)
}

/// A remark when the data is old.
fn age(today: Date) -> Option<String> {
    let line = DATA.lines().find_map(|line| line.strip_prefix(DATA_OF))?;
    let day: Date = line.trim().parse().ok()?;
    let days = (today - day).get_days();
    (days > DATA_DAYS_MAX).then(|| format!("the ends of support are known as of {day}, {days} days ago"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use crate::evidence::{Distribution, Package};
    use jiff::civil::date;

    fn image(id: &str, version: &str) -> ImageEvidence {
        let distribution =
            Distribution { id: id.to_owned(), version_id: version.to_owned(), pretty_name: String::new() };
        ImageEvidence { distribution: Some(distribution), ..example::image() }
    }

    fn package(kind: PackageKind, name: &str, version: &str) -> Package {
        let [package] = &example::image().packages[..] else { panic!("the example has one package") };
        Package { kind, name: name.to_owned(), version: version.to_owned(), ..package.clone() }
    }

    fn messages(image: &ImageEvidence) -> Vec<String> {
        let findings = example::findings(example::judge_image(&BaseNotEndOfLife, image));
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn every_line_of_the_data_is_read() {
        let lines = DATA.lines().filter(|line| !line.is_empty() && !line.starts_with(['#']));
        let lines: Vec<&str> = lines.filter(|line| !line.starts_with(DATA_OF)).collect();
        assert_eq!(releases().count(), lines.len());
        assert!(VARIABLES.iter().all(|(_, runtime)| product(runtime).is_some()));
        assert_eq!(age(date(2026, 8, 23)), None);
        assert!(
            age(date(2028, 1, 1))
                .expect("old")
                .starts_with("the ends of support are known as of 2026-08-22, ")
        );
    }

    #[test]
    fn distributions_end_on_their_day() {
        assert_eq!(end("debian", "12"), Some(End::On(date(2028, 6, 30))));
        assert_eq!(end("alpine", "3.19.4"), Some(End::On(date(2025, 11, 1))));
        assert_eq!(end("almalinux", "9.4"), Some(End::On(date(2032, 5, 31))));
        assert_eq!(end("go", "1.2.1"), None);
        assert_eq!(end("go", "1.27rc1"), Some(End::Open));
        assert!(messages(&image("debian", "12")).is_empty());
        assert_eq!(
            messages(&image("alpine", "3.19.4")),
            ["alpine 3.19.4 has had no security fixes since 2025-11-01"]
        );
        // On the last day itself there may still be fixes.
        let last = image("alpine", "3.21.0");
        let case = |today| BaseNotEndOfLife.judge(&Case { today, ..example::case_of(&last) });
        assert_eq!(example::findings(case(date(2026, 11, 1))), []);
        assert_eq!(example::findings(case(date(2026, 11, 2))).len(), 1);
    }

    #[test]
    fn runtimes_are_known_by_their_files_or_by_the_variables_of_their_images() {
        let mut image = image("debian", "13");
        image.packages = vec![
            package(PackageKind::Generic, "python", "3.8.19"),
            package(PackageKind::Generic, "openjdk", "1.8.0_392-b08"),
            package(PackageKind::Golang, "stdlib", "1.21.3"),
            package(PackageKind::Nuget, "Microsoft.NETCore.App.Runtime.linux-x64", "6.0.36"),
            // The distribution's own, and a library that only has the name.
            package(PackageKind::Deb, "python3.8", "3.8.1-1"),
            package(PackageKind::Npm, "node", "8.0.0"),
        ];
        image.config.config.env = Some(
            ["NODE_VERSION=18.20.4", "PYTHON_VERSION=3.7.1", "RUBY_VERSION=9.9"].map(str::to_owned).to_vec(),
        );
        assert_eq!(
            messages(&image),
            [
                "dotnet 6.0.36 has had no security fixes since 2024-11-12",
                "go 1.21.3 has had no security fixes since 2024-08-13",
                "node 18.20.4 has had no security fixes since 2025-04-30",
                "python 3.8.19 has had no security fixes since 2024-10-07",
            ]
        );
        let Judgement::Checked { note, .. } = example::judge_image(&BaseNotEndOfLife, &image) else {
            panic!("not checked")
        };
        assert_eq!(note.as_deref(), Some("no end of support is known of ruby 9.9"));
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        let reason = |image: &ImageEvidence| match example::judge_image(&BaseNotEndOfLife, image) {
            Judgement::NotApplicable(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(&image("wolfi", "20230201")), "no end of support is known of wolfi 20230201");
        assert!(reason(&example::image()).starts_with("the image names no distribution"));
    }
}
