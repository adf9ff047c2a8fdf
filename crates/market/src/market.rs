//! [`Market`]: what all use cases share (store, blobs, key, clock, events), opened once per data directory.

use crate::accounts::{Attempts, Passwords};
use crate::bundles::Bundles;
use crate::catalogue::Kept;
use crate::clock::{Clock, Ids, Instant};
use crate::collection::{Collection, Unneeded};
use crate::config::Config;
use crate::downloads::Counters;
use crate::egress::Egress;
use crate::error::{Error, Result};
use crate::lock::{self, DataLock};
use crate::regions::{Lanes, Turns};
use crate::runs::Last;
use crate::scrub::Scrub;
use crate::search::Shelf;
use crate::secrets::Vault;
use crate::store::history::HistoryRow;
use crate::store::{self, Store};
use crate::tasks::Bell;
use crate::trust::Signer;
use certify::cache::Cache;
use certify::rules::Rules;
use certify::sandbox::Sandbox;
use registry::Blobs;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::{OnceCell, RwLock, broadcast};

/// Events that a slow listener may fall behind; after that it is told that it missed some and reads the state again.
const EVENTS_MAX: usize = 1_024;

/// Most bytes of cached evidence; a layer's takes some hundred kilobytes.
const EVIDENCE_BYTES_MAX: u64 = 2 << 30;

/// Something changed in a submission. Listeners read its state again; the event itself carries none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Event {
    pub submission: String,
    pub publisher: String,
    pub offer: String,
}

/// A hook at every instant of the pipeline at which a crash must do no harm. Tests end the process there.
#[derive(Clone, Default)]
pub struct Faults(Option<Hook>);

type Hook = Arc<dyn Fn(&str) + Send + Sync>;

impl Faults {
    /// Calls the function with the name of each point that is reached.
    pub fn from_fn(at: impl Fn(&str) + Send + Sync + 'static) -> Faults {
        Faults(Some(Arc::new(at)))
    }

    pub(crate) fn at(&self, point: &str) {
        if let Some(hook) = &self.0 {
            hook(point);
        }
    }
}

/// The marketplace of one data directory. Clones share everything.
#[derive(Clone)]
pub struct Market(Arc<Inner>);

/// Only for this crate; a face sees methods.
pub struct Inner {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) signer: RwLock<Arc<Signer>>,
    pub(crate) bundles: Bundles,
    pub(crate) blobs: Blobs,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) bell: Bell,
    pub(crate) turns: Turns,
    /// Whose turn it is to make a delta.
    pub(crate) delta_turn: tokio::sync::Mutex<()>,
    pub(crate) lanes: Lanes,
    pub(crate) faults: Faults,
    pub(crate) egress: Egress,
    pub(crate) http: reqwest::Client,
    pub(crate) rules: OnceCell<Arc<Rules>>,
    pub(crate) sandbox: OnceCell<std::result::Result<Arc<Sandbox>, String>>,
    pub(crate) cache: Cache,
    pub(crate) last_scrub: Last<Scrub>,
    pub(crate) last_collection: Last<Collection>,
    pub(crate) unneeded: Unneeded,
    pub(crate) shelf: Shelf,
    pub(crate) kept: Kept,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Attempts,
    pub(crate) downloads: Counters,
    events: broadcast::Sender<Event>,
    _lock: DataLock,
}

impl std::ops::Deref for Market {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Market {
    /// Opens the data directory, making what is missing. Fails when another process uses it, or a newer program made it.
    pub async fn open(config: Config, clock: Clock, ids: Ids) -> Result<Market> {
        Market::open_with_faults(config, clock, ids, Faults::default()).await
    }

    /// As [`open`](Market::open), with a hook for tests of crashes.
    pub async fn open_with_faults(config: Config, clock: Clock, ids: Ids, faults: Faults) -> Result<Market> {
        let data = config.data.clone();
        std::fs::create_dir_all(&data)
            .map_err(Error::io(format!("making the data directory {}", data.display())))?;
        let lock = lock::acquire(&data)?;
        let vault = Vault::open(&data)?;
        let signer = Signer::open(&data, config.settings.signing_key.as_deref())?;
        let bundles = Bundles::open(&data)?;
        let blobs = match &config.object_store {
            None => Blobs::open(&data),
            Some(place) => Blobs::connect(&data, place).await,
        }
        .map_err(|error| Error::setup(error.to_string(), error.hint()))?;
        let store = Store::open(&data).await?;
        let unneeded = Unneeded::read(&store).await?;
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let egress = Egress::new(&config.settings.allow_private_egress);
        let http = egress.client()?;
        let cache = Cache::open(&data.join("evidence"), EVIDENCE_BYTES_MAX)?;
        let inner = Inner {
            config,
            store,
            vault,
            signer: RwLock::new(Arc::new(signer)),
            bundles,
            blobs,
            clock,
            ids,
            bell: Bell::default(),
            turns: Turns::default(),
            delta_turn: tokio::sync::Mutex::default(),
            lanes: Lanes::default(),
            faults,
            egress,
            http,
            rules: OnceCell::new(),
            sandbox: OnceCell::new(),
            cache,
            last_scrub: Last::default(),
            last_collection: Last::default(),
            unneeded,
            shelf: Shelf::default(),
            kept: Kept::default(),
            passwords: Passwords::default(),
            attempts: Attempts::default(),
            downloads: Counters::default(),
            events,
            _lock: lock,
        };
        let market = Market(Arc::new(inner));
        market.take_over().await?;
        market.take_up_key().await?;
        Ok(market)
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Where images, reports and SBOMs lie.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// Changes of submissions from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Fails when the database does not answer.
    pub async fn check_ready(&self) -> Result<()> {
        let mut c = self.store.read().await?;
        store::people::publisher(&mut c, "").await.map(drop)
    }

    /// Closes the database in order, after what was counted; the process's lock is given back when the last clone is dropped.
    pub async fn close(&self) {
        if let Err(error) = self.write_downloads().await {
            tracing::error!(%error, "the last downloads could not be written");
        }
        self.store.close().await;
    }

    pub(crate) fn announce(&self, submission: &str, publisher: &str, offer: &str) {
        let event = Event {
            submission: submission.to_owned(),
            publisher: publisher.to_owned(),
            offer: offer.to_owned(),
        };
        // Nobody listening is no failure.
        let _ = self.0.events.send(event);
    }

    /// A row of history for what is done now.
    pub(crate) fn history_row(
        &self,
        actor: &impl ToString,
        offer: Option<(&str, &str)>,
        submission: Option<&str>,
        action: &str,
        detail: serde_json::Value,
    ) -> HistoryRow {
        HistoryRow {
            id: self.ids.next().to_string(),
            at_ms: self.now().0,
            actor: actor.to_string(),
            publisher: offer.map(|(publisher, _)| publisher.to_owned()),
            offer: offer.map(|(_, offer)| offer.to_owned()),
            submission: submission.map(str::to_owned),
            action: action.to_owned(),
            detail: detail.to_string(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// We hold the directory's lock, so whoever held leases is dead: its tasks are due at once.
    async fn take_over(&self) -> Result<()> {
        let mut tx = self.store.write().await?;
        let voided = store::tasks::void_leases(&mut tx).await?;
        tx.commit().await?;
        if voided > 0 {
            tracing::info!(tasks = voided, "continuing what an earlier process left");
        }
        Ok(())
    }
}
