//! Air gap, this side: live offers with their images, what refers to these, and their listings, as one signed archive that is carried
//! to where no network leads. The other side is `imports`; the archive's form is drawn in [`certify::trust::export`].
//!
//! An export is made at once and kept as a row with a few small blobs: its archive is put together from the blob store while it is
//! sent, as often as somebody asks for it. With an earlier export as its base, what that one had is left out of the archive, but not
//! out of the statement.

mod archive;
mod listing;

pub(crate) use listing::{DocumentEntry, LISTING_CONFIG_TYPE, Listing, OFFER_TYPE, PlanEntry, TagEntry};

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::recertification::{check_name, is_of};
use crate::store::exports::{self, ExportRow};
use crate::store::listings::ListingRow;
use crate::store::{Connection, history, listings, registry};
use bytes::Bytes;
use certify::trust::export::{CONTENT_MAX, Content, EXPORT, Export, ExportedOffer, OFFERS_MAX};
use oci::digest::Digest;
use oci::manifest::{Descriptor, Index, MANIFEST_BYTES_MAX, media_type};
use oci::trust::{BUNDLE_BYTES_MAX, BUNDLE_TYPE, Bundle, Envelope, IN_TOTO, Subject, referrer};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most exports in one answer.
const PAGE_MAX: i64 = 200;

/// What to export.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct NewExport {
    /// Publishers and `publisher.offer`; empty for every live offer.
    pub offers: Vec<String>,
    /// The earlier export whose content the other side has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Take deltas between layers along, for devices on metered links over there.
    pub deltas: bool,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct ExportView {
    pub id: String,
    pub created: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Offers that it carries.
    pub offers: u64,
    /// Offers of the earlier one that are not offered any more.
    pub withdrawn: u64,
    /// Pieces of content in the archive.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Market {
    /// Makes an export. Operators only. Plans with a private audience are left out, since another marketplace does not know whom
    /// they are for.
    pub async fn export(&self, actor: &Actor, new: NewExport) -> Result<ExportView> {
        access::permit(actor, Operation::Administer)?;
        let base = match &new.since {
            Some(id) => Some(self.stated(id).await?),
            None => None,
        };
        let chosen = self.chosen(&new.offers, base.as_ref()).await?;
        let mut whole = Whole::default();
        for row in &chosen {
            self.add_listing(row, new.deltas, &mut whole).await?;
        }
        let named = |publisher: &str, offer: &str| is_named(&new.offers, publisher, offer);
        let gone: Vec<&ExportedOffer> = base.iter().flat_map(|base| &base.offers).collect();
        for one in gone {
            let is_live = chosen.iter().any(|row| row.publisher == one.publisher && row.offer == one.offer);
            if !is_live && named(&one.publisher, &one.offer) {
                whole.offers.push(ExportedOffer { listing: None, ..one.clone() });
            }
        }
        self.seal(actor, whole, base).await
    }

    /// Exports, newest first. Operators only.
    pub async fn exports(&self, actor: &Actor) -> Result<Vec<ExportView>> {
        access::permit(actor, Operation::Administer)?;
        let rows = exports::exports(&mut *self.store.read().await?, PAGE_MAX).await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// What an earlier export stated.
    async fn stated(&self, id: &str) -> Result<Export> {
        let row = self.export_row(id).await?;
        self.statement_of(&row).await.map(|(export, _)| export)
    }

    async fn export_row(&self, id: &str) -> Result<ExportRow> {
        let row = exports::export(&mut *self.store.read().await?, id).await?;
        row.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("there is no export {id:.60} of this marketplace"),
                "`edgemarket export --list` shows them",
            )
        })
    }

    /// The live offers that are meant: all of them, or those that are named, each of which must be there.
    async fn chosen(&self, names: &[String], base: Option<&Export>) -> Result<Vec<ListingRow>> {
        let mut rows = listings::list(&mut *self.store.read().await?, self.now().0).await?;
        names.iter().try_for_each(|name| check_name(name))?;
        let known = |name: &str| {
            let of = |publisher: &str, offer: &str| is_of(name, publisher, offer);
            let in_base = base.iter().flat_map(|base| &base.offers);
            rows.iter().any(|row| of(&row.publisher, &row.offer))
                || in_base.clone().any(|one| of(&one.publisher, &one.offer))
        };
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(Error::not_found(format!("a live offer of {name:.120}")));
        }
        rows.retain(|row| is_named(names, &row.publisher, &row.offer));
        rows.sort_by(|a, b| (&a.publisher, &a.offer).cmp(&(&b.publisher, &b.offer)));
        if rows.len() > OFFERS_MAX {
            return Err(too_much(&format!("{} offers", rows.len()), &format!("{OFFERS_MAX} offers")));
        }
        if rows.is_empty() && base.is_none() {
            return Err(Error::conflict(
                "nothing is live, so there is nothing to export",
                "publish an offer first",
            ));
        }
        Ok(rows)
    }

    /// Signs the whole, and records it.
    async fn seal(&self, actor: &Actor, mut whole: Whole, base: Option<Export>) -> Result<ExportView> {
        let (id, now) = (self.ids.next().to_string(), self.now());
        let index = Index {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            artifact_type: Some(EXPORT.to_owned()),
            manifests: std::mem::take(&mut whole.entries),
            subject: None,
            annotations: BTreeMap::from([("vnd.edgemarket.export.id".to_owned(), id.clone())]),
        };
        let bytes = serde_json::to_vec(&index).map_err(Error::internal)?;
        if bytes.len() as u64 > MANIFEST_BYTES_MAX || whole.content.len() >= CONTENT_MAX {
            let found = format!("{} pieces of content", whole.content.len());
            return Err(too_much(
                &found,
                &format!("{CONTENT_MAX}, or {MANIFEST_BYTES_MAX} bytes of their list"),
            ));
        }
        let root = self.keep(&mut whole, media_type::OCI_INDEX, bytes).await?;
        self.complete(&mut whole).await?;
        let there: BTreeSet<Digest> =
            base.iter().flat_map(|base| base.content.iter().map(|content| content.digest)).collect();
        let fresh = whole.content.iter().filter(|(digest, _)| !there.contains(digest));
        let (blobs, size) = fresh.fold((0, 0), |(count, sum), (_, size)| (count + 1, sum + size));
        let withdrawn = whole.offers.iter().filter(|offer| offer.listing.is_none()).count() as u64;
        let stated = Export {
            id: id.clone(),
            instant: now.to_string(),
            source: self.config.registry_host(),
            base: base.map(|base| base.id),
            content: whole
                .content
                .iter()
                .map(|(digest, size)| Content { digest: *digest, size: *size })
                .collect(),
            offers: std::mem::take(&mut whole.offers),
        };
        let statement = self.state(&mut whole, &root, &stated).await?;
        let row = ExportRow {
            id: id.clone(),
            base: stated.base.clone(),
            root: root.digest.to_string(),
            statement: statement.digest.to_string(),
            offers: stated.offers.len() as i64 - withdrawn as i64,
            withdrawn: withdrawn as i64,
            blobs,
            bytes: i64::try_from(size).map_err(Error::internal)?,
            actor: actor.to_string(),
            created_ms: now.0,
        };
        let mut tx = self.store.write().await?;
        // What nobody else names is kept under a repository that nobody can read.
        for (digest, size) in &whole.made {
            registry::put_blob(&mut tx, &format!("export/{id}"), &digest.to_string(), *size as i64).await?;
        }
        exports::insert_export(&mut tx, &row).await?;
        let detail =
            json!({ "export": id, "since": row.base, "offers": row.offers, "withdrawn": row.withdrawn });
        history::insert(&mut tx, &self.history_row(actor, None, None, "exported", detail)).await?;
        tx.commit().await?;
        Ok(view(row))
    }

    /// The signed statement, as a referrer of the whole.
    async fn state(&self, whole: &mut Whole, root: &Descriptor, stated: &Export) -> Result<Descriptor> {
        let signer = Arc::clone(&*self.signer.read().await);
        let predicate = serde_json::to_vec(stated).map_err(Error::internal)?;
        let subject = Subject::new(root.digest, Some(stated.id.clone()));
        let statement = oci::trust::statement(&[subject], EXPORT, &predicate)?;
        let envelope = Envelope::seal(IN_TOTO, &statement, |message| signer.sign(message));
        let bytes = Bundle::new(envelope, signer.id()).to_json()?;
        if bytes.len() as u64 > BUNDLE_BYTES_MAX {
            return Err(too_much(
                &format!("a statement of {} bytes", bytes.len()),
                &format!("{BUNDLE_BYTES_MAX} bytes"),
            ));
        }
        let bundle = Descriptor::of(BUNDLE_TYPE, &bytes);
        let (manifest, config) = referrer(&bundle, EXPORT, root);
        let made = [(Digest::of(&bytes), bytes), (Digest::of(config), config.to_vec())];
        for (digest, bytes) in made {
            whole.made.insert(digest, bytes.len() as u64);
            self.blobs.put_bytes(bytes).await?;
        }
        let bytes = serde_json::to_vec(&manifest).map_err(Error::internal)?;
        let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &bytes);
        whole.made.insert(descriptor.digest, descriptor.size);
        self.blobs.put_bytes(bytes).await?;
        Ok(descriptor)
    }

    /// Stores something that is made for the export.
    async fn keep(&self, whole: &mut Whole, kind: &str, bytes: impl Into<Bytes>) -> Result<Descriptor> {
        let bytes: Bytes = bytes.into();
        let found = Descriptor::of(kind, &bytes);
        self.blobs.put_bytes(bytes).await?;
        whole.made.insert(found.digest, found.size);
        whole.content.insert(found.digest, found.size);
        Ok(found)
    }

    /// Everything must be there, with the size that is stated, before anything is promised.
    async fn complete(&self, whole: &mut Whole) -> Result<()> {
        for (digest, size) in &mut whole.content {
            match self.blobs.size(digest).await? {
                Some(found) => *size = found,
                None => {
                    return Err(Error::internal(format!("the content {digest} is not in the blob store")));
                }
            }
        }
        Ok(())
    }
}

/// What an export is made of.
#[derive(Default)]
pub(crate) struct Whole {
    /// Of its index.
    entries: Vec<Descriptor>,
    /// Digest → bytes.
    content: BTreeMap<Digest, u64>,
    offers: Vec<ExportedOffer>,
    /// What was made for it, as `content`.
    made: BTreeMap<Digest, u64>,
}

/// Whether an offer is one of these (publishers and `publisher.offer`), or they are none.
fn is_named(names: &[String], publisher: &str, offer: &str) -> bool {
    names.is_empty() || names.iter().any(|name| is_of(name, publisher, offer))
}

fn too_much(found: &str, limit: &str) -> Error {
    Error::conflict(
        format!("an export of {found} passes the limit of {limit}"),
        "name offers or publishers, and export them one after another",
    )
}

fn view(row: ExportRow) -> ExportView {
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    ExportView {
        id: row.id,
        created: Instant(row.created_ms),
        since: row.base,
        offers: number(row.offers),
        withdrawn: number(row.withdrawn),
        blobs: number(row.blobs),
        bytes: number(row.bytes),
    }
}

/// The labels of a repository's referrers need the store; kept here so that `listing` has no SQL of its own.
async fn referrers_of(c: &mut Connection, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>> {
    let rows = registry::referrers(c, repository, &subject.to_string()).await?;
    rows.into_iter()
        .map(|row| {
            let size = u64::try_from(row.size).map_err(Error::internal)?;
            let digest = row.digest.parse().map_err(Error::internal)?;
            Ok(Descriptor {
                artifact_type: row.artifact_type,
                ..Descriptor::new(&row.media_type, digest, size)
            })
        })
        .collect()
}
