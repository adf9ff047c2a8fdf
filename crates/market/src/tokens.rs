//! Tokens: made for one role and subject, expiring, shown once, stored hashed, revocable. The same token is the
//! password of `docker login` and the bearer of the API.

use crate::access::{self, Actor, Operation, TokenRole};
use crate::accounts;
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::publishers::check_name;
use crate::secrets;
use crate::store::{Connection, history, people};
use offer::identity::PublisherId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How long a token lives when nothing else is said.
pub const TOKEN_AGE_DEFAULT: Duration = Duration::from_secs(90 * 24 * 3_600);
/// Longest life of a token: longer ones are forgotten and never rotated.
pub const TOKEN_AGE_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);
/// Most tokens of one account that are not revoked; each is a machine or a job of its own.
pub const TOKENS_MAX: usize = 100;
/// Longest text that is looked at as a token; real ones have about 51 characters.
pub(crate) const TOKEN_CHARS_MAX: usize = 256;

/// A token as it is listed: without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Token {
    pub id: String,
    #[serde(flatten)]
    pub role: TokenRole,
    pub label: String,
    pub created: Instant,
    pub expires: Instant,
    pub revoked: bool,
}

/// A token just made; the secret is never shown again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewToken {
    #[serde(flatten)]
    pub token: Token,
    pub secret: String,
}

impl Market {
    /// Makes a token. An account may make one for a role that it has itself: that token is the account's, and is good only
    /// as long as the account has the role. Every other one is the marketplace's, and made by operators. The publisher or
    /// subscription must exist.
    pub async fn create_token(
        &self,
        actor: &Actor,
        role: TokenRole,
        label: &str,
        age: Duration,
    ) -> Result<NewToken> {
        access::permit(actor, Operation::MakeToken(&role))?;
        check_name("token's label", label)?;
        if age.is_zero() || age > TOKEN_AGE_MAX {
            return Err(Error::invalid(
                format!(
                    "a token cannot live {} seconds; at most {} are allowed",
                    age.as_secs(),
                    TOKEN_AGE_MAX.as_secs()
                ),
                "choose a shorter life, and make a new token when it ends",
            ));
        }
        let secret = secrets::new_token()?;
        let (created, (role_name, subject)) = (self.now(), columns(&role));
        let age_ms = i64::try_from(age.as_millis()).map_err(Error::internal)?;
        let row = people::TokenRow {
            hash: secrets::token_hash(&secret),
            id: self.ids.next().to_string(),
            role: role_name.to_owned(),
            subject,
            label: label.to_owned(),
            created_ms: created.0,
            expires_ms: created.0 + age_ms,
            revoked_ms: None,
            account: actor.account().filter(|_| actor.holds(&role)).map(|roles| roles.id.clone()),
        };
        let mut tx = self.store.write().await?;
        require_subject(&mut tx, &role).await?;
        if let Some(account) = &row.account
            && people::tokens_of_account(&mut tx, account).await?.len() >= TOKENS_MAX
        {
            return Err(Error::conflict(
                format!("this account has {TOKENS_MAX} tokens, which is the most"),
                "revoke those that nothing uses any more",
            ));
        }
        people::insert_token(&mut tx, &row).await?;
        let detail = json!({ "token": row.id, "role": row.role, "subject": row.subject });
        history::insert(&mut tx, &self.history_row(actor, None, None, "token-created", detail)).await?;
        tx.commit().await?;
        Ok(NewToken { token: token(row)?, secret })
    }

    /// All tokens in the order of their making, without their secrets. Operators only.
    pub async fn tokens(&self, actor: &Actor) -> Result<Vec<Token>> {
        access::permit(actor, Operation::Administer)?;
        let mut c = self.store.read().await?;
        people::tokens(&mut c).await?.into_iter().map(token).collect()
    }

    /// Tokens for a publisher that were not revoked, whoever made them. For its owners and operators.
    pub async fn publisher_tokens(&self, actor: &Actor, publisher: &PublisherId) -> Result<Vec<Token>> {
        access::permit(actor, Operation::ManageMembers(publisher))?;
        let mut c = self.store.read().await?;
        let rows = people::tokens_for(&mut c, "publisher", publisher.as_str()).await?;
        rows.into_iter().map(token).collect()
    }

    /// Revokes a token at once: operators any, accounts their own, owners those for their publisher.
    pub async fn revoke_token(&self, actor: &Actor, id: &str) -> Result<()> {
        if actor.account().is_none() {
            access::permit(actor, Operation::Administer)?;
        }
        let missing = || Error::not_found(format!("a token {id:.60} that is not revoked yet"));
        let mut tx = self.store.write().await?;
        let row = people::token_by_id(&mut tx, id).await?.ok_or_else(missing)?;
        if !may_revoke(actor, &row) || !people::revoke_token(&mut tx, id, self.now().0).await? {
            return Err(missing());
        }
        let detail = json!({ "token": id });
        history::insert(&mut tx, &self.history_row(actor, None, None, "token-revoked", detail)).await?;
        tx.commit().await
    }

    /// Who holds this token.
    pub async fn authenticate(&self, secret: &str) -> Result<Actor> {
        if secret.len() > TOKEN_CHARS_MAX {
            return Err(unauthenticated());
        }
        let (actor, expires) = self.token_holder(&secrets::token_hash(secret)).await?;
        if expires <= self.now() { Err(unauthenticated()) } else { Ok(actor) }
    }

    /// Who holds the token with this hash, and until when. Refused when it is unknown or revoked.
    pub(crate) async fn token_holder(&self, hash: &str) -> Result<(Actor, Instant)> {
        let mut c = self.store.read().await?;
        let row = people::token(&mut c, hash).await?.ok_or_else(unauthenticated)?;
        if row.revoked_ms.is_some() {
            return Err(unauthenticated());
        }
        let role = role_of(&row)?;
        if let Some(account) = &row.account {
            let holder = accounts::actor_of(&mut c, account).await?;
            if !holder.is_some_and(|holder| holder.holds(&role)) {
                return Err(unauthenticated());
            }
        }
        let actor = match role {
            TokenRole::Operator => Actor::Operator,
            TokenRole::Publisher(id) => Actor::Publisher(id.parse().map_err(Error::internal)?),
            TokenRole::Customer(id) => Actor::Customer(id),
            TokenRole::Region(name) => Actor::Region(name),
        };
        Ok((actor, Instant(row.expires_ms)))
    }
}

fn may_revoke(actor: &Actor, row: &people::TokenRow) -> bool {
    let is_own = actor.account().is_some_and(|roles| Some(&roles.id) == row.account.as_ref());
    let publisher = || row.subject.parse().ok().filter(|_| row.role == "publisher");
    is_own
        || access::permit(actor, Operation::Administer).is_ok()
        || publisher().is_some_and(|id| access::permit(actor, Operation::ManageMembers(&id)).is_ok())
}

fn unauthenticated() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "the token is unknown, expired or revoked",
        "make a new one with `edgemarket token create`",
    )
}

async fn require_subject(c: &mut Connection, role: &TokenRole) -> Result<()> {
    let (known, what) = match role {
        TokenRole::Operator | TokenRole::Region(_) => return Ok(()),
        TokenRole::Publisher(id) => {
            (people::publisher(c, id).await?.is_some(), format!("the publisher {id}"))
        }
        TokenRole::Customer(id) => {
            (people::subscription(c, &id.to_string()).await?.is_some(), format!("the subscription {id}"))
        }
    };
    if known { Ok(()) } else { Err(Error::not_found(what)) }
}

fn columns(role: &TokenRole) -> (&'static str, String) {
    match role {
        TokenRole::Operator => ("operator", String::new()),
        TokenRole::Publisher(id) => ("publisher", id.clone()),
        TokenRole::Customer(id) => ("customer", id.to_string()),
        TokenRole::Region(name) => ("region", name.clone()),
    }
}

fn role_of(row: &people::TokenRow) -> Result<TokenRole> {
    Ok(match row.role.as_str() {
        "operator" => TokenRole::Operator,
        "publisher" => TokenRole::Publisher(row.subject.clone()),
        "customer" => TokenRole::Customer(row.subject.parse().map_err(Error::internal)?),
        "region" => TokenRole::Region(row.subject.clone()),
        other => return Err(Error::internal(format!("a token has the unknown role {other}"))),
    })
}

pub(crate) fn token(row: people::TokenRow) -> Result<Token> {
    Ok(Token {
        role: role_of(&row)?,
        id: row.id,
        label: row.label,
        created: Instant(row.created_ms),
        expires: Instant(row.expires_ms),
        revoked: row.revoked_ms.is_some(),
    })
}
