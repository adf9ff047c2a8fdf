//! What a person looks after by itself: how it is called, its language and theme, its subscriptions, its tokens.

use super::sessions::own_id;
use super::{Account, Fault, Refusal, account, names};
use crate::access::Actor;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::publishers::check_name;
use crate::store::accounts as store;
use crate::store::history;
use crate::store::people::{self, SubscriptionRow};
use crate::subscriptions::Subscription;
use crate::tokens::Token;
use serde_json::json;

/// Most subscriptions of one account; each is an environment or a site of its own.
const SUBSCRIPTIONS_MAX: usize = 50;

/// How a person wants to be called, and its pages to be.
#[derive(Debug, Clone, Default)]
pub struct Profile<'a> {
    /// Stays when absent.
    pub display_name: Option<&'a str>,
    /// `en`, `fr`, or empty: as the browser asks. Stays when absent.
    pub language: Option<&'a str>,
    /// `auto`, `light` or `dark`. Stays when absent.
    pub theme: Option<&'a str>,
}

impl Market {
    /// The account that asks.
    pub async fn own_account(&self, actor: &Actor) -> Result<Account> {
        let id = own_id(actor)?;
        let mut c = self.store.read().await?;
        let row = store::by_id(&mut c, id).await?.ok_or_else(|| Error::not_found("this account"))?;
        account(&mut c, row).await
    }

    /// Changes the profile of the account that asks.
    pub async fn change_profile(&self, actor: &Actor, profile: Profile<'_>) -> Result<(), Refusal> {
        let id = own_id(actor)?;
        let name = profile.display_name.map(names::display_name).transpose()?;
        if profile.language.is_some_and(|language| !["", "en", "fr"].contains(&language)) {
            return Err(Fault::invalid("language", "fault-language").into());
        }
        if profile.theme.is_some_and(|theme| !["auto", "light", "dark"].contains(&theme)) {
            return Err(Fault::invalid("theme", "fault-theme").into());
        }
        let mut tx = self.store.write().await?;
        let mut row = store::by_id(&mut tx, id).await?.ok_or_else(|| Error::not_found("this account"))?;
        row.display_name = name.unwrap_or(row.display_name);
        row.language = profile.language.map_or(row.language, str::to_owned);
        row.theme = profile.theme.map_or(row.theme, str::to_owned);
        store::update(&mut tx, &row).await?;
        Ok(tx.commit().await?)
    }

    /// Makes a subscription that the account holds.
    pub async fn add_own_subscription(&self, actor: &Actor, owner: &str) -> Result<Subscription, Refusal> {
        let (id, owner) = (own_id(actor)?, owner.trim());
        if check_name("subscription's owner", owner).is_err() {
            return Err(Fault::invalid("owner", "fault-subscription-owner").into());
        }
        let mut tx = self.store.write().await?;
        if store::held(&mut tx, id).await?.len() >= SUBSCRIPTIONS_MAX {
            return Err(Fault::conflict("owner", "fault-subscriptions-many")
                .with("max", SUBSCRIPTIONS_MAX)
                .into());
        }
        let (made, created) = (self.ids.next(), self.now());
        let row = SubscriptionRow { id: made.to_string(), owner: owner.to_owned(), created_ms: created.0 };
        if !people::insert_subscription(&mut tx, &row).await? {
            return Err(Error::internal("an ID that was just made is taken").into());
        }
        store::put_holder(&mut tx, &row.id, id).await?;
        let detail = json!({ "subscription": made, "owner": owner });
        history::insert(&mut tx, &self.history_row(actor, None, None, "subscription-added", detail)).await?;
        tx.commit().await?;
        Ok(Subscription { id: made, owner: row.owner, created })
    }

    /// The account's own tokens that were not revoked.
    pub async fn own_tokens(&self, actor: &Actor) -> Result<Vec<Token>> {
        let id = own_id(actor)?;
        let mut c = self.store.read().await?;
        people::tokens_of_account(&mut c, id).await?.into_iter().map(crate::tokens::token).collect()
    }
}
