//! Images around the bytes of a target: layers and a source in memory, and what must hold of the evidence and the report
//! of any image.

use certify::criteria::Case;
use certify::evidence::{ImageEvidence, Place};
use certify::report::Report;
use certify::report::text::{self, Style, Words};
use certify::rules::Rules;
use certify::{gather, judge};
use oci::digest::Digest;
use oci::manifest::{Descriptor, ImageRef, media_type};
use oci::source::Source;
use offer::policy::Policy;
use offer::tags::ResolvedTags;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write as _};
use std::sync::LazyLock;

/// The day of all judgements.
pub(crate) const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 28);

/// The built-in rules, compiled once.
pub(crate) fn rules() -> &'static Rules {
    static RULES: LazyLock<Rules> = LazyLock::new(Rules::built_in);
    &RULES
}

/// A layer as it is stored.
pub(crate) struct Layer {
    pub(crate) media_type: &'static str,
    pub(crate) stored: Vec<u8>,
    pub(crate) diff_id: Digest,
}

impl Layer {
    pub(crate) fn plain(tar: Vec<u8>) -> Layer {
        Layer { media_type: media_type::OCI_LAYER, diff_id: Digest::of(&tar), stored: tar }
    }

    pub(crate) fn gzip(tar: &[u8]) -> Layer {
        Layer { media_type: media_type::OCI_LAYER_GZIP, diff_id: Digest::of(tar), stored: gzip(tar) }
    }
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

/// A tar archive under construction.
#[derive(Clone, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn file(self, name: &str, mode: u32, data: &[u8]) -> Tar {
        self.entry(name.as_bytes(), b'0', mode, b"", data)
    }

    pub(crate) fn entry(mut self, name: &[u8], flag: u8, mode: u32, link: &[u8], data: &[u8]) -> Tar {
        let mut header = [0_u8; 512];
        header[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
        header[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[156] = flag;
        header[157..157 + link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
        header[257..265].copy_from_slice(b"ustar\x0000");
        write_checksum(&mut header);
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// With the two zero blocks at the end.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn write_checksum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Corrects the checksum of each header: no fuzzer finds one by trying, and behind it lies everything else.
pub(crate) fn mend_tar(tar: &mut [u8]) {
    let mut at = 0_usize;
    while let Some(header) = tar.get_mut(at..at.saturating_add(512)) {
        write_checksum(header);
        let digits = header[124..136].iter().take_while(|byte| byte.is_ascii_digit());
        let size = digits.fold(0_usize, |size, byte| size.saturating_mul(8) + usize::from(byte & 7));
        at = at.saturating_add(512).saturating_add(size.div_ceil(512).saturating_mul(512));
    }
}

/// The evidence of an image of these layers. Whatever is in a layer, the image is looked at to its end.
pub(crate) fn gathered(layers: &[Layer], config: &Value) -> ImageEvidence {
    let mut memory = Memory::default();
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| layer.diff_id).collect();
    let layers: Vec<Descriptor> =
        layers.iter().map(|layer| memory.add(layer.media_type, layer.stored.clone())).collect();
    let mut config = config.clone();
    config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
    let config = memory.add(media_type::OCI_CONFIG, config.to_string().into_bytes());
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string();
    let descriptor = memory.add(media_type::OCI_MANIFEST, manifest.into_bytes());
    let image = ImageRef { descriptor, index_platform: None };
    let evidence = gather::gather(&memory, &image, rules(), None, &|_| ()).expect("layers are evidence");
    check_evidence(&evidence);
    evidence
}

/// The config of an image that does nothing unusual.
pub(crate) fn config() -> Value {
    json!({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/app/run"], "User": "1000"}})
}

/// The report on these images.
pub(crate) fn judged(images: &[ImageEvidence], policy: &Policy) -> Report {
    let report = judge::judge(&Case {
        reference: "oci:image:latest",
        digest: images.first().map_or(Digest::of(b""), |image| image.digest),
        images,
        tags: &ResolvedTags::default(),
        faults: &[],
        offer: None,
        starts: &[],
        live_tags: &BTreeMap::new(),
        policy,
        rules_version: "fuzzing",
        links: None,
        today: TODAY,
        vulnerabilities: None,
    });
    check_report(&report);
    report
}

pub(crate) fn check_place(place: &Place) {
    assert!(!place.path.starts_with('/'), "{place:?}");
    assert!(!place.path.split(['/', '!']).any(|part| part.contains('\0')), "{place:?}");
}

fn check_evidence(evidence: &ImageEvidence) {
    for fault in &evidence.faults {
        assert!(!fault.message.is_empty() && !fault.hint.is_empty(), "{fault:?}");
        check_place(&fault.place);
    }
    let files = evidence.setuid.iter().chain(&evidence.world_writable).chain(&evidence.leftovers);
    for place in files.map(|fact| &fact.place) {
        check_place(place);
        assert!(place.path.split('/').all(|part| part != ".."), "{place:?}");
    }
    // Members of archives keep the names that they have there.
    evidence.packages.iter().for_each(|found| check_place(&found.place));
    assert!(evidence.faults.is_sorted() && evidence.packages.is_sorted() && evidence.matches.is_sorted());
}

/// Findings are whole, and nothing in the report moves a terminal's cursor: names in an image are a stranger's.
pub(crate) fn check_report(report: &Report) {
    for criterion in &report.criteria {
        for finding in &criterion.findings {
            assert!(!finding.message.is_empty() && !finding.hint.is_empty(), "{finding:?}");
        }
    }
    let blocked = report.criteria.iter().any(|criterion| {
        criterion.findings.iter().any(|finding| finding.blocking && finding.waived.is_none())
    });
    assert!(!(blocked && report.passed()), "a blocking finding, and the report has passed");
    let shown = text::render(report, &Style { colour: false, words: Words::english() });
    let bad = shown.chars().find(|letter| letter.is_control() && *letter != '\n');
    assert_eq!(bad, None, "a terminal would obey {shown:?}");
}

/// A source that holds what is put into it.
#[derive(Default)]
pub(crate) struct Memory {
    blobs: BTreeMap<Digest, Vec<u8>>,
    pub(crate) referrers: Vec<Descriptor>,
}

impl Memory {
    pub(crate) fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let descriptor = Descriptor::of(media_type, &bytes);
        self.blobs.insert(descriptor.digest, bytes);
        descriptor
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
        let found = self.blobs.get(&descriptor.digest);
        found.cloned().ok_or_else(|| oci::Error::NotFound(descriptor.digest.to_string()))
    }
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, oci::Error> {
        Ok(Box::new(Cursor::new(self.manifest(descriptor)?)))
    }
    fn referrers(&self, _: Digest) -> Result<Vec<Descriptor>, oci::Error> {
        Ok(self.referrers.clone())
    }
}
