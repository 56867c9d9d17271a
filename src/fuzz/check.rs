//! What several targets need: a place for files, and what must hold for every message.

use std::fmt::Display;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use camino::Utf8PathBuf;
use tempfile::TempDir;

use crate::base::text::is_plain;

/// Asserts that a message is one line in which nothing moves a cursor.
pub(super) fn one_plain_line(message: impl Display) {
    let message = message.to_string();
    assert!(!message.is_empty() && message.chars().all(is_plain), "not a plain line: {message:?}");
}

/// A directory that is removed at the end. It is in memory if possible.
pub(super) fn scratch() -> (TempDir, Utf8PathBuf) {
    let memory = Path::new("/dev/shm");
    // Another thread may have set the umask of the whole process to 0.
    let mut maker = tempfile::Builder::new();
    maker.permissions(PermissionsExt::from_mode(0o700));
    let directory = if memory.is_dir() { maker.tempdir_in(memory) } else { maker.tempdir() };
    let directory = directory.expect("there is room for a directory");
    let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).expect("its path is UTF-8");
    (directory, path)
}
