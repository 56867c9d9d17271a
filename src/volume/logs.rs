//! The log of a service: what s6-log keeps in one directory. The service user owns it, and may put anything in its place: so it is read by
//! descriptor, through no symlink, only from regular files of that user, and never more of them than is to be shown.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};
use std::thread;
use std::time::Duration;

use rustix::fs::{FileType, Stat};

use super::error::VolumeError;
use super::home::Volume;
use super::log_file::{archived, copy, last};
use super::shown::Shown;
use crate::base::text::reason;
use crate::disk::Dir;
use crate::spec::ServiceName;

/// The file that s6-log writes to.
const CURRENT: &str = "current";

/// What s6-log calls the file that it wrote to last, until that has a name of its own.
const PREVIOUS: &str = "previous";

/// The most that is shown at once, in bytes: the largest file that s6-log is told to write (`--log-size`).
const MOST_SHOWN: u64 = 256 << 20;

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

    fn wrong(&self, name: &str, problem: String) -> VolumeError {
        let path = if name.is_empty() { self.shown.clone() } else { Shown(format!("{}/{name}", self.shown)) };
        VolumeError::Log { path, problem }
    }

    fn file(&self, name: &str) -> Result<File, VolumeError> {
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

    /// Writes the last `lines` lines, of older files too if `current` has not as many; without a number, all of `current`. Of what is
    /// longer than 256 MiB, its end. Gives the current file, at the place up to which it was shown.
    ///
    /// # Errors
    /// If a file cannot be read, or `out` not be written.
    pub(crate) fn show(&self, lines: Option<usize>, out: &mut dyn Write) -> Result<File, VolumeError> {
        self.write(lines, MOST_SHOWN, out)
    }

    /// The end of the log: the last `lines` lines, and no more than 64 KiB of them.
    pub(crate) fn end(&self, lines: usize) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        self.write(Some(lines), 64 << 10, &mut text).ok()?;
        Some(text)
    }

    fn write(&self, lines: Option<usize>, most: u64, out: &mut dyn Write) -> Result<File, VolumeError> {
        let read = |error: io::Error| self.wrong(CURRENT, reason(&error));
        let mut current = self.newest()?;
        // What comes while this is written is for `follow`: a file that grows as fast as it is read would never end.
        let end = current.metadata().map_err(read)?.len();
        let first = end.saturating_sub(most);
        let Some(lines) = lines else {
            copy(&current, first, end, out, |error| self.wrong(CURRENT, reason(&error)))?;
            current.seek(SeekFrom::Start(end)).map_err(read)?;
            return Ok(current);
        };
        let (begin, mut missing) = last(&current, first, end, lines).map_err(read)?;
        let mut left = most - (end - begin);
        let mut older: Vec<(String, u64, u64)> = Vec::new();
        if missing > 0 {
            for name in self.older_than(&current)? {
                if missing == 0 || left == 0 {
                    break;
                }
                // s6-log may have deleted it meanwhile.
                let Ok(file) = self.file(&name) else { break };
                let failed = |error: io::Error| self.wrong(&name, reason(&error));
                let end = file.metadata().map_err(failed)?.len();
                let (begin, still) = last(&file, end.saturating_sub(left), end, missing).map_err(failed)?;
                missing = still;
                left -= end - begin;
                older.push((name, begin, end));
            }
        }
        // Opened anew, as there may be more of them than can be open at once.
        for (name, begin, end) in older.iter().rev() {
            let Ok(file) = self.file(name) else { continue };
            copy(&file, *begin, *end, out, |error| self.wrong(name, reason(&error)))?;
        }
        copy(&current, begin, end, out, |error| self.wrong(CURRENT, reason(&error)))?;
        current.seek(SeekFrom::Start(end)).map_err(read)?;
        Ok(current)
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

    /// Writes what comes after the place at which this file is, across rotations, until `out` takes no more.
    ///
    /// # Errors
    /// If the file cannot be read; and always if `out` cannot be written any more.
    pub(crate) fn follow(&self, mut file: File, out: &mut dyn Write) -> Result<(), VolumeError> {
        const LOOK_EVERY: Duration = Duration::from_millis(100);
        let mut missing = 0;
        loop {
            let next = self.after(&file)?;
            // What was written before a rotation is read from the file that is open, before the next one is.
            self.copy_all(&mut file, out)?;
            match next {
                Next::File(next) => {
                    file = next;
                    missing = 0;
                }
                // It has been deleted. On some file systems of a network, a list of names is behind for a moment.
                Next::Unknown if missing >= 2 => {
                    file = self.oldest()?;
                    missing = 0;
                }
                Next::Unknown => {
                    missing += 1;
                    thread::sleep(LOOK_EVERY);
                }
                Next::None => thread::sleep(LOOK_EVERY),
            }
        }
    }

    /// Writes what is between the place at which a file is and its end.
    fn copy_all(&self, file: &mut File, out: &mut dyn Write) -> Result<(), VolumeError> {
        let wrong = |error: io::Error| self.wrong("", reason(&error));
        let begin = file.stream_position().map_err(wrong)?;
        let end = file.metadata().map_err(wrong)?.len();
        if end > begin {
            copy(file, begin, end, out, wrong)?;
            file.seek(SeekFrom::Start(end)).map_err(wrong)?;
        }
        Ok(())
    }

    fn after(&self, file: &File) -> Result<Next, VolumeError> {
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

    fn oldest(&self) -> Result<File, VolumeError> {
        let first = self.files()?.into_iter().next();
        self.file(first.as_ref().map_or(CURRENT, |(name, _)| name))
    }
}

/// What tells a file from any other that is there at the same time: its device and its inode.
type Id = (u64, u64);

fn id(stat: &Stat) -> Id {
    (stat.st_dev, stat.st_ino)
}

/// What comes after a file in a log directory.
enum Next {
    /// This one, younger.
    File(File),
    /// None: it is the current one.
    None,
    /// It is not there itself any more.
    Unknown,
}

#[cfg(test)]
mod tests;
