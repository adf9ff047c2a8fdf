//! RPM's package database in its three forms: SQLite (`rpmdb.sqlite`), ndb (`Packages.db`) and Berkeley DB (`Packages`).
//! Each is a file of headers, one per package; the containers differ, the headers do not. Readers of our own: they
//! work on bytes that are in memory, and need no C. Indexes beside the packages' table are not looked at.

mod bdb;
mod header;
mod ndb;
mod sqlite;

use super::{PACKAGES_MAX, Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use header::{Header, tag};

/// Directories in which the database lies: the old place and, since RPM 4.16, the new one.
const DIRECTORIES: &[&str] = &["var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"];

/// Whether this is the path of a database.
pub fn is_database(path: &str) -> bool {
    in_directory(path).is_some_and(|name| matches!(name, "rpmdb.sqlite" | "Packages.db" | "Packages"))
}

/// Whether this is SQLite's write-ahead log. RPM empties it when it closes the database; one that still holds pages
/// means that the database is not the whole truth.
pub fn is_log(path: &str) -> bool {
    in_directory(path) == Some("rpmdb.sqlite-wal")
}

fn in_directory(path: &str) -> Option<&str> {
    DIRECTORIES.iter().find_map(|directory| path.strip_prefix(directory))
}

/// Reads all packages. Public keys, which RPM keeps as packages called `gpg-pubkey`, are none.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let mut packages = Vec::new();
    headers(data, &mut |header| {
        if packages.len() == PACKAGES_MAX {
            return Err(format!("more than {PACKAGES_MAX} packages"));
        }
        packages.extend(of_header(place, header));
        Ok(())
    })?;
    Ok(packages)
}

/// Tells every path that an installed package owns, without a leading `/`.
pub fn files(data: &[u8], tell: &mut dyn FnMut(&str)) -> Result<(), Refused> {
    headers(data, &mut |header| {
        header.files(tell);
        Ok(())
    })
}

/// What looks at one header; an error ends the walk.
type Visit<'v> = &'v mut dyn FnMut(&Header<'_>) -> Result<(), Refused>;

fn headers(data: &[u8], visit: Visit<'_>) -> Result<(), Refused> {
    let mut damaged = None;
    let blobs: &mut dyn FnMut(&[u8]) -> Result<(), Refused> = &mut |blob| match Header::read(blob) {
        Some(header) => visit(&header),
        // The others can still be read; the fault is told at the end.
        None => {
            damaged = Some(format!("a package header of {} bytes is damaged", blob.len()));
            Ok(())
        }
    };
    match data {
        _ if data.starts_with(sqlite::MAGIC) => sqlite::blobs(data, "Packages", blobs)?,
        _ if data.starts_with(ndb::MAGIC) => ndb::blobs(data, blobs)?,
        _ => bdb::blobs(data, blobs)?,
    }
    damaged.map_or(Ok(()), Err)
}

fn of_header(place: &Place, header: &Header<'_>) -> Option<Package> {
    let name = header.text(tag::NAME).filter(|name| sane(name) && name != "gpg-pubkey")?;
    let (version, release) = (header.text(tag::VERSION)?, header.text(tag::RELEASE)?);
    let epoch = header.number(tag::EPOCH).filter(|epoch| *epoch != 0);
    let with_epoch = |version: &str| match epoch {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version.to_owned(),
    };
    let version = format!("{version}-{release}");
    if !sane(&version) {
        return None;
    }
    let mut found = package(PackageKind::Rpm, place, &name, &with_epoch(&version));
    found.architecture = header.text(tag::ARCH).filter(|architecture| sane(architecture));
    found.licence = header.text(tag::LICENSE).filter(|licence| sane(licence));
    found.source = header
        .text(tag::SOURCERPM)
        .and_then(|file| source(&file))
        // The file name states no epoch; a source package has the one of what was built from it.
        .map(|(name, version)| (name, with_epoch(&version)))
        .filter(|(source, version)| *source != found.name || *version != found.version);
    Some(found)
}

/// `openssl-3.0.7-24.el9.src.rpm` is openssl in version 3.0.7-24.el9.
fn source(file: &str) -> Option<(String, String)> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let release = stem.rfind('-')?;
    let version = stem[..release].rfind('-')?;
    let (name, version) = (&stem[..version], &stem[version + 1..]);
    (sane(name) && sane(version)).then(|| (name.to_owned(), version.to_owned()))
}

/// How many bytes of payload a container may give out: each byte of the file belongs to one payload at most, so more
/// than the file's size means that pages are used twice, and a reader without this limit would be kept busy for hours.
struct Budget(usize);

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<(), Refused> {
        self.0 = self.0.checked_sub(bytes).ok_or("its pages are used more than once")?;
        Ok(())
    }
}
