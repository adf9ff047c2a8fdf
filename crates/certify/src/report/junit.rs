//! The report as JUnit XML, as CI servers show it: one test case for each criterion. What blocks is a failure, what
//! could not be checked an error, what does not apply is skipped, and advice is printed output. It holds no times: equal
//! reports give equal bytes.

use super::xml::Xml;
use super::{CriterionResult, Finding, Report, Verdict};

/// The document, with a line break at the end.
pub fn document(report: &Report) -> String {
    let count = |verdict: Verdict| {
        report.criteria.iter().filter(|result| result.verdict == verdict).count().to_string()
    };
    let (tests, failures) = (report.criteria.len().to_string(), count(Verdict::Failed));
    let (errors, skipped) = (count(Verdict::Errored), count(Verdict::NotApplicable));
    let counts = [("tests", &*tests), ("failures", &*failures), ("errors", &*errors)];
    let name = format!("edgemarket certify {}", report.image.reference);
    let mut xml = Xml::new();
    xml.open("testsuites", &[&[("name", "edgemarket certify")], &counts[..]].concat());
    xml.open("testsuite", &[&[("name", &*name)], &counts[..], &[("skipped", &*skipped)]].concat());
    properties(&mut xml, report);
    for result in &report.criteria {
        test_case(&mut xml, result);
    }
    xml.finish()
}

fn properties(xml: &mut Xml, report: &Report) {
    let verdict = super::name_of(report.verdict);
    xml.open("properties", &[]);
    for (name, value) in [
        ("verdict", verdict.to_owned()),
        ("image.reference", report.image.reference.clone()),
        ("image.digest", report.image.digest.to_string()),
        ("image.platforms", report.image.platforms.join(" ")),
        ("data.rules", report.data.rules.clone()),
        ("data.advisories", report.data.advisories.clone()),
        ("sbom.packages", report.sbom.packages.to_string()),
    ] {
        xml.leaf("property", &[("name", name), ("value", &value)], "");
    }
    xml.close();
}

fn test_case(xml: &mut Xml, result: &CriterionResult) {
    let attributes = [("name", &*result.id), ("classname", "edgemarket.certification")];
    let reason = result.reason.as_deref().unwrap_or(&result.title);
    let (blocking, advice): (Vec<&Finding>, Vec<&Finding>) =
        result.findings.iter().partition(|finding| finding.blocking);
    if result.verdict == Verdict::Passed && result.reason.is_none() {
        return xml.leaf("testcase", &attributes, "");
    }
    xml.open("testcase", &attributes);
    match result.verdict {
        Verdict::Failed => {
            // One failure, because some servers count or show no second one.
            let message = match &blocking[..] {
                [] => result.title.clone(),
                [only] => only.message.clone(),
                [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
            };
            let severity = blocking.iter().map(|finding| finding.severity).max();
            let kind = severity.map_or("failed", super::severity_name);
            xml.leaf("failure", &[("type", kind), ("message", &message)], &lines(&blocking));
        }
        Verdict::Errored => xml.leaf("error", &[("type", "errored"), ("message", reason)], ""),
        Verdict::NotApplicable => xml.leaf("skipped", &[("message", reason)], ""),
        Verdict::Warned | Verdict::Waived | Verdict::Passed => {}
    }
    let mut told = lines(&advice);
    if !matches!(result.verdict, Verdict::Errored | Verdict::NotApplicable)
        && let Some(reason) = &result.reason
    {
        told = format!("{reason}\n{told}");
    }
    if !told.is_empty() {
        xml.leaf("system-out", &[], &told);
    }
    xml.close();
}

/// Each finding with severity, place, what was seen and the way out.
fn lines(findings: &[&Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &format!("{}: {}\n", super::severity_name(finding.severity), finding.message);
        let place = finding.place.in_words();
        if !place.is_empty() {
            text += &format!("  where: {place}\n");
        }
        if let Some(evidence) = &finding.evidence {
            text += &format!("  seen: {evidence}\n");
        }
        match &finding.waived {
            Some(waived) => text += &format!("  {}\n", waived.in_words()),
            None => text += &format!("  hint: {}\n", finding.hint),
        }
    }
    text
}
