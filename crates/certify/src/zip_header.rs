//! Fields of zip archives' records (APPNOTE 6.3.10), for both readers: of archives inside images, which are in memory, and
//! of files of vulnerability records. It looks at one header, and walks no directory.

/// Size of a central directory header without its variable fields.
pub(crate) const HEADER_BYTES: usize = 46;

/// Size of the record that ends an archive, without its comment.
pub(crate) const END_BYTES: usize = 22;

/// Most bytes of that comment: its length is a number of two bytes.
pub(crate) const COMMENT_BYTES_MAX: usize = 0xffff;

/// Packed size and offset, from the Zip64 extra field where the header's own are full.
pub(crate) fn wide(header: &[u8], mut extra: &[u8]) -> (u64, u64) {
    let (size, packed, offset) = (int32(header, 24), int32(header, 20), int32(header, 42));
    let (mut packed_size, mut local_offset) = (u64::from(packed), u64::from(offset));
    while extra.len() >= 4 {
        let length = usize::from(int16(extra, 2));
        let Some(mut field) = extra.get(4..4 + length) else { break };
        if int16(extra, 0) == 1 {
            let mut take = |full: bool, value: &mut u64| {
                if full && field.len() >= 8 {
                    *value = int64(field, 0);
                    field = &field[8..];
                }
            };
            take(size == u32::MAX, &mut 0);
            take(packed == u32::MAX, &mut packed_size);
            take(offset == u32::MAX, &mut local_offset);
        }
        extra = &extra[4 + length..];
    }
    (packed_size, local_offset)
}

/// A number of two bytes, least first, at a place that the caller knows to be there.
pub(crate) fn int16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The same of four bytes.
pub(crate) fn int32(bytes: &[u8], at: usize) -> u32 {
    u32::from(int16(bytes, at)) | (u32::from(int16(bytes, at + 2)) << 16)
}

/// The same of eight.
pub(crate) fn int64(bytes: &[u8], at: usize) -> u64 {
    u64::from(int32(bytes, at)) | (u64::from(int32(bytes, at + 4)) << 32)
}
