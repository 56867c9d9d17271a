//! Publishing: staging tree to scandir, atomic and durable; and the way back.
//!
//! A service directory is copied into a dot-named sibling in the scandir, `.gatewayctl.tmp`, synced unless the scandir is on a
//! tmpfs, and renamed with `RENAME_NOREPLACE`: whoever looks sees all of it or nothing, and of two who want one name one wins.
//! What leaves goes the other way, through a dot name of its own. A lock on the scandir keeps two runs from sharing
//! `.gatewayctl.tmp`; a lock on each leaving directory tells the next run whether somebody still sees to it.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::RenameFlags;
use rustix::io::Errno;
use thiserror::Error;

use crate::disk::{remove, rename};
use crate::error::{Context as _, Error, Shown};
use crate::profile::ProfileName;
use crate::s6::Scandir;
use crate::service_dir::ServiceDir;

/// Where a run copies to before it renames.
const STAGING: &str = ".gatewayctl.tmp";

/// What the names of directories on their way out start with.
const LEAVING: &str = ".gatewayctl.gone.";

/// The files of a service directory, of its log, or of neither, and whether they are executed
/// (<https://skarnet.org/software/s6/servicedir.html>).
const FILES: [(&str, bool); 12] = [
    ("type", false),
    ("run", true),
    ("finish", true),
    ("down", false),
    ("notification-fd", false),
    ("lock-fd", false),
    ("timeout-kill", false),
    ("timeout-finish", false),
    ("max-death-tally", false),
    ("down-signal", false),
    ("flag-newpidns", false),
    ("flag-terminate", false),
];

/// The directories whose content s6 promises never to look at.
const FREE: [&str; 2] = ["data", "env"];

/// What a supervisor makes in a service directory.
const SUPERVISORS: [&str; 2] = ["supervise", "event"];

/// A service directory that has been checked: only files that it may have, the scripts executable, no symlinks, nothing that
/// somebody else owns or may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    profile: ProfileName,
    /// By path below the service directory; a directory has no content.
    entries: BTreeMap<String, (u32, Option<Vec<u8>>)>,
}

/// Why a staging tree is not published.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path} {problem}; {remedy}")]
pub struct Unfit {
    /// The entry.
    pub path: Utf8PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Reads and checks the service directories of a staging tree, sorted by profile.
///
/// # Errors
/// Everything in it that is not fit for a scandir, or what cannot be read.
pub fn read_tree(tree: &Utf8Path) -> Result<Vec<Checked>, Error> {
    let mut unfit = Vec::new();
    let mut found = Vec::new();
    if !tree.is_dir() {
        let problem = if tree.exists() { "is not a directory" } else { "does not exist" }.to_owned();
        return Err(Error::Unfit(vec![Unfit {
            path: tree.to_owned(),
            problem,
            remedy: "give what gen-service --out wrote",
        }]));
    }
    let mut names: Vec<Utf8PathBuf> = Vec::new();
    for entry in tree.read_dir_utf8().context("read", tree)? {
        names.push(entry.context("read", tree)?.into_path());
    }
    names.sort();
    for path in names {
        match path.file_name().and_then(ProfileName::of_service) {
            Some(profile) => found.push(Checked::read(&path, profile, &mut unfit)?),
            None => unfit.push(Unfit {
                path,
                problem: "is no gateway-<profile>".to_owned(),
                remedy: "take it out of the staging tree",
            }),
        }
    }
    if found.is_empty() && unfit.is_empty() {
        unfit.push(Unfit {
            path: tree.to_owned(),
            problem: "holds no gateway-<profile>".to_owned(),
            remedy: "give what gen-service --out wrote",
        });
    }
    if unfit.is_empty() { Ok(found) } else { Err(Error::Unfit(unfit)) }
}

impl Checked {
    /// What a rendered directory would be once it is written and read.
    pub fn rendered(directory: &ServiceDir, profile: ProfileName) -> Self {
        let mut entries = BTreeMap::from([("log".to_owned(), (0o755, None))]);
        for file in directory.files() {
            let content = file.content.clone().into_owned().into_bytes();
            entries.insert(file.path.to_owned(), (file.mode.bits(), Some(content)));
        }
        Self { profile, entries }
    }

    /// Whose service directory it is.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    fn read(path: &Utf8Path, profile: ProfileName, unfit: &mut Vec<Unfit>) -> Result<Self, Error> {
        let mut checked = Self { profile, entries: BTreeMap::new() };
        let before = unfit.len();
        if own_directory(path, unfit)? {
            checked.walk(path, "", unfit)?;
        }
        if unfit.len() == before {
            for (script, needed) in [("run", true), ("log/run", checked.entries.contains_key("log"))] {
                if needed && !checked.entries.contains_key(script) {
                    let problem = "is missing, and a supervisor would try it again every minute".to_owned();
                    unfit.push(Unfit { path: path.join(script), problem, remedy: "render the tree again" });
                }
            }
        }
        Ok(checked)
    }

    fn walk(&mut self, root: &Utf8Path, below: &str, unfit: &mut Vec<Unfit>) -> Result<(), Error> {
        let directory = root.join(below);
        for entry in fs::read_dir(&directory).context("read", &directory)? {
            let name = entry.context("read", &directory)?.file_name();
            let name = name.to_string_lossy();
            let path = if below.is_empty() { name.to_string() } else { format!("{below}/{name}") };
            let full = root.join(&path);
            let metadata = fs::symlink_metadata(&full).context("read", &full)?;
            let mode = metadata.permissions().mode() & 0o7777;
            let free = FREE.contains(&path.split('/').next().unwrap_or_default());
            let known = FILES.iter().find(|(file, _)| *file == name && (below.is_empty() || below == "log"));
            let mut wrong = |problem: String, remedy| unfit.push(Unfit { path: full.clone(), problem, remedy });
            if metadata.is_dir() && SUPERVISORS.contains(&name.as_ref()) {
                wrong("was made by a supervisor".to_owned(), "render into a directory that is no scandir");
            } else if metadata.is_dir() && (free || path == "log") {
                if own(&full, &metadata, unfit) {
                    self.entries.insert(path.clone(), (mode, None));
                    self.walk(root, &path, unfit)?;
                }
            } else if !metadata.is_file() {
                let kind = if metadata.is_symlink() {
                    "a symlink"
                } else if metadata.is_dir() {
                    "a directory"
                } else {
                    "a fifo, socket or device"
                };
                wrong(format!("is {kind}, which no service directory of a gateway has"), "take it out of the tree");
            } else if !free && known.is_none() {
                wrong(format!("is no file of a service directory ({})", Shown(&name)), "take it out of the tree");
            } else if !free && known.is_some_and(|(_, executed)| *executed) && mode & 0o111 != 0o111 {
                wrong(format!("has mode {mode:04o} and cannot be executed"), "chmod 0755 it, or render the tree again");
            } else if own(&full, &metadata, unfit) {
                let content = fs::read(&full).context("read", &full)?;
                self.entries.insert(path, (mode, Some(content)));
            }
        }
        Ok(())
    }

    /// Writes it as a new directory.
    fn write(&self, to: &Utf8Path, disk: Disk) -> Result<(), Error> {
        let directory = |path: &Utf8Path| {
            fs::DirBuilder::new().mode(0o755).create(path).context("create", path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).context("set the mode of", path)
        };
        directory(to)?;
        for (path, (mode, content)) in &self.entries {
            let path = to.join(path);
            match content {
                None => directory(&path)?,
                Some(content) => disk.write_file(&path, *mode, content)?,
            }
        }
        let directories = self.entries.iter().filter(|(_, (_, content))| content.is_none());
        for path in directories.map(|(path, _)| to.join(path)).chain([to.to_owned()]) {
            disk.sync(&path)?;
        }
        Ok(())
    }

    /// Whether this is what is published at this path, but for what a supervisor makes there and for `down`, which an
    /// operator's start and stop remove and make.
    fn is_at(&self, path: &Utf8Path) -> Result<bool, Error> {
        let mut there = BTreeMap::new();
        published(path, "", &mut there)?;
        let lasting = |entries: &BTreeMap<String, (u32, Option<Vec<u8>>)>| {
            let entries = entries.iter().filter(|(path, _)| *path != "down");
            entries.map(|(path, entry)| (path.clone(), entry.clone())).collect::<Vec<_>>()
        };
        Ok(lasting(&there) == lasting(&self.entries))
    }

    /// Writes each file that differs beside the one it is to replace, inside the live directory: its inode is the working
    /// directory of its supervisor. Nothing has changed before [`Update::apply`].
    fn update(&self, path: &Utf8Path, disk: Disk) -> Result<Update, Error> {
        let mut there = BTreeMap::new();
        published(path, "", &mut there)?;
        let mut update = Update { directory: path.to_owned(), disk, renames: Vec::new(), removals: Vec::new() };
        for (name, (mode, content)) in &self.entries {
            let to = path.join(name);
            match (there.get(name), content) {
                (Some((old_mode, old)), new) if (old_mode, old) == (mode, new) => {}
                (_, Some(content)) if name != "down" => {
                    let temporary = to.with_file_name(format!("{STAGING}.{}", to.file_name().unwrap_or_default()));
                    remove(&temporary).context("remove", &temporary)?;
                    update.renames.push((temporary.clone(), to));
                    disk.write_file(&temporary, *mode, content)?;
                }
                (None, None) => fs::DirBuilder::new().mode(0o755).create(&to).context("create", &to)?,
                _ => {}
            }
        }
        let gone = there.keys().rev().filter(|name| *name != "down" && !self.entries.contains_key(*name));
        update.removals = gone.map(|name| path.join(name)).collect();
        Ok(update)
    }
}

/// What is left to do for a live directory whose new files lie ready beside the old ones. Dropped, it removes those that were
/// not put into place.
struct Update {
    directory: Utf8PathBuf,
    disk: Disk,
    renames: Vec<(Utf8PathBuf, Utf8PathBuf)>,
    removals: Vec<Utf8PathBuf>,
}

impl Update {
    fn apply(mut self) -> Result<(), Error> {
        while let Some((temporary, to)) = self.renames.last() {
            fs::rename(temporary, to).context("replace", to)?;
            self.renames.pop();
        }
        for path in &self.removals {
            remove(path).context("remove", path)?;
        }
        self.disk.sync(&self.directory)
    }
}

impl Drop for Update {
    fn drop(&mut self) {
        for (temporary, _) in &self.renames {
            let _ = remove(temporary);
        }
    }
}

/// What is at this path, without what a supervisor made.
fn published(root: &Utf8Path, below: &str, found: &mut BTreeMap<String, (u32, Option<Vec<u8>>)>) -> Result<(), Error> {
    let directory = root.join(below);
    for entry in fs::read_dir(&directory).context("read", &directory)? {
        let name = entry.context("read", &directory)?.file_name();
        let name = name.to_string_lossy();
        if SUPERVISORS.contains(&name.as_ref()) {
            continue;
        }
        let path = if below.is_empty() { name.to_string() } else { format!("{below}/{name}") };
        let full = root.join(&path);
        let metadata = fs::symlink_metadata(&full).context("read", &full)?;
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_dir() {
            found.insert(path.clone(), (mode, None));
            published(root, &path, found)?;
        } else {
            let content = if metadata.is_file() { fs::read(&full).context("read", &full)? } else { Vec::new() };
            found.insert(path, (mode, Some(content)));
        }
    }
    Ok(())
}

fn own_directory(path: &Utf8Path, unfit: &mut Vec<Unfit>) -> Result<bool, Error> {
    let metadata = fs::symlink_metadata(path).context("read", path)?;
    if metadata.is_dir() {
        return Ok(own(path, &metadata, unfit));
    }
    let problem = if metadata.is_symlink() { "is a symlink" } else { "is not a directory" };
    unfit.push(Unfit { path: path.to_owned(), problem: problem.to_owned(), remedy: "give the directory itself" });
    Ok(false)
}

/// Whether only root and this user can change it: who can write a service directory becomes root at its next start.
fn own(path: &Utf8Path, metadata: &fs::Metadata, unfit: &mut Vec<Unfit>) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    let mode = metadata.permissions().mode() & 0o7777;
    let problem = if metadata.uid() != uid && metadata.uid() != 0 {
        format!("belongs to user {}, who could change what runs as {uid}", metadata.uid())
    } else if mode & 0o022 != 0 {
        format!("has mode {mode:04o}, so others could change what runs")
    } else {
        return true;
    };
    unfit.push(Unfit { path: path.to_owned(), problem, remedy: "chown it to the one who installs and chmod go-w it" });
    false
}

/// Where things are written.
#[derive(Debug, Clone, Copy)]
struct Disk {
    /// Whether what is there outlives the machine, so that it has to be synced.
    lasts: bool,
}

impl Disk {
    fn of(scandir: &Scandir) -> Result<Self, Error> {
        Ok(Self { lasts: !scandir.is_in_memory()? })
    }

    fn write_file(self, path: &Utf8Path, mode: u32, content: &[u8]) -> Result<(), Error> {
        let mut file = File::create_new(path).context("create", path)?;
        file.set_permissions(fs::Permissions::from_mode(mode)).context("set the mode of", path)?;
        file.write_all(content).context("write", path)?;
        if self.lasts { file.sync_all().context("sync", path) } else { Ok(()) }
    }

    fn sync(self, directory: &Utf8Path) -> Result<(), Error> {
        if self.lasts {
            File::open(directory).and_then(|file| file.sync_all()).context("sync", directory)
        } else {
            Ok(())
        }
    }
}

/// What publishing does to a service directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It was not there before.
    Created,
    /// It was there, different, and its files were replaced; it runs on as it was until it is restarted.
    Updated,
    /// It was there as it is.
    Unchanged,
}

/// What publishing these would do, without doing it.
///
/// # Errors
/// [`Error::Registered`] for the first that is there and different, unless `update` is set.
pub fn plan(scandir: &Scandir, wanted: &[Checked], update: bool) -> Result<Vec<Published>, Error> {
    let mut plan = Vec::with_capacity(wanted.len());
    for checked in wanted {
        let path = scandir.path().join(checked.profile.service_name());
        plan.push(match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Published::Created,
            Err(error) => return Err(error).context("read", path),
            Ok(_) if !path.is_dir() => return Err(Error::InTheWay(path)),
            Ok(_) if checked.is_at(&path)? => Published::Unchanged,
            Ok(_) if update => Published::Updated,
            Ok(_) => return Err(Error::Registered { path, different: true }),
        });
    }
    Ok(plan)
}

/// Makes these service directories appear in the scandir, or change there: all, or none.
///
/// # Errors
/// Where one is there and different (see [`plan`]), where another run was faster, or where the operating system refuses a step.
/// New ones are taken back then.
pub fn publish(scandir: &Scandir, wanted: &[Checked], update: bool) -> Result<Vec<Published>, Error> {
    let _lock = scandir.lock()?;
    let staging = scandir.path().join(STAGING);
    remove(&staging).context("remove", &staging)?;
    let plan = plan(scandir, wanted, update)?;
    let disk = Disk::of(scandir)?;
    let those = |change| {
        let done = wanted.iter().zip(&plan).filter(move |(_, done)| **done == change);
        done.map(|(checked, _)| (checked, checked.profile.service_name()))
    };
    let mut placed = Placed { scandir: scandir.path(), staging: &staging, names: Vec::new() };
    if plan.contains(&Published::Created) {
        fs::DirBuilder::new().mode(0o700).create(&staging).context("create", &staging)?;
    }
    // Everything is written before anything is put into place: a full disk is found out while nothing has changed.
    for (checked, name) in those(Published::Created) {
        checked.write(&staging.join(name), disk)?;
    }
    let updates: Vec<Update> = those(Published::Updated)
        .map(|(checked, name)| checked.update(&scandir.path().join(name), disk))
        .collect::<Result<_, Error>>()?;
    for (_, name) in those(Published::Created) {
        placed.place(name)?;
    }
    if !placed.names.is_empty() {
        disk.sync(scandir.path())?;
    }
    for update in updates {
        update.apply()?;
    }
    placed.names.clear();
    Ok(plan)
}

/// What has been renamed into the scandir so far, and goes back unless it is cleared; with it goes the staging directory.
struct Placed<'a> {
    scandir: &'a Utf8Path,
    staging: &'a Utf8Path,
    names: Vec<String>,
}

impl Placed<'_> {
    fn place(&mut self, name: String) -> Result<(), Error> {
        let to = self.scandir.join(&name);
        match rename_new(&self.staging.join(&name), &to) {
            Ok(()) => self.names.push(name),
            Err(Errno::EXIST | Errno::NOTEMPTY) => return Err(Error::Registered { path: to, different: false }),
            Err(error) => return Err(error).context("create", to),
        }
        Ok(())
    }
}

impl Drop for Placed<'_> {
    fn drop(&mut self) {
        for name in self.names.drain(..) {
            let _ = rename_new(&self.scandir.join(&name), &self.staging.join(&name));
        }
        // What cannot be removed has a dot name, and goes with the next run.
        let _ = remove(self.staging);
    }
}

fn rename_new(from: &Utf8Path, to: &Utf8Path) -> Result<(), Errno> {
    rename(from, to, RenameFlags::NOREPLACE)
}

/// A service directory on its way out of a scandir: under a dot name, locked by who sees to it.
#[derive(Debug)]
pub(crate) struct Leaving {
    /// What it was called, for messages.
    pub(crate) name: String,
    /// The dot name, a directory or a symlink to one.
    pub(crate) path: Utf8PathBuf,
    /// Whether it is a symlink; then this is what it pointed to.
    pub(crate) target: Option<Utf8PathBuf>,
    _lock: File,
}

impl Leaving {
    /// Takes the service directory of this profile out of the scandir; `None` where there is none.
    pub(crate) fn take(scandir: &Scandir, profile: &ProfileName) -> Result<Option<Self>, Error> {
        let _lock = scandir.lock()?;
        let place = scandir.path().join(profile.service_name());
        let metadata = match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result.context("read", &place)?,
        };
        let target = if metadata.is_symlink() { place.canonicalize_utf8().ok() } else { None };
        if metadata.is_symlink() && target.is_none() {
            // A dangling one has no supervisor that a program could ask for.
            fs::remove_file(&place).context("remove", &place)?;
            return Ok(None);
        }
        let lock = File::open(&place).context("open", &place)?;
        lock.lock().context("lock", &place)?;
        let path = (0..u32::MAX)
            .map(|number| scandir.path().join(format!("{LEAVING}{}.{number}", std::process::id())))
            .find(|path| fs::symlink_metadata(path).is_err())
            .unwrap_or_default();
        rename_new(&place, &path).context("rename", &place)?;
        Ok(Some(Self { name: profile.service_name(), path, target, _lock: lock }))
    }

    /// Those that a killed run left. What it had only half written goes at once: whoever writes holds the lock.
    pub(crate) fn abandoned(scandir: &Scandir) -> Result<Vec<Self>, Error> {
        let _lock = scandir.lock()?;
        let mut found = Vec::new();
        for entry in scandir.path().read_dir_utf8().context("read", scandir.path())? {
            let path = entry.context("read", scandir.path())?.into_path();
            if path.file_name() == Some(STAGING) {
                remove(&path).context("remove", &path)?;
            }
            if !path.file_name().is_some_and(|name| name.starts_with(LEAVING)) {
                continue;
            }
            let Ok(lock) = File::open(&path) else {
                // A symlink whose directory is gone already.
                remove(&path).context("remove", &path)?;
                continue;
            };
            match lock.try_lock() {
                Ok(()) => {
                    let target = if path.is_symlink() { path.canonicalize_utf8().ok() } else { None };
                    let name = "what a killed gatewayctl left".to_owned();
                    found.push(Self { name, path, target, _lock: lock });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error).context("lock", path),
            }
        }
        Ok(found)
    }

    /// Deletes it, once no supervisor runs in it. What a symlink pointed to goes too where s6-overlay copied it from
    /// `/etc/services.d`; elsewhere it is its owner's.
    pub(crate) fn delete(self) -> Result<(), Error> {
        remove(&self.path).context("remove", &self.path)?;
        match &self.target {
            Some(target) if target.parent().and_then(Utf8Path::file_name) == Some("legacy-services") => {
                remove(target).context("remove", target)
            }
            _ => Ok(()),
        }
    }
}
