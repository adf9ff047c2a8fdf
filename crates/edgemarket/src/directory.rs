//! An offer's directory, read from disk within the limits of `offer::reading`: regular files only, no link that leads
//! out of the directory, hidden files and directories (`.git`) left out. What is in the files is judged elsewhere.

use crate::files;
use crate::output::{Failure, STATUS_NO};
use offer::reading::{
    DOCUMENT, DOCUMENT_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX, PATH_CHARS_MAX, TOTAL_BYTES_MAX,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Path with `/` → content.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Reads the directory.
pub fn read(directory: &Path) -> Result<Files, Failure> {
    let root = directory.canonicalize().map_err(|cause| {
        Failure::could_not_run(
            format!("the offer's directory {} cannot be read: {cause}", directory.display()),
            "check the path; `edgemarket offer new DIR` makes a new offer",
        )
    })?;
    if !root.is_dir() {
        return Err(Failure::could_not_run(
            format!("{} is not a directory", directory.display()),
            format!("give the directory that holds {DOCUMENT}"),
        ));
    }
    let mut walk = Walk { root: &root, files: Files::new(), bytes: 0 };
    walk.directory(&root, "")?;
    Ok(walk.files)
}

/// The files as one tar, as the API takes them: sorted, without owner and time, so that equal directories give equal
/// bytes.
pub fn to_tar(files: &Files) -> Result<Vec<u8>, Failure> {
    let broken = |cause: std::io::Error| {
        Failure::could_not_run(format!("the offer's files cannot be packed: {cause}"), "shorten their names")
    };
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, bytes.as_slice()).map_err(broken)?;
    }
    archive.into_inner().map_err(broken)
}

/// Writes files below a directory that is made, or empty.
pub fn write(directory: &Path, files: &Files) -> Result<(), Failure> {
    let unwritable = |path: &Path| {
        let path = path.display().to_string();
        move |cause: std::io::Error| {
            Failure::could_not_run(
                format!("{path} cannot be made: {cause}"),
                "check that you may write there and that the disk is not full",
            )
        }
    };
    std::fs::create_dir_all(directory).map_err(unwritable(directory))?;
    if std::fs::read_dir(directory).map_err(unwritable(directory))?.next().is_some() {
        return Err(Failure::could_not_run(
            format!("{} is not empty", directory.display()),
            "name a directory that does not exist yet",
        ));
    }
    for (name, bytes) in files {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(unwritable(parent))?;
        }
        std::fs::write(&path, bytes).map_err(unwritable(&path))?;
    }
    Ok(())
}

struct Walk<'a> {
    root: &'a Path,
    files: Files,
    bytes: usize,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Path, prefix: &str) -> Result<(), Failure> {
        let unreadable = |cause: std::io::Error| {
            Failure::could_not_run(
                format!("{} cannot be read: {cause}", directory.display()),
                "check that you may read the directory and all in it",
            )
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
            if paths.len() > FILES_MAX {
                return Err(too_many(directory));
            }
        }
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(refused(format!("{} has a name that is not UTF-8", path.display()), "rename it"));
            };
            if !name.starts_with('.') {
                self.entry(&path, &format!("{prefix}{name}"))?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &str) -> Result<(), Failure> {
        // The depth is bounded with it, so that neither links in a circle nor deep trees end badly.
        if name.chars().count() > PATH_CHARS_MAX {
            return Err(refused(
                format!("the path {} has more than {PATH_CHARS_MAX} characters", path.display()),
                "use shorter names, or fewer directories in each other",
            ));
        }
        let unreadable = |cause: std::io::Error| {
            Failure::could_not_run(
                format!("{} cannot be read: {cause}", path.display()),
                "check that it exists and that you may read it",
            )
        };
        let target = path.canonicalize().map_err(unreadable)?;
        if !target.starts_with(self.root) {
            return Err(refused(
                format!("{name} is a link to {}, outside of the offer's directory", target.display()),
                "copy the file into the directory instead of linking to it",
            ));
        }
        if target.is_dir() && name == DOCUMENT {
            return Err(Failure::could_not_run(
                format!("{} is a directory, not a file", path.display()),
                "move it away; `edgemarket offer new DIR` makes a new offer",
            ));
        }
        if target.is_dir() {
            return self.directory(path, &format!("{name}/"));
        }
        if self.files.len() >= FILES_MAX {
            return Err(too_many(self.root));
        }
        let limit = if name == DOCUMENT { DOCUMENT_BYTES_MAX } else { FILE_BYTES_MAX };
        let bytes =
            files::read(&target, limit).map_err(|failure| Failure { status: STATUS_NO, ..failure })?;
        self.bytes += bytes.len();
        if self.bytes > TOTAL_BYTES_MAX {
            return Err(refused(
                format!(
                    "the files of {} have more than {TOTAL_BYTES_MAX} bytes together",
                    self.root.display()
                ),
                "an offer's directory holds offer.yaml, its texts and its pictures only; remove the rest",
            ));
        }
        self.files.insert(name.to_owned(), bytes);
        Ok(())
    }
}

fn refused(message: String, hint: &str) -> Failure {
    Failure::new(message, hint)
}

fn too_many(directory: &Path) -> Failure {
    refused(
        format!("{} has more than {FILES_MAX} files", directory.display()),
        "an offer's directory holds offer.yaml, its texts and its pictures only; remove the rest",
    )
}
