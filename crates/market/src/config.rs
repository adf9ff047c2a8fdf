//! Configuration: typed, read once, from `edgemarket.toml` in the data directory, `EDGEMARKET_*` variables and flags, in
//! this order of precedence from low to high. The marketplace policy is a file of its own (`offer::policy`).
//!
//! The data directory:
//!
//! ```text
//! DATA/
//!   edgemarket.toml     this configuration (optional)
//!   lock                held by the process that uses the directory
//!   key                 seals stored secrets (0600); back it up apart from the rest
//!   signing-key.pem     signs images, unless `signing-key` names another (0600); back it up apart from the rest
//!   market.db           records (SQLite, WAL: market.db-wal and market.db-shm belong to it)
//!   blobs/              content-addressed store: images, SBOMs, reports; unless that is elsewhere
//!   uploads/, tmp/      what is on its way into it
//!   quarantine/         blobs that a scrub found to be rotten and set aside
//!   bundles/            drafts and snapshots of offers, content-addressed tar archives
//!   evidence/           what certification knows of layers that it saw; may be deleted
//!   recertify.request   an import of vulnerability data asks for a recertification; gone when it began
//!   sandbox/            images while they are started on trial; empty otherwise
//! ```

mod blobs;
mod contract;

pub use blobs::BlobsKind;

use crate::error::{Error, Result};
use jiff::SignedDuration;
use offer::finding::{Finding, Severity};
use offer::policy::Policy;
use registry::blobs::ObjectStore;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Largest configuration or policy file in bytes; real ones have some kilobytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Prefix of the environment variables.
pub const ENV_PREFIX: &str = "EDGEMARKET_";

/// The settings that may stand in `edgemarket.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Address that the server listens on.
    pub listen: SocketAddr,
    /// URL under which people and devices reach this server; `http://` and the listen address when absent.
    pub public_url: Option<String>,
    /// Addresses and networks of proxies that stand before this server and add to `X-Forwarded-For` whom they speak for:
    /// attempts to sign in are counted by that address. From others the header is not believed.
    pub trusted_proxies: Vec<String>,
    /// Name of this instance as a region.
    pub region: String,
    /// Hosts, addresses or networks (`registry.local`, `10.0.0.5`, `10.0.0.0/8`) that outgoing requests may reach
    /// although they are private or loopback addresses.
    pub allow_private_egress: Vec<String>,
    /// Whether a certification asks the listing's links if they answer. Off unless asked for, as on the command line: a
    /// factory or a CI machine without the internet would warn of every link, and both doors shall give one report.
    pub check_links: bool,
    /// Policy file; the built-in defaults when absent.
    pub policy: Option<PathBuf>,
    /// HTML file with the standard contract of this marketplace; the one that comes with the program when absent.
    pub standard_contract: Option<PathBuf>,
    /// Directory of the operator's own YARA rules and hash lists.
    pub rules: Option<PathBuf>,
    /// ClamAV daemon that is asked about every file of an image: `unix:/path` or `tcp://host:port`.
    pub clamd: Option<String>,
    /// A text that you change with each change of signatures that you added to ClamAV's own: evidence is kept under it.
    pub clamd_key: Option<String>,
    /// Private key that signs (ECDSA P-256, PKCS#8 PEM, mode 0600); one of its own is made and kept when absent.
    pub signing_key: Option<PathBuf>,
    /// Images that are certified at the same time.
    pub certifications: usize,
    /// Where images, lists of contents and reports lie.
    pub blobs: BlobsKind,
    /// Bucket (S3) or container (Azure) for them.
    pub blobs_bucket: Option<String>,
    /// What their keys begin with, if others use the bucket too; no other marketplace may use the same.
    pub blobs_prefix: Option<String>,
    /// URL of the object store; AWS or Azure themselves when absent.
    pub blobs_endpoint: Option<String>,
    /// Region of an S3 bucket; `us-east-1` when absent.
    pub blobs_region: Option<String>,
    /// ID of the access key (S3) or name of the storage account (Azure).
    pub blobs_account: Option<String>,
    /// File with the secret access key or the account key (mode 0600); the variable `EDGEMARKET_BLOBS_SECRET` when absent.
    pub blobs_secret_file: Option<PathBuf>,
    /// Whether clients that pull are sent to the object store for blobs.
    pub blobs_redirect: bool,
    /// How many of the greatest versions of a plan keep their tags; 0 for all. What is live always does.
    pub keep_versions: usize,
    /// How long something must have been unneeded before a garbage collection removes it.
    pub collect_grace: SignedDuration,
    /// How often garbage is collected; zero for never.
    pub collect_every: SignedDuration,
    /// OCI runtime that starts modules on trial: `auto` for runc where it is there and works, `off`, or a name or path.
    pub sandbox: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            trusted_proxies: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
            region: "home".to_owned(),
            allow_private_egress: Vec::new(),
            check_links: false,
            policy: None,
            standard_contract: None,
            rules: None,
            clamd: None,
            clamd_key: None,
            signing_key: None,
            certifications: 2,
            blobs: BlobsKind::Directory,
            blobs_bucket: None,
            blobs_prefix: None,
            blobs_endpoint: None,
            blobs_region: None,
            blobs_account: None,
            blobs_secret_file: None,
            blobs_redirect: false,
            keep_versions: 0,
            collect_grace: SignedDuration::from_hours(24),
            collect_every: SignedDuration::from_hours(6),
            sandbox: "auto".to_owned(),
        }
    }
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Origin {
    Default,
    File,
    Environment,
    Flag,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// The settings.
    pub settings: Settings,
    /// Setting name → where it came from, for every setting.
    pub origins: BTreeMap<String, Origin>,
    /// The marketplace policy.
    pub policy: Policy,
    /// The standard contract as HTML that is safe to show.
    pub standard_contract: String,
    /// Where the blobs lie, if not in the data directory.
    pub object_store: Option<ObjectStore>,
}

impl Config {
    /// Settings as given with the built-in policy and blobs in the data directory, for tests and the demo.
    pub fn new(data: impl Into<PathBuf>, settings: Settings) -> Config {
        Config {
            data: data.into(),
            settings,
            origins: BTreeMap::new(),
            policy: Policy::default(),
            standard_contract: contract::BUILT_IN.to_owned(),
            object_store: None,
        }
    }

    /// Reads the file, the variables (`env` answers for a name) and the flags (setting name → text).
    pub fn load(
        data: &Path,
        env: &dyn Fn(&str) -> Option<String>,
        flags: &BTreeMap<String, String>,
    ) -> Result<Config> {
        let path = data.join("edgemarket.toml");
        let mut table = match read_limited(&path)? {
            Some(text) => text.parse::<toml::Table>().map_err(|error| malformed(&path, &error))?,
            None => toml::Table::new(),
        };
        let mut origins: BTreeMap<String, Origin> = BTreeMap::new();
        for name in setting_names() {
            let mut origin = if table.contains_key(&name) { Origin::File } else { Origin::Default };
            let variable = format!("{ENV_PREFIX}{}", name.replace('-', "_").to_uppercase());
            if let Some(text) = env(&variable) {
                table.insert(name.clone(), value_of(&name, &text, &variable)?);
                origin = Origin::Environment;
            }
            if let Some(text) = flags.get(&name) {
                table.insert(name.clone(), value_of(&name, text, &format!("--{name}"))?);
                origin = Origin::Flag;
            }
            origins.insert(name, origin);
        }
        let settings: Settings = table.try_into().map_err(|error| malformed(&path, &error))?;
        let policy = match &settings.policy {
            Some(file) => load_policy(&data.join(file))?,
            None => Policy::default(),
        };
        let standard_contract = match &settings.standard_contract {
            Some(file) => contract::load(&data.join(file))?,
            None => contract::BUILT_IN.to_owned(),
        };
        for (name, duration) in
            [("collect-grace", settings.collect_grace), ("collect-every", settings.collect_every)]
        {
            if duration.is_negative() {
                return Err(Error::setup(
                    format!("{name} is -{:#}: less than nothing", duration.abs()),
                    "write for example 24h",
                ));
            }
        }
        if let Some(wrong) =
            settings.trusted_proxies.iter().find(|text| crate::egress::network(text).is_none())
        {
            return Err(Error::setup(
                format!("trusted-proxies has {wrong:?}, which is neither an address nor a network"),
                "write for example [\"10.0.0.5\", \"10.1.0.0/16\"]",
            ));
        }
        let object_store = blobs::object_store(&settings, data, env)?;
        Ok(Config { data: data.to_owned(), settings, origins, policy, standard_contract, object_store })
    }

    /// URL under which this server is reached, without a slash at its end.
    pub fn public_url(&self) -> String {
        match &self.settings.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.settings.listen),
        }
    }

    /// `host[:port]` of [`public_url`](Config::public_url): the registry's host in image names.
    pub fn registry_host(&self) -> String {
        let url = self.public_url();
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest).to_owned()
    }
}

/// Every setting's name; a test compares them with the type.
fn setting_names() -> Vec<String> {
    [
        "listen",
        "public-url",
        "trusted-proxies",
        "region",
        "allow-private-egress",
        "check-links",
        "policy",
        "standard-contract",
        "rules",
        "clamd",
        "clamd-key",
        "signing-key",
        "certifications",
        "blobs",
        "blobs-bucket",
        "blobs-prefix",
        "blobs-endpoint",
        "blobs-region",
        "blobs-account",
        "blobs-secret-file",
        "blobs-redirect",
        "keep-versions",
        "collect-grace",
        "collect-every",
        "sandbox",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A variable or flag is text; the settings that are not get their type here.
fn value_of(name: &str, text: &str, from: &str) -> Result<toml::Value> {
    Ok(match name {
        "certifications" | "keep-versions" => toml::Value::Integer(text.trim().parse().map_err(|_| {
            Error::setup(
                format!("{from} is {text:?}, which is no whole number"),
                "give a number, for example 2",
            )
        })?),
        "check-links" | "blobs-redirect" => toml::Value::Boolean(text.trim().parse().map_err(|_| {
            Error::setup(format!("{from} is {text:?}, which is neither true nor false"), "give one of them")
        })?),
        "allow-private-egress" | "trusted-proxies" => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            toml::Value::Array(items.map(|item| toml::Value::String(item.to_owned())).collect())
        }
        _ => toml::Value::String(text.to_owned()),
    })
}

fn load_policy(path: &Path) -> Result<Policy> {
    let text = read_limited(path)?.ok_or_else(|| {
        Error::setup(
            format!("the policy file {} does not exist", path.display()),
            "correct `policy`, or remove it",
        )
    })?;
    let policy = Policy::from_toml(&text).map_err(|finding| wrong_policy(path, &finding))?;
    let findings = certify::policy::check(&policy, Some(&text));
    match findings.iter().find(|finding| finding.severity == Severity::Error) {
        Some(finding) => Err(wrong_policy(path, finding)),
        None => Ok(policy),
    }
}

fn wrong_policy(path: &Path, finding: &Finding) -> Error {
    let place = match &finding.position {
        Some(position) => format!(":{}:{}", position.line, position.column),
        None => String::new(),
    };
    Error::setup(format!("{}{place}: {}", path.display(), finding.message), finding.hint.clone())
}

fn read_limited(path: &Path) -> Result<Option<String>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return Err(Error::setup(
                format!("{} has {} bytes, at most {FILE_BYTES_MAX} are read", path.display(), metadata.len()),
                "this is not a configuration file; correct the path",
            ));
        }
        _ => {}
    }
    std::fs::read_to_string(path).map(Some).map_err(Error::io(format!("reading {}", path.display())))
}

fn malformed(path: &Path, error: &toml::de::Error) -> Error {
    Error::setup(
        format!("{}: {}", path.display(), error.to_string().trim_end()),
        "correct the setting; the names and their meanings are in docs/operator.md",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_be_a_variable_and_a_flag() {
        let some = || Some("x".to_owned());
        // Absent ones are not written, so each is set.
        let settings = Settings {
            public_url: some(),
            policy: some().map(PathBuf::from),
            standard_contract: some().map(PathBuf::from),
            rules: some().map(PathBuf::from),
            clamd: some(),
            clamd_key: some(),
            signing_key: some().map(PathBuf::from),
            blobs_bucket: some(),
            blobs_prefix: some(),
            blobs_endpoint: some(),
            blobs_region: some(),
            blobs_account: some(),
            blobs_secret_file: some().map(PathBuf::from),
            ..Settings::default()
        };
        let written = toml::Table::try_from(&settings).expect("settings are TOML");
        let (mut named, mut known) = (setting_names(), written.keys().cloned().collect::<Vec<_>>());
        named.sort();
        known.sort();
        assert_eq!(named, known);
    }
}
