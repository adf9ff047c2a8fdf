//! The files of a new offer, for `edgemarket offer new DIR`: a complete commented document, its description and real
//! pictures. It validates as it is when it is given real identifiers, and its comments say what to change.

mod logo;

use crate::module_name::default_module_name;
use std::collections::BTreeMap;

/// What a new offer is called and where its image is. The defaults are placeholders, of which the preview subscription
/// is an error until it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOffer {
    /// Publisher ID.
    pub publisher: String,
    /// Offer ID; also the marketing identifier, behind the publisher's.
    pub offer: String,
    /// Plan ID.
    pub plan: String,
    /// Display name; also the titles of the plan and the listing.
    pub name: String,
    /// Image repository, `host[:port]/path`.
    pub repository: String,
    /// Tags of the image: `latest` and at least one version.
    pub tags: Vec<String>,
    /// Subscription that sees the preview.
    pub preview_subscription: String,
}

impl Default for NewOffer {
    fn default() -> Self {
        NewOffer {
            publisher: "your-publisher".into(),
            offer: "your-module".into(),
            plan: "standard".into(),
            name: "Your Module".into(),
            repository: "registry.example.com/your-publisher/your-module".into(),
            tags: vec!["latest".into(), "1.0.0".into()],
            preview_subscription: "00000000-0000-0000-0000-000000000000".into(),
        }
    }
}

const DOCUMENT: &str = include_str!("template/offer.yaml");
const DESCRIPTION: &str = include_str!("template/description.html");

/// Path in the directory → content. The values are not judged here: reading the result does that.
pub fn new_offer(values: &NewOffer) -> BTreeMap<String, Vec<u8>> {
    let module = default_module_name(&values.name).unwrap_or_else(|_| "module".into());
    let limit = crate::identity::ID_CHARS_MAX;
    let marketing: String = format!("{}-{}", values.publisher, values.offer).chars().take(limit).collect();
    let document = fill(
        DOCUMENT,
        &[
            ("PUBLISHER", quoted(&values.publisher)),
            ("OFFER", quoted(&values.offer)),
            ("PLAN", quoted(&values.plan)),
            ("NAME", quoted(&values.name)),
            ("REPOSITORY", quoted(&values.repository)),
            ("TAGS", values.tags.iter().map(|tag| quoted(tag)).collect::<Vec<_>>().join(", ")),
            ("PREVIEW", quoted(&values.preview_subscription)),
            ("MARKETING", quoted(marketing.trim_end_matches('-'))),
            ("MODULE", module),
        ],
    );
    let escaped = values.name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut files = BTreeMap::from([
        (crate::reading::DOCUMENT.to_owned(), document.into_bytes()),
        ("description.html".to_owned(), fill(DESCRIPTION, &[("NAME", escaped)]).into_bytes()),
    ]);
    for (name, width, height) in
        [("small", 40, 40), ("medium", 90, 90), ("large", 115, 115), ("wide", 255, 115)]
    {
        files.insert(format!("logos/{name}.png"), logo::png(&values.offer, width, height));
    }
    files
}

/// Puts each value in the place of its `«NAME»`.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('«') {
        let (name, after) = after.split_once('»').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    text + rest
}

/// Text in double quotes. JSON strings are YAML too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
