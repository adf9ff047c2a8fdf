//! The HTTP client below the registry client: how it connects, and how its errors read.

use super::CONNECT_TIMEOUT;
use crate::Error;
use std::sync::Arc;
use std::time::Duration;

/// How the HTTP client connects.
#[derive(Default)]
pub struct HttpOptions {
    /// Resolves host names instead of the system; proxies of the environment are then not used, since they would
    /// resolve elsewhere.
    pub resolver: Option<Arc<dyn reqwest::dns::Resolve>>,
    /// Certificate authorities to trust besides the system's, as PEM.
    pub authorities_pem: Vec<Vec<u8>>,
}

/// The HTTP client that [`Client`] expects: rustls with ring, no redirects of its own, a limit on connecting. One
/// serves for any number of registries.
pub fn http_client(options: HttpOptions) -> Result<reqwest::Client, Error> {
    // Fails only when a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("edgemarket/", env!("CARGO_PKG_VERSION")));
    for pem in &options.authorities_pem {
        let certificate = reqwest::Certificate::from_pem(pem).map_err(|error| Error::Malformed {
            what: "certificate of an authority".to_owned(),
            cause: chain(&error),
        })?;
        builder = builder.tls_certs_merge([certificate]);
    }
    if let Some(resolver) = options.resolver {
        builder = builder.dns_resolver(resolver).no_proxy();
    }
    builder.build().map_err(|error| Error::Io {
        what: format!("starting the HTTP client: {}", chain(&error)),
        source: std::io::Error::other(error),
    })
}

/// An error and its causes; the address is left out, since it may carry a signature.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = match (error.is_connect(), error.is_timeout()) {
        (_, true) => "timeout".to_owned(),
        (true, _) => "no connection".to_owned(),
        _ => "the transfer failed".to_owned(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
