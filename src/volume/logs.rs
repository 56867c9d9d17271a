//! The log of a service: what s6-log keeps in one directory. The service user owns it, and may put anything in its place: so it is read by
//! descriptor, through no symlink, only from regular files of that user, and never more of them than is to be shown.

use std::fs::File;
use std::io;

use rustix::fs::{FileType, Stat};

use super::error::VolumeError;
use super::home::Volume;
use super::log_file::{archived, label, last};
use super::shown::Shown;
use crate::base::text::reason;
use crate::disk::Dir;
use crate::spec::ServiceName;

/// The file that s6-log writes to.
pub(super) const CURRENT: &str = "current";

/// What s6-log calls the file that it wrote to last, until that has a name of its own.
pub(super) const PREVIOUS: &str = "previous";

/// The most entries of a log directory that are looked at: twice as many as s6-log is told to keep (`--log-files`).
const MOST_FILES: usize = 20_000;

/// A directory of s6-log: `current`, and older files named `@TIME.s` or `@TIME.u`, whose names sort by time
/// (<https://skarnet.org/software/s6/s6-log.html>). A rotation is four steps: `current` becomes `previous`, there is a new `current`,
/// `previous` gets a second name, and loses the first. Whoever looks can see the directory between any two of them.
#[derive(Debug)]
pub(crate) struct LogDir {
    shown: Shown,
    directory: Dir,
    /// Whose files are read; anybody's if this user is not root and can only read what it may.
    owner: Option<u32>,
}

impl LogDir {
    /// The log of this service on this volume, of which the files of this user are read.
    ///
    /// # Errors
    /// If it has none of its own, if there is none, or something else is in its place.
    pub(crate) fn open(volume: &Volume, service: &ServiceName, owner: Option<u32>) -> Result<Self, VolumeError> {
        let below = service.logs().ok_or_else(|| VolumeError::NoLog(service.clone()))?;
        let shown = volume.shown(&below);
        match volume.home().dir(&below) {
            Ok(directory) => Ok(Self { shown, directory, owner }),
            // What somebody looks for is the file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = volume.shown(&format!("{below}/{CURRENT}"));
                Err(VolumeError::Log { path, problem: reason(&error) })
            }
            Err(error) => Err(VolumeError::Log { path: shown, problem: reason(&error) }),
        }
    }

    pub(super) fn wrong(&self, name: &str, problem: String) -> VolumeError {
        let path = if name.is_empty() { self.shown.clone() } else { Shown(format!("{}/{name}", self.shown)) };
        VolumeError::Log { path, problem }
    }

    pub(super) fn file(&self, name: &str) -> Result<File, VolumeError> {
        let (file, stat) = self.directory.file(name).map_err(|error| self.wrong(name, reason(&error)))?;
        self.owned(name, file, &stat)
    }

    /// The file that s6-log writes to, or did a moment ago.
    fn newest(&self) -> Result<File, VolumeError> {
        for name in [CURRENT, PREVIOUS] {
            match self.directory.file(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.wrong(name, reason(&error))),
                Ok((file, stat)) => return self.owned(name, file, &stat),
            }
        }
        // If the one has been made and the other named since.
        self.file(CURRENT)
    }

    fn owned(&self, name: &str, file: File, stat: &Stat) -> Result<File, VolumeError> {
        match self.owner {
            Some(owner) if stat.st_uid != owner => {
                let problem = format!("it belongs to user {}, not to the user of the gateway, {owner}", stat.st_uid);
                Err(self.wrong(name, problem))
            }
            _ => Ok(file),
        }
    }

    /// The parts of older files that belong to this past, the oldest first, and the part of the current file.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(super) fn past(&self, past: Past, most: u64) -> Result<(Vec<Part>, Current), VolumeError> {
        let read = |error: io::Error| self.wrong(CURRENT, reason(&error));
        let file = self.newest()?;
        // What comes from now on is for `Tail::next`: a file that grows as fast as it is read would never end.
        let end = file.metadata().map_err(read)?.len();
        let first = end.saturating_sub(most);
        let (begin, mut missing) = match past {
            Past::Current => (first, 0),
            Past::Lines(lines) => last(&file, first, end, lines).map_err(read)?,
            Past::Since(_) => (first, usize::MAX),
        };
        let oldest = if let Past::Since(since) = past { since.map(label) } else { None };
        let mut left = most - (end - begin);
        let mut older: Vec<Part> = Vec::new();
        if missing > 0 {
            for name in self.older_than(&file)? {
                // What was closed before that time has no line of a later one.
                if missing == 0
                    || left == 0
                    || oldest.as_ref().is_some_and(|oldest| name.starts_with('@') && name < *oldest)
                {
                    break;
                }
                // s6-log may have deleted it meanwhile.
                let Ok(file) = self.file(&name) else { break };
                let failed = |error: io::Error| self.wrong(&name, reason(&error));
                let end = file.metadata().map_err(failed)?.len();
                let (begin, still) = last(&file, end.saturating_sub(left), end, missing).map_err(failed)?;
                missing = still;
                left -= end - begin;
                older.push(Part { name, begin, end });
            }
        }
        older.reverse();
        Ok((older, Current { file, at: begin, end }))
    }

    /// What the directory holds, from the oldest file to the one that is written to, each once. It is looked at in the order in which
    /// s6-log names a file anew: so none is missed, however many rotations there are meanwhile.
    fn files(&self) -> Result<Vec<(String, Id)>, VolumeError> {
        let wrong = |error: io::Error| self.wrong("", reason(&error));
        let look = |name: String| self.directory.stat(&name).ok().map(|stat| (name, id(&stat)));
        let [current, previous] = [CURRENT, PREVIOUS].map(|name| look(name.to_owned()));
        let (names, more) = self.directory.names(MOST_FILES).map_err(wrong)?;
        if more {
            let problem = format!("it holds more than {MOST_FILES} files, which s6-log does not keep");
            return Err(self.wrong("", problem));
        }
        let mut names: Vec<String> = names.into_iter().filter_map(|name| archived(&name)).collect();
        names.sort_unstable();
        let mut files: Vec<(String, Id)> = names.into_iter().filter_map(look).collect();
        for newer in [previous, current].into_iter().flatten() {
            if files.iter().all(|(_, id)| *id != newer.1) {
                files.push(newer);
            }
        }
        Ok(files)
    }

    /// How large what it holds is, in bytes; `None` if it holds more than `most` entries, or cannot be read. What is no file has no size.
    pub(crate) fn size(&self, most: usize) -> Option<u64> {
        let (names, more) = self.directory.names(most).ok()?;
        if more {
            return None;
        }
        let stats = names.iter().filter_map(|name| self.directory.stat(std::str::from_utf8(name).ok()?).ok());
        let files = stats.filter(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
        Some(files.fold(0, |sum: u64, stat| sum.saturating_add(u64::try_from(stat.st_size).unwrap_or_default())))
    }

    /// The names of the files that are older than this one, the newest first.
    fn older_than(&self, file: &File) -> Result<impl Iterator<Item = String> + use<>, VolumeError> {
        let open = self.id(file)?;
        let newest_first = self.files()?.into_iter().rev();
        Ok(newest_first.skip_while(move |(_, id)| *id != open).skip(1).map(|(name, _)| name))
    }

    fn id(&self, file: &File) -> Result<Id, VolumeError> {
        rustix::fs::fstat(file).map(|stat| id(&stat)).map_err(|error| self.wrong("", reason(&error.into())))
    }

    /// What comes after this file.
    pub(super) fn after(&self, file: &File) -> Result<Next, VolumeError> {
        let open = self.id(file)?;
        if self.directory.stat(CURRENT).is_ok_and(|stat| id(&stat) == open) {
            return Ok(Next::None);
        }
        let files = self.files()?;
        let Some(place) = files.iter().rposition(|(_, id)| *id == open) else { return Ok(Next::Unknown) };
        let Some((name, id)) = files.get(place + 1) else { return Ok(Next::None) };
        match self.file(name) {
            // s6-log gives names to other files while this looks. The next round knows the new name.
            Ok(next) if self.id(&next)? == *id => Ok(Next::File(next)),
            _ => Ok(Next::None),
        }
    }

    /// The oldest file that is still there.
    pub(super) fn oldest(&self) -> Result<File, VolumeError> {
        let first = self.files()?.into_iter().next();
        self.file(first.as_ref().map_or(CURRENT, |(name, _)| name))
    }
}

/// What tells a file from any other that is there at the same time: its device and its inode.
type Id = (u64, u64);

fn id(stat: &Stat) -> Id {
    (stat.st_dev, stat.st_ino)
}

/// How much of what is there is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Past {
    /// The file that s6-log writes to.
    Current,
    /// The last so many lines, from older files too.
    Lines(usize),
    /// All files that can have a line from after this time, in seconds since 1970; without a time, all files.
    Since(Option<i64>),
}

/// A part of an older file, in bytes from its beginning.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// The file that s6-log writes to: what is between `at` and `end` belongs to the past, in bytes from its beginning.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) file: File,
    pub(super) at: u64,
    pub(super) end: u64,
}

/// What comes after a file in a log directory.
#[derive(Debug)]
pub(super) enum Next {
    /// This one, younger.
    File(File),
    /// None: it is the current one.
    None,
    /// It is not there itself any more.
    Unknown,
}
