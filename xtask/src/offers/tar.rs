//! A tar as the marketplace packs an offer's directory: names in order, no instants, no owners. Names are short, so that a
//! plain header is enough.

const BLOCK: usize = 512;

/// The archive of these files.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        bytes.extend(header(name, content.len()));
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

fn header(name: &str, size: usize) -> [u8; BLOCK] {
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar  \0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole() {
        let bytes = archive(&[("a", b"content"), ("b/c", &[1; 600])]);
        assert_eq!(bytes.len(), BLOCK * (1 + 1 + 1 + 2 + 2));
        assert_eq!(&bytes[BLOCK..BLOCK + 7], b"content");
        assert_eq!(&bytes[124..135], b"00000000007");
    }
}
