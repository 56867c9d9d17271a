//! What several targets want: a place for files, and what holds of every message.

use std::fmt::Display;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use camino::Utf8PathBuf;
use tempfile::TempDir;

use crate::base::text::is_plain;

/// Every message is one line, and nothing in it moves a cursor.
pub(super) fn one_plain_line(message: impl Display) {
    let message = message.to_string();
    assert!(!message.is_empty() && message.chars().all(is_plain), "no plain line: {message:?}");
}

/// A directory that goes at the end, in memory where there is such a place.
pub(super) fn scratch() -> (TempDir, Utf8PathBuf) {
    let memory = Path::new("/dev/shm");
    // Another thread may have the umask of the whole process at 0.
    let mut maker = tempfile::Builder::new();
    maker.permissions(PermissionsExt::from_mode(0o700));
    let directory = if memory.is_dir() { maker.tempdir_in(memory) } else { maker.tempdir() };
    let directory = directory.expect("there is room for a directory");
    let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).expect("its path is UTF-8");
    (directory, path)
}
