//! What both writers of directories need of the file system.

#![expect(clippy::disallowed_methods, reason = "what both writers of directories need of the file system")]

use std::fs;
use std::io;

use camino::Utf8Path;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

/// Removes whatever is at this path, if anything, following no symlink.
pub(crate) fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// `renameat2`, with its flags.
pub(crate) fn rename(from: &Utf8Path, to: &Utf8Path, flags: RenameFlags) -> Result<(), Errno> {
    rustix::fs::renameat_with(CWD, from.as_std_path(), CWD, to.as_std_path(), flags)
}
