//! Pulls as any registry client does, and verifies every byte.

use super::image::registry;
use crate::output::Failure;
use futures_util::TryStreamExt;
use oci::digest::Digest;
use oci::manifest::Manifest;
use sha2::{Digest as _, Sha256};
use std::pin::pin;

/// Pulls an image by tag, verifies the digest of its config and of each layer, and returns the manifest's.
pub async fn verified(
    host: &str,
    repository: &str,
    tag: &str,
    token: Option<&str>,
) -> Result<Digest, Failure> {
    let repository = registry(host, token)?.repository(repository)?;
    let (descriptor, bytes) = repository.get_manifest(tag).await?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|cause| {
        Failure::new(format!("the manifest at {host} is broken: {cause}"), "please report this")
    })?;
    for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
        let mut hasher = Sha256::new();
        let mut chunks = pin!(repository.get_blob(blob));
        while let Some(chunk) = chunks.try_next().await? {
            hasher.update(&chunk);
        }
        let found = Digest::from_hasher(hasher);
        if found != blob.digest {
            return Err(Failure::new(
                format!("{host} gave {found} for {}", blob.digest),
                "please report this",
            ));
        }
    }
    Ok(descriptor.digest)
}

/// Tries to pull and succeeds when that is refused, for the manifest by tag and for nothing that it could name.
pub async fn refused(host: &str, repository: &str, tag: &str, token: Option<&str>) -> Result<(), Failure> {
    let name = format!("{host}/{repository}:{tag}");
    let repository = registry(host, token)?.repository(repository)?;
    match repository.get_manifest(tag).await {
        Err(oci::Error::Denied(_) | oci::Error::NotFound(_)) => Ok(()),
        Err(other) => Err(other.into()),
        Ok((descriptor, _)) => Err(Failure::new(
            format!("{name} was given to somebody who may not have it ({})", descriptor.digest),
            "please report this",
        )),
    }
}
