//! A directory that becomes a root file system: every path is looked up by the kernel within it (`openat2` with
//! `RESOLVE_IN_ROOT`), so that no link and no `..` of an image leads out of it, whoever made them. It makes files,
//! directories and links, no devices.

use super::host::Ids;
use crate::tarwalk::Entry;
use rustix::fs::{self, AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Deepest directory. Real images stay below 30; the kernel's own limit on a path would allow 2,048, and removing such
/// a tree takes an open file for each.
const DEPTH_MAX: usize = 128;

/// How often a look-up is tried again that lost against a rename or mount elsewhere on the host (openat2(2), EAGAIN).
const TRIES: u32 = 100;

/// Flags of a directory that is only looked up.
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory.
pub(super) struct Root {
    directory: OwnedFd,
    ids: Ids,
    /// The directory of the last entry: archives are in order.
    last: Option<(Vec<u8>, OwnedFd)>,
}

impl Root {
    /// An existing, empty directory.
    pub(super) fn open(path: &Path, ids: Ids) -> io::Result<Root> {
        let directory = fs::open(path, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        let root = Root { directory, ids, last: None };
        let real = root.resolve(b".", OFlags::DIRECTORY)?;
        fs::fchmod(&real, Mode::from_raw_mode(0o755))?;
        root.own_fd(real.as_fd(), 0, 0)?;
        Ok(root)
    }

    /// Reads a file, links followed within the root; at most `bytes_max`.
    pub(super) fn read(&self, path: &str, bytes_max: u64) -> io::Result<String> {
        let file = File::from(self.resolve(path.as_bytes(), OFlags::RDONLY | OFlags::NONBLOCK)?);
        let mut bytes = Vec::new();
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Makes a directory and what is missing above it.
    pub(super) fn directories(&self, path: &[u8]) -> io::Result<OwnedFd> {
        if path.is_empty() {
            return self.resolve(b".", DIRECTORY);
        }
        match self.resolve(path, DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let (above, name) = split(path);
        let above = self.directories(above)?;
        check_depth(&above)?;
        match fs::mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => self.own(above.as_fd(), name, 0, 0)?,
            // A link that leads nowhere.
            Err(Errno::EXIST) => {
                return Err(io::Error::other("a link without a target stands in for a directory"));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(fs::openat(&above, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?)
    }

    /// The directory that an entry lies in, made when it is missing.
    fn above<'a, 'p>(&'a mut self, path: &'p [u8]) -> io::Result<(BorrowedFd<'a>, &'p [u8])> {
        let (above, name) = split(path);
        let known = self.last.as_ref().is_some_and(|(last, _)| last == above);
        if !known {
            self.last = Some((above.to_vec(), self.directories(above)?));
        }
        match &self.last {
            Some((_, fd)) => Ok((fd.as_fd(), name)),
            None => Err(io::Error::other("a directory was not opened")),
        }
    }

    /// A directory; one that is there keeps its content.
    pub(super) fn directory(&mut self, path: &[u8], entry: &Entry) -> io::Result<()> {
        let mode = self.mode(entry, 0o700);
        let ids = (entry.uid, entry.gid);
        self.remove_unless_directory(path)?;
        let fd = {
            let (above, name) = self.above(path)?;
            check_depth(&above)?;
            match fs::mkdirat(above, name, Mode::from_raw_mode(0o700)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            fs::openat(
                above,
                name,
                OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY,
                Mode::empty(),
            )?
        };
        self.own_fd(fd.as_fd(), ids.0, ids.1)?;
        Ok(fs::fchmod(&fd, mode)?)
    }

    /// A file; what was there goes. The content is written by the caller, then [`Root::close`] is called.
    pub(super) fn file(&mut self, path: &[u8]) -> io::Result<File> {
        self.remove(path)?;
        let (above, name) = self.above(path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(above, name, flags, Mode::from_raw_mode(0o600))?))
    }

    /// Gives a written file its owner and mode.
    pub(super) fn close(&self, file: &File, entry: &Entry) -> io::Result<()> {
        self.own_fd(file.as_fd(), entry.uid, entry.gid)?;
        // After the owner: changing that takes setuid away.
        Ok(fs::fchmod(file, self.mode(entry, 0o400))?)
    }

    /// A symbolic link, whatever it says: nothing on the host follows it.
    pub(super) fn symlink(&mut self, path: &[u8], entry: &Entry) -> io::Result<()> {
        self.remove(path)?;
        let (above, name) = self.above(path)?;
        let above = above.try_clone_to_owned()?;
        fs::symlinkat(&entry.link[..], &above, name)?;
        self.own(above.as_fd(), name, entry.uid, entry.gid)
    }

    /// Another name of a file of the root.
    pub(super) fn hard_link(&mut self, path: &[u8], target: &[u8]) -> io::Result<()> {
        if path == target {
            return Ok(());
        }
        let (target_above, target_name) = split(target);
        let from = match target_above {
            [] => self.resolve(b".", DIRECTORY)?,
            above => self.resolve(above, DIRECTORY)?,
        };
        self.remove(path)?;
        let (above, name) = self.above(path)?;
        Ok(fs::linkat(&from, target_name, above, name, AtFlags::empty())?)
    }

    /// Removes a path with everything below it, if it is there.
    pub(super) fn remove(&mut self, path: &[u8]) -> io::Result<()> {
        let (above, name) = split(path);
        let found = match above {
            [] => self.resolve(b".", DIRECTORY),
            above => self.resolve(above, DIRECTORY),
        };
        match found {
            Ok(fd) => {
                if remove_tree(fd.as_fd(), name)? {
                    self.last = None;
                }
                Ok(())
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes what a directory holds, but the names that `keep` says.
    pub(super) fn empty(&mut self, path: &[u8], keep: &dyn Fn(&[u8]) -> bool) -> io::Result<()> {
        let path = if path.is_empty() { b"." } else { path };
        let fd = match self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => fd,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for name in names(fd.as_fd())? {
            if !keep(&name) {
                remove_tree(fd.as_fd(), &name)?;
            }
        }
        self.last = None;
        Ok(())
    }

    fn remove_unless_directory(&mut self, path: &[u8]) -> io::Result<()> {
        let is_directory = {
            let (above, name) = self.above(path)?;
            match fs::statat(above, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => fs::FileType::from_raw_mode(stat.st_mode) == fs::FileType::Directory,
                Err(Errno::NOENT) => true,
                Err(error) => return Err(error.into()),
            }
        };
        if is_directory { Ok(()) } else { self.remove(path) }
    }

    fn resolve(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let mut tries = 0;
        loop {
            match fs::openat2(&self.directory, path, flags | OFlags::CLOEXEC, Mode::empty(), within) {
                Err(Errno::AGAIN) if tries < TRIES => tries += 1,
                result => return Ok(result?),
            }
        }
    }

    /// Without a user of our own for each of the image's, everything must stay readable and removable for us.
    fn mode(&self, entry: &Entry, least: u32) -> Mode {
        let more = if self.ids == Ids::Caller { least } else { 0 };
        Mode::from_raw_mode((entry.mode & 0o7777) | more)
    }

    fn own(&self, above: BorrowedFd<'_>, name: &[u8], uid: u64, gid: u64) -> io::Result<()> {
        let (Some(uid), Some(gid)) = (self.ids.on_host(uid), self.ids.on_host(gid)) else { return Ok(()) };
        let (uid, gid) = (fs::Uid::from_raw(uid), fs::Gid::from_raw(gid));
        Ok(fs::chownat(above, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn own_fd(&self, fd: BorrowedFd<'_>, uid: u64, gid: u64) -> io::Result<()> {
        let (Some(uid), Some(gid)) = (self.ids.on_host(uid), self.ids.on_host(gid)) else { return Ok(()) };
        Ok(fs::fchown(fd, Some(fs::Uid::from_raw(uid)), Some(fs::Gid::from_raw(gid)))?)
    }
}

/// The directory part and the name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

/// Links may make a directory deeper than its name says, so the kernel is asked.
fn check_depth(directory: &impl AsFd) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let real = std::fs::read_link(format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd()))?;
    match real.components().count() > DEPTH_MAX {
        true => Err(io::Error::other(format!("directories are nested more than {DEPTH_MAX} deep"))),
        false => Ok(()),
    }
}

fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in fs::Dir::read_from(directory)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}

/// Removes a name and what is below it; no link is followed. Whether it was a directory.
fn remove_tree(above: BorrowedFd<'_>, name: &[u8]) -> io::Result<bool> {
    match fs::unlinkat(above, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(false),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = fs::openat(above, name, flags, Mode::empty())?;
    for child in names(directory.as_fd())? {
        remove_tree(directory.as_fd(), &child)?;
    }
    fs::unlinkat(above, name, AtFlags::REMOVEDIR)?;
    Ok(true)
}
