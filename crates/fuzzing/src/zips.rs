//! The zip of an offer's directory, which becomes somebody's draft: what is taken out of it is within the offer's limits, lies
//! in the directory, and comes out again when it is packed.

use crate::input::Input;
use offer::reading::{FILE_BYTES_MAX, FILES_MAX, TOTAL_BYTES_MAX};
use offer::zip::{pack, unpack};
use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<u8>>;

/// The bytes are an archive; or names and contents, which are packed; or the same, with some bytes of the archive changed.
pub fn zips(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => unpacked(input.rest()),
        1 => {
            let files = files(input.pieces());
            let packed = pack(&files).expect("names of an input are short");
            assert_eq!(pack(&files).as_ref(), Ok(&packed), "the same files give the same bytes");
            unpacked(&packed);
            if let Ok(found) = unpack(&packed) {
                let is_there = |(name, content): (&String, &Vec<u8>)| {
                    files.iter().any(|(own, bytes)| own.ends_with(name.as_str()) && bytes == content)
                };
                assert!(found.iter().all(is_there), "{files:?} became {found:?}");
            }
        }
        _ => {
            let changes =
                Vec::from_iter((0..input.byte() % 8).map(|_| [input.byte(), input.byte(), input.byte()]));
            let mut packed = pack(&files(input.pieces())).expect("names of an input are short");
            for [high, low, byte] in changes {
                // From the end, where the directory is.
                let at = packed.len() - 1 - usize::from(u16::from_be_bytes([high, low])) % packed.len();
                packed[at] = byte;
            }
            unpacked(&packed);
        }
    }
}

/// Names and contents in turn.
fn files<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Files {
    let pieces: Vec<&[u8]> = pieces.collect();
    let pair = |pair: &[&[u8]]| {
        // As many as a name of a zip may have, at four bytes a character.
        let name = String::from_utf8_lossy(pair[0]).chars().take(16_000).collect();
        (name, pair.get(1).copied().unwrap_or_default().to_vec())
    };
    pieces.chunks(2).take(FILES_MAX + 1).map(pair).collect()
}

/// Takes out what is in an archive.
fn unpacked(archive: &[u8]) {
    let files = match unpack(archive) {
        Ok(files) => files,
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("the zip ") && text.len() < 2_000 && !error.hint().is_empty(), "{text}");
            return;
        }
    };
    assert!(files.len() <= FILES_MAX, "{}", files.len());
    assert!(files.values().all(|content| content.len() <= FILE_BYTES_MAX));
    assert!(files.values().map(Vec::len).sum::<usize>() <= TOTAL_BYTES_MAX);
    for name in files.keys() {
        let is_inside = !name.split('/').any(|part| matches!(part, "" | "." | ".."));
        assert!(is_inside && !name.contains(['\\', ':', '\0', '\n']), "{name:?}");
    }
    let again = pack(&files).expect("it was in a zip");
    assert_eq!(unpack(&again), Ok(files), "what comes out goes in");
}
