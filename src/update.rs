//! Replacing the files of service directories that are published, all or none.
//!
//! Such a directory is where its supervisor works, so it stays, and its files are replaced one by one. What they were is kept first, in
//! `.gatewayctl.tmp/old`. As long as that is there, the update is not final: a step that fails, a signal, and the next run after one that was
//! killed make each directory again what is kept of it. That `old` is renamed to `done` is what makes it final.
//!
//! What is kept is kept by hard links, so it takes no room to put it back.

#![expect(clippy::disallowed_methods, reason = "the scandir, which is nobody else's")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::FileType;

use crate::dir::Dir;
use crate::disk::{self, Disk, ExactModes, chmod, remove};
use crate::error::{Context as _, Error};

/// Where a run writes before it renames, in the scandir, and what its temporary names begin with.
pub(crate) const STAGING: &str = ".gatewayctl.tmp";

/// In [`STAGING`]: what is kept of the directories that are being updated, by their names.
pub(crate) const OLD: &str = "old";

/// The same, as long as it is not all there.
const PART: &str = "old.part";

/// The same, once it is not needed any more.
const DONE: &str = "done";

/// What an operator's start and stop remove and make: no difference, and left as it is.
const DOWN: &str = "down";

/// What a supervisor makes in a service directory.
pub(crate) const SUPERVISORS: [&str; 2] = ["supervise", "event"];

/// The longest file that is published, in bytes.
pub(crate) const CONTENT_MAX: u64 = 16 << 20;

/// What is in a service directory, but for what its supervisor made: mode and content by path below it. A directory has no content.
pub(crate) type Entries = BTreeMap<String, (u32, Option<Vec<u8>>)>;

/// Those of these entries that last from an operator's start to a stop.
pub(crate) fn lasting(entries: &Entries) -> impl DoubleEndedIterator<Item = (&String, &(u32, Option<Vec<u8>>))> {
    entries.iter().filter(|(path, _)| *path != DOWN)
}

/// What is in the service directory at this path, or behind a symlink there. Of a file that is longer than any that is published, one
/// byte more than that.
pub(crate) fn published(root: &Utf8Path) -> Result<Entries, Error> {
    let mut found = Entries::new();
    look(&Dir::open(root).context("read", root)?, root, "", &mut found)?;
    Ok(found)
}

fn look(directory: &Dir, root: &Utf8Path, below: &str, found: &mut Entries) -> Result<(), Error> {
    let (names, _) = directory.names(usize::MAX).context("read", root.join(below))?;
    for name in names.iter().map(|name| String::from_utf8_lossy(name)) {
        if SUPERVISORS.contains(&name.as_ref()) {
            continue;
        }
        let path = if below.is_empty() { name.to_string() } else { format!("{below}/{name}") };
        let full = root.join(&path);
        let stat = directory.stat(&name).context("read", &full)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind.is_dir() {
            found.insert(path.clone(), (stat.st_mode & 0o7777, None));
            look(&directory.dir(&name).context("read", &full)?, root, &path, found)?;
        } else if kind.is_file() {
            let (file, stat) = directory.file(&name).context("read", &full)?;
            let mut content = Vec::new();
            file.take(CONTENT_MAX + 1).read_to_end(&mut content).context("read", &full)?;
            found.insert(path, (stat.st_mode & 0o7777, Some(content)));
        } else {
            found.insert(path, (stat.st_mode & 0o7777, Some(Vec::new())));
        }
    }
    Ok(())
}

/// The directories of a scandir whose new files lie ready beside the old ones.
pub(crate) struct Update<'a> {
    scandir: &'a Utf8Path,
    disk: Disk,
    changes: Vec<Change>,
}

impl<'a> Update<'a> {
    /// For each directory its name, what it holds, and what it is to hold: keeps the former, and writes the latter beside it. Whoever
    /// looks at their files sees no difference yet. Needs [`STAGING`]. What it leaves if it fails, [`clear`] takes back.
    pub(crate) fn prepare(
        scandir: &'a Utf8Path,
        disk: Disk,
        wanted: Vec<(String, Entries, &Entries)>,
        exact: &ExactModes,
    ) -> Result<Self, Error> {
        let mut update = Self { scandir, disk, changes: Vec::with_capacity(wanted.len()) };
        if wanted.is_empty() {
            return Ok(update);
        }
        update.keep(wanted.iter().map(|(name, before, _)| (name.as_str(), before)), exact)?;
        for (name, before, entries) in wanted {
            let write = |_: &str, to: &Utf8Path, mode, content: &[u8]| disk.write_file(to, mode, content, exact);
            update.changes.push(Change::prepare(scandir.join(name), before, entries, exact, write)?);
        }
        Ok(update)
    }

    fn keep<'b>(&self, those: impl Iterator<Item = (&'b str, &'b Entries)>, exact: &ExactModes) -> Result<(), Error> {
        let staging = self.scandir.join(STAGING);
        let part = staging.join(PART);
        exact.make(&part, 0o700)?;
        for (name, before) in those {
            let (from, to) = (self.scandir.join(name), part.join(name));
            exact.make(&to, 0o700)?;
            for (path, (mode, content)) in lasting(before) {
                let (from, to) = (from.join(path), to.join(path));
                match content {
                    None => exact.make(&to, *mode)?,
                    Some(content) => link(&from, &to).or_else(|_| self.disk.write_file(&to, *mode, content, exact))?,
                }
            }
            for directory in directories(before) {
                self.disk.sync(&to.join(directory))?;
            }
        }
        self.disk.sync(&part)?;
        let old = staging.join(OLD);
        fs::rename(&part, &old).context("create", &old)?;
        self.disk.sync(&staging)?;
        self.disk.sync(self.scandir)
    }

    /// Puts the new files into their places.
    pub(crate) fn apply(&self) -> Result<(), Error> {
        self.changes.iter().try_for_each(|change| change.apply(self.disk))
    }

    /// Makes it final, and gives what each directory held before, in the order given.
    pub(crate) fn commit(self) -> Result<Vec<Entries>, Error> {
        if !self.changes.is_empty() {
            finish(self.scandir, self.disk)?;
        }
        Ok(self.changes.into_iter().map(|change| change.before).collect())
    }
}

/// Removes what a run left in [`STAGING`], once what it had not made final is taken back; gives the names of the directories for which
/// that had to be done. Only for who holds the lock of the scandir.
///
/// # Errors
/// If that cannot be done; then what is kept stays, for the next run.
pub(crate) fn clear(scandir: &Utf8Path, disk: Disk) -> Result<Vec<String>, Error> {
    let staging = scandir.join(STAGING);
    match fs::symlink_metadata(&staging) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.context("read", &staging)?,
    };
    let taken_back = take_back(scandir, &staging.join(OLD), disk)?;
    remove(&staging).context("remove", &staging)?;
    Ok(taken_back)
}

fn take_back(scandir: &Utf8Path, old: &Utf8Path, disk: Disk) -> Result<Vec<String>, Error> {
    let mut names = match disk::names(old) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        names => names.context("read", old)?,
    };
    names.sort_unstable();
    let exact = &ExactModes::begin();
    let mut taken_back = Vec::with_capacity(names.len());
    for name in names {
        let name = name.to_string_lossy().into_owned();
        let (kept, live) = (old.join(&name), scandir.join(&name));
        if !live.is_dir() {
            // Somebody has taken it out since, by hand.
            continue;
        }
        let now = published(&live)?;
        let put = |path: &str, to: &Utf8Path, mode, content: &[u8]| {
            link(&kept.join(path), to).or_else(|_| disk.write_file(to, mode, content, exact))
        };
        Change::prepare(live, now, &published(&kept)?, exact, put)?.apply(disk)?;
        taken_back.push(name);
    }
    finish(scandir, disk)?;
    Ok(taken_back)
}

/// What is kept is not needed any more. It goes by one rename: half of it would be taken for all there was.
fn finish(scandir: &Utf8Path, disk: Disk) -> Result<(), Error> {
    let staging = scandir.join(STAGING);
    let old = staging.join(OLD);
    fs::rename(&old, staging.join(DONE)).context("rename", &old)?;
    // It stands; if this fails and the machine stops now, what was before may stand instead.
    let _ = disk.sync(&staging);
    Ok(())
}

/// What is left to do in a directory whose new files lie ready beside the old ones.
struct Change {
    directory: Utf8PathBuf,
    before: Entries,
    renames: Vec<(Utf8PathBuf, Utf8PathBuf)>,
    removals: Vec<Utf8PathBuf>,
    touched: BTreeSet<Utf8PathBuf>,
}

impl Change {
    /// Has `put` make a new file beside each that is to be another one.
    fn prepare(
        directory: Utf8PathBuf,
        before: Entries,
        wanted: &Entries,
        exact: &ExactModes,
        put: impl Fn(&str, &Utf8Path, u32, &[u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let (mut renames, mut touched) = (Vec::new(), BTreeSet::new());
        for (path, entry) in lasting(wanted) {
            let to = directory.join(path);
            let found = before.get(path);
            if found == Some(entry) {
                continue;
            }
            touched.extend(to.parent().map(Utf8Path::to_owned));
            let is_directory = found.map(|(_, content)| content.is_none());
            match entry {
                (mode, None) => {
                    if is_directory == Some(false) {
                        remove(&to).context("remove", &to)?;
                    }
                    if is_directory != Some(true) {
                        exact.make(&to, *mode)?;
                    }
                    // One that was there has another, and one that is new may have taken over a set-gid bit.
                    chmod(&to, *mode)?;
                }
                (mode, Some(content)) => {
                    if is_directory == Some(true) {
                        remove(&to).context("remove", &to)?;
                    }
                    let temporary = to.with_file_name(format!("{STAGING}.{}", to.file_name().unwrap_or_default()));
                    remove(&temporary).context("remove", &temporary)?;
                    put(path, &temporary, *mode, content)?;
                    renames.push((temporary, to));
                }
            }
        }
        let mut removals = Vec::new();
        for (path, _) in lasting(&before).rev().filter(|(path, _)| !wanted.contains_key(*path)) {
            let path = directory.join(path);
            touched.extend(path.parent().map(Utf8Path::to_owned));
            removals.push(path);
        }
        Ok(Self { directory, before, renames, removals, touched })
    }

    fn apply(&self, disk: Disk) -> Result<(), Error> {
        for (temporary, to) in &self.renames {
            fs::rename(temporary, to).context("replace", to)?;
        }
        for path in &self.removals {
            remove(path).context("remove", path)?;
        }
        // One that is gone is not synced, but what is above it is.
        for directory in self.touched.iter().filter(|directory| directory.is_dir()) {
            disk.sync(directory)?;
        }
        disk.sync(&self.directory)
    }
}

fn link(from: &Utf8Path, to: &Utf8Path) -> Result<(), Error> {
    fs::hard_link(from, to).context("create", to)
}

/// The directories that these entries have, the innermost first, and the one that they are in.
fn directories(entries: &Entries) -> impl Iterator<Item = &str> {
    let inner = entries.iter().rev().filter(|(_, (_, content))| content.is_none());
    inner.map(|(path, _)| path.as_str()).chain([""])
}
