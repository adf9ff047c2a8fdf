//! `publisher`, `subscription`, `token`: what an operator sets up.

use super::target::Target;
use crate::client::Payload;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use market::access::TokenRole;
use market::publishers::Publisher;
use market::subscriptions::Subscription;
use market::tokens::{NewToken, Token};
use serde_json::json;

/// `edgemarket publisher`
#[derive(Debug, Subcommand)]
pub enum PublisherCommand {
    /// Admit a publisher
    Add {
        /// Publisher ID: lower-case letters, digits, dashes
        id: String,
        /// Display name; the ID when left out
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// List the publishers
    List {
        #[command(flatten)]
        target: Target,
    },
}

/// `edgemarket subscription`
#[derive(Debug, Subcommand)]
pub enum SubscriptionCommand {
    /// Add a customer's subscription and print its ID
    Add {
        /// Whose it is
        name: String,
        /// The GUID, when it exists already elsewhere
        #[arg(long, value_name = "GUID")]
        id: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// List the subscriptions
    List {
        #[command(flatten)]
        target: Target,
    },
}

/// For whom a token speaks.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Role {
    /// Runs the marketplace
    Operator,
    /// Publishes offers (--subject PUBLISHER)
    Publisher,
    /// Pulls previews and private plans (--subject SUBSCRIPTION)
    Customer,
    /// The pipeline of the marketplace that this instance is a region of
    Region,
}

impl Role {
    /// The role's name in the API.
    fn id(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Publisher => "publisher",
            Role::Customer => "customer",
            Role::Region => "region",
        }
    }
}

/// `edgemarket token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown this once
    Create {
        /// For whom it speaks
        #[arg(value_enum)]
        role: Role,
        /// Publisher ID or subscription ID
        #[arg(long)]
        subject: Option<String>,
        /// What it is for
        #[arg(long, default_value = "command line")]
        name: String,
        /// Days until it expires [default: 90]
        #[arg(long, value_name = "DAYS")]
        expires: Option<u32>,
        #[command(flatten)]
        target: Target,
    },
    /// List the tokens, without their secrets
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Revoke a token at once
    Revoke {
        /// The token's ID, as `token list` shows it
        id: String,
        #[command(flatten)]
        target: Target,
    },
}

/// Runs `edgemarket publisher`.
pub async fn publisher(command: &PublisherCommand, output: &Output) -> Result<(), Failure> {
    match command {
        PublisherCommand::Add { id, name, target } => {
            let request = json!({ "id": id, "name": name.as_ref().unwrap_or(id) });
            let made: Publisher =
                target.call(Method::POST, "/api/v1/publishers", Payload::Json(request)).await?;
            output.value(&made, |made| format!("{}\n", made.id))
        }
        PublisherCommand::List { target } => {
            let all: Vec<Publisher> = target.get("/api/v1/publishers").await?;
            output.list(&all, "no publisher yet; add one with: edgemarket publisher add ID", |publisher| {
                format!("{:24} {}", publisher.id, publisher.name)
            })
        }
    }
}

/// Runs `edgemarket subscription`.
pub async fn subscription(command: &SubscriptionCommand, output: &Output) -> Result<(), Failure> {
    match command {
        SubscriptionCommand::Add { name, id, target } => {
            let request = match id {
                Some(id) => json!({ "owner": name, "id": id }),
                None => json!({ "owner": name }),
            };
            let made: Subscription =
                target.call(Method::POST, "/api/v1/subscriptions", Payload::Json(request)).await?;
            output.value(&made, |made| format!("{}\n", made.id))
        }
        SubscriptionCommand::List { target } => {
            let all: Vec<Subscription> = target.get("/api/v1/subscriptions").await?;
            output.list(&all, "no subscription yet; add one with: edgemarket subscription add NAME", |one| {
                format!("{}  {}", one.id, one.owner)
            })
        }
    }
}

/// Runs `edgemarket token`.
pub async fn token(command: &TokenCommand, output: &Output) -> Result<(), Failure> {
    match command {
        TokenCommand::Create { role, subject, name, expires, target } => {
            let mut request = json!({ "role": role.id(), "label": name });
            if let Some(subject) = subject {
                request["subject"] = json!(subject);
            }
            if let Some(days) = expires {
                request["expiresDays"] = json!(days);
            }
            let made: NewToken = target.call(Method::POST, "/api/v1/tokens", Payload::Json(request)).await?;
            output.value(&made, |made| format!("{}\n", made.secret))
        }
        TokenCommand::List { target } => {
            let all: Vec<Token> = target.get("/api/v1/tokens").await?;
            output.list(&all, "no token yet; make one with: edgemarket token create ROLE", |token| {
                let (role, subject) = match &token.role {
                    TokenRole::Operator => ("operator", String::new()),
                    TokenRole::Publisher(id) => ("publisher", id.clone()),
                    TokenRole::Customer(id) => ("customer", id.to_string()),
                    TokenRole::Region(name) => ("region", name.clone()),
                };
                let state = if token.revoked { "revoked" } else { "valid" };
                format!(
                    "{}  {role:9} {subject:36} {state:7} until {}  {}",
                    token.id, token.expires, token.label
                )
            })
        }
        TokenCommand::Revoke { id, target } => {
            target.call_for_nothing(Method::DELETE, &format!("/api/v1/tokens/{}", encoded(id))).await?;
            output.value(&json!({ "revoked": id }), |_| format!("{id}\n"))
        }
    }
}

/// A name as one part of a path.
pub fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}
