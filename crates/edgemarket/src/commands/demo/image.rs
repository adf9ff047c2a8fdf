//! The demo's module image: the sample module of this workspace, statically linked, in one layer.

use crate::output::Failure;
use crate::sample::MODULE;
use oci::client::{self, Client, ClientOptions, Credentials, HttpOptions};
use oci::digest::Digest;
use oci::manifest::{Platform, RunConfig};
use oci::pack::{PackContent, PackFile, PackLayer, PackSpec, pack};
use oci::source::Source;
use oci::source::layout::LayoutSource;
use oci::writer::LayoutWriter;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// User that the module runs as.
const USER: u32 = 1000;

/// The platform of this machine, on which the sample module was built, as `os/architecture[/variant]`.
pub fn platform() -> String {
    let platform = host();
    ::offer::platform::Platform::new(&platform.os, &platform.architecture, platform.variant.as_deref())
        .to_string()
}

/// Writes the image as an OCI layout with these tags.
pub fn make(layout: &Path, tags: &[&str]) -> Result<Digest, Failure> {
    let file = |path: &str, content: &[u8], mode| PackFile {
        path: path.to_owned(),
        content: PackContent::Bytes(content.to_vec()),
        mode,
        uid: 0,
        gid: 0,
    };
    let labels = BTreeMap::from(
        [
            ("org.opencontainers.image.title", "Machine Telemetry"),
            ("org.opencontainers.image.version", "1.0.0"),
            ("org.opencontainers.image.vendor", "Contoso Modules"),
            ("org.opencontainers.image.licenses", "Apache-2.0"),
            ("org.opencontainers.image.source", "https://github.com/contoso/telemetry"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let module = "/usr/local/bin/module";
    let spec = PackSpec {
        platform: host(),
        layers: vec![PackLayer {
            from_root: None,
            files: vec![
                file(module, MODULE, 0o755),
                file("etc/passwd", format!("module:x:{USER}:{USER}::/:/sbin/nologin\n").as_bytes(), 0o644),
            ],
        }],
        config: RunConfig {
            user: Some(format!("{USER}:{USER}")),
            entrypoint: Some(vec![module.to_owned()]),
            env: Some(vec!["PATH=/usr/local/bin".to_owned()]),
            labels: Some(labels.clone()),
            healthcheck: Some(serde_json::json!({ "Test": ["CMD", module, "--healthcheck"] })),
            ..RunConfig::default()
        },
        annotations: labels,
        created_epoch_seconds: 0,
        created_by: "edgemarket demo".to_owned(),
    };
    let mut writer = LayoutWriter::new(layout)?;
    let descriptor = pack(&spec, &mut writer)?;
    for tag in tags {
        writer.add(&descriptor, Some(tag));
    }
    writer.finish_directory()?;
    Ok(descriptor.digest)
}

/// Pushes the layout's image to a repository under these tags.
pub async fn push(
    layout: &Path,
    host: &str,
    repository: &str,
    token: &str,
    tags: &[&str],
) -> Result<(), Failure> {
    let source: Arc<dyn Source> = Arc::new(LayoutSource::open(layout, None)?);
    let descriptor = source.resolve(tags.first().copied())?;
    let to = registry(host, Some(token))?.repository(repository)?;
    Ok(client::copy(source, &descriptor, &to, tags, None, Arc::new(|_| ())).await?)
}

/// A client of the registry at `host`, with a token of the marketplace as password.
pub fn registry(host: &str, token: Option<&str>) -> Result<Client, Failure> {
    let credentials =
        token.map(|token| Credentials::Basic { username: "token".to_owned(), password: token.to_owned() });
    let http = client::http_client(HttpOptions::default())?;
    Ok(Client::new(http, host, ClientOptions { credentials, allow_http: true, ..ClientOptions::default() })?)
}

fn host() -> Platform {
    let (architecture, variant) = match std::env::consts::ARCH {
        "x86_64" => ("amd64", None),
        "aarch64" => ("arm64", None),
        "arm" => ("arm", Some("v7")),
        other => (other, None),
    };
    Platform {
        architecture: architecture.to_owned(),
        os: "linux".to_owned(),
        variant: variant.map(str::to_owned),
        os_version: None,
    }
}
