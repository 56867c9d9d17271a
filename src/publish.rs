//! Publishing: staging tree to scandir, atomic and durable; and the way back.
//!
//! A service directory is copied into a dot-named sibling in the scandir, `.gatewayctl.tmp`, synced unless the scandir is on a
//! tmpfs, and renamed with `RENAME_NOREPLACE`: whoever looks sees all of it or nothing, and of two who want one name one wins.
//! A lock on the scandir keeps two runs from sharing `.gatewayctl.tmp`. What leaves goes the other way (`leaving.rs`).

#![expect(clippy::disallowed_methods, reason = "the scandir, which is nobody else's")]

use std::fs;
use std::io::{self, Read as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FileType, RenameFlags, Stat};
use rustix::io::Errno;
use thiserror::Error;

use crate::dir::{Dir, is_distrusted};
use crate::disk::{Disk, ExactModes, chmod, rename};
use crate::error::{Context as _, Error, Shown, reason};
use crate::profile::ProfileName;
use crate::s6::{Patience, Scandir};
use crate::service_dir::ServiceDir;
use crate::update::{self, CONTENT_MAX, Entries, STAGING, SUPERVISORS, Update, lasting, published};

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

/// The most entries of a staging tree, or of a directory in it, that are looked at: 20 times what an s6-svscan takes.
const MOST_ENTRIES: usize = 20_000;

/// The directories whose content s6 promises never to look at.
const FREE: [&str; 2] = ["data", "env"];

/// A service directory that has been checked: only files that it may have, the scripts executable, no symlinks, nothing that
/// somebody else owns or may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    profile: ProfileName,
    entries: Entries,
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
    // From here on everything is reached by descriptor, from a directory that nobody else can put another one in the place of.
    let directory = match Dir::open_own(tree) {
        Ok(directory) => directory,
        Err(error) if !is_distrusted(&error) => return Err(error).context("read", tree),
        Err(error) => {
            let problem = format!("is no place to install from: {}", reason(&error));
            let remedy = "copy it to where only root can write, and install that";
            return Err(Error::Unfit(vec![Unfit { path: tree.to_owned(), problem, remedy }]));
        }
    };
    for name in names(&directory).context("read", tree)? {
        let path = tree.join(&name);
        match ProfileName::of_service(&name) {
            Some(profile) => found.push(Checked::read(&directory, &name, &path, profile, &mut unfit)?),
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
        let mut entries = Entries::from([("log".to_owned(), (0o755, None))]);
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

    fn read(
        tree: &Dir,
        name: &str,
        path: &Utf8Path,
        profile: ProfileName,
        unfit: &mut Vec<Unfit>,
    ) -> Result<Self, Error> {
        let mut checked = Self { profile, entries: Entries::new() };
        let before = unfit.len();
        if let Some(directory) = own_directory(tree, name, path, unfit)? {
            checked.walk(&directory, path, "", unfit)?;
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

    fn walk(&mut self, directory: &Dir, root: &Utf8Path, below: &str, unfit: &mut Vec<Unfit>) -> Result<(), Error> {
        for name in names(directory).context("read", root.join(below))? {
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let full = root.join(&path);
            let stat = directory.stat(&name).context("read", &full)?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            let mode = stat.st_mode & 0o7777;
            let free = FREE.contains(&path.split('/').next().unwrap_or_default());
            let known = FILES.iter().find(|(file, _)| *file == name && (below.is_empty() || below == "log"));
            let mut wrong = |problem: String, remedy| unfit.push(Unfit { path: full.clone(), problem, remedy });
            if kind.is_dir() && SUPERVISORS.contains(&name.as_str()) {
                wrong("was made by a supervisor".to_owned(), "render into a directory that is no scandir");
            } else if kind.is_dir() && (free || path == "log") {
                if let Some(inner) = own_directory(directory, &name, &full, unfit)? {
                    self.entries.insert(path.clone(), (mode, None));
                    self.walk(&inner, root, &path, unfit)?;
                }
            } else if !kind.is_file() {
                let kind = if kind.is_symlink() {
                    "a symlink"
                } else if kind.is_dir() {
                    "a directory"
                } else {
                    "a fifo, socket or device"
                };
                wrong(format!("is {kind}, which no service directory of a gateway has"), "take it out of the tree");
            } else if !free && known.is_none() {
                wrong(format!("is no file of a service directory ({})", Shown(&name)), "take it out of the tree");
            } else if !free && known.is_some_and(|(_, executed)| *executed) && mode & 0o111 != 0o111 {
                wrong(format!("has mode {mode:04o} and cannot be executed"), "chmod 0755 it, or render the tree again");
            } else {
                // What was opened is what is looked at, whatever has its name by now.
                let (file, stat) = directory.file(&name).context("read", &full)?;
                if own(&full, &stat, unfit) {
                    let mut content = Vec::new();
                    file.take(CONTENT_MAX + 1).read_to_end(&mut content).context("read", &full)?;
                    if content.len() as u64 > CONTENT_MAX {
                        let problem = "is larger than 16 MiB, which no file of a gateway is".to_owned();
                        unfit.push(Unfit { path: full, problem, remedy: "take it out of the tree" });
                    } else {
                        self.entries.insert(path, (stat.st_mode & 0o7777, Some(content)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes it as a new directory.
    fn write(&self, to: &Utf8Path, disk: Disk, exact: &ExactModes) -> Result<(), Error> {
        exact.make(to, 0o755)?;
        for (path, (mode, content)) in &self.entries {
            let path = to.join(path);
            match content {
                None => exact.make(&path, *mode)?,
                Some(content) => disk.write_file(&path, *mode, content, exact)?,
            }
        }
        let directories = self.entries.iter().filter(|(_, (_, content))| content.is_none());
        for path in directories.map(|(path, _)| to.join(path)).chain([to.to_owned()]) {
            disk.sync(&path)?;
        }
        Ok(())
    }

    /// Whether this is what a published directory holds, but for `down`, which an operator's start and stop remove and make.
    fn is(&self, there: &Entries) -> bool {
        lasting(there).eq(lasting(&self.entries))
    }
}

/// The names in a directory, sorted; those that are not UTF-8 are shown as well as they can be, and are no file of ours.
fn names(directory: &Dir) -> io::Result<Vec<String>> {
    let (names, more) = directory.names(MOST_ENTRIES)?;
    if more {
        return Err(io::Error::other(format!("it holds more than {MOST_ENTRIES} entries")));
    }
    let mut names: Vec<String> = names.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

fn own_directory(parent: &Dir, name: &str, path: &Utf8Path, unfit: &mut Vec<Unfit>) -> Result<Option<Dir>, Error> {
    let kind = FileType::from_raw_mode(parent.stat(name).context("read", path)?.st_mode);
    if kind.is_dir() {
        let directory = parent.dir(name).context("open", path)?;
        let stat = rustix::fs::fstat(&directory).context("read", path)?;
        return Ok(own(path, &stat, unfit).then_some(directory));
    }
    let problem = if kind.is_symlink() { "is a symlink" } else { "is not a directory" };
    unfit.push(Unfit { path: path.to_owned(), problem: problem.to_owned(), remedy: "give the directory itself" });
    Ok(None)
}

/// Whether only root and this user can change it: who can write a service directory becomes root at its next start.
fn own(path: &Utf8Path, stat: &Stat, unfit: &mut Vec<Unfit>) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    let mode = stat.st_mode & 0o7777;
    let problem = if stat.st_uid != uid && stat.st_uid != 0 {
        format!("belongs to user {}, who could change what runs as {uid}", stat.st_uid)
    } else if mode & 0o022 != 0 {
        format!("has mode {mode:04o}, so others could change what runs")
    } else {
        return true;
    };
    unfit.push(Unfit { path: path.to_owned(), problem, remedy: "chown it to the one who installs and chmod go-w it" });
    false
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
    Ok(survey(scandir, wanted, update)?.into_iter().map(|(change, _)| change).collect())
}

/// As [`plan`], with what those hold that are to be updated.
fn survey(scandir: &Scandir, wanted: &[Checked], update: bool) -> Result<Vec<(Published, Entries)>, Error> {
    let mut plan = Vec::with_capacity(wanted.len());
    for checked in wanted {
        let path = scandir.path().join(checked.profile.service_name());
        plan.push(match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Published::Created, Entries::new()),
            Err(error) => return Err(error).context("read", path),
            Ok(_) if !path.is_dir() => return Err(Error::InTheWay(path)),
            Ok(_) => {
                let there = published(&path)?;
                if checked.is(&there) {
                    (Published::Unchanged, Entries::new())
                } else if update {
                    changeable(&path)?;
                    (Published::Updated, there)
                } else {
                    return Err(Error::Registered { path, different: true });
                }
            }
        });
    }
    Ok(plan)
}

/// Whether root can change the files of a published directory one by one: whoever else can would lead it elsewhere.
fn changeable(path: &Utf8Path) -> Result<(), Error> {
    match Dir::open_own(path) {
        Ok(_) => Ok(()),
        Err(error) if !is_distrusted(&error) => Err(error).context("read", path),
        Err(error) => Err(Error::Unfit(vec![Unfit {
            path: path.to_owned(),
            problem: format!("cannot be updated: {}", reason(&error)),
            remedy: "unregister it, and install it again",
        }])),
    }
}

/// What a publication did.
#[derive(Debug)]
pub(crate) struct Done {
    /// What happened to each, in the order given.
    pub(crate) changes: Vec<Published>,
    /// What those that were updated were before.
    previous: Vec<Checked>,
}

/// Makes these service directories appear in the scandir, or change there: all, or none.
///
/// # Errors
/// Where one is there and different (see [`plan`]), where another run was faster, where the operating system refuses a step, and if a
/// signal comes. What was done is taken back then.
pub(crate) fn publish(
    scandir: &Scandir,
    wanted: &[Checked],
    update: bool,
    patience: Patience<'_, '_>,
) -> Result<Done, Error> {
    let _lock = scandir.lock(patience)?;
    clear(scandir, patience)?;
    publish_alone(scandir, wanted, update, patience)
}

/// Gives service directories that were updated what they held before, unless they hold something else than what was published by now.
///
/// # Errors
/// As [`publish`].
pub(crate) fn put_back(
    scandir: &Scandir,
    wanted: &[Checked],
    done: &Done,
    patience: Patience<'_, '_>,
) -> Result<(), Error> {
    if done.previous.is_empty() {
        return Ok(());
    }
    let _lock = scandir.lock(patience)?;
    clear(scandir, patience)?;
    let mut older = Vec::with_capacity(done.previous.len());
    for previous in &done.previous {
        let path = scandir.path().join(previous.profile.service_name());
        let own = wanted.iter().find(|checked| checked.profile == previous.profile);
        if let Some(own) = own
            && path.is_dir()
            && own.is(&published(&path)?)
        {
            older.push(previous.clone());
        }
    }
    publish_alone(scandir, &older, true, patience).map(drop)
}

/// Takes back what a killed run had not made final, says so, and removes what it left. Only for who holds the lock.
///
/// # Errors
/// If that cannot be done.
pub(crate) fn clear(scandir: &Scandir, patience: Patience<'_, '_>) -> Result<(), Error> {
    let taken_back = update::clear(scandir.path(), disk_of(scandir)?)?;
    if !taken_back.is_empty() {
        let what = format!(
            "an install --update that was killed is taken back: {}; install again what was to be there",
            taken_back.join(", ")
        );
        patience.observer.borrow_mut().warning(&what);
    }
    Ok(())
}

fn disk_of(scandir: &Scandir) -> Result<Disk, Error> {
    Ok(Disk { lasts: !scandir.is_in_memory()? })
}

fn publish_alone(
    scandir: &Scandir,
    wanted: &[Checked],
    update: bool,
    patience: Patience<'_, '_>,
) -> Result<Done, Error> {
    let (changes, there): (Vec<Published>, Vec<Entries>) = survey(scandir, wanted, update)?.into_iter().unzip();
    let disk = disk_of(scandir)?;
    let those = |change| {
        let done = wanted.iter().zip(&changes).filter(move |(_, done)| **done == change);
        done.map(|(checked, _)| (checked.profile.service_name(), checked))
    };
    if changes.iter().all(|change| *change == Published::Unchanged) {
        return Ok(Done { changes, previous: Vec::new() });
    }
    let staging = scandir.path().join(STAGING);
    let mut placed = Placed { scandir: scandir.path(), staging: &staging, disk, names: Vec::new() };
    let exact = ExactModes::begin();
    exact.make(&staging, 0o700)?;
    // In a set-gid scandir it is set-gid, too; what is made in it is not to be.
    chmod(&staging, 0o700)?;
    // Everything is written before anything is put into place: a full disk is found out while nothing has changed.
    for (name, checked) in those(Published::Created) {
        checked.write(&staging.join(name), disk, &exact)?;
    }
    let before = there.into_iter().zip(&changes).filter(|(_, change)| **change == Published::Updated);
    let updates =
        those(Published::Updated).zip(before).map(|((name, checked), (before, _))| (name, before, &checked.entries));
    let update = Update::prepare(scandir.path(), disk, updates.collect(), &exact)?;
    for (name, _) in those(Published::Created) {
        placed.place(name)?;
    }
    if !placed.names.is_empty() {
        disk.sync(scandir.path())?;
    }
    update.apply()?;
    // The last moment at which all can be taken back at once.
    patience.heed()?;
    let before = update.commit()?;
    placed.names.clear();
    let previous = those(Published::Updated)
        .zip(before)
        .map(|((_, checked), entries)| Checked { profile: checked.profile.clone(), entries })
        .collect();
    Ok(Done { changes, previous })
}

/// What has been renamed into the scandir so far, and goes back unless it is cleared. With it goes the staging directory, once what was
/// updated and is not final is taken back.
struct Placed<'a> {
    scandir: &'a Utf8Path,
    staging: &'a Utf8Path,
    disk: Disk,
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
        // What cannot be done has a dot name, and is for the next run.
        let _ = update::clear(self.scandir, self.disk);
    }
}

pub(crate) fn rename_new(from: &Utf8Path, to: &Utf8Path) -> Result<(), Errno> {
    rename(from, to, RenameFlags::NOREPLACE)
}
