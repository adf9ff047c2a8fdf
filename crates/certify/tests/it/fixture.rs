//! Images made in memory: layers entry by entry, broken ones too, and a source that serves them.

use certify::evidence::ImageEvidence;
use certify::rules::Rules;
use flate2::Compression;
use flate2::write::GzEncoder;
use oci::digest::Digest;
use oci::manifest::{Descriptor, ImageRef, media_type};
use oci::source::Source;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// A tar archive under construction.
#[derive(Clone, Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn file(self, name: &str, mode: u32, data: &[u8]) -> Tar {
        self.entry(name.as_bytes(), b'0', mode, b"", data)
    }
    pub fn directory(self, name: &str, mode: u32) -> Tar {
        self.entry(name.as_bytes(), b'5', mode, b"", b"")
    }
    pub fn symlink(self, name: &str, target: &str) -> Tar {
        self.entry(name.as_bytes(), b'2', 0o777, target.as_bytes(), b"")
    }
    pub fn hard_link(self, name: &str, target: &str, mode: u32) -> Tar {
        self.entry(name.as_bytes(), b'1', mode, target.as_bytes(), b"")
    }
    pub fn entry(mut self, name: &[u8], flag: u8, mode: u32, link: &[u8], data: &[u8]) -> Tar {
        self.0.extend_from_slice(&header(name, flag, mode, link, data.len() as u64));
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }
    /// With the two zero blocks at the end.
    pub fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// One ustar header.
pub fn header(name: &[u8], flag: u8, mode: u32, link: &[u8], size: u64) -> [u8; 512] {
    let mut header = [0_u8; 512];
    header[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    header[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = flag;
    header[157..157 + link.len()].copy_from_slice(link);
    header[257..265].copy_from_slice(b"ustar\x0000");
    checksum(&mut header);
    header
}

/// Corrects a header's checksum.
pub fn checksum(header: &mut [u8; 512]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

/// A zip archive of stored members.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let size = u32::try_from(data.len()).expect("small").to_le_bytes();
        let length = u16::try_from(name.len()).expect("short").to_le_bytes();
        let offset = u32::try_from(body.len()).expect("small").to_le_bytes();
        let common =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &crc.sum().to_le_bytes(), &size, &size, &length, &[0, 0]]
                .concat();
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset, name.as_bytes()].concat());
        body.extend([b"PK\x03\x04", &common[..], name.as_bytes(), data].concat());
    }
    let count = u16::try_from(members.len()).expect("few").to_le_bytes();
    let size = u32::try_from(directory.len()).expect("small").to_le_bytes();
    let offset = u32::try_from(body.len()).expect("small").to_le_bytes();
    [&body[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &size, &offset, &[0, 0]].concat()
}

/// The smallest file that has an ELF header: machine 62 is amd64, 40 is arm, 183 is arm64.
pub fn elf(machine: u16) -> Vec<u8> {
    let mut elf = vec![0; 64];
    elf[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    elf[16] = 2;
    elf[18..20].copy_from_slice(&machine.to_le_bytes());
    elf
}

/// The EICAR test text, put together here so that scanners leave this source alone.
pub fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTI", "VIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

/// An image, and what to serve in place of what it states.
#[derive(Clone)]
pub struct Image {
    /// Blobs as stored, with media types; the diff IDs are computed from `unpacked`.
    pub layers: Vec<Layer>,
    /// The config without rootfs.
    pub config: Value,
}

#[derive(Clone)]
pub struct Layer {
    pub media_type: &'static str,
    pub stored: Vec<u8>,
    pub unpacked: Vec<u8>,
}

impl Image {
    pub fn new() -> Image {
        let config = json!({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/app/run"]}});
        Image { layers: Vec::new(), config }
    }
    pub fn layer(mut self, tar: Tar) -> Image {
        let unpacked = tar.end();
        let media_type = media_type::OCI_LAYER_GZIP;
        self.layers.push(Layer { media_type, stored: gzip(&unpacked), unpacked });
        self
    }
    /// A plain layer of these bytes, whatever they are.
    pub fn raw_layer(mut self, bytes: Vec<u8>) -> Image {
        self.layers.push(Layer { media_type: media_type::OCI_LAYER, stored: bytes.clone(), unpacked: bytes });
        self
    }
    pub fn store(&self) -> (Memory, ImageRef) {
        let mut memory = Memory::default();
        let layers: Vec<Descriptor> =
            self.layers.iter().map(|layer| memory.add(layer.media_type, layer.stored.clone())).collect();
        let diff_ids: Vec<Digest> = self.layers.iter().map(|layer| Digest::of(&layer.unpacked)).collect();
        let mut config = self.config.clone();
        config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        let config = memory.add(media_type::OCI_CONFIG, config.to_string().into_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers});
        let descriptor = memory.add(media_type::OCI_MANIFEST, manifest.to_string().into_bytes());
        (memory, ImageRef { descriptor, index_platform: None })
    }
    pub fn gather(&self) -> ImageEvidence {
        self.gather_with(&Rules::built_in())
    }
    pub fn gather_with(&self, rules: &Rules) -> ImageEvidence {
        let (memory, image) = self.store();
        certify::gather::gather(&memory, &image, rules, None, &|_| ()).expect("the source gives everything")
    }
}

/// A source in memory.
#[derive(Default)]
pub struct Memory {
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Memory {
    pub fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let digest = Digest::of(&bytes);
        let size = bytes.len() as u64;
        self.blobs.insert(digest, bytes);
        serde_json::from_value(json!({"mediaType": media_type, "digest": digest, "size": size}))
            .expect("a descriptor")
    }
    fn get(&self, descriptor: &Descriptor) -> Result<Vec<u8>, oci::Error> {
        let found = self.blobs.get(&descriptor.digest);
        found.cloned().ok_or_else(|| oci::Error::NotFound(descriptor.digest.to_string()))
    }
}

impl Source for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }
    fn tags(&self) -> Result<Vec<String>, oci::Error> {
        Ok(Vec::new())
    }
    fn resolve(&self, _: Option<&str>) -> Result<Descriptor, oci::Error> {
        Err(oci::Error::NotFound("a tag".to_owned()))
    }
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, oci::Error> {
        self.get(descriptor)
    }
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, oci::Error> {
        Ok(Box::new(std::io::Cursor::new(self.get(descriptor)?)))
    }
}
