//! Which marketplace a command speaks to: `--server URL` with a token, or `--data DIR` in this process.

use crate::client::{Client, Payload};
use crate::output::Failure;
use crate::running::Running;
use axum::http::Method;
use clap::Args;
use market::Config;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The flags that every command about a marketplace has.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// Address of the marketplace, for example https://market.example.com
    #[arg(long, env = "EDGEMARKET_SERVER", value_name = "URL")]
    server: Option<String>,
    /// API token for --server
    #[arg(long, env = "EDGEMARKET_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Data directory: without --server, the marketplace runs in this process
    #[arg(long, env = "EDGEMARKET_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// With --data: private host, address or network that repositories and lead endpoints may be at; may be repeated
    #[arg(long, value_name = "HOST")]
    allow_private_egress: Vec<String>,
}

impl Target {
    /// Opens the marketplace that the flags name (`--server` wins), does the work, and closes it in order.
    pub async fn with<T>(&self, work: impl AsyncFnOnce(&Client) -> Result<T, Failure>) -> Result<T, Failure> {
        let client = self.connect().await?;
        let outcome = work(&client).await;
        client.close().await;
        outcome
    }

    /// One request with a JSON answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<T, Failure> {
        self.with(async |client| Ok(client.call(method, path, payload).await?)).await
    }

    /// One request whose answer says nothing but that it was done.
    pub async fn call_for_nothing(&self, method: Method, path: &str) -> Result<(), Failure> {
        self.with(async |client| Ok(client.bytes(method, path, Payload::Empty).await.map(drop)?)).await
    }

    /// One GET with a JSON answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::GET, path, Payload::Empty).await
    }

    async fn connect(&self) -> Result<Client, Failure> {
        if let Some(server) = &self.server {
            return Ok(Client::remote(server, self.token.clone())?);
        }
        let Some(data) = &self.data else {
            return Err(Failure::usage(
                "no marketplace is named",
                "give --server URL with --token TOKEN, or --data DIR to work on a data directory in this process",
            ));
        };
        let allowed = (!self.allow_private_egress.is_empty()).then(|| self.allow_private_egress.join(","));
        let running = Running::open(config(data, [("allow-private-egress", allowed)])?).await?;
        Ok(Client::Local { router: running.router.clone(), running: Some(running) })
    }
}

/// The configuration of a data directory: its file, the environment, these flags.
pub fn config<const N: usize>(data: &Path, flags: [(&str, Option<String>); N]) -> Result<Config, Failure> {
    let flags = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    Ok(Config::load(data, &|name| std::env::var(name).ok(), &flags)?)
}
