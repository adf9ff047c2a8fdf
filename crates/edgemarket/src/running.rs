//! A marketplace in this process: its workers, and the server when it serves.

use crate::output::Failure;
use axum::Router;
use market::clock::{Clock, Ids};
use market::tasks::Worker;
use market::{Config, Market};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long requests in flight may take to end at shutdown; event streams never end by themselves.
const DRAIN: Duration = Duration::from_secs(2);

/// A marketplace whose workers run.
pub struct Running {
    /// The marketplace.
    pub market: Market,
    /// Its faces: API, pages, registry.
    pub router: Router,
    shutdown: CancellationToken,
    workers: JoinHandle<()>,
    server: Option<JoinHandle<()>>,
}

impl Running {
    /// Opens the data directory and starts the workers.
    pub async fn open(config: Config) -> Result<Running, Failure> {
        let market = Market::open(config, Clock::system(), Ids::system()).await?;
        let shutdown = CancellationToken::new();
        let workers = tokio::spawn(Worker::new(market.clone(), shutdown.clone()).run());
        let router = market::router(market.clone());
        Ok(Running { market, router, shutdown, workers, server: None })
    }

    /// Serves on an open listener, until [`Running::stop`].
    pub fn serve(&mut self, listener: TcpListener) {
        let (router, shutdown) = (self.router.clone(), self.shutdown.clone());
        let (market, ended) = (self.market.clone(), self.shutdown.clone());
        // The first visitor need not wait for the storefront's index. When it cannot be made, the first search says so.
        tokio::spawn(async move { ended.run_until_cancelled_owned(market.follow()).await });
        let server = crate::serving::serve(listener, router, shutdown.cancelled_owned());
        self.server = Some(tokio::spawn(server));
    }

    /// Ends in order: workers hand back what they hold, requests in flight end, the database is closed.
    pub async fn stop(self) {
        self.shutdown.cancel();
        // A worker or server that panicked has said so; there is nothing left to hand back.
        let _ = self.workers.await;
        if let Some(server) = self.server {
            let _ = tokio::time::timeout(DRAIN, server).await;
        }
        self.market.close().await;
    }
}

/// Binds an address, or says why not.
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let refused = |cause: std::io::Error| {
        Failure::could_not_run(
            format!("cannot listen on {address}: {cause}"),
            "choose another address with --listen, or end the program that listens there",
        )
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

/// Waits for SIGINT or SIGTERM. Both are caught from the call on, and not only once somebody waits: a signal in between
/// must not end the process at once. Call it within a tokio runtime.
pub fn signalled() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let caught = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async move {
        let [interrupt, terminate] = caught.map(async |caught| match caught {
            Ok(mut caught) => _ = caught.recv().await,
            // It cannot be caught, so it ends the process as it does any other.
            Err(_) => std::future::pending().await,
        });
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}
