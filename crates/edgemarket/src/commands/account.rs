//! `account`: people who sign in by name and password, and invitations to become one.

use super::admin::encoded;
use super::target::Target;
use crate::client::Payload;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};
use market::accounts::{Account, Invitation, Invited, MemberRole, NewInvitation, PASSWORD_CHARS_MAX};
use serde_json::{Value, json};
use std::io::Read;

/// `edgemarket account`
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account, with a password out of a variable or from standard input
    Create {
        /// Name to sign in by: plain, or an address of e-mail
        name: String,
        /// How others see it; the name when left out
        #[arg(long, value_name = "NAME", default_value = "")]
        display_name: String,
        /// It runs the marketplace
        #[arg(long)]
        operator: bool,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        target: Target,
    },
    /// List the accounts, with what each is
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Give an account another password, and end its sessions
    SetPassword {
        /// Name of the account
        name: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        target: Target,
    },
    /// Keep an account from signing in, and its tokens from working
    Disable {
        /// Name of the account
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Let a disabled account sign in again
    Enable {
        /// Name of the account
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Remove an account with its roles, sessions and tokens; the name stays taken
    Remove {
        /// Name of the account
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Make a link by which somebody joins, once
    Invite {
        /// What the person becomes
        #[arg(value_enum)]
        role: InvitedRole,
        /// Publisher ID, of owners and editors, or subscription ID, of customers
        #[arg(long)]
        subject: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// List the open invitations
    Invitations {
        #[command(flatten)]
        target: Target,
    },
    /// Take an invitation back
    Withdraw {
        /// The invitation's ID, as `account invitations` shows it
        id: String,
        #[command(flatten)]
        target: Target,
    },
}

/// Where a password comes from: never from the command line, which others on the machine can read.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PasswordFrom {
    /// Environment variable that holds the password
    #[arg(long, value_name = "VARIABLE")]
    password_env: Option<String>,
    /// Read the password from standard input, up to the end of the line
    #[arg(long)]
    password_stdin: bool,
}

/// Roles that an invitation can be for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum InvitedRole {
    /// Runs the marketplace
    Operator,
    /// Manages offers, members and tokens of a publisher (--subject PUBLISHER)
    Owner,
    /// Manages offers of a publisher (--subject PUBLISHER)
    Editor,
    /// Acquires for a subscription (--subject SUBSCRIPTION)
    Customer,
    /// An account without a role
    Guest,
}

impl PasswordFrom {
    fn read(&self) -> Result<String, Failure> {
        if let Some(variable) = &self.password_env {
            return std::env::var(variable).map_err(|_| {
                Failure::usage(
                    format!("the variable {variable} is not set, or is not UTF-8"),
                    "set it for this command alone, or give --password-stdin",
                )
            });
        }
        // A character has at most four bytes; what is longer is refused by the rule for passwords.
        let mut bytes = Vec::new();
        let limit = 4 * PASSWORD_CHARS_MAX as u64 + 2;
        std::io::stdin().take(limit).read_to_end(&mut bytes).map_err(|cause| {
            Failure::could_not_run(
                format!("standard input cannot be read: {cause}"),
                "pipe the password into it",
            )
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::usage("the password is not UTF-8", "write it in UTF-8"))?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}

/// Runs `edgemarket account`.
pub async fn account(command: &AccountCommand, output: &Output) -> Result<(), Failure> {
    match command {
        AccountCommand::Create { name, display_name, operator, password, target } => {
            let password = password.read()?;
            let request = json!({
                "name": name, "displayName": display_name, "password": password, "operator": operator,
            });
            let made: Account = target.call(Method::POST, "/api/v1/accounts", Payload::Json(request)).await?;
            output.value(&made, |made| format!("{}\n", made.name))
        }
        AccountCommand::List { target } => {
            let all: Vec<Account> = target.get("/api/v1/accounts").await?;
            output.list(&all, "no account yet; make one with: edgemarket account create NAME", line)
        }
        AccountCommand::SetPassword { name, password, target } => {
            let request = json!({ "password": password.read()? });
            let path = format!("{}/password", path(name));
            target
                .with(async |client| {
                    Ok(client.bytes(Method::PUT, &path, Payload::Json(request)).await.map(drop)?)
                })
                .await?;
            output.value(&json!({ "changed": name }), |_| format!("{name}\n"))
        }
        AccountCommand::Disable { name, target } => {
            change(target, name, json!({ "disabled": true }), output).await
        }
        AccountCommand::Enable { name, target } => {
            change(target, name, json!({ "disabled": false }), output).await
        }
        AccountCommand::Remove { name, target } => {
            target.call_for_nothing(Method::DELETE, &path(name)).await?;
            output.value(&json!({ "removed": name }), |_| format!("{name}\n"))
        }
        AccountCommand::Invite { role, subject, target } => {
            let mut request =
                json!({ "role": role.to_possible_value().map(|value| value.get_name().to_owned()) });
            if let Some(subject) = subject {
                request["subject"] = json!(subject);
            }
            let made: NewInvitation =
                target.call(Method::POST, "/api/v1/invitations", Payload::Json(request)).await?;
            output.value(&made, |made| format!("{}\n", made.link))
        }
        AccountCommand::Invitations { target } => {
            let all: Vec<Invitation> = target.get("/api/v1/invitations").await?;
            output.list(&all, "no open invitation; make one with: edgemarket account invite ROLE", |one| {
                format!("{}  {:45} until {}  by {}", one.id, invited(&one.invited), one.expires, one.actor)
            })
        }
        AccountCommand::Withdraw { id, target } => {
            let path = format!("/api/v1/invitations/{}", encoded(id));
            target.call_for_nothing(Method::DELETE, &path).await?;
            output.value(&json!({ "withdrawn": id }), |_| format!("{id}\n"))
        }
    }
}

async fn change(target: &Target, name: &str, change: Value, output: &Output) -> Result<(), Failure> {
    let changed: Account = target.call(Method::PATCH, &path(name), Payload::Json(change)).await?;
    output.value(&changed, |changed| format!("{}\n", line(changed)))
}

fn path(name: &str) -> String {
    format!("/api/v1/accounts/{}", encoded(name))
}

fn line(account: &Account) -> String {
    let operator = account.operator.then(|| "operator".to_owned());
    let members = account.publishers.iter().map(|membership| {
        let role = if membership.role == MemberRole::Owner { "owner" } else { "editor" };
        format!("{role} {}", membership.publisher)
    });
    let customers = account.subscriptions.iter().map(|id| format!("customer {id}"));
    let roles: Vec<String> = operator.into_iter().chain(members).chain(customers).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    let state = if account.disabled { "disabled" } else { "enabled" };
    format!("{:24} {state:8} {}  {roles}", account.name, account.display_name)
}

fn invited(invited: &Invited) -> String {
    match invited {
        Invited::Operator => "operator".to_owned(),
        Invited::Owner(id) => format!("owner {id}"),
        Invited::Editor(id) => format!("editor {id}"),
        Invited::Customer(id) => format!("customer {id}"),
        Invited::Guest => "guest".to_owned(),
    }
}
