//! Accounts: people who sign in by name and password, and what they may be, all at once: an operator, a member of
//! publishers, a holder of subscriptions. How they prove who they are is below; who may do what is `access`'s business.

mod attempts;
mod faults;
mod invitations;
mod members;
mod names;
mod own;
mod password;
mod sessions;

pub use faults::{Fault, Refusal};
pub use invitations::{FIRST_HOURS, INVITATION_DAYS, INVITATIONS_MAX, Invitation, Invited, NewInvitation};
pub use members::{Member, MemberRole};
pub use names::{ACCOUNT_NAME_CHARS_MAX, ACCOUNT_NAME_CHARS_MIN};
pub use own::Profile;
pub use password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
pub use sessions::{NewSession, SESSION_DAYS, SESSION_IDLE_HOURS, Session, SessionView, SignInRefusal};

pub(crate) use attempts::Attempts;
pub(crate) use invitations::FIRST;
pub(crate) use password::Passwords;

use crate::access::{self, AccountRoles, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::accounts::{self as store, AccountRow};
use crate::store::{Connection, history, invitations as invitations_rows, people};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// Most accounts; a list of them is one page. Larger companies bring an identity provider of their own.
const ACCOUNTS_MAX: i64 = 10_000;

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Account {
    pub id: String,
    pub name: String,
    pub display_name: String,
    pub operator: bool,
    /// It cannot sign in, and its tokens are refused.
    pub disabled: bool,
    pub publishers: Vec<Membership>,
    pub subscriptions: Vec<Uuid>,
    pub created: Instant,
}

/// What an account is for a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Membership {
    pub publisher: String,
    pub role: MemberRole,
}

/// What a new account is made of.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewAccount {
    pub name: String,
    /// The name when empty.
    #[serde(default)]
    pub display_name: String,
    pub password: String,
    #[serde(default)]
    pub operator: bool,
}

/// What an operator changes in an account; what is left out stays.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AccountChange {
    pub disabled: Option<bool>,
    pub operator: Option<bool>,
}

impl Market {
    /// Makes an account. Operators only.
    pub async fn create_account(&self, actor: &Actor, new: NewAccount) -> Result<Account, Refusal> {
        access::permit(actor, Operation::Administer)?;
        let row = self.new_account(&new).await?;
        let mut tx = self.store.write().await?;
        insert(&mut tx, &row).await?;
        let detail = json!({ "account": row.name, "operator": new.operator });
        history::insert(&mut tx, &self.history_row(actor, None, None, "account-created", detail)).await?;
        tx.commit().await?;
        let mut c = self.store.read().await?;
        Ok(account(&mut c, row).await?)
    }

    /// All accounts by name. Operators only.
    pub async fn accounts(&self, actor: &Actor) -> Result<Vec<Account>> {
        access::permit(actor, Operation::Administer)?;
        let mut c = self.store.read().await?;
        let mut all = Vec::new();
        for row in store::all(&mut c).await? {
            all.push(account(&mut c, row).await?);
        }
        Ok(all)
    }

    /// Disables an account or makes it an operator, or takes that back. Operators only; of those that can sign in one
    /// must be left, unless it is a token or the command line that asks.
    pub async fn change_account(
        &self,
        actor: &Actor,
        name: &str,
        change: AccountChange,
    ) -> Result<Account, Refusal> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        let mut row = known(&mut tx, name).await?;
        let mut done = Vec::new();
        if let Some(disabled) = change.disabled
            && disabled != row.disabled_ms.is_some()
        {
            row.disabled_ms = disabled.then_some(self.now().0);
            done.push(if disabled { "account-disabled" } else { "account-enabled" });
        }
        if let Some(operator) = change.operator
            && operator != (row.operator == 1)
        {
            row.operator = i64::from(operator);
            done.push(if operator { "operator-appointed" } else { "operator-dismissed" });
        }
        store::update(&mut tx, &row).await?;
        if row.disabled_ms.is_some() {
            store::delete_other_sessions(&mut tx, &row.id, "").await?;
        }
        if row.operator == 0 {
            people::revoke_tokens_of(&mut tx, &row.id, ("operator", ""), self.now().0).await?;
        }
        if row.disabled_ms.is_some() || change.operator == Some(false) {
            // Else it could invite itself back.
            invitations_rows::delete_of(&mut tx, &format!("account:{}", row.name), "").await?;
        }
        require_an_operator(&mut tx, actor).await?;
        for action in done {
            let detail = json!({ "account": row.name });
            history::insert(&mut tx, &self.history_row(actor, None, None, action, detail)).await?;
        }
        tx.commit().await?;
        let mut c = self.store.read().await?;
        Ok(account(&mut c, row).await?)
    }

    /// Removes an account with its password, roles, sessions and tokens. Its name stays taken. Operators only, as for
    /// [`change_account`](Market::change_account).
    pub async fn remove_account(&self, actor: &Actor, name: &str) -> Result<(), Refusal> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        let mut row = known(&mut tx, name).await?;
        (row.display_name, row.password) = (String::new(), String::new());
        (row.operator, row.removed_ms) = (0, Some(self.now().0));
        store::update(&mut tx, &row).await?;
        store::strip(&mut tx, &row.id).await?;
        people::revoke_tokens_of(&mut tx, &row.id, ("", ""), self.now().0).await?;
        invitations_rows::delete_of(&mut tx, &format!("account:{}", row.name), "").await?;
        require_an_operator(&mut tx, actor).await?;
        let detail = json!({ "account": row.name });
        history::insert(&mut tx, &self.history_row(actor, None, None, "account-removed", detail)).await?;
        Ok(tx.commit().await?)
    }

    /// Gives an account another password, and ends its sessions: for whoever lost theirs. Operators only.
    pub async fn set_password(&self, actor: &Actor, name: &str, new: &str) -> Result<(), Refusal> {
        access::permit(actor, Operation::Administer)?;
        let mut c = self.store.read().await?;
        let row = known(&mut c, name).await?;
        drop(c);
        password::check("new-password", new, &row.name)?;
        let hash = self.passwords.hash(new).await?;
        let mut tx = self.store.write().await?;
        let row = known(&mut tx, name).await?;
        store::update(&mut tx, &AccountRow { password: hash, ..row.clone() }).await?;
        store::delete_other_sessions(&mut tx, &row.id, "").await?;
        let detail = json!({ "account": row.name });
        history::insert(&mut tx, &self.history_row(actor, None, None, "password-set", detail)).await?;
        Ok(tx.commit().await?)
    }

    /// The row of a new account, checked and with its password hashed.
    async fn new_account(&self, new: &NewAccount) -> Result<AccountRow, Refusal> {
        let name = names::account_name(&new.name)?;
        let display_name = match new.display_name.trim() {
            "" => name.clone(),
            given => names::display_name(given)?,
        };
        password::check("new-password", &new.password, &name)?;
        Ok(AccountRow {
            id: self.ids.next().to_string(),
            password: self.passwords.hash(&new.password).await?,
            operator: i64::from(new.operator),
            language: String::new(),
            theme: String::new(),
            created_ms: self.now().0,
            disabled_ms: None,
            removed_ms: None,
            name,
            display_name,
        })
    }
}

/// Adds the row, unless the name is taken or there are too many.
async fn insert(c: &mut Connection, row: &AccountRow) -> Result<(), Refusal> {
    if store::count(c).await? >= ACCOUNTS_MAX {
        return Err(Fault::conflict("", "fault-accounts-many").with("max", ACCOUNTS_MAX).into());
    }
    match store::insert(c, row).await? {
        true => Ok(()),
        false => Err(Fault::conflict("name", "fault-name-taken").with("name", &row.name).into()),
    }
}

/// The account of this name, however its letters are written.
async fn known(c: &mut Connection, name: &str) -> Result<AccountRow> {
    let written: String = name.chars().take(ACCOUNT_NAME_CHARS_MAX + 1).collect();
    let found = store::by_name(c, &written.trim().to_ascii_lowercase()).await?;
    found.ok_or_else(|| Error::not_found(format!("the account {written}")))
}

/// Who signed in by name must leave an operator who can; the command line and tokens can always make one.
async fn require_an_operator(c: &mut Connection, actor: &Actor) -> Result<(), Refusal> {
    if actor.account().is_some() && store::operators(c).await? == 0 {
        return Err(Fault::conflict("", "fault-last-operator").into());
    }
    Ok(())
}

/// What an account may do now.
async fn roles_of(c: &mut Connection, row: &AccountRow) -> Result<Arc<AccountRoles>> {
    let (mut publishers, mut owned) = (Vec::new(), Vec::new());
    for member in store::memberships(c, &row.id).await? {
        let publisher: offer::identity::PublisherId = member.publisher.parse().map_err(Error::internal)?;
        if MemberRole::of_row(&member.role)? == MemberRole::Owner {
            owned.push(publisher.clone());
        }
        publishers.push(publisher);
    }
    let held = store::held(c, &row.id).await?;
    let subscriptions =
        held.iter().map(|row| row.id.parse().map_err(Error::internal)).collect::<Result<_>>()?;
    let (id, name, operator) = (row.id.clone(), row.name.clone(), row.operator == 1);
    Ok(Arc::new(AccountRoles { id, name, operator, publishers, owned, subscriptions }))
}

/// Who an account is as an actor; none when it is disabled or gone.
pub(crate) async fn actor_of(c: &mut Connection, id: &str) -> Result<Option<Actor>> {
    match store::by_id(c, id).await?.filter(|row| row.disabled_ms.is_none()) {
        Some(row) => Ok(Some(Actor::Account(roles_of(c, &row).await?))),
        None => Ok(None),
    }
}

async fn account(c: &mut Connection, row: AccountRow) -> Result<Account> {
    let mut publishers = Vec::new();
    for member in store::memberships(c, &row.id).await? {
        publishers.push(Membership { role: MemberRole::of_row(&member.role)?, publisher: member.publisher });
    }
    let held = store::held(c, &row.id).await?;
    let subscriptions =
        held.iter().map(|row| row.id.parse().map_err(Error::internal)).collect::<Result<_>>()?;
    Ok(Account {
        id: row.id,
        name: row.name,
        display_name: row.display_name,
        operator: row.operator == 1,
        disabled: row.disabled_ms.is_some(),
        publishers,
        subscriptions,
        created: Instant(row.created_ms),
    })
}
