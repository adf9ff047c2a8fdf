//! Whether this marketplace may take an export.

use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::store::exports::{self, ImportRow, ImportedOfferRow};
use crate::store::{Connection, offers, submissions};
use certify::trust::export::{Export, ExportedOffer};

/// Its earlier part must be here.
pub(super) async fn check_base(c: &mut Connection, export: &Export) -> Result<()> {
    let Some(base) = &export.base else { return Ok(()) };
    let known = exports::import(c, base).await?;
    if known.is_some_and(|known| known.finished_ms.is_some()) {
        return Ok(());
    }
    Err(Error::conflict(
        format!("the export {} builds on the export {base:.60}, which was not imported here", export.id),
        "import that one first, or ask for an export without --since",
    ))
}

/// Each offer must be one that this marketplace may take: unknown here, or from the same source, and no older than what is here.
pub(super) async fn check_offers(
    c: &mut Connection,
    row: &ImportRow,
    listed: &[ExportedOffer],
) -> Result<()> {
    for one in listed {
        let name = format!("{}.{}", one.publisher, one.offer);
        let Some(local) = offers::get(c, &one.publisher, &one.offer).await? else { continue };
        let known = exports::imported(c, &one.publisher, &one.offer).await?;
        let newest = submissions::of_offer(c, &one.publisher, &one.offer).await?.into_iter().next();
        let is_ours = |known: &ImportedOfferRow| {
            local.live.as_deref() == Some(&known.submission)
                && newest
                    .as_ref()
                    .is_some_and(|newest| newest.id == known.submission && newest.bundle == local.bundle)
        };
        let Some(known) = known.filter(is_ours) else {
            return Err(Error::conflict(
                format!(
                    "the offer {name} is one of this marketplace, so it cannot be taken from {}",
                    row.source
                ),
                "export the others by name; who publishes it here and there has to choose one place",
            ));
        };
        let before = exports::import(c, &known.import).await?;
        let before = before.ok_or_else(|| Error::internal("the import of an offer is missing"))?;
        if before.source != row.source {
            return Err(Error::conflict(
                format!(
                    "the offer {name} came from {}, so it cannot be taken from {}",
                    before.source, row.source
                ),
                "import the exports of one marketplace only",
            ));
        }
        if before.exported_ms > row.exported_ms {
            return Err(Error::conflict(
                format!(
                    "the export {} is of {}, and {name} is here from a newer one of {}",
                    row.id,
                    Instant(row.exported_ms),
                    Instant(before.exported_ms)
                ),
                "import the newest export; versions never go back",
            ));
        }
    }
    Ok(())
}
