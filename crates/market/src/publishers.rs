//! Publishers: who may have offers.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::{history, people};
use offer::identity::PublisherId;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Longest display name of a publisher, subscription owner or token label, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// A publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Publisher {
    pub id: String,
    pub name: String,
    pub created: Instant,
}

impl Market {
    /// Adds a publisher. Operators only; the ID stays taken for ever.
    pub async fn add_publisher(&self, actor: &Actor, id: &PublisherId, name: &str) -> Result<Publisher> {
        access::permit(actor, Operation::Administer)?;
        check_name("publisher's name", name)?;
        let row =
            people::PublisherRow { id: id.to_string(), name: name.to_owned(), created_ms: self.now().0 };
        let mut tx = self.store.write().await?;
        if !people::insert_publisher(&mut tx, &row).await? {
            return Err(Error::conflict(
                format!("the publisher {id} exists already"),
                "choose another ID, or use the publisher as it is",
            ));
        }
        let detail = json!({ "publisher": id, "name": name });
        history::insert(&mut tx, &self.history_row(actor, None, None, "publisher-added", detail)).await?;
        tx.commit().await?;
        Ok(publisher(row))
    }

    /// All publishers by ID. Operators only.
    pub async fn publishers(&self, actor: &Actor) -> Result<Vec<Publisher>> {
        access::permit(actor, Operation::Administer)?;
        let mut c = self.store.read().await?;
        Ok(people::publishers(&mut c).await?.into_iter().map(publisher).collect())
    }
}

fn publisher(row: people::PublisherRow) -> Publisher {
    Publisher { id: row.id, name: row.name, created: Instant(row.created_ms) }
}

/// Names are one line of text.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            format!(
                "the {what} has {chars} characters; 1 to {NAME_CHARS_MAX} without control characters are allowed"
            ),
            "give a short name on one line",
        ));
    }
    Ok(())
}
