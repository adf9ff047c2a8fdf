//! What is known of an image after the pass: facts, no opinions. The pass makes [`LayerEvidence`] of each layer, the
//! merge makes [`ImageEvidence`] of an image's layers, the criteria read it. Everything is ordered, so that equal
//! images give equal reports.

use oci::digest::Digest;
use oci::manifest::ImageConfig;
use offer::platform::Platform;
use serde::{Deserialize, Serialize};

/// A place in the image: the layer that brought it, and the path without a leading `/`; members of archives follow
/// after `!`: `opt/a.zip!b.tar.gz!eicar.com`. Bytes that are not UTF-8 are written `\xNN`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Digest of the compressed layer; `None` for the image config.
    pub layer: Option<Digest>,
    /// Path, or the part of the config (`config.Env`, `config.Labels`, `history`).
    pub path: String,
}

/// An installed package, from a package database or from build information.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Package {
    pub kind: PackageKind,
    pub name: String,
    /// As its ecosystem writes it. RPM: `[epoch:]version-release`, the epoch when it is not 0.
    pub version: String,
    /// Architecture as the package manager names it; of a gem, its platform when it is not `ruby`.
    pub architecture: Option<String>,
    /// Source package and its version, where they differ from the binary package's (Debian, Alpine, RPM).
    pub source: Option<(String, String)>,
    /// Licence as the package states it.
    pub licence: Option<String>,
    /// Where it was read: the database, manifest or binary.
    pub place: Place,
}

/// Which kind of source a package was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum PackageKind {
    Deb,
    Apk,
    Pypi,
    Npm,
    Golang,
    Cargo,
    Rpm,
    /// The name is `groupId:artifactId`, or `artifactId` alone where the archive does not state its group.
    Maven,
    Nuget,
    Gem,
    /// The name is `vendor/package`.
    Composer,
    /// A runtime without a package, known by the version string in its binary.
    Generic,
}

/// From `etc/os-release` or `usr/lib/os-release`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "os-release(5)")]
pub struct Distribution {
    pub id: String,
    pub version_id: String,
    pub pretty_name: String,
}

/// An executable or library file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// Where it is.
    pub place: Place,
    /// Format and machine, as the header states them.
    pub machine: Machine,
    /// Statically linked: no interpreter and no dynamic section.
    pub static_linked: bool,
    /// An executable, not a library or object file.
    pub executable: bool,
    /// The packer that made it unreadable, with what was seen of it.
    pub packer: Option<String>,
}

/// Machine of an ELF or PE file in the terms of image platforms; `architecture` is Go's spelling, `unknown-N` else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Machine {
    /// `linux` for ELF, `windows` for PE.
    pub os: String,
    pub architecture: String,
    /// `v6`, `v7` for 32-bit ARM where the build attributes state it.
    pub variant: Option<String>,
}

/// Something that a scanner recognised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Match {
    /// Which scanner, and what.
    pub kind: MatchKind,
    /// Where.
    pub place: Place,
    /// What was seen, safe to print: a secret's value never appears whole.
    pub evidence: String,
    /// A later layer deleted or replaced the file; it can still be read from the image.
    pub deleted_later: bool,
}

/// Kinds of [`Match`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchKind {
    /// A malware rule, or an entry of the operator's hash list, by name.
    Malware(String),
    /// A crypto miner's binary or pool configuration, by name.
    Miner(String),
    /// A secret.
    Secret {
        /// Stable name of the kind, for example `private-key`.
        kind: String,
        /// Private keys and connection strings block; tokens and the rest are advice (spec `certification.md`).
        key_or_connection_string: bool,
        /// It stands in the tests, the documentation or the programs of a package, and everybody who has the package
        /// has it: advice, whatever it is.
        published: bool,
    },
}

/// A file that speaks of an Azure IoT SDK's `ProductInfo`, and what in it could be a telemetry identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductInfo {
    /// Where.
    pub place: Place,
    /// Texts of the form `publisher.offer.plan`, sorted.
    pub identifiers: Vec<String>,
    /// There were more than are kept of a layer.
    pub truncated: bool,
}

/// A file that some criterion asks about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FileFact {
    pub place: Place,
    /// Permission bits, setuid, setgid and sticky included (`0o7777`).
    pub mode: u32,
    pub uid: u64,
    pub size: u64,
    pub directory: bool,
}

/// Something about the image's form that is wrong or could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// Where.
    pub place: Place,
    /// The fact.
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// Kinds of [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Digest, size or diff ID do not agree, or the stream is broken: criterion `digest-verified`.
    Verification,
    /// A tar entry that no good tool writes (`..`, links that leave the root, device nodes …): `digest-verified`.
    Structure,
    /// A limit was passed (bytes, ratio, entries): `size-within-limit`.
    Size,
    /// Bytes after the end of the archive, or an empty layer: `layers-within-limit`.
    Bulk,
    /// An archive or file that could not be looked into (nested too deep, too many members, encrypted, broken):
    /// `no-known-malware` says so as a warning: what could not be checked is never silent.
    Unscanned,
    /// A scanner that was asked for could not be asked, so that nobody knows what it would have said:
    /// `no-known-malware` is errored. Such evidence is not kept.
    ScannerUnavailable,
    /// A package database that cannot be read: `sbom-complete`.
    Packages,
    /// Names that not every host can unpack as they are meant: absolute, not UTF-8, different only in case, or given
    /// twice. Real images have some of them, so this is advice: `layers-within-limit`.
    Names,
}

/// One layer of an image, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LayerFacts {
    pub digest: Digest,
    pub media_type: String,
    pub compressed_bytes: u64,
    pub uncompressed_bytes: u64,
    pub entries: u64,
}

/// Where the image's start command leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartCommand {
    /// Neither entrypoint nor cmd is set.
    Missing,
    /// The program is not in the merged file system (looked up along `PATH` and through links).
    NotFound(String),
    /// It is there and not an executable regular file.
    NotExecutable(String),
    /// Path of the program, links resolved.
    Found(String),
}

/// All facts of one platform's image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageEvidence {
    /// Digest of the image manifest.
    pub digest: Digest,
    /// Platform as the config states it, `None` when it states none.
    pub platform: Option<Platform>,
    /// Platform as the index states it, when the image is part of one.
    pub index_platform: Option<Platform>,
    /// The config.
    pub config: ImageConfig,
    /// Layers, lowest first.
    pub layers: Vec<LayerFacts>,
    /// Packages in the merged file system, sorted, each once.
    pub packages: Vec<Package>,
    /// The distribution, when an os-release file says it.
    pub distribution: Option<Distribution>,
    /// ELF and PE files of the merged file system, sorted by place.
    pub binaries: Vec<Binary>,
    /// setuid and setgid files of the merged file system.
    pub setuid: Vec<FileFact>,
    /// World-writable files in directories of programs and libraries (sticky directories are not).
    pub world_writable: Vec<FileFact>,
    /// Package caches, object directories, `.git`, core dumps left by the build.
    pub leftovers: Vec<FileFact>,
    /// What scanners recognised, in files of any layer, ENV, labels and history; sorted.
    pub matches: Vec<Match>,
    /// Files that speak of `ProductInfo`, in the merged file system, in order of layers.
    pub product_infos: Vec<ProductInfo>,
    /// Where the start command leads.
    pub start: StartCommand,
    /// What is wrong with the image's form; sorted.
    pub faults: Vec<Fault>,
}
