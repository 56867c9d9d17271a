//! The one writer of service directories.

use std::io::Write as _;
use std::os::fd::AsFd;

use camino::Utf8Path;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::dir::Dir;
use super::error::{Context as _, SystemError};
use super::files::{ExactModes, remove_at};
use super::journal::Plan;
use super::place::made_above;
use super::snapshot::{Entry, Snapshot};

/// Writes into an open directory, with exact modes.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(super) directory: &'a Dir,
    /// The path of that directory in errors.
    pub(super) shown: &'a Utf8Path,
    /// Whether its content survives a restart of the machine, and so has to be synced.
    pub(super) lasts: bool,
    pub(super) exact: &'a ExactModes,
}

impl Writer<'_> {
    /// Writes a directory, or a single file, as a new entry of this name. Missing directories above it are created for this user alone.
    ///
    /// # Errors
    /// If the operating system refuses a step. The caller must remove what was written before that.
    pub(crate) fn whole(self, name: &str, snapshot: &Snapshot<'_>) -> Result<(), SystemError> {
        made_above(self.exact, self.directory, name).context("create", self.shown.join(name))?;
        let mode = match snapshot.itself() {
            Some(Entry::Directory { mode }) => *mode,
            None => 0o755,
            Some(alone) => return self.entry(name, alone),
        };
        self.exact.make(self.directory, name, mode).context("create", self.shown.join(name))?;
        let mut path = format!("{name}/");
        for (below, entry) in snapshot.below() {
            path.truncate(name.len() + 1);
            path.push_str(below);
            self.entry(&path, entry)?;
        }
        let itself = snapshot.itself().map(|entry| ("", entry));
        special_modes(self.directory, name, itself.into_iter().chain(snapshot.below()))
            .context("set a mode in", self.shown.join(name))?;
        if self.lasts {
            // The content of a directory comes before the directory, so nothing is there without what it needs.
            for (below, _) in snapshot.below().rev().filter(|(_, entry)| entry.is_directory()) {
                self.sync(&format!("{name}/{below}"))?;
            }
            self.sync(name)?;
        }
        Ok(())
    }

    /// Writes one entry. The caller must set its [`special_modes`].
    pub(super) fn entry(self, path: &str, entry: &Entry<'_>) -> Result<(), SystemError> {
        let refused = match entry {
            Entry::Directory { mode } => self.exact.make(self.directory, path, *mode),
            Entry::File { mode, content: Some(content) } => return self.file(path, *mode, content),
            Entry::Symlink { target } => rustix::fs::symlinkat(target.as_str(), self.directory, path),
            Entry::File { content: None, .. } => Err(rustix::io::Errno::FBIG),
            Entry::Other => Err(rustix::io::Errno::OPNOTSUPP),
        };
        refused.context("create", self.shown.join(path))
    }

    /// Writes a new file with exactly this mode.
    pub(super) fn file(self, path: &str, mode: u32, content: &[u8]) -> Result<(), SystemError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = rustix::fs::openat(self.directory, path, flags, Mode::from_raw_mode(mode))
            .context("create", self.shown.join(path))?;
        let mut file = std::fs::File::from(descriptor);
        file.write_all(content).context("write", self.shown.join(path))?;
        if self.lasts { file.sync_all().context("sync", self.shown.join(path)) } else { Ok(()) }
    }

    /// Writes a plan into the open directory, which is a staging directory. A reader finds all of the plan, or nothing.
    pub(super) fn plan(self, plan: &Plan) -> Result<(), SystemError> {
        // A killed run may have left an incomplete one.
        remove_at(self.directory, Plan::PART).context("remove", self.shown.join(Plan::PART))?;
        self.file(Plan::PART, 0o600, plan.text().as_bytes())?;
        rustix::fs::renameat(self.directory, Plan::PART, self.directory, Plan::NAME)
            .context("create", self.shown.join(Plan::NAME))?;
        if self.lasts { self.sync_itself() } else { Ok(()) }
    }

    /// Syncs what was created in the open directory itself.
    pub(super) fn sync_itself(self) -> Result<(), SystemError> {
        rustix::fs::fsync(self.directory).context("sync", self.shown)
    }

    fn sync(self, path: &str) -> Result<(), SystemError> {
        sync(self.directory, path).context("sync", self.shown.join(path))
    }
}

/// Gives the directories among these entries of the directory `name` the bits that mkdir ignores. This comes last, because what is created
/// in a set-gid directory inherits the bit.
pub(super) fn special_modes<'e>(
    parent: impl AsFd,
    name: &str,
    entries: impl Iterator<Item = (&'e str, &'e Entry<'e>)>,
) -> rustix::io::Result<()> {
    for (path, entry) in entries {
        if let Entry::Directory { mode } = entry
            && mode & 0o6000 != 0
        {
            rustix::fs::chmodat(&parent, format!("{name}/{path}"), Mode::from_raw_mode(*mode), AtFlags::empty())?;
        }
    }
    Ok(())
}

/// Syncs what was created and renamed in a directory.
pub(super) fn sync(parent: impl AsFd, path: &str) -> rustix::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::fsync(rustix::fs::openat(parent, path, flags, Mode::empty())?)
}
