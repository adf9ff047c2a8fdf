//! Verifies what was pulled as `edgemarket verify` does, with the public key that everybody may fetch.

use crate::client::{Client, Payload};
use crate::commands::verify::keyring;
use crate::output::Failure;
use axum::http::Method;
use certify::trust::{Demands, verify};
use oci::client::ClientOptions;
use oci::reference::Locator;
use oci::source::{OpenOptions, open};
use std::path::{Path, PathBuf};

/// Where the public keys are served.
pub const KEYS_PATH: &str = "/.well-known/edgemarket/keys.pem";

/// Fetches the marketplace's public keys into a file.
pub async fn fetch_keys(marketplace: &str, file: &Path) -> Result<(), Failure> {
    let anyone = Client::remote(marketplace, None)?;
    let pem = anyone.bytes(Method::GET, KEYS_PATH, Payload::Empty).await?;
    std::fs::write(file, pem).map_err(|cause| {
        Failure::could_not_run(format!("{} cannot be written: {cause}", file.display()), "check the disk")
    })
}

/// Succeeds when signature, bill of materials and certification are there, and every blob is what it should be.
pub async fn verified(image: &str, keys: &Path) -> Result<(), Failure> {
    let (image, keys) = (image.to_owned(), vec![PathBuf::from(keys)]);
    let runtime = Some(tokio::runtime::Handle::current());
    let work = move || {
        let client = ClientOptions { allow_http: true, ..ClientOptions::default() };
        let source = open(&Locator::parse(&image)?, &OpenOptions { client, http: None, runtime })?;
        let root = source.resolve(None)?;
        let demands = Demands { content: true, sbom: true, certification: true };
        let found = verify(source.as_ref(), &root, &keyring(&keys)?, demands)?;
        match found.chains.iter().flat_map(|chain| &chain.links).find(|link| !link.verified) {
            None => Ok(()),
            Some(link) => Err(Failure::new(
                format!("{image} is not verified: {}", link.details.join("; ")),
                "please report this",
            )),
        }
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Failure::new(format!("the verification broke off: {cause}"), "please report this"))?
}
