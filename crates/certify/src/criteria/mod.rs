//! The criteria (spec `certification.md`, *Criteria*): pure functions from evidence, offer and policy to findings, one
//! file each, named like its ID, and one list, [`ALL`]. No I/O and no clock: what they need is gathered before.

use crate::advisories::Vulnerabilities;
use crate::evidence::{Fault, ImageEvidence};
use crate::links::LinkFact;
use crate::report::Finding;
use crate::sandbox::facts::StartFacts;
use jiff::civil::Date;
use oci::digest::Digest;
use offer::document::{Offer, Plan, Reading};
use offer::policy::Policy;
use offer::tags::{ResolvedTags, VersionTag};
use std::collections::BTreeMap;

mod base_not_end_of_life;
mod configuration_documented;
mod default_settings_valid;
mod digest_verified;
mod hardware_requirements_documented;
mod healthcheck_defined;
mod image_has_start_command;
mod labels_present;
mod layers_within_limit;
mod least_privilege;
mod licences_identified;
mod links_reachable;
mod listing;
mod module_runs_on_tier1;
mod module_starts_with_defaults;
mod no_build_leftovers;
mod no_crypto_miners;
mod no_embedded_secrets;
mod no_known_exploited_vulnerabilities;
mod no_known_malware;
mod no_packed_executables;
mod no_setuid_outside_known_set;
mod no_world_writable_system_files;
mod offer_findings;
mod platform_matches_binaries;
mod runs_as_non_root;
mod sbom_complete;
pub(crate) mod security_standards;
mod size_within_limit;
mod tags_well_formed;
mod telemetry_identifier;
mod version_tags_immutable;
mod vulnerabilities_within_policy;

#[cfg(test)]
pub(crate) mod example;

/// Every criterion, in the order of the spec and of the report. IDs are stable and never reused.
pub const ALL: &[&dyn Criterion] = &[
    &module_runs_on_tier1::ModuleRunsOnTier1,
    &platform_matches_binaries::PlatformMatchesBinaries,
    &tags_well_formed::TagsWellFormed,
    &version_tags_immutable::VersionTagsImmutable,
    &default_settings_valid::DefaultSettingsValid,
    &hardware_requirements_documented::HardwareRequirementsDocumented,
    &configuration_documented::ConfigurationDocumented,
    &image_has_start_command::ImageHasStartCommand,
    &module_starts_with_defaults::ModuleStartsWithDefaults,
    &telemetry_identifier::TelemetryIdentifier,
    &no_known_malware::NoKnownMalware,
    &no_crypto_miners::NoCryptoMiners,
    &no_packed_executables::NoPackedExecutables,
    &least_privilege::LeastPrivilege,
    &runs_as_non_root::RunsAsNonRoot,
    &no_embedded_secrets::NoEmbeddedSecrets,
    &no_setuid_outside_known_set::NoSetuidOutsideKnownSet,
    &no_world_writable_system_files::NoWorldWritableSystemFiles,
    &no_known_exploited_vulnerabilities::NoKnownExploitedVulnerabilities,
    &vulnerabilities_within_policy::VulnerabilitiesWithinPolicy,
    &base_not_end_of_life::BaseNotEndOfLife,
    &sbom_complete::SbomComplete,
    &digest_verified::DigestVerified,
    &size_within_limit::SizeWithinLimit,
    &layers_within_limit::LayersWithinLimit,
    &healthcheck_defined::HealthcheckDefined,
    &labels_present::LabelsPresent,
    &licences_identified::LicencesIdentified,
    &no_build_leftovers::NoBuildLeftovers,
    &listing::ListingComplete,
    &links_reachable::LinksReachable,
    &listing::PicturesValid,
    &listing::HtmlSafe,
    &listing::ContactsValid,
    &listing::LegalPresent,
];

/// One criterion.
pub trait Criterion: Sync {
    /// Stable ID, as in the spec and the policy file.
    fn id(&self) -> &'static str;
    /// What holds when it passes, as a short sentence.
    fn title(&self) -> &'static str;
    /// Whether its findings fail the certification when the policy is silent.
    fn default_weight(&self) -> Weight;
    /// What the evidence says.
    fn judge(&self, case: &Case<'_>) -> Judgement;
}

/// Default weight of a criterion's findings: the `B` and `A` of the spec's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// `B`. A finding may still be mere advice, when it only says what could not be looked into.
    Blocking,
    /// `A`.
    Advisory,
    /// `B` for some findings and `A` for others; each finding says which.
    Mixed,
}

/// What a criterion says before the policy weighs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It was checked; without findings it passed.
    Checked {
        /// What was found, in any order.
        findings: Vec<Finding>,
        /// A remark for the report.
        note: Option<String>,
    },
    /// It asks about something that is not there.
    NotApplicable(String),
    /// It could not be checked: what was missing.
    Errored(String),
}

/// All that the criteria may look at.
pub struct Case<'a> {
    /// What was asked for, for people.
    pub reference: &'a str,
    /// The digest behind it: with an offer, behind `latest`.
    pub digest: Digest,
    /// The distinct images of all tags.
    pub images: &'a [ImageEvidence],
    /// The plan's tags as the repository has them; empty without an offer.
    pub tags: &'a ResolvedTags,
    /// What is wrong with indexes and manifests, so that the images behind them could not be reached.
    pub faults: &'a [IndexFault],
    /// The offer and the plan, when one was given.
    pub offer: Option<OfferContext<'a>>,
    /// What became of starting the images; empty where nobody tried.
    pub starts: &'a [StartFacts],
    /// Every version tag of the plan that was ever live, with its digest.
    pub live_tags: &'a BTreeMap<VersionTag, Digest>,
    /// The operator's policy.
    pub policy: &'a Policy,
    /// Version of the malware and secret rules, for the report.
    pub rules_version: &'a str,
    /// What the listing's links answered; `None` when nobody asked them.
    pub links: Option<&'a [LinkFact]>,
    /// The day (UTC) that end dates are judged by: criteria have no clock.
    pub today: Date,
    /// What the advisories say about the images; `None` when no advisories were given.
    pub vulnerabilities: Option<&'a Vulnerabilities>,
}

/// A fault of an index or manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexFault {
    /// Tag, or digest in an index, through which it was reached.
    pub tag: String,
    /// Digest of the manifest or index.
    pub digest: Digest,
    /// What is wrong with it.
    pub fault: Fault,
}

/// The offer in which the image is used, and the plan.
#[derive(Debug, Clone, Copy)]
pub struct OfferContext<'a> {
    /// What [`offer::document::read`] said about the offer's directory, with the same policy.
    pub reading: &'a Reading,
    /// The plan whose image is certified.
    pub plan_id: &'a str,
}

impl<'a> OfferContext<'a> {
    /// The plan and its index in the document; `None` when the document has errors or no such plan.
    pub fn plan(&self) -> Option<(usize, &'a Plan)> {
        let plans = &self.reading.offer.as_ref()?.plans;
        plans.iter().enumerate().find(|(_, plan)| plan.id.as_str() == self.plan_id)
    }
}

impl Judgement {
    /// Checked, with these findings and no remark.
    pub(crate) fn of(findings: Vec<Finding>) -> Judgement {
        Judgement::Checked { findings, note: None }
    }
}

/// Reason of the criteria that need an offer.
pub(crate) const NO_OFFER: &str =
    "no offer was given; with --offer and --plan the plan's settings are judged too";

/// Judges each image by itself. Without any image nothing could be checked.
pub(crate) fn each_image(case: &Case<'_>, judge: impl Fn(&ImageEvidence) -> Vec<Finding>) -> Judgement {
    if case.images.is_empty() {
        return Judgement::Errored("no image could be read".to_owned());
    }
    Judgement::of(case.images.iter().flat_map(judge).collect())
}

/// Judges the plan of the offer. The function gets the JSON pointer of the plan, for example `/plans/0`.
pub(crate) fn the_plan(
    case: &Case<'_>,
    judge: impl FnOnce(&OfferContext<'_>, &Offer, &Plan, &str) -> Vec<Finding>,
) -> Judgement {
    let Some(context) = &case.offer else { return Judgement::NotApplicable(NO_OFFER.to_owned()) };
    let Some(offer) = &context.reading.offer else {
        return Judgement::Errored(
            "the offer's document has errors; `edgemarket offer validate` lists them".to_owned(),
        );
    };
    let Some((index, plan)) = context.plan() else {
        return Judgement::Errored(format!("the offer has no plan {:?}", context.plan_id));
    };
    Judgement::of(judge(context, offer, plan, &format!("/plans/{index}")))
}
