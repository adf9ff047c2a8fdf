//! Names of images: a [`Reference`] names one in a registry (OCI distribution spec 1.1, *Pulling manifests*, with
//! Docker's rules for what may be left out); a [`Locator`] is what a person types, in the manner of skopeo's
//! transports. Whether the thing exists is not decided here, with one exception: a text without transport is taken
//! for a path if there is a file or directory of that name.

use crate::Error;
use crate::digest::Digest;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Longest `registry/repository` in bytes (CNCF distribution's limit, which all registries keep).
const NAME_BYTES_MAX: usize = 255;

/// Longest tag in bytes (OCI distribution spec 1.1).
const TAG_BYTES_MAX: usize = 128;

/// The registry meant when none is named, as Docker does.
const DEFAULT_REGISTRY: &str = "docker.io";

/// An image in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no image reference: {cause}")]
pub struct ReferenceError {
    text: String,
    cause: &'static str,
}

impl Reference {
    /// Host and port, as written: `registry.example.com:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }
    /// The path in the registry: `acme/telemetry`.
    pub fn repository(&self) -> &str {
        &self.repository
    }
    /// The tag, if one is named.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }
    /// The digest, if one is named. It wins over the tag.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }
    /// The same repository with this tag and no digest.
    pub fn with_tag(&self, tag: &str) -> Result<Reference, ReferenceError> {
        if !is_tag(tag) {
            return Err(wrong(tag, TAG_RULE));
        }
        Ok(Reference { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }
    /// The same repository with this digest and no tag.
    pub fn with_digest(&self, digest: Digest) -> Reference {
        Reference { tag: None, digest: Some(digest), ..self.clone() }
    }
    /// Digest, else tag, as it stands in a manifest's address.
    pub fn tag_or_digest(&self) -> Option<String> {
        self.digest.map(|digest| digest.to_string()).or_else(|| self.tag.clone())
    }
}

const TAG_RULE: &str =
    "a tag has up to 128 letters, digits, '_', '.', '-' and does not begin with '.' or '-'";

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Reference, ReferenceError> {
        if text.len() > 2 * NAME_BYTES_MAX + TAG_BYTES_MAX {
            return Err(wrong(text, "it is too long"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = digest.parse().map_err(|_| {
                    wrong(text, "after '@' stands a digest: sha256: and 64 lower-case hexadecimal digits")
                })?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong(text, TAG_RULE));
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, path)) if names_host(first) => (first, path.to_owned()),
            _ => (DEFAULT_REGISTRY, name.to_owned()),
        };
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        let official = registry == DEFAULT_REGISTRY && !path.contains('/');
        let repository = if official { format!("library/{path}") } else { path };
        if !is_registry(registry) {
            return Err(wrong(text, "the registry must be a host name or address, with or without a port"));
        }
        if !is_repository(&repository) {
            return Err(wrong(
                text,
                "each part of the repository has lower-case letters and digits, joined by '.', '_', '__' or '-'",
            ));
        }
        if registry.len() + 1 + repository.len() > NAME_BYTES_MAX {
            return Err(wrong(text, "registry and repository have more than 255 characters"));
        }
        Ok(Reference { registry: registry.to_owned(), repository, tag: tag.map(str::to_owned), digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// Whether the text is a repository name (OCI distribution spec 1.1: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, parts
/// joined by `/`).
pub fn is_repository(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX && text.split('/').all(is_part)
}

/// Whether the text is a tag (OCI distribution spec 1.1: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`).
pub fn is_tag(text: &str) -> bool {
    let bytes = text.as_bytes();
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=TAG_BYTES_MAX).contains(&bytes.len())
        && bytes.iter().all(allowed)
        && !matches!(bytes[0], b'.' | b'-')
}

fn is_part(part: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !alphanumeric(*first) || !alphanumeric(*last) {
        return false;
    }
    bytes
        .split(|byte| alphanumeric(*byte))
        .all(|joint| matches!(joint, b"" | b"." | b"_" | b"__") || joint.iter().all(|byte| *byte == b'-'))
}

/// Docker's rule for the first part: it is a host if it could not be a part of a repository on Docker Hub.
fn names_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_right = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if port.is_some_and(|port| !port_right(port)) {
        return false;
    }
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    host.split('.').all(|label| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    })
}

fn wrong(text: &str, cause: &'static str) -> ReferenceError {
    ReferenceError { text: text.chars().take(200).collect(), cause }
}

impl From<ReferenceError> for Error {
    fn from(error: ReferenceError) -> Error {
        Error::Malformed { what: format!("image reference {:?}", error.text), cause: error.cause.to_owned() }
    }
}

/// Where an image is, as typed on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locator {
    /// `oci:DIR[:TAG]`, or the path of a directory.
    Layout {
        /// The directory.
        path: PathBuf,
        /// Tag or digest.
        reference: Option<String>,
    },
    /// `oci-archive:FILE[:TAG]`
    OciArchive {
        /// The tar file.
        path: PathBuf,
        /// Tag or digest.
        reference: Option<String>,
    },
    /// `docker-archive:FILE[:TAG]`, where the tag may be a whole name (`acme/telemetry:1.0`).
    DockerArchive {
        /// The tar file.
        path: PathBuf,
        /// Tag or name.
        reference: Option<String>,
    },
    /// The path of a file without transport: an archive of either kind.
    Archive {
        /// The tar file.
        path: PathBuf,
        /// Tag or digest.
        reference: Option<String>,
    },
    /// `docker://HOST/REPO[:TAG|@DIGEST]`, or a reference without transport.
    Registry(Reference),
}

impl Locator {
    /// Reads what a person typed.
    pub fn parse(text: &str) -> Result<Locator, Error> {
        let in_path = |rest: &str| {
            let (path, reference) = split_path(rest);
            match path.as_os_str().is_empty() || reference.as_deref() == Some("") {
                true => Err(Error::Malformed {
                    what: format!("image {text:?}"),
                    cause: "after the transport stands a path, then maybe ':' and a tag".to_owned(),
                }),
                false => Ok((path, reference)),
            }
        };
        match text.split_once(':') {
            Some(("oci", rest)) => in_path(rest).map(|(path, reference)| Locator::Layout { path, reference }),
            Some(("oci-archive", rest)) => {
                in_path(rest).map(|(path, reference)| Locator::OciArchive { path, reference })
            }
            Some(("docker-archive", rest)) => {
                in_path(rest).map(|(path, reference)| Locator::DockerArchive { path, reference })
            }
            Some(("docker", rest)) if rest.starts_with("//") => Ok(Locator::Registry(rest[2..].parse()?)),
            Some((transport @ ("docker-daemon" | "containers-storage" | "dir" | "ostree" | "sif"), _)) => {
                Err(Error::Unsupported(format!("image transport {transport:?}")))
            }
            _ => {
                let (path, reference) = split_path(text);
                if path.is_dir() {
                    Ok(Locator::Layout { path, reference })
                } else if path.exists() {
                    Ok(Locator::Archive { path, reference })
                } else if text.starts_with(['.', '/']) {
                    Err(Error::NotFound(format!("image {text:?} (a layout directory or an archive)")))
                } else {
                    Ok(Locator::Registry(text.parse()?))
                }
            }
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, path, reference) = match self {
            Locator::Layout { path, reference } => ("oci:", path, reference),
            Locator::OciArchive { path, reference } => ("oci-archive:", path, reference),
            Locator::DockerArchive { path, reference } => ("docker-archive:", path, reference),
            Locator::Archive { path, reference } => ("", path, reference),
            Locator::Registry(reference) => return write!(f, "docker://{reference}"),
        };
        write!(f, "{transport}{}", path.display())?;
        match reference {
            Some(reference) => write!(f, ":{reference}"),
            None => Ok(()),
        }
    }
}

/// `PATH[:TAG]`. Paths may contain colons: the longest beginning that exists is the path, else what stands before the
/// first colon.
fn split_path(text: &str) -> (PathBuf, Option<String>) {
    if Path::new(text).exists() {
        return (PathBuf::from(text), None);
    }
    let split = |at: usize| (PathBuf::from(&text[..at]), Some(text[at + 1..].to_owned()));
    let colons = text.match_indices(':').map(|(at, _)| at);
    let longest = colons.rev().find(|at| *at > 0 && Path::new(&text[..*at]).exists());
    match longest.or_else(|| text.find(':')) {
        Some(at) => split(at),
        None => (PathBuf::from(text), None),
    }
}
