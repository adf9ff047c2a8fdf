//! `serve`: web, API, registry and workers in one process, until a signal ends it.

use super::target::config;
use crate::output::{Failure, Output};
use crate::running::{Running, bind, signalled};
use clap::Args;
use market::clock::Instant;
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
    let first = match running.market.first_sign_in().await {
        Ok(first) => first,
        Err(error) => {
            running.stop().await;
            return Err(error.into());
        }
    };
    running.serve(listener);
    let said = output.value(&listening(address, first.as_ref()), |_| {
        let mut said = format!("Edgemarket listens on http://{address}\n");
        if let Some((link, until)) = &first {
            let sentence = output.text.with("first-sign-in-link", &[("until", &until.to_string())]);
            said.push_str(&format!("{sentence}\n{link}\n"));
        }
        said
    });
    if said.is_ok() {
        signalled().await;
    }
    running.stop().await;
    said
}

/// What is said to programs.
fn listening(address: SocketAddr, first: Option<&(String, Instant)>) -> serde_json::Value {
    let mut said = serde_json::json!({ "listening": format!("http://{address}") });
    if let Some((link, until)) = first {
        said["firstSignIn"] = serde_json::json!({ "link": link, "until": until });
    }
    said
}
