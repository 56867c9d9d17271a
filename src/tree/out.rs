//! The directory of `--out`, and the missing directories above it.

#![expect(clippy::disallowed_methods, reason = "this looks at what --out names, and opens it by descriptor")]

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::error::TreeError;
use super::own::TargetError;
use crate::disk::{Context as _, Dir};

/// A directory that exists.
pub(super) struct Out {
    pub(super) directory: Dir,
    /// The directories that a run made to create `out`, each with its parent. They are removed again unless the run succeeds.
    made: Vec<(Dir, String)>,
}

impl Out {
    /// Opens it, if it exists.
    ///
    /// # Errors
    /// If it is not a directory, or cannot be read.
    pub(super) fn open(out: &Utf8Path) -> Result<Option<Self>, TreeError> {
        if missing(out)?.is_empty() {
            let directory = Dir::open(&named(out)).context("open", out)?;
            Ok(Some(Self { directory, made: Vec::new() }))
        } else {
            Ok(None)
        }
    }

    /// Opens it, and creates it if it is missing.
    ///
    /// # Errors
    /// If it is not a directory, or cannot be created.
    pub(super) fn make(out: &Utf8Path) -> Result<Self, TreeError> {
        let missing = missing(out)?;
        let above = missing.first().map_or(Some(out), |first| first.parent());
        let above = named(above.unwrap_or(Utf8Path::new("/")));
        let mut this = Self { directory: Dir::open(&above).context("open", &above)?, made: Vec::new() };
        for path in missing {
            let Some(name) = path.file_name() else {
                // A path such as `a/..` has no name of its own, but it exists by now.
                this.directory = Dir::open(&named(path)).context("open", path)?;
                continue;
            };
            match rustix::fs::mkdirat(&this.directory, name, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    let inner = this.directory.dir(name).context("open", path)?;
                    let parent = std::mem::replace(&mut this.directory, inner);
                    this.made.push((parent, name.to_owned()));
                    // The umask may have removed bits, but s6 must be able to enter it.
                    rustix::fs::fchmod(&this.directory, Mode::from_raw_mode(0o755)).context("set the mode of", path)?;
                }
                Err(Errno::EXIST) => this.directory = this.directory.dir(name).context("open", path)?,
                Err(error) => return Err(error).context("create", path).map_err(TreeError::from),
            }
        }
        Ok(this)
    }

    /// Keeps the created directories.
    pub(super) fn keep(&mut self) {
        self.made.clear();
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        for (parent, name) in self.made.drain(..).rev() {
            // If another run has put something in, the directory stays.
            let _ = rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR);
        }
    }
}

/// The parent of a relative path's first part is the empty path, which means the working directory.
fn named(path: &Utf8Path) -> Utf8PathBuf {
    if path.as_str().is_empty() { Utf8PathBuf::from(".") } else { path.to_owned() }
}

/// The missing directories on the way to `out`, the outermost first.
///
/// # Errors
/// If `out`, or something above it, is not a directory.
fn missing(out: &Utf8Path) -> Result<Vec<&Utf8Path>, TreeError> {
    let mut missing = Vec::new();
    for path in out.ancestors() {
        let looked_at = named(path);
        let kind = match fs::metadata(&looked_at) {
            Ok(metadata) if metadata.is_dir() => break,
            Ok(_) => "a file",
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                if looked_at.is_symlink() {
                    "a dangling symlink"
                } else {
                    missing.insert(0, path);
                    continue;
                }
            }
            Err(error) => return Err(error).context("read", looked_at).map_err(TreeError::from),
        };
        return Err(TreeError::Target(vec![TargetError::NotADirectory { path: looked_at, kind }]));
    }
    Ok(missing)
}
