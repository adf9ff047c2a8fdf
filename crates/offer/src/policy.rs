//! The marketplace policy: every limit and every choice that an operator may change without a build, as one TOML
//! file. The defaults are the seed-era values of spec `offer.md` and the `B`/`A` column of spec `certification.md`.

use crate::platform::Platform;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole policy file. A missing table or key has its default; an unknown key is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Limits of the offer document.
    pub offer: OfferLimits,
    /// Which platforms count.
    pub platforms: Platforms,
    /// Limits of an image.
    pub image: ImageLimits,
    /// Criterion ID → how it is judged; criteria that are not named keep their default.
    pub criteria: BTreeMap<String, CriterionPolicy>,
}

/// Supported platforms (spec `offer.md`, *Platforms*).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Platforms {
    /// Tier 1: at least one must be supported, all of them earn the showcase badge.
    pub tier1: Vec<Platform>,
    /// Accepted besides tier 1.
    pub accepted: Vec<Platform>,
}

/// How one certification criterion is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CriterionPolicy {
    /// Whether a finding of it fails the certification.
    pub blocking: bool,
}

/// Limits of an image (criteria `size-within-limit`, `layers-within-limit`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageLimits {
    /// Compressed bytes of one platform's layers.
    pub compressed_bytes: u64,
    /// Uncompressed bytes of one platform's layers.
    pub uncompressed_bytes: u64,
    /// Layers of one platform's image.
    pub layers: u32,
}

/// Limits of the offer document, in Unicode characters unless the name says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each name repeats the field of spec offer.md that it limits")]
pub struct OfferLimits {
    pub name_chars: usize,
    pub plans: usize,
    pub private_plans: usize,
    pub plan_title_chars: usize,
    pub plan_summary_chars: usize,
    pub plan_description_chars: usize,
    pub defaults: usize,
    /// Names and values of routes, twin properties and environment variables, and createOptions, must stay **under** it.
    pub default_chars: usize,
    pub twin_depth: usize,
    pub screenshots: usize,
    pub screenshot_name_chars: usize,
    /// Exact width and height of a screenshot in pixels.
    pub screenshot_pixels: (u32, u32),
    pub listing_title_chars: usize,
    pub listing_summary_chars: usize,
    pub listing_long_summary_chars: usize,
    pub listing_description_chars: usize,
    pub marketing_identifier_chars: usize,
    pub preview_subscriptions: usize,
    pub links: usize,
    pub categories: usize,
    pub video_name_chars: usize,
}

impl Default for OfferLimits {
    fn default() -> Self {
        OfferLimits {
            name_chars: 50,
            plans: 100,
            private_plans: 45,
            plan_title_chars: 50,
            plan_summary_chars: 100,
            plan_description_chars: 3_000,
            defaults: 5,
            default_chars: 512,
            twin_depth: 4,
            screenshots: 5,
            screenshot_name_chars: 100,
            screenshot_pixels: (533, 324),
            listing_title_chars: 50,
            listing_summary_chars: 100,
            listing_long_summary_chars: 256,
            listing_description_chars: 3_000,
            marketing_identifier_chars: 50,
            preview_subscriptions: 100,
            links: 10,
            categories: 5,
            video_name_chars: 100,
        }
    }
}

impl Default for ImageLimits {
    fn default() -> Self {
        ImageLimits { compressed_bytes: 2 << 30, uncompressed_bytes: 8 << 30, layers: 127 }
    }
}

impl Default for Platforms {
    fn default() -> Self {
        let linux = |architecture, variant| Platform::new("linux", architecture, variant);
        Platforms {
            tier1: vec![linux("amd64", None), linux("arm64", None), linux("arm", Some("v7"))],
            accepted: vec![Platform::new("windows", "amd64", None)],
        }
    }
}
