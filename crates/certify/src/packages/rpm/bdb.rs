//! Berkeley DB's hash files (`Packages`; RHEL and CentOS up to 8, Amazon Linux 2, Fedora up to 32): pages of keys and
//! values in pairs, a value that is longer than a page in a chain of overflow pages (Berkeley DB, `dbinc/db_page.h`).
//! The hash itself is not used: every page is looked at in turn. In the byte order of the machine that wrote it.

use super::Budget;
use crate::packages::Refused;

/// Mark of a hash file, at byte 12.
const MAGIC: u32 = 0x0006_1561;

/// Size of a page's header.
const HEADER_BYTES: usize = 26;

/// Page types that hold pairs: before and since version 4.6.
const HASH_PAGES: [u8; 2] = [2, 13];

/// Page type of a part of a long value.
const OVERFLOW_PAGE: u8 = 7;

/// Item types: the bytes themselves, and a reference to overflow pages.
const KEY_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;

struct Hash<'a> {
    data: &'a [u8],
    page_bytes: usize,
    big: bool,
}

/// Gives every package's header. The key 0 holds the last number given to a package, and no package.
pub(super) fn blobs(data: &[u8], visit: &mut dyn FnMut(&[u8]) -> Result<(), Refused>) -> Result<(), Refused> {
    let hash = Hash::open(data).ok_or("it is neither SQLite, ndb nor a Berkeley DB hash")?;
    let mut budget = Budget(data.len());
    let mut long = Vec::new();
    for page in hash.data.chunks_exact(hash.page_bytes).skip(1) {
        if !HASH_PAGES.contains(&page[25]) {
            continue;
        }
        let count = usize::from(hash.int16(page, 20).unwrap_or(0));
        for pair in 0..count / 2 {
            let (key, value) = hash
                .item(page, 2 * pair)
                .zip(hash.item(page, 2 * pair + 1))
                .ok_or("an item lies outside its page")?;
            if key.first() == Some(&KEY_DATA) && key[1..].iter().all(|byte| *byte == 0) {
                continue;
            }
            match value.first() {
                Some(&KEY_DATA) => {
                    budget.take(value.len())?;
                    visit(&value[1..])?;
                }
                Some(&OFF_PAGE) => {
                    long.clear();
                    hash.overflow(value, &mut long, &mut budget)?;
                    visit(&long)?;
                }
                // Duplicates of a key are in indexes only.
                _ => return Err("a value is of an unknown form".to_owned()),
            }
        }
    }
    Ok(())
}

impl<'a> Hash<'a> {
    fn open(data: &'a [u8]) -> Option<Hash<'a>> {
        let mut hash = Hash { data, page_bytes: 0, big: false };
        if hash.int32(data, 12)? != MAGIC {
            hash.big = true;
            if hash.int32(data, 12)? != MAGIC {
                return None;
            }
        }
        hash.page_bytes = usize::try_from(hash.int32(data, 20)?).ok()?;
        // Sizes that Berkeley DB allows.
        let sound = hash.page_bytes.is_power_of_two() && (512..=65536).contains(&hash.page_bytes);
        sound.then_some(hash)
    }

    /// An item reaches from its offset to the item before it; they are laid down from the page's end.
    fn item(&self, page: &'a [u8], index: usize) -> Option<&'a [u8]> {
        let offset = |index: usize| self.int16(page, HEADER_BYTES + 2 * index).map(usize::from);
        let end = match index {
            0 => page.len(),
            _ => offset(index - 1)?,
        };
        page.get(offset(index)?..end).filter(|item| !item.is_empty())
    }

    /// `value` names the first page and the length.
    fn overflow(&self, value: &[u8], whole: &mut Vec<u8>, budget: &mut Budget) -> Result<(), Refused> {
        let cut = || "a long value is cut short".to_owned();
        let mut next = self.int32(value, 4).ok_or_else(cut)?;
        let length = self.int32(value, 8).and_then(|length| usize::try_from(length).ok()).ok_or_else(cut)?;
        while whole.len() < length {
            let at = usize::try_from(next).ok().and_then(|page| page.checked_mul(self.page_bytes));
            let page = at.and_then(|at| self.data.get(at..)?.get(..self.page_bytes)).ok_or_else(cut)?;
            if next == 0 || page[25] != OVERFLOW_PAGE {
                return Err(cut());
            }
            let used = usize::from(self.int16(page, 22).unwrap_or(0));
            let bytes = page[HEADER_BYTES..].get(..used).ok_or_else(cut)?;
            // A page without bytes would let a cycle of pages go on for ever.
            budget.take(bytes.len().max(1))?;
            whole.extend_from_slice(bytes);
            next = self.int32(page, 16).unwrap_or(0);
        }
        whole.truncate(length);
        Ok(())
    }

    fn int16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let field = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) })
    }

    fn int32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let field = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
    }
}
