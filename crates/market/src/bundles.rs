//! Drafts and snapshots of offers as files: each an archive with its members in order and without instants, kept under
//! its digest in `bundles/`, written beside its place and moved there whole. A bundle never changes; one that nothing names
//! any more goes with a garbage collection.

use crate::error::{Error, Kind, Result};
use oci::digest::Digest;
use offer::reading::{FILE_BYTES_MAX, FILES_MAX, PATH_CHARS_MAX, TOTAL_BYTES_MAX};
use std::collections::{BTreeMap, HashSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// An offer's files by path, with `/` as separator.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The directory of bundles.
#[derive(Debug, Clone)]
pub struct Bundles {
    path: PathBuf,
    /// Whoever stores a bundle that is there already, and whoever removes it, take turns.
    turn: Arc<Mutex<()>>,
}

impl Bundles {
    /// Opens or makes `DATA/bundles`.
    pub fn open(data: &Path) -> Result<Bundles> {
        let path = data.join("bundles");
        std::fs::create_dir_all(&path).map_err(Error::io(format!("making {}", path.display())))?;
        Ok(Bundles { path, turn: Arc::default() })
    }

    /// Stores files and returns the digest that they are known by from now on.
    pub fn put(&self, files: &Files) -> Result<Digest> {
        check(files)?;
        let bytes = archive(files)?;
        let digest = Digest::of(&bytes);
        let path = self.path(&digest);
        {
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            // It counts as new from now on, so that no collection takes it before a row names it.
            let there = std::fs::File::options().append(true).open(&path);
            if there.and_then(|file| file.set_modified(SystemTime::now())).is_ok() {
                return Ok(digest);
            }
        }
        let what = || format!("storing the offer's files in {}", path.display());
        let (temporary, mut file) = tempfile_in(&self.path).map_err(Error::io(what()))?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        let stored = written.and_then(|()| std::fs::rename(&temporary, &path));
        if stored.is_err() {
            // On a full disk what was written of it would stay in the way of everybody.
            let _ = std::fs::remove_file(&temporary);
        }
        stored.map_err(Error::io(what()))?;
        std::fs::File::open(&self.path).and_then(|d| d.sync_all()).map_err(Error::io(what()))?;
        Ok(digest)
    }

    /// The files of a bundle.
    pub fn get(&self, digest: &str) -> Result<Files> {
        let digest: Digest = digest.parse().map_err(Error::internal)?;
        let path = self.path(&digest);
        let what = || format!("reading the offer's files from {}", path.display());
        let bytes = std::fs::read(&path).map_err(Error::io(what()))?;
        if Digest::of(&bytes) != digest {
            return Err(Error::internal(format!("{} is damaged: its digest is another one", path.display())));
        }
        let mut files = Files::new();
        for entry in tar::Archive::new(&bytes[..]).entries().map_err(Error::io(what()))? {
            let mut entry = entry.map_err(Error::io(what()))?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(Error::io(what()))?;
            files.insert(name, content);
        }
        Ok(files)
    }

    /// Removes the bundles that are not `named` and were stored before this instant; returns how many bytes that freed.
    pub(crate) fn sweep(&self, named: &HashSet<String>, before: SystemTime) -> Result<u64> {
        let what = || format!("looking through {}", self.path.display());
        let mut freed = 0;
        for entry in std::fs::read_dir(&self.path).map_err(Error::io(what()))? {
            let entry = entry.map_err(Error::io(what()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_named =
                name.strip_suffix(".tar").is_some_and(|hex| named.contains(&format!("sha256:{hex}")));
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let Ok(found) = entry.metadata() else { continue };
            if !is_named && found.modified().is_ok_and(|modified| modified < before) {
                std::fs::remove_file(entry.path()).map_err(Error::io(what()))?;
                freed += found.len();
            }
        }
        Ok(freed)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.path.join(format!("{}.tar", digest.hex()))
    }
}

fn check(files: &Files) -> Result<()> {
    let refuse = |message: String| {
        Err(Error::new(Kind::Invalid, message, "keep only the offer's own files in its directory"))
    };
    if files.len() > FILES_MAX {
        return refuse(format!("the offer has {} files, at most {FILES_MAX} are taken", files.len()));
    }
    if let Some((name, content)) = files.iter().find(|(_, content)| content.len() > FILE_BYTES_MAX) {
        let bytes = content.len();
        return refuse(format!("the file {name:.100} has {bytes} bytes, at most {FILE_BYTES_MAX} are taken"));
    }
    let bytes: usize = files.values().map(Vec::len).sum();
    if bytes > TOTAL_BYTES_MAX {
        return refuse(format!(
            "the offer's files have {bytes} bytes together, at most {TOTAL_BYTES_MAX} are taken"
        ));
    }
    let bad = |name: &&String| {
        name.chars().count() > PATH_CHARS_MAX
            || name.chars().any(char::is_control)
            || name.split('/').any(|part| matches!(part, "" | "." | ".."))
    };
    match files.keys().find(bad) {
        Some(name) => refuse(format!(
            "the file name {:?} is not a relative path of at most {PATH_CHARS_MAX} characters",
            name.chars().take(100).collect::<String>()
        )),
        None => Ok(()),
    }
}

/// The tar of an offer's directory; the same files give the same bytes.
pub(crate) fn archive(files: &Files) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        builder
            .append_data(&mut header, name, &content[..])
            .map_err(Error::io(format!("packing the offer's file {name}")))?;
    }
    builder.into_inner().map_err(Error::io("packing the offer's files"))
}

/// The files of an offer's directory out of a tar, within the offer's limits.
pub(crate) fn untar(bytes: &[u8]) -> Result<Files> {
    let hint = "send the tar of the offer's directory; the command line does it by itself";
    let broken = |cause: std::io::Error| Error::invalid(format!("the body is no tar: {cause}"), hint);
    let mut files = Files::new();
    for entry in tar::Archive::new(bytes).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| Error::invalid("the tar has a file name that is not UTF-8", "rename the file"))?;
        let name = name.trim_start_matches("./").to_owned();
        if !entry.header().entry_type().is_file()
            || name.split('/').any(|part| matches!(part, "" | "." | ".."))
            || name.contains(|c: char| c == '\\' || c.is_control())
        {
            return Err(Error::invalid(
                format!("the tar has the entry {name:?}, which is no plain file of the directory"),
                hint,
            ));
        }
        let size = entry.size();
        if size > FILE_BYTES_MAX as u64 || files.len() >= FILES_MAX {
            return Err(Error::invalid(
                format!(
                    "{name:.100} has {size} bytes as file {}; at most {FILES_MAX} files of {FILE_BYTES_MAX} bytes are taken",
                    files.len() + 1
                ),
                "keep only the offer's own files in its directory",
            ));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(broken)?;
        if files.insert(name.clone(), content).is_some() {
            return Err(Error::invalid(format!("the tar has {name:.100} twice"), hint));
        }
    }
    Ok(files)
}

/// A new file of this process beside the bundles. Its name is random, so that two writers never share one.
fn tempfile_in(directory: &Path) -> std::io::Result<(PathBuf, std::fs::File)> {
    let path = directory.join(format!("{}.new", uuid::Uuid::new_v4()));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_names_and_is_old_goes() {
        let place = tempfile::tempdir().expect("a directory");
        let bundles = Bundles::open(place.path()).expect("opened");
        let put = |text: &str| {
            bundles.put(&Files::from([("a".to_owned(), text.into())])).expect("stored").to_string()
        };
        let (named, typed_over, again) = (put("named"), put("typed over"), put("again"));
        let now = SystemTime::now();
        let later = now + std::time::Duration::from_secs(60);
        let names = HashSet::from([named.clone()]);
        assert_eq!(bundles.sweep(&names, now - std::time::Duration::from_secs(60)).expect("swept"), 0);
        let path = |digest: &str| bundles.path(&digest.parse().expect("a digest"));
        for digest in [&named, &typed_over, &again] {
            let file = std::fs::File::options().append(true).open(path(digest)).expect("there");
            file.set_modified(now - std::time::Duration::from_secs(600)).expect("aged");
        }
        put("again");
        let freed = bundles.sweep(&names, now - std::time::Duration::from_secs(300)).expect("swept");
        assert!(freed > 0);
        assert_eq!([&named, &typed_over, &again].map(|digest| path(digest).exists()), [true, false, true]);
        bundles.sweep(&names, later).expect("swept");
        assert_eq!([&named, &again].map(|digest| path(digest).exists()), [true, false]);
        assert!(bundles.get(&named).is_ok());
    }
}
