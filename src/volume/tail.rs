//! The log of a service as it is read: first what is there, and then what comes, across rotations. Nobody has to hold more of it than a block.

use std::collections::VecDeque;
use std::fs::File;

use super::error::VolumeError;
use super::log_file::block;
use super::logs::{Current, LogDir, Next, Part, Past};
use crate::base::text::reason;

/// The most that is shown at once, in bytes: the largest file that s6-log is told to write (`--log-size`).
const MOST_SHOWN: u64 = 256 << 20;

/// A log that is read. The lines of its past are those that were there when it was opened.
#[derive(Debug)]
pub(crate) struct Tail {
    log: LogDir,
    /// What is still to be read of older files.
    parts: VecDeque<Part>,
    /// The one that is read.
    part: Option<(Part, File)>,
    current: Current,
    /// What came after the current file when it was looked at last.
    after: Option<Next>,
    /// How often in a row the current file was not found.
    missing: u32,
}

impl Tail {
    /// Opens a log for reading: the part of the past that is asked for, and then what comes. Of a past that is longer than 256 MiB, it is the end.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn of(log: LogDir, past: Past) -> Result<Self, VolumeError> {
        Self::no_more_than(MOST_SHOWN, log, past)
    }

    /// The end of a log: the last `lines` lines, and no more than 64 KiB of them.
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
            // Opened one after the other, as there may be more of them than can be open at once. s6-log may have deleted one meanwhile.
            let Some(part) = self.parts.pop_front() else { return self.read(buffer) };
            self.part = self.log.file(&part.name).ok().map(|file| (part, file));
        }
    }

    /// Reads the next bytes that came after the past; 0 if none has come by now. The past has to be read before.
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
                // What was written before a rotation is read from the file that is open, before the next one is: so this looks for the next
                // one first, and then how long this one is.
                None => {
                    self.after = Some(self.log.after(&self.current.file)?);
                    let length =
                        self.current.file.metadata().map_err(|error| self.log.wrong("", reason(&error)))?.len();
                    self.current.end = self.current.at.max(length);
                }
                Some(Next::File(next)) => self.turn_to(next),
                // It has been deleted. On some file systems of a network, a list of names is behind for a moment.
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

    /// Reads what the current file is known to have.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, VolumeError> {
        let Current { file, at, end } = &mut self.current;
        let read = block(file, *at, *end, buffer).map_err(|error| self.log.wrong("", reason(&error)))?;
        // If it was cut, nothing is there before its old end.
        *at = if read == 0 { *end } else { *at + read as u64 };
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
