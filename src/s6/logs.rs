//! The log of a gateway: what s6-log keeps in one directory.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::MetadataExt as _;
use std::thread;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::{LiveService, Programs};
use crate::error::{Context as _, Error};

/// A directory of s6-log: `current`, and older files named `@TIME.s` or `@TIME.u`, whose names sort by time
/// (<https://skarnet.org/software/s6/s6-log.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDir(Utf8PathBuf);

impl LogDir {
    /// The log directory of a gateway: the one that its logger writes to, if that runs and can be asked; else the one that its
    /// script would take, by the `HERMES_HOME` of the container.
    pub fn of(service: &LiveService, programs: &Programs) -> Self {
        Self::of_logger(service, programs).unwrap_or_else(|| {
            Self(crate::container::hermes_home().join("logs/gateways").join(service.profile().as_str()))
        })
    }

    fn of_logger(service: &LiveService, programs: &Programs) -> Option<Self> {
        let logger = LiveService::anonymous(&service.path().join("log"));
        let pid = logger.status(programs).ok()?.pid?;
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = words.split(|&byte| byte == 0);
        // While it waits for a lock it is not s6-log yet.
        words.next().filter(|program| program.ends_with(b"s6-log"))?;
        let last = words.rfind(|word| word.starts_with(b"/"))?;
        Some(Self(Utf8PathBuf::from(std::str::from_utf8(last).ok()?)))
    }

    /// Its path.
    pub fn path(&self) -> &Utf8Path {
        &self.0
    }

    /// Writes the last `lines` lines, of older files too where `current` has not as many; without a number, all of `current`.
    /// Gives that file, at the place up to which it was shown.
    ///
    /// # Errors
    /// Where a file cannot be read, or `out` not be written.
    pub fn show(&self, lines: Option<usize>, out: &mut dyn Write) -> Result<File, Error> {
        let current = self.0.join("current");
        let mut file = File::open(&current).context("read", &current)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).context("read", &current)?;
        if let Some(lines) = lines {
            for older in self.older()? {
                if count(&text) >= lines {
                    break;
                }
                // s6-log may have deleted it meanwhile.
                let Ok(mut before) = fs::read(&older) else { break };
                before.append(&mut text);
                text = before;
            }
            text.drain(..start_of_last(&text, lines));
        }
        out.write_all(&text).and_then(|()| out.flush()).map_err(Error::Output)?;
        Ok(file)
    }

    /// The older files, the newest first.
    fn older(&self) -> Result<Vec<Utf8PathBuf>, Error> {
        let mut names = Vec::new();
        for entry in self.0.read_dir_utf8().context("read", &self.0)? {
            let path = entry.context("read", &self.0)?.into_path();
            if path.file_name().is_some_and(|name| name.starts_with('@')) {
                names.push(path);
            }
        }
        names.sort_by(|a, b| b.cmp(a));
        Ok(names)
    }

    /// Writes what comes after the place at which this file is, across rotations, until `out` takes no more.
    ///
    /// # Errors
    /// Where the file cannot be read; and always where `out` cannot be written any more.
    pub fn follow(&self, mut file: File, out: &mut dyn Write) -> Result<(), Error> {
        const LOOK_EVERY: Duration = Duration::from_millis(100);
        let mut missing = 0;
        loop {
            let next = self.after(&file)?;
            // What was written before a rotation is read from the file that is open, before the next one is.
            io::copy(&mut file, out).and_then(|_| out.flush()).map_err(Error::Output)?;
            match next {
                Next::File(next) => {
                    file = next;
                    missing = 0;
                }
                // Once can be the moment between two steps of a rotation.
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

    /// The files from the oldest to `current`; there may be several more than at the last look.
    fn files(&self) -> Result<Vec<Utf8PathBuf>, Error> {
        let older = self.older()?.into_iter().rev();
        Ok(older.chain([self.0.join("current")]).collect())
    }

    fn after(&self, file: &File) -> Result<Next, Error> {
        let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let open = file.metadata().map(id).context("read", &self.0)?;
        let look = || -> Result<Option<Option<Utf8PathBuf>>, Error> {
            let files = self.files()?;
            let place = files.iter().position(|path| fs::metadata(path).map(id).is_ok_and(|found| found == open));
            Ok(place.map(|place| files.get(place + 1).cloned()))
        };
        let Some(path) = look()? else { return Ok(Next::Unknown) };
        // s6-log renames while this looks: what was opened may not be the next one any more. A second look knows all that
        // are older than it. Where the two disagree, the next round tells.
        let Some(Ok(next)) = path.map(File::open) else { return Ok(Next::None) };
        let opened = next.metadata().map(id).context("read", &self.0)?;
        match look()? {
            Some(Some(path)) if fs::metadata(&path).map(id).is_ok_and(|found| found == opened) => Ok(Next::File(next)),
            _ => Ok(Next::None),
        }
    }

    fn oldest(&self) -> Result<File, Error> {
        let first = self.files()?.into_iter().next().unwrap_or_else(|| self.0.join("current"));
        File::open(&first).context("read", first)
    }
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

fn count(text: &[u8]) -> usize {
    text.split_inclusive(|&byte| byte == b'\n').count()
}

/// Where the last so many lines of a text begin.
fn start_of_last(text: &[u8], lines: usize) -> usize {
    let skipped = count(text).saturating_sub(lines);
    text.split_inclusive(|&byte| byte == b'\n').take(skipped).map(<[u8]>::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines() {
        let text = b"one\ntwo\nthree";
        for (lines, expected) in
            [(0, ""), (1, "three"), (2, "two\nthree"), (3, "one\ntwo\nthree"), (9, "one\ntwo\nthree")]
        {
            assert_eq!(&text[start_of_last(text, lines)..], expected.as_bytes(), "{lines}");
        }
        assert_eq!(start_of_last(b"", 3), 0);
    }
}
