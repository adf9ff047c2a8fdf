//! `key`: the public keys of a marketplace, and their rotation. Private ones never leave it.

use super::target::Target;
use crate::client::Payload;
use crate::interrupt::write_whole;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::Subcommand;
use market::trust::PublicKeyView;
use serde_json::json;
use std::path::PathBuf;

/// `edgemarket key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List the public keys: the one that signs, and those before it
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Write the public keys in PEM, as `edgemarket verify --key` takes them
    Export {
        /// Where to [default: standard output]
        file: Option<PathBuf>,
        /// Only the key that signs now
        #[arg(long)]
        active: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Make a new key, which signs from now on; the public half of the old one is kept
    Rotate {
        #[command(flatten)]
        target: Target,
    },
}

/// Runs it.
pub async fn key(command: &KeyCommand, output: &Output) -> Result<(), Failure> {
    match command {
        KeyCommand::List { target } => {
            let all: Vec<PublicKeyView> = target.get("/api/v1/keys").await?;
            output.list(&all, "no key yet", |key| {
                let state = match &key.retired {
                    Some(retired) => format!("retired {retired}"),
                    None => "signs".to_owned(),
                };
                format!("{}  since {}  {state}", key.id, key.created)
            })
        }
        KeyCommand::Export { file, active, target } => {
            let all: Vec<PublicKeyView> = target.get("/api/v1/keys").await?;
            let chosen = all.iter().filter(|key| !active || key.retired.is_none());
            let pem: String = chosen.clone().map(|key| key.pem.as_str()).collect();
            let Some(file) = file else { return output.print(&pem) };
            write_whole(file, pem.as_bytes())?;
            let (shown, number) = (file.display().to_string(), chosen.count());
            output.value(&json!({ "file": shown, "keys": number }), |_| {
                let values = [("file", shown.as_str()), ("number", &number.to_string())];
                format!("{}\n", output.text.with("keys-written", &values))
            })
        }
        KeyCommand::Rotate { target } => {
            let made: PublicKeyView =
                target.call(Method::POST, "/api/v1/keys/rotate", Payload::Empty).await?;
            output.remark(&output.text.get("key-rotated"));
            output.value(&made, |made| format!("{}\n", made.id))
        }
    }
}
