//! Reads one table of an SQLite database that lies in memory: its B-tree from the root page, payloads with their
//! overflow pages (SQLite, *Database File Format*). No SQL, no indexes, no write-ahead log, no writing.

use super::Budget;
use crate::packages::Refused;

/// The file's first bytes.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// Page types of table B-trees.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// Gives the blob in the second column of every row of a table.
pub(super) fn blobs(
    data: &[u8],
    table: &str,
    visit: &mut dyn FnMut(&[u8]) -> Result<(), Refused>,
) -> Result<(), Refused> {
    let mut file = File::open(data).ok_or("its SQLite header is damaged")?;
    let mut root = None;
    // The schema is a table of its own: type, name, table, root page, SQL.
    file.rows(1, &mut |row| {
        let is_table = column(row, 0) == Some(b"table") && column(row, 1) == Some(table.as_bytes());
        if is_table {
            root = column(row, 3).and_then(number);
        }
        Ok(())
    })?;
    let root = root.ok_or_else(|| format!("it has no table {table}"))?;
    file.rows(root, &mut |row| visit(column(row, 1).ok_or("a row is damaged")?))
}

struct File<'a> {
    data: &'a [u8],
    page_bytes: usize,
    /// Bytes of a page that hold data.
    usable: usize,
    budget: Budget,
}

impl<'a> File<'a> {
    fn open(data: &'a [u8]) -> Option<File<'a>> {
        let page_bytes = match int16(data, 16)? {
            1 => 65536,
            size if size.is_power_of_two() && size >= 512 => usize::from(size),
            _ => return None,
        };
        let usable = page_bytes - usize::from(*data.get(20)?);
        // The format's own minimum.
        (usable >= 480).then_some(File { data, page_bytes, usable, budget: Budget(data.len()) })
    }

    /// Page numbers count from 1.
    fn page(&self, number: u32) -> Result<&'a [u8], Refused> {
        let start = usize::try_from(number).ok().and_then(|n| n.checked_sub(1)?.checked_mul(self.page_bytes));
        let page = start.and_then(|start| self.data.get(start..)?.get(..self.page_bytes));
        page.ok_or_else(|| format!("page {number} is missing"))
    }

    /// Every row of the table with this root page.
    fn rows(
        &mut self,
        root: u32,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut waiting = vec![root];
        let mut pages_left = self.data.len() / self.page_bytes;
        let mut long = Vec::new();
        while let Some(number) = waiting.pop() {
            pages_left = pages_left.checked_sub(1).ok_or("its pages are used more than once")?;
            let page = self.page(number)?;
            let damaged = || format!("page {number} is damaged");
            // The first page begins with the file's header.
            let header = if number == 1 { 100 } else { 0 };
            let count = usize::from(int16(page, header + 3).ok_or_else(damaged)?);
            let (kind, first) = match page[header] {
                INTERIOR => (INTERIOR, header + 12),
                LEAF => (LEAF, header + 8),
                _ => return Err(damaged()),
            };
            // More cells than fit would be the same cell again and again.
            if first + 2 * count > self.page_bytes {
                return Err(damaged());
            }
            if kind == INTERIOR {
                waiting.push(int32(page, header + 8).ok_or_else(damaged)?);
            }
            for cell in 0..count {
                let at = usize::from(int16(page, first + 2 * cell).ok_or_else(damaged)?);
                if kind == INTERIOR {
                    waiting.push(int32(page, at).ok_or_else(damaged)?);
                    if waiting.len() > pages_left {
                        return Err("its pages are used more than once".to_owned());
                    }
                } else {
                    visit(self.payload(page, at, &mut long)?)?;
                }
            }
        }
        Ok(())
    }

    /// The payload of a leaf's cell: on the page, or begun there and continued in a chain of pages.
    fn payload<'b>(&mut self, page: &'b [u8], at: usize, long: &'b mut Vec<u8>) -> Result<&'b [u8], Refused> {
        let cut = || "a row is cut short".to_owned();
        let mut cell = page.get(at..).ok_or_else(cut)?;
        let length = varint(&mut cell).and_then(|length| usize::try_from(length).ok()).ok_or_else(cut)?;
        varint(&mut cell).ok_or_else(cut)?;
        self.budget.take(length)?;
        let here = self.local(length);
        if here == length {
            return cell.get(..length).ok_or_else(cut);
        }
        long.clear();
        long.extend_from_slice(cell.get(..here).ok_or_else(cut)?);
        let mut next = int32(cell, here).ok_or_else(cut)?;
        while long.len() < length {
            let page = self.page(next).map_err(|_| cut())?;
            let bytes = (length - long.len()).min(self.usable - 4);
            long.extend_from_slice(&page[4..4 + bytes]);
            next = int32(page, 0).ok_or_else(cut)?;
        }
        Ok(long)
    }

    /// How many bytes of a payload stand in the cell itself (*B-tree Cell Format*).
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.usable - 4);
        if fitting <= most { fitting } else { least }
    }
}

/// The bytes of a column of a row (*Record Format*); `None` also for NULL and the constants 0 and 1.
fn column(row: &[u8], index: usize) -> Option<&[u8]> {
    let mut types = row;
    let header = usize::try_from(varint(&mut types)?).ok()?;
    let mut types = row.get(row.len() - types.len()..header)?;
    let mut values = row.get(header..)?;
    for current in 0..=index {
        let bytes = match varint(&mut types)? {
            0 | 8 | 9 => 0,
            code @ 1..=4 => usize::try_from(code).ok()?,
            5 => 6,
            6 | 7 => 8,
            code @ 12.. => usize::try_from((code - 12) / 2).ok()?,
            _ => return None,
        };
        let (value, rest) = values.split_at_checked(bytes)?;
        if current == index {
            return Some(value).filter(|value| !value.is_empty());
        }
        values = rest;
    }
    None
}

/// A stored integer as a page number.
fn number(bytes: &[u8]) -> Option<u32> {
    u32::try_from(bytes.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte))).ok()
}

/// A number of one to nine bytes, seven bits in each, all eight in the ninth.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for index in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if index == 8 {
            return Some((value << 8) | u64::from(byte));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn int16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn int32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
