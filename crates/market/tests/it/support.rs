//! A marketplace in a fresh directory, with a publisher, a customer, a tiny image in the incoming scope, and an offer.

use market::access::TokenRole;
use market::clock::{Clock, Ids};
use market::config::{Config, Settings};
use market::offers::IfMatch;
use market::submissions::{Publish, Submission};
use market::tasks::Worker;
use market::{Actor, Faults, Market, RegistryOwner};
use oci::manifest::{Descriptor, Platform, RunConfig, media_type};
use oci::pack::{PackContent, PackFile, PackLayer, PackSpec, pack};
use oci::source::Source;
use oci::writer::LayoutWriter;
use offer::identity::{OfferId, PublisherId};
use offer::submission::SubmissionState;
use offer::template::{NewOffer, new_offer};
use registry::owner::{Action, Credentials, ManifestPut, Owner};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub struct Place {
    pub directory: TempDir,
    pub market: Market,
}

/// The subscription that sees previews.
pub const CUSTOMER: Uuid = Uuid::from_u128(0x1c2f_8f3a_6c0e_4a5e_9d3b_8f4e_2a7b_6c5d);

pub fn config(directory: &TempDir) -> Config {
    config_at(directory.path())
}

pub fn config_at(directory: &Path) -> Config {
    // The images of these tests hold no program that could be started.
    let sandbox = "off".to_owned();
    let allow_private_egress = vec!["127.0.0.0/8".to_owned()];
    let settings = Settings { allow_private_egress, sandbox, ..Settings::default() };
    Config::new(directory.join("data"), settings)
}

pub async fn place() -> Place {
    let directory = TempDir::new().unwrap();
    let market = open(directory.path(), Faults::default()).await;
    found(&market).await;
    Place { directory, market }
}

pub async fn open(directory: &Path, faults: Faults) -> Market {
    Market::open_with_faults(config_at(directory), Clock::system(), Ids::system(), faults).await.unwrap()
}

/// The people of the marketplace.
pub async fn found(market: &Market) {
    market.add_publisher(&Actor::Operator, &contoso(), "Contoso").await.unwrap();
    market.add_subscription(&Actor::Operator, Some(CUSTOMER), "A customer").await.unwrap();
}

pub fn contoso() -> PublisherId {
    "contoso".parse().unwrap()
}

pub fn sensor() -> OfferId {
    "sensor".parse().unwrap()
}

pub fn publisher() -> Actor {
    Actor::Publisher(contoso())
}

/// Works until dropped.
pub struct Working(CancellationToken);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

pub fn work(market: &Market) -> Working {
    let stop = CancellationToken::new();
    tokio::spawn(Worker::new(market.clone(), stop.clone()).run());
    Working(stop)
}

/// The offer's files, with the tags of the plan.
pub fn offer(tags: &[&str]) -> BTreeMap<String, Vec<u8>> {
    new_offer(&NewOffer {
        publisher: "contoso".to_owned(),
        offer: "sensor".to_owned(),
        plan: "standard".to_owned(),
        name: "Sensor".to_owned(),
        repository: "127.0.0.1:8080/incoming/contoso/sensor".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        preview_subscription: CUSTOMER.to_string(),
    })
}

pub fn edit(files: &mut BTreeMap<String, Vec<u8>>, from: &str, to: &str) {
    let text = String::from_utf8(files["offer.yaml"].clone()).unwrap();
    assert!(text.contains(from), "{from} is in the template");
    files.insert("offer.yaml".to_owned(), text.replacen(from, to, 1).into_bytes());
}

/// Stores the draft and publishes it.
pub async fn publish(market: &Market, files: BTreeMap<String, Vec<u8>>) -> Submission {
    let (id, offer_id) = (contoso(), sensor());
    let draft = market.put_draft(&publisher(), (&id, &offer_id), files, IfMatch::Any).await.unwrap();
    let errors: Vec<_> =
        draft.findings.iter().filter(|f| f.severity == offer::finding::Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    market.publish(&publisher(), (&id, &offer_id), &Publish::default(), IfMatch::Any).await.unwrap()
}

/// Waits until the newest submission has a state.
pub async fn wait_for(market: &Market, state: SubmissionState) -> Submission {
    let (id, offer_id) = (contoso(), sensor());
    for _ in 0..8_000 {
        let submission = market.status(&publisher(), (&id, &offer_id)).await.unwrap();
        if submission.summary.state == state {
            return submission;
        }
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:#?}", market.status(&publisher(), (&id, &offer_id)).await);
}

/// Signs the newest submission off and waits until it is live.
pub async fn go_live(market: &Market) -> Submission {
    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    wait_for(market, SubmissionState::Succeeded).await
}

/// Publishes another offer of the publisher and signs it off: an ID, and what is edited in the template.
pub async fn another_live(market: &Market, id: &str, edits: &[(&str, &str)]) {
    let tags = ["latest", "1.0.0"];
    push_layers(market, id, (&[], elf()), &[("app/id", id.as_bytes())], &tags).await;
    let mut files = new_offer(&NewOffer {
        publisher: "contoso".to_owned(),
        offer: id.to_owned(),
        plan: "standard".to_owned(),
        name: id.to_owned(),
        repository: format!("127.0.0.1:8080/incoming/contoso/{id}"),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        preview_subscription: CUSTOMER.to_string(),
    });
    for (from, to) in edits {
        edit(&mut files, from, to);
    }
    let (publisher_id, offer_id) = (contoso(), id.parse().unwrap());
    let key = (&publisher_id, &offer_id);
    market.put_draft(&publisher(), key, files, IfMatch::Any).await.unwrap();
    market.publish(&publisher(), key, &Publish::default(), IfMatch::Any).await.unwrap();
    for state in [SubmissionState::WaitingForPublisherReview, SubmissionState::Succeeded] {
        until("the offer moves on", async || {
            let now = market.status(&publisher(), key).await.unwrap().summary.state;
            assert!(now == state || !now.is_final(), "{now:?}");
            now == state
        })
        .await;
        if state == SubmissionState::WaitingForPublisherReview {
            market.go_live(&publisher(), key).await.unwrap();
        }
    }
}

/// Asks until the answer is yes.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    // A ceiling, not a measure: a task that was put back may wait a minute on a busy machine.
    for _ in 0..12_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain: {what}");
}

/// A token of this role.
pub async fn token(market: &Market, role: TokenRole) -> Credentials {
    let age = Duration::from_secs(3_600);
    let new = market.create_token(&Actor::Operator, role, "test", age).await.unwrap();
    Credentials::Basic { username: "any".to_owned(), password: new.secret }
}

/// Pushes a tiny image, which differs by `content`, to the incoming scope under these tags.
pub async fn push(market: &Market, content: &str, tags: &[&str]) -> Descriptor {
    push_files(market, elf(), &[("app/note.txt", content.as_bytes())], tags).await
}

/// As [`push`], with this program and these files.
pub async fn push_files(
    market: &Market,
    program: Vec<u8>,
    files: &[(&str, &[u8])],
    tags: &[&str],
) -> Descriptor {
    push_layers(market, "sensor", (&[], program), files, tags).await
}

/// As [`push_files`], for this offer, upon a base: layers of one file with these bytes.
pub async fn push_layers(
    market: &Market,
    offer: &str,
    (base, program): (&[&[u8]], Vec<u8>),
    files: &[(&str, &[u8])],
    tags: &[&str],
) -> Descriptor {
    let scratch = TempDir::new().unwrap();
    let layout = scratch.path().join("image");
    let root = image(&layout, base, program, files);
    let source = oci::source::layout::LayoutSource::open(&layout, None).unwrap();
    let (owner, repository) = (RegistryOwner::new(market.clone()), format!("incoming/contoso/{offer}"));
    let repository = repository.as_str();
    let who = token(market, TokenRole::Publisher("contoso".to_owned())).await;
    owner.authorize(&who, Action::Push, repository).await.unwrap();
    let bytes = source.manifest(&root).unwrap();
    let manifest: oci::manifest::Manifest = serde_json::from_slice(&bytes).unwrap();
    for blob in [&manifest.config].into_iter().chain(&manifest.layers) {
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut source.blob(blob).unwrap(), &mut content).unwrap();
        market.blobs().put_bytes(content).await.unwrap();
        owner.link_blob(repository, &blob.digest, blob.size).await.unwrap();
    }
    market.blobs().put_bytes(bytes).await.unwrap();
    let descriptor = Descriptor::new(media_type::OCI_MANIFEST, root.digest, root.size);
    for tag in tags {
        let put = ManifestPut {
            tags: vec![(*tag).to_owned()],
            descriptor: descriptor.clone(),
            subject: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
            references: Vec::new(),
        };
        owner.put_manifest(&who, repository, put).await.unwrap();
    }
    descriptor
}

fn image(layout: &Path, base: &[&[u8]], program: Vec<u8>, files: &[(&str, &[u8])]) -> Descriptor {
    let file = |path: &str, content: Vec<u8>, mode| PackFile {
        path: path.to_owned(),
        content: PackContent::Bytes(content),
        mode,
        uid: 0,
        gid: 0,
    };
    let files = files.iter().map(|(path, content)| file(path, content.to_vec(), 0o644));
    let layer = |files| PackLayer { from_root: None, files };
    let below = base.iter().map(|bytes| layer(vec![file("usr/base", bytes.to_vec(), 0o644)]));
    let above = layer([file("app/module", program, 0o755)].into_iter().chain(files).collect());
    let spec = PackSpec {
        platform: Platform {
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            variant: None,
            os_version: None,
        },
        layers: below.chain([above]).collect(),
        config: RunConfig {
            entrypoint: Some(vec!["/app/module".to_owned()]),
            user: Some("1000".to_owned()),
            ..RunConfig::default()
        },
        annotations: BTreeMap::new(),
        created_epoch_seconds: 0,
        created_by: "test".to_owned(),
    };
    let mut writer = LayoutWriter::new(layout).unwrap();
    let root = pack(&spec, &mut writer).unwrap();
    writer.add(&root, Some("latest"));
    writer.finish_directory().unwrap();
    root
}

/// The smallest static x86-64 program that a reader of ELF files takes: a header and one segment.
pub fn elf() -> Vec<u8> {
    elf_that_exits(0)
}

/// It ends at once, with this status.
pub fn elf_that_exits(status: u8) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for half in [2_u16, 62] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(1_u32.to_le_bytes());
    for word in [0x40_0078_u64, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [1_u32, 5] {
        bytes.extend(word.to_le_bytes());
    }
    for word in [0_u64, 0x40_0000, 0x40_0000, 132, 132, 4096] {
        bytes.extend(word.to_le_bytes());
    }
    // exit(status): mov eax, 60; mov edi, status; syscall
    bytes.extend([0xb8, 60, 0, 0, 0, 0xbf, status, 0, 0, 0, 0x0f, 0x05]);
    bytes
}

/// Does this to the database of a data directory, as nobody ever should.
pub async fn sql(data: &Path, statement: &'static str) {
    let mut connection = database(data).await;
    sqlx::query(statement).execute(&mut connection).await.unwrap();
}

/// The one number that this finds there.
pub async fn count(data: &Path, query: &'static str) -> i64 {
    let mut connection = database(data).await;
    sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
}

async fn database(data: &Path) -> sqlx::AnyConnection {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", data.join("market.db").display());
    <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.unwrap()
}
