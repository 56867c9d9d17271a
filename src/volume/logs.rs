//! The log of a service: the files of s6-log in one directory. The service user owns them, and may put anything in their place. So they are read by
//! descriptor, through no symlink, and only if they are regular files of that user. No more is read than is shown.

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

/// The name that s6-log gives to its previous file until the file has its own name.
pub(super) const PREVIOUS: &str = "previous";

/// The most entries of a log directory that are looked at. This is twice the most that s6-log may be told to keep (`--log-files`).
const MOST_FILES: usize = 20_000;

/// A directory of s6-log: `current`, and older files named `@TIME.s` or `@TIME.u`, whose names sort by time
/// (<https://skarnet.org/software/s6/s6-log.html>). A rotation has four steps: `current` becomes `previous`, a new `current` appears, `previous` gets
/// a second name, and loses the first. A reader can see the directory between any two steps.
#[derive(Debug)]
pub(crate) struct LogDir {
    shown: Shown,
    directory: Dir,
    /// The owner of the files that are read. `None` if this user is not root and can read only what it may.
    owner: Option<u32>,
}

impl LogDir {
    /// The log of this service on this volume. Only the files of this user are read.
    ///
    /// # Errors
    /// If the service has no log file, if the log does not exist, or if something else is in its place.
    pub(crate) fn open(volume: &Volume, service: &ServiceName, owner: Option<u32>) -> Result<Self, VolumeError> {
        let below = service.logs().ok_or_else(|| VolumeError::NoLog(service.clone()))?;
        let shown = volume.shown(&below);
        match volume.home().dir(&below) {
            Ok(directory) => Ok(Self { shown, directory, owner }),
            // People look for the file, so the error names the file.
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

    /// The file to which s6-log writes, or wrote a moment ago.
    fn newest(&self) -> Result<File, VolumeError> {
        for name in [CURRENT, PREVIOUS] {
            match self.directory.file(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.wrong(name, reason(&error))),
                Ok((file, stat)) => return self.owned(name, file, &stat),
            }
        }
        // By now, a new file has this name, and the old one has another.
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
        // `Tail::next` reads what comes from now on. Otherwise, the end of a file that grows as fast as it is read would never come.
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
                // A file that was closed before that time has no later line.
                if missing == 0
                    || left == 0
                    || oldest.as_ref().is_some_and(|oldest| name.starts_with('@') && name < *oldest)
                {
                    break;
                }
                // s6-log may have deleted it in the meantime.
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

    /// The files in the directory, from the oldest to the one that is written to, each once. The directory is read in the order in which s6-log
    /// renames a file. So none is missed, however many rotations happen in the meantime.
    fn files(&self) -> Result<Vec<(String, Id)>, VolumeError> {
        let wrong = |error: io::Error| self.wrong("", reason(&error));
        let look = |name: String| self.directory.stat(&name).ok().map(|stat| (name, id(&stat)));
        let [current, previous] = [CURRENT, PREVIOUS].map(|name| look(name.to_owned()));
        let (names, more) = self.directory.names(MOST_FILES).map_err(wrong)?;
        if more {
            let problem = format!("it holds more than {MOST_FILES} files, and s6-log never keeps so many");
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

    /// The size of its files, in bytes; `None` if it holds more than `most` entries, or cannot be read. An entry that is not a file has no size.
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
            // s6-log renames files during this look. The next round knows the new name.
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

/// The device and inode of a file, which differ from those of every other file that exists at the same time.
type Id = (u64, u64);

fn id(stat: &Stat) -> Id {
    (stat.st_dev, stat.st_ino)
}

/// Which part of the existing text is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Past {
    /// The file that s6-log writes to.
    Current,
    /// The last lines, this many of them, also from older files.
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

/// The file that s6-log writes to. The bytes between `at` and `end`, counted from its beginning, belong to the past.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) file: File,
    pub(super) at: u64,
    pub(super) end: u64,
}

/// What comes after a file in a log directory.
#[derive(Debug)]
pub(super) enum Next {
    /// This younger file.
    File(File),
    /// None, because it is the current file.
    None,
    /// Unknown, because the file itself is not there any more.
    Unknown,
}
