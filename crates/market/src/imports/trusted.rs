//! The keys of other marketplaces whose exports are taken here.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::publishers::check_name;
use crate::store::exports::{self, TrustedKeyRow};
use crate::store::history;
use oci::trust::Keyring;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Most trusted keys; each marketplace that one takes from has a few.
const KEYS_MAX: usize = 500;

/// Keys to trust.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTrustedKey {
    /// Whose they are, for people.
    pub label: String,
    /// One or several public keys in PEM.
    pub pem: String,
}

/// A trusted key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct TrustedKey {
    /// SHA-256 of the SubjectPublicKeyInfo in DER, hexadecimal.
    pub id: String,
    pub label: String,
    pub created: Instant,
    pub pem: String,
}

impl Market {
    /// Trusts keys from now on. Operators only. Repeating it changes their label.
    pub async fn trust_keys(&self, actor: &Actor, new: &NewTrustedKey) -> Result<Vec<TrustedKey>> {
        access::permit(actor, Operation::Administer)?;
        check_name("key's label", &new.label)?;
        let keys = Keyring::from_pem(&new.pem).map_err(|error| {
            Error::invalid(
                format!("the keys cannot be used: {error}"),
                "give the file that `edgemarket key export` writes on the other marketplace",
            )
        })?;
        let mut tx = self.store.write().await?;
        let mut added = Vec::new();
        for key in keys.keys() {
            let row = TrustedKeyRow {
                id: key.id().to_string(),
                public_key: key.to_pem().map_err(Error::internal)?,
                label: new.label.clone(),
                created_ms: self.now().0,
            };
            exports::put_trusted_key(&mut tx, &row).await?;
            let detail = json!({ "key": row.id, "label": row.label });
            history::insert(&mut tx, &self.history_row(actor, None, None, "key-trusted", detail)).await?;
            added.push(view(row));
        }
        let known = exports::trusted_keys(&mut tx).await?.len();
        if known > KEYS_MAX {
            return Err(Error::conflict(
                format!("{known} keys would be trusted; at most {KEYS_MAX} are"),
                "remove old ones with `edgemarket key distrust ID`",
            ));
        }
        tx.commit().await?;
        Ok(added)
    }

    /// The trusted keys, by label. Operators only.
    pub async fn trusted_keys(&self, actor: &Actor) -> Result<Vec<TrustedKey>> {
        access::permit(actor, Operation::Administer)?;
        let rows = exports::trusted_keys(&mut *self.store.read().await?).await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// Trusts a key no more. Operators only. What it signed, and is here, stays.
    pub async fn distrust_key(&self, actor: &Actor, id: &str) -> Result<()> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        if !exports::delete_trusted_key(&mut tx, id).await? {
            return Err(Error::not_found(format!("the trusted key {id:.80}")));
        }
        let detail = json!({ "key": id });
        history::insert(&mut tx, &self.history_row(actor, None, None, "key-distrusted", detail)).await?;
        tx.commit().await
    }

    /// All of them.
    pub(super) async fn trusted_keyring(&self) -> Result<Keyring> {
        let rows = exports::trusted_keys(&mut *self.store.read().await?).await?;
        if rows.is_empty() {
            return Err(Error::invalid(
                "the export is refused: no key is trusted here yet",
                super::TRUST_HINT,
            ));
        }
        let pem: String = rows.into_iter().map(|row| row.public_key).collect();
        Keyring::from_pem(&pem).map_err(Error::internal)
    }
}

fn view(row: TrustedKeyRow) -> TrustedKey {
    TrustedKey { id: row.id, label: row.label, created: Instant(row.created_ms), pem: row.public_key }
}
