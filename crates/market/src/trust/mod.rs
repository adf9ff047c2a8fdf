//! What this marketplace signs, and by which keys. One key signs at a time; public halves of earlier ones are kept, so
//! that what they signed stays verifiable. The form of signatures and statements is [`oci::trust`]'s, what statements say
//! `certify::trust`'s; when they are made is the pipeline's business.

mod signer;
pub(crate) mod statements;

pub(crate) use signer::Signer;

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::{history, keys};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// A public key, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicKeyView {
    /// SHA-256 of the SubjectPublicKeyInfo in DER, hexadecimal.
    pub id: String,
    /// The same in base64, as a bundle's `publicKey.hint` has it.
    pub hint: String,
    /// When it was first used here.
    pub created: Instant,
    /// When another took its place; absent for the key that signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Instant>,
    /// SubjectPublicKeyInfo in PEM.
    pub pem: String,
}

impl Market {
    /// The public keys: the one that signs first, then those before it, the latest first.
    pub async fn public_keys(&self, actor: &Actor) -> Result<Vec<PublicKeyView>> {
        access::permit(actor, Operation::Browse)?;
        keys::all(&mut *self.store.read().await?).await?.into_iter().map(view).collect()
    }

    /// Makes a new key, which signs from now on, and forgets the private half of the one before. Operators only.
    pub async fn rotate_key(&self, actor: &Actor) -> Result<PublicKeyView> {
        access::permit(actor, Operation::Administer)?;
        let mut active = self.signer.write().await;
        if let Some(path) = active.given() {
            return Err(Error::conflict(
                format!("the signing key {} is the operator's own", path.display()),
                "replace the file and start again; the public half of the old key is kept by itself",
            ));
        }
        let mut tx = self.store.write().await?;
        // The file first: whatever key it holds is made the active one at the next start.
        let signer = Signer::make(&self.config.data)?;
        self.faults.at("key:made");
        let (id, now) = (signer.id().to_string(), self.now().0);
        keys::activate(&mut tx, &id, &pem(&signer)?, now).await?;
        let detail = json!({ "key": id, "before": active.id().to_string() });
        history::insert(&mut tx, &self.history_row(actor, None, None, "key-rotated", detail)).await?;
        tx.commit().await?;
        *active = Arc::new(signer);
        let all = keys::all(&mut *self.store.read().await?).await?;
        let made = all.into_iter().find(|key| key.id == id);
        view(made.ok_or_else(|| Error::internal("the new key is missing"))?)
    }

    /// Makes the records say what the key file says: it was made just now, replaced by the operator, or a rotation ended
    /// half way.
    pub(crate) async fn take_up_key(&self) -> Result<()> {
        let signer = self.signer.read().await;
        let id = signer.id().to_string();
        let known = keys::all(&mut *self.store.read().await?).await?;
        let active = known.iter().filter(|key| key.retired_ms.is_none());
        if active.map(|key| key.id.as_str()).eq([id.as_str()]) {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        keys::activate(&mut tx, &id, &pem(&signer)?, self.now().0).await?;
        let detail = json!({ "key": id });
        history::insert(&mut tx, &self.history_row(&Actor::Operator, None, None, "key-taken-up", detail))
            .await?;
        tx.commit().await
    }
}

fn pem(signer: &Signer) -> Result<String> {
    signer.public().to_pem().map_err(Error::internal)
}

fn view(row: keys::KeyRow) -> Result<PublicKeyView> {
    Ok(PublicKeyView {
        hint: STANDARD.encode(hex::decode(&row.id).map_err(Error::internal)?),
        id: row.id,
        created: Instant(row.created_ms),
        retired: row.retired_ms.map(Instant),
        pem: row.public_key,
    })
}
