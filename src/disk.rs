//! What both writers of directories need of the file system.
//!
//! Directories are listed and removed here, not by std: std ends the process if a directory cannot be closed.

#![expect(clippy::disallowed_methods, reason = "what both writers of directories need of the file system")]

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};

use camino::Utf8Path;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, RenameFlags, SeekFrom};
use rustix::io::Errno;

use crate::error::{Context as _, Error};

/// As long as this lives, what is made has exactly the mode that it is made with: the umask takes no bits from it. That counts for the
/// whole process, so nothing else is made meanwhile, and no program started.
#[derive(Debug)]
pub(crate) struct ExactModes(Mode);

impl ExactModes {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self(rustix::process::umask(Mode::empty()))
    }

    /// Makes a directory of this mode. Its parent must not be set-gid, which a directory takes over.
    #[expect(clippy::unused_self, reason = "it is the proof that no umask counts")]
    pub(crate) fn make(&self, path: &Utf8Path, mode: u32) -> Result<(), Error> {
        // Linux takes these bits at no mkdir.
        const ONLY_BY_CHMOD: u32 = 0o6000;
        fs::DirBuilder::new().mode(mode).create(path).context("create", path)?;
        if mode & ONLY_BY_CHMOD == 0 { Ok(()) } else { chmod(path, mode) }
    }
}

impl Drop for ExactModes {
    fn drop(&mut self) {
        rustix::process::umask(self.0);
    }
}

/// Gives something this mode.
pub(crate) fn chmod(path: &Utf8Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).context("set the mode of", path)
}

/// Where things are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    /// Whether what is there outlives the machine, so that it has to be synced.
    pub(crate) lasts: bool,
}

impl Disk {
    /// Writes a new file with exactly this mode.
    pub(crate) fn write_file(self, path: &Utf8Path, mode: u32, content: &[u8], _: &ExactModes) -> Result<(), Error> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(path).context("create", path)?;
        file.write_all(content).context("write", path)?;
        if self.lasts { file.sync_all().context("sync", path) } else { Ok(()) }
    }

    /// Has what was made and renamed in a directory outlive the machine.
    pub(crate) fn sync(self, directory: &Utf8Path) -> Result<(), Error> {
        if self.lasts {
            File::open(directory).and_then(|file| file.sync_all()).context("sync", directory)
        } else {
            Ok(())
        }
    }
}

/// The names in the directory at this path, in no order.
pub(crate) fn names(path: &Utf8Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path.as_std_path(), flags, Mode::empty())?;
    let (names, _) = list(directory.as_fd(), usize::MAX)?;
    Ok(names.into_iter().map(OsString::from_vec).collect())
}

/// What is still to be read of the names in an open directory, in no order; those after the first `most` are not looked at, which the
/// second value tells.
pub(crate) fn list(directory: BorrowedFd<'_>, most: usize) -> Result<(Vec<Vec<u8>>, bool), Errno> {
    let mut buffer = Vec::with_capacity(16 << 10);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry?,
        };
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if names.len() == most {
            return Ok((names, true));
        }
        names.push(name.to_vec());
    }
    Ok((names, false))
}

/// What stands in a regular file of at most a mebibyte; a fifo or a device is an error at once.
pub(crate) fn read_small(path: &Utf8Path) -> io::Result<String> {
    const MOST: u64 = 1 << 20;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path.as_std_path(), flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > MOST {
        return Err(io::Error::other("it is no file of at most a mebibyte"));
    }
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// How deep what is removed may be nested.
const MOST_LEVELS: u32 = 100;

/// Removes whatever is at this path, if anything, following no symlink.
pub(crate) fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => remove_directory(CWD, path.as_std_path(), MOST_LEVELS),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a directory with all that is in it, by descriptors: a symlink that is put in the place of one of them is not followed. What is
/// nested deeper than so many levels, which nothing of ours is, is an error.
fn remove_directory<P: rustix::path::Arg + Copy>(parent: BorrowedFd<'_>, name: P, levels: u32) -> io::Result<()> {
    const AT_ONCE: usize = 10_000;
    let Some(levels) = levels.checked_sub(1) else {
        return Err(io::Error::other(format!("directories are nested in it deeper than {MOST_LEVELS} levels")));
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    loop {
        let (names, more) = list(directory.as_fd(), AT_ONCE)?;
        for name in &names {
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

/// `renameat2`, with its flags.
pub(crate) fn rename(from: &Utf8Path, to: &Utf8Path, flags: RenameFlags) -> Result<(), Errno> {
    rustix::fs::renameat_with(CWD, from.as_std_path(), CWD, to.as_std_path(), flags)
}
