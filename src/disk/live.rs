//! Replaces the files of directories in which a supervisor works. Such a directory stays, because its supervisor is in it.
//!
//! First it keeps the files of each directory in `kept` of the staging directory. It uses hard links for that, so putting the files back
//! needs no space. Then it writes the new files beside the old ones, and renames each into its place.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::dir::Dir;
use super::error::{Context as _, SystemError};
use super::files::{ExactModes, remove_at};
use super::place::Place;
use super::snapshot::{Entry, Snapshot};
use super::write::{Writer, special_modes, sync};

const KEPT: &str = "kept";

/// An operator's start and stop remove and create this file. It does not count as a difference, and is not changed.
const DOWN: &str = "down";

/// In this file the watchdog tells the finish script of a gateway why it ends the gateway. It does not count as a difference either.
pub(crate) const WHY: &str = "data/why";

/// The entries that a supervisor creates in a service directory.
pub(crate) const SUPERVISORS: [&str; 2] = ["supervise", "event"];

impl<'a> Snapshot<'a> {
    /// The entries below the directory that last from an operator's start to a stop, and from one restart to the next.
    pub(crate) fn lasting(&self) -> impl DoubleEndedIterator<Item = (&str, &Entry<'a>)> {
        self.below().filter(|(path, _)| ![DOWN, WHY].contains(path))
    }
}

impl Dir {
    /// The content of this directory without what its supervisor created.
    pub(crate) fn published(&self, shown: &Utf8Path) -> Result<Snapshot<'static>, SystemError> {
        self.snapshot(shown, &mut |path, _| {
            let name = path.rsplit('/').next().unwrap_or(path);
            !SUPERVISORS.contains(&name)
        })
    }
}

/// Keeps the files of these directories.
pub(super) fn keep(
    place: Place<'_>,
    root: &Dir,
    those: &[(String, Snapshot<'static>, &Snapshot<'_>)],
    exact: &ExactModes,
) -> Result<(), SystemError> {
    if those.is_empty() {
        return Ok(());
    }
    let shown = place.shown.join(place.staging).join(KEPT);
    exact.make(root, KEPT, 0o700).context("create", &shown)?;
    let kept = root.step_into(KEPT.as_bytes()).context("open", &shown)?;
    for (name, before, _) in those {
        let here = place.shown.join(name);
        let from = Dir::open(&here).context("open", &here)?;
        let shown = shown.join(name);
        exact.make(&kept, name.as_str(), 0o700).context("create", &shown)?;
        let to = kept.step_into(name.as_bytes()).context("open", &shown)?;
        let writer = Writer { directory: &to, shown: &shown, lasts: place.lasts, exact };
        for (path, entry) in before.lasting() {
            match entry {
                Entry::Directory { mode } => exact.make(&to, path, *mode).context("create", shown.join(path))?,
                entry => link(&from, path, &to, path).or_else(|_| writer.entry(path, entry))?,
            }
        }
        special_modes(&to, ".", before.lasting()).context("set a mode in", &shown)?;
        if place.lasts {
            for path in directories(before) {
                sync(&to, path).context("sync", shown.join(path))?;
            }
        }
    }
    if place.lasts { sync(root, KEPT).context("sync", shown) } else { Ok(()) }
}

/// Gives a directory of the place back what was kept of it.
pub(super) fn take_back(place: Place<'_>, root: &Dir, name: &str) -> Result<(), SystemError> {
    let shown = place.shown.join(name);
    // Somebody may have removed it by hand since.
    let Ok(live) = Dir::open(&shown) else { return Ok(()) };
    let now = live.published(&shown)?;
    let kept_shown = place.shown.join(place.staging).join(KEPT).join(name);
    let open = || root.dir(&format!("{KEPT}/{name}"));
    let kept = open().context("open", &kept_shown)?.published(&kept_shown)?;
    let from = open().context("open", &kept_shown)?;
    let exact = ExactModes::begin();
    Change::prepare(place, name, now, &kept, &exact, Source::Kept(&from))?.apply(place.lasts)
}

/// Where the new files come from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// They are written.
    Wanted,
    /// They come from this directory, where they have the same paths.
    Kept(&'a Dir),
}

/// The remaining work in a directory. Its new files are ready beside the old ones.
pub(super) struct Change {
    directory: Dir,
    shown: Utf8PathBuf,
    /// What it held before.
    pub(super) before: Snapshot<'static>,
    renames: Vec<(String, String)>,
    removals: Vec<String>,
    touched: BTreeSet<String>,
}

impl Change {
    /// Creates a new file beside each file that must change. The present files stay unchanged for every reader.
    pub(super) fn prepare(
        place: Place<'_>,
        name: &str,
        before: Snapshot<'static>,
        wanted: &Snapshot<'_>,
        exact: &ExactModes,
        source: Source<'_>,
    ) -> Result<Self, SystemError> {
        let shown = place.shown.join(name);
        let directory = Dir::open(&shown).context("open", &shown)?;
        let (mut renames, mut touched) = (Vec::new(), BTreeSet::new());
        for (path, entry) in wanted.lasting() {
            let found = before.get(path);
            if found == Some(entry) {
                continue;
            }
            let full = || shown.join(path);
            let (above, file) = path.rsplit_once('/').unwrap_or(("", path));
            touched.insert(above.to_owned());
            let was_directory = found.map(Entry::is_directory);
            if let Entry::Directory { mode } = entry {
                if was_directory == Some(false) {
                    remove_at(&directory, path).context("remove", full())?;
                }
                if was_directory != Some(true) {
                    exact.make(&directory, path, *mode).context("create", full())?;
                }
                // An existing directory may have another mode. A new one may have inherited a set-gid bit, or may need one.
                rustix::fs::chmodat(&directory, path, Mode::from_raw_mode(*mode), AtFlags::empty())
                    .context("set the mode of", full())?;
                // A sync of the directory itself makes this survive a restart of the machine.
                touched.insert(path.to_owned());
                continue;
            }
            if was_directory == Some(true) {
                remove_at(&directory, path).context("remove", full())?;
            }
            let temporary = format!("{}.{file}", place.staging);
            let temporary = if above.is_empty() { temporary } else { format!("{above}/{temporary}") };
            remove_at(&directory, temporary.as_str()).context("remove", shown.join(&temporary))?;
            let writer = Writer { directory: &directory, shown: &shown, lasts: place.lasts, exact };
            match source {
                Source::Wanted => writer.entry(&temporary, entry)?,
                Source::Kept(kept) => {
                    link(kept, path, &directory, &temporary).or_else(|_| writer.entry(&temporary, entry))?;
                }
            }
            renames.push((temporary, path.to_owned()));
        }
        let mut removals = Vec::new();
        for (path, _) in before.lasting().rev().filter(|(path, _)| wanted.get(path).is_none()) {
            touched.insert(path.rsplit_once('/').unwrap_or_default().0.to_owned());
            removals.push(path.to_owned());
        }
        Ok(Self { directory, shown, before, renames, removals, touched })
    }

    /// Puts the new files into their places, and removes what is not wanted any more.
    pub(super) fn apply(&self, lasts: bool) -> Result<(), SystemError> {
        for (temporary, to) in &self.renames {
            rustix::fs::renameat(&self.directory, temporary, &self.directory, to)
                .context("replace", self.shown.join(to))?;
        }
        for path in &self.removals {
            remove_at(&self.directory, path.as_str()).context("remove", self.shown.join(path))?;
        }
        if !lasts {
            return Ok(());
        }
        for path in self.touched.iter().filter(|path| !path.is_empty()) {
            match sync(&self.directory, path) {
                // A directory that is gone is not synced, but the directory above it is.
                Err(Errno::NOENT) => {}
                synced => synced.context("sync", self.shown.join(path))?,
            }
        }
        rustix::fs::fsync(&self.directory).context("sync", &self.shown)
    }
}

fn link(from: &Dir, path: &str, to: &Dir, name: &str) -> Result<(), SystemError> {
    rustix::fs::linkat(from, path, to, name, AtFlags::empty()).context("create", name)
}

/// The directories among these entries, the innermost first, and at last the directory that they are in.
fn directories<'s>(snapshot: &'s Snapshot<'_>) -> impl Iterator<Item = &'s str> {
    snapshot.below().rev().filter(|(_, entry)| entry.is_directory()).map(|(path, _)| path).chain(["."])
}
