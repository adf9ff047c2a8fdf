//! Signing in by name and password, and the sessions that follow. A session's secret is made at each sign-in, so that none
//! that somebody else knew before is good after it; its hash alone is kept.

use super::attempts::Attempt;
use super::{Fault, Refusal, password, roles_of};
use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::secrets;
use crate::store::accounts::{self as store, AccountRow, SessionRow};
use crate::store::{Connection, history};
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

/// Days after which a session ends in any case.
pub const SESSION_DAYS: i64 = 14;
/// Hours without a request after which a session ends: a weekend is longer.
pub const SESSION_IDLE_HOURS: i64 = 48;
/// How often at most it is written down that a session is in use: not each page costs a write.
const SEEN_STEP_MS: i64 = 5 * 60_000;
/// Most sessions of an account; the one that was not used for longest ends then.
const SESSIONS_MAX: usize = 50;
/// Most characters that are kept of what a browser calls itself.
const BROWSER_CHARS_MAX: usize = 200;
const HOUR_MS: i64 = 3_600_000;

/// A session just begun.
pub struct NewSession {
    /// For the browser's cookie alone.
    pub secret: String,
    /// The person's language, or empty.
    pub language: String,
}

/// Why somebody is not signed in.
#[derive(Debug)]
pub enum SignInRefusal {
    /// Name or password are wrong, or the account is disabled: which of them is not told.
    Wrong,
    /// Too many attempts: how long to wait.
    Wait(Duration),
    /// Something failed here.
    Error(Error),
}

impl<E: Into<Error>> From<E> for SignInRefusal {
    fn from(error: E) -> SignInRefusal {
        SignInRefusal::Error(error.into())
    }
}

/// Who is behind a session's cookie.
#[derive(Debug, Clone)]
pub struct Session {
    /// [`Actor::Account`].
    pub actor: Actor,
    /// What a person calls itself.
    pub display_name: String,
    /// `en`, `fr`, or empty: as the browser asks.
    pub language: String,
    /// `auto`, `light`, `dark`, or empty: as the cookie says.
    pub theme: String,
    /// What is kept of the secret.
    pub(crate) hash: String,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SessionView {
    /// What the browser calls itself.
    pub browser: String,
    pub created: Instant,
    pub seen: Instant,
    /// The one that asks.
    pub current: bool,
}

impl Market {
    /// Signs in. The answer to a wrong password, an unknown name and a disabled account is the same, and takes as long.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        (address, browser): (IpAddr, &str),
    ) -> Result<NewSession, SignInRefusal> {
        let name: String = name.trim().chars().take(super::ACCOUNT_NAME_CHARS_MAX + 1).collect();
        let name = name.to_ascii_lowercase();
        let attempt = Attempt::new(&name, address);
        self.attempts.begin(&attempt, self.now()).map_err(SignInRefusal::Wait)?;
        let mut c = self.store.read().await?;
        let row = store::by_name(&mut c, &name).await?.filter(|row| row.disabled_ms.is_none());
        drop(c);
        let hash = row.as_ref().map(|row| row.password.as_str());
        if !self.passwords.is_right(password, hash).await? {
            return Err(SignInRefusal::Wrong);
        }
        let row = row.ok_or(SignInRefusal::Wrong)?;
        self.attempts.forgive(&attempt);
        let mut tx = self.store.write().await?;
        // Disabled, removed or with another password meanwhile.
        let now = store::by_id(&mut tx, &row.id).await?;
        if now.is_none_or(|now| now.disabled_ms.is_some() || now.password != row.password) {
            return Err(SignInRefusal::Wrong);
        }
        let session = self.begin_session(&mut tx, &row, browser).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Begins a session in the transaction that proves who it is for.
    pub(super) async fn begin_session(
        &self,
        c: &mut Connection,
        row: &AccountRow,
        browser: &str,
    ) -> Result<NewSession> {
        let secret = secrets::new_session()?;
        let now = self.now().0;
        store::delete_ended_sessions(c, now, now - SESSION_IDLE_HOURS * HOUR_MS).await?;
        for ended in store::sessions(c, &row.id).await?.into_iter().skip(SESSIONS_MAX - 1) {
            store::delete_session(c, &ended.hash).await?;
        }
        let session = SessionRow {
            hash: secrets::token_hash(&secret),
            account: row.id.clone(),
            browser: browser.chars().filter(|c| !c.is_control()).take(BROWSER_CHARS_MAX).collect(),
            created_ms: now,
            seen_ms: now,
            expires_ms: now + SESSION_DAYS * 24 * HOUR_MS,
        };
        store::insert_session(c, &session).await?;
        Ok(NewSession { secret, language: row.language.clone() })
    }

    /// Who is behind this secret of a session; none when it ended.
    pub async fn session(&self, secret: &str) -> Result<Option<Session>> {
        if secret.len() > crate::tokens::TOKEN_CHARS_MAX {
            return Ok(None);
        }
        let now = self.now().0;
        let mut c = self.store.read().await?;
        let Some(row) = store::session(&mut c, &secrets::token_hash(secret)).await? else { return Ok(None) };
        if row.expires_ms <= now || row.seen_ms + SESSION_IDLE_HOURS * HOUR_MS <= now {
            return Ok(None);
        }
        let account =
            store::by_id(&mut c, &row.account).await?.filter(|account| account.disabled_ms.is_none());
        let Some(account) = account else { return Ok(None) };
        let actor = Actor::Account(roles_of(&mut c, &account).await?);
        drop(c);
        if row.seen_ms + SEEN_STEP_MS <= now {
            let mut tx = self.store.write().await?;
            store::see_session(&mut tx, &row.hash, now).await?;
            tx.commit().await?;
        }
        let AccountRow { display_name, language, theme, .. } = account;
        Ok(Some(Session { actor, display_name, language, theme, hash: row.hash }))
    }

    /// Ends a session; one that ended before is none.
    pub async fn sign_out(&self, secret: &str) -> Result<()> {
        let mut tx = self.store.write().await?;
        store::delete_session(&mut tx, &secrets::token_hash(secret)).await?;
        tx.commit().await
    }

    /// The sessions of the account that asks, the one used last first.
    pub async fn own_sessions(&self, session: &Session) -> Result<Vec<SessionView>> {
        let (id, now) = (own_id(&session.actor)?, self.now().0);
        let mut c = self.store.read().await?;
        let mut rows = store::sessions(&mut c, id).await?;
        rows.retain(|row| row.expires_ms > now && row.seen_ms + SESSION_IDLE_HOURS * HOUR_MS > now);
        let view = |row: SessionRow| SessionView {
            current: row.hash == session.hash,
            browser: row.browser,
            created: Instant(row.created_ms),
            seen: Instant(row.seen_ms),
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Signs out everywhere but here; says of how many sessions.
    pub async fn end_other_sessions(&self, session: &Session) -> Result<u64> {
        let id = own_id(&session.actor)?;
        let mut tx = self.store.write().await?;
        let ended = store::delete_other_sessions(&mut tx, id, &session.hash).await?;
        let detail = json!({ "sessions": ended });
        let row = self.history_row(&session.actor, None, None, "signed-out-elsewhere", detail);
        history::insert(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Changes one's own password, which ends every session but this one. Guessing the present one by a session that was
    /// left open is slowed down like guessing at the door.
    pub async fn change_password(
        &self,
        session: &Session,
        (present, new): (&str, &str),
        address: IpAddr,
    ) -> Result<(), Refusal> {
        let id = own_id(&session.actor)?;
        let mut c = self.store.read().await?;
        let row = store::by_id(&mut c, id).await?.ok_or_else(|| Error::not_found("this account"))?;
        drop(c);
        password::check("new-password", new, &row.name)?;
        let attempt = Attempt::new(&format!("change {}", row.name), address);
        self.attempts.begin(&attempt, self.now()).map_err(|wait| {
            let minutes = wait.as_secs().div_ceil(60);
            Fault::invalid("password", "fault-wait").with("minutes", minutes)
        })?;
        if !self.passwords.is_right(present, Some(&row.password)).await? {
            return Err(Fault::invalid("password", "fault-password-wrong").into());
        }
        self.attempts.forgive(&attempt);
        let hash = self.passwords.hash(new).await?;
        let mut tx = self.store.write().await?;
        let now = store::by_id(&mut tx, id).await?.filter(|now| now.password == row.password);
        let Some(now) = now else {
            return Err(Error::conflict("the password was changed meanwhile", "sign in again").into());
        };
        store::update(&mut tx, &AccountRow { password: hash, ..now }).await?;
        store::delete_other_sessions(&mut tx, id, &session.hash).await?;
        let row = self.history_row(&session.actor, None, None, "password-changed", json!({}));
        history::insert(&mut tx, &row).await?;
        Ok(tx.commit().await?)
    }
}

/// The account that acts.
pub(super) fn own_id(actor: &Actor) -> Result<&str> {
    access::permit(actor, Operation::HaveAccount)?;
    let roles =
        actor.account().ok_or_else(|| Error::new(Kind::Denied, "no account acts", "sign in by name"))?;
    Ok(&roles.id)
}
