//! What refers to an image (reports, SBOMs, signatures), in registries that do not list it by themselves: a tag of the
//! form `sha256-…` then points at an index of it (OCI distribution spec 1.1, *Referrers Tag Schema*). That tag is no
//! tag of the image and moves with the content.

use super::Repository;
use crate::Error;
use crate::digest::Digest;
use crate::manifest::{Descriptor, Index, media_type};
use std::collections::BTreeMap;

impl Repository {
    /// Makes sure that the repository lists all of these manifests for their subjects; each is given as
    /// [`referring`](crate::manifest::referring) gives it, and is there already. Those that are listed, whoever put them
    /// there, stay.
    pub async fn list_referrers(&self, referrers: &[(Digest, Descriptor)]) -> Result<(), Error> {
        let mut subjects: BTreeMap<Digest, Vec<&Descriptor>> = BTreeMap::new();
        for (subject, entry) in referrers {
            subjects.entry(*subject).or_default().push(entry);
        }
        for (subject, entries) in subjects {
            let mut listed = self.referrers(subject, None).await?;
            let before = listed.len();
            for entry in entries {
                if !listed.iter().any(|known| known.digest == entry.digest) {
                    listed.push(entry.clone());
                }
            }
            if listed.len() == before {
                continue;
            }
            let index = Index {
                schema_version: 2,
                media_type: Some(media_type::OCI_INDEX.to_owned()),
                artifact_type: None,
                manifests: listed,
                subject: None,
                annotations: BTreeMap::new(),
            };
            let bytes = serde_json::to_vec(&index).map_err(|error| Error::Malformed {
                what: format!("list of what refers to {subject}"),
                cause: error.to_string(),
            })?;
            self.push_manifest(&subject.referrers_tag(), media_type::OCI_INDEX, &bytes).await?;
        }
        Ok(())
    }
}
