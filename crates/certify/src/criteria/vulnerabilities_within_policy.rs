//! `vulnerabilities-within-policy`: no package has a vulnerability as bad as the policy's table `[vulnerabilities]` says,
//! by default a critical one with a repaired version; the others are listed. It also says which data is old and which
//! packages were not compared. What the advisories say was gathered before.

use super::{Case, Criterion, Judgement, Weight};
use crate::advisories::Vulnerabilities;
use crate::advisories::matching::Vulnerability;
use crate::evidence::ImageEvidence;
use crate::report::{Finding, Severity, Where};
use jiff::civil::Date;
use offer::policy::{VulnerabilityPolicy, VulnerabilitySeverity};
use std::collections::BTreeMap;

pub(super) struct VulnerabilitiesWithinPolicy;

impl Criterion for VulnerabilitiesWithinPolicy {
    fn id(&self) -> &'static str {
        "vulnerabilities-within-policy"
    }
    fn title(&self) -> &'static str {
        "No package has a vulnerability that the policy does not allow"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let known = match data(case) {
            Ok(known) => known,
            Err(judgement) => return judgement,
        };
        let policy = &case.policy.vulnerabilities;
        let mut unchecked: BTreeMap<&str, usize> = BTreeMap::new();
        for (why, count) in known.images.iter().flat_map(|image| &image.unchecked) {
            *unchecked.entry(why).or_default() += count;
        }
        if policy.data_required
            && let Some((why, _)) = unchecked.iter().find(|(why, _)| why.ends_with("were imported"))
        {
            return Judgement::Errored(format!("{why}, and the policy requires them"));
        }
        let mut findings: Vec<Finding> =
            unchecked.iter().map(|(why, count)| not_compared(why, *count)).collect();
        findings.extend(known.sources.iter().filter_map(|source| {
            old_data(&source.name, source.day_or_import(), case.today, policy.data_max_age_days)
        }));
        for (image, of_image) in case.images.iter().zip(&known.images) {
            findings.extend(of_image.found.iter().map(|vulnerability| {
                let finding = finding(image, vulnerability);
                Finding { blocking: fails(policy, vulnerability), ..finding }
            }));
        }
        Judgement::of(findings)
    }
}

/// What the advisories say, or what to answer without them.
pub(super) fn data<'a>(case: &Case<'a>) -> Result<&'a Vulnerabilities, Judgement> {
    if case.images.is_empty() {
        return Err(Judgement::Errored("no image could be read".to_owned()));
    }
    let Some(known) = case.vulnerabilities else {
        let why = "no vulnerability data was imported; `edgemarket advisories import FILE…` takes OSV zips and directories";
        return Err(match case.policy.vulnerabilities.data_required {
            true => Judgement::Errored(why.to_owned()),
            false => Judgement::NotApplicable(why.to_owned()),
        });
    };
    match &known.fault {
        Some(fault) => Err(Judgement::Errored(fault.clone())),
        None => Ok(known),
    }
}

/// A VEX document says that it does no harm.
pub(super) fn is_excused(vulnerability: &Vulnerability) -> bool {
    vulnerability.vex.as_ref().is_some_and(|verdict| verdict.status.is_harmless())
}

fn fails(policy: &VulnerabilityPolicy, vulnerability: &Vulnerability) -> bool {
    if is_excused(vulnerability) || vulnerability.informational.is_some() {
        return false;
    }
    let from = match policy.fail_severity {
        VulnerabilitySeverity::Low => Severity::Low,
        VulnerabilitySeverity::Medium => Severity::Medium,
        VulnerabilitySeverity::High => Severity::High,
        VulnerabilitySeverity::Critical => Severity::Critical,
    };
    let bad = vulnerability.rating.is_some_and(|rating| rating.severity >= from);
    // For malware no repaired version will come.
    vulnerability.malicious || (bad && (vulnerability.fixed.is_some() || !policy.only_with_fix))
}

/// The finding about a vulnerability, as advice. Where nobody says how bad it is, it is shown as medium.
pub(super) fn finding(image: &ImageEvidence, vulnerability: &Vulnerability) -> Finding {
    let harmless = is_excused(vulnerability) || vulnerability.informational.is_some();
    let severity = match (harmless, vulnerability.rating) {
        (true, _) => Severity::Info,
        (false, Some(rating)) => rating.severity,
        (false, None) => Severity::Medium,
    };
    let place =
        Where { package: vulnerability.purls.first().cloned(), ..Where::file(image, &vulnerability.place) };
    let evidence = Some(evidence(vulnerability)).filter(|text| !text.is_empty());
    Finding { evidence, ..Finding::advice(severity, place, message(vulnerability), hint(vulnerability)) }
}

fn message(vulnerability: &Vulnerability) -> String {
    let Vulnerability { package, version, id, .. } = vulnerability;
    if let Some(notice) = &vulnerability.informational {
        return format!("{package} {version} is marked {notice:?} by {id}");
    }
    let rating = match vulnerability.rating {
        Some(rating) => {
            let word = format!("{:?}", rating.severity).to_lowercase();
            let score = rating.score.map(|score| format!(", CVSS {}.{}", score / 10, score % 10));
            format!("{word}{}", score.unwrap_or_default())
        }
        None => "severity not stated".to_owned(),
    };
    let exploited = match &vulnerability.exploited {
        Some(day) => format!(", known to be exploited since {day}"),
        None => String::new(),
    };
    let fixed = match &vulnerability.fixed {
        Some(fixed) => format!(", fixed in {fixed}"),
        None => ", no repaired version is known".to_owned(),
    };
    let excuse = match &vulnerability.vex {
        Some(vex) if vex.reason.is_empty() => format!("; VEX: {}", vex.status.as_str()),
        Some(vex) => format!("; VEX: {}, {}", vex.status.as_str(), vex.reason),
        None => String::new(),
    };
    format!("{package} {version} has {id} ({rating}{exploited}){fixed}{excuse}")
}

fn hint(vulnerability: &Vulnerability) -> String {
    let package = &vulnerability.package;
    if is_excused(vulnerability) {
        return "a VEX document says that it does no harm here; check that this still holds".to_owned();
    }
    if vulnerability.malicious {
        return format!("remove {package}, and treat all that it could reach as compromised");
    }
    if vulnerability.informational.is_some() {
        return format!("look for a package that is kept instead of {package}");
    }
    match &vulnerability.fixed {
        Some(fixed) => format!("update {package} to {fixed} or later, and build the image again"),
        None => format!("replace {package}, or state in a VEX document why it does no harm here"),
    }
}

/// All names, the installed packages where they are others than the one named, and how likely it is.
fn evidence(vulnerability: &Vulnerability) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !vulnerability.aliases.is_empty() {
        parts.push(format!("also {}", vulnerability.aliases.join(", ")));
    }
    if !vulnerability.covers.is_empty() {
        parts.push(format!("about {}", shortened(&vulnerability.covers)));
    }
    if vulnerability.purls.len() > 1 {
        parts.push(format!("in {}", shortened(&vulnerability.purls)));
    }
    if let Some(epss) = vulnerability.epss {
        let percent = |part: u32| f64::from(part) / 10_000.0;
        parts.push(format!(
            "EPSS {:.2} % (higher than {:.1} % of all)",
            percent(epss.score),
            percent(epss.percentile)
        ));
    }
    if !vulnerability.summary.is_empty() {
        parts.push(vulnerability.summary.clone());
    }
    parts.join("; ")
}

/// The first ten, and how many more.
fn shortened(all: &[String]) -> String {
    match all.get(10..).filter(|rest| !rest.is_empty()) {
        Some(rest) => format!("{} and {} more", all[..10].join(", "), rest.len()),
        None => all.join(", "),
    }
}

fn not_compared(why: &str, count: usize) -> Finding {
    Finding::advice(
        Severity::Info,
        Where::default(),
        format!("{count} packages were not compared with advisories: {why}"),
        "import the ecosystem's data with `edgemarket advisories import FILE…`, where there is any",
    )
}

fn old_data(name: &str, day: &str, today: Date, days_max: u32) -> Option<Finding> {
    let date: Date = day.parse().ok()?;
    let age = date.until(today).ok()?.get_days();
    (i64::from(age) > i64::from(days_max)).then(|| {
        Finding::advice(
            Severity::Low,
            Where::default(),
            format!(
                "the vulnerability data of {name} is of {day}, {age} days old; at most {days_max} are wished"
            ),
            "fetch it again and run `edgemarket advisories import FILE…`",
        )
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::advisories::matching::OfImage;
    use crate::advisories::severity::{Rating, of_vector};
    use crate::advisories::store::{Epss, Source, SourceKind};
    use crate::advisories::vex::{Status, Verdict};
    use crate::criteria::example;
    use offer::policy::Policy;

    pub(in crate::criteria) fn vulnerability(
        id: &str,
        rating: Option<Rating>,
        fixed: Option<&str>,
    ) -> Vulnerability {
        Vulnerability {
            id: id.to_owned(),
            aliases: Vec::new(),
            covers: Vec::new(),
            package: "openssl".to_owned(),
            version: "3.0.11-1".to_owned(),
            purls: vec!["pkg:deb/debian/libssl3@3.0.11-1".to_owned()],
            place: example::place("var/lib/dpkg/status"),
            rating,
            fixed: fixed.map(str::to_owned),
            summary: String::new(),
            exploited: None,
            epss: None,
            informational: None,
            malicious: false,
            vex: None,
        }
    }

    pub(in crate::criteria) fn known(found: Vec<Vulnerability>) -> Vulnerabilities {
        let image = example::image().digest;
        let source = Source {
            kind: SourceKind::Osv,
            name: "Debian".to_owned(),
            day: example::TODAY.to_string(),
            imported: example::TODAY.to_string(),
            records: 1,
            ecosystems: BTreeMap::new(),
        };
        Vulnerabilities {
            sources: vec![source],
            images: vec![OfImage { image, found, unchecked: BTreeMap::new() }],
            knows_exploited: true,
            fault: None,
        }
    }

    pub(in crate::criteria) fn judge(
        criterion: &dyn Criterion,
        known: Option<&Vulnerabilities>,
        policy: &Policy,
    ) -> Judgement {
        let image = example::image();
        criterion.judge(&Case {
            vulnerabilities: known,
            ..example::case(std::slice::from_ref(&image), policy, &BTreeMap::new())
        })
    }

    fn critical() -> Option<Rating> {
        of_vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    }

    fn told(known: &Vulnerabilities, policy: &Policy) -> String {
        let findings = example::findings(judge(&VulnerabilitiesWithinPolicy, Some(known), policy));
        let line = |f: &Finding| {
            let evidence = f.evidence.as_deref().unwrap_or_default();
            format!("{:?} {} {}\n    {}\n    {evidence}", f.severity, f.blocking, f.message, f.hint)
        };
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn critical_ones_with_a_fix_block_and_the_others_are_listed() {
        let mut several = vulnerability("ALSA-2024:1", Some(Rating::word(Severity::High)), Some("2"));
        several.covers = (0..12).map(|n| format!("CVE-2024-{n:04}")).collect();
        several.epss = Some(Epss { score: 943_580, percentile: 999_570 });
        let mut excused = vulnerability("CVE-2023-0004", critical(), Some("3.0.13-1"));
        excused.vex =
            Some(Verdict { status: Status::NotAffected, reason: "component_not_present".to_owned() });
        let mut notice = vulnerability("RUSTSEC-1", None, None);
        notice.informational = Some("unmaintained".to_owned());
        let mut malware = vulnerability("MAL-1", critical(), None);
        malware.malicious = true;
        let mut aliased = vulnerability("CVE-2023-0001", critical(), Some("3.0.13-1"));
        aliased.aliases = vec!["GHSA-x".to_owned()];
        let all = vec![
            aliased,
            vulnerability("CVE-2023-0002", critical(), None),
            vulnerability("CVE-2023-0003", None, Some("3.0.13-1")),
            excused,
            notice,
            malware,
            several,
        ];
        insta::assert_snapshot!(told(&known(all), &Policy::default()));
    }

    #[test]
    fn the_policy_moves_the_limit() {
        let mut policy = Policy::default();
        policy.vulnerabilities.fail_severity = VulnerabilitySeverity::Medium;
        policy.vulnerabilities.only_with_fix = false;
        let medium = vulnerability("CVE-1", Some(Rating::word(Severity::Medium)), None);
        let findings =
            example::findings(judge(&VulnerabilitiesWithinPolicy, Some(&known(vec![medium])), &policy));
        assert!(findings[0].blocking);
    }

    #[test]
    fn old_and_missing_data_are_said() {
        let mut case = known(Vec::new());
        case.sources[0].day = "2026-11-09".to_owned();
        case.images[0].unchecked.insert("no advisories of npm were imported".to_owned(), 3);
        insta::assert_snapshot!(told(&case, &Policy::default()));
        case.sources[0].day = "2026-11-10".to_owned();
        case.images[0].unchecked.clear();
        assert_eq!(told(&case, &Policy::default()), "");
    }

    #[test]
    fn what_could_not_be_checked_is_not_passed() {
        let criterion = &VulnerabilitiesWithinPolicy;
        assert!(matches!(judge(criterion, None, &Policy::default()), Judgement::NotApplicable(_)));
        let mut policy = Policy::default();
        policy.vulnerabilities.data_required = true;
        assert!(matches!(judge(criterion, None, &policy), Judgement::Errored(_)));
        let mut case = known(Vec::new());
        case.images[0].unchecked.insert("no advisories of npm were imported".to_owned(), 3);
        assert!(matches!(judge(criterion, Some(&case), &policy), Judgement::Errored(_)));
        case.fault = Some("damaged".to_owned());
        assert_eq!(
            judge(criterion, Some(&case), &Policy::default()),
            Judgement::Errored("damaged".to_owned())
        );
    }
}
