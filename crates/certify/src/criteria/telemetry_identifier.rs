//! `telemetry-identifier`: a module that uses an Azure IoT SDK tells the hub which offer and plan it is, by
//! `publisher.offer.plan` in `ProductInfo` (spec `offer.md`). Looked for where [`crate::product_info`] collects, in the
//! image's ENV, and in the plan's default environment; what the module puts together while it runs cannot be seen, so
//! this stays advice.

use super::{Case, Criterion, Judgement, NO_OFFER, Weight};
use crate::evidence::{ImageEvidence, PackageKind, Place};
use crate::report::{Finding, Severity, Where};
use offer::document::{Offer, Plan};

/// Most other identifiers that a finding names.
const OTHERS_MAX: usize = 3;

/// Packages that are a device or module client, and how each is told its product info.
const SDKS: &[(PackageKind, &str, &str)] = &[
    (PackageKind::Pypi, "azure-iot-device", PYTHON),
    (PackageKind::Npm, "azure-iot-device", NODE),
    (PackageKind::Nuget, "Microsoft.Azure.Devices.Client", NET),
    (PackageKind::Maven, "com.microsoft.azure.sdk.iot:iot-device-client", JAVA),
    (PackageKind::Maven, "iot-device-client", JAVA),
];

/// Start of the file names of the C SDK's client library.
const C_LIBRARY: &str = "libiothub_client";

const PYTHON: &str = "pass `product_info=\"{}\"` to the function that makes the client";
const NODE: &str = "call `client.setOptions({ productInfo: \"{}\" })` before `open`";
const NET: &str = "set `client.ProductInfo = \"{}\"` before the client is opened";
const JAVA: &str =
    "call `client.getProductInfo().setProductInfo(\"{}\")` before `open`, or pass it by the options";
const C: &str = "call `IoTHubModuleClient_SetOption(client, OPTION_PRODUCT_INFO, \"{}\")`";

pub(super) struct TelemetryIdentifier;

impl Criterion for TelemetryIdentifier {
    fn id(&self) -> &'static str {
        "telemetry-identifier"
    }
    fn title(&self) -> &'static str {
        "Telemetry names the offer and plan that it comes from"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let Some(context) = &case.offer else { return Judgement::NotApplicable(NO_OFFER.to_owned()) };
        let (Some(offer), Some((_, plan))) = (&context.reading.offer, context.plan()) else {
            return Judgement::Errored("the offer's document has errors, or no such plan".to_owned());
        };
        if case.images.is_empty() {
            return Judgement::Errored("no image could be read".to_owned());
        }
        let wanted = format!("{}.{}.{}", offer.publisher, offer.id, plan.id);
        let (mut findings, mut any_sdk) = (Vec::new(), false);
        for image in case.images {
            let Some(sdk) = sdk(image) else { continue };
            any_sdk = true;
            if says(image, plan, &wanted) {
                continue;
            }
            if let Some(info) = image.product_infos.iter().find(|info| info.truncated) {
                return Judgement::Errored(format!(
                    "/{} holds more texts like {wanted} than are kept, and it is not among those that are",
                    info.place.path
                ));
            }
            findings.push(finding(image, offer, &sdk, &wanted));
        }
        if any_sdk {
            Judgement::of(findings)
        } else {
            Judgement::NotApplicable("no device client of an Azure IoT SDK was found in the image".to_owned())
        }
    }
}

/// A client that was found.
struct Sdk {
    name: String,
    place: Place,
    hint: &'static str,
}

fn sdk(image: &ImageEvidence) -> Option<Sdk> {
    let package = image.packages.iter().find_map(|package| {
        let is = |(kind, name, _): &&(PackageKind, &str, &str)| {
            *kind == package.kind && name.eq_ignore_ascii_case(&package.name)
        };
        let (.., hint) = SDKS.iter().find(is)?;
        let name = format!("{} {}", package.name, package.version);
        Some(Sdk { name, place: package.place.clone(), hint })
    });
    package.or_else(|| {
        let library = image.binaries.iter().find(|binary| {
            binary.place.path.rsplit('/').next().is_some_and(|name| name.starts_with(C_LIBRARY))
        })?;
        Some(Sdk { name: C_LIBRARY.to_owned(), place: library.place.clone(), hint: C })
    })
}

/// Whether the identifier is there.
fn says(image: &ImageEvidence, plan: &Plan, wanted: &str) -> bool {
    let mut variables = image.config.config.env.iter().flatten().map(String::as_str);
    image.product_infos.iter().any(|info| info.identifiers.iter().any(|text| text == wanted))
        || variables.any(|variable| variable.contains(wanted))
        || plan.environment.iter().any(|variable| variable.value.contains(wanted))
}

fn finding(image: &ImageEvidence, offer: &Offer, sdk: &Sdk, wanted: &str) -> Finding {
    let own = format!("{}.", offer.publisher);
    let others: Vec<String> = image
        .product_infos
        .iter()
        .flat_map(|info| info.identifiers.iter().map(|text| (text, &info.place.path)))
        .filter(|(text, _)| text.starts_with(&own))
        .take(OTHERS_MAX)
        .map(|(text, path)| format!("{text} in /{path}"))
        .collect();
    let finding = Finding::advice(
        Severity::Low,
        Where::file(image, &sdk.place),
        format!("{} is in the image, and nothing that sets ProductInfo says {wanted}", sdk.name),
        format!("{}; write it in one piece", sdk.hint.replace("{}", wanted)),
    );
    if others.is_empty() { finding } else { finding.with_evidence(others.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::{OfferContext, example};
    use crate::evidence::ProductInfo;
    use offer::document::{NameValue, Reading};

    fn judge(image: &ImageEvidence, offer: &Offer) -> Judgement {
        let reading =
            Reading { offer: Some(offer.clone()), findings: Vec::new(), positions: Default::default() };
        TelemetryIdentifier.judge(&Case {
            offer: Some(OfferContext { reading: &reading, plan_id: "standard" }),
            ..example::case_of(image)
        })
    }

    /// An image with this client, in whose program these identifiers stand.
    fn image(kind: PackageKind, name: &str, identifiers: &[&str]) -> ImageEvidence {
        let mut image = example::image();
        image.packages[0].kind = kind;
        image.packages[0].name = name.to_owned();
        image.product_infos = vec![ProductInfo {
            place: example::place("app/main.py"),
            identifiers: identifiers.iter().map(|text| (*text).to_owned()).collect(),
            truncated: false,
        }];
        image
    }

    #[test]
    fn another_plans_identifier_is_not_enough() {
        let wrong = image(PackageKind::Pypi, "azure-iot-device", &["acme.telemetry.free", "os.path.join"]);
        let findings = example::findings(judge(&wrong, &example::offer()));
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!(
            finding.message,
            "azure-iot-device 1.0.0 is in the image, and nothing that sets ProductInfo says acme.telemetry.standard"
        );
        assert_eq!(finding.evidence.as_deref(), Some("acme.telemetry.free in /app/main.py"));
        assert!(
            finding.hint.starts_with("pass `product_info=\"acme.telemetry.standard\"` to"),
            "{}",
            finding.hint
        );
        let right = image(PackageKind::Nuget, "microsoft.azure.devices.client", &["acme.telemetry.standard"]);
        assert_eq!(judge(&right, &example::offer()), Judgement::of(Vec::new()));
    }

    #[test]
    fn variables_of_image_and_plan_count() {
        let text = "acme.telemetry.standard";
        let mut by_image = image(PackageKind::Npm, "azure-iot-device", &[]);
        by_image.config.config.env = Some(vec![format!("PRODUCT={text}")]);
        assert_eq!(judge(&by_image, &example::offer()), Judgement::of(Vec::new()));
        let mut offer = example::offer();
        offer.plans[0].environment = vec![NameValue { name: "PRODUCT".into(), value: text.into() }];
        let silent = image(PackageKind::Npm, "azure-iot-device", &[]);
        assert_eq!(judge(&silent, &offer), Judgement::of(Vec::new()));
        assert_eq!(example::findings(judge(&silent, &example::offer())).len(), 1);
    }

    #[test]
    fn without_a_client_or_an_offer_it_does_not_apply() {
        let none = image(PackageKind::Pypi, "azure-iot-hub", &[]);
        assert!(matches!(judge(&none, &example::offer()), Judgement::NotApplicable(_)));
        let library = example::binary("usr/lib/libiothub_client.so.1", "amd64");
        let c = ImageEvidence { binaries: vec![library], ..none.clone() };
        assert_eq!(example::findings(judge(&c, &example::offer())).len(), 1);
        assert!(matches!(example::judge_image(&TelemetryIdentifier, &c), Judgement::NotApplicable(_)));
        let mut full = c;
        full.product_infos[0].truncated = true;
        assert!(matches!(judge(&full, &example::offer()), Judgement::Errored(_)));
    }
}
