//! `serve`: web, API, registry and workers in one process, until a signal ends it.

use super::target::config;
use crate::output::{Failure, Output};
use crate::running::{Running, bind, signalled};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `edgemarket serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Data directory; made when it is not there
    #[arg(long, env = "EDGEMARKET_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Address under which others reach it, for example https://market.example.com
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Private host, address or network that publishers' repositories and lead endpoints may be at; may be repeated
    #[arg(long, value_name = "HOST")]
    allow_private_egress: Vec<String>,
}

/// Serves until SIGINT or SIGTERM.
pub async fn serve(args: &Serve, output: &Output) -> Result<(), Failure> {
    let flags = [
        ("listen", args.listen.map(|address| address.to_string())),
        ("public-url", args.public_url.clone()),
        (
            "allow-private-egress",
            (!args.allow_private_egress.is_empty()).then(|| args.allow_private_egress.join(",")),
        ),
    ];
    let mut config = config(&args.data, flags)?;
    std::fs::create_dir_all(&args.data).map_err(|cause| {
        Failure::could_not_run(
            format!("{} cannot be made: {cause}", args.data.display()),
            "name a data directory that this user may write, on a disk that is not full",
        )
    })?;
    let (listener, address) = match bind(config.settings.listen).await {
        Ok(bound) => bound,
        Err(refused) => {
            // A second server on the same directory is told of the first one, not of its port.
            market::lock::acquire(&args.data)?;
            return Err(refused);
        }
    };
    config.settings.listen = address;
    let mut running = Running::open(config).await?;
    running.serve(listener);
    let said = output.value(&serde_json::json!({ "listening": format!("http://{address}") }), |_| {
        format!("Edgemarket listens on http://{address}\n")
    });
    if said.is_ok() {
        signalled().await;
    }
    running.stop().await;
    said
}
