//! All SQL of the marketplace, one file per noun. It knows rows, not rules: who may do what and what follows from what
//! is decided by the use cases and the pipeline, which pass their transaction in.
//!
//! Rules for the SQL text, so that the same text runs on PostgreSQL: `$1` placeholders; `i64`, text and bytes only;
//! no `EXISTS` or bare `SUM` in a select list; typed `None`; no `CURRENT_TIMESTAMP`.

pub mod accounts;
pub mod acquisitions;
pub mod campaigns;
pub mod deployments;
pub mod documents;
pub mod downloads;
pub mod exports;
pub mod history;
pub mod invitations;
pub mod keys;
pub mod leads;
pub mod listings;
pub mod offers;
pub mod people;
pub mod regions;
pub mod registry;
pub mod steps;
pub mod submissions;
pub mod tasks;
pub mod tickets;
pub mod unneeded;
pub mod waivers;
pub mod withdrawals;

use crate::error::{Error, Kind, Result};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Connection as _, Transaction};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A connection or transaction to read or write with.
pub use sqlx::AnyConnection as Connection;

/// Connections of the pool. Readers do not wait for the writer in WAL mode; each connection is a thread of its own.
const CONNECTIONS_MAX: u32 = 8;
/// How long a writer waits for a writer of another process (a back-up tool); writers of this process queue in memory.
const BUSY_TIMEOUT_MS: u32 = 10_000;

/// The database.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    /// SQLite has one writer. Waiting here is fair and wakes at once, where SQLite's own busy handler sleeps and polls.
    writer: Arc<Mutex<()>>,
    generation: Arc<AtomicU64>,
}

/// A write transaction; dropping it rolls back.
pub struct Tx {
    transaction: Transaction<'static, Any>,
    turn: Turn,
}

/// The writer's turn. Its end begins a new generation, after the commit and before the next writer.
struct Turn {
    /// None for a write of what nobody keeps.
    generation: Option<Arc<AtomicU64>>,
    _writer: OwnedMutexGuard<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(generation) = &self.generation {
            generation.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Store {
    /// Opens or makes `DATA/market.db` and migrates it forward; a database of a newer program is refused.
    pub async fn open(data: &Path) -> Result<Store> {
        sqlx::any::install_default_drivers();
        // The path of a URL has no other form: `d/market.db` would be taken for `/d/market.db`.
        let path = std::path::absolute(data.join("market.db"))
            .map_err(Error::io(format!("finding the data directory {}", data.display())))?;
        let text = path.to_str().ok_or_else(|| {
            Error::setup(format!("the path {} is not UTF-8", path.display()), "choose another data directory")
        })?;
        let mut url = url::Url::parse("sqlite://").map_err(Error::internal)?;
        url.set_path(text);
        url.set_query(Some("mode=rwc"));
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .after_release(|connection, _| Box::pin(is_at_rest(connection)))
            .connect(url.as_str())
            .await
            .map_err(|error| {
                Error::setup(
                    format!("the database {} cannot be opened: {error}", path.display()),
                    "check that the file is a database of edgemarket and may be written, and that the disk is not full",
                )
            })?;
        sqlx::migrate!("./migrations").run(&pool).await.map_err(|error| migration_failed(&path, error))?;
        Ok(Store { pool, writer: Arc::new(Mutex::new(())), generation: Arc::default() })
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<PoolConnection<Any>> {
        Ok(self.pool.acquire().await?)
    }

    /// Begins a write transaction. It takes the write lock at once (`BEGIN IMMEDIATE`), because a transaction that
    /// reads first and writes later fails when another one wrote in between.
    pub async fn write(&self) -> Result<Tx> {
        self.begin(Some(Arc::clone(&self.generation))).await
    }

    /// As [`write`](Store::write), for rows that nobody keeps in memory and nobody waits for, such as counts: the generation
    /// stays, so that what the registry knows need not be read again every few seconds.
    pub async fn write_beside(&self) -> Result<Tx> {
        self.begin(None).await
    }

    async fn begin(&self, generation: Option<Arc<AtomicU64>>) -> Result<Tx> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx { transaction, turn: Turn { generation, _writer: writer } })
    }

    /// Counts the write transactions that ended, those of [`write_beside`](Store::write_beside) aside. What was read after this number was asked for is still so while the
    /// number is the same: no other process writes (see [`crate::lock`]).
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Closes all connections; the last one folds the write-ahead log into the database.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Whether a connection that comes back may be used again. SQLite ends a transaction by itself when the disk is full; the
/// roll-back that follows fails, and `sqlx` then counts the transaction as open for ever, so that none can begin.
async fn is_at_rest(connection: &mut Connection) -> sqlx::Result<bool> {
    // Answered after the roll-back that the transaction sent when it was dropped.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

impl Tx {
    /// Makes everything durable, or nothing.
    pub async fn commit(self) -> Result<()> {
        let Tx { transaction, turn } = self;
        // In a task of its own: when the caller goes away meanwhile, the turn still ends after the commit.
        let committed = tokio::spawn(async move {
            let result = transaction.commit().await;
            drop(turn);
            result
        });
        Ok(committed.await.map_err(Error::internal)??)
    }
}

impl std::ops::Deref for Tx {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.transaction
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.transaction
    }
}

/// Settings of each connection. `synchronous=FULL` makes a commit survive a power cut.
async fn prepare(connection: &mut Connection) -> sqlx::Result<()> {
    use sqlx::Executor as _;
    let pragmas = format!(
        "PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON;"
    );
    connection.execute(sqlx::AssertSqlSafe(pragmas)).await.map(drop)
}

fn migration_failed(path: &Path, error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => Error::setup(
            format!(
                "the database {} has schema {version}, which is newer than this program knows",
                path.display()
            ),
            "run the newer edgemarket that made it, or restore the back-up from before the upgrade",
        ),
        other => Error::setup(
            format!("the database {} cannot be migrated: {other}", path.display()),
            "restore the back-up from before the upgrade, or ask for help with this message",
        ),
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Error {
        let text = source.to_string();
        if text.contains("disk is full") || text.contains("(code: 13)") {
            return Error::new(
                Kind::Internal,
                "the database could not be written: the disk is full",
                "free some space on the disk of the data directory; nothing is lost",
            );
        }
        Error::internal(format!("the database refused an operation: {text}"))
    }
}
