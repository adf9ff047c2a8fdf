//! Air gap, the other side: what an export carries becomes live here. A trusted key must have signed the statement, which comes first;
//! then comes each piece of content that is not here yet, in any order and as often as somebody tries; then all of it becomes
//! visible in one transaction.
//!
//! An import that was broken off goes on: what is here is not sent again. Nothing of it can be read before the end, and what a broken off
//! import leaves is under a repository that nobody can read.

mod arrival;
mod checks;
mod trusted;

use checks::{check_base, check_offers};
pub use trusted::{NewTrustedKey, TrustedKey};

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::exports::{self, ImportRow, ImportedOfferRow};
use crate::store::{Connection, Tx, history, registry};
use ::registry::blobs;
use bytes::Bytes;
use certify::trust::export::{Content, Export, ExportedOffer};
use futures_util::Stream;
use oci::digest::Digest;
use oci::trust::{BUNDLE_BYTES_MAX, KeyId, Statement};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Most imports in one answer.
const PAGE_MAX: i64 = 200;

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportView {
    /// The export's id.
    pub id: String,
    /// Host of the marketplace that made it.
    pub source: String,
    /// The key that signed it.
    pub key: String,
    /// When it was made.
    pub exported: Instant,
    /// The earlier export that it builds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// When everything of it became visible; absent while its content is received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Instant>,
    /// Pieces of content that are not here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Content>,
}

/// Where an offer came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Host of the marketplace that it is of.
    pub source: String,
    /// The key that signed the export.
    pub key: String,
    /// The export that brought it.
    pub export: String,
    /// When that was made.
    pub exported: Instant,
    /// When it came here.
    pub imported: Instant,
}

impl Market {
    /// Begins an import, or goes on with one, by its statement (a Sigstore bundle). Operators only. Says what has to be sent.
    ///
    /// # Errors
    /// No trusted key signed it; its base was not imported; it is older than what is here; or an offer of it is of this marketplace.
    pub async fn begin_import(&self, actor: &Actor, bundle: Bytes) -> Result<ImportView> {
        access::permit(actor, Operation::Administer)?;
        let (key, root, export) = self.open_statement(&bundle).await?;
        let row = ImportRow {
            id: export.id.clone(),
            source: export.source.clone(),
            signing_key: key.to_string(),
            base: export.base.clone(),
            root: root.to_string(),
            statement: Digest::of(&bundle).to_string(),
            exported_ms: instant(&export)?.0,
            actor: actor.to_string(),
            created_ms: self.now().0,
            finished_ms: None,
        };
        let mut c = self.store.read().await?;
        let known = exports::import(&mut c, &row.id).await?;
        if let Some(known) = &known {
            if known.root != row.root {
                return Err(Error::conflict(
                    format!("another export with the id {} was imported before", row.id),
                    "import the file as it was exported; ask whoever made it which of the two is theirs",
                ));
            }
            if known.finished_ms.is_some() {
                return Ok(view(known.clone(), Vec::new()));
            }
        }
        check_base(&mut c, &export).await?;
        check_offers(&mut c, &row, &export.offers).await?;
        drop(c);
        let mut missing = Vec::new();
        let mut there = Vec::new();
        for content in &export.content {
            match self.blobs.contains(&content.digest).await? {
                true => there.push(*content),
                false => missing.push(*content),
            }
        }
        self.blobs.put_bytes(bundle.clone()).await?;
        self.record(&row, &export, &there, bundle.len()).await?;
        let row = exports::import(&mut *self.store.read().await?, &row.id).await?;
        let row = row.ok_or_else(|| Error::internal("the import is missing"))?;
        Ok(view(row, missing))
    }

    /// Who signed the statement, about which whole, and what it says.
    async fn open_statement(&self, bundle: &[u8]) -> Result<(KeyId, Digest, Export)> {
        let refused = |fact: String| Error::invalid(format!("the export is refused: {fact}"), TRUST_HINT);
        let keys = self.trusted_keyring().await?;
        let (key, payload) =
            oci::trust::open(bundle, &keys).map_err(|rejection| refused(rejection.to_string()))?;
        let malformed = |cause: String| {
            Error::invalid(
                format!("the export's statement is malformed: {cause}"),
                "export again with a current program",
            )
        };
        let export = Export::parse(&payload).map_err(malformed)?;
        let statement = Statement::<serde::de::IgnoredAny>::parse(&payload).map_err(malformed)?;
        let [subject] = &statement.subject[..] else {
            return Err(malformed(format!("it is about {} things", statement.subject.len())));
        };
        let root =
            subject.digest.iter().find_map(|(name, hex)| format!("{name}:{hex}").parse::<Digest>().ok());
        let root = root.ok_or_else(|| malformed("it names no digest".to_owned()))?;
        match export.content.iter().any(|content| content.digest == root) {
            true => Ok((key, root, export)),
            false => Err(malformed("it does not list what it is about".to_owned())),
        }
    }

    /// Remembers what is to come, and keeps what is here from being collected as garbage.
    async fn record(
        &self,
        row: &ImportRow,
        export: &Export,
        there: &[Content],
        bundle_bytes: usize,
    ) -> Result<()> {
        let mut tx = self.store.write().await?;
        exports::insert_import(&mut tx, row).await?;
        for content in &export.content {
            exports::put_content(&mut tx, &row.id, &content.digest.to_string(), size(content.size)?).await?;
        }
        let repository = waiting(&row.id);
        registry::put_blob(&mut tx, &repository, &row.statement, bundle_bytes as i64).await?;
        for content in there {
            registry::put_blob(&mut tx, &repository, &content.digest.to_string(), size(content.size)?)
                .await?;
        }
        tx.commit().await
    }

    /// Takes one piece of content. Operators only. What is here already is not read.
    ///
    /// # Errors
    /// It does not belong to the import, or is not what its digest says.
    pub async fn receive_content<S, E>(&self, actor: &Actor, id: &str, digest: &str, bytes: S) -> Result<()>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send,
        E: std::fmt::Display,
    {
        access::permit(actor, Operation::Administer)?;
        let unknown = || {
            Error::not_found(format!("the content {digest:.140} of an import {id:.60} that is in progress"))
        };
        let wanted = exports::content_size(&mut *self.store.read().await?, id, digest).await?;
        let wanted = wanted.ok_or_else(unknown)?;
        let name = digest;
        let digest: Digest = name.parse().map_err(Error::internal)?;
        let bytes_wanted = u64::try_from(wanted).map_err(Error::internal)?;
        if !self.blobs.contains(&digest).await? {
            let put = self.blobs.put(Some(digest), bytes_wanted, bytes).await;
            let (_, found) = put.map_err(|error| match error {
                blobs::Error::DigestMismatch { .. } | blobs::Error::TooLarge { .. } => Error::invalid(
                    format!("{digest} came with another content: {error}"),
                    "the file is damaged or was changed on the way; carry it over again",
                ),
                other => other.into(),
            })?;
            if found != bytes_wanted {
                return Err(Error::invalid(
                    format!("{digest} has {found} bytes, but {bytes_wanted} were stated"),
                    "export again; the statement is wrong",
                ));
            }
        }
        self.faults.at("import:received");
        let mut tx = self.store.write().await?;
        // It may have been given up meanwhile: nothing would ever let go of what were recorded now.
        exports::content_size(&mut tx, id, name).await?.ok_or_else(unknown)?;
        registry::put_blob(&mut tx, &waiting(id), name, wanted).await?;
        tx.commit().await
    }

    /// Gives up an import that is not complete: what came of it is garbage. Operators only. It can be begun again.
    ///
    /// # Errors
    /// It is not known, or complete: what is live is withdrawn by the marketplace that it came from.
    pub async fn abort_import(&self, actor: &Actor, id: &str) -> Result<()> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        let row = exports::import(&mut tx, id).await?;
        let row = row.ok_or_else(|| Error::not_found(format!("the import {id:.60}")))?;
        if !exports::forget_import(&mut tx, id).await? {
            return Err(Error::conflict(
                format!("the import {id:.60} is complete, and what it brought is live"),
                "an export of the same marketplace that does not list an offer any more withdraws it here",
            ));
        }
        registry::clear(&mut tx, &waiting(id)).await?;
        let detail = json!({ "export": id, "source": row.source });
        history::insert(&mut tx, &self.history_row(actor, None, None, "import-aborted", detail)).await?;
        tx.commit().await
    }

    /// Makes everything of an import live here, when all of its content came. Operators only. Repeating it changes nothing.
    pub async fn finish_import(&self, actor: &Actor, id: &str) -> Result<ImportView> {
        access::permit(actor, Operation::Administer)?;
        let row = exports::import(&mut *self.store.read().await?, id).await?;
        let row = row.ok_or_else(|| Error::not_found(format!("the import {id:.60}")))?;
        if row.finished_ms.is_some() {
            return Ok(view(row, Vec::new()));
        }
        let statement = row.statement.parse().map_err(Error::internal)?;
        let bundle = self.blobs.read(&statement, BUNDLE_BYTES_MAX).await?;
        let bundle = bundle.ok_or_else(|| Error::internal("the statement of an import is missing"))?;
        // The key may have been taken out of trust since.
        let (_, root, export) = self.open_statement(&bundle).await?;
        let mut missing = 0;
        for content in &export.content {
            if self.blobs.size(&content.digest).await? != Some(content.size) {
                missing += 1;
            }
        }
        if missing > 0 {
            return Err(Error::conflict(
                format!(
                    "{missing} of {} pieces of content of the import {id:.60} are missing",
                    export.content.len()
                ),
                "run the same import again: it goes on where it was",
            ));
        }
        let arrivals = self.read_arrivals(&export, &root).await?;
        let mut tx = self.store.write().await?;
        check_offers(&mut tx, &row, &export.offers).await?;
        for arrival in &arrivals {
            self.take_in(&mut tx, &row, arrival).await?;
        }
        for gone in export.offers.iter().filter(|offer| offer.listing.is_none()) {
            self.take_back(&mut tx, &row, gone).await?;
        }
        let now = self.now();
        // Listings and the like, which no other record names: an export that builds on this one leaves them out.
        registry::keep_alone(&mut tx, &waiting(id)).await?;
        exports::finish_import(&mut tx, id, now.0).await?;
        let detail =
            json!({ "export": id, "source": row.source, "key": row.signing_key, "offers": arrivals.len() });
        history::insert(&mut tx, &self.history_row(actor, None, None, "imported", detail)).await?;
        self.faults.at("import:before-commit");
        tx.commit().await?;
        self.faults.at("import:after-commit");
        self.bell.ring();
        Ok(view(ImportRow { finished_ms: Some(now.0), ..row }, Vec::new()))
    }

    /// An offer of the earlier export is not offered any more: it leaves the catalogue; devices that run it still pull it.
    async fn take_back(&self, tx: &mut Tx, row: &ImportRow, gone: &ExportedOffer) -> Result<()> {
        let Some(known) = exports::imported(tx, &gone.publisher, &gone.offer).await? else { return Ok(()) };
        let known = ImportedOfferRow { import: row.id.clone(), withdrawn_ms: Some(self.now().0), ..known };
        exports::put_imported(tx, &known).await?;
        let offer = Some((gone.publisher.as_str(), gone.offer.as_str()));
        let detail = json!({ "export": row.id, "source": row.source });
        let entry = self.history_row(&"import", offer, Some(&known.submission), "withdrawn", detail);
        history::insert(tx, &entry).await
    }

    /// Imports, newest first. Operators only.
    pub async fn imports(&self, actor: &Actor) -> Result<Vec<ImportView>> {
        access::permit(actor, Operation::Administer)?;
        let rows = exports::imports(&mut *self.store.read().await?, PAGE_MAX).await?;
        Ok(rows.into_iter().map(|row| view(row, Vec::new())).collect())
    }

    /// Where the offer of a live submission came from; `None` for one of this marketplace.
    pub(crate) async fn provenance(
        &self,
        c: &mut Connection,
        (publisher, offer): (&str, &str),
        submission: &str,
    ) -> Result<Option<(Imported, ImportedOfferRow)>> {
        let Some(row) = exports::imported(c, publisher, offer).await? else { return Ok(None) };
        // An update of its own made it an offer of this marketplace.
        if row.submission != submission {
            return Ok(None);
        }
        let import = exports::import(c, &row.import).await?;
        let import = import.ok_or_else(|| Error::internal("the import of an offer is missing"))?;
        let imported = Imported {
            source: import.source,
            key: import.signing_key,
            export: import.id,
            exported: Instant(import.exported_ms),
            imported: Instant(import.finished_ms.unwrap_or(import.created_ms)),
        };
        Ok(Some((imported, row)))
    }
}

/// How somebody's exports come to be taken.
const TRUST_HINT: &str = "take the public key of the marketplace that made it by a way that you trust, and run `edgemarket key trust FILE`; \
     if it is trusted already, the file was changed";

/// The repository under which content waits, and what nothing else names stays; nobody may read it.
fn waiting(import: &str) -> String {
    format!("import/{import}")
}

fn instant(export: &Export) -> Result<Instant> {
    let parsed: jiff::Timestamp = export.instant.parse().map_err(|_| {
        Error::invalid(format!("the export's instant {:.60} is none", export.instant), "export again")
    })?;
    Ok(Instant(parsed.as_millisecond()))
}

fn size(bytes: u64) -> Result<i64> {
    i64::try_from(bytes)
        .map_err(|_| Error::invalid("the export lists a size that nothing has", "export again"))
}

fn view(row: ImportRow, missing: Vec<Content>) -> ImportView {
    ImportView {
        id: row.id,
        source: row.source,
        key: row.signing_key,
        exported: Instant(row.exported_ms),
        since: row.base,
        finished: row.finished_ms.map(Instant),
        missing,
    }
}
