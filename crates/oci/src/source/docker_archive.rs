//! Archives that `docker save` writes (Docker image spec 1.2, *Combined image JSON + filesystem changeset format*):
//! a `manifest.json` that names configs and layers by path. There is no manifest in it that a registry would know, so
//! an OCI manifest is made from it, always the same for the same archive.

use super::archive::{TarIndex, normalise};
use super::{Source, check_bytes, read_bounded};
use crate::Error;
use crate::digest::Digest;
use crate::manifest::{self, CONFIG_BYTES_MAX, Descriptor, IMAGES_MAX, Manifest, check_json, media_type};
use crate::reference::Reference;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

/// Largest `manifest.json`.
const MANIFEST_JSON_BYTES_MAX: u64 = 4 << 20;

/// Most layers of an image. (How many are acceptable is a criterion; this only bounds the work of opening.)
const LAYERS_MAX: usize = 1_024;

/// An archive written by `docker save` or for `docker load`.
#[derive(Debug)]
pub struct DockerArchiveSource {
    tar: TarIndex,
    images: Vec<Image>,
    /// Manifests that were made here.
    manifests: BTreeMap<Digest, Vec<u8>>,
    /// Path in the archive of each config and layer.
    blobs: BTreeMap<Digest, String>,
    reference: Option<String>,
}

#[derive(Debug)]
struct Image {
    names: Vec<String>,
    descriptor: Descriptor,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

impl DockerArchiveSource {
    /// Opens an archive, plain or compressed with gzip. `reference` is the tag or name meant when nothing else is
    /// said.
    pub fn open(archive: &Path, reference: Option<&str>) -> Result<DockerArchiveSource, Error> {
        DockerArchiveSource::from_tar(TarIndex::read(archive)?, reference)
    }

    /// The images in an archive whose entries are known already.
    pub(crate) fn from_tar(tar: TarIndex, reference: Option<&str>) -> Result<DockerArchiveSource, Error> {
        let what = format!("manifest.json of {}", tar.path().display());
        let bytes = read_bounded(tar.open("manifest.json")?.0, &what, MANIFEST_JSON_BYTES_MAX)?;
        check_json(&bytes, &what, MANIFEST_JSON_BYTES_MAX)?;
        let items: Vec<Item> = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Malformed { what: what.clone(), cause: error.to_string() })?;
        if items.len() > IMAGES_MAX {
            return Err(Error::Limit {
                what: format!("{} images in {what}", items.len()),
                limit: IMAGES_MAX.to_string(),
            });
        }
        let mut source = DockerArchiveSource {
            tar,
            images: Vec::new(),
            manifests: BTreeMap::new(),
            blobs: BTreeMap::new(),
            reference: reference.map(str::to_owned),
        };
        for item in items {
            source.add(item)?;
        }
        Ok(source)
    }

    fn add(&mut self, item: Item) -> Result<(), Error> {
        let malformed = |cause: String| Error::Malformed {
            what: format!("manifest.json of {}", self.tar.path().display()),
            cause,
        };
        let inside = |path: &str| {
            normalise("", path.as_bytes()).ok_or_else(|| {
                malformed(format!("path {:?} leaves the archive", path.chars().take(200).collect::<String>()))
            })
        };
        let config_path = inside(&item.config)?;
        let (raw, _) = self.tar.open(&config_path)?;
        let bytes = read_bounded(raw, &format!("config {config_path}"), CONFIG_BYTES_MAX)?;
        let config = manifest::parse_config(&bytes)?;
        let layer_paths = item.layers.unwrap_or_default();
        if layer_paths.len() > LAYERS_MAX {
            return Err(Error::Limit {
                what: format!("{} layers of {config_path}", layer_paths.len()),
                limit: LAYERS_MAX.to_string(),
            });
        }
        let diff_ids = &config.rootfs.diff_ids;
        if layer_paths.len() != diff_ids.len() {
            let (layers, ids) = (layer_paths.len(), diff_ids.len());
            return Err(malformed(format!(
                "{layers} layers are listed, but the config states {ids} diff IDs"
            )));
        }
        let mut layers = Vec::new();
        let mut blobs = vec![(Digest::of(&bytes), config_path)];
        for (path, diff_id) in layer_paths.iter().zip(diff_ids) {
            let path = inside(path)?;
            let layer = self.layer(&path, *diff_id)?;
            blobs.push((layer.digest, path));
            layers.push(layer);
        }
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            artifact_type: None,
            config: Descriptor::of(media_type::OCI_CONFIG, &bytes),
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        };
        let bytes = serde_json::to_vec(&manifest).map_err(|error| malformed(error.to_string()))?;
        let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &bytes);
        self.blobs.extend(blobs);
        self.manifests.insert(descriptor.digest, bytes);
        self.images.push(Image { names: item.repo_tags.unwrap_or_default(), descriptor });
        Ok(())
    }

    /// A plain layer's digest is its diff ID, which is verified when the layer is read; a compressed one must be
    /// hashed.
    fn layer(&self, path: &str, diff_id: Digest) -> Result<Descriptor, Error> {
        let (mut raw, size) = self.tar.open(path)?;
        let reading = || format!("reading {path} of {}", self.tar.path().display());
        let mut head = Vec::new();
        raw.by_ref().take(4).read_to_end(&mut head).map_err(Error::io(reading()))?;
        let media_type = match &head[..] {
            [0x1f, 0x8b, ..] => media_type::OCI_LAYER_GZIP,
            [0x28, 0xb5, 0x2f, 0xfd] => media_type::OCI_LAYER_ZSTD,
            _ => return Ok(Descriptor::new(media_type::OCI_LAYER, diff_id, size)),
        };
        let mut hasher = Sha256::new_with_prefix(&head);
        let mut buffer = vec![0; 128 << 10];
        loop {
            match raw.read(&mut buffer).map_err(Error::io(reading()))? {
                0 => return Ok(Descriptor::new(media_type, Digest::from_hasher(hasher), size)),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    fn by_name(&self, wanted: &str) -> Result<Descriptor, Error> {
        let as_reference = wanted.parse::<Reference>().ok();
        let matches = |name: &String| {
            let parsed = name.parse::<Reference>().ok();
            name == wanted
                || (parsed.is_some() && parsed == as_reference)
                || parsed.is_some_and(|parsed| parsed.tag() == Some(wanted))
        };
        let found: Vec<&Image> = self.images.iter().filter(|image| image.names.iter().any(matches)).collect();
        match found[..] {
            [image] => Ok(image.descriptor.clone()),
            [] => Err(Error::NotFound(format!(
                "image {wanted:?} in docker-archive:{}",
                self.tar.path().display()
            ))),
            _ => Err(Error::NotFound(format!(
                "one image {wanted:?} in docker-archive:{} (there are {}; write the whole name)",
                self.tar.path().display(),
                found.len()
            ))),
        }
    }
}

impl Source for DockerArchiveSource {
    fn describe(&self) -> String {
        match &self.reference {
            Some(reference) => format!("docker-archive:{}:{reference}", self.tar.path().display()),
            None => format!("docker-archive:{}", self.tar.path().display()),
        }
    }

    fn tags(&self) -> Result<Vec<String>, Error> {
        let names = self.images.iter().flat_map(|image| &image.names);
        let tags: BTreeSet<String> =
            names.filter_map(|name| name.parse::<Reference>().ok()?.tag().map(str::to_owned)).collect();
        Ok(tags.into_iter().collect())
    }

    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, Error> {
        if let Some(wanted) = tag_or_digest.or(self.reference.as_deref()) {
            let Ok(digest) = wanted.parse::<Digest>() else { return self.by_name(wanted) };
            let image = self.images.iter().find(|image| image.descriptor.digest == digest);
            return image
                .map(|image| image.descriptor.clone())
                .ok_or_else(|| Error::NotFound(wanted.to_owned()));
        }
        match &self.images[..] {
            [image] => Ok(image.descriptor.clone()),
            _ => self.by_name("latest"),
        }
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let what = format!("{} of {}", descriptor.digest, self.describe());
        let bytes = match self.manifests.get(&descriptor.digest) {
            Some(bytes) => bytes.clone(),
            None => read_bounded(self.blob(descriptor)?, &what, CONFIG_BYTES_MAX)?,
        };
        check_bytes(&what, descriptor, &bytes)?;
        Ok(bytes)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        let path = self
            .blobs
            .get(&descriptor.digest)
            .ok_or_else(|| Error::NotFound(format!("blob {} in {}", descriptor.digest, self.describe())))?;
        Ok(self.tar.open(path)?.0)
    }
}
