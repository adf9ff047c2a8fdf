//! Evidence and an offer without a fault, for the criteria's unit tests: each test spoils one thing.

use super::{Case, Criterion, Judgement, OfferContext};
use crate::evidence::*;
use crate::report::Finding;
use crate::sandbox::facts::StartFacts;
use jiff::civil::{Date, date};
use oci::digest::Digest;
use oci::manifest::{ImageConfig, RunConfig};
use offer::document::*;
use offer::platform::Platform;
use offer::policy::Policy;
use offer::tags::{ResolvedImage, ResolvedTag, ResolvedTags, VersionTag};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The day of the tests.
pub const TODAY: Date = date(2026, 11, 24);

/// A sound image for linux/amd64.
pub fn image() -> ImageEvidence {
    let layer = Digest::of(b"layer");
    let labels = super::labels_present::LABELS.iter().map(|label| (label.to_string(), "x".to_owned()));
    let place = Place { layer: Some(layer), path: "app/module".to_owned() };
    ImageEvidence {
        digest: Digest::of(b"image"),
        platform: Some(Platform::new("linux", "amd64", None)),
        index_platform: None,
        config: ImageConfig {
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            config: RunConfig {
                user: Some("65532".to_owned()),
                entrypoint: Some(vec!["/app/module".to_owned()]),
                labels: Some(labels.collect()),
                healthcheck: Some(serde_json::json!({ "Test": ["CMD", "/app/module", "health"] })),
                ..RunConfig::default()
            },
            ..ImageConfig::default()
        },
        layers: vec![LayerFacts {
            digest: layer,
            media_type: oci::manifest::media_type::OCI_LAYER_GZIP.to_owned(),
            compressed_bytes: 1_000,
            uncompressed_bytes: 3_000,
            entries: 2,
        }],
        packages: vec![Package {
            kind: PackageKind::Cargo,
            name: "serde".to_owned(),
            version: "1.0.0".to_owned(),
            architecture: None,
            source: None,
            licence: Some("MIT OR Apache-2.0".to_owned()),
            place: place.clone(),
        }],
        distribution: None,
        binaries: vec![binary("app/module", "amd64")],
        setuid: Vec::new(),
        world_writable: Vec::new(),
        leftovers: Vec::new(),
        matches: Vec::new(),
        product_infos: Vec::new(),
        start: StartCommand::Found("app/module".to_owned()),
        faults: Vec::new(),
    }
}

/// A static Linux executable in the example's layer.
pub fn binary(path: &str, architecture: &str) -> Binary {
    Binary {
        place: place(path),
        machine: Machine { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None },
        static_linked: true,
        executable: true,
        packer: None,
    }
}

/// A place in the example's layer.
pub fn place(path: &str) -> Place {
    Place { layer: Some(Digest::of(b"layer")), path: path.to_owned() }
}

/// A file in the example's layer.
pub fn file(path: &str, mode: u32) -> FileFact {
    FileFact { place: place(path), mode, uid: 0, size: 1_000, directory: false }
}

/// A fault in the example's layer.
pub fn fault(kind: FaultKind, message: &str) -> Fault {
    Fault { kind, place: place("x"), message: message.to_owned(), hint: "build it again".to_owned() }
}

/// The case of one image without an offer, under the default policy.
pub fn case_of(image: &ImageEvidence) -> Case<'_> {
    static NONE: LazyLock<(BTreeMap<VersionTag, Digest>, Policy)> = LazyLock::new(Default::default);
    case(std::slice::from_ref(image), &NONE.1, &NONE.0)
}

/// What a criterion says about one image without an offer.
pub fn judge_image(criterion: &dyn Criterion, image: &ImageEvidence) -> Judgement {
    criterion.judge(&case_of(image))
}

/// The same by this policy.
pub fn judge_image_with(criterion: &dyn Criterion, image: &ImageEvidence, policy: &Policy) -> Judgement {
    criterion.judge(&case(std::slice::from_ref(image), policy, &BTreeMap::new()))
}

/// What a criterion says about one image that was started.
pub fn judge_start(criterion: &dyn Criterion, image: &ImageEvidence, starts: &[StartFacts]) -> Judgement {
    criterion.judge(&Case { starts, ..case_of(image) })
}

/// A case without an offer.
pub fn case<'a>(
    images: &'a [ImageEvidence],
    policy: &'a Policy,
    live_tags: &'a BTreeMap<VersionTag, Digest>,
) -> Case<'a> {
    const NO_TAGS: &ResolvedTags = &ResolvedTags(BTreeMap::new());
    Case {
        reference: "oci:image",
        digest: images[0].digest,
        images,
        tags: NO_TAGS,
        faults: &[],
        offer: None,
        starts: &[],
        live_tags,
        policy,
        rules_version: "test",
        today: TODAY,
        links: None,
        vulnerabilities: None,
    }
}

/// What a criterion says about the example image and the first plan of this offer, whose tags all point at the image.
pub fn judge_offer(
    criterion: &dyn Criterion,
    offer: &Offer,
    findings: &[offer::finding::Finding],
) -> Judgement {
    let tags = tags(&offer.plans[0].tags);
    judge_tags(criterion, offer, findings, &tags, &BTreeMap::new())
}

/// What a criterion says about the example image and offer, with these tags and live tags.
pub fn judge_tags(
    criterion: &dyn Criterion,
    offer: &Offer,
    findings: &[offer::finding::Finding],
    tags: &ResolvedTags,
    live_tags: &BTreeMap<VersionTag, Digest>,
) -> Judgement {
    let image = image();
    let positions = Positions::default();
    let reading = Reading { offer: Some(offer.clone()), findings: findings.to_vec(), positions };
    criterion.judge(&Case {
        reference: "oci:image",
        digest: image.digest,
        images: std::slice::from_ref(&image),
        tags,
        faults: &[],
        offer: Some(OfferContext { reading: &reading, plan_id: offer.plans[0].id.as_str() }),
        starts: &[],
        live_tags,
        policy: &Policy::default(),
        rules_version: "test",
        links: None,
        today: TODAY,
        vulnerabilities: None,
    })
}

/// These tags, all pointing at the example image.
pub fn tags(names: &[String]) -> ResolvedTags {
    let digest = Digest::of(b"image").to_string();
    let platform = Some(Platform::new("linux", "amd64", None));
    let image = ResolvedImage { digest: digest.clone(), platform };
    let resolved = ResolvedTag { digest, is_list: false, images: vec![image] };
    ResolvedTags(names.iter().map(|tag| (tag.clone(), resolved.clone())).collect())
}

/// The findings of a criterion that was checked.
pub fn findings(judgement: Judgement) -> Vec<Finding> {
    match judgement {
        Judgement::Checked { findings, .. } => findings,
        other => panic!("not checked: {other:?}"),
    }
}

/// A sound offer with one plan.
pub fn offer() -> Offer {
    let contact = || Contact { name: "A".into(), email: "a@example.com".into(), phone: "1".into() };
    Offer {
        publisher: "acme".parse().expect("an ID"),
        id: "telemetry".parse().expect("an ID"),
        name: "Telemetry".into(),
        plans: vec![Plan {
            id: "standard".parse().expect("an ID"),
            title: "Standard".into(),
            summary: "s".into(),
            description: "<p>d</p>".into(),
            hidden: false,
            private_audience: Vec::new(),
            licence_model: LicenceModel::Free,
            repository: Repository {
                name: "registry.example.com/acme/telemetry".into(),
                username: None,
                password_env: None,
            },
            tags: vec!["latest".into(), "1.0.0".into()],
            routes: Vec::new(),
            twin: Vec::new(),
            environment: Vec::new(),
            create_options: serde_json::Map::new(),
            screenshots: Vec::new(),
        }],
        listing: Listing {
            title: "Telemetry".into(),
            summary: "s".into(),
            long_summary: "l".into(),
            description: "<p>d</p><p>Minimum hardware requirements: 64 MB RAM.</p>".into(),
            marketing_identifier: "telemetry".into(),
            preview_subscriptions: Vec::new(),
            links: Vec::new(),
            categories: vec!["c".into()],
            logos: Logos {
                small: "s.png".into(),
                medium: "m.png".into(),
                large: "l.png".into(),
                wide: "w.png".into(),
                hero: None,
            },
            videos: Vec::new(),
            privacy_policy_url: "https://example.com/privacy".into(),
            terms: Terms::StandardContract,
        },
        leads: LeadDestination::None,
        support: Support {
            engineering: contact(),
            customer: contact(),
            url: "https://example.com".into(),
            sovereign_url: None,
        },
    }
}
