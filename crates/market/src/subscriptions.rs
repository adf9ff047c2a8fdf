//! Customers' subscriptions. A subscription ID is a GUID that the customer brings, or one that is made here.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::publishers::check_name;
use crate::store::{history, people};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Subscription {
    pub id: Uuid,
    pub owner: String,
    pub created: Instant,
}

impl Market {
    /// Adds a subscription. Operators only.
    pub async fn add_subscription(
        &self,
        actor: &Actor,
        id: Option<Uuid>,
        owner: &str,
    ) -> Result<Subscription> {
        access::permit(actor, Operation::Administer)?;
        check_name("subscription's owner", owner)?;
        let id = id.unwrap_or_else(|| self.ids.next());
        let created = self.now();
        let row =
            people::SubscriptionRow { id: id.to_string(), owner: owner.to_owned(), created_ms: created.0 };
        let mut tx = self.store.write().await?;
        if !people::insert_subscription(&mut tx, &row).await? {
            return Err(Error::conflict(
                format!("the subscription {id} exists already"),
                "use the subscription as it is, or leave the ID out to have one made",
            ));
        }
        let detail = json!({ "subscription": id, "owner": owner });
        history::insert(&mut tx, &self.history_row(actor, None, None, "subscription-added", detail)).await?;
        tx.commit().await?;
        Ok(Subscription { id, owner: row.owner, created })
    }

    /// The subscriptions that the actor may acquire for.
    pub async fn own_subscriptions(&self, actor: &Actor) -> Result<Vec<Subscription>> {
        let mut c = self.store.read().await?;
        let mut found = Vec::new();
        for id in actor.subscriptions() {
            if let Some(row) = people::subscription(&mut c, &id.to_string()).await? {
                found.push(view(row)?);
            }
        }
        Ok(found)
    }

    /// All subscriptions in the order of their making. Operators only.
    pub async fn subscriptions(&self, actor: &Actor) -> Result<Vec<Subscription>> {
        access::permit(actor, Operation::Administer)?;
        let mut c = self.store.read().await?;
        people::subscriptions(&mut c).await?.into_iter().map(view).collect()
    }
}

pub(crate) fn view(row: people::SubscriptionRow) -> Result<Subscription> {
    let id = row.id.parse().map_err(Error::internal)?;
    Ok(Subscription { id, owner: row.owner, created: Instant(row.created_ms) })
}
