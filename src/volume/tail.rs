//! Reads the log of a service: first the existing text, and then what comes, across rotations. A reader never has to hold more of it than a block.

use std::collections::VecDeque;
use std::fs::File;

use super::error::VolumeError;
use super::log_file::block;
use super::logs::{Current, LogDir, Next, Part, Past};
use crate::base::text::reason;

/// The most that is shown at once, in bytes. This is the largest file that s6-log may be told to write (`--log-size`).
const MOST_SHOWN: u64 = 256 << 20;

/// A log that is read. The lines of its past are those that existed when it was opened.
#[derive(Debug)]
pub(crate) struct Tail {
    log: LogDir,
    /// The parts of older files that are still to read.
    parts: VecDeque<Part>,
    /// The part that is being read.
    part: Option<(Part, File)>,
    current: Current,
    /// What came after the current file at the last look.
    after: Option<Next>,
    /// How often in a row the current file was not found.
    missing: u32,
}

impl Tail {
    /// Opens a log to read the requested part of the past, and then what comes. If that past is longer than 256 MiB, only its end is read.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn of(log: LogDir, past: Past) -> Result<Self, VolumeError> {
        Self::no_more_than(MOST_SHOWN, log, past)
    }

    /// The end of a log: the last `lines` lines, but at most 64 KiB.
    pub(crate) fn end(log: LogDir, lines: usize) -> Option<Vec<u8>> {
        const MOST: u64 = 64 << 10;
        let mut tail = Self::no_more_than(MOST, log, Past::Lines(lines)).ok()?;
        let mut text = Vec::new();
        let mut block = vec![0; 64 << 10];
        loop {
            match tail.past(&mut block).ok()? {
                0 => return Some(text),
                read => text.extend_from_slice(&block[..read]),
            }
        }
    }

    fn no_more_than(most: u64, log: LogDir, past: Past) -> Result<Self, VolumeError> {
        let (parts, current) = log.past(past, most)?;
        Ok(Self { log, parts: parts.into(), part: None, current, after: None, missing: 0 })
    }

    /// Reads the next bytes of the past; 0 at its end.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn past(&mut self, buffer: &mut [u8]) -> Result<usize, VolumeError> {
        loop {
            if let Some((part, file)) = &mut self.part {
                let read = block(file, part.begin, part.end, buffer);
                let read = read.map_err(|error| self.log.wrong(&part.name, reason(&error)))?;
                if read > 0 {
                    part.begin += read as u64;
                    return Ok(read);
                }
                self.part = None;
            }
            // The files are opened one after the other, because there may be more than can be open at once. s6-log may have deleted one in the
            // meantime.
            let Some(part) = self.parts.pop_front() else { return self.read(buffer) };
            self.part = self.log.file(&part.name).ok().map(|file| (part, file));
        }
    }

    /// Reads the next bytes that came after the past; 0 if none has come yet. The past has to be read first.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn next(&mut self, buffer: &mut [u8]) -> Result<usize, VolumeError> {
        loop {
            let read = self.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            match self.after.take() {
                // Everything that was written before a rotation has to be read from the open file, before the next file is read. So this looks for
                // the next file first, and then at the length of the open one.
                None => {
                    self.after = Some(self.log.after(&self.current.file)?);
                    let length =
                        self.current.file.metadata().map_err(|error| self.log.wrong("", reason(&error)))?.len();
                    self.current.end = self.current.at.max(length);
                }
                Some(Next::File(next)) => self.turn_to(next),
                // The file has been deleted. On some network file systems, a list of names is late for a moment.
                Some(Next::Unknown) if self.missing >= 2 => self.turn_to(self.log.oldest()?),
                Some(Next::Unknown) => {
                    self.missing += 1;
                    return Ok(0);
                }
                Some(Next::None) => return Ok(0),
            }
        }
    }

    fn turn_to(&mut self, file: File) {
        self.current = Current { file, at: 0, end: 0 };
        self.missing = 0;
    }

    /// Reads the part of the current file that is known to exist.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, VolumeError> {
        let Current { file, at, end } = &mut self.current;
        let read = block(file, *at, *end, buffer).map_err(|error| self.log.wrong("", reason(&error)))?;
        // If the file was truncated, nothing is left before its old end.
        *at = if read == 0 { *end } else { *at + read as u64 };
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
