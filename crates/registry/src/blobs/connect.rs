//! How an object store is reached: S3 and what speaks its protocol, and Azure Blob.

use super::{Error, remote::Remote};
use object_store::{
    ClientOptions, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder,
    path::Path as Key, signer::Signer,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Longest silence of the store, a part of an upload included: 8 MiB in this time are 70 KB/s.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How often and how long a request is repeated that failed by the store or the network; a client waits meanwhile.
const RETRIES_MAX: usize = 5;
const RETRY_MAX: Duration = Duration::from_secs(30);
/// What is written at every start, to see that it can be.
const MARK: &str = "edgemarket.txt";

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the value as it is.
    pub fn new(value: String) -> Secret {
        Secret(value)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Which protocol an object store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Protocol {
    S3,
    Azure,
}

/// Where the blobs lie in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStore {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Bucket (S3) or container (Azure).
    pub bucket: String,
    /// What the keys begin with; one marketplace alone may use it.
    pub prefix: Option<String>,
    /// URL; the protocol's own cloud when absent. `http` is taken as it is said.
    pub endpoint: Option<String>,
    /// Of S3; `us-east-1` when absent.
    pub region: Option<String>,
    /// ID of an access key (S3), or name of the storage account (Azure, where it is needed).
    pub account: Option<String>,
    /// Secret access key or account key. Absent: what the machine is given (`AWS_…` and `AZURE_…` variables, the role of an
    /// instance, a workload identity).
    pub secret: Option<Secret>,
    /// Whether clients are sent to the store for blobs.
    pub redirect: bool,
}

impl ObjectStore {
    /// Connects, and sees that the place may be written to.
    pub(super) async fn connect(&self, spool: PathBuf) -> Result<Remote, Error> {
        // The client is built with TLS, which wants to know whose cryptography. Somebody may have said so before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        self.check_endpoint().map_err(|source| self.unusable(source))?;
        let built = match self.protocol {
            Protocol::S3 => self.s3(),
            Protocol::Azure => self.azure(),
        };
        let (store, signer) = built.map_err(|source| self.unusable(source))?;
        let prefix = match self.prefix.as_deref().map(|prefix| prefix.trim_matches('/')) {
            None | Some("") => String::new(),
            Some(prefix) => format!("{prefix}/"),
        };
        let mark = Key::from(format!("{prefix}{MARK}"));
        let text = "The blobs of an Edgemarket lie here. Only it may write and remove them.\n";
        store.put(&mark, text.into()).await.map_err(|source| self.unusable(source))?;
        let signer = self.redirect.then_some(signer);
        let (runtime, sending) = (tokio::runtime::Handle::current(), Default::default());
        Ok(Remote { store, signer, prefix, spool, runtime, sending })
    }

    fn s3(&self) -> object_store::Result<Built> {
        let mut builder = match &self.secret {
            Some(Secret(secret)) => AmazonS3Builder::new().with_secret_access_key(secret),
            None => AmazonS3Builder::from_env(),
        }
        .with_bucket_name(&self.bucket)
        .with_client_options(self.options())
        .with_retry(retries());
        if let Some(account) = &self.account {
            builder = builder.with_access_key_id(account);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let built = Arc::new(builder.build()?);
        Ok((Arc::clone(&built) as _, built))
    }

    fn azure(&self) -> object_store::Result<Built> {
        let mut builder = match &self.secret {
            Some(Secret(secret)) => MicrosoftAzureBuilder::new().with_access_key(secret),
            None => MicrosoftAzureBuilder::from_env(),
        }
        .with_container_name(&self.bucket)
        .with_client_options(self.options())
        .with_retry(retries());
        if let Some(account) = &self.account {
            builder = builder.with_account(account);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        let built = Arc::new(builder.build()?);
        Ok((Arc::clone(&built) as _, built))
    }

    /// The library takes any text for a URL, and panics later.
    fn check_endpoint(&self) -> object_store::Result<()> {
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        let wrong = match url::Url::parse(endpoint) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => return Ok(()),
            Ok(_) => "it must begin with https:// or http:// and a host".to_owned(),
            Err(cause) => cause.to_string(),
        };
        Err(object_store::Error::Generic { store: "endpoint", source: wrong.into() })
    }

    fn options(&self) -> ClientOptions {
        let plain = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        // A blob may take hours: only silence ends a transfer.
        ClientOptions::new().with_timeout_disabled().with_read_timeout(SILENCE_MAX).with_allow_http(plain)
    }

    fn unusable(&self, source: object_store::Error) -> Error {
        let place = self.endpoint.as_deref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
        let what = match self.protocol {
            Protocol::S3 => "S3 bucket",
            Protocol::Azure => "Azure container",
        };
        Error::Unusable { place: format!("{what} {}{place}", self.bucket), source: Box::new(source) }
    }
}

type Built = (Arc<dyn object_store::ObjectStore>, Arc<dyn Signer>);

fn retries() -> RetryConfig {
    RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_MAX, ..RetryConfig::default() }
}
