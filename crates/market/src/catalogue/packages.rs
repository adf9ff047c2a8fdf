//! The packages of a bill of materials, as a table that can be searched: out of the CycloneDX document that was made at
//! certification.

use super::{OfferPage, PlanPage};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::blocking;
use serde::Deserialize;
use std::sync::Arc;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Component {
    pub name: String,
    pub version: String,
    /// Ecosystem: the type of its package URL (`deb`, `npm`, …).
    pub kind: String,
    /// Licences as they are stated, with commas in between.
    pub licences: String,
    pub purl: String,
}

#[derive(Deserialize)]
struct Bom {
    #[serde(default)]
    components: Vec<BomComponent>,
}

#[derive(Deserialize)]
struct BomComponent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    purl: String,
    #[serde(default)]
    licenses: Vec<LicenceChoice>,
}

#[derive(Deserialize)]
struct LicenceChoice {
    expression: Option<String>,
    license: Option<NamedLicence>,
}

#[derive(Deserialize)]
struct NamedLicence {
    id: Option<String>,
    name: Option<String>,
}

impl Market {
    /// The packages of one platform of a plan of a page that the actor was given, by name.
    pub async fn packages(
        &self,
        page: &OfferPage,
        plan: &PlanPage,
        platform: &str,
    ) -> Result<Arc<Vec<Component>>> {
        let sbom = plan.sboms.iter().find(|sbom| sbom.platform.as_deref() == Some(platform));
        let sbom = sbom.ok_or_else(|| {
            Error::not_found(format!(
                "the bill of materials of {}.{}/{} for {platform:.60}",
                page.document.publisher, page.document.id, plan.id
            ))
        })?;
        self.packages_of(&sbom.digest).await
    }

    /// The packages of the CycloneDX document with this digest, by name.
    pub(crate) async fn packages_of(&self, digest: &str) -> Result<Arc<Vec<Component>>> {
        if let Some(known) = self.kept.packages.get(digest) {
            return Ok(known);
        }
        let bytes = self.document_bytes(digest).await?;
        let size = bytes.len();
        let components = blocking(move || parse(&bytes)).await?;
        Ok(self.kept.packages.put(digest, components, size))
    }
}

fn parse(bytes: &[u8]) -> Result<Vec<Component>> {
    let bom: Bom = serde_json::from_slice(bytes).map_err(Error::internal)?;
    let licence = |choice: LicenceChoice| {
        let named = choice.license.and_then(|licence| licence.id.or(licence.name));
        choice.expression.or(named)
    };
    let component = |found: BomComponent| Component {
        kind: found
            .purl
            .strip_prefix("pkg:")
            .and_then(|rest| rest.split('/').next())
            .unwrap_or("")
            .to_owned(),
        licences: found.licenses.into_iter().filter_map(licence).collect::<Vec<_>>().join(", "),
        name: found.name,
        version: found.version,
        purl: found.purl,
    };
    let mut components: Vec<Component> = bom.components.into_iter().map(component).collect();
    components.sort();
    Ok(components)
}
