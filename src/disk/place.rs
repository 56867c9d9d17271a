//! A directory in which other directories appear, change and go, and the names in it.

use std::io;

use camino::Utf8Path;
use rustix::fs::{FileType, Mode, RenameFlags};
use rustix::io::Errno;

use super::dir::Dir;
use super::error::{Context as _, SystemError};
use super::files::{ExactModes, remove_at};
use super::snapshot::{Snapshot, read};

/// In the staging directory: what is new, or, after an exchange, what was there before.
pub(super) const FRESH: &str = "fresh";
/// In the staging directory: what will be removed.
pub(super) const ASIDE: &str = "aside";

/// A directory in which other directories appear, change and go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) directory: &'a Dir,
    /// Its path, for messages.
    pub(crate) shown: &'a Utf8Path,
    /// Whether its content survives a restart of the machine, and so has to be synced.
    pub(crate) lasts: bool,
    /// The name of the staging directory. It is fixed, so a run can find what a killed run left. A lock keeps two runs from sharing it.
    pub(crate) staging: &'static str,
    /// Takes a new directory out of the place again if a supervisor may already work in it. `false` if no supervisor can.
    pub(crate) evacuate: fn(&Dir, &str) -> io::Result<bool>,
}

impl<'a> Place<'a> {
    /// Where the thing of this name is, or will be: in the place itself, or in a directory below it that is reached through no symlink.
    pub(super) fn spot<'s>(self, name: &'s str) -> io::Result<Spot<'s>>
    where
        'a: 's,
    {
        match name.rsplit_once('/') {
            None => Ok(Spot { place: self.directory, above: None, name }),
            Some((above, name)) => Ok(Spot { place: self.directory, above: Some(self.directory.dir(above)?), name }),
        }
    }

    /// Everything at this name, or path, in the place.
    ///
    /// # Errors
    /// If it does not exist, or if a part of it cannot be read.
    pub(crate) fn read(self, name: &str) -> Result<Snapshot<'static>, SystemError> {
        let shown = self.shown.join(name);
        let spot = self.spot(name).context("read", &shown)?;
        let (directory, last) = spot.at();
        read(directory, last, &shown, &mut |_, _| true)
    }

    pub(super) fn sync(&self) -> Result<(), SystemError> {
        if self.lasts { rustix::fs::fsync(self.directory).context("sync", self.shown) } else { Ok(()) }
    }

    /// The staging directory that a run left, if it is ours. Other users who can write here may have put something else in its place.
    pub(super) fn left(&self) -> Result<Option<Dir>, SystemError> {
        let shown = self.shown.join(self.staging);
        let stat = match self.directory.stat(self.staging) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            stat => stat.context("read", &shown)?,
        };
        if FileType::from_raw_mode(stat.st_mode).is_dir() {
            let root = self.directory.step_into(self.staging.as_bytes()).context("open", &shown)?;
            if is_ours(&root).context("read", &shown)? {
                return Ok(Some(root));
            }
        }
        remove_at(self.directory, self.staging).context("remove", &shown)?;
        Ok(None)
    }
}

/// A name in a directory of a place. The directory is held open.
pub(super) struct Spot<'a> {
    place: &'a Dir,
    above: Option<Dir>,
    name: &'a str,
}

impl Spot<'_> {
    /// The name in that directory.
    pub(super) fn at(&self) -> At<'_> {
        (self.above.as_ref().unwrap_or(self.place), self.name)
    }
}

/// Whether nobody else can change the content of a staging directory.
pub(super) fn is_ours(root: &Dir) -> io::Result<bool> {
    let stat = rustix::fs::fstat(root)?;
    let others = Mode::from_raw_mode(stat.st_mode).intersects(Mode::RWXG | Mode::RWXO);
    Ok(stat.st_uid == rustix::process::geteuid().as_raw() && !others)
}

/// Creates a directory for this user alone, unless it exists.
pub(super) fn made(exact: &ExactModes, root: &Dir, name: &str) -> Result<(), Errno> {
    match exact.make(root, name, 0o700) {
        Err(Errno::EXIST) => Ok(()),
        made => made,
    }
}

/// Creates the missing directories above this path, in a directory that only this user can change.
pub(super) fn made_above(exact: &ExactModes, root: &Dir, path: &str) -> Result<(), Errno> {
    path.match_indices('/').try_for_each(|(end, _)| made(exact, root, &path[..end]))
}

pub(super) fn exists(directory: &Dir, path: &str) -> io::Result<bool> {
    match directory.stat(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A name in a directory.
pub(super) type At<'a> = (&'a Dir, &'a str);

/// `renameat2`, with its flags.
pub(super) fn rename((from, old): At<'_>, (to, new): At<'_>, flags: RenameFlags) -> Result<(), Errno> {
    rustix::fs::renameat_with(from, old, to, new, flags)
}

/// Gives something a new name. It fails if something already has that name.
pub(crate) fn rename_new(from: At<'_>, to: At<'_>) -> Result<(), Errno> {
    match rename(from, to, RenameFlags::NOREPLACE) {
        // Some file systems do not know the flag. The holder of the lock has checked that the name is free.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => rename(from, to, RenameFlags::empty()),
        renamed => renamed,
    }
}
