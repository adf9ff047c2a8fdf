//! Invitations: a link that somebody hands over, good once, by which a person makes an account of their own or adds a role
//! to the one that they have. The first operator comes by such a link too, which the program itself prints.

use super::sessions::NewSession;
use super::{Fault, MemberRole, NewAccount, Refusal, Session, insert};
use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::secrets;
use crate::store::accounts::{self as store, AccountRow};
use crate::store::invitations::{self as rows, InvitationRow};
use crate::store::{Connection, history, people};
use offer::identity::PublisherId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Days that an invitation is open.
pub const INVITATION_DAYS: i64 = 7;
/// Hours that the first operator's link is open; the next start prints another one.
pub const FIRST_HOURS: i64 = 24;
/// Most open invitations: a list of them is one page.
pub const INVITATIONS_MAX: usize = 1_000;
/// Longest text that is looked at as a code; real ones have 43 characters.
const CODE_BYTES_MAX: usize = 128;
const DAY_MS: i64 = 24 * 3_600_000;
/// Who made the first operator's link.
pub(crate) const FIRST: &str = "first start";

/// What a person becomes by an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "role", content = "subject")]
pub enum Invited {
    /// Runs the marketplace.
    Operator,
    /// Owner of this publisher.
    Owner(String),
    /// Editor of this publisher.
    Editor(String),
    /// Holder of this subscription.
    Customer(Uuid),
    /// An account without a role, which makes subscriptions of its own.
    Guest,
}

/// An open invitation, without its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Invitation {
    pub id: String,
    #[serde(flatten)]
    pub invited: Invited,
    /// Who invites.
    pub actor: String,
    pub created: Instant,
    pub expires: Instant,
}

/// An invitation just made; its link is never shown again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewInvitation {
    #[serde(flatten)]
    pub invitation: Invitation,
    pub link: String,
}

impl Market {
    /// Invites somebody. Operators invite to every role, owners to their publisher.
    pub async fn invite(&self, actor: &Actor, invited: Invited) -> Result<NewInvitation, Refusal> {
        permit(actor, &invited)?;
        let code = secrets::new_code()?;
        let mut tx = self.store.write().await?;
        rows::delete_expired(&mut tx, self.now().0).await?;
        if rows::all(&mut tx).await?.len() >= INVITATIONS_MAX {
            return Err(Fault::conflict("", "fault-invitations-many").with("max", INVITATIONS_MAX).into());
        }
        require_subject(&mut tx, &invited).await?;
        let (role, subject) = columns(&invited);
        let now = self.now().0;
        let row = InvitationRow {
            id: self.ids.next().to_string(),
            hash: secrets::token_hash(&code),
            role: role.to_owned(),
            subject,
            actor: actor.to_string(),
            created_ms: now,
            expires_ms: now + INVITATION_DAYS * DAY_MS,
        };
        rows::insert(&mut tx, &row).await?;
        let detail = json!({ "invitation": row.id, "role": row.role, "subject": row.subject });
        history::insert(&mut tx, &self.history_row(actor, None, None, "invitation-made", detail)).await?;
        tx.commit().await?;
        let link = format!("{}/invitation?code={code}", self.config.public_url());
        Ok(NewInvitation { invitation: view(row)?, link })
    }

    /// Open invitations: to a publisher, for those who manage its members, or all of them, for operators.
    pub async fn invitations(&self, actor: &Actor, to: Option<&PublisherId>) -> Result<Vec<Invitation>> {
        access::permit(actor, to.map_or(Operation::Administer, Operation::ManageMembers))?;
        let mut c = self.store.read().await?;
        let now = self.now().0;
        let mut open = rows::all(&mut c).await?;
        open.retain(|row| {
            let is_to = |id: &PublisherId| role_of_member(&row.role).is_some() && row.subject == id.as_str();
            row.expires_ms > now && to.is_none_or(is_to)
        });
        open.into_iter().map(view).collect()
    }

    /// Takes an invitation back. For whoever could have made it.
    pub async fn withdraw_invitation(&self, actor: &Actor, id: &str) -> Result<()> {
        if !actor.is_operator() {
            access::permit(actor, Operation::HaveAccount)?;
        }
        let missing = || Error::not_found("an open invitation of this ID");
        let mut tx = self.store.write().await?;
        let row = rows::get(&mut tx, id).await?.ok_or_else(missing)?;
        // Whoever may not know of it learns nothing.
        permit(actor, &invited_of(&row)?).map_err(|_| missing())?;
        rows::delete(&mut tx, id).await?;
        let detail = json!({ "invitation": id });
        history::insert(&mut tx, &self.history_row(actor, None, None, "invitation-withdrawn", detail))
            .await?;
        tx.commit().await
    }

    /// The open invitation of this code.
    pub async fn invitation(&self, code: &str) -> Result<Invitation> {
        let mut c = self.store.read().await?;
        view(self.open_row(&mut c, code).await?)
    }

    /// Makes the account that an invitation is for, and signs it in. The code is good once.
    pub async fn accept_invitation(
        &self,
        code: &str,
        new: NewAccount,
        browser: &str,
    ) -> Result<NewSession, Refusal> {
        let mut c = self.store.read().await?;
        // Before a password is hashed: who has no code costs nothing.
        self.open_row(&mut c, code).await?;
        drop(c);
        let mut row = self.new_account(&NewAccount { operator: false, ..new }).await?;
        let mut tx = self.store.write().await?;
        let invitation = self.open_row(&mut tx, code).await?;
        let invited = invited_of(&invitation)?;
        row.operator = i64::from(invited == Invited::Operator);
        insert(&mut tx, &row).await?;
        self.take_up(&mut tx, &row, &invitation).await?;
        let session = self.begin_session(&mut tx, &row, browser).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Adds what the invitation is for to the account that asks. The code is good once.
    pub async fn accept_invitation_as(&self, session: &Session, code: &str) -> Result<()> {
        let id = super::sessions::own_id(&session.actor)?;
        let mut tx = self.store.write().await?;
        let invitation = self.open_row(&mut tx, code).await?;
        let mut row = store::by_id(&mut tx, id).await?.ok_or_else(|| Error::not_found("this account"))?;
        if invited_of(&invitation)? == Invited::Operator {
            row.operator = 1;
            store::update(&mut tx, &row).await?;
        }
        self.take_up(&mut tx, &row, &invitation).await?;
        tx.commit().await
    }

    /// The link by which the first operator makes its account, and until when: as long as there is neither an account nor a
    /// token of an operator. Links of earlier starts are good no more.
    pub async fn first_sign_in(&self) -> Result<Option<(String, Instant)>> {
        let now = self.now().0;
        let mut tx = self.store.write().await?;
        rows::delete_of(&mut tx, FIRST, "").await?;
        let operators = people::tokens_for(&mut tx, "operator", "").await?;
        if store::count(&mut tx).await? > 0 || operators.iter().any(|token| token.expires_ms > now) {
            tx.commit().await?;
            return Ok(None);
        }
        let code = secrets::new_code()?;
        let (role, subject) = columns(&Invited::Operator);
        let row = InvitationRow {
            id: self.ids.next().to_string(),
            hash: secrets::token_hash(&code),
            role: role.to_owned(),
            subject,
            actor: FIRST.to_owned(),
            created_ms: now,
            expires_ms: now + FIRST_HOURS * 3_600_000,
        };
        rows::insert(&mut tx, &row).await?;
        tx.commit().await?;
        let link = format!("{}/first-sign-in?code={code}", self.config.public_url());
        Ok(Some((link, Instant(row.expires_ms))))
    }

    async fn open_row(&self, c: &mut Connection, code: &str) -> Result<InvitationRow> {
        let found = match code.len() <= CODE_BYTES_MAX {
            true => rows::by_hash(c, &secrets::token_hash(code)).await?,
            false => None,
        };
        let found = found.filter(|row| row.expires_ms > self.now().0);
        // An operator who came otherwise meanwhile ends the first link.
        match found {
            Some(row) if row.actor != FIRST || store::count(c).await? == 0 => Ok(row),
            _ => Err(Error::new(
                Kind::NotFound,
                "this link is not good any more: it was used, withdrawn or replaced, or it expired",
                "ask for another one; the first operator's is printed at each start of the server",
            )),
        }
    }

    /// Gives the role, and ends the invitation.
    async fn take_up(&self, c: &mut Connection, account: &AccountRow, row: &InvitationRow) -> Result<()> {
        let now = self.now().0;
        let has = store::memberships(c, &account.id).await?;
        match role_of_member(&row.role) {
            // An owner who follows an editor's link stays an owner.
            Some(MemberRole::Editor) if has.iter().any(|member| member.publisher == row.subject) => {}
            Some(role) => store::put_member(c, &row.subject, &account.id, role.name(), now).await?,
            None if row.role == "customer" => store::put_holder(c, &row.subject, &account.id).await?,
            None => {}
        }
        rows::delete(c, &row.id).await?;
        let detail = json!({
            "invitation": row.id, "account": account.name, "role": row.role, "subject": row.subject,
            "invitedBy": row.actor,
        });
        let actor = format!("account:{}", account.name);
        history::insert(c, &self.history_row(&actor, None, None, "invitation-used", detail)).await
    }
}

/// Owners invite to their publisher; everything else is for operators.
fn permit(actor: &Actor, invited: &Invited) -> Result<()> {
    let operation = match invited {
        Invited::Owner(id) | Invited::Editor(id) => {
            let publisher: PublisherId =
                id.parse().map_err(|_| Error::not_found(format!("the publisher {id:.60}")))?;
            return Ok(access::permit(actor, Operation::ManageMembers(&publisher))?);
        }
        Invited::Operator | Invited::Customer(_) | Invited::Guest => Operation::Administer,
    };
    Ok(access::permit(actor, operation)?)
}

async fn require_subject(c: &mut Connection, invited: &Invited) -> Result<()> {
    let is_there = match invited {
        Invited::Operator | Invited::Guest => true,
        Invited::Owner(id) | Invited::Editor(id) => people::publisher(c, id).await?.is_some(),
        Invited::Customer(id) => people::subscription(c, &id.to_string()).await?.is_some(),
    };
    if is_there { Ok(()) } else { Err(Error::not_found(format!("what {} names", columns(invited).1))) }
}

fn columns(invited: &Invited) -> (&'static str, String) {
    match invited {
        Invited::Operator => ("operator", String::new()),
        Invited::Owner(id) => (MemberRole::Owner.name(), id.clone()),
        Invited::Editor(id) => (MemberRole::Editor.name(), id.clone()),
        Invited::Customer(id) => ("customer", id.to_string()),
        Invited::Guest => ("guest", String::new()),
    }
}

fn role_of_member(name: &str) -> Option<MemberRole> {
    MemberRole::ALL.into_iter().find(|role| role.name() == name)
}

fn invited_of(row: &InvitationRow) -> Result<Invited> {
    Ok(match (role_of_member(&row.role), row.role.as_str()) {
        (Some(MemberRole::Owner), _) => Invited::Owner(row.subject.clone()),
        (Some(MemberRole::Editor), _) => Invited::Editor(row.subject.clone()),
        (None, "operator") => Invited::Operator,
        (None, "customer") => Invited::Customer(row.subject.parse().map_err(Error::internal)?),
        (None, "guest") => Invited::Guest,
        (None, other) => return Err(Error::internal(format!("an invitation has the unknown role {other}"))),
    })
}

fn view(row: InvitationRow) -> Result<Invitation> {
    Ok(Invitation {
        invited: invited_of(&row)?,
        id: row.id,
        actor: row.actor,
        created: Instant(row.created_ms),
        expires: Instant(row.expires_ms),
    })
}
