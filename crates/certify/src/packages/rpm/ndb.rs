//! RPM's own container, ndb (`Packages.db`; openSUSE, SLE): after a header, pages of slots that point at blobs, counted
//! in blocks of 16 bytes (rpm, `lib/backend/ndb/rpmpkg.c`). Little-endian. Checksums are not verified: the layer's
//! digest is.

use super::Budget;
use crate::packages::Refused;

/// The file's first bytes.
pub(super) const MAGIC: &[u8] = b"RpmP";

/// Size of a block, of a slot and of a blob's header.
const BLOCK_BYTES: usize = 16;

/// Slots of one page. The file's header takes the place of the first two.
const SLOTS_PER_PAGE: usize = 4096 / BLOCK_BYTES;

/// Gives every package's header.
pub(super) fn blobs(data: &[u8], visit: &mut dyn FnMut(&[u8]) -> Result<(), Refused>) -> Result<(), Refused> {
    if int(data, 4) != Some(0) {
        return Err("its ndb version is not 0".to_owned());
    }
    let pages = int(data, 12).and_then(|pages| usize::try_from(pages).ok()).unwrap_or(0);
    let slots = pages.checked_mul(SLOTS_PER_PAGE).and_then(|slots| data.get(..slots * BLOCK_BYTES));
    let slots = slots.filter(|slots| !slots.is_empty()).ok_or("its slot pages are cut short")?;
    let mut budget = Budget(data.len());
    for slot in slots.as_chunks::<BLOCK_BYTES>().0.iter().skip(2) {
        if !slot.starts_with(b"Slot") {
            return Err("a slot lacks its mark".to_owned());
        }
        let (package, block) = (int(slot, 4), int(slot, 8));
        if package == Some(0) {
            continue;
        }
        let blob = block.and_then(|block| {
            let at = usize::try_from(block).ok()?.checked_mul(BLOCK_BYTES)?;
            let header = data.get(at..at.checked_add(BLOCK_BYTES)?)?;
            if !header.starts_with(b"BlbS") || int(header, 4) != package {
                return None;
            }
            data.get(at + BLOCK_BYTES..)?.get(..usize::try_from(int(header, 12)?).ok()?)
        });
        let blob = blob.ok_or("a slot does not lead to its package")?;
        budget.take(blob.len())?;
        visit(blob)?;
    }
    Ok(())
}

fn int(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
