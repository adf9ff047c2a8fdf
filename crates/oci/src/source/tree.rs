//! What hangs together with an image: the manifests below it, and what refers to any of them.

use super::Source;
use crate::Error;
use crate::client::is_manifest;
use crate::digest::Digest;
use crate::manifest::{self, Descriptor, INDEX_DEPTH_MAX};
use std::collections::BTreeSet;

/// Most manifests that are walked: those of an image with all that refers to it.
const MANIFESTS_MAX: usize = 10_000;

/// A manifest that refers to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referring {
    /// To which.
    pub subject: Digest,
    /// As it is listed.
    pub descriptor: Descriptor,
}

/// The manifest or index and all manifests below it, parents first, each once.
pub fn manifests_below(source: &dyn Source, root: &Descriptor) -> Result<Vec<Descriptor>, Error> {
    let mut found: Vec<Descriptor> = Vec::new();
    let mut level = vec![root.clone()];
    for _ in 0..=INDEX_DEPTH_MAX {
        let mut below = Vec::new();
        for descriptor in std::mem::take(&mut level) {
            if found.iter().any(|known| known.digest == descriptor.digest) {
                continue;
            }
            check_number(found.len(), root)?;
            let bytes = source.manifest(&descriptor)?;
            let document = manifest::parse(&bytes, Some(&descriptor.media_type))?;
            let children = document.children().into_iter().filter(|child| is_manifest(&child.media_type));
            below.extend(children.cloned());
            found.push(descriptor);
        }
        if below.is_empty() {
            return Ok(found);
        }
        level = below;
    }
    Err(Error::Limit {
        what: format!("nesting of indexes below {}", root.digest),
        limit: format!("{INDEX_DEPTH_MAX} levels"),
    })
}

/// Everything that refers to the manifest or index, to one below it, or to what refers to it in turn; a subject comes
/// before what refers to it.
pub fn referrers_below(source: &dyn Source, root: &Descriptor) -> Result<Vec<Referring>, Error> {
    let mut subjects: Vec<Digest> =
        manifests_below(source, root)?.into_iter().map(|descriptor| descriptor.digest).collect();
    let mut seen: BTreeSet<Digest> = subjects.iter().copied().collect();
    let mut found = Vec::new();
    while !subjects.is_empty() {
        let mut next = Vec::new();
        for subject in subjects {
            for descriptor in source.referrers(subject)? {
                if !seen.insert(descriptor.digest) {
                    continue;
                }
                check_number(found.len(), root)?;
                next.push(descriptor.digest);
                found.push(Referring { subject, descriptor });
            }
        }
        subjects = next;
    }
    Ok(found)
}

fn check_number(found: usize, root: &Descriptor) -> Result<(), Error> {
    if found < MANIFESTS_MAX {
        return Ok(());
    }
    let what = format!("number of manifests around {}", root.digest);
    Err(Error::Limit { what, limit: MANIFESTS_MAX.to_string() })
}
