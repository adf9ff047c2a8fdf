//! The headings of the page in English and French. What the report itself says is in the catalogue of
//! `crate::sentences`.

use crate::report::{ClauseResult, Severity, Verdict};
use std::borrow::Cow;

/// Language in which a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Language {
    #[default]
    English,
    French,
}

impl Language {
    /// The language of a tag (BCP 47) such as `fr`; English for every other.
    pub fn of_tag(tag: &str) -> Language {
        if tag == "fr" { Language::French } else { Language::English }
    }

    /// A sentence of a report in this language, where there is one.
    pub fn of_sentence(self, english: &str) -> Option<Cow<'_, str>> {
        match self {
            Language::English => Some(Cow::Borrowed(english)),
            Language::French => crate::sentences::french(english).map(Cow::Owned),
        }
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        }
    }
}

/// One language. Sentences that grow with a count are written so that they need no plural.
pub(super) struct Words {
    pub language: Language,
    pub tag: &'static str,
    pub title: &'static str,
    pub summary: &'static str,
    pub verdict_passed: &'static str,
    pub verdict_failed: &'static str,
    pub verdict_errored: &'static str,
    pub image: &'static str,
    pub digest: &'static str,
    pub platforms: &'static str,
    pub packages: &'static str,
    pub rules: &'static str,
    pub advisories: &'static str,
    pub verdict: &'static str,
    pub criteria: &'static str,
    pub findings: &'static str,
    pub blocking: &'static str,
    pub advice: &'static str,
    pub place: &'static str,
    pub seen: &'static str,
    pub hint: &'static str,
    pub position: &'static str,
    pub pointer: &'static str,
    pub tag_of_image: &'static str,
    pub platform: &'static str,
    pub layer: &'static str,
    pub path: &'static str,
    pub package: &'static str,
    pub none: &'static str,
    pub waived: &'static str,
    pub standards: &'static str,
    pub clause: &'static str,
    pub result: &'static str,
    clauses: [&'static str; 3],
    verdicts: [&'static str; 6],
    severities: [&'static str; 5],
}

impl Words {
    pub(super) fn verdict(&self, verdict: Verdict) -> &'static str {
        self.verdicts[match verdict {
            Verdict::Passed => 0,
            Verdict::Failed => 1,
            Verdict::Warned => 2,
            Verdict::NotApplicable => 3,
            Verdict::Waived => 4,
            Verdict::Errored => 5,
        }]
    }

    pub(super) fn clause_result(&self, result: ClauseResult) -> &'static str {
        self.clauses[match result {
            ClauseResult::Met => 0,
            ClauseResult::NotMet => 1,
            ClauseResult::NotCovered => 2,
        }]
    }

    pub(super) fn severity(&self, severity: Severity) -> &'static str {
        self.severities[match severity {
            Severity::Info => 0,
            Severity::Low => 1,
            Severity::Medium => 2,
            Severity::High => 3,
            Severity::Critical => 4,
        }]
    }
}

const ENGLISH: Words = Words {
    language: Language::English,
    tag: "en",
    title: "Certification report",
    summary: "Summary",
    verdict_passed: "Passed: nothing that blocks was found, and everything that blocks could be checked.",
    verdict_failed: "Failed: something that blocks was found. It stands first, with the way to repair it.",
    verdict_errored: "Not certified: something that blocks could not be checked, which is never a pass.",
    image: "Image",
    digest: "Digest",
    platforms: "Platforms",
    packages: "Packages",
    rules: "Rules",
    advisories: "Vulnerability data",
    verdict: "Verdict",
    criteria: "Criteria",
    findings: "Findings",
    blocking: "blocking",
    advice: "advice",
    place: "Where",
    seen: "Seen",
    hint: "How to repair",
    position: "file",
    pointer: "in the offer",
    tag_of_image: "tag",
    platform: "platform",
    layer: "layer",
    path: "path",
    package: "package",
    none: "none",
    waived: "Waived",
    standards: "Security standards",
    clause: "Clause",
    result: "Result",
    clauses: ["met", "not met", "not covered by an image scan"],
    verdicts: ["Passed", "Failed", "Warned", "Not applicable", "Waived", "Could not be checked"],
    severities: ["info", "low", "medium", "high", "critical"],
};

const FRENCH: Words = Words {
    language: Language::French,
    tag: "fr",
    title: "Rapport de certification",
    summary: "Résumé",
    verdict_passed: "Réussi : rien de bloquant n’a été trouvé, et tout ce qui bloque a pu être vérifié.",
    verdict_failed: "Échoué : quelque chose de bloquant a été trouvé. Cela vient d’abord, avec le moyen d’y remédier.",
    verdict_errored: "Non certifié : un critère bloquant n’a pas pu être vérifié, ce qui n’est jamais une réussite.",
    image: "Image",
    digest: "Empreinte",
    platforms: "Plateformes",
    packages: "Paquets",
    rules: "Règles",
    advisories: "Données de vulnérabilités",
    verdict: "Verdict",
    criteria: "Critères",
    findings: "Constats",
    blocking: "bloquant",
    advice: "conseil",
    place: "Où",
    seen: "Vu",
    hint: "Comment y remédier",
    position: "fichier",
    pointer: "dans l’offre",
    tag_of_image: "étiquette",
    platform: "plateforme",
    layer: "couche",
    path: "chemin",
    package: "paquet",
    none: "aucun",
    waived: "Dispensé",
    standards: "Normes de sécurité",
    clause: "Clause",
    result: "Résultat",
    clauses: ["satisfaite", "non satisfaite", "hors de portée d’une analyse d’image"],
    verdicts: ["Réussi", "Échoué", "Averti", "Sans objet", "Dispensé", "N’a pas pu être vérifié"],
    severities: ["info", "faible", "moyenne", "élevée", "critique"],
};
