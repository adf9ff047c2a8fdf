//! `key`: the public keys of a marketplace, their rotation, and those of other marketplaces that it trusts. Private ones
//! never leave it.

use super::target::Target;
use super::verify::KEYS_BYTES_MAX;
use crate::client::Payload;
use crate::files;
use crate::interrupt::write_whole;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::Subcommand;
use market::imports::{NewTrustedKey, TrustedKey};
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
    /// Trust the public keys of another marketplace: what it exports can be imported here
    Trust {
        /// The file that `edgemarket key export` wrote there; carry it by a way that you trust
        file: PathBuf,
        /// Whose keys they are [default: the file's name]
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// List the keys of other marketplaces that are trusted
    Trusted {
        #[command(flatten)]
        target: Target,
    },
    /// Trust a key no more; what it signed, and is here, stays
    Distrust {
        /// ID of the key, as `edgemarket key trusted` shows it
        id: String,
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
        KeyCommand::Trust { file, label, target } => {
            let name = || file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let new = NewTrustedKey {
                label: label.clone().unwrap_or_else(name),
                pem: files::read_text(file, KEYS_BYTES_MAX)?,
            };
            let added: Vec<TrustedKey> =
                target.call(Method::POST, "/api/v1/keys/trusted", Payload::Json(json!(new))).await?;
            output.list(&added, "", |key| format!("{}  {}", key.id, key.label))
        }
        KeyCommand::Trusted { target } => {
            let all: Vec<TrustedKey> = target.get("/api/v1/keys/trusted").await?;
            output.list(&all, &output.text.get("trusted-empty"), |key| {
                format!("{}  since {}  {}", key.id, key.created, key.label)
            })
        }
        KeyCommand::Distrust { id, target } => {
            target.call_for_nothing(Method::DELETE, &format!("/api/v1/keys/trusted/{id}")).await
        }
        KeyCommand::Rotate { target } => {
            let made: PublicKeyView =
                target.call(Method::POST, "/api/v1/keys/rotate", Payload::Empty).await?;
            output.remark(&output.text.get("key-rotated"));
            output.value(&made, |made| format!("{}\n", made.id))
        }
    }
}
