//! Lists, reads and removes what is in a directory.
//!
//! It does not use the standard library to list and remove directories, because that ends the process if a directory cannot be closed.

#![expect(clippy::disallowed_methods, reason = "the caller says whose path it is")]

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

/// As long as this lives, everything is created with exactly the mode that is asked for, because the umask is 0. This applies to the whole
/// process, so nothing else may be created meanwhile, and no program started. The directory in which something is created must not be
/// set-gid, and must not have a default ACL.
#[derive(Debug)]
pub(crate) struct ExactModes(());

/// How many of them live, and the umask before the first.
static EXACT: Mutex<(usize, Mode)> = Mutex::new((0, Mode::empty()));

impl ExactModes {
    /// Sets the umask to 0 from now on.
    pub(crate) fn begin() -> Self {
        let mut exact = EXACT.lock().unwrap_or_else(PoisonError::into_inner);
        if exact.0 == 0 {
            exact.1 = rustix::process::umask(Mode::empty());
        }
        exact.0 += 1;
        Self(())
    }

    /// Creates a directory of this mode in an open one. The set-uid and set-gid bits are omitted, because mkdir on Linux ignores them, and
    /// a directory with the set-gid bit passes it on to what is created in it. [`special_modes`](super::write::special_modes) sets them
    /// last.
    #[expect(clippy::unused_self, reason = "it proves that the umask is 0")]
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

/// A name in a directory, and its type if the directory says it.
pub(super) type Name = (Vec<u8>, FileType);

/// Calls `call` with each remaining name in an open directory, in no order, and its type, until it returns `false`.
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

/// The remaining names in an open directory, in no order. It stops after the first `most` names. The second value says whether it did.
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

/// The longest file that is read or written, in bytes: 16 MiB, which is far more than the longest script with the longest environment.
pub(super) const CONTENT_MAX: u64 = 16 << 20;

/// Reads a regular file of at most 16 MiB. No file of a service directory is longer. A fifo or a device is an error at once.
pub(crate) fn read_small(path: &Utf8Path) -> io::Result<String> {
    String::from_utf8(read_bytes(path)?).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// The same for a file that is not text.
pub(crate) fn read_bytes(path: &Utf8Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path.as_std_path(), flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > CONTENT_MAX {
        return Err(io::Error::other("it is not a file of at most 16 MiB"));
    }
    // With one more byte, the end is found without another read in small pieces.
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

/// How deep the directories that are read or removed may be nested.
pub(super) const MOST_LEVELS: u32 = 100;

/// Removes whatever is at this path, if anything. It follows no symlink.
pub(crate) fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => remove_directory(CWD, path.as_std_path(), MOST_LEVELS),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes whatever has this name in an open directory, if anything. It follows no symlink.
pub(super) fn remove_at(parent: impl AsFd, name: impl Arg + Copy) -> io::Result<()> {
    match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        // For a directory, POSIX gives the second error, and Linux the first.
        Err(refused @ (Errno::ISDIR | Errno::PERM)) => match remove_directory(parent.as_fd(), name, MOST_LEVELS) {
            Err(error) if error.raw_os_error() == Some(Errno::NOTDIR.raw_os_error()) => Err(refused.into()),
            removed => removed,
        },
        Err(error) => Err(error.into()),
    }
}

/// Removes a directory with everything in it, by descriptors. So it does not follow a symlink that replaces a directory meanwhile. It is an
/// error if directories are nested deeper than `levels`, which none of this program's are.
fn remove_directory<P: Arg + Copy>(parent: BorrowedFd<'_>, name: P, levels: u32) -> io::Result<()> {
    const AT_ONCE: usize = 10_000;
    let Some(levels) = levels.checked_sub(1) else {
        return Err(io::Error::other(format!("it has directories that are nested deeper than {MOST_LEVELS} levels")));
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    loop {
        let (names, more) = list(directory.as_fd(), AT_ONCE)?;
        for (name, _) in &names {
            match rustix::fs::unlinkat(&directory, name.as_slice(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                // For a directory, POSIX gives the second error, and Linux the first.
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
