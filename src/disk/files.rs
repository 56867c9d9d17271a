//! Listing, reading and removing what is in a directory.
//!
//! Directories are listed and removed here, not by std: std ends the process if a directory cannot be closed.

#![expect(clippy::disallowed_methods, reason = "whoever calls these says whose path it is")]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::sync::{Mutex, PoisonError};

use camino::Utf8Path;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, SeekFrom};
use rustix::io::Errno;
use rustix::path::Arg;

/// As long as this lives, what is made has exactly the mode that it is made with: the umask takes no bits from it. That counts for the
/// whole process, so nothing else is made meanwhile, and no program started. The directory in which it is made must be neither set-gid nor
/// have a default ACL.
#[derive(Debug)]
pub(crate) struct ExactModes(());

/// How many of them live, and what the umask was before the first.
static EXACT: Mutex<(usize, Mode)> = Mutex::new((0, Mode::empty()));

impl ExactModes {
    /// From now on.
    pub(crate) fn begin() -> Self {
        let mut exact = EXACT.lock().unwrap_or_else(PoisonError::into_inner);
        if exact.0 == 0 {
            exact.1 = rustix::process::umask(Mode::empty());
        }
        exact.0 += 1;
        Self(())
    }

    /// Makes a directory of this mode in an open one. The set-uid and set-gid bits are left out, since Linux takes them at no mkdir, and
    /// gives the latter to what is made in a directory that has it: [`special_modes`](super::write::special_modes) sets them last.
    #[expect(clippy::unused_self, reason = "it is the proof that no umask counts")]
    pub(super) fn make(&self, parent: impl AsFd, name: impl Arg, mode: u32) -> Result<(), Errno> {
        rustix::fs::mkdirat(parent, name, mode.into())
    }
}

impl Drop for ExactModes {
    fn drop(&mut self) {
        let mut exact = EXACT.lock().unwrap_or_else(PoisonError::into_inner);
        exact.0 -= 1;
        if exact.0 == 0 {
            rustix::process::umask(exact.1);
        }
    }
}

/// The names in the directory at this path, in no order.
pub(crate) fn names(path: &Utf8Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path.as_std_path(), flags, Mode::empty())?;
    let (names, _) = list(directory.as_fd(), usize::MAX)?;
    Ok(names.into_iter().map(|(name, _)| OsString::from_vec(name)).collect())
}

/// A name in a directory, and what has it, as far as the directory says.
pub(super) type Name = (Vec<u8>, FileType);

/// Calls this with each name that is still to be read in an open directory, in no order, and what it is, until it says `false`.
pub(super) fn each(directory: BorrowedFd<'_>, call: &mut dyn FnMut(&[u8], FileType) -> bool) -> Result<(), Errno> {
    let mut buffer = Vec::with_capacity(16 << 10);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry?,
        };
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && !call(name, entry.file_type()) {
            break;
        }
    }
    Ok(())
}

/// What is still to be read of the names in an open directory, in no order; those after the first `most` are not looked at, which the
/// second value tells.
pub(super) fn list(directory: BorrowedFd<'_>, most: usize) -> Result<(Vec<Name>, bool), Errno> {
    let mut names = Vec::new();
    let mut more = false;
    each(directory, &mut |name, kind| {
        more = names.len() == most;
        if !more {
            names.push((name.to_vec(), kind));
        }
        !more
    })?;
    Ok((names, more))
}

/// The longest file that is read or written, in bytes: 16 MiB, far above the largest script with the longest environment.
pub(super) const CONTENT_MAX: u64 = 16 << 20;

/// What stands in a regular file of at most 16 MiB, as each file of a service directory is; a fifo or a device is an error at once.
pub(crate) fn read_small(path: &Utf8Path) -> io::Result<String> {
    String::from_utf8(read_bytes(path)?).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// The same of a file that is no text.
pub(crate) fn read_bytes(path: &Utf8Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path.as_std_path(), flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > CONTENT_MAX {
        return Err(io::Error::other("it is no file of at most 16 MiB"));
    }
    // One more, and the end is seen without another read in small pieces.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    file.take(CONTENT_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a small file into a directory that nobody else can change.
pub(crate) fn write_small(path: &Utf8Path, text: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path.as_std_path(), flags, Mode::from_raw_mode(0o644))?);
    file.write_all(text.as_bytes())
}

/// How deep what is read or removed may be nested.
pub(super) const MOST_LEVELS: u32 = 100;

/// Removes whatever is at this path, if anything, following no symlink.
pub(crate) fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => remove_directory(CWD, path.as_std_path(), MOST_LEVELS),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes whatever has this name in an open directory, if anything, following no symlink.
pub(super) fn remove_at(parent: impl AsFd, name: impl Arg + Copy) -> io::Result<()> {
    match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        // POSIX has the second for a directory, Linux the first.
        Err(refused @ (Errno::ISDIR | Errno::PERM)) => match remove_directory(parent.as_fd(), name, MOST_LEVELS) {
            Err(error) if error.raw_os_error() == Some(Errno::NOTDIR.raw_os_error()) => Err(refused.into()),
            removed => removed,
        },
        Err(error) => Err(error.into()),
    }
}

/// Removes a directory with all that is in it, by descriptors: a symlink that is put in the place of one of them is not followed. What is
/// nested deeper than so many levels, which nothing of ours is, is an error.
fn remove_directory<P: Arg + Copy>(parent: BorrowedFd<'_>, name: P, levels: u32) -> io::Result<()> {
    const AT_ONCE: usize = 10_000;
    let Some(levels) = levels.checked_sub(1) else {
        return Err(io::Error::other(format!("directories are nested in it deeper than {MOST_LEVELS} levels")));
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    loop {
        let (names, more) = list(directory.as_fd(), AT_ONCE)?;
        for (name, _) in &names {
            match rustix::fs::unlinkat(&directory, name.as_slice(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                // POSIX has the second for a directory, Linux the first.
                Err(Errno::ISDIR | Errno::PERM) => remove_directory(directory.as_fd(), name.as_slice(), levels)?,
                Err(error) => return Err(error.into()),
            }
        }
        if !more {
            break;
        }
        rustix::fs::seek(&directory, SeekFrom::Start(0))?;
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}
