//! Members of a publisher: who acts for it, as an owner, who also manages members and tokens, or as an editor of its offers.

use super::{Fault, Refusal, known};
use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::accounts::{self as store, MemberRow};
use crate::store::{history, invitations, people};
use offer::identity::PublisherId;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberRole {
    /// Manages offers, members and tokens.
    Owner,
    /// Manages offers.
    Editor,
}

impl MemberRole {
    /// Both.
    pub const ALL: [MemberRole; 2] = [MemberRole::Owner, MemberRole::Editor];

    /// Its name in rows, forms and the API.
    pub fn name(self) -> &'static str {
        match self {
            MemberRole::Owner => "owner",
            MemberRole::Editor => "editor",
        }
    }

    pub(super) fn of_row(name: &str) -> Result<MemberRole> {
        let found = MemberRole::ALL.into_iter().find(|role| role.name() == name);
        found.ok_or_else(|| Error::internal(format!("a member has the unknown role {name}")))
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Member {
    pub name: String,
    pub display_name: String,
    pub role: MemberRole,
    pub since: Instant,
    /// The account cannot sign in.
    pub disabled: bool,
}

impl Market {
    /// Members of a publisher by name, for its owners and operators.
    pub async fn members(&self, actor: &Actor, publisher: &PublisherId) -> Result<Vec<Member>> {
        access::permit(actor, Operation::ManageMembers(publisher))?;
        let mut c = self.store.read().await?;
        if people::publisher(&mut c, publisher.as_str()).await?.is_none() {
            return Err(Error::not_found(format!("the publisher {publisher}")));
        }
        store::members(&mut c, publisher.as_str()).await?.into_iter().map(member).collect()
    }

    /// Gives a member another role; an operator makes any account a member by it. Others join by an invitation, so that
    /// nobody finds out which names there are.
    pub async fn put_member(
        &self,
        actor: &Actor,
        publisher: &PublisherId,
        name: &str,
        role: MemberRole,
    ) -> Result<(), Refusal> {
        access::permit(actor, Operation::ManageMembers(publisher))?;
        let mut tx = self.store.write().await?;
        if people::publisher(&mut tx, publisher.as_str()).await?.is_none() {
            return Err(Error::not_found(format!("the publisher {publisher}")).into());
        }
        let all = store::members(&mut tx, publisher.as_str()).await?;
        let account = match all.iter().find(|member| member.name == name) {
            Some(member) => member.account.clone(),
            None if actor.is_operator() => known(&mut tx, name).await?.id,
            None => return Err(Error::not_found(format!("the member {name:.64}")).into()),
        };
        if role != MemberRole::Owner {
            require_another_owner(actor, &all, &account)?;
            let made_by = format!("account:{name}");
            invitations::delete_of(&mut tx, &made_by, publisher.as_str()).await?;
        }
        store::put_member(&mut tx, publisher.as_str(), &account, role.name(), self.now().0).await?;
        let detail = json!({ "account": name, "publisher": publisher, "role": role });
        history::insert(&mut tx, &self.history_row(actor, None, None, "member-changed", detail)).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a membership, with the tokens that the member has for the publisher and the invitations that it made. The last
    /// owner stays, unless an operator asks.
    pub async fn remove_member(
        &self,
        actor: &Actor,
        publisher: &PublisherId,
        name: &str,
    ) -> Result<(), Refusal> {
        access::permit(actor, Operation::ManageMembers(publisher))?;
        let mut tx = self.store.write().await?;
        let all = store::members(&mut tx, publisher.as_str()).await?;
        let Some(found) = all.iter().find(|member| member.name == name) else {
            return Err(Error::not_found(format!("the member {name:.64}")).into());
        };
        require_another_owner(actor, &all, &found.account)?;
        store::delete_member(&mut tx, publisher.as_str(), &found.account).await?;
        let role = ("publisher", publisher.as_str());
        people::revoke_tokens_of(&mut tx, &found.account, role, self.now().0).await?;
        invitations::delete_of(&mut tx, &format!("account:{name}"), publisher.as_str()).await?;
        let detail = json!({ "account": name, "publisher": publisher });
        history::insert(&mut tx, &self.history_row(actor, None, None, "member-removed", detail)).await?;
        Ok(tx.commit().await?)
    }
}

/// Without an owner nobody of the publisher could invite one.
fn require_another_owner(actor: &Actor, all: &[MemberRow], account: &str) -> Result<(), Fault> {
    let is_owner = |member: &&MemberRow| member.role == MemberRole::Owner.name();
    let is_last = all.iter().filter(is_owner).all(|owner| owner.account == account);
    let was_owner = all.iter().filter(is_owner).any(|owner| owner.account == account);
    if was_owner && is_last && !actor.is_operator() {
        return Err(Fault::conflict("", "fault-last-owner"));
    }
    Ok(())
}

fn member(row: MemberRow) -> Result<Member> {
    Ok(Member {
        role: MemberRole::of_row(&row.role)?,
        name: row.name,
        display_name: row.display_name,
        since: Instant(row.since_ms),
        disabled: row.disabled_ms.is_some(),
    })
}
