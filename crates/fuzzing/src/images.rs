//! Manifests, indexes and configs: the parser, and the walk from an index to its images through whatever graph the
//! documents make, cyclic and endless ones too, which no honest digest allows.

use crate::image::{TODAY, check_report, rules};
use crate::input::Input;
use certify::{Request, certify, sandbox};
use oci::Error;
use oci::digest::Digest;
use oci::manifest::{
    Descriptor, Document, IMAGES_MAX, images as images_behind, media_type, parse, parse_config, referring,
};
use oci::source::{Source, manifests_below, referrers_below};
use offer::policy::Policy;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most documents that a walk may read: the limit of index entries, and the root.
const READS_MAX: usize = 1_025;

/// Documents, divided by zero bytes, of which the last byte of a digest chooses one. The first is the root.
pub fn images(data: &[u8]) {
    let mut input = Input::new(data);
    let types = [media_type::OCI_INDEX, media_type::OCI_MANIFEST, media_type::DOCKER_LIST, ""];
    let root_type = *input.choose(&types);
    let web = Web { documents: input.pieces().collect(), reads: AtomicUsize::new(0) };
    for document in &web.documents {
        each(document);
    }
    let mut hex = "0".repeat(64);
    let digest: Digest = format!("sha256:{hex}").parse().expect("a digest");
    let root = Descriptor::new(root_type, digest, web.documents[0].len() as u64);
    if let Ok(found) = images_behind(&web, &root) {
        assert!(!found.is_empty() && found.len() <= IMAGES_MAX, "{} images", found.len());
    }
    assert!(web.reads.load(Ordering::Relaxed) <= READS_MAX, "{} reads", web.reads.load(Ordering::Relaxed));
    if let Ok(found) = manifests_below(&web, &root) {
        hex = found[0].digest.hex();
        assert_eq!(hex, root.digest.hex(), "the root comes first");
        let mut digests: Vec<Digest> = found.iter().map(|descriptor| descriptor.digest).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), found.len(), "each once");
    }
    if let Ok(found) = referrers_below(&web, &root) {
        assert!(found.len() <= 256, "there are no more digests than bytes");
    }
    report(&web);
}

/// What can be read is written so that it is read alike.
fn each(document: &[u8]) {
    if let Ok(parsed) = parse(document, None) {
        let (media_type, written) = match &parsed {
            Document::Index(index) => (media_type::OCI_INDEX, serde_json::to_vec(index)),
            Document::Manifest(manifest) => (media_type::OCI_MANIFEST, serde_json::to_vec(manifest)),
        };
        let written = written.expect("it has string keys");
        let hint = parsed.media_type().to_owned();
        assert_eq!(parse(&written, Some(&hint)).ok().as_ref(), Some(&parsed));
        let descriptor = Descriptor::of(media_type, &written);
        let descriptor = Descriptor { media_type: hint, ..descriptor };
        assert!(referring(&descriptor, &written).is_ok(), "it is read here, too");
    }
    if let Ok(config) = parse_config(document) {
        let written = serde_json::to_vec(&config).expect("it has string keys");
        assert_eq!(parse_config(&written).ok(), Some(config));
    }
}

/// Whatever the documents are, certification ends in a report or in an error with a way out.
fn report(web: &Web<'_>) {
    let policy = Policy::default();
    let request = Request {
        source: web,
        reference: None,
        offer: None,
        live_tags: &BTreeMap::new(),
        policy: &policy,
        rules: rules(),
        cache: None,
        advisories: None,
        links: None,
        today: TODAY,
        starter: sandbox::Starter::Off(sandbox::OFF),
        progress: &|_| (),
    };
    match certify(&request) {
        Ok(done) => check_report(&done.report),
        Err(error) => assert!(!error.hint().is_empty() && !error.to_string().is_empty()),
    }
}

/// A source that believes every digest.
struct Web<'a> {
    documents: Vec<&'a [u8]>,
    reads: AtomicUsize,
}

impl Web<'_> {
    fn document(&self, digest: &Digest) -> &[u8] {
        let last = digest.as_bytes().last().copied().unwrap_or(0);
        self.documents[usize::from(last) % self.documents.len()]
    }
}

impl Source for Web<'_> {
    fn describe(&self) -> String {
        "web".to_owned()
    }
    fn tags(&self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
    fn resolve(&self, _: Option<&str>) -> Result<Descriptor, Error> {
        Ok(Descriptor::of("", self.documents[0]))
    }
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self.document(&descriptor.digest).to_vec())
    }
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        Ok(Box::new(Cursor::new(self.document(&descriptor.digest).to_vec())))
    }
    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        let document = self.document(&subject);
        let Ok(Document::Index(index)) = parse(document, Some(media_type::OCI_INDEX)) else {
            return Ok(Vec::new());
        };
        // As a registry that lies in its lists; one digest in 256, so that the walk can end.
        let short = |descriptor: Descriptor| {
            let last = descriptor.digest.as_bytes().last().copied().unwrap_or(0);
            let digest = format!("sha256:{last:064x}").parse().expect("a digest");
            Descriptor { digest, ..descriptor }
        };
        Ok(index.manifests.into_iter().map(short).collect())
    }
}
