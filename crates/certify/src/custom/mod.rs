//! Criteria of the operator's own (`[[custom-criteria]]` of the policy): a CEL expression over the evidence of one
//! image, and over offer and plan. Pure like every criterion; what it may cost is bounded by `budget`. Not a way to gather
//! anything: an expression sees what was gathered, and no secret.
//!
//! An expression is true when the criterion holds, or gives the list of what was found. What cannot be evaluated is
//! errored, never passed.

mod budget;
mod expression;
mod variables;

pub use expression::{CompileError, Program, compile};

use crate::criteria::{Case, Judgement, NO_OFFER};
use crate::evidence::ImageEvidence;
use crate::report::{Finding, Severity, Where};
use expression::Outcome;
use offer::policy::{CustomCriterion, CustomSeverity};
use variables::Variables;

/// Most findings that one expression may list for one image; the report has its own limit over all.
pub const FOUND_MAX: usize = 200;
/// Longest finding that an expression may give, in characters; what is longer is cut.
pub const FOUND_CHARS_MAX: usize = 500;

/// What a criterion of the operator's own says of the case.
pub(crate) fn judge(criterion: &CustomCriterion, case: &Case<'_>) -> Judgement {
    let program = match compile(&criterion.expression.text) {
        Ok(program) => program,
        Err(error) => return Judgement::Errored(format!("the expression cannot be compiled: {error}")),
    };
    let needs_offer = program.uses("offer") || program.uses("plan");
    if needs_offer && case.offer.is_none() {
        return Judgement::NotApplicable(NO_OFFER.to_owned());
    }
    if needs_offer && case.offer.and_then(|context| context.plan()).is_none() {
        return Judgement::Errored("the offer's document has errors, or has no such plan".to_owned());
    }
    let of_image = variables::OF_IMAGE.iter().any(|name| program.uses(name));
    if !of_image {
        return match evaluate(criterion, &program, case, None) {
            Ok(findings) => Judgement::of(findings),
            Err(reason) => Judgement::Errored(reason),
        };
    }
    if case.images.is_empty() {
        return Judgement::Errored("no image could be read".to_owned());
    }
    let mut findings = Vec::new();
    for image in case.images {
        match evaluate(criterion, &program, case, Some(image)) {
            Ok(found) => findings.extend(found),
            Err(reason) => return Judgement::Errored(reason),
        }
    }
    Judgement::of(findings)
}

fn evaluate(
    criterion: &CustomCriterion,
    program: &Program,
    case: &Case<'_>,
    image: Option<&ImageEvidence>,
) -> Result<Vec<Finding>, String> {
    let variables = Variables::of(case, image, &|name| program.uses(name))?;
    let without_words = || format!("it does not hold that: {}", criterion.title);
    let messages: Vec<String> = match program.run(&variables)? {
        Outcome::Holds(true) => Vec::new(),
        Outcome::Holds(false) => vec![criterion.message.clone()],
        Outcome::Found(found) => found,
    };
    let messages =
        messages.into_iter().map(|text| if text.trim().is_empty() { without_words() } else { text });
    let messages: Vec<String> = messages.collect();
    if messages.len() > FOUND_MAX {
        return Err(format!(
            "the expression lists {} findings, at most {FOUND_MAX} are taken",
            messages.len()
        ));
    }
    let place = image.map(Where::image).unwrap_or_default();
    let finding = |message: String| {
        let message: String = message.chars().take(FOUND_CHARS_MAX).collect();
        Finding {
            blocking: criterion.blocking,
            ..Finding::advice(severity(criterion.severity), place.clone(), message, criterion.hint.clone())
        }
    };
    Ok(messages.into_iter().map(finding).collect())
}

fn severity(severity: CustomSeverity) -> Severity {
    match severity {
        CustomSeverity::Info => Severity::Info,
        CustomSeverity::Low => Severity::Low,
        CustomSeverity::Medium => Severity::Medium,
        CustomSeverity::High => Severity::High,
        CustomSeverity::Critical => Severity::Critical,
    }
}

#[cfg(test)]
mod tests;
